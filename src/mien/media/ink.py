"""Ink on a picture: masks of lines, plates and text, blended in place with one colour each."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
Mask = NDArray[np.uint8]
Colour = tuple[int, int, int]
Rect = tuple[float, float, float, float]  # x1 y1 x2 y2 in pixels

_SHIFT = 4  # bits of a coordinate behind the point, for OpenCV
_FINE = 5.0  # lines thinner than that are drawn at twice the size and averaged down


def blend(picture: Picture, mask: Mask, x: int, y: int, colour: Colour, opacity: float = 1.0) -> None:
    """Lay one colour over a picture, in place, where a mask says how much.

    Args:
        picture: (h, w, 3) uint8, changed.
        mask: (k, m) uint8, 255 covers; what lies beyond the picture is left out.
        x: column of the picture under the first column of the mask.
        y: row of the picture under the first row of the mask.
        colour: RGB.
        opacity: in [0, 1], of the whole mask.

    Example:
        >>> picture = np.zeros((2, 2, 3), np.uint8)
        >>> blend(picture, np.full((4, 4), 255, np.uint8), 1, 1, (200, 100, 0), opacity=0.5)
        >>> picture[1, 1].tolist(), picture[0, 0].tolist()
        ([100, 50, 0], [0, 0, 0])
    """
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + mask.shape[1], width), min(y + mask.shape[0], height)
    if x1 >= x2 or y1 >= y2:
        return
    part = picture[y1:y2, x1:x2]
    cover = mask[y1 - y : y2 - y, x1 - x : x2 - x].astype(np.float32)
    cover *= opacity / 255
    solid = np.empty_like(part)
    solid[:] = colour
    part[:] = cv2.blendLinear(solid, np.ascontiguousarray(part), cover, 1 - cover)


class Sheet:
    """A mask over a part of a picture that lines are drawn on; a later line replaces what is under it.

    Args:
        area: x1 y1 x2 y2 of the picture, in pixels; it is cut to the picture.
        size: height and width of the picture.
        width: the thinnest line that will be drawn, pixels.
    """

    def __init__(self, area: Rect, size: tuple[int, int], width: float) -> None:
        self.x, self.y = max(int(np.floor(area[0])), 0), max(int(np.floor(area[1])), 0)
        self.right, self.bottom = min(int(np.ceil(area[2])), size[1]), min(int(np.ceil(area[3])), size[0])
        self.scale = 2 if width < _FINE else 1
        shape = (max(self.bottom - self.y, 0) * self.scale, max(self.right - self.x, 0) * self.scale)
        self.mask: Mask = np.zeros(shape, np.uint8)

    def lines(self, points: NDArray[np.float32], width: float, ink: float = 1.0, closed: bool = False) -> None:
        """Draw lines through points: (k, 2) is one line, (n, k, 2) are n of them; ``ink`` is the opacity in [0, 1]."""
        if self.mask.size:
            cv2.polylines(self.mask, self._fixed(points), closed, int(255 * ink), self._thick(width), cv2.LINE_AA, _SHIFT)

    def dot(self, centre: NDArray[np.float32], radius: float, ink: float = 1.0, width: float = 0.0) -> None:
        """Draw a filled circle, or a ring of that line width."""
        if self.mask.size:
            at = self._fixed(centre[None])[0][0]
            thick = self._thick(width) if width else -1
            size = max(int(radius * self.scale * (1 << _SHIFT)), 1)
            cv2.circle(self.mask, (int(at[0]), int(at[1])), size, int(255 * ink), thick, cv2.LINE_AA, _SHIFT)

    def onto(self, picture: Picture, colour: Colour, opacity: float = 1.0, shadow: float = 0.0) -> None:
        """Blend the sheet into a contiguous picture, in place, over a soft dark rim of itself if ``shadow`` is more than 0."""
        if not self.mask.size:
            return
        mask = self.mask
        if self.scale > 1:
            size = (self.right - self.x, self.bottom - self.y)
            mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.uint8)
        if shadow > 0:
            self._with_shadow(picture, mask, colour, opacity, shadow)
        else:
            blend(picture, mask, self.x, self.y, colour, opacity)

    def _with_shadow(self, picture: Picture, mask: Mask, colour: Colour, opacity: float, shadow: float) -> None:
        rim = np.asarray(cv2.blur(cv2.dilate(mask, _CROSS), (3, 3)), np.uint8)
        # outlines cover a small part of their sheet, so only the pixels under them are touched
        place = np.flatnonzero(rim)
        row, column = np.divmod(place, mask.shape[1])
        at = (row + self.y) * picture.shape[1] + column + self.x
        cover = mask.ravel()[place].astype(np.float32) * np.float32(opacity / 255)
        keep = (1 - cover) * (1 - rim.ravel()[place].astype(np.float32) * np.float32(shadow / 255))
        pixels = picture.reshape(-1, 3)
        mixed = pixels[at] * keep[:, None] + cover[:, None] * np.array(colour, np.float32)
        pixels[at] = (mixed + np.float32(0.5)).astype(np.uint8)

    def _fixed(self, points: NDArray[np.float32]) -> Any:
        # pixel centres lie at whole coordinates, so at twice the size the centre of a pixel is at 2 c + 0.5
        moved = (points - [self.x, self.y]) * self.scale + (self.scale - 1) / 2
        fixed = np.round(np.clip(moved, -1e5, 1e5) * (1 << _SHIFT)).astype(np.int32)
        # OpenCV takes one array of lines for a list of them, which its type hints do not know
        return fixed[None] if fixed.ndim == 2 else fixed

    def _thick(self, width: float) -> int:
        # OpenCV's smooth lines are wider than their name: 1 covers 1.4 pixels, 2k covers 2k + 1.4, 2k - 1 the same as 2k
        return max(1, 2 * round((width * self.scale - 1.4) / 2))


_CROSS = np.ones((3, 3), np.uint8)


def rounded(box: Rect, radius: float) -> NDArray[np.float32]:
    """The outline of a box with round corners, to be closed. -> (28, 2) pixels

    Example:
        >>> outline = rounded((0, 0, 10, 10), 2)
        >>> outline.shape, outline.min(0).tolist(), outline.max(0).tolist()
        ((28, 2), [0.0, 0.0], [10.0, 10.0])
    """
    x1, y1, x2, y2 = box
    radius = max(0.0, min(radius, (x2 - x1) / 2, (y2 - y1) / 2))
    turn = np.linspace(0, np.pi / 2, 7)
    arc = radius * np.stack([np.cos(turn), np.sin(turn)], 1)
    corners = []
    for x, y, sx, sy in ((x2, y2, 1, 1), (x1, y2, -1, 1), (x1, y1, -1, -1), (x2, y1, 1, -1)):
        part = arc * [sx, sy] + [x - sx * radius, y - sy * radius]
        corners.append(part if sx * sy > 0 else part[::-1])
    return np.concatenate(corners).astype(np.float32)


@lru_cache(maxsize=64)
def plate(width: int, height: int, radius: int) -> Mask:
    """The mask of a filled rectangle with round corners. -> (height, width)"""
    big = np.zeros((height * 4, width * 4), np.uint8)
    outline = rounded((0, 0, width * 4 - 1, height * 4 - 1), radius * 4)
    cv2.fillPoly(big, [outline.round().astype(np.int32)], 255)
    return np.asarray(cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


@lru_cache(maxsize=32)
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font that Pillow brings along, in pixels."""
    found = ImageFont.load_default(size)
    assert isinstance(found, ImageFont.FreeTypeFont)  # plain only where a size is missing
    return found


@lru_cache(maxsize=512)
def _short(text: str, size: int) -> Mask:
    return _letters(text, size)


def letters(text: str, size: int) -> Mask:
    """The mask of a line of text; rows are the same for every text of that size. -> (line height, width)"""
    # the masks of a large picture would fill the memory, and are drawn once
    return _short(text, size) if size <= 40 else _letters(text, size)


def _letters(text: str, size: int) -> Mask:
    # small text is drawn large and averaged down: whole pixels for each letter would leave the words without gaps
    fine = 4 if size <= 32 else 1
    face = font(size * fine)
    ascent, descent = face.getmetrics()
    words = text.split(" ")
    lengths = [face.getlength(word) for word in words]
    space = 0.29 * size * fine  # the font's own space is too narrow to be seen in small text
    width = max(1, int(np.ceil((sum(lengths) + space * (len(words) - 1)) / fine)))
    height = int(np.ceil((ascent + descent) / fine))
    sheet = Image.new("L", (width * fine, height * fine), 0)
    pen, x = ImageDraw.Draw(sheet), 0.0
    for word, length in zip(words, lengths):
        pen.text((round(x), 0), word, fill=255, font=face)
        x += length + space
    mask: Mask = np.asarray(sheet)
    # averaging takes the edge off thin strokes; a gamma below 1 gives it back
    return _FIRM[cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)] if fine > 1 else mask


_FIRM = (255 * (np.arange(256) / 255) ** 0.75).round().astype(np.uint8)


def clear(rect: Rect, taken: Iterable[Rect]) -> bool:
    """Whether a rectangle shares no area with any of those that are taken.

    Example:
        >>> clear((0, 0, 10, 10), [(10, 0, 20, 10)]), clear((0, 0, 10, 10), [(9, 9, 20, 20)])
        (True, False)
    """
    x1, y1, x2, y2 = rect
    return not any(x1 < other[2] and other[0] < x2 and y1 < other[3] and other[1] < y2 for other in taken)


def shared(a: Rect, b: Rect) -> float:
    """Area that two rectangles share, in square pixels.

    Example:
        >>> shared((0, 0, 10, 10), (5, 5, 20, 20))
        25
    """
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


def inside(rect: Rect, size: tuple[int, int]) -> bool:
    """Whether a rectangle lies within a picture of that height and width."""
    return rect[0] >= 0 and rect[1] >= 0 and rect[2] <= size[1] and rect[3] <= size[0]
