"""Crops that networks of published systems were trained on, cut from the faces that the product found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..cards import CROPS
from ..errors import InputError, unknown_name
from ..geometry import align
from ..types import Faces
from .mesh import OUTER_LEFT, OUTER_RIGHT

FloatArray = NDArray[np.float32]
FACE = 1.05  # side of the crop over the longer side of the upright mesh
# where the mesh lies in a picture of FER2013, in the median over its training part, as shares of its side: x, y, longer side
FER2013 = (0.507, 0.551, 0.966)
# places of the five points in a crop of 112 pixels on which networks of the ArcFace family are trained
ARCFACE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)


def crop_transforms(faces: Faces, kind: str, size: int) -> FloatArray:
    """The transforms from the frame to the crops of all faces.

    Args:
        faces: with boxes, and what the kind needs besides: a mesh for "face" and "fer2013", five landmarks for "arcface".
        kind: one of :data:`mien.cards.CROPS`.
        size: side of the crop, pixels.

    Returns:
        (n, 2, 3).

    Raises:
        InputError: an unknown kind, or the faces lack what it needs.
    """
    if kind not in CROPS:
        raise unknown_name("crop", kind, CROPS)
    if kind in ("box", "wide"):
        low, high = faces.boxes[:, :2], faces.boxes[:, 2:]
        side = np.asarray((high - low).max(1) * (1.3 if kind == "wide" else 1.0), np.float32)
        centre, upright = np.asarray((low + high) / 2, np.float32), np.zeros(len(faces), np.float32)
        return align.square_crop(centre, side, upright, size)
    if kind == "arcface":
        if faces.landmarks is None or faces.landmarks.shape[1:] != (5, 2):
            raise InputError("faces without five landmarks", "the points of a detector", "run the detector before")
        scale = size / 112
        found = [align.umeyama(points, (ARCFACE + 0.5) * scale - 0.5) for points in faces.landmarks]
        return np.stack(found) if found else np.zeros((0, 2, 3), np.float32)
    if faces.mesh is None:
        raise InputError("faces without mesh", "faces of the whole pipeline", "run the mesh stage before")
    mesh = faces.mesh
    angle = align.eye_angle(mesh[:, OUTER_RIGHT, :2], mesh[:, OUTER_LEFT, :2])
    if kind == "face":
        return align.upright_crop(mesh, angle, FACE, size)
    # the square in which the mesh lies as in the pictures of FER2013: shifted in the crop, after the turn
    x, y, long = FER2013
    square = align.upright_crop(mesh, angle, 1 / long, size)
    square[:, :, 2] += np.array([x - 0.5, y - 0.5], np.float32) * size
    return square


def crops(image: NDArray[np.uint8], faces: Faces, kind: str, size: int) -> NDArray[np.uint8]:
    """The crops of all faces of a frame. -> (n, size, size, 3) uint8"""
    return align.warp_all(image, crop_transforms(faces, kind, size), size)
