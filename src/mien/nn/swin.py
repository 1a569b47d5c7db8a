"""Swin Transformer: attention inside windows that shift from block to block, on maps that halve from stage to stage."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import InputError
from .windows import DropPath, WindowAttention, Windows, mlp

HEAD = 32  # channels of each head


class SwinBlock(nn.Module):
    """x + attention(LN(x)), then x + MLP(LN(x)).

    Source: Liu et al., "Swin Transformer", arXiv:2103.14030, Eq. 3.

    Args:
        windows: how the map is cut; every second block of a stage shifts by half a window.
        width: channels.
        drop: chance that a sample goes without a branch in training.
    """

    def __init__(self, windows: Windows, width: int, drop: float = 0.0) -> None:
        super().__init__()
        self.windows = windows
        self.norm1, self.attention = nn.LayerNorm(width), WindowAttention(width, width // HEAD, windows.window)
        self.norm2, self.mlp = nn.LayerNorm(width), mlp(width)
        self.path = DropPath(drop)

    def forward(self, x: Tensor) -> Tensor:
        """(n, h, w, c) -> (n, h, w, c)."""
        found = self.attention(self.windows.cut(self.norm1(x)), mask=self.windows.mask)
        x = x + self.path(self.windows.paste(found))
        y: Tensor = x + self.path(self.mlp(self.norm2(x)))
        return y


class Merge(nn.Module):
    """Patch merging: 2 x 2 cells become one of twice the channels.

    Source: arXiv:2103.14030, section 3.1. A map with an odd side is padded. Shapes: (n, h, w, c) -> (n, h / 2, w / 2, 2c).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.reduce = nn.LayerNorm(4 * width), nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        cells = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        y: Tensor = self.reduce(self.norm(torch.cat(cells, -1)))
        return y


class Swin(nn.Module):
    """The network without a classifier.

    Args:
        width: channels of the first stage, a multiple of 32; each stage has twice those of the one before. 96 for T and S, 128
            for B.
        depths: blocks of each stage. (2, 2, 6, 2) for T, (2, 2, 18, 2) for S and B.
        window: cells along each side of a window; a smaller map is one window.
        size: height and width of the picture, a multiple of ``patch``.
        drop: chance of :class:`mien.nn.windows.DropPath` in the last block; it grows evenly from 0 in the first.
        patch: pixels along each side of what becomes a cell of the first map.

    Attributes:
        width: channels of the last stage, the length of the embedding.

    Raises:
        InputError: a width or a size that is no such multiple.
    """

    def __init__(
        self,
        width: int = 96,
        depths: Sequence[int] = (2, 2, 6, 2),
        window: int = 7,
        size: int = 224,
        drop: float = 0.2,
        patch: int = 4,
    ) -> None:
        super().__init__()
        if width % HEAD or size % patch:
            raise InputError(f"{width} channels, pictures of {size} pixels", f"multiples of {HEAD} and of {patch}")
        self.size = size
        self.patch, self.norm = nn.Conv2d(3, width, patch, patch), nn.LayerNorm(width)
        drops = torch.linspace(0, drop, sum(depths), device="cpu").tolist()
        side, stages = size // patch, list[nn.Module]()
        for k, depth in enumerate(depths):
            stage: list[nn.Module] = []
            if k:
                stage.append(Merge(width))
                side, width = -(-side // 2), 2 * width
            for block in range(depth):
                # one window has no borders to shift across
                half = window // 2 if block % 2 and side > window else 0
                stage.append(SwinBlock(Windows(side, side, min(window, side), half), width, drops.pop(0)))
            stages.append(nn.Sequential(*stage))
        self.stages, self.last, self.width = nn.ModuleList(stages), nn.LayerNorm(width), width
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def maps(self, image: Tensor) -> list[Tensor]:
        """(n, 3, size, size) -> the map of each stage (n, h, w, c), of patches of 4 pixels a 4th, 8th, 16th and 32nd of the side.

        Raises:
            InputError: a picture of another size.
        """
        # while a network is traced its sizes are no plain numbers
        tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        if not tracing and image.shape[2:] != (self.size, self.size):
            got = f"pictures of {' x '.join(map(str, image.shape[2:]))} pixels"
            raise InputError(got, f"{self.size} x {self.size}", "give the network that size")
        x, found = self.norm(self.patch(image).permute(0, 2, 3, 1)), []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """
        Args:
            image: (n, 3, size, size), normalised.

        Returns:
            ``features`` (n, cells, width), the last map after layer norm, and ``embedding`` (n, width), their mean.
        """
        features = self.last(self.maps(image)[-1]).flatten(1, 2)
        return {"features": features, "embedding": features.mean(1)}
