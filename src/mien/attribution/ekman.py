"""The parts of a face in which an expression shows, after Friesen and Ekman's descriptions, as outlines between landmarks.

The regions are those of Gaya-Morey et al. (2024), "Unveiling the human-like similarities of automatic facial expression
recognition", whose picture of six masks and landmark numbers was given out under the MIT licence. Drawn on the landmarks below
they are those masks, pixel by pixel.
"""

from __future__ import annotations

from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import unknown_name
from .regions import Region
from .warp import anchors

HEIGHT, WIDTH = 275, 224
"""Pixels of the space in which faces are compared: 224 x 250 for the face, 25 above it for the forehead."""

_X = """
16 17 20 27 37 52 69 90 114 138 159 176 191 201 206 207 207 37 50 66 83 97 121 135 152 168 183 109 110 109 109 89 100 111 122 132
53 63 75 86 75 63 134 145 157 167 157 145 73 86 101 111 121 137 152 139 124 112 101 85 78 101 111 121 146 122 112 101
"""
_Y = """
90 119 148 176 204 229 250 265 269 265 249 227 201 173 144 115 86 60 52 50 53 61 61 53 49 50 57 79 99 118 138 151 156 159 155 151
81 74 74 81 84 85 80 73 73 79 83 83 193 185 182 184 181 184 192 207 215 216 216 208 193 192 192 190 192 199 201 200
"""
# the mean face as a landmark predictor draws it, in whole pixels; those that no outline touches were read off a picture
LANDMARKS: NDArray[np.float32] = np.array([_X.split(), _Y.split()], np.float32).T
LANDMARKS.flags.writeable = False

# Words are points, numbered from 1: 1-68 landmarks, 69-85 the jaw line at the upper edge, 86-89 the corners; "19^" is the upper
# edge above 19, "37/30" has the x of 37 and the y of 30, "5-49" is the middle. "," parts the pieces that make up a region.
_CHEEKS = "37 40 40/30 37/30, 43 46 46/30 43/30, 29 40/30 40 28 43 43/30, 37/30 40/30 50 49 5-49, 46/30 43/30 54 55 13-55"
_EYES = "37 38 39 40 41 42, 43 44 45 46 47 48"
_CHIN = "33 34 35 53 64 66 57 10 9 8 59 68 62 51"
_BROWS = "19^ 19 37 42 41 40 28 43 48 47 46 26 26^"
REGIONS = MappingProxyType(
    {
        "anger": f"{_BROWS}, 37 40 40/30 37/30, 43 46 46/30 43/30, {_CHIN}",
        "disgust": "37 42 41 40 60 5-49, 46 47 48 43 56 13-55, 41 40 22 23 43 48 55 54 66 67 68 50 49",
        "fear": f"{_BROWS}, {_CHEEKS}",
        "happiness": f"{_EYES}, {_CHEEKS}, 32 40 50, 36 43 54, 49 32 5 6 7 60 50, 55 36 13 12 11 56 54",
        "sadness": f"{_EYES}, {_CHEEKS}, 50 60 5-49, 54 56 13-55, 1 1-86 19 37 37/30, 17 17-88 26 46 46/30, "
        "21^ 24^ 24 44 43 28 40 39 21",
        "surprise": f"19^ 22^ 22 40 41 42 37 19, 23^ 26^ 26 46 47 48 43 23, 33 32 50 60 7 8 59 68 62 51, "
        f"35 36 54 56 11 10 57 66 64 53, {_CHIN}",
    }
)
EXPRESSIONS = tuple(REGIONS)


def _point(word: str, points: NDArray[np.float32]) -> NDArray[np.float32]:
    if word.endswith("^"):
        return np.array([points[int(word[:-1]) - 1, 0], 0], np.float32)
    for sign in "/-":
        if sign in word:
            a, b = (points[int(number) - 1] for number in word.split(sign))
            return np.array([a[0], b[1]], np.float32) if sign == "/" else np.asarray(np.floor((a + b) / 2))
    return points[int(word) - 1]


def mask(expression: str, landmarks: ArrayLike = LANDMARKS, height: int = HEIGHT, width: int = WIDTH) -> Region:
    """The region in which an expression shows.

    Args:
        expression: one of :data:`EXPRESSIONS`.
        landmarks: (68, 2) pixels in the order of iBUG 300-W; drawn at whole pixels, with their borders.
        height: of the picture.
        width: of the picture.

    Returns:
        (height, width) bool.

    Raises:
        InputError: another expression (there is none for neutral and contempt), or not 68 landmarks.

    Example:
        >>> [round(float(mask(name).mean()), 3) for name in EXPRESSIONS]
        [0.25, 0.234, 0.3, 0.214, 0.309, 0.237]
    """
    if expression not in REGIONS:
        raise unknown_name("expression with a region", expression, EXPRESSIONS)
    points = np.round(anchors(landmarks, height, width))
    canvas = np.zeros((height, width), np.uint8)
    for piece in REGIONS[expression].split(","):
        outline = np.array([_point(word, points) for word in piece.split()]).astype(np.int32)
        # one by one: within one call two pieces that overlap would cancel each other
        cv2.fillPoly(canvas, [outline], 1)
    return np.asarray(canvas > 0)
