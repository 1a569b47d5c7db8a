"""Convolution blocks of the small networks: dense 3x3 convolutions, which a CPU runs at a higher rate than depthwise ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def conv_norm(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution and batch norm; the two become one convolution at inference."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class FusedBlock(nn.Module):
    """Fused inverted residual: 3x3 convolution to ``expand`` times the width, then 1x1 back, added to the input.

    Source: Tan and Le, "EfficientNetV2", arXiv:2104.00298, figure 2 (without squeeze-and-excitation).
    Shapes: (n, inputs, h, w) -> (n, outputs, h / stride, w / stride).
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, expand: int = 2) -> None:
        super().__init__()
        hidden = inputs * expand if stride == 1 else outputs * expand // 2
        self.grow = conv_norm(inputs, hidden, 3, stride)
        self.shrink = conv_norm(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.shrink(torch.relu(self.grow(x)))
        return x + y if self.residual else y


def stages(inputs: int, widths: tuple[int, ...], depths: tuple[int, ...], expand: int = 2) -> nn.Sequential:
    """Fused blocks in stages; the first block of each stage halves the picture."""
    blocks: list[nn.Module] = []
    for width, depth in zip(widths, depths, strict=True):
        for k in range(depth):
            blocks.append(FusedBlock(inputs, width, 2 if k == 0 else 1, expand))
            inputs = width
    return nn.Sequential(*blocks)


def stem(outputs: int, inputs: int = 3, stride: int = 2) -> nn.Sequential:
    """The first convolution: 3x3, halves the picture by default."""
    return nn.Sequential(conv_norm(inputs, outputs, 3, stride), nn.ReLU(inplace=True))


class InvertedBlock(nn.Module):
    """Inverted residual: 1x1 up, depthwise, 1x1 down; few parameters and a wide view for the small maps of a detector.

    Source: Sandler et al., "MobileNetV2", arXiv:1801.04381, figure 4 (with ReLU in place of ReLU6, 5x5 by default).
    Shapes: (n, inputs, h, w) -> (n, outputs, h / stride, w / stride).
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, expand: int = 3, kernel: int = 5) -> None:
        super().__init__()
        hidden = inputs * expand
        self.grow = conv_norm(inputs, hidden, 1)
        self.look = conv_norm(hidden, hidden, kernel, stride, hidden)
        self.shrink = conv_norm(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.shrink(torch.relu(self.look(torch.relu(self.grow(x)))))
        return x + y if self.residual else y
