"""Overlaps of boxes and the losses made of them; boxes are x1 y1 x2 y2 in any unit."""

from __future__ import annotations

from torch import Tensor

TINY = 1e-9  # an area below which a box counts as a point


def area(boxes: Tensor) -> Tensor:
    """Area of each box; 0 for one turned inside out. (..., 4) -> (...)"""
    size = (boxes[..., 2:] - boxes[..., :2]).clamp_min(0)
    return size[..., 0] * size[..., 1]


def box_iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union, in [0, 1], of boxes that broadcast. (..., 4), (..., 4) -> (...)

    Example:
        >>> from torch import tensor
        >>> round(box_iou(tensor([0.0, 0, 10, 10]), tensor([5.0, 0, 15, 10])).item(), 3)
        0.333
    """
    return _overlap(first, second)[0]


def box_giou(first: Tensor, second: Tensor) -> Tensor:
    """Generalised IoU, in (-1, 1]: IoU less the share of the smallest box around both that neither covers.

    Source: Rezatofighi et al., "Generalized Intersection over Union", arXiv:1902.09630, algorithm 1.

    Example:
        >>> from torch import tensor
        >>> round(box_giou(tensor([0.0, 0, 1, 1]), tensor([2.0, 0, 3, 1])).item(), 3)
        -0.333
    """
    iou, union = _overlap(first, second)
    low, high = first[..., :2].minimum(second[..., :2]), first[..., 2:].maximum(second[..., 2:])
    around = (high - low).prod(-1).clamp_min(TINY)
    return iou - (around - union) / around


def _overlap(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    low, high = first[..., :2].maximum(second[..., :2]), first[..., 2:].minimum(second[..., 2:])
    size = (high - low).clamp_min(0)
    shared = size[..., 0] * size[..., 1]
    union = area(first) + area(second) - shared
    return shared / union.clamp_min(TINY), union


def squared_iou_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """1 - IoU^2 of each pair, in [0, 1]: the loss of boxes in YOLOX. (..., 4), (..., 4) -> (...)"""
    return 1 - box_iou(found, wanted).square()


def giou_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """1 - GIoU of each pair, in [0, 2): falls also where the boxes do not touch. (..., 4), (..., 4) -> (...)"""
    return 1 - box_giou(found, wanted)
