"""The mesh network: a crop of a face to 478 points, presence and tongue."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .blocks import conv_norm, stages, stem

POINTS = 478


class MeshNet(nn.Module):
    """478 points (x, y, z) of a face in a square crop, with the logits of presence and of a tongue put out.

    The last map keeps its 4x4 places (no pooling), because where something is matters here more than whether it is.

    Args:
        size: side of the crop in pixels, a multiple of 32.
        widths: channels after the stem and the four stages.
        depths: blocks of the four stages.
        rank: width of the layer before the points; a face has far fewer degrees of freedom than 1434.
    """

    def __init__(
        self,
        size: int = 128,
        widths: tuple[int, ...] = (24, 48, 64, 96, 160),
        depths: tuple[int, ...] = (1, 3, 3, 2),
        rank: int = 256,
    ) -> None:
        super().__init__()
        self.size = size
        self.stem = stem(widths[0])
        self.stages = stages(widths[0], widths[1:], depths)
        self.squeeze = nn.Sequential(conv_norm(widths[-1], 64, 1), nn.ReLU(inplace=True))
        self.code = nn.Sequential(nn.Linear(64 * (size // 32) ** 2, rank), nn.ReLU(inplace=True))
        self.points = nn.Linear(rank, POINTS * 3)
        # whether there is a face is read apart from where its points are: the code of the points says little about it
        self.logits = nn.Sequential(nn.Linear(widths[-1], 64), nn.ReLU(inplace=True), nn.Linear(64, 2))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """
        Args:
            image: (n, 3, size, size) RGB in [-1, 1].

        Returns:
            ``points`` (n, 478, 3) in crop sizes: x and y in [0, 1] inside the crop, z in the same unit, nearer is smaller;
            ``presence`` and ``tongue`` (n,) logits.
        """
        features = self.stages(self.stem(image))
        points = self.points(self.code(torch.flatten(self.squeeze(features), 1))).unflatten(1, (POINTS, 3))
        logits = self.logits(torch.relu(features).mean((2, 3)))
        return {"points": points, "presence": logits[:, 0], "tongue": logits[:, 1]}
