"""One argument for everything that can be looked at: files, folders, patterns, arrays, bytes, pipes, cameras and streams."""

from __future__ import annotations

import glob
import io
import os
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO, Literal
from urllib.parse import urlparse
from urllib.request import url2pathname

import numpy as np

from ..errors import InputError, unknown_name
from ..types import Faces, Frame
from .camera import is_camera
from .clock import Window
from .container import is_url
from .image import MAX_PIXELS, check_size, frames_of, is_animated, read_image, seekable, to_rgb
from .reader import problem
from .sniff import HEAD, animated, by_name, check_file, missing, natural, shown, sniff, unreadable, unsupported
from .video import read_video

Kind = Literal["image", "video", "stream"]
_MAX_PIPED = 1 << 29  # bytes of a picture that comes through a pipe


@dataclass(frozen=True, eq=False)
class Item:
    """One picture, video or stream that was asked for.

    Args:
        name: as the user gave it, or the path inside the folder or pattern that was given.
        kind: "image" gives one frame, "video" an end, "stream" (camera, address) perhaps none.
        payload: what :func:`frames` reads; an InputError for an entry that cannot be read.
    """

    name: str
    kind: Kind
    payload: Any


@dataclass(frozen=True)
class _Animation:
    """A picture file with several frames: path or bytes."""

    data: str | bytes


def items(source: Any, *, stdin: BinaryIO | None = None, on_missing: str = "raise") -> Iterator[Item]:
    """Resolve a source to its pictures, videos and streams, one after the other, without decoding any.

    Args:
        source: a path to a file or folder; a pattern with ``*``, ``?``, ``[ ]`` or ``**`` (a file of that very name comes
            first); ``"-"`` for the standard input; the bytes of a file or a file opened for reading bytes; an array as
            :func:`mien.media.image.to_rgb` takes it; the number of a camera (0 or "0"); an address (rtsp://, http:// ...);
            or a list or iterator of these.

            Folders are read with all folders in them, in natural order (img2 before img10); hidden files and files that
            are obviously something else (.txt, .csv, .json ...) are left out. What a file is, is told by its content.
        stdin: where "-" reads; the standard input if None.
        on_missing: "raise" an error if a source that was given by itself cannot be used, or make an "item" of it.
            An entry of a list, folder or pattern always becomes an item, whose frame says what is wrong with it.

    Raises:
        InputError: the source does not exist (with the nearest names), holds nothing that can be read, or is of no kind that
            is known; or ``on_missing`` is neither of its two words.
    """
    if on_missing not in ("raise", "item"):
        raise unknown_name("on_missing", on_missing, ("raise", "item"))
    found = _found(source, stdin, "")
    if on_missing == "item":
        return _caught(found, source)
    first = next(found, None)  # now, so that the error comes from this call
    return iter(()) if first is None else chain((first,), found)


def frames(
    item: Item, *, start: float = 0.0, end: float | None = None, every: int = 1, max_pixels: int = MAX_PIXELS
) -> Iterator[Frame]:
    """Decode an item.

    Yields:
        One frame for a picture (time 0, index 0; the window does not apply), the frames of a video as
        :func:`mien.media.video.read_video` gives them. What cannot be read is a frame with status "unreadable", what is cut
        off or damaged ends with a frame with status "damaged"; both say why in ``reason``.

    Raises:
        InputError: the window is not one (see :class:`mien.media.clock.Window`). Content never raises.
    """
    window = Window(start, end, every)
    payload = item.payload
    if isinstance(payload, InputError):
        return iter((problem(item.name, "unreadable", str(payload)),))
    if isinstance(payload, _Animation):
        return _animation(item.name, payload.data, window, max_pixels)
    if item.kind == "image":
        return _picture(item.name, payload, max_pixels)
    return _video(item.name, payload, window)


def _video(name: str, payload: Any, window: Window) -> Iterator[Frame]:
    options: dict[str, Any] = {"name": name, "start": window.start, "end": window.end, "every": window.every}
    if isinstance(payload, _Pipe) and payload.index_last:
        with tempfile.TemporaryFile() as whole:
            shutil.copyfileobj(payload, whole)
            whole.seek(0)
            yield from read_video(whole, **options)
    else:
        yield from read_video(io.BytesIO(payload) if isinstance(payload, bytes) else payload, **options)


def _picture(name: str, data: Any, max_pixels: int) -> Iterator[Frame]:
    try:
        if isinstance(data, np.ndarray):
            check_size(data.shape[1], data.shape[0], name, max_pixels)
            image = data
        else:
            image = read_image(data, max_pixels=max_pixels)
    except InputError as error:
        yield problem(name, "unreadable", str(error))
        return
    yield Frame(image, 0.0, 0, Faces.none(), name)


def _animation(name: str, data: str | bytes, window: Window, max_pixels: int) -> Iterator[Frame]:
    time, index, yielded = 0.0, 0, False
    try:
        for image, duration in frames_of(data, max_pixels=max_pixels):
            if window.over(time):
                return
            if window.holds(time, index):
                yielded = True
                yield Frame(image, time, index, Faces.none(), name)
            time, index = time + duration, index + 1
    except InputError as error:
        status = "damaged" if yielded else "unreadable"
        yield problem(name, status, f"{error}; {index} frames read" if index else str(error), time, index)
        return
    if not yielded:
        yield problem(name, "unreadable", f"{shown(name)}: no frame lies at or after {window.start:g} s", time, index)


def _caught(found: Iterator[Item], source: Any) -> Iterator[Item]:
    try:
        yield from found
    except InputError as error:
        yield _failed(_label(source), error)


def _label(source: Any) -> str:
    if isinstance(source, (str, os.PathLike)):
        return os.fsdecode(source)
    return {np.ndarray: "array", bytes: "bytes"}.get(type(source), str(getattr(source, "name", type(source).__name__)))


def _failed(name: str, error: InputError) -> Item:
    return Item(name, "video" if by_name(name) == "video" else "image", error)


def _found(source: Any, stdin: BinaryIO | None, number: str) -> Iterator[Item]:
    """Items of one source; ``number`` tells nameless entries of a list apart."""
    if isinstance(source, Item):
        yield source
    elif isinstance(source, np.ndarray):
        yield Item(f"array{number}", "image", to_rgb(source))
    elif isinstance(source, (bytes, bytearray, memoryview)):
        yield _held(f"bytes{number}", bytes(source))
    elif isinstance(source, int) and not isinstance(source, bool):
        if source < 0:
            raise InputError(f"camera {source}", "0 or more")
        yield Item(str(source), "stream", str(source))
    elif isinstance(source, (str, os.PathLike)):
        yield from _named(os.fsdecode(source), stdin)
    elif hasattr(source, "read"):
        yield _piped(source, f"{_label(source)}")
    elif isinstance(source, Iterable):
        yield from _listed(source, stdin)
    else:
        raise InputError(
            f"a {type(source).__name__}", "a path, pattern, array, bytes, camera number, address, or a list of these"
        )


def _listed(source: Iterable[Any], stdin: BinaryIO | None) -> Iterator[Item]:
    for number, entry in enumerate(source):
        try:
            yield from _found(entry, stdin, f" {number}")
        except InputError as error:
            yield _failed(_label(entry), error)


def _named(text: str, stdin: BinaryIO | None) -> Iterator[Item]:
    """Items of a text: what exists under that name comes first, then what else it can mean."""
    if text == "-":
        yield _piped(sys.stdin.buffer if stdin is None else stdin, "-")
        return
    if text.startswith("~") and not os.path.lexists(text):
        text = os.path.expanduser(text)
    if is_camera(text):
        yield Item(text, "stream", text)
    elif os.path.isdir(text):
        if not os.access(text, os.R_OK | os.X_OK):
            raise unreadable(text, PermissionError())
        yield from _some(_folder(text, frozenset()), f"{shown(text)}: a folder without pictures or videos")
    elif os.path.lexists(text):
        item = _file(text, listed=False)
        if item is None or isinstance(item.payload, InputError):
            raise item.payload if item else missing(text)
        yield item
    elif text.startswith("file://"):
        yield from _named(url2pathname(urlparse(text).path), stdin)
    elif is_url(text):
        yield Item(text, "stream", text)
    elif glob.has_magic(text):
        paths = sorted((path for path in glob.iglob(text, recursive=True) if not os.path.isdir(path)), key=natural)
        yield from _some((item for path in paths if (item := _file(path, listed=True))), f"{shown(text)}: nothing matches")
    else:
        raise missing(text)


def _some(found: Iterator[Item], nothing: str) -> Iterator[Item]:
    first = next(found, None)
    if first is None:
        raise InputError(nothing, "pictures or videos", "check the path and the extensions")
    yield first
    yield from found


def _folder(folder: str, above: frozenset[tuple[int, int]]) -> Iterator[Item]:
    """Items of a folder and of those in it. ``above`` holds the folders on the way here, to notice a link that goes back."""
    try:
        found = os.stat(folder)
        with os.scandir(folder) as entries:
            names = sorted((entry.name for entry in entries if not entry.name.startswith(".")), key=natural)
    except OSError as error:
        yield Item(folder, "image", unreadable(folder, error))
        return
    if (found.st_dev, found.st_ino) in above:
        yield Item(folder, "image", InputError(f"{shown(folder)}: a link back to a folder above it", "a file", "remove the link"))
        return
    above |= {(found.st_dev, found.st_ino)}
    if not names and by_name(folder) in ("image", "video"):
        yield _failed(folder, InputError(f"{shown(folder)}: an empty folder with the name of a file", "a file"))
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            yield from _folder(path, above)
        elif (item := _file(path, listed=True)) is not None:
            yield item


def _file(path: str, listed: bool) -> Item | None:
    """The item of a file; None for a file of a folder that obviously is neither picture nor video."""
    named = by_name(path)
    if listed and named == "other":
        return None
    try:
        check_file(path)
        with open(path, "rb") as stream:
            head = stream.read(HEAD)
    except InputError as error:
        return _failed(path, error)
    except OSError as error:
        return _failed(path, unreadable(path, error))
    kind, form = sniff(head)
    refusal = unsupported(form, path)
    if refusal is not None:
        return _failed(path, refusal)
    if named == "video" and (form == "JPEG" or not form):
        return Item(path, "video", path)  # motion JPEG, or a format that only libav knows
    if not kind:
        if listed and not named and form in ("a text", "a web page"):
            return None
        return _failed(path, _neither(path, form))
    if kind == "image" and _moves(head, path):
        return Item(path, "video", _Animation(path))
    return Item(path, "image" if kind == "image" else "video", path)


def _neither(name: str, form: str) -> InputError:
    got = form or "damaged at its start, or neither a picture nor a video that is known here"
    return InputError(
        f"{shown(name)}: {got}", "a picture or a video", "open it in a viewer; get the file again if that fails too"
    )


def _moves(head: bytes, data: str | bytes) -> bool:
    several = animated(head)
    return is_animated(data) if several is None else several


def _held(name: str, data: bytes) -> Item:
    """The item of a file's bytes."""
    if not data:
        raise InputError(f"{shown(name)}: 0 bytes", "a picture or a video")
    kind, form = sniff(data[:HEAD])
    if not kind:
        raise _neither(name, form)
    if kind == "image" and _moves(data[:HEAD], data):
        return Item(name, "video", _Animation(data))
    return Item(name, "image" if kind == "image" else "video", data)


class _Pipe:
    """A pipe whose first bytes have been read already.

    Args:
        head: those bytes.
        rest: the pipe.
        name: for messages.
        index_last: the file cannot be decoded as it comes, as what is needed first may lie at its end.
    """

    def __init__(self, head: bytes, rest: Any, name: str, index_last: bool) -> None:
        self.name, self.index_last = name, index_last
        self._head = head
        # read1 hands out what has come, so that a live picture is not held back until a block is full
        self._read = getattr(rest, "read1", rest.read)

    def read(self, count: int = -1) -> bytes:
        """Some bytes, at most ``count``; none at the end."""
        if self._head:
            part, self._head = (self._head, b"") if count < 0 else (self._head[:count], self._head[count:])
            return part
        return bytes(self._read(count))


def _piped(stream: Any, name: str) -> Item:
    """The item of a pipe: a picture is read, a video is decoded as it comes."""
    head = stream.read(HEAD)
    if not isinstance(head, bytes):
        raise InputError(f"{shown(name)}: a text stream", "a stream of bytes", "open it with mode 'rb'")
    while 0 < len(head) < HEAD and (more := stream.read(HEAD - len(head))):
        head += more
    kind, form = sniff(head)
    if kind != "video":
        data = head + stream.read(_MAX_PIPED)
        if len(data) > _MAX_PIPED:
            raise InputError(f"{shown(name)}: more than {_MAX_PIPED >> 20} MiB", "one picture", "save it to a file first")
        return _held(name, data)
    if seekable(stream):
        stream.seek(-len(head), os.SEEK_CUR)
        return Item(name, "video", stream)
    return Item(name, "video", _Pipe(head, stream, name, form == "MP4 or MOV" and not _index_first(head)))


def _index_first(head: bytes) -> bool:
    """Whether the index of an MP4 lies before its data, so that it can be read as it comes."""
    place = 0
    while place + 8 <= len(head):
        length, kind = struct.unpack_from(">I4s", head, place)
        if kind in (b"moov", b"mdat"):
            return bool(kind == b"moov")
        if length < 8:
            return False
        place += length
    return False
