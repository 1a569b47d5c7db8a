"""Parameters and multiplications of a network, and whether a gradient reaches all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def counted(make: Callable[[], nn.Module], *shape: int) -> tuple[int, float]:
    """Parameters, and 10^9 multiplications of convolutions and linear layers for one picture of that shape."""
    total = 0

    def add(module: nn.Module, _inputs: object, out: torch.Tensor) -> None:
        nonlocal total
        weight: Any = module.weight
        total += weight.numel() * (out.shape[2:].numel() if isinstance(module, nn.Conv2d) else 1)

    # weights without values: drawing them would take longer than the pass
    with torch.device("meta"):
        net = make()
    net.to_empty(device="cpu").eval()
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(add)
    with torch.no_grad():
        net(torch.zeros(1, *shape))
    return sum(p.numel() for p in net.parameters()), total / 1e9


def dead(net: nn.Module, image: torch.Tensor) -> list[str]:
    """Names of the parameters that a random loss on the logits gives no gradient."""
    net.train()
    net(image)["logits"].mul(torch.randn(1)).square().sum().backward()
    found = net.named_parameters()
    return [n for n, p in found if p.grad is None or not torch.isfinite(p.grad).all() or p.grad.abs().max() == 0]
