"""Boxes with classes: the network gives ``boxes`` (n, a, 4), ``objectness`` (n, a) and ``scores`` (n, a, classes) of all places.

Boxes are x1 y1 x2 y2 as shares of the picture's width and height, so that it does not matter how the picture was scaled; the
overlaps of boxes do not change by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..datasets.sample import Sample
from ..errors import InputError
from ..geometry.boxes import nms
from ..losses.assignment import YoloxLoss
from ..protocols import classes, targets
from .recipe import Recipe

if TYPE_CHECKING:
    from ..protocols import Protocol

Arrays = dict[str, NDArray[np.generic]]
MOVING = ("flip", "scale", "rotate", "shift", "mixup")
LOWEST, OVERLAP = 0.001, 0.5  # least score, and most overlap of two answers of one class
CANDIDATES, KEPT = 300, 100  # places that are looked at, and boxes of a picture


def arrays(protocol: Protocol, samples: Sequence[Sample], recipe: Recipe) -> Arrays:
    """``boxes`` (n, m, 4) as shares, ``label`` (n, m) class codes, and ``held`` (n, m) which of them there are.

    A face whose class does not count is left out, and what lies there is background.

    Raises:
        InputError: the recipe moves or mixes pictures, whose boxes would stay where they are; or the boxes have no classes.
    """
    _still(recipe)
    if protocol.kind != "faces":
        raise InputError(f"{protocol.name}, whose boxes have no classes", "a protocol with the field 'faces'")
    found = np.asarray(targets(protocol, samples), np.float64)
    held = np.asarray(~np.isnan(found).any(2), np.bool_)
    filled = np.where(held[..., None], found, 0)
    return {"boxes": filled[..., :4].astype(np.float32), "label": filled[..., 4].astype(np.int64), "held": held}


def _still(recipe: Recipe) -> None:
    moved = [f"augment.{name}" for name in MOVING if getattr(recipe.augment, name)]
    moved += ["smoothing"] if recipe.smoothing else []
    if moved:
        raise InputError(f"{', '.join(moved)} for boxes", "none of these: boxes are not moved along", f"--set {moved[0]}=0")
    if recipe.views != ("plain",):
        raise InputError(f"the views {', '.join(recipe.views)} for boxes", "'plain' alone: boxes have no mean over views")


def given(protocol: Protocol, arrays: Arrays) -> dict[str, int]:
    """What a loss of a system is told: ``classes``, their number."""
    return {"classes": len(classes(protocol))}


def objective(protocol: Protocol, arrays: Arrays, recipe: Recipe) -> nn.Module:
    """The loss of YOLOX with SimOTA."""
    return YoloxLoss()


def answers(out: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``boxes`` (n, 100, 6): x1 y1 x2 y2 as shares, score, class; best first, rows of NaN where there are no more.

    The score is the share of an object times that of its best class; of boxes of one class that overlap by more than half the
    best stays.
    """
    score, kind = (out["objectness"].float().sigmoid()[..., None] * out["scores"].float().sigmoid()).max(2)
    rows = torch.cat([out["boxes"].float(), score[..., None], kind[..., None].float()], 2)
    few = score.topk(min(CANDIDATES, score.shape[1]), 1).indices
    rows = rows.gather(1, few[..., None].expand(-1, -1, 6))
    found = torch.full((len(rows), KEPT, 6), torch.nan, device=rows.device)
    for number, picture in enumerate(rows):
        kept = best(picture.cpu().numpy())
        found[number, : len(kept)] = torch.from_numpy(kept).to(rows.device)
    return {"boxes": found}


def best(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of boxes (k, 6) those that stay, best first: sure enough, and not the same face and class again.

    Example:
        >>> same = np.array([[0, 0, 1, 1, 0.9, 2], [0, 0, 1, 0.9, 0.8, 2], [0, 0, 1, 1, 0.7, 3]], np.float32)
        >>> best(same)[:, 5].tolist()
        [2.0, 3.0]
    """
    rows = rows[rows[:, 4] >= LOWEST]
    size = float(np.ptp(rows[:, :4])) + 1 if len(rows) else 1.0
    # each class in a region of its own, so that boxes of two classes never overlap
    apart = rows[:, :4] + rows[:, 5:] * size
    return rows[nms(apart, rows[:, 4], OVERLAP, contained=2.0)[:KEPT]]
