"""What a file is, told by its first bytes and its name."""

from __future__ import annotations

import os
import re
import stat
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from ..errors import InputError

HEAD = 4096  # bytes that are enough to tell what a file is


def _suffixes(names: str) -> frozenset[str]:
    return frozenset(f".{name}" for name in names.split())


PICTURES = _suffixes("apng avif bmp dib gif j2k jfif jp2 jpe jpeg jpg mpo pbm pgm png pnm ppm tif tiff webp")
VIDEOS = _suffixes(
    "264 265 3g2 3gp asf avi f4v flv h264 h265 hevc ivf m1v m2ts m2v m4v mjpeg mjpg mkv mov mp4 mpeg mpg mts mxf nut "
    "ogv ts vob webm wmv y4m"
)
# things that lie beside pictures and are left out of a folder without a word
OTHERS = _suffixes(
    "aac cfg csv eaf feather flac h5 htm html ini ipynb json jsonl lab log lnk lock m4a md mp3 npy npz ogg opus "
    "parquet pkl py rst rtf sh srt sub textgrid toml tsv txt url vtt wav wma xls xlsx xml yaml yml"
)
_OTHER_NAMES = frozenset(("thumbs.db", "desktop.ini", "readme", "license", "makefile", "icon\r"))
# TIFF inside: a TIFF reader would hand out the thumbnail and nobody would notice
RAW = _suffixes("3fr arw cr2 cr3 dng erf iiq kdc nef nrw orf pef raf raw rw2 srw")

_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xd8\xff", "image", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "image", "PNG"),
    (b"GIF87a", "image", "GIF"),
    (b"GIF89a", "image", "GIF"),
    (b"II*\x00", "image", "TIFF"),
    (b"MM\x00*", "image", "TIFF"),
    (b"II+\x00", "image", "TIFF"),
    (b"MM\x00+", "image", "TIFF"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "image", "JPEG2000"),
    (b"\x1aE\xdf\xa3", "video", "Matroska or WebM"),
    (b"\x00\x00\x01\xba", "video", "MPEG program stream"),
    (b"\x00\x00\x01\xb3", "video", "MPEG video"),
    (b"\x00\x00\x00\x01", "video", "H.264 or H.265 stream"),
    (b"\x00\x00\x01\x67", "video", "H.264 stream"),
    (b"FLV\x01", "video", "FLV"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video", "ASF or WMV"),
    (b"OggS", "video", "Ogg"),
    (b"\x06\x0e\x2b\x34", "video", "MXF"),
    (b"YUV4MPEG2", "video", "YUV4MPEG"),
    (b"DKIF", "video", "IVF"),
    (b"nut/multimedia container", "video", "NUT"),
    (b"%PDF", "", "a PDF"),
    (b"PK\x03\x04", "", "a ZIP archive"),
    (b"\x1f\x8b", "", "a gzip archive"),
    (b"7z\xbc\xaf", "", "a 7z archive"),
    (b"Rar!", "", "a RAR archive"),
    (b"8BPS", "", "a Photoshop document"),
    (b"\x76\x2f\x31\x01", "", "an OpenEXR picture"),
    (b"\x00\x00\x01\x00", "", "a Windows icon"),
    (b"ID3", "", "an MP3 sound"),
    (b"fLaC", "", "a FLAC sound"),
    (b"\x7fELF", "", "a program"),
    (b"MZ", "", "a program"),
)
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp", b"moof", b"pnot")
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)


def sniff(head: bytes) -> tuple[str, str]:
    """Kind and format of a file from its first bytes (``HEAD`` of them are enough).

    Returns:
        kind: "image", "video", or "" for something that is neither or is not known.
        format: name of the format, for the reader of pictures and for messages; "" where it is not known.

    Example:
        >>> sniff(b"GIF89a....")
        ('image', 'GIF')
        >>> sniff(b"%PDF-1.7")
        ('', 'a PDF')
    """
    for magic, kind, name in _SIGNATURES:
        if head.startswith(magic):
            return kind, name
    if head[4:8] in _BOXES:
        return _brand(head)
    if head[:4] == b"RIFF":
        return {b"WEBP": ("image", "WEBP"), b"AVI ": ("video", "AVI"), b"WAVE": ("", "a WAV sound")}.get(head[8:12], ("", ""))
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "image", "BMP"
    if re.match(rb"P[1-6][\s#]", head):
        return "image", "PPM"
    for start, step in ((0, 188), (4, 192)):
        sync = head[start : start + 4 * step : step]
        if len(sync) >= 3 and not sync.strip(b"G"):
            return "video", "MPEG transport stream"
    return "", _text(head)


def _brand(head: bytes) -> tuple[str, str]:
    """ISO files carry a brand that tells a picture from a film."""
    brand = head[8:12]
    if head[4:8] == b"ftyp" and brand in (b"avif", b"avis"):
        return "image", "AVIF"
    if head[4:8] == b"ftyp" and brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
        return "image", "HEIC"
    if head[4:8] == b"ftyp" and brand == b"crx ":
        return "", "a camera raw picture"
    if head[4:8] == b"ftyp" and brand in (b"M4A ", b"M4B "):
        return "video", "MPEG-4 sound"
    return "video", "MP4 or MOV"


def _text(head: bytes) -> str:
    """Name for something that looks like text, or nothing."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if b"<svg" in start:
        return "an SVG drawing"
    control = bytes(range(9)) + bytes(range(14, 27))
    return "a text" if head and head.translate(None, control) == head else ""


def unsupported(form: str, name: str) -> InputError | None:
    """The error for a picture that is known but cannot be read here, by its format and its name."""
    if form == "a camera raw picture" or (form == "TIFF" and os.path.splitext(name)[1].lower() in RAW):
        return InputError(f"{shown(name)}: a camera raw picture", "a developed picture", "export it as JPEG or PNG")
    if form == "HEIC":
        return InputError(f"{shown(name)}: a HEIC picture", "JPEG, PNG, WebP, BMP, TIFF or GIF", "export it as JPEG")
    return None


def animated(head: bytes) -> bool | None:
    """Whether a PNG or WebP file has several frames; None where the first bytes cannot tell (GIF)."""
    if head.startswith(b"GIF8"):
        return None
    if head.startswith(b"\x89PNG"):
        return b"acTL" in head.split(b"IDAT", 1)[0]
    return head[8:16] == b"WEBPVP8X" and len(head) > 20 and bool(head[20] & 2)


def by_name(path: str) -> str:
    """Kind of a file from its name: "image", "video", "other" (obviously neither) or "" (not known)."""
    name = os.path.basename(path).lower()
    suffix = os.path.splitext(name)[1]
    if suffix in PICTURES or suffix in RAW:
        return "image"
    if suffix in VIDEOS:
        return "video"
    return "other" if suffix in OTHERS or name in _OTHER_NAMES else ""


def shown(name: str) -> str:
    r"""A file name as it can stand in a message: names with line breaks or broken encoding are escaped.

    Example:
        >>> print(shown("a b.jpg"), shown("a\nb.jpg"))
        a b.jpg 'a\nb.jpg'
    """
    return name if name.isprintable() else repr(name)


def natural(name: str) -> tuple[list[int | str], str]:
    """Sort key that puts img2 before img10.

    Example:
        >>> sorted(["img10", "img2"], key=natural)
        ['img2', 'img10']
    """
    parts = re.split(r"(\d+)", name)
    return [int(part) if i % 2 else part.casefold() for i, part in enumerate(parts)], name


def missing(path: str) -> InputError:
    """The error for a path that does not exist, with the three nearest names of its folder."""
    target = Path(path)
    try:
        with os.scandir(target.parent) as entries:
            names = [entry.name for entry in islice(entries, 10_000)]  # a hint is not worth reading a huge folder
    except OSError:
        return InputError(
            f"{shown(path)}: there is no folder {shown(str(target.parent))}", "a path that exists", "check the path"
        )
    near = get_close_matches(target.name, names, n=3, cutoff=0.6)
    hint = f"did you mean {', '.join(shown(name) for name in near)}?" if near else "check the spelling"
    return InputError(f"{shown(path)}: no such file", "a file that exists", hint)


def check_file(path: str) -> None:
    """Refuse a path that is not a readable, regular, non-empty file; a pipe or device is not opened, as that could hang.

    Raises:
        InputError: with the reason.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError as error:
        if os.path.islink(path):
            raise InputError(f"{shown(path)}: a link to a file that is gone", "a file", "remove or mend the link") from error
        raise missing(path) from error
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if stat.S_ISDIR(found.st_mode):
        raise InputError(f"{shown(path)}: a folder", "a file")
    if not stat.S_ISREG(found.st_mode):
        raise InputError(
            f"{shown(path)}: a pipe or device, not a file", "a file", "send its data to the standard input and give '-'"
        )
    if found.st_size == 0:
        raise InputError(f"{shown(path)}: 0 bytes", "a picture or video", "the copy or download failed; get the file again")


def unreadable(path: str, error: Exception) -> InputError:
    """The error for a file that the system does not let be read."""
    if isinstance(error, PermissionError):
        return InputError(f"{shown(path)}: no permission to read it", "a readable file", "change its permissions")
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(f"{shown(path)}: {reason}", "a readable file", "check the path and the disk")
