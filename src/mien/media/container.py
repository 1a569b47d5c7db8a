"""Open what libav can read, choose the stream of pictures, turn its frames into upright RGB."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any, BinaryIO

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import VideoReformatter

from ..errors import InputError
from .rgb import RGB
from .sniff import HEAD, check_file, shown, sniff

Media = str | os.PathLike[str] | BinaryIO
Matrix = tuple[int, int, int, int]
Convert = Callable[[Any, Matrix], RGB]
# what damaged files make libav and its wrapper raise
ERRORS = (av.FFmpegError, OSError, ValueError, ArithmeticError, MemoryError, EOFError)

_BT709, _UNSPECIFIED = 1, 2
_OPEN_SECONDS, _READ_SECONDS = 15.0, 30.0


def is_url(source: object) -> bool:
    """Whether a text is an address such as rtsp://host/path.

    Example:
        >>> is_url("rtsp://camera/1"), is_url("C:/film.mp4")
        (True, False)
    """
    return isinstance(source, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", source) is not None


def opened(source: Media, name: str) -> Any:
    """An open container for a path, an address or a file opened for reading bytes.

    Raises:
        InputError: it cannot be opened; the message says why and what to do.
    """
    options: dict[str, Any] = {"metadata_errors": "replace"}
    target: Any = source
    if is_url(source):
        options["timeout"] = (_OPEN_SECONDS, _READ_SECONDS)
        if str(source).startswith("rtsp"):
            options["options"] = {"rtsp_transport": "tcp"}  # over UDP lost packets smear the picture
    elif isinstance(source, (str, os.PathLike)):
        check_file(os.fspath(source))
        target = f"file:{os.fspath(source)}"  # a name with a colon would be taken for a protocol
    try:
        return av.open(target, "r", **options)
    except ERRORS as error:
        raise _not_opened(source, name, error) from error


def _not_opened(source: Media, name: str, error: Exception) -> InputError:
    reason = getattr(error, "strerror", None) or str(error)
    if is_url(source):
        return InputError(
            f"{shown(name)}: cannot be opened ({reason})", "a stream that answers", "check address, network and login"
        )
    if isinstance(error, PermissionError):
        return InputError(f"{shown(name)}: no permission to read it", "a readable file", "change its permissions")
    kind, form = ("", "") if not isinstance(source, (str, os.PathLike)) else _start(os.fspath(source))
    if form == "MP4 or MOV" and not _has_index(os.fspath(source)):  # type: ignore[arg-type]
        return InputError(
            f"{shown(name)}: its index (the moov box) is missing, so the recording was not finished or the file was cut off",
            "a whole file",
            "copy it again from the camera, or repair it with a tool such as untrunc",
        )
    what = form if form and kind != "video" else f"damaged, or not a video that is known here ({reason})"
    return InputError(f"{shown(name)}: {what}", "a video file", "play it in a video player; get the file again if that fails too")


def _start(path: str) -> tuple[str, str]:
    with open(path, "rb") as stream:
        return sniff(stream.read(HEAD))


def _has_index(path: str) -> bool:
    """Whether the boxes of an MP4 file include a whole moov."""
    size = os.path.getsize(path)
    with open(path, "rb") as stream:
        place = 0
        while place + 16 <= size:
            stream.seek(place)
            length, kind, large = struct.unpack(">I4sQ", stream.read(16))
            length = {0: size - place, 1: large}.get(length, length)
            if kind == b"moov":
                return bool(place + length <= size)
            if length < 8:
                return False
            place += length
    return False


def picture_stream(container: Any) -> Any:
    """The video stream to read; None where there is none. A cover picture of a song is no video."""
    for stream in container.streams.video:
        if (
            not stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)
            and stream.codec_context is not None
        ):
            return stream
    return None


def rate_of(stream: Any) -> Fraction | None:
    """Frames per second on average, as the container states or libav guesses."""
    # libav guesses 1000 or 90000 where it knows nothing but the unit of the timestamps
    for rate, most in ((stream.average_rate, 10_000), (stream.guessed_rate, 999)):
        if rate and 0 < rate <= most:
            return Fraction(rate)
    return None


def length_of(container: Any, stream: Any) -> float | None:
    """Seconds that the container states for the stream, or else for itself."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else None


def matrix_of(picture: Any, stream: Any) -> Matrix:
    """How a frame is to be turned: a b c d with x' = a x + c y, y' = b x + d y (x right, y down), each -1, 0 or 1."""
    for item in picture.side_data:
        if item.type.name == "DISPLAYMATRIX":
            values = np.frombuffer(item, np.int32)[[0, 1, 3, 4]].astype(float)
            if not values.any():
                break
            straight = abs(values[0]) + abs(values[3]) >= abs(values[1]) + abs(values[2])
            a, b, c, d = (int(v) for v in np.sign(values))
            return (a or 1, 0, 0, d or 1) if straight else (0, b or 1, c or 1, 0)
    tags = {key.lower(): value for key, value in stream.metadata.items()}  # old files carry a tag instead
    return {"90": (0, 1, -1, 0), "180": (-1, 0, 0, -1), "270": (0, -1, 1, 0)}.get(tags.get("rotate", ""), (1, 0, 0, 1))


def degrees(matrix: Matrix) -> int:
    """Clockwise turn of a matrix, 0, 90, 180 or 270; a mirrored one is told as the turn that it contains."""
    a, b, _, d = matrix
    if b:
        return 90 if b > 0 else 270
    return 180 if a < 0 and d < 0 else 0


def _turned(image: RGB, matrix: Matrix) -> RGB:
    """A frame turned and mirrored as its matrix says; contiguous."""
    a, b, c, d = matrix
    if b:
        image, a, d = image.transpose(1, 0, 2), c, b
    return np.ascontiguousarray(image[:: d or 1, :: a or 1])


def converter() -> Convert:
    """A function from frame and matrix to upright (h, w, 3) uint8 RGB that belongs to the caller.

    Matrix and range of the colours are those that the frame states. Where it states none, frames over 576 rows or from 1280
    columns on are taken as BT.709 and smaller ones as BT.601, as players do. Pixels that are not square stay as stored; HDR
    (PQ, HLG) is not tone-mapped.
    """
    reformatter = VideoReformatter()

    def convert(picture: Any, matrix: Matrix) -> RGB:
        if picture.colorspace == _UNSPECIFIED and (picture.height > 576 or picture.width >= 1280) and not picture.format.is_rgb:
            picture.colorspace = _BT709
        shaped = reformatter.reformat(picture, format="rgb24", threads=1)
        image: RGB = np.asarray(shaped.to_ndarray(), np.uint8)
        if shaped is picture:  # it was RGB already: the decoder may still need this memory
            image = image.copy()
        if matrix != (1, 0, 0, 1):
            return _turned(image, matrix)
        return np.ascontiguousarray(image)

    return convert
