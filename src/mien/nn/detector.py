"""The detector: one look at a picture, boxes and five points at strides 8, 16 and 32."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import FusedBlock, InvertedBlock, conv_norm, stem

STRIDES = (8, 16, 32)


class DetectorNet(nn.Module):
    """Anchor-free detector of faces from about 8 px up to the size of the picture.

    Dense convolutions where the maps are large, depthwise ones where they are small; a top-down path adds the context of
    the coarse maps to the fine ones. Each map has a head of its own: with one head for all three, batch norm would see each
    map's own statistics in training and a mixture of them afterwards.

    Args:
        widths: channels at strides 2, 4, 8, 16, 32.
        neck: channels of the maps that the head sees.
    """

    def __init__(self, widths: tuple[int, ...] = (16, 24, 32, 64, 64), neck: int = 40) -> None:
        super().__init__()
        a, b, c, d, e = widths
        self.stem = stem(a)
        self.quarter = FusedBlock(a, b, 2)
        self.eighth = nn.Sequential(FusedBlock(b, c, 2), FusedBlock(c, c))
        self.sixteenth = nn.Sequential(InvertedBlock(c, d, 2, 4), InvertedBlock(d, d), InvertedBlock(d, d))
        self.last = nn.Sequential(InvertedBlock(d, e, 2), InvertedBlock(e, e))
        self.sides = nn.ModuleList(conv_norm(width, neck, 1) for width in (c, d, e))
        self.heads = nn.ModuleList(head(neck) for _ in STRIDES)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """
        Args:
            image: (n, 3, h, w) RGB in [-1, 1]; h and w are multiples of 32.

        Returns:
            ``scores`` (n, a) logits, ``boxes`` (n, a, 4) and ``points`` (n, a, 10), all places of stride 8 first, row by
            row. In units of the stride: a box is its centre less the place and the logarithm of its width and height; a
            point is its x, y less the place.
        """
        eighth = self.eighth(self.quarter(self.stem(image)))
        sixteenth = self.sixteenth(eighth)
        maps = [side(x) for side, x in zip(self.sides, (eighth, sixteenth, self.last(sixteenth)))]
        maps[1] = maps[1] + F.interpolate(maps[2], scale_factor=2.0)
        maps[0] = maps[0] + F.interpolate(maps[1], scale_factor=2.0)
        flat = torch.cat([head(torch.relu(x)).flatten(2) for head, x in zip(self.heads, maps)], 2).transpose(1, 2)
        return {"scores": flat[..., 0], "boxes": flat[..., 1:5], "points": flat[..., 5:]}


def head(width: int) -> nn.Sequential:
    """Two separable convolutions and the fifteen numbers of a place: score, box, points."""
    out = nn.Conv2d(width, 15, 1)
    assert out.bias is not None
    nn.init.constant_(out.bias[:1], -4.0)  # few places hold a face
    return nn.Sequential(
        conv_norm(width, width, 3, groups=width), conv_norm(width, width, 1), nn.ReLU(),
        conv_norm(width, width, 3, groups=width), conv_norm(width, width, 1), nn.ReLU(),
        out,
    )  # fmt: skip


def places(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Centres (a, 2) in pixels and strides (a,) of all places of a picture of that size, in the order of the output."""
    centres, strides = [], []
    for stride in STRIDES:
        y, x = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        grid = (torch.stack([x, y], -1).reshape(-1, 2).float() + 0.5) * stride
        centres.append(grid)
        strides.append(torch.full((len(grid),), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def decode(boxes: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """Raw boxes (..., a, 4) to x1 y1 x2 y2 in pixels."""
    middle = centres + boxes[..., :2] * strides[:, None]
    half = boxes[..., 2:].clamp(-6, 6).exp() * strides[:, None] / 2
    return torch.cat([middle - half, middle + half], -1)
