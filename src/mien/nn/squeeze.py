"""Squeeze-and-excitation: channels weighted by what the whole map holds."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import InputError


class SqueezeExcite(nn.Module):
    """A gate for each channel: s = sigmoid(W2 relu(W1 z)), z the mean over the map; the map is multiplied by s.

    Source: Hu, Shen and Sun, "Squeeze-and-Excitation Networks", arXiv:1709.01507, Eq. 2-4.

    Args:
        width: channels c.
        ratio: r, how much narrower the hidden layer is; 1 keeps its width.
        bias: whether the two linear layers have one.

    Raises:
        InputError: a ratio below 1 or above the width.
    """

    def __init__(self, width: int, ratio: int = 16, bias: bool = True) -> None:
        super().__init__()
        if not 1 <= ratio <= width:
            raise InputError(f"a ratio of {ratio} for {width} channels", "1 to the number of channels")
        self.squeeze = nn.Linear(width, width // ratio, bias)
        self.excite = nn.Linear(width // ratio, width, bias)

    def gate(self, x: Tensor) -> Tensor:
        """(n, c) weights in (0, 1), for what :meth:`forward` takes."""
        if not 2 <= x.ndim <= 4:
            raise InputError(f"values with {x.ndim} axes", "(n, c), (n, tokens, c) or (n, c, h, w)")
        mean = x.mean((2, 3)) if x.ndim == 4 else x.mean(1) if x.ndim == 3 else x
        return torch.sigmoid(self.excite(torch.relu(self.squeeze(mean))))

    def forward(self, x: Tensor) -> Tensor:
        """Vectors (n, c), tokens (n, t, c) or maps (n, c, h, w) -> the same shape.

        Raises:
            InputError: another number of axes.
        """
        gate = self.gate(x)
        if x.ndim == 4:
            return x * gate[:, :, None, None]
        return x * gate[:, None] if x.ndim == 3 else x * gate
