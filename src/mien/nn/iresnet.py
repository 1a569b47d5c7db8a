"""Improved residual networks for faces: 112x112 crop to an embedding of 512 numbers."""

from __future__ import annotations

from torch import Tensor, nn

from ..errors import InputError

DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 14, 3), 101: (3, 13, 30, 3)}
WIDTHS = (64, 128, 256, 512)


class Unit(nn.Module):
    """Two 3x3 convolutions before whose sum with the shortcut nothing is rectified.

    Source: Han, Kim and Kim, "Deep Pyramidal Residual Networks", arXiv:1610.02915, figure 6d; Deng et al., "ArcFace",
    arXiv:1801.07698, section 3.1. Shapes: (n, inputs, h, w) -> (n, outputs, h / stride, w / stride).
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        if inputs == outputs:
            self.shortcut: nn.Module = nn.MaxPool2d(1, stride)
        else:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x)


class IResNet(nn.Module):
    """Residual network of units whose first halves the map in each of four stages.

    Args:
        depth: 18, 34, 50 or 101 layers.
        size: length of the embedding.
        dropout: share of the last map that is dropped in training.

    Raises:
        InputError: a depth that is not one of those.
    """

    def __init__(self, depth: int = 50, size: int = 512, dropout: float = 0.4) -> None:
        super().__init__()
        if depth not in DEPTHS:
            raise InputError(f"depth is {depth}", f"one of {', '.join(map(str, DEPTHS))}")
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64))
        units: list[nn.Module] = []
        inputs = 64
        for width, count in zip(WIDTHS, DEPTHS[depth], strict=True):
            for k in range(count):
                units.append(Unit(inputs, width, 2 if k == 0 else 1))
                inputs = width
        self.units = nn.Sequential(*units)
        self.head = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Dropout(dropout),
            nn.Flatten(),
            nn.Linear(inputs * 49, size),
            nn.BatchNorm1d(size, affine=False),
        )

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """
        Args:
            image: (n, 3, 112, 112), (x / 255 - 0.5) / 0.5.

        Returns:
            ``embedding`` (n, size), not scaled to length 1.
        """
        return {"embedding": self.head(self.units(self.stem(image)))}
