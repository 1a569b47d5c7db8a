"""A small panel beside a face: its strongest action units as bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..labels import ACTION_UNITS, UNITS
from ..types import Face
from .ink import Colour, Picture, Rect, blend, clear, inside, letters, plate

WHITE: Colour = (255, 255, 255)
DARK: Colour = (16, 20, 26)
FAINT: Colour = (188, 196, 206)
MOST = 5  # rows of a panel
LEAST = 0.5  # intensity below which an action unit is not worth a row
_BOTH = [i for i, name in enumerate(UNITS) if name in ACTION_UNITS]


@dataclass(frozen=True)
class Row:
    """One action unit of a panel: its name, and its intensity 0-5."""

    unit: str
    words: str
    value: float


def strongest(face: Face) -> list[Row]:
    """The strongest action units of a face, both sides taken together, strongest first.

    What could not be told (NaN) and what is hardly there (below 0.5) is left out.
    """
    intensity = face.faces.intensity
    if intensity is None:
        return []
    values = intensity[face.index][_BOTH]
    with np.errstate(invalid="ignore"):
        order = [int(i) for i in np.argsort(-np.nan_to_num(values, nan=-1.0), kind="stable") if values[i] >= LEAST]
    # closed eyes and a blink are one thing in a single picture
    names = [(UNITS.names[_BOTH[i]], float(values[i])) for i in order]
    shown = {name for name, _ in names}
    names = [(name, value) for name, value in names if not (name == "AU45" and "AU43" in shown)]
    return [Row(name, ACTION_UNITS[name][0], value) for name, value in names[:MOST]]


class Panel:
    """The panel of one face, measured, then placed, then drawn.

    Args:
        rows: from :func:`strongest`.
        size: of the text, pixels.
    """

    def __init__(self, rows: Sequence[Row], size: int) -> None:
        self.rows, self.size = rows, size
        self.pad, self.gap = round(0.7 * size), round(0.8 * size)
        self.line = round(1.25 * size)  # height of the text of a row
        self.bar = max(2, round(0.22 * size))  # height of its bar
        self.step = self.line + self.bar + round(0.42 * size)
        self.space = round(0.4 * size)
        names = max(letters(row.unit, size).shape[1] + letters(row.words, size).shape[1] for row in rows)
        self.width = names + self.space + self.gap + letters("0.0", size).shape[1] + 2 * self.pad
        self.height = self.step * (len(rows) - 1) + self.line + self.bar + 2 * self.pad

    def place(self, face: Rect, taken: Sequence[Rect], size: tuple[int, int]) -> Rect | None:
        """Where the panel covers nothing: beside the face if it fits, else below or above it; None if it fits nowhere.

        Args:
            face: what must stay visible of this face.
            taken: rectangles of the other faces, labels and panels.
            size: height and width of the picture.
        """
        for x, y in self._places(face, size):
            rect = (x, y, x + self.width, y + self.height)
            if inside(rect, size) and clear(rect, (face, *taken)):
                return rect
        return None

    def _places(self, face: Rect, size: tuple[int, int]) -> Iterator[tuple[float, float]]:
        """Places from the best to the worst; all touch the face's side, so that it is plain whose panel it is."""
        x1, y1, x2, y2 = face
        margin, rim = round(0.8 * self.size), round(0.6 * self.size)
        lowest = size[0] - self.height - rim
        beside = [x2 + margin, x1 - margin - self.width]
        if x1 + x2 > size[1]:  # the side with more room first
            beside.reverse()
        for y in (y1, (y1 + y2 - self.height) / 2, y2 - self.height, min(max(y1, rim), lowest)):
            # half of the shorter one of the two must lie beside the other
            if min(y + self.height, y2) - max(y, y1) >= 0.5 * min(self.height, y2 - y1) and rim <= y <= lowest:
                yield from ((round(x), round(y)) for x in beside if rim <= x <= size[1] - self.width - rim)
        middle = min(max((x1 + x2 - self.width) / 2, rim), size[1] - self.width - rim)
        yield from ((round(middle), round(y)) for y in (y2 + margin, y1 - margin - self.height) if rim <= y <= lowest)

    def draw(self, picture: Picture, rect: Rect, colour: Colour) -> None:
        """Draw the panel at its place, in place."""
        x, y = int(rect[0]), int(rect[1])
        blend(picture, plate(self.width, self.height, round(0.45 * self.size)), x, y, DARK, 0.66)
        length = self.width - 2 * self.pad
        for i, row in enumerate(self.rows):
            left, top = x + self.pad, y + self.pad + i * self.step
            unit, words, value = (letters(text, self.size) for text in (row.unit, row.words, f"{row.value:.1f}"))
            blend(picture, unit, left, top, WHITE)
            blend(picture, words, left + unit.shape[1] + self.space, top, FAINT)
            blend(picture, value, left + length - value.shape[1], top, WHITE)
            under = top + self.line
            blend(picture, plate(length, self.bar, self.bar // 2), left, under, WHITE, 0.2)
            share = max(self.bar, round(length * min(row.value, 5.0) / 5))
            blend(picture, plate(share, self.bar, self.bar // 2), left, under, colour)
