"""Plain networks: blocks of convolution, batch norm, ReLU, max pooling and dropout, then a stack of linear layers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..errors import InputError


class PlainBlock(nn.Module):
    """3x3 convolutions with bias, each with batch norm and ReLU; then 2x2 max pooling and dropout.

    Shapes: (n, inputs, h, w) -> (n, outputs, h // 2, w // 2), or (n, outputs, h, w) without pooling.

    Args:
        inputs, outputs: channels.
        convs: number of convolutions.
        shared: one batch norm for all convolutions of the block instead of one for each.
        dropout: share of values that is dropped in training.
        pool: whether the map is halved.
    """

    def __init__(
        self, inputs: int, outputs: int, convs: int = 1, shared: bool = False, dropout: float = 0.0, pool: bool = True
    ) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(outputs if k else inputs, outputs, 3, 1, 1) for k in range(convs))
        self.norms = nn.ModuleList(nn.BatchNorm2d(outputs) for _ in range(1 if shared else convs))
        self.pool: nn.Module = nn.MaxPool2d(2) if pool else nn.Identity()
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        for k, conv in enumerate(self.convs):
            x = torch.relu(self.norms[k % len(self.norms)](conv(x)))
        y: Tensor = self.drop(self.pool(x))
        return y


def plain_blocks(inputs: int, widths: Sequence[int], convs: int = 1, shared: bool = False, dropout: float = 0.0) -> nn.Sequential:
    """Blocks one after the other, without dropout after the last; each halves the map."""
    blocks = []
    for k, (before, width) in enumerate(pairwise((inputs, *widths))):
        blocks.append(PlainBlock(before, width, convs, shared, dropout if k < len(widths) - 1 else 0.0))
    return nn.Sequential(*blocks)


def dense(sizes: Sequence[int], dropout: Sequence[float] = ()) -> nn.Sequential:
    """Linear layers with ReLU between them.

    Args:
        sizes: length of the input, of each hidden layer and of the output.
        dropout: share that is dropped after each hidden layer; none where the list is empty.

    Raises:
        InputError: the list of dropouts is neither empty nor as long as that of the hidden layers.
    """
    if len(dropout) not in (0, len(sizes) - 2):
        raise InputError(f"{len(dropout)} dropouts for {len(sizes) - 2} hidden layers", "one for each, or none")
    layers: list[nn.Module] = []
    for k, (inputs, outputs) in enumerate(pairwise(sizes)):
        layers.append(nn.Linear(inputs, outputs))
        if k < len(sizes) - 2:
            layers.append(nn.ReLU(inplace=True))
            if dropout and dropout[k]:
                layers.append(nn.Dropout(dropout[k]))
    return nn.Sequential(*layers)


class PlainNet(nn.Module):
    """Blocks, the mean over a grid of cells, and linear layers.

    Args:
        blocks: such as :func:`plain_blocks`.
        head: such as :func:`dense`; its input is width x side x side.
        side: cells of the grid along each side, so that any size of picture fits the head.
    """

    def __init__(self, blocks: nn.Sequential, head: nn.Sequential, side: int = 1) -> None:
        super().__init__()
        self.blocks = blocks
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(side), nn.Flatten())
        self.head = head

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, channels, h, w) -> ``logits`` (n, classes) and ``embedding`` (n, width x side x side), what the head reads."""
        embedding = self.pool(self.blocks(image))
        return {"logits": self.head(embedding), "embedding": embedding}
