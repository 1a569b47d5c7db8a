"""The expression network: a small grey crop to FER+ and FER2013 classes."""

from __future__ import annotations

from torch import Tensor, nn

from .blocks import stages, stem


class ExpressionNet(nn.Module):
    """Grey face crop to logits of the eight FER+ classes and the seven FER2013 classes.

    Args:
        widths: channels after the stem and the four stages; the stem keeps the size.
        depths: blocks of the four stages.
        drop: dropout before the heads.
    """

    def __init__(
        self,
        widths: tuple[int, ...] = (24, 32, 64, 128, 192),
        depths: tuple[int, ...] = (2, 3, 3, 1),
        drop: float = 0.3,
    ) -> None:
        super().__init__()
        self.stem = stem(widths[0], 1, stride=1)
        self.stages = stages(widths[0], widths[1:], depths)
        self.drop = nn.Dropout(drop)
        self.ferplus = nn.Linear(widths[-1], 8)
        self.fer = nn.Linear(widths[-1], 7)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """
        Args:
            image: (n, 1, 64, 64) grey in [-1, 1].

        Returns:
            ``ferplus`` (n, 8) and ``fer`` (n, 7) logits, in the orders of label sets ferplus-8 and fer-7.
        """
        code = self.drop(self.stages(self.stem(image)).mean((2, 3)))
        return {"ferplus": self.ferplus(code), "fer": self.fer(code)}
