"""The blendshape network: features of 478 points to 51 scores."""

from __future__ import annotations

from torch import Tensor, nn

FEATURES = 478 * 5


class ShapeNet(nn.Module):
    """Points to ARKit scores; the tongue, which no point shows, is always 0 here.

    Args:
        narrow: width of the first, linear layer: the few directions in which a face moves.
        widths: hidden layers.
    """

    def __init__(self, narrow: int = 96, widths: tuple[int, int] = (256, 128), outputs: int = 52) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(FEATURES, narrow), nn.Linear(narrow, widths[0]), nn.ReLU(), nn.Linear(widths[0], widths[1]), nn.ReLU(),
            nn.Linear(widths[1], outputs),
        )  # fmt: skip

    def forward(self, points: Tensor) -> dict[str, Tensor]:
        """
        Args:
            points: (n, 2390), what :func:`mien.stages.shapes.features` gives.

        Returns:
            ``scores`` (n, 52) in [0, 1], in the order of label set arkit-52.
        """
        return {"scores": self.body(points).sigmoid()}
