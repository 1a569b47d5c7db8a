"""One pass over one video file: decode, number, time; count what is lost and missing."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from ..types import Faces, Frame
from .clock import Clock, Numbers, Window
from .container import ERRORS, Convert, Matrix, converter, matrix_of, rate_of
from .rgb import RGB
from .sniff import shown

log = logging.getLogger(__name__)

# containers that can be searched exactly, and codecs that store one shown frame in each packet
_SEEKABLE = ("mov", "matroska")
_INTRA = 1  # libav's number for pictures that need no other
_ONE_TO_ONE = ("av1", "dnxhd", "ffv1", "h264", "hevc", "libdav1d", "mjpeg", "mpeg4", "prores", "vp9")


def problem(name: str, status: str, reason: str, time: float = 0.0, index: int = 0) -> Frame:
    """A frame without image that says what is wrong with a source."""
    return Frame(None, time, index, Faces.none(), name, status, reason)


def _count_text(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"


class Reader:
    """One pass over one file; counts what is read, lost and missing."""

    def __init__(self, container: Any, stream: Any, name: str, window: Window) -> None:
        self.container, self.stream, self.name, self.window = container, stream, name, window
        rate = rate_of(stream)
        self.clock = Clock(stream.time_base or Fraction(1, 1000), float(1 / rate) if rate else 0.04)
        self.in_order = container.format.name == "avi"
        paired = not self.in_order and stream.codec_context.name in _ONE_TO_ONE
        self.numbers = Numbers(paired, float(1 / stream.time_base) if stream.time_base else 1000.0)
        self.time = 0.0  # of the last one
        self.good = self.lost = self.smeared = 0
        self.first_lost = 0.0
        self.broken = ""  # why reading stopped before the end of the file
        self.ends: dict[int, float] = {}  # by stream: where its last packet ends, in seconds of the file's own clock
        self.jumped = False  # frames before the start then only lead up to it and are not counted

    def frames(self, searchable: bool) -> Iterator[Frame]:
        """The frames of the window, then what was wrong."""
        if searchable and self.window.start > 0:
            self._jump()
        convert = converter()
        matrix: tuple[int, int, int, int] | None = None
        damaged = yielded = stopped = False
        for picture in self._pictures():
            # AVI stores no times of showing: libav's guess is out of order there, the order of decoding is evenly spaced
            stamp = picture.dts if self.in_order else picture.pts
            if self.jumped and self._early(stamp):
                self.time = self.clock.seconds(stamp or 0)
                continue
            index, lost = self.numbers.tell(stamp, picture.interlaced_frame)
            self._lose(lost)
            if index is None:
                continue
            self.time = self.clock.tell(stamp)
            if self.window.over(self.time):
                stopped = True
                break
            if picture.is_corrupt:
                self._lose([stamp])
                self.numbers.damaged = damaged = True
                continue
            damaged = damaged and not picture.key_frame
            self.smeared += damaged
            self.good += 1
            if not self.window.holds(self.time, index):
                continue
            if matrix is None or picture.key_frame:
                matrix = matrix_of(picture, self.stream)
            image = self._converted(convert, picture, matrix)
            if image is not None:
                yielded = True
                yield Frame(image, self.time, index, Faces.none(), self.name)
        yield from self._last(yielded, stopped)

    def _converted(self, convert: Convert, picture: Any, matrix: Matrix) -> RGB | None:
        try:
            return convert(picture, matrix)
        except ERRORS as error:
            log.debug("%s: frame at %.3f s not converted: %s", self.name, self.time, error)
            self.good -= 1
            self._lose([None])
            return None

    def _lose(self, stamps: Sequence[int | None]) -> None:
        """Count frames that are gone."""
        if stamps and not self.lost:
            self.first_lost = self.time if stamps[0] is None else max(self.clock.seconds(stamps[0]), 0.0)
        self.lost += len(stamps)

    def _pictures(self) -> Iterator[Any]:
        """Decoded frames in the order of showing; a packet that cannot be decoded is counted as a lost frame."""
        for packet in self._packets():
            if packet.stream_index != self.stream.index:
                continue
            counted = packet.size > 0 and not packet.is_discard and not (self.jumped and self._early(packet.pts))
            if counted:
                self.numbers.expect(packet.pts)
                if not self.in_order:
                    self.clock.begin(packet.pts)
            try:
                pictures = packet.decode()
            except ERRORS as error:
                log.debug("%s: packet at %s not decoded: %s", self.name, packet.pts, error)
                if counted:
                    self._lose(self.numbers.fail(packet.pts))
                continue
            yield from pictures
        if self.broken:  # the decoder still holds good frames
            try:
                yield from self.stream.decode(None)
            except ERRORS as error:
                log.debug("%s: rest not decoded: %s", self.name, error)

    def _early(self, pts: int | None) -> bool:
        return pts is None or self.clock.seconds(pts) < self.window.start

    def _packets(self) -> Iterator[Any]:
        """Packets of all streams, to see how far the file goes."""
        packets = self.container.demux()
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except ERRORS as error:
                self.broken = getattr(error, "strerror", None) or str(error)
                return
            if packet.size and packet.pts is not None:
                end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                self.ends[packet.stream_index] = max(end, self.ends.get(packet.stream_index, end))
            yield packet

    def _jump(self) -> None:
        """Go to the key frame before the start if the frames up to there can be counted; else stay at the beginning."""
        stream = self.stream
        known = set(_SEEKABLE) & set(self.container.format.name.split(","))
        if not known or stream.codec_context.name not in _ONE_TO_ONE or stream.start_time is None:
            return
        self.clock.begin(stream.start_time)
        try:
            key, count = self._count("mov" in known)
            if key is not None:
                self.container.seek(key, stream=stream)
                if self._lands():
                    self.container.seek(key, stream=stream)
                    self.numbers.next, self.jumped = count, True
                    return
            self.container.seek(stream.start_time, stream=stream)
        except ERRORS as error:  # what is wrong with the file shows when it is read
            log.debug("%s: no jump to %.3f s: %s", self.name, self.window.start, error)

    def _count(self, by_dts: bool) -> tuple[int | None, int]:
        """The timestamp to search for, or None, and the number of frames before the start. Reads packets, decodes nothing."""
        key, count = None, 0
        for packet in self.container.demux(self.stream):
            if not packet.size:
                continue
            if packet.pts is None or (packet.pts < self.stream.start_time and not packet.is_discard):
                return None, 0
            # packets come in the order of decoding: past this one nothing is shown before the start any more
            if self.clock.seconds(packet.pts - 3 / packet.time_base if packet.dts is None else packet.dts) >= self.window.start:
                break
            early = self.clock.seconds(packet.pts)
            count += early < self.window.start and not packet.is_discard
            if packet.is_keyframe and early <= self.window.start:
                key = packet.dts if by_dts else packet.pts
        return key, count

    def _lands(self) -> bool:
        """Whether a search has led to a whole picture not after the start, and each packet holds one frame (not one field).

        Some streams refresh the picture bit by bit; what they call a key frame is no place to begin.
        """
        begun = False
        for packet in self.container.demux(self.stream):
            if packet.size and not begun:
                begun = packet.is_keyframe and packet.pts is not None and self.clock.seconds(packet.pts) <= self.window.start
                if not begun:
                    return False
            for picture in packet.decode():
                return picture.pict_type == _INTRA and not picture.interlaced_frame
        return False

    def _last(self, yielded: bool, stopped: bool) -> Iterator[Frame]:
        """A frame that says what was wrong; none if all was well."""
        if not stopped:
            self._lose(self.numbers.rest())
        faults = [f"reading stopped ({self.broken})"] if self.broken else []
        if self.lost:
            smeared = f", and {_count_text(self.smeared)} predicted from damaged ones may show traces" if self.smeared else ""
            faults.append(f"{_count_text(self.lost)} could not be decoded, the first at {self.first_lost:.2f} s{smeared}")
        cut = "" if stopped else self._cut()
        if cut:
            faults.append(cut)
        if not faults and not yielded:
            until = "the end" if self.window.end is None else f"{self.window.end:g} s"
            faults.append(f"no frame lies between {self.window.start:g} s and {until}; the last is at {self.time:.2f} s")
        if not faults:
            return
        whole = self.stream.frames and not (stopped or self.jumped)
        count = f"{self.good} of {_count_text(self.stream.frames)}" if whole else _count_text(self.good)
        read = f"{count} read, the last at {self.time:.2f} s" if self.good else "no frame read"
        # what to do comes last: the report shows it apart
        remedy = "get the file again if the rest is needed" if self.good else "get the file again, or choose another part of it"
        reason = f"{shown(self.name)}: {read}; {'; '.join(faults)}; {remedy}"
        if yielded:
            yield problem(self.name, "damaged", reason, self.time + self.clock.step, self.numbers.next)
        else:
            yield problem(self.name, "unreadable", reason)

    def _cut(self) -> str:
        """Whether the file ends before the length that it states."""
        stated, reached = self._lengths()
        if stated - reached <= max(3 * self.clock.step, 0.02 * stated):
            return ""
        return f"the file is cut off: it states {stated:.2f} s and ends at {reached:.2f} s"

    def _lengths(self) -> tuple[float, float]:
        """Seconds that the container states and that were reached; (0, 0) for a container that states no length of its own."""
        stream, form = self.stream, self.container.format.name
        begin = float((stream.start_time or 0) * stream.time_base)
        reached = self.ends.get(stream.index, begin) - begin
        if "mov" in form and stream.duration:
            return float(stream.duration * stream.time_base), reached
        if form == "avi" and stream.frames:
            return stream.frames * self.clock.step, reached
        if ("matroska" in form or form == "flv") and self.container.duration:
            # the length is that of the longest stream
            return self.container.duration / 1e6, max(self.ends.values(), default=0.0) - (self.container.start_time or 0) / 1e6
        return 0.0, 0.0
