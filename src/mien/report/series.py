"""Time series of constant size: however long a video is, a track keeps at most 600 bins."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

BINS = 600
FINEST = 0.02  # seconds of a bin at the start
_FIRST = 75  # bins that are made at first; doubled until there are BINS


class Series:
    """Mean, lowest and highest value of several channels in bins of time.

    A bin starts out 0.02 s wide. When the last of the 600 bins is full, neighbours are joined and bins are twice as wide.

    Args:
        channels: number of values at each time.
        start: seconds of the first bin's begin.

    Example:
        >>> series = Series(1, start=0.0)
        >>> for i in range(20_000):
        ...     series.add(i / 25, np.array([i % 2], np.float32))
        >>> curve = series.curve()
        >>> len(curve.time) <= 600, round(float(curve.mean.mean()), 2), float(curve.low.min()), float(curve.high.max())
        (True, 0.5, 0.0, 1.0)
    """

    def __init__(self, channels: int, start: float) -> None:
        self.start, self.width = start, FINEST
        self._sum = np.zeros((_FIRST, channels), np.float64)
        self._low = np.full((_FIRST, channels), np.nan, np.float32)
        self._high = np.full((_FIRST, channels), np.nan, np.float32)
        self._known = np.zeros((_FIRST, channels), np.int32)
        self._seen = np.zeros(_FIRST, np.int32)
        self._time = np.zeros(_FIRST, np.float64)

    def add(self, time: float, values: FloatArray) -> None:
        """Take the values (channels,) of one time; NaN is a value that could not be told."""
        place = max(int((time - self.start) / self.width), 0)
        while place >= BINS:
            self._halve()
            place = int((time - self.start) / self.width)
        if place >= len(self._seen):
            self._grow(place)
        known = ~np.isnan(values)
        self._sum[place, known] += values[known]
        self._known[place] += known
        np.fmin(self._low[place], values, out=self._low[place])
        np.fmax(self._high[place], values, out=self._high[place])
        self._seen[place] += 1
        self._time[place] += time

    def _arrays(self) -> dict[str, tuple[NDArray[np.generic], float]]:
        """Each array with what stands in an empty bin."""
        return {
            "_sum": (self._sum, 0),
            "_low": (self._low, np.nan),
            "_high": (self._high, np.nan),
            "_known": (self._known, 0),
            "_seen": (self._seen, 0),
            "_time": (self._time, 0),
        }

    def _grow(self, place: int) -> None:
        size = len(self._seen)
        while size <= place:
            size *= 2
        for name, (array, empty) in self._arrays().items():
            more = np.full((min(size, BINS) - len(array), *array.shape[1:]), empty, array.dtype)
            setattr(self, name, np.concatenate([array, more]))

    def _halve(self) -> None:
        self._grow(BINS - 1)
        with np.errstate(invalid="ignore"):
            for name, (array, empty) in self._arrays().items():
                join = {"_low": np.fmin, "_high": np.fmax}.get(name, np.add)
                joined = join(array[0::2], array[1::2])
                setattr(self, name, np.concatenate([joined, np.full_like(joined, empty)]))
        self.width *= 2

    @property
    def nbytes(self) -> int:
        """Memory of the bins."""
        return sum(array.nbytes for array, _ in self._arrays().values())

    def curve(self) -> Curve:
        """The bins in which something was seen."""
        filled = np.flatnonzero(self._seen)
        known = self._known[filled]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(known > 0, self._sum[filled] / known, np.nan).astype(np.float32)
        time = self._time[filled] / self._seen[filled]
        return Curve(time, mean, self._low[filled], self._high[filled], self.width)


@dataclass(frozen=True, eq=False)
class Curve:
    """Points of a series.

    Args:
        time: (t,) seconds, mean time of the frames in each bin.
        mean: (t, channels); NaN where nothing could be told.
        low: (t, channels) lowest value in the bin.
        high: (t, channels) highest value in the bin.
        width: seconds of a bin.
    """

    time: NDArray[np.float64]
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    width: float

    def parts(self, values: FloatArray, step: float) -> list[slice]:
        """Runs of points between gaps.

        A gap is where the values (t,) or (t, k) hold a NaN, and where more time passed than between two analysed frames.

        Args:
            values: what is to be drawn.
            step: seconds between two analysed frames.
        """
        known: NDArray[np.bool_] = np.asarray(~np.isnan(values.reshape(len(values), -1)).any(axis=1), bool)
        limit = 2.5 * max(self.width, step)  # frames of one video need not be equally far apart
        edges = [0, *(np.flatnonzero((np.diff(self.time) > limit) | (known[1:] != known[:-1])) + 1), len(known)]
        return [slice(a, b) for a, b in pairwise(edges) if b > a and known[a]]
