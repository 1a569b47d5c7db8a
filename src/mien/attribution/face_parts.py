"""A face in named parts: each pixel belongs to the part whose points of the mesh are nearest."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..geometry import mesh as points
from ..runtime.models import face_data
from .superpixels import Segments

_MIDDLE = {
    "forehead": (10, 151, 108, 337, 69, 299, 67, 297, 109, 338),
    "glabella": (9, 8, 168),
    "nose": (*points.NOSE, 98, 327, 129, 358),
    "mouth": (*points.LIPS_OUTER, *points.LIPS_INNER),
    "chin": (152, 175, 199, 200, 148, 377, 176, 400),
}
# of the person's right side; the left side has their mirror images
_SIDES = {
    "brow": points.RIGHT_BROW,
    "eye": (*points.RIGHT_EYE, *points.RIGHT_IRIS, points.RIGHT_PUPIL),
    "cheek": (50, 205, 187, 147, 123, 117, 118, 101, 36, 207, 213, 58, 172),
}
PARTS = (*_MIDDLE, *(f"{side} {part}" for part in _SIDES for side in ("right", "left")), "surroundings")
"""Names of the parts, in the order of their numbers; right and left are the person's, the glabella lies between the brows."""


def _anchors() -> dict[str, tuple[int, ...]]:
    mirror = face_data()["mirror"]
    found = dict(_MIDDLE)
    for part, right in _SIDES.items():
        found |= {f"right {part}": tuple(right), f"left {part}": tuple(int(mirror[i]) for i in right)}
    return found


def face_parts(mesh: ArrayLike, height: int, width: int) -> Segments:
    """The part of each pixel.

    Args:
        mesh: (478, 2 or 3) pixels of the picture.
        height: of the picture, pixels.
        width: of the picture, pixels.

    Returns:
        (height, width) positions in :data:`PARTS`; what lies outside the oval of the face is "surroundings".

    Raises:
        InputError: no mesh, or one with points that could not be told.
    """
    found = np.asarray(mesh, np.float32)
    if found.ndim != 2 or len(found) != 478 or not np.isfinite(found).all():
        raise InputError(f"a mesh of shape {found.shape}", "(478, 2) or (478, 3) finite pixels")
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([x.ravel(), y.ravel()], 1).astype(np.float32)
    best = np.full(len(pixels), np.inf, np.float32)
    part: NDArray[np.int64] = np.zeros(len(pixels), np.int64)
    for name, vertices in _anchors().items():
        distance = np.min([((pixels - found[vertex, :2]) ** 2).sum(1) for vertex in vertices], 0)
        nearer = distance < best
        best[nearer], part[nearer] = distance[nearer], PARTS.index(name)
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [found[list(points.OVAL), :2].round().astype(np.int32)], 1)
    return np.where(inside > 0, part.reshape(height, width), PARTS.index("surroundings")).astype(np.int64)
