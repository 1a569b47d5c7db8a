"""Residual networks: 18, 34 or 50 layers, with a stem for large or for small pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import InputError
from .blocks import conv_norm

DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
WIDTHS = (64, 128, 256, 512)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    return nn.Identity() if inputs == outputs and stride == 1 else conv_norm(inputs, outputs, 1, stride)


class Basic(nn.Module):
    """Two 3x3 convolutions, added to the shortcut.

    Source: He et al., "Deep Residual Learning for Image Recognition", arXiv:1512.03385, figure 5 left, shortcuts of option B.
    Shapes: (n, inputs, h, w) -> (n, width, h / stride, w / stride).
    """

    GROWTH = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv_norm(inputs, width, 3, stride), nn.ReLU(inplace=True), conv_norm(width, width))
        self.shortcut = _shortcut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class Bottleneck(nn.Module):
    """1x1 down, 3x3, 1x1 up to four times the width, added to the shortcut; the 3x3 convolution takes the stride.

    Source: arXiv:1512.03385, figure 5 right; the place of the stride as in the widespread version 1.5.
    Shapes: (n, inputs, h, w) -> (n, 4 width, h / stride, w / stride).
    """

    GROWTH = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_norm(inputs, width, 1),
            nn.ReLU(inplace=True),
            conv_norm(width, width, 3, stride),
            nn.ReLU(inplace=True),
            conv_norm(width, 4 * width, 1),
        )
        self.shortcut = _shortcut(inputs, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class ResNet(nn.Module):
    """Residual network without a classifier.

    Args:
        depth: 18, 34 or 50 layers.
        kernel: 7 for a stem that halves the picture, 3 for one that keeps its size.
        pool: whether 3x3 max pooling halves the map after the stem.
        channels: of the picture.

    Attributes:
        size: length of the embedding: 512, of 50 layers 2,048.

    Raises:
        InputError: another depth or kernel.
    """

    def __init__(self, depth: int = 18, kernel: int = 7, pool: bool = True, channels: int = 3) -> None:
        super().__init__()
        if depth not in DEPTHS:
            raise InputError(f"depth is {depth}", f"one of {', '.join(map(str, DEPTHS))}")
        if kernel not in (3, 7):
            raise InputError(f"kernel is {kernel}", "3 or 7")
        self.stem = nn.Sequential(conv_norm(channels, 64, kernel, 2 if kernel == 7 else 1), nn.ReLU(inplace=True))
        self.pool = nn.MaxPool2d(3, 2, 1) if pool else nn.Identity()
        unit: type[Basic] | type[Bottleneck] = Bottleneck if depth >= 50 else Basic
        stages: list[nn.Module] = []
        inputs = 64
        for k, (width, count) in enumerate(zip(WIDTHS, DEPTHS[depth], strict=True)):
            units: list[nn.Module] = []
            for i in range(count):
                units.append(unit(inputs, width, 2 if k and not i else 1))
                inputs = width * unit.GROWTH
            stages.append(nn.Sequential(*units))
        self.stages = nn.Sequential(*stages)
        self.size = inputs
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                # the deviation of He et al., arXiv:1502.01852, Eq. 14
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """
        Args:
            image: (n, channels, h, w), normalised.

        Returns:
            ``features`` (n, size, h', w'), a 32nd of the sides with the large stem and pooling; ``embedding`` (n, size),
            their mean over the map.
        """
        features = self.stages(self.pool(self.stem(image)))
        return {"features": features, "embedding": features.mean((2, 3))}


class ResNetClassifier(nn.Module):
    """A residual network and one linear layer.

    Args:
        trunk: the network that gives the embedding.
        classes: number of classes.
    """

    def __init__(self, trunk: ResNet, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(trunk.size, classes)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, channels, h, w) -> ``logits`` (n, classes) and ``embedding`` (n, size)."""
        embedding = self.trunk(image)["embedding"]
        return {"logits": self.head(embedding), "embedding": embedding}
