"""Write a video: frames with their own times, and the sound of another file."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from ..errors import InputError
from .container import ERRORS, opened, picture_stream
from .rgb import RGB, to_rgb
from .sniff import shown

log = logging.getLogger(__name__)

_UNIT = Fraction(1, 90_000)
_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv")
# sound that players expect in such a file is copied, other sound becomes AAC
_COPIED = frozenset(("aac", "ac3", "alac", "eac3", "mp3"))
_BT601, _BT709, _LIMITED = 5, 1, 1  # numbers of libav: SMPTE 170M matrix as swscale names it, BT.709, 16..235


class VideoWriter:
    """Write H.264 (MPEG-4 where the build of libav has no encoder for it) with the time of each frame as it was.

    The file appears under its name at the end of the with block. When the block is left by an exception, the file is finished
    with what was written so far and the exception goes on. Time 0 of the file is the time of the first frame.

    Args:
        path: where to; .mp4, .m4v, .mov or .mkv.
        size: width and height of the frames in pixels; an odd side is padded by repeating the last row or column.
        rate: usual frames per second; decides the length of the last frame and the encoder's budget, not the times.
        audio_from: a file whose first sound track is written too, from the first to the end of the last frame. It is copied
            where players expect it in such a file, else encoded as AAC. A file without sound is no error.

    Raises:
        InputError: the extension, the size or the rate cannot be written, the folder is missing, ``audio_from`` cannot be
            opened, or the block ends without a frame.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder, VideoWriter(f"{folder}/grey.mp4", (64, 48), rate=25) as writer:
        ...     for i in range(3):
        ...         writer.write(np.full((48, 64, 3), 99, np.uint8), time=i / 25)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: tuple[int, int],
        rate: Fraction | float = 25,
        audio_from: str | os.PathLike[str] | None = None,
    ) -> None:
        self.path = Path(path)
        self.size = size
        self.rate = Fraction(rate).limit_denominator(1001)
        name = shown(str(path))
        if self.path.suffix.lower() not in _SUFFIXES:
            raise InputError(f"{name}: cannot write {self.path.suffix or 'no extension'}", f"one of {', '.join(_SUFFIXES)}")
        if not self.path.parent.is_dir():
            raise InputError(f"{name}: the folder does not exist", "an existing folder", "make the folder first")
        if min(size) < 1 or max(size) > 16384:
            raise InputError(f"size {size[0]}x{size[1]}", "1 to 16384 pixels on each side")
        if not 0 < self.rate <= 1000:
            raise InputError(f"rate {float(rate)}", "more than 0 and at most 1000 frames per second")
        self.audio_from = audio_from
        self._pts = -1
        self._begin = 0.0
        self._open = False

    def __enter__(self) -> Self:
        # the sound file is opened first: if that fails, nothing has been made yet
        self._sound_file = opened(self.audio_from, os.fspath(self.audio_from)) if self.audio_from is not None else None
        handle, self._temporary = tempfile.mkstemp(self.path.suffix.lower(), f".{self.path.stem[:100]}.", self.path.parent)
        os.close(handle)
        try:
            options = {"movflags": "+faststart"} if self.path.suffix.lower() != ".mkv" else {}
            self._output: Any = av.open(f"file:{self._temporary}", "w", options=options)
            self._stream = self._video_stream()
            self._sound = _Sound(self._sound_file, self._output) if _has_sound(self._sound_file) else None
        except BaseException:
            self._discard()
            raise
        self._reformatter = VideoReformatter()
        self._open = True
        return self

    def _video_stream(self) -> Any:
        h264 = "libx264" in av.codecs_available
        # for MPEG-4 quantiser 3, in libav's unit of 1/118
        options = {"crf": "20", "preset": "veryfast"} if h264 else {"flags": "+qscale", "global_quality": "354"}
        stream: Any = self._output.add_stream("libx264" if h264 else "mpeg4", rate=self.rate, options=options)
        width, height = self.size
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        context.time_base = _UNIT if h264 else 1 / self.rate  # MPEG-4 counts time in 16 bits
        context.framerate = self.rate
        large = height > 576 or width >= 1280
        self._matrix = _BT709 if large else _BT601
        context.colorspace, context.color_primaries, context.color_trc = (1, 1, 1) if large else (6, 6, 6)
        context.color_range = _LIMITED
        return stream

    def write(self, image: RGB, time: float) -> None:
        """Add a frame.

        Args:
            image: (h, w, 3) uint8 RGB of the size given before.
            time: seconds, larger than that of the frame before.

        Raises:
            InputError: the size differs, or the time does not grow.
        """
        if not self._open:
            raise InputError("write() outside of the with block", "with VideoWriter(...) as writer:")
        rgb = to_rgb(image)
        if rgb.shape[1::-1] != tuple(self.size):
            raise InputError(f"a frame of {rgb.shape[1]}x{rgb.shape[0]}", f"{self.size[0]}x{self.size[1]}", "resize it")
        begin = time if self._pts < 0 else self._begin
        unit = self._stream.codec_context.time_base
        pts = round((time - begin) / unit)
        if pts <= self._pts:
            raise InputError(f"a frame at {time:.6f} s", f"a time after {self._begin + float(self._pts * unit):.6f} s")
        if self._sound is not None and self._pts < 0:
            self._sound.begin(begin)
        self._begin, self._pts = begin, pts
        frame = self._frame(rgb)
        frame.pts, frame.time_base = pts, unit
        self._output.mux(self._stream.encode(frame))
        if self._sound is not None:
            self._sound.write(time - begin)

    def _frame(self, rgb: RGB) -> Any:
        height, width = rgb.shape[:2]
        if height % 2 or width % 2:
            rgb = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        frame: Any = av.VideoFrame.from_ndarray(rgb, "rgb24")
        return self._reformatter.reformat(
            frame, format="yuv420p", dst_colorspace=self._matrix, dst_color_range=_LIMITED, src_color_range=2, threads=1
        )

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._open:
            return
        self._open = False
        if self._pts < 0:
            self._discard()
            if kind is None:
                raise InputError(f"{shown(str(self.path))}: no frame was written", "one frame or more")
            return
        try:
            self._finish()
        except BaseException as failure:
            self._discard()
            if error is None:
                raise
            log.error("%s: could not be finished: %s", self.path, failure)

    def _finish(self) -> None:
        self._output.mux(self._stream.encode(None))
        if self._sound is not None:
            last = float(self._pts * self._stream.codec_context.time_base)
            self._sound.write(last + float(1 / self.rate))
            self._sound.close()
        self._output.close()
        if self._sound_file is not None:
            self._sound_file.close()
        # mkstemp makes the file private; give it the permissions a plain open() would have
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(self._temporary, 0o666 & ~mask)
        os.replace(self._temporary, self.path)

    def _discard(self) -> None:
        for container in (getattr(self, "_output", None), self._sound_file):
            if container is not None:
                try:
                    container.close()
                except ERRORS as error:
                    log.debug("closing an unfinished file: %s", error)
        Path(self._temporary).unlink(missing_ok=True)


def _has_sound(container: Any) -> bool:
    return container is not None and bool(container.streams.audio)


class _Sound:
    """The sound of a file, written up to where the pictures are, so that both lie side by side in the new file."""

    def __init__(self, source: Any, output: Any) -> None:
        self._source, self._output = source, output
        self._stream = source.streams.audio[0]
        self._copied = self._stream.codec_context.codec.canonical_name in _COPIED
        if self._copied:
            self._target = output.add_stream_from_template(self._stream)
        else:
            self._target = output.add_stream("aac", rate=self._stream.codec_context.sample_rate)
            # files without a stated layout, and those with more than two channels, which players expect least
            self._target.codec_context.layout = "mono" if self._stream.codec_context.channels == 1 else "stereo"
        self._zero = 0.0
        self._parts: Iterator[Any] = iter(())
        self._waiting: Any = None

    def begin(self, time: float) -> None:
        """Say which time of the source's video is time 0."""
        video = picture_stream(self._source)
        first = self._stream if video is None or video.start_time is None else video
        self._zero = time + float((first.start_time or 0) * first.time_base)
        self._parts = self._packets() if self._copied else self._encoded()
        self._waiting = next(self._parts, None)

    def write(self, until: float) -> None:
        """Write what is heard before that time."""
        while self._waiting is not None and float(self._waiting.pts * self._waiting.time_base) < until:
            self._output.mux(self._waiting)
            self._waiting = next(self._parts, None)

    def close(self) -> None:
        """Write what the encoder still holds of sound already given to it."""
        if not self._copied and self._waiting is None:
            self._output.mux(self._target.encode(None))

    def _read(self) -> Iterator[Any]:
        packets = self._source.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except ERRORS as error:
                log.warning("the sound ends early: %s", error)
                return
            yield packet

    def _packets(self) -> Iterator[Any]:
        shift = round(self._zero / self._stream.time_base)
        for packet in self._read():
            if packet.dts is None or packet.pts is None or packet.pts < shift:
                continue
            packet.pts -= shift
            packet.dts -= shift
            packet.stream = self._target
            yield packet

    def _encoded(self) -> Iterator[Any]:
        context = self._target.codec_context
        context.open()
        resampler = av.AudioResampler(context.format, context.layout, context.sample_rate, context.frame_size)
        begun = False
        for packet in self._read():
            try:
                frames = packet.decode()
            except ERRORS as error:
                log.debug("a part of the sound was not decoded: %s", error)
                continue
            for frame in frames:
                if frame.pts is not None and float(frame.pts * frame.time_base) < self._zero:
                    continue
                if not begun:
                    begun, at = True, float(frame.pts * frame.time_base) - self._zero if frame.pts is not None else 0.0
                    count = round(at * context.sample_rate)
                frame.pts = None
                for part in resampler.resample(frame):
                    part.pts, part.time_base = count, Fraction(1, context.sample_rate)
                    count += part.samples
                    yield from self._target.encode(part)
