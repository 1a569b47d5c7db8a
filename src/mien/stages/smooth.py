"""One-Euro smoothing of a track's values over time; off unless asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Frame, Scores

FloatArray = NDArray[np.float32]
SMOOTHED = ("boxes", "landmarks", "mesh", "pose", "gaze", "intensity", "affect")
SMOOTHED_SCORES = ("expression", "units", "blendshapes")


class OneEuro:
    """The One-Euro filter for an array of any shape.

    Source: Casiez, Roussel and Vogel (2012), "1 Euro Filter", CHI, section 3: a low-pass filter whose cut-off frequency
    rises with the speed of the signal: f = f_min + beta |dx/dt|.

    Args:
        cutoff: f_min in Hz; lower is smoother while still.
        beta: cut-off gained per unit of speed; higher follows quick movements better.
        speed_cutoff: cut-off of the speed's own filter, Hz.
    """

    def __init__(self, cutoff: float = 1.0, beta: float = 0.05, speed_cutoff: float = 1.0) -> None:
        self.cutoff, self.beta, self.speed_cutoff = cutoff, beta, speed_cutoff
        self.value: FloatArray | None = None
        self.speed: FloatArray | None = None
        self.time = 0.0

    def __call__(self, value: FloatArray, time: float) -> FloatArray:
        """The filtered value at ``time`` (seconds); NaN in gives NaN out and leaves the filter as it was there."""
        if self.value is None or self.speed is None or time <= self.time:
            self.value, self.speed, self.time = value.copy(), np.zeros_like(value), time
            return value
        step = time - self.time
        speed = self._blend((value - self.value) / step, self.speed, np.float32(self.speed_cutoff), step)
        out = self._blend(value, self.value, self.cutoff + self.beta * np.abs(speed), step)
        known = ~np.isnan(out)
        # where the state was unknown until now it starts with what is seen
        self.value = np.where(known, out, np.where(np.isnan(self.value), value, self.value))
        self.speed = np.where(known, speed, 0)
        self.time = time
        return np.asarray(np.where(np.isnan(value), np.nan, self.value), np.float32)

    @staticmethod
    def _blend(new: FloatArray, old: FloatArray, cutoff: Any, step: float) -> FloatArray:
        weight = 1 / (1 + 1 / (2 * np.pi * cutoff * step))
        return np.asarray(weight * new + (1 - weight) * old, np.float32)


class Smooth:
    """Stage that smooths every value of every track on its own.

    Args:
        cutoff: Hz, see :class:`OneEuro`.
        beta: see :class:`OneEuro`; in units of each value divided by its natural size (box side, radian, score).
        gap: seconds after which a track that was away starts afresh.
    """

    needs = frozenset({"track"})
    adds: frozenset[str] = frozenset()

    def __init__(self, cutoff: float = 1.5, beta: float = 0.3, gap: float = 0.5) -> None:
        self.cutoff, self.beta, self.gap = cutoff, beta, gap
        self.filters: dict[tuple[int, str], OneEuro] = {}

    @property
    def settings(self) -> dict[str, float | str]:
        """What a table says about it."""
        return {"smoothing": "one-euro", "smoothing_cutoff_hz": self.cutoff, "smoothing_beta": self.beta}

    def __call__(self, frames: Sequence[Frame]) -> list[Frame]:
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Frame) -> Frame:
        faces = frame.faces
        if faces.track is None or not len(faces):
            return frame
        side = np.maximum((faces.boxes[:, 2:] - faces.boxes[:, :2]).max(1), 1)
        changes: dict[str, Any] = {}
        for name in SMOOTHED + SMOOTHED_SCORES:
            value = getattr(faces, name)
            if value is None:
                continue
            rows = value.values if isinstance(value, Scores) else value
            # pixels are filtered in sizes of the face, so that beta means the same near and far
            unit = side if name in ("boxes", "landmarks", "mesh") else np.ones(len(faces), np.float32)
            new = np.stack([self._filter(int(t), name, row / u, frame.time) * u for t, row, u in zip(faces.track, rows, unit)])
            if isinstance(value, Scores):
                new = np.clip(new, 0, 1)
                if name == "expression":
                    new = new / np.maximum(new.sum(1, keepdims=True), 1e-6)
                changes[name] = Scores(new, value.labels)
            else:
                changes[name] = new
        return replace(frame, faces=faces.with_(**changes))

    def _filter(self, track: int, name: str, row: FloatArray, time: float) -> FloatArray:
        if track < 0:
            return row
        key = (track, name)
        old = self.filters.get(key)
        if old is None or time - old.time > self.gap:
            old = self.filters[key] = OneEuro(self.cutoff, self.beta)
        return old(row, time)
