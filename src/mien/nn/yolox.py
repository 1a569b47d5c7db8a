"""Parts of YOLOX: the backbone CSPDarknet and the decoupled head, with boxes decoded at strides 8, 16 and 32.

Source: Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv:2107.08430, section 2; cross-stage partial layers from Wang et
al., "CSPNet", arXiv:1911.11929. Batch norms have the eps 1e-3 and momentum 0.03 of that family.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .scan import fixed

STRIDES = (8, 16, 32)
RARE = 0.01  # share of the places that the head takes for a face before it has learned
WIDEST = 8.0  # logarithm of the largest side, in strides


def conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm and SiLU."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03), nn.SiLU())


class Focus(nn.Module):
    """The four pictures of every second pixel as channels, then a convolution: (n, c, h, w) -> (n, outputs, h / 2, w / 2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = conv(4 * inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        parts = [x[..., row::2, column::2] for column in (0, 1) for row in (0, 1)]
        out: Tensor = self.conv(torch.cat(parts, 1))
        return out


class Bottleneck(nn.Module):
    """1x1 and 3x3 convolution of one width, added to the input where ``shortcut``."""

    def __init__(self, width: int, shortcut: bool) -> None:
        super().__init__()
        self.reduce, self.look, self.shortcut = conv(width, width), conv(width, width, 3), shortcut

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.look(self.reduce(x))
        return x + y if self.shortcut else y


class CspLayer(nn.Module):
    """Two 1x1 convolutions to half the width, one of them followed by bottlenecks; joined by a third."""

    def __init__(self, inputs: int, outputs: int, depth: int = 1, shortcut: bool = True) -> None:
        super().__init__()
        half = outputs // 2
        self.deep = nn.Sequential(conv(inputs, half), *(Bottleneck(half, shortcut) for _ in range(depth)))
        self.plain = conv(inputs, half)
        self.join = conv(2 * half, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.join(torch.cat([self.deep(x), self.plain(x)], 1))
        return out


class PyramidPool(nn.Module):
    """Maxima over 5, 9 and 13 cells beside the map itself, between two 1x1 convolutions. Source: He et al., arXiv:1406.4729."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.reduce = conv(width, width // 2)
        self.pools = nn.ModuleList(nn.MaxPool2d(side, 1, side // 2) for side in (5, 9, 13))
        self.join = conv(width // 2 * 4, width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.reduce(x)
        out: Tensor = self.join(torch.cat([x, *(pool(x) for pool in self.pools)], 1))
        return out


class CspDarknet(nn.Module):
    """The backbone: (n, 3, h, w) -> maps of strides 8, 16, 32 with 256, 512 and 1024 times ``width`` channels.

    Args:
        width: factor of the channels; 0.5 for the small network.
        depth: factor of the bottlenecks in a layer; 0.33 for the small network.
    """

    def __init__(self, width: float = 0.5, depth: float = 0.33) -> None:
        super().__init__()
        first, few = int(64 * width), max(round(3 * depth), 1)
        self.stem = Focus(3, first)
        stages = []
        for number, count in enumerate((few, 3 * few, 3 * few, few)):
            inputs, last = first * 2**number, number == 3
            pool = [PyramidPool(2 * inputs)] if last else []
            csp = CspLayer(2 * inputs, 2 * inputs, count, shortcut=not last)
            stages.append(nn.Sequential(conv(inputs, 2 * inputs, 3, 2), *pool, csp))
        self.stages = nn.ModuleList(stages)
        self.widths = tuple(first * 2**number for number in (2, 3, 4))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Maps of strides 8, 16 and 32."""
        x, maps = self.stem(image), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[1:]


class Branches(nn.Module):
    """The head of one stride: a 1x1 stem, then classes on one branch, box and objectness on the other."""

    def __init__(self, inputs: int, width: int, classes: int) -> None:
        super().__init__()
        self.stem = conv(inputs, width)
        self.what = nn.Sequential(conv(width, width, 3), conv(width, width, 3))
        self.where = nn.Sequential(conv(width, width, 3), conv(width, width, 3))
        self.scores, self.boxes, self.objectness = (nn.Conv2d(width, count, 1) for count in (classes, 4, 1))
        for layer in (self.scores, self.objectness):
            assert layer.bias is not None
            nn.init.constant_(layer.bias, math.log(RARE / (1 - RARE)))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) -> (n, h * w, 5 + classes): box, objectness, classes."""
        x = self.stem(x)
        where = self.where(x)
        return torch.cat([self.boxes(where), self.objectness(where), self.scores(self.what(x))], 1).flatten(2).transpose(1, 2)


class DecoupledHead(nn.Module):
    """Heads of the three strides, and their boxes.

    Args:
        inputs: channels of the maps of strides 8, 16, 32.
        width: channels inside.
        classes: number of classes.
    """

    def __init__(self, inputs: Sequence[int], width: int, classes: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(Branches(count, width, classes) for count in inputs)

    def forward(self, maps: Sequence[Tensor]) -> dict[str, Tensor]:
        """
        Args:
            maps: (n, c, h, w) of strides 8, 16, 32; h and w of the first are multiples of 4.

        Returns:
            ``boxes`` (n, a, 4) x1 y1 x2 y2 as shares of the picture's width and height, ``objectness`` (n, a) and ``scores``
            (n, a, classes) logits; all places of stride 8 first, row by row.
        """
        raw = torch.cat([branch(x) for branch, x in zip(self.branches, maps)], 1)
        _, _, rows, columns = fixed(maps[0])
        height, width = rows * STRIDES[0], columns * STRIDES[0]
        centres, strides = (value.to(raw.device) for value in places(height, width))
        # bf16 would round a place to the next two pixels
        boxes = decoded(raw[..., :4].float(), centres, strides)
        shares = [ends / side for ends, side in zip(boxes.unbind(-1), (width, height, width, height))]
        return {"boxes": torch.stack(shares, -1), "objectness": raw[..., 4], "scores": raw[..., 5:]}


def places(height: int, width: int, strides: Sequence[int] = STRIDES) -> tuple[Tensor, Tensor]:
    """Centres (a, 2) x y in pixels and strides (a,) of all places of a picture of that size, in the order of the head.

    Example:
        >>> centres, strides = places(32, 64)
        >>> len(centres), centres[1].tolist(), strides[-1].item()
        (42, [12.0, 4.0], 32.0)
    """
    centres, sizes = [], []
    for stride in strides:
        rows, columns = height // stride, width // stride
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        centres.append((torch.stack([x, y], -1).reshape(-1, 2).float() + 0.5) * stride)
        sizes.append(torch.full((rows * columns,), float(stride)))
    return torch.cat(centres), torch.cat(sizes)


def decoded(raw: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """Raw boxes (..., a, 4) to x1 y1 x2 y2 in pixels.

    The middle is the upper left corner of its cell plus the first two numbers in strides; the sides are the exponentials of the
    others, in strides.
    """
    side = strides[:, None]
    middle = centres + (raw[..., :2] - 0.5) * side
    half = raw[..., 2:].clamp(max=WIDEST).exp() * side / 2
    return torch.cat([middle - half, middle + half], -1)
