"""MobileFaceNet: a small network for aligned faces, of 112 pixels, with maps of three sizes for those who need them."""

from __future__ import annotations

from torch import Tensor, nn

from .blocks import conv_norm

# expansion, channels, blocks, stride of the first: table 1 of arXiv:1804.07573
ROWS = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
LAST = 512
MAPS = (64, 128, LAST)  # channels of the three maps


def _active(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    return [conv_norm(inputs, outputs, kernel, stride, groups), nn.PReLU(outputs)]


class Bottleneck(nn.Module):
    """Inverted residual with PReLU: 1x1 up, depthwise 3x3, 1x1 down without activation; added to the input where sizes agree.

    Source: Chen et al., "MobileFaceNets", arXiv:1804.07573, section 3.3. Shapes: (n, inputs, h, w) -> (n, outputs,
    h / stride, w / stride).
    """

    def __init__(self, inputs: int, outputs: int, stride: int, expand: int) -> None:
        super().__init__()
        hidden = inputs * expand
        self.body = nn.Sequential(
            *_active(inputs, hidden, 1), *_active(hidden, hidden, 3, stride, hidden), conv_norm(hidden, outputs, 1)
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.residual else y


class MobileFaceTrunk(nn.Module):
    """All layers before the embedding; for pictures of any size.

    Source: arXiv:1804.07573, table 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_active(3, 64, 3, 2), *_active(64, 64, 3, 1, 64))
        rows: list[nn.Module] = []
        inputs = 64
        for expand, width, count, stride in ROWS:
            blocks = [Bottleneck(width if k else inputs, width, 1 if k else stride, expand) for k in range(count)]
            rows.append(nn.Sequential(*blocks))
            inputs = width
        self.rows = nn.ModuleList(rows)
        self.last = nn.Sequential(*_active(inputs, LAST, 1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                # by the inputs of a kernel, so that depthwise ones, which have nine, are not drawn too small
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """
        Args:
            image: (n, 3, h, w), normalised.

        Returns:
            Maps of 64, 128 and 512 channels, with a 4th, 8th and 16th of the sides, rounded up.
        """
        first = self.rows[0](self.stem(image))
        second = self.rows[2](self.rows[1](first))
        return first, second, self.last(self.rows[4](self.rows[3](second)))


class MobileFaceNet(nn.Module):
    """The trunk, a depthwise convolution over the whole last map in place of its mean, and a linear layer.

    Source: arXiv:1804.07573, table 1.

    Args:
        size: numbers that come out: 128 for an embedding, 136 for 68 points.
        side: cells along each side of the last map; 7 for pictures of 112 pixels.
    """

    def __init__(self, size: int = 128, side: int = 7) -> None:
        super().__init__()
        self.trunk = MobileFaceTrunk()
        self.head = nn.Sequential(
            nn.Conv2d(LAST, LAST, side, groups=LAST, bias=False),
            nn.BatchNorm2d(LAST),
            nn.Flatten(),
            nn.Linear(LAST, size, bias=False),
            nn.BatchNorm1d(size),
        )

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, 3, 16 side, 16 side) -> ``embedding`` (n, size)."""
        return {"embedding": self.head(self.trunk(image)[-1])}
