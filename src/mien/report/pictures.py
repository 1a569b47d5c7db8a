"""The small pictures of a report: portraits of faces, and whole frames with what was read of them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..labels import UNITS
from ..media.draw import annotate, thumbnail
from ..types import Faces, FloatArray, Frame

THUMB, THUMB_BYTES = 160, 12_000
POSTER, POSTER_BYTES, SMALLEST_POSTER = (720, 480), 60_000, 420  # width and height at most; longer side at least


@dataclass(frozen=True)
class Still:
    """A small JPEG file with its size in pixels and what it shows."""

    data: bytes
    width: int
    height: int
    words: str
    score: float = 0.0
    time: float = 0.0


def jpeg(image: NDArray[np.uint8], limit: int) -> bytes:
    """A JPEG file of an RGB picture, with the best quality that fits into so many bytes, down to 15."""
    data = b""
    for quality in (86, 76, 64, 50, 30, 15):
        done, found = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        if not done:
            raise RuntimeError(f"OpenCV could not encode a picture of shape {image.shape}")
        data = found.tobytes()
        if len(data) <= limit:
            break
    return data


def poster(frame: Frame, words: str, score: float, bars: bool) -> Still:
    """The annotated frame, made small; a tiny one is made larger, so that there is room for the words."""
    assert frame.image is not None
    height, width = frame.image.shape[:2]
    scale = min(POSTER[0] / width, POSTER[1] / height, max(1.0, min(4.0, SMALLEST_POSTER / max(height, width))))
    image: NDArray[np.uint8] = frame.image
    faces = frame.faces
    if scale != 1:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8)
        # drawn at the size at which it is seen, so that lines and letters are crisp
        faces = faces.with_(
            boxes=faces.boxes * scale,
            mesh=None if faces.mesh is None else faces.mesh * scale,
            landmarks=None if faces.landmarks is None else faces.landmarks * scale,
        )
    drawn = annotate(Frame(image, frame.time, frame.index, faces, frame.source), bars=bars)
    return Still(jpeg(drawn, POSTER_BYTES), drawn.shape[1], drawn.shape[0], words, score, frame.time)


def portrait(frame: Frame, index: int, words: str, score: float = 0.0) -> Still:
    """The chip of one face."""
    return Still(jpeg(thumbnail(frame, index, THUMB), THUMB_BYTES), THUMB, THUMB, words, score, frame.time)


def open_eyes(faces: Faces) -> FloatArray:
    """How well each face would look in an album, (n,) in [0.5, 1]: less with closed eyes."""
    if faces.intensity is None:
        return np.ones(len(faces), np.float32)
    closed = np.nan_to_num(faces.intensity[:, [UNITS.index("AU43"), UNITS.index("AU45")]]).max(1)
    return np.asarray(1 - 0.1 * closed, np.float32)
