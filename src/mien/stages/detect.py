"""Find faces: boxes, confidence and five points, at several scales and, where asked, in turned pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import boxes as geometry
from ..runtime.onnx import Runner, to_tensor
from ..types import Faces, Frame

FloatArray = NDArray[np.float32]
Image = NDArray[np.uint8]
STRIDES = (8, 16, 32)
TILE, OVERLAP = 1280, 160  # pixels; the overlap holds a face whole that the next scale down would miss


class Detect:
    """Detector stage.

    Args:
        runner: the detector network.
        threshold: lowest confidence of a face that is kept, in [0, 1].
        size: longer side in pixels of the first look, which sees faces as large as the picture; larger pictures get
            further looks at twice the scale each, in tiles, up to their own size, so that small faces in them are found.
        finest: scale of the last look; 1 is the picture's own size, less is quicker and leaves small faces out.
        turned: look again at the picture turned by 90, 180 and 270 degrees where no face is found upright.
        min_side: faces with a longer side below this many pixels of the frame are dropped.
    """

    needs: frozenset[str] = frozenset()
    adds = frozenset({"boxes", "confidence", "landmarks"})

    def __init__(
        self,
        runner: Runner,
        threshold: float = 0.5,
        size: int = 320,
        finest: float = 1.0,
        turned: bool = True,
        min_side: float = 8.0,
    ) -> None:
        self.runner, self.threshold, self.size = runner, threshold, size
        self.finest, self.turned, self.min_side = finest, turned, min_side

    def __call__(self, frames: Sequence[Frame]) -> list[Frame]:
        return [frame if frame.image is None else replace(frame, faces=self.find(frame.image)) for frame in frames]

    def find(self, image: Image) -> Faces:
        """Faces of one picture (h, w, 3) uint8 RGB, best first."""
        found = self._upright(image)
        if self.turned and not len(found):
            for turn in (1, 2, 3):
                rows = self._upright(np.ascontiguousarray(np.rot90(image, turn)))
                if len(rows):
                    found = _turn_back(rows, turn, image.shape[0], image.shape[1])
                    break
        found = found[geometry.side(found[:, :4]) >= self.min_side]
        found = found[geometry.nms(found[:, :4], found[:, 4])]
        return Faces(found[:, :4], found[:, 4], found[:, 5:].reshape(-1, 5, 2))

    def _upright(self, image: Image) -> FloatArray:
        """(n, 15): box, score, points; of all scales, duplicates within a scale removed."""
        longest = max(image.shape[:2])
        scale = self.size / longest
        scales = [min(scale, 2.0)]  # a tiny picture is enlarged twice at most
        while scales[-1] < 0.75 * self.finest:
            scales.append(min(1.0, 2 * scales[-1]))
        looks = [self._look(small, image.shape[:2], level) for level, small in enumerate(_pyramid(image, scales))]
        return np.concatenate(looks)

    def _look(self, small: Image, shape: tuple[int, int], level: int) -> FloatArray:
        """One scale of a picture of that (height, width). On the finer scales only what the coarser ones are blind for is
        kept: they see large faces whole."""
        height, width = shape
        ratio = np.array([width / small.shape[1], height / small.shape[0]], np.float32)
        parts = []
        for y, x in _tiles(*small.shape[:2]):
            rows = self._run(small[y : y + TILE, x : x + TILE])
            rows[:, [0, 2, 5, 7, 9, 11, 13]] += x
            rows[:, [1, 3, 6, 8, 10, 12, 14]] += y
            parts.append(rows)
        rows = np.concatenate(parts)
        if level:
            rows = rows[geometry.side(rows[:, :4]) < 160]
        rows[:, [0, 2, 5, 7, 9, 11, 13]] *= ratio[0]
        rows[:, [1, 3, 6, 8, 10, 12, 14]] *= ratio[1]
        return rows[geometry.nms(rows[:, :4], rows[:, 4])]

    def _run(self, image: Image) -> FloatArray:
        """One tile through the network. -> (n, 15)"""
        height, width = (-(-side // 32) * 32 for side in image.shape[:2])
        if (height, width) != image.shape[:2]:
            padded = np.zeros((height, width, 3), np.uint8)
            padded[: image.shape[0], : image.shape[1]] = image
            image = padded
        out = self.runner.run({"image": to_tensor(image[None])})
        scores = out["scores"][0]
        chosen = np.flatnonzero(scores > np.log(self.threshold / (1 - self.threshold)))
        centres, strides = _places(height, width)
        centre, stride = centres[chosen], strides[chosen, None]
        raw = out["boxes"][0, chosen]
        middle, half = centre + raw[:, :2] * stride, np.exp(np.clip(raw[:, 2:], -6, 6)) * stride / 2
        points = out["points"][0, chosen].reshape(-1, 5, 2) * stride[:, None] + centre[:, None]
        score = 1 / (1 + np.exp(-scores[chosen]))
        return np.concatenate([middle - half, middle + half, score[:, None], points.reshape(-1, 10)], 1).astype(np.float32)


def _pyramid(image: Image, scales: list[float]) -> list[Image]:
    """The picture at rising scales, each shrunk from the one above it, which is much quicker than each from the picture."""
    out: list[Image] = []
    above = image
    for scale in reversed(scales):
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        if size != above.shape[1::-1]:
            # averaging is for shrinking by much; by little it is slow and no better
            way = cv2.INTER_AREA if size[0] < 0.7 * above.shape[1] else cv2.INTER_LINEAR
            above = np.asarray(cv2.resize(above, size, interpolation=way), np.uint8)
        out.append(above)
    return out[::-1]


@lru_cache(maxsize=32)
def _places(height: int, width: int) -> tuple[FloatArray, FloatArray]:
    """Centres (a, 2) and strides (a,) of the network's places, in the order of its output."""
    centres, strides = [], []
    for stride in STRIDES:
        y, x = np.mgrid[: height // stride, : width // stride]
        centres.append((np.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride)
        strides.append(np.full(x.size, stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _tiles(height: int, width: int) -> list[tuple[int, int]]:
    """Upper left corners of overlapping tiles that cover a picture."""

    def starts(length: int) -> list[int]:
        if length <= TILE:
            return [0]
        count = -(-(length - OVERLAP) // (TILE - OVERLAP))
        return [round(k * (length - TILE) / (count - 1)) for k in range(count)]

    return [(y, x) for y in starts(height) for x in starts(width)]


def _turn_back(rows: FloatArray, turn: int, height: int, width: int) -> FloatArray:
    """Rows found in np.rot90(image, turn), in pixels of the image itself."""
    points = np.concatenate([rows[:, :4].reshape(-1, 2, 2), rows[:, 5:].reshape(-1, 5, 2)], 1)
    x, y = points[..., 0], points[..., 1]
    if turn == 1:  # the turned picture's x is the image's y, its y runs from the right
        points = np.stack([width - 1 - y, x], -1)
    elif turn == 2:
        points = np.stack([width - 1 - x, height - 1 - y], -1)
    else:
        points = np.stack([y, height - 1 - x], -1)
    corners = points[:, :2]
    box = np.concatenate([corners.min(1), corners.max(1)], 1)
    return np.concatenate([box, rows[:, 4:5], points[:, 2:].reshape(-1, 10)], 1).astype(np.float32)
