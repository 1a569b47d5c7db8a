"""Time and number of each frame of a video, and which frames are wanted."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from fractions import Fraction

from ..errors import InputError


@dataclass(frozen=True)
class Window:
    """Which frames of a video are wanted: from ``start`` to before ``end`` in seconds, and every so many.

    Raises:
        InputError: ``start`` is negative, ``end`` is not after ``start``, or ``every`` is under 1.

    Example:
        >>> window = Window(1.0, 2.0, 5)
        >>> window.holds(1.2, 30), window.holds(1.2, 31), window.over(2.0)
        (True, False, True)
    """

    start: float = 0.0
    end: float | None = None
    every: int = 1

    def __post_init__(self) -> None:
        if not self.start >= 0:
            raise InputError(f"start={self.start}", "0 or more seconds")
        if self.end is not None and not self.end > self.start:
            raise InputError(f"end={self.end}, start={self.start}", "an end after the start")
        if self.every < 1:
            raise InputError(f"every={self.every}", "1 or more")

    def holds(self, time: float, index: int) -> bool:
        """Whether a frame before the end is wanted."""
        return time >= self.start and index % self.every == 0

    def over(self, time: float) -> bool:
        """Whether a frame is at or after the end."""
        return self.end is not None and time >= self.end


class Clock:
    """Seconds from the first frame, out of timestamps that may be missing or run backwards.

    Args:
        unit: seconds of one tick of the timestamps.
        step: seconds between frames where no timestamp says it.

    Example:
        >>> clock = Clock(Fraction(1, 1000), 0.04)
        >>> [round(clock.tell(pts), 3) for pts in (5000, 5100, None, 5090, 5200)]
        [0.0, 0.1, 0.14, 0.18, 0.2]
    """

    def __init__(self, unit: Fraction, step: float) -> None:
        self.step = step
        self._unit = unit
        self._first: int | None = None
        self._shift = 0.0
        self._last: float | None = None

    def begin(self, pts: int | None) -> None:
        """Note a timestamp met before the first frame is shown; the smallest one is time 0."""
        if pts is not None and self._last is None and (self._first is None or pts < self._first):
            self._first = pts

    def seconds(self, pts: int) -> float:
        """Time of a timestamp, as the file says it."""
        return (pts - (self._first or 0)) * self._unit.numerator / self._unit.denominator

    def tell(self, pts: int | None) -> float:
        """Time of the next frame."""
        self.begin(pts)
        time = 0.0 if self._last is None else self._last + self.step
        if pts is not None:
            stated = self.seconds(pts) + self._shift
            if self._last is None or stated > self._last:
                time = stated
            elif self._last - stated > 1:
                self._shift += time - stated
        self._last = time
        return time


class Numbers:
    """Numbers frames in the order of showing; in a damaged file also those that the decoder drops without a word.

    Args:
        paired: each packet holds one shown frame, which bears its timestamp.
        second: ticks of the timestamps in a second.

    Example:
        >>> numbers = Numbers(True, 25)
        >>> for stamp in (0, 2, 1, 3, 4):
        ...     numbers.expect(stamp)
        >>> numbers.tell(0)
        (0, [])
        >>> numbers.fail(2)
        []
        >>> numbers.tell(1), numbers.tell(4)
        ((1, []), (4, [2, 3]))
    """

    _MOST = 64  # packets that a decoder may hold back; with more, packets and frames are not paired after all

    def __init__(self, paired: bool, second: float) -> None:
        self._second = second
        self.next = 0
        self.damaged = False
        self._waiting: list[int] | None = [] if paired else None
        self._newest: int | None = None

    def expect(self, stamp: int | None) -> None:
        """Note the timestamp of a packet that goes to the decoder."""
        if self._waiting is None:
            return
        if stamp is None or len(self._waiting) >= self._MOST:
            self._waiting = None
        else:
            bisect.insort(self._waiting, stamp)

    def fail(self, stamp: int | None) -> list[int | None]:
        """Note that a packet could not be decoded.

        Returns:
            Its timestamp if it is lost now; none if that will show when its turn comes.
        """
        self.damaged = True
        if self._waiting is not None:
            return []
        self.next += 1
        return [stamp]

    def tell(self, stamp: int | None, interlaced: bool = False) -> tuple[int | None, list[int]]:
        """Number of the next frame, and the timestamps that were lost before it.

        The number is None for a frame that a damaged file shows after later ones: it has been counted as lost.
        """
        back = stamp is not None and self._newest is not None and self._newest - stamp > self._second
        if interlaced or stamp is None or back:
            self._waiting = None  # packets may hold one field each; or the clock was set back
        lost: list[int] = []
        if self._waiting is not None and stamp is not None:
            if self.damaged and self._newest is not None and stamp < self._newest:
                return None, []
            while self.damaged and self._waiting and self._waiting[0] < stamp:
                lost.append(self._waiting.pop(0))
            if stamp in self._waiting:
                self._waiting.remove(stamp)
            self._newest = stamp
        self.next += len(lost) + 1
        return self.next - 1, lost

    def rest(self) -> list[int]:
        """What never came, at the end of a damaged file."""
        rest = self._waiting if self.damaged and self._waiting else []
        self._waiting = None
        self.next += len(rest)
        return rest
