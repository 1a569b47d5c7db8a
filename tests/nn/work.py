"""Multiplications of a network with all its matrix products, those of attention too; it is built without values."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def multiplied(make: Callable[[], nn.Module], *shape: int) -> tuple[int, float]:
    """Parameters, and 10^9 multiplications of convolutions and matrix products for one picture of that shape."""
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        net = make().eval()
        net(torch.empty(1, *shape))
    return sum(p.numel() for p in net.parameters()), counter.get_total_flops() / 2e9
