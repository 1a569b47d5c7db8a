"""Which places of a detector answer for which box: SimOTA, and the loss of YOLOX that rests on it.

Source: Ge et al., "YOLOX", arXiv:2107.08430, section 2.1, from "OTA", arXiv:2103.14259 (cost and centre prior, Eq. 5; dynamic k,
section 3.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import InputError
from ..nn.yolox import STRIDES, places
from .boxes import box_iou, squared_iou_loss

OUTSIDE = 1e5  # cost of a place that is not both in the box and near its middle
LEAST = 1e-8  # added to an overlap before its logarithm is taken


@dataclass(frozen=True, eq=False)
class Found:
    """What a detector gives for one picture: boxes (a, 4) in pixels, objectness (a,) and scores (a, classes) as logits."""

    boxes: Tensor
    objectness: Tensor
    scores: Tensor


@dataclass(frozen=True, eq=False)
class Places:
    """Where a detector looks: centres (a, 2) x y in pixels and strides (a,)."""

    centres: Tensor
    strides: Tensor


@dataclass(frozen=True, eq=False)
class Assigned:
    """The places (k,) that answer for a box, the number of that box (k,), and how far they overlap it now (k,)."""

    place: Tensor
    box: Tensor
    overlap: Tensor


@torch.no_grad()
def simota(found: Found, where: Places, boxes: Tensor, label: Tensor, radius: float = 2.5, top: int = 10) -> Assigned:
    """The places of one picture that answer for its boxes, by SimOTA.

    A place may answer when its middle lies in some box, or within ``radius`` strides of some box's middle. For box i and place j

        cost_ij = BCE(sqrt(p_class p_object), one-hot of i) + 3 (-log IoU_ij) + 1e5 [j not in i, or not near its middle]

    Box i takes the k_i places of least cost, where k_i is the sum of its ``top`` largest overlaps, rounded down, and at least 1.
    A place that several boxes take answers for the one of least cost.

    Args:
        found: what the detector gives.
        where: its places.
        boxes: (m, 4) true boxes in pixels.
        label: (m,) their classes.
        radius: in strides, to each side.
        top: overlaps that are added up.

    Returns:
        In the order of the places; empty where there is no box, or no place for any.
    """
    inside, near = _candidates(where, boxes, radius)
    may = (inside | near).any(0).nonzero()[:, 0] if len(boxes) else boxes.new_zeros(0, dtype=torch.long)
    if not len(may):
        none = boxes.new_zeros(0)
        return Assigned(none.long(), none.long(), none)
    overlap = box_iou(boxes[:, None], found.boxes[may])
    shares = (found.scores[may].sigmoid() * found.objectness[may].sigmoid()[:, None]).sqrt()
    wanted = F.one_hot(label, shares.shape[1]).float()[:, None].expand(-1, len(may), -1)
    named = F.binary_cross_entropy(shares.expand(len(boxes), -1, -1), wanted, reduction="none").sum(-1)
    cost = named - 3 * (overlap + LEAST).log() + OUTSIDE * ~(inside & near)[:, may]
    chosen = _chosen(cost, overlap, top)
    box, place = (chosen.long().argmax(0)[chosen.any(0)], chosen.any(0).nonzero()[:, 0])
    return Assigned(may[place], box, overlap[box, place])


def _candidates(where: Places, boxes: Tensor, radius: float) -> tuple[Tensor, Tensor]:
    """Whether each place (m, a) lies in each box, and near its middle."""
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    inside = ((where.centres > low) & (where.centres < high)).all(-1)
    away = (where.centres - (low + high) / 2).abs()
    return inside, (away < radius * where.strides[:, None]).all(-1)


def _chosen(cost: Tensor, overlap: Tensor, top: int) -> Tensor:
    """Which places (m, a) each box takes, none of them twice."""
    several = overlap.topk(min(top, overlap.shape[1]), 1).values.sum(1).int().clamp(1, overlap.shape[1])
    rank = cost.argsort(dim=1, stable=True).argsort(dim=1)
    taken = rank < several[:, None]
    disputed = taken.sum(0) > 1
    cheapest = F.one_hot(cost.argmin(0), len(cost)).T.bool()
    return torch.where(disputed, cheapest, taken)


class YoloxLoss(nn.Module):
    """The loss of YOLOX: (5 sum_fg (1 - IoU^2) + sum BCE(object) + sum_fg BCE(class, IoU one-hot)) / max(N_fg, 1).

    fg are the places that answer for a box, and N_fg their number in the batch.

    Args:
        weight: of the boxes.
        radius: see :func:`simota`.
        strides: of the places.
    """

    def __init__(self, weight: float = 5.0, radius: float = 2.5, strides: Sequence[int] = STRIDES) -> None:
        super().__init__()
        self.weight, self.radius, self.strides = weight, radius, tuple(strides)

    def forward(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """
        Args:
            out: ``boxes`` (n, a, 4) as shares of the picture, ``objectness`` (n, a) and ``scores`` (n, a, classes) logits.
            batch: ``image`` (n, c, h, w), ``boxes`` (n, m, 4) as shares, ``label`` (n, m), ``held`` (n, m) which there are.

        Raises:
            InputError: the places do not fit the picture, or a label is beyond the classes.
        """
        height, width = batch["image"].shape[2:]
        centres, strides = (value.to(out["boxes"].device) for value in places(height, width, self.strides))
        self._fit(out, batch, len(centres))
        side = out["boxes"].new_tensor([width, height, width, height])
        boxes, objects, names = out["boxes"].new_zeros(()), torch.zeros_like(out["objectness"]), out["boxes"].new_zeros(())
        count, where = 0, Places(centres, strides)
        for row, held in enumerate(batch["held"]):
            found = Found(out["boxes"][row] * side, out["objectness"][row], out["scores"][row])
            wanted, label = batch["boxes"][row][held] * side, batch["label"][row][held]
            given = simota(found, where, wanted, label, self.radius)
            boxes = boxes + squared_iou_loss(found.boxes[given.place], wanted[given.box]).sum()
            target = F.one_hot(label[given.box], found.scores.shape[1]) * given.overlap[:, None]
            names = names + F.binary_cross_entropy_with_logits(found.scores[given.place], target, reduction="sum")
            objects[row, given.place] = 1
            count += len(given.place)
        objectness = F.binary_cross_entropy_with_logits(out["objectness"], objects, reduction="sum")
        parts = {"box": self.weight * boxes, "object": objectness, "class": names}
        parts = {name: value / max(count, 1) for name, value in parts.items()}
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}

    def _fit(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor], count: int) -> None:
        if out["boxes"].shape[1] != count:
            height, width = batch["image"].shape[2:]
            got = f"{out['boxes'].shape[1]} places for a picture of {width} x {height}"
            raise InputError(got, f"{count}, those of the strides {self.strides}")
        classes = out["scores"].shape[2]
        if batch["label"].numel() and int(batch["label"].max()) >= classes:
            raise InputError(f"class {int(batch['label'].max())} of {classes}", "as many classes as the protocol has")
