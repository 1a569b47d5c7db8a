"""A seeded maker of damaged and nasty files, all from pictures and videos that are drawn here."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from PIL import Image

Maker = Callable[[Path, np.random.Generator], Path]


def drawn(width: int = 96, height: int = 64, shift: int = 0) -> np.ndarray:
    """(h, w, 3) uint8: coloured waves with some noise, so that no format can store it in a few bytes."""
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin((x + shift) / 9), np.cos((y - shift) / 7), np.sin((x + y + 2 * shift) / 11)], -1)
    noise = np.random.default_rng(shift).normal(0, 6, (height, width, 1))
    return np.clip(127 + 100 * waves + noise, 0, 255).astype(np.uint8)


@cache
def picture(form: str, **options: object) -> bytes:
    """A good picture of that format."""
    stream = io.BytesIO()
    Image.fromarray(drawn()).save(stream, form, **options)
    return stream.getvalue()


@cache
def animation(form: str) -> bytes:
    """A good animation of six frames."""
    pictures = [Image.fromarray(drawn(shift=5 * i)) for i in range(6)]
    stream = io.BytesIO()
    pictures[0].save(stream, form, save_all=True, append_images=pictures[1:], duration=80)
    return stream.getvalue()


CODECS = {
    "mp4": "libx264",
    "mkv": "libx264",
    "avi": "mpeg4",
    "mpg": "mpeg2video",
    "ts": "libx264",
    "webm": "libvpx",
    "mov": "mpeg4",
}


@cache
def video(suffix: str, frames: int = 40, sound: bool = False, faststart: bool = False) -> bytes:
    """A good video of 96x64 pixels and 25 frames a second."""
    options = {"fflags": "+bitexact"} | ({"movflags": "faststart"} if faststart else {})
    with TemporaryDirectory() as folder, av.open(f"{folder}/a.{suffix}", "w", options=options) as output:
        codec = CODECS[suffix] if CODECS[suffix] in av.codecs_available else "mpeg4"
        quality = {"flags": "+qscale", "global_quality": "600"} if codec == "mpeg4" else {}
        pictures = output.add_stream(codec, rate=25, options={"g": "10", "threads": "1"} | quality)
        pictures.width, pictures.height, pictures.pix_fmt = 96, 64, "yuv420p"
        voice = output.add_stream("aac", rate=16000) if sound else None
        for i in range(frames):
            frame = av.VideoFrame.from_ndarray(drawn(shift=3 * i), "rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            output.mux(pictures.encode(frame))
        output.mux(pictures.encode(None))
        if voice is not None:
            output.mux(tone(voice, frames / 25))
        output.close()
        return Path(folder, f"a.{suffix}").read_bytes()


def tone(stream: av.AudioStream, seconds: float) -> list[av.Packet]:
    """Packets of a tone."""
    packets = []
    for start in range(0, int(seconds * 16000), 1024):
        wave = (9000 * np.sin(np.arange(start, start + 1024) / 8)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave[None], "s16", "mono")
        frame.sample_rate, frame.pts = 16000, start
        packets += stream.encode(frame)
    return packets + stream.encode(None)


@cache
def sound_only(suffix: str) -> bytes:
    """A video container that holds nothing but sound."""
    stream = io.BytesIO()
    with av.open(stream, "w", format={"mkv": "matroska"}.get(suffix, suffix), options={"fflags": "+bitexact"}) as output:
        output.mux(tone(output.add_stream("aac", rate=16000), 0.5))
    return stream.getvalue()


PICTURES = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF", ".gif": "GIF", ".ppm": "PPM"}


def _pick(rng: np.random.Generator, names: object) -> str:
    return str(rng.choice(sorted(names)))  # type: ignore[call-overload]


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _any_file(rng: np.random.Generator) -> tuple[str, bytes]:
    """Suffix and content of a good file."""
    if rng.random() < 0.5:
        suffix = _pick(rng, PICTURES)
        return suffix, picture(PICTURES[suffix])
    suffix = _pick(rng, CODECS)
    return f".{suffix}", video(suffix)


def cut_picture(path: Path, rng: np.random.Generator) -> Path:
    suffix = _pick(rng, PICTURES)
    data = picture(PICTURES[suffix])
    return _written(path.with_suffix(suffix), data[: int(len(data) * rng.uniform(0, 0.98))])


def flipped_picture(path: Path, rng: np.random.Generator) -> Path:
    suffix = _pick(rng, PICTURES)
    return _written(path.with_suffix(suffix), flipped(picture(PICTURES[suffix]), rng))


def flipped(data: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed."""
    changed = bytearray(data)
    for place in rng.integers(0, len(data), rng.integers(1, 30)):
        changed[place] ^= int(rng.integers(1, 256))
    return bytes(changed)


def overwritten_head(path: Path, rng: np.random.Generator) -> Path:
    suffix, data = _any_file(rng)
    length = int(rng.integers(4, 64))
    return _written(path.with_suffix(suffix), rng.bytes(length) + data[length:])


def holed(path: Path, rng: np.random.Generator) -> Path:
    suffix, data = _any_file(rng)
    begin = int(rng.integers(16, len(data) // 2))
    end = begin + int(rng.integers(16, len(data) // 2))
    return _written(path.with_suffix(suffix), data[:begin] + bytes(end - begin) + data[end:])


def empty(path: Path, rng: np.random.Generator) -> Path:
    return _written(path.with_suffix(_any_file(rng)[0]), b"")


def random_bytes(path: Path, rng: np.random.Generator) -> Path:
    return _written(path.with_suffix(_any_file(rng)[0]), rng.bytes(int(rng.integers(1, 5000))))


def wrong_extension(path: Path, rng: np.random.Generator) -> Path:
    return _written(path.with_suffix(_any_file(rng)[0]), _any_file(rng)[1])


def no_picture(path: Path, rng: np.random.Generator) -> Path:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(zipfile.ZipInfo("a.txt"), "text")
    contents = [
        b"hello\n",
        b"<!DOCTYPE html><html></html>",
        archive.getvalue(),
        b"%PDF-1.7\n%\xe2\xe3",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
    ]
    contents += [
        b"\xff\xd8\xff\xe0",
        b"\xff\xd8\xff\xd9",
        b"BM",
        b"II*\0\xff\xff\xff\xff",
        b"RIFF\0\0\0\0WEBP",
        b"<svg></svg>",
        b"P6\n",
    ]
    return _written(path.with_suffix(_pick(rng, PICTURES)), contents[rng.integers(len(contents))])


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_header(width: int, height: int, colour: int = 2, depth: int = 8) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


@cache
def bomb() -> bytes:
    """A PNG of 144 megapixels of zeros in some kilobytes."""
    squeezed = zlib.compressobj(1)
    rows = b"".join(squeezed.compress(bytes(12001 * 100)) for _ in range(120)) + squeezed.flush()
    return png_header(12000, 12000, colour=0) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def huge(path: Path, rng: np.random.Generator) -> Path:
    jpeg = bytearray(picture("JPEG"))
    size = jpeg.index(b"\xff\xc0") + 5
    jpeg[size : size + 4] = struct.pack(">HH", 65500, 65500)
    bmp = bytearray(picture("BMP"))
    bmp[18:26] = struct.pack("<ii", 2_000_000_000, -2_000_000_000)
    gif = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(6) + b","
    cases = [
        (".png", png_header(60000, 60000) + chunk(b"IDAT", zlib.compress(bytes(9000))) + chunk(b"IEND", b"")),
        (".png", png_header(2**31 - 1, 2**31 - 1)),
        (".png", bomb()),
        (".png", picture("PNG")[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 23))) + picture("PNG")[33:]),
        (".jpg", bytes(jpeg)),
        (".bmp", bytes(bmp)),
        (".gif", gif + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x02\x4c\x01\x00;"),
        (".webp", b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\xff\x3f\0\xff\x3f\0" + bytes(8)),
        (".tif", tiff(50000, 50000)),
    ]
    suffix, data = cases[rng.integers(len(cases))]
    return _written(path.with_suffix(suffix), data)


def tiff(width: int, height: int, following: int = 0, strip: int = 8, length: int = 100) -> bytes:
    """A grey TIFF with one strip; ``following`` is where the next directory would lie."""
    tags = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, strip),
        (277, 3, 1),
        (279, 4, length),
    ]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", following) + bytes(100)


def looping_tiff(path: Path, rng: np.random.Generator) -> Path:
    cases = [
        tiff(64, 64, following=8, strip=114, length=4096),
        tiff(64, 64, strip=0xFFFFFFF0),
        tiff(10, 10, following=8, strip=114, length=100),
        b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHII", 330, 4, 1, 8) + struct.pack("<I", 8),
        b"II*\0" + struct.pack("<IH", 8, 65535) + bytes(40),
        b"MM\0*" + struct.pack(">I", 4),
    ]
    return _written(path.with_suffix(".tif"), cases[rng.integers(len(cases))])


def tiny(path: Path, rng: np.random.Generator) -> Path:
    sizes = [(1, 1), (1, 3000), (30000, 10), (3000, 2), (7, 7), (8, 8)]
    stream = io.BytesIO()
    Image.new("RGB", sizes[rng.integers(len(sizes))], (200, 100, 50)).save(stream, "PNG")
    return _written(path.with_suffix(".png"), stream.getvalue())


def cut_video(path: Path, rng: np.random.Generator) -> Path:
    suffix = _pick(rng, CODECS)
    data = video(suffix, sound=suffix in ("mp4", "mkv") and rng.random() < 0.5, faststart=suffix in ("mp4", "mov"))
    return _written(path.with_suffix(f".{suffix}"), data[: int(len(data) * rng.uniform(0.02, 0.95))])


def flipped_video(path: Path, rng: np.random.Generator) -> Path:
    suffix = _pick(rng, CODECS)
    return _written(path.with_suffix(f".{suffix}"), flipped(video(suffix), rng))


def without_index(path: Path, rng: np.random.Generator) -> Path:
    data = video(_pick(rng, ("mp4", "mov")))
    return _written(path.with_suffix(".mp4"), data[: data.index(b"moov") - 4])


def renamed_index(path: Path, rng: np.random.Generator) -> Path:
    name = _pick(rng, ("moov", "stsd", "stsz", "mdhd", "stco", "trak")).encode()
    return _written(path.with_suffix(".mp4"), video("mp4").replace(name, b"free", 1))


def only_sound(path: Path, rng: np.random.Generator) -> Path:
    suffix = _pick(rng, ("mp4", "mkv", "mov"))
    return _written(path.with_suffix(f".{suffix}"), sound_only(suffix))


def cut_animation(path: Path, rng: np.random.Generator) -> Path:
    form = _pick(rng, ("GIF", "WEBP", "PNG"))
    data = animation(form)
    damaged = data[: int(len(data) * rng.uniform(0.05, 0.98))] if rng.random() < 0.5 else flipped(data, rng)
    return _written(path.with_suffix(f".{form.lower()}"), damaged)


def folder_as_file(path: Path, rng: np.random.Generator) -> Path:
    path = path.with_suffix(_any_file(rng)[0])
    path.mkdir()
    return path


def broken_link(path: Path, rng: np.random.Generator) -> Path:
    path = path.with_suffix(_any_file(rng)[0])
    target = (path.name, "gone.jpg", f"/{path.name}/gone")[rng.integers(3)]  # the first one points at itself
    try:
        path.symlink_to(target)
    except OSError:  # a system without links
        return empty(path, rng)
    return path


def fifo(path: Path, rng: np.random.Generator) -> Path:
    path = path.with_suffix(_any_file(rng)[0])
    if not hasattr(os, "mkfifo"):
        return empty(path, rng)
    os.mkfifo(path)
    return path


def locked(path: Path, rng: np.random.Generator) -> Path:
    suffix, data = _any_file(rng)
    path = _written(path.with_suffix(suffix), data)
    path.chmod(0)  # root reads it all the same
    return path


def odd_name(path: Path, rng: np.random.Generator) -> Path:
    names = ["line\nbreak", "quote\"'`", "ünï—😀", "a" * 200, "per%03dcent", "co:lon", " space ", "[1]", "-"]
    suffix, data = _any_file(rng)
    name = f"{path.stem}{names[rng.integers(len(names))]}{suffix}"
    return _written(path.with_name(name), data[: int(len(data) * rng.uniform(0.1, 1))])


def broken_encoding(path: Path, rng: np.random.Generator) -> Path:
    suffix, data = _any_file(rng)
    odd = path.with_name(os.fsdecode(path.stem.encode() + b"\xff\xfe") + suffix)
    try:
        return _written(odd, data)
    except OSError:  # a file system that insists on valid names
        return _written(path.with_suffix(suffix), data)


MAKERS: tuple[Maker, ...] = (
    cut_picture, flipped_picture, overwritten_head, holed, empty, random_bytes, wrong_extension, no_picture, huge, looping_tiff,
    tiny, cut_video, flipped_video, cut_video, flipped_video, without_index, renamed_index, only_sound, cut_animation,
    folder_as_file, broken_link, fifo, locked, odd_name, broken_encoding,
)  # fmt: skip


def make_damaged(folder: Path, count: int = 200, seed: int = 0) -> list[Path]:
    """Write damaged files, the same ones for the same seed.

    Args:
        folder: where to; it must exist.
        count: how many; with 25 or more each kind is there.
        seed: decides what is done to which file.

    Returns:
        their paths, in the order of making. Some are folders, links or pipes.
    """
    rng = np.random.default_rng(seed)
    return [MAKERS[i % len(MAKERS)](folder / f"{MAKERS[i % len(MAKERS)].__name__}_{i:04d}", rng) for i in range(count)]
