"""Losses where parts of a target may be missing: what nobody labelled weighs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of the values where the mask is true; 0 where it is nowhere."""
    return (values * mask).sum() / mask.sum().clamp_min(1)


class Presence(nn.Module):
    """Binary cross-entropy of several labels at once, the mean over those that are known.

    Args:
        weight: of the positive side of each label; None weighs both sides alike.
    """

    def __init__(self, weight: Sequence[float] | None = None) -> None:
        super().__init__()
        self.register_buffer("weight", None if weight is None else torch.tensor(weight, dtype=torch.float32))
        self.weight: Tensor | None

    def forward(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``logits`` (n, labels) of ``out`` against ``present`` (n, labels) of ``batch``: 0, 1 or NaN."""
        wanted = batch["present"]
        known = ~wanted.isnan()
        each = F.binary_cross_entropy_with_logits(out["logits"], wanted.nan_to_num(), reduction="none", pos_weight=self.weight)
        return {"loss": masked_mean(each, known)}


class Numbers(nn.Module):
    """Mean squared error over the numbers that are known."""

    def forward(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``values`` (n, k) of ``out`` against ``values`` (n, k) of ``batch``, NaN where not known."""
        known = ~batch["values"].isnan()
        return {"loss": masked_mean((out["values"] - batch["values"].nan_to_num()) ** 2, known)}
