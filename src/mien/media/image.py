"""Pictures: decode to RGB, encode.

A picture comes out as a viewer would show it: upright (EXIF orientation), transparent parts over white, the first frame of
an animation and the first page of a TIFF. ICC profiles are not applied: wide-gamut pictures look slightly duller than in a
viewer that manages colour, and CMYK is converted by the plain formula.
"""

from __future__ import annotations

import io
import logging
import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from ..errors import InputError
from ..files import atomic
from .rgb import RGB, to_rgb
from .sniff import HEAD, check_file, shown, sniff, unreadable, unsupported

__all__ = ["MAX_PIXELS", "RGB", "check_size", "frames_of", "is_animated", "name_of", "read_image", "to_rgb", "write_image"]

log = logging.getLogger(__name__)

Source = str | os.PathLike[str] | bytes | BinaryIO

MAX_PIXELS = 100_000_000
MIN_SIDE = 8
_MAX_STREAM = 1 << 29  # bytes of a picture that comes through a pipe
_MAX_SCANS = 20  # a progressive JPEG may cost as much as this many passes over the largest picture

_READERS: dict[str, Any] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "PPM": PpmImagePlugin.PpmImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "JPEG2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
}
_WRITERS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF",
}  # fmt: skip
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(data: Source, *, max_pixels: int = MAX_PIXELS) -> RGB:
    """Decode a picture to RGB.

    JPEG, PNG, WebP, BMP, TIFF, GIF, PPM, AVIF and JPEG 2000 are told by their content, not by their name. The size is checked
    in the header before anything is decoded. A picture whose data ends early is an error, never half a picture; damage
    that the format itself cannot see (a changed byte in a JPEG) may pass.

    Args:
        data: path, the file's bytes, or a file opened for reading bytes (it need not be seekable).
        max_pixels: largest width times height that is decoded.

    Returns:
        (h, w, 3) uint8 RGB, contiguous and writable.

    Raises:
        InputError: the file is missing, empty, cut off, damaged, no picture, larger than ``max_pixels`` or smaller than
            8 pixels on a side; the message names the file and what to do.

    Example:
        >>> stream = io.BytesIO()
        >>> Image.new("L", (16, 8), 200).save(stream, "PNG")
        >>> image = read_image(stream.getvalue())
        >>> image.shape, image[0, 0].tolist()
        ((8, 16, 3), [200, 200, 200])
    """
    name = name_of(data)
    with _opened(data, name) as stream, _strict():
        picture = _identified(stream, name)
        try:
            check_size(picture.width, picture.height, name, max_pixels)
            _check_scans(picture, stream, max_pixels)
            picture.load()
            return _rgb(_upright(picture))
        except Exception as error:  # a damaged file makes the decoders raise almost anything
            raise _damaged(name, error) from error
        finally:
            picture.close()


def frames_of(data: Source, *, max_pixels: int = MAX_PIXELS) -> Iterator[tuple[RGB, float]]:
    """Decode an animated GIF, WebP, PNG or AVIF frame by frame.

    Yields:
        (h, w, 3) uint8 RGB and its duration in seconds; as in browsers, a duration up to 10 ms stands for 100 ms.

    Raises:
        InputError: as in :func:`read_image`; after good frames it says that a later one is damaged.
    """
    name = name_of(data)
    with _opened(data, name) as stream:
        with _strict():
            picture = _identified(stream, name)
        with picture:
            check_size(picture.width, picture.height, name, max_pixels)
            index = 0
            while True:
                try:
                    with _strict():  # not kept while the caller works on a frame
                        picture.seek(index)
                        picture.load()
                        image = _rgb(picture.copy())
                except EOFError:
                    return
                except Exception as error:  # see read_image
                    raise _damaged(name, error) from error
                duration = float(picture.info.get("duration", 0) or 0) / 1000
                yield image, duration if duration > 0.01 else 0.1
                index += 1


def is_animated(data: Source) -> bool:
    """Whether a picture file has more than one frame; False for a file that cannot be read."""
    try:
        with _opened(data, name_of(data)) as stream, _strict(), _identified(stream, "") as picture:
            return bool(getattr(picture, "is_animated", False))
    except Exception as error:  # reading it will tell the user what is wrong with it
        log.debug("is_animated: %s", error)
        return False


def write_image(path: str | os.PathLike[str], image: RGB, quality: int = 92) -> None:
    """Encode a picture; the file appears only when it is complete.

    Args:
        path: where to; .jpg, .jpeg, .png, .webp, .bmp, .tif or .tiff.
        image: whatever :func:`to_rgb` takes.
        quality: 1-100 for JPEG and WebP.

    Raises:
        InputError: the extension is not one of those, the folder does not exist, or the picture is not one.
    """
    target = os.fspath(path)
    suffix = os.path.splitext(target)[1].lower()
    if suffix not in _WRITERS:
        raise InputError(f"{shown(target)}: cannot write {suffix or 'a file without extension'}", f"one of {', '.join(_WRITERS)}")
    if not os.path.isdir(os.path.dirname(target) or "."):
        raise InputError(f"{shown(target)}: the folder does not exist", "an existing folder", "make the folder first")
    options: dict[str, Any] = {"quality": quality} if suffix in (".jpg", ".jpeg", ".webp") else {}
    picture = Image.fromarray(to_rgb(image))
    with atomic(target, "wb") as stream:
        picture.save(stream, _WRITERS[suffix], **options)


def check_size(width: int, height: int, name: str, max_pixels: int) -> None:
    """Refuse a picture that is too large to decode or too small to hold a face.

    Raises:
        InputError: a side is under 8 pixels, or width times height is over ``max_pixels``.
    """
    if width * height > max_pixels:
        raise InputError(
            f"{shown(name)}: {width}x{height} pixels", f"at most {max_pixels} pixels", "make it smaller, or raise max_pixels"
        )
    if min(width, height) < MIN_SIDE:
        raise InputError(
            f"{shown(name)}: {width}x{height} pixels, too small to hold a face", f"{MIN_SIDE} pixels or more on each side"
        )


def name_of(data: Source) -> str:
    """What to call a source in messages: its path, or what it is."""
    if isinstance(data, (str, os.PathLike)):
        return os.fspath(data)
    if isinstance(data, (bytes, bytearray, memoryview)):
        return f"picture of {len(data)} bytes"
    name = getattr(data, "name", None)
    return name if isinstance(name, str) else "picture"


@contextmanager
def _opened(data: Source, name: str) -> Iterator[IO[bytes]]:
    """A seekable stream at the start of the picture."""
    if isinstance(data, (str, os.PathLike)):
        check_file(name)
        try:
            handle = os.open(data, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise unreadable(name, error) from error
        with open(handle, "rb") as stream:
            yield stream
        return
    if isinstance(data, (bytes, bytearray, memoryview)):
        yield io.BytesIO(data)
        return
    if isinstance(cast(object, data), io.TextIOBase):
        raise InputError(f"{shown(name)}: a text stream", "a stream of bytes", "open it with mode 'rb'")
    if not hasattr(data, "read"):
        raise InputError(f"a {type(data).__name__}", "a path, bytes or a file opened for reading bytes")
    whole = seekable(data) and data.tell() == 0
    yield data if whole else io.BytesIO(_read_all(data, name))


def seekable(stream: BinaryIO) -> bool:
    """Whether a stream can go back to its start."""
    test = getattr(stream, "seekable", None)
    return bool(test()) if test is not None else hasattr(stream, "seek")


def _read_all(stream: BinaryIO, name: str) -> bytes:
    """Everything a pipe holds, up to a limit: a pipe of endless data must not fill the memory."""
    content = stream.read(_MAX_STREAM + 1)
    if len(content) > _MAX_STREAM:
        raise InputError(f"{shown(name)}: more than {_MAX_STREAM >> 20} MiB", "one picture", "save it to a file first")
    return content


def _identified(stream: IO[bytes], name: str) -> ImageFile.ImageFile:
    """The opened picture, its header read and nothing decoded."""
    head = stream.read(HEAD)
    stream.seek(0)
    if not head:
        raise InputError(f"{shown(name)}: 0 bytes", "a picture", "the copy or download failed; get the file again")
    kind, form = sniff(head)
    refusal = unsupported(form, name)
    if refusal is not None:
        raise refusal
    if kind == "video":
        raise InputError(f"{shown(name)}: a video ({form})", "a picture", "read it as a video")
    if form not in _READERS:
        got = form or "no picture format that is known here"
        raise InputError(
            f"{shown(name)}: {got}", "JPEG, PNG, WebP, BMP, TIFF or GIF", "open it in a viewer and export it as JPEG"
        )
    try:
        # the readers are called directly: Image.open would try many more formats and has a size limit that is process-wide
        opened: ImageFile.ImageFile = _READERS[form](stream)
    except Exception as error:  # see read_image
        raise _damaged(name, error) from error
    return opened


def _check_scans(picture: ImageFile.ImageFile, stream: IO[bytes], max_pixels: int) -> None:
    """Refuse a progressive JPEG made of so many passes that decoding a small file takes minutes."""
    if not picture.info.get("progressive"):
        return
    place = stream.tell()
    stream.seek(0)
    scans = stream.read().count(b"\xff\xda")
    stream.seek(place)
    if scans * picture.width * picture.height > _MAX_SCANS * max_pixels:
        raise InputError(f"{scans} passes over {picture.width}x{picture.height} pixels", "a usual JPEG", "save it again")


def _upright(picture: ImageFile.ImageFile) -> Image.Image:
    """The picture turned as its EXIF block (or XMP) says. TIFF has been turned by its reader, which drops the tag."""
    try:
        orientation = picture.getexif().get(0x0112, 1)
    except Exception as error:  # a damaged EXIF block does not spoil the pixels
        log.debug("EXIF block not readable: %s", error)
        return picture
    method = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return picture if method is None else picture.transpose(method)


def _rgb(picture: Image.Image) -> RGB:
    """Any mode of PIL as RGB bytes."""
    mode = picture.mode
    if mode == "RGB" and "transparency" not in picture.info:
        return np.array(picture)
    clear = mode == "P" and picture.palette is not None and "A" in picture.palette.mode
    if clear or mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        return _over_white(picture.convert("RGBA"))
    if mode.startswith("I;16"):
        return to_rgb(np.array(picture).astype(np.uint16))
    if mode in ("I", "F"):
        return to_rgb(_scaled(np.array(picture), picture.format or ""))
    return np.array(picture.convert("RGB"))


def _scaled(values: NDArray[Any], form: str) -> NDArray[Any]:
    """Grey values of 32 bits, whose scale no file states, as 8 or 16 bits or [0, 1]."""
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind == "f":
        scaled: NDArray[Any] = values if high <= 1 else values / 255  # TIFFs of floats hold 0..1 or 0..255
        return scaled
    if form != "TIFF" or (low >= 0 and 255 < high <= 65535):
        clipped: NDArray[Any] = np.clip(values, 0, 65535).astype(np.uint16)
        return clipped
    if low >= 0 and high <= 255:
        return values.astype(np.uint8)
    raise InputError(f"32-bit values from {low:.0f} to {high:.0f}", "0..255 or 0..65535", "scale them and save 8 or 16 bits")


def _over_white(picture: Image.Image) -> RGB:
    alpha = picture.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return np.array(picture.convert("RGB"))
    below = Image.new("RGB", picture.size, (255, 255, 255))
    below.paste(picture.convert("RGB"), mask=alpha)
    return np.array(below)


def _damaged(name: str, error: Exception) -> InputError:
    """Whatever a decoder raised, with the name of the file."""
    text = str(error)
    if isinstance(error, InputError):
        got = error.got.removeprefix(f"{shown(name)}: ")
        return InputError(f"{shown(name)}: {got}", error.wanted, error.remedy)
    if isinstance(error, Image.DecompressionBombError):
        return InputError(f"{shown(name)}: too large: {text}", "a smaller picture", "make it smaller")
    if isinstance(error, MemoryError):
        return InputError(f"{shown(name)}: too large for the memory", "a smaller picture", "make it smaller")
    cut = isinstance(error, EOFError) or re.search("truncated|too short|not enough|ends? (of|early)", text, re.IGNORECASE)
    what = "cut off, its data ends early" if cut else "damaged"
    detail = f" ({type(error).__name__}: {text})" if text else f" ({type(error).__name__})"
    return InputError(
        f"{shown(name)}: {what}{detail}", "a whole picture", "get the file again, or save it anew in a picture editor"
    )


_lock = threading.Lock()
_inside = 0
_truncated_allowed = False
# attributed to PIL's own modules and, by their stacklevel, to this one
_SILENT = ("ignore", None, Warning, re.compile(r"PIL\.|mien\.media\."), 0)


@contextmanager
def _strict() -> Iterator[None]:
    """PIL without its warnings, and with truncated pictures as errors even where the process allowed them.

    Both settings belong to the whole process and warnings.catch_warnings is not safe between threads (two that overlap
    can leave a filter behind), so the first one in sets them and the last one out puts them back.
    """
    global _inside, _truncated_allowed
    with _lock:
        _inside += 1
        if _inside == 1:
            warnings.filters.insert(0, _SILENT)  # type: ignore[attr-defined]
            _truncated_allowed, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                if _SILENT in warnings.filters:
                    warnings.filters.remove(_SILENT)  # type: ignore[attr-defined]
                ImageFile.LOAD_TRUNCATED_IMAGES = _truncated_allowed
