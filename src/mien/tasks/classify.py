"""One of several classes: the network gives ``logits`` (n, classes)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ..datasets.sample import Sample
from ..errors import InputError
from ..losses.classification import CrossEntropy
from ..protocols import classes, targets
from .recipe import Recipe

if TYPE_CHECKING:
    from ..protocols import Protocol

Arrays = dict[str, NDArray[np.generic]]


def arrays(protocol: Protocol, samples: Sequence[Sample], recipe: Recipe) -> Arrays:
    """``label`` (n,) class codes and ``target`` (n, classes) distributions, smoothed as the recipe says.

    Raises:
        InputError: a sample has no label.
    """
    found = np.asarray(targets(protocol, samples), np.float64)
    count = len(classes(protocol))
    shares = np.eye(count)[np.nan_to_num(found).astype(int)] if found.ndim == 1 else found
    missing = np.isnan(found) if found.ndim == 1 else np.isnan(found).any(1)
    if missing.any():
        where = samples[int(np.flatnonzero(missing)[0])].id
        raise InputError(f"{missing.sum()} samples without a label, {where} the first", "a label for each", "leave them out")
    target = shares * (1 - recipe.smoothing) + recipe.smoothing / count
    return {"label": shares.argmax(1), "target": target.astype(np.float32)}


def given(protocol: Protocol, arrays: Arrays) -> dict[str, int]:
    """What a loss of a system is told: ``classes``, their number."""
    return {"classes": len(classes(protocol))}


def objective(protocol: Protocol, arrays: Arrays, recipe: Recipe) -> nn.Module:
    """Cross-entropy; with ``balance`` b, class c weighs (n / (classes n_c))^b."""
    if not recipe.balance:
        return CrossEntropy()
    count = np.bincount(arrays["label"].astype(int), minlength=len(classes(protocol)))
    weight = (count.sum() / (len(count) * np.maximum(count, 1))) ** recipe.balance
    return CrossEntropy(weight.tolist())


def answers(out: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``probabilities`` (n, classes), and ``embedding`` where the network gives one."""
    found = {"probabilities": out["logits"].float().softmax(1)}
    if "embedding" in out:
        found["embedding"] = out["embedding"].float()
    return found
