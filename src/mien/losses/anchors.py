"""Losses of networks with trained anchors for each class: anchors apart, samples near their own, answers right."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from .classification import CrossEntropy


def anchor_loss(anchors: Tensor, within: bool = False) -> Tensor:
    """Pushes anchors apart: the mean over pairs of -||a - b||^2 / sqrt(size).

    Source: the anchor losses of arXiv:2305.01486 and arXiv:2410.15927, with the mean in place of their sum. Every anchor of a
    class meets every one of the others, so that their numbering means nothing. It has no lower bound, unless the anchors have one
    length.

    Args:
        anchors: (classes, K, size).
        within: whether anchors of the same class are pushed apart too.

    Returns:
        () 0 or less; 0 without a gradient where all anchors are the same point.

    Example:
        >>> float(anchor_loss(torch.tensor([[[0.0]], [[3.0]]])))
        -9.0
    """
    classes, count, size = anchors.shape
    points = anchors.flatten(0, 1)
    # a common centre changes no distance and keeps the products small
    points = points - points.mean(0).detach()
    length = points.square().sum(1)
    square = (length[:, None] + length[None] - 2 * points @ points.T).clamp_min(0)
    of = torch.arange(classes, device=anchors.device).repeat_interleave(count)
    pairs = torch.ones_like(square, dtype=torch.bool).triu(1) if within else of[:, None] < of[None]
    return -(square * pairs).sum() / pairs.sum().clamp_min(1) / size**0.5


def centre_loss(distance: Tensor, label: Tensor, size: int, confidence: Tensor | None = None, squared: bool = False) -> Tensor:
    """Pulls each sample and the nearest anchor of its class together: the mean of c_b min_k d_bk / sqrt(size).

    Source: the centre losses of arXiv:2305.01486 (distance, weighted) and arXiv:2410.15927 (squared, all alike; there a sum).

    Args:
        distance: (n, classes, K) to the anchors.
        label: (n,) class codes.
        size: of the embedding.
        confidence: (n,) weights, through which no gradient flows; None for 1.
        squared: take the square of the distance.

    Returns:
        () 0 or more.

    Example:
        >>> far = torch.tensor([[[3.0, 2.0], [9.0, 9.0]]])
        >>> float(centre_loss(far, torch.tensor([0]), 4)), float(centre_loss(far, torch.tensor([0]), 4, squared=True))
        (1.0, 2.0)
    """
    nearest = distance[torch.arange(len(label), device=label.device), label].amin(1)
    if squared:
        nearest = nearest.square()
    if confidence is not None:
        nearest = confidence.detach() * nearest
    return nearest.mean() / size**0.5


class ReliabilityLoss(nn.Module):
    """Cross-entropy of the corrected distribution, and what keeps anchors apart and near their samples.

    L = L_cls + trust (anchor L_anchor + centre L_centre), with L_cls the mean of -sum_c t_c log r_c. A network without anchors,
    or one that is not training, gives the first term alone.

    Args:
        anchor, centre: weights of the two.
        within: of :func:`anchor_loss`.
        squared: whether the centre loss takes squares of distances, all alike, or distances weighted by confidence.
    """

    def __init__(self, anchor: float = 1.0, centre: float = 1.0, within: bool = False, squared: bool = False) -> None:
        super().__init__()
        self.anchor, self.centre = anchor, centre
        self.within, self.squared = within, squared
        # the logits of a corrected distribution are its logarithm, and the softmax takes nothing off that
        self.distribution = CrossEntropy()

    def forward(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``logits`` (n, classes), ``anchors``, ``distance``, ``confidence``, ``trust`` of ``out``; ``target``, ``label``."""
        loss: Tensor = self.distribution(out, batch)["loss"]
        if "anchors" not in out:
            return {"loss": loss}
        size = out["anchors"].shape[2]
        apart = anchor_loss(out["anchors"], self.within)
        sure = None if self.squared else out["confidence"]
        near = centre_loss(out["distance"], batch["label"], size, sure, self.squared)
        whole = loss + out["trust"] * (self.anchor * apart + self.centre * near)
        return {"loss": whole, "distribution": loss, "anchor": apart, "centre": near}
