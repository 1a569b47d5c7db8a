"""Videos: frames with their true times, upright and in RGB, from files, streams and cameras."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from ..errors import InputError
from ..types import Frame
from .camera import camera_frames, is_camera
from .clock import Window
from .container import (
    ERRORS,
    Media,
    degrees,
    is_url,
    length_of,
    matrix_of,
    opened,
    picture_stream,
    rate_of,
)
from .image import MAX_PIXELS, check_size, seekable
from .reader import Reader, problem
from .sniff import shown
from .writer import VideoWriter

__all__ = ["VideoInfo", "VideoWriter", "read_video", "video_info"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VideoInfo:
    """What a container says about its video; None where it says nothing.

    Args:
        width: pixels of the upright frame.
        height: pixels of the upright frame.
        rate: frames per second, on average.
        duration: seconds.
        frames: number of frames; computed from duration and rate where the container does not state it.
        rotation: degrees clockwise by which stored frames are turned: 0, 90, 180 or 270.
        has_audio: whether there is a sound track.
        codec: name of the video codec.
    """

    width: int
    height: int
    rate: Fraction | None
    duration: float | None
    frames: int | None
    rotation: int
    has_audio: bool
    codec: str


def video_info(path: Media) -> VideoInfo:
    """Size, rate and length of a video, from its header and its first frame.

    Raises:
        InputError: it cannot be opened, or has no video stream.
    """
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else "video"
    with opened(path, name) as container:
        stream = picture_stream(container)
        if stream is None:
            raise _no_pictures(name)
        rate, duration = rate_of(stream), length_of(container, stream)
        frames = stream.frames or (round(duration * rate) if duration and rate else None)
        matrix = (1, 0, 0, 1)
        try:
            matrix = matrix_of(next(container.decode(stream)), stream)
        except (*ERRORS, StopIteration) as error:
            log.debug("%s: first frame not decoded: %s", name, error)
        size = (stream.codec_context.width, stream.codec_context.height)
        width, height = size if matrix[0] else size[::-1]
        codec = str(stream.codec_context.codec.canonical_name)
        return VideoInfo(width, height, rate, duration, frames, degrees(matrix), bool(container.streams.audio), codec)


def read_video(
    source: Media,
    *,
    name: str,
    start: float = 0.0,
    end: float | None = None,
    every: int = 1,
    threads: int = 1,
) -> Iterator[Frame]:
    """Decode a video frame by frame, in constant memory.

    ``time`` is the presentation time that the file gives each frame, in seconds from the file's first frame, so a variable
    frame rate and gaps are kept. A frame without a timestamp comes one average frame after the one before. Times always
    grow: a frame whose timestamp does not is put one average frame after the one before, and when the clock was set back
    by more than a second (joined recordings), the rest is shifted to go on from there.

    ``index`` numbers the frames of the whole file in the order of showing. It counts frames that are left out (by ``start``,
    by ``every``, or because they are damaged). Decoding begins at the key frame before ``start`` where the container can be
    searched exactly (MP4, MOV, MKV, WebM), after counting the packets before it; elsewhere from the beginning.

    Frames that the decoder reports as damaged are left out. If there were any, or if the file ends before the length that it
    states (by more than 3 frames and 2 %), a last Frame without image and with status "damaged" says what is missing. If
    nothing can be read there is one Frame with status "unreadable". Content never raises.

    Args:
        source: path, address (rtsp://, http:// ...), number of a camera as text, or a file opened for reading bytes.
        name: name of the source, put into every Frame.
        start: seconds; frames before it are left out.
        end: seconds; reading stops at the first frame at or after it.
        every: keep the frames whose index is a multiple of this; the others are decoded but not converted.
        threads: threads of the decoder; 0 lets libav choose.

    Raises:
        InputError: ``start`` is negative, ``end`` is not after ``start``, ``every`` is under 1 or ``threads`` under 0.
    """
    window = Window(start, end, every)
    if threads < 0:
        raise InputError(f"threads={threads}", "0 (automatic) or more")
    return _frames(source, name, window, threads)


def _frames(source: Media, name: str, window: Window, threads: int) -> Iterator[Frame]:
    try:
        if is_camera(source):
            yield from _windowed(camera_frames(str(source), name), window)
            return
        container = opened(source, name)
    except InputError as error:
        yield problem(name, "unreadable", str(error))
        return
    with container:
        stream = picture_stream(container)
        try:
            if stream is None:
                raise _no_pictures(name)
            if stream.codec_context.width:  # some streams tell their size in the first frame only
                check_size(stream.codec_context.width, stream.codec_context.height, name, MAX_PIXELS)
        except InputError as error:
            yield problem(name, "unreadable", str(error))
            return
        # AUTO allows threads across frames, which delays the first frame; one thread needs neither
        stream.thread_type, stream.thread_count = ("SLICE", 1) if threads == 1 else ("AUTO", threads)
        searchable = not is_url(source) and (isinstance(source, (str, os.PathLike)) or seekable(source))
        yield from Reader(container, stream, name, window).frames(searchable)


def _windowed(frames: Iterator[Frame], window: Window) -> Iterator[Frame]:
    for frame in frames:
        if frame.image is not None and window.over(frame.time):
            return
        if frame.image is None or window.holds(frame.time, frame.index):
            yield frame


def _no_pictures(name: str) -> InputError:
    return InputError(f"{shown(name)}: has no video stream, only sound or data", "a file with pictures")
