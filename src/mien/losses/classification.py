"""Losses of one class out of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def soft_targets(label: Tensor, classes: int, smoothing: float = 0.0) -> Tensor:
    """Class codes as distributions, a share of which is spread evenly over all classes.

    Source: Szegedy et al., "Rethinking the Inception Architecture", arXiv:1512.00567, section 7.

    Args:
        label: (n,) class codes.
        classes: number of classes.
        smoothing: that share, in [0, 1).

    Returns:
        (n, classes) float32; rows sum to 1.

    Example:
        >>> [round(v, 3) for v in soft_targets(torch.tensor([1]), 2, 0.1)[0].tolist()]
        [0.05, 0.95]
    """
    return F.one_hot(label, classes).float() * (1 - smoothing) + smoothing / classes


class CrossEntropy(nn.Module):
    """Cross-entropy with distributions as targets: the mean over the batch of -sum_c w_c t_c log softmax(z)_c.

    With weights it is divided by the sum of the weights of the targets, as usual for codes.

    Args:
        weight: one number for each class; None weights all alike.
    """

    def __init__(self, weight: Sequence[float] | None = None) -> None:
        super().__init__()
        self.register_buffer("weight", None if weight is None else torch.tensor(weight, dtype=torch.float32))
        self.weight: Tensor | None

    def forward(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``logits`` (n, classes) of ``out`` against ``target`` (n, classes) of ``batch``."""
        log = out["logits"].float().log_softmax(1)
        target = batch["target"] if self.weight is None else batch["target"] * self.weight
        return {"loss": -(target * log).sum() / target.sum()}
