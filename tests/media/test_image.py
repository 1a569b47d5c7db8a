"""Pictures: every mode and every way of being damaged."""

from __future__ import annotations

import io
import os
import struct
import threading
import warnings
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, PngImagePlugin

from mien.errors import InputError
from mien.media.image import frames_of, is_animated, read_image, to_rgb, write_image

RED, GREEN, BLUE, GREY = (200, 30, 40), (20, 180, 60), (30, 60, 210), (90, 90, 90)


def corners(width: int = 48, height: int = 32) -> np.ndarray:
    """A picture whose four quarters differ, so that every turn and flip shows."""
    image = np.zeros((height, width, 3), np.uint8)
    half = (height // 2, width // 2)
    image[: half[0], : half[1]], image[: half[0], half[1] :] = RED, GREEN
    image[half[0] :, : half[1]], image[half[0] :, half[1] :] = BLUE, GREY
    return image


def encoded(picture: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def near(got: np.ndarray, wanted: np.ndarray, levels: int) -> None:
    assert got.shape == wanted.shape
    assert got.dtype == np.uint8
    assert got.flags.c_contiguous
    assert got.flags.writeable
    assert np.abs(got.astype(int) - wanted).max() <= levels


@pytest.mark.parametrize(
    ("form", "options", "levels"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("TIFF", {"compression": "tiff_adobe_deflate"}, 0),
        ("PPM", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 95, "subsampling": 0}, 6),
        ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}, 6),
        ("JPEG2000", {}, 1),
    ],
)
def test_rgb_formats(form: str, options: dict[str, object], levels: int) -> None:
    near(read_image(encoded(Image.fromarray(corners()), form, **options)), corners(), levels)


@pytest.mark.parametrize("kind", ["path", "str", "bytes", "file", "pipe"])
def test_every_kind_of_source(kind: str, tmp_path: Path) -> None:
    data = encoded(Image.fromarray(corners()), "PNG")
    path = tmp_path / "a\nb ü [1].png"
    path.write_bytes(data)

    class Pipe:
        name = "pipe"
        rest = io.BytesIO(data)

        def read(self, count: int = -1) -> bytes:
            return self.rest.read(count)

    sources = {"path": path, "str": str(path), "bytes": data, "file": io.BytesIO(data), "pipe": Pipe()}
    near(read_image(sources[kind]), corners(), 0)


def test_grey_and_palette_modes() -> None:
    rgb = Image.fromarray(corners())
    grey = np.asarray(rgb.convert("L"))[..., None].repeat(3, 2)
    near(read_image(encoded(rgb.convert("L"), "PNG")), grey, 0)
    near(read_image(encoded(rgb.convert("L"), "JPEG", quality=95)), grey, 4)
    near(read_image(encoded(rgb.convert("P", palette=Image.Palette.ADAPTIVE), "PNG")), corners(), 2)
    near(read_image(encoded(rgb.convert("P", palette=Image.Palette.ADAPTIVE), "GIF")), corners(), 2)
    bits = np.zeros((16, 16), bool)
    bits[:, 8:] = True
    near(read_image(encoded(Image.fromarray(bits), "PNG")), bits[..., None].repeat(3, 2) * np.uint8(255), 0)
    near(read_image(encoded(rgb.convert("YCbCr"), "TIFF", compression="tiff_lzw")), corners(), 4)


def test_transparency_is_laid_over_white() -> None:
    rgba = np.dstack([corners(), np.full((32, 48), 255, np.uint8)])
    rgba[:16, :24, 3] = 0
    rgba[16:, :24, 3] = 128
    wanted = corners()
    wanted[:16, :24] = 255
    wanted[16:, :24] = np.round(np.array(BLUE) * 128 / 255 + 255 * 127 / 255)
    picture = Image.fromarray(rgba)
    near(read_image(encoded(picture, "PNG")), wanted, 1)
    near(read_image(encoded(picture, "WEBP", lossless=True)), wanted, 1)
    near(read_image(encoded(picture, "TIFF")), wanted, 1)
    grey = np.asarray(picture.convert("LA"))
    both = read_image(encoded(picture.convert("LA"), "PNG"))
    assert np.all(both[:16, :24] == 255)
    assert np.array_equal(both[:, 24:], grey[:, 24:, :1].repeat(3, 2))


def test_palette_with_transparency() -> None:
    picture = Image.frombytes("P", (12, 12), bytes([0, 1, 2]) * 48)
    picture.putpalette([*RED, *GREEN, *BLUE])
    one = read_image(encoded(picture, "PNG", transparency=1))
    assert one[0, :3].tolist() == [list(RED), [255, 255, 255], list(BLUE)]
    several = read_image(encoded(picture, "PNG", transparency=bytes([255, 0, 128])))
    assert several[0, :2].tolist() == [list(RED), [255, 255, 255]]
    assert several[0, 2].tolist() == pytest.approx([142, 157, 232], abs=1)
    assert read_image(encoded(picture, "GIF", transparency=2))[0, :3].tolist() == [list(RED), list(GREEN), [255, 255, 255]]


def test_sixteen_bits() -> None:
    values = np.linspace(0, 65535, 32 * 48).astype(np.uint16).reshape(32, 48)
    wanted = np.round(values / 257)[..., None].repeat(3, 2)
    near(read_image(encoded(Image.fromarray(values), "PNG")), wanted, 1)
    near(read_image(encoded(Image.fromarray(values), "TIFF")), wanted, 1)
    # PIL cannot write 16-bit RGB: build the PNG by hand
    for colour, channels in ((2, 3), (6, 4)):
        deep = np.full((32, 48, channels), 65535, ">u2")
        deep[..., :3] = corners().astype(np.uint16) * 257
        near(read_image(png(deep.tobytes(), 48, 32, 16, colour, channels * 2)), corners(), 1)


def png(pixels: bytes, width: int, height: int, depth: int, colour: int, step: int) -> bytes:
    rows = b"".join(b"\0" + pixels[i * width * step : (i + 1) * width * step] for i in range(height))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def test_float_and_32_bit_tiff() -> None:
    ramp = np.linspace(0, 1, 32 * 48, dtype=np.float32).reshape(32, 48)
    wanted = np.round(ramp * 255)[..., None].repeat(3, 2)
    near(read_image(encoded(Image.fromarray(ramp), "TIFF")), wanted, 1)
    near(read_image(encoded(Image.fromarray(ramp * 255), "TIFF")), wanted, 1)
    near(read_image(encoded(Image.fromarray((ramp * 255).astype(np.int32)), "TIFF")), wanted, 1)
    near(read_image(encoded(Image.fromarray((ramp * 65535).astype(np.int32)), "TIFF")), wanted, 1)
    with pytest.raises(InputError, match=r"picture of \d+ bytes: a float array from -2 to 1"):
        read_image(encoded(Image.fromarray(ramp * 3 - 2), "TIFF"))


def test_cmyk_and_inverted_adobe_cmyk() -> None:
    cmyk = Image.fromarray(corners()).convert("CMYK")
    near(read_image(encoded(cmyk, "TIFF")), corners(), 2)
    plain = encoded(cmyk, "JPEG", quality=100, subsampling=0)
    assert b"Adobe" in plain  # Adobe files store the inks inverted, as PIL writes them
    near(read_image(plain), corners(), 6)


def test_lab() -> None:
    middle = Image.frombytes("LAB", (16, 16), bytes([136, 0, 0]) * 256)  # L* = 53.3 without colour
    near(read_image(encoded(middle, "TIFF")), np.full((16, 16, 3), 127), 4)


def turned(orientation: int) -> np.ndarray:
    """What a camera that was held like that writes, so that the orientation puts it upright."""
    upright = corners()
    return {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(form, {})
    stored = Image.fromarray(np.ascontiguousarray(turned(orientation)))
    near(read_image(encoded(stored, form, exif=exif, **options)), corners(), 6 if form == "JPEG" else 0)


def test_damaged_exif_does_not_spoil_the_picture() -> None:
    data = encoded(
        Image.fromarray(corners()), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + bytes(20), quality=95, subsampling=0
    )
    near(read_image(data), corners(), 6)
    odd = Image.Exif()
    odd[0x0112] = 77
    near(read_image(encoded(Image.fromarray(corners()), "PNG", exif=odd)), corners(), 0)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "JPEG2000", "AVIF"])
@pytest.mark.parametrize("lenient", [False, True])
def test_truncated_is_never_completed(form: str, lenient: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # a process that lets PIL complete pictures must not get half a face from here
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), form)
    for keep in (0.02, 0.3, 0.6, 0.95):
        with pytest.raises(InputError) as caught:
            read_image(data[: int(len(data) * keep)])
        assert str(caught.value).startswith("picture of ")
    assert lenient == ImageFile.LOAD_TRUNCATED_IMAGES


@settings(max_examples=60, deadline=None)
@given(form=st.sampled_from(["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"]), seed=st.integers(0, 2**32 - 1))
def test_flipped_bytes_raise_nothing_but_input_errors(form: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = bytearray(encoded(Image.fromarray(corners(64, 64)), form))
    for place in rng.integers(0, len(data), rng.integers(1, 9)):
        data[place] = rng.integers(0, 256)
    with suppress(InputError):
        image = read_image(bytes(data), max_pixels=10_000_000)
        assert image.ndim == 3
        assert image.dtype == np.uint8


def test_names_and_remedies(tmp_path: Path) -> None:
    def message(path: object, **options: int) -> str:
        with pytest.raises(InputError) as caught:
            read_image(path, **options)  # type: ignore[arg-type]
        return str(caught.value)

    (tmp_path / "portrait.jpg").write_bytes(encoded(Image.fromarray(corners()), "JPEG"))
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("hello, this is no picture")
    (tmp_path / "page.png").write_text("<!DOCTYPE html><html></html>")
    (tmp_path / "film.jpg").write_bytes(b"\0\0\0\x18ftypisom" + bytes(40))
    (tmp_path / "phone.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    assert "did you mean portrait.jpg" in message(tmp_path / "portrit.jpg")
    assert "no folder" in message(tmp_path / "gone" / "a.jpg")
    assert "empty.jpg: 0 bytes" in message(tmp_path / "empty.jpg")
    assert "text.jpg: a text" in message(tmp_path / "text.jpg")
    assert "page.png: a web page" in message(tmp_path / "page.png")
    assert "film.jpg: a video" in message(tmp_path / "film.jpg")
    assert "phone.jpg: a HEIC picture" in message(tmp_path / "phone.jpg")
    assert "a folder" in message(tmp_path)
    assert "48x32 pixels; wanted at most 1000 pixels" in message(tmp_path / "portrait.jpg", max_pixels=1000)
    assert "0 bytes" in message(b"")
    assert "a int" in message(3)
    assert "text stream" in message(io.StringIO("x"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path: Path) -> None:
    path = tmp_path / "locked.jpg"
    path.write_bytes(encoded(Image.fromarray(corners()), "JPEG"))
    path.chmod(0)
    with pytest.raises(InputError, match="no permission"):
        read_image(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(InputError, match="pipe or device"):
        read_image(tmp_path / "pipe.jpg")


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 7), (7, 8)])
def test_too_small(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="too small to hold a face"):
        read_image(encoded(Image.new("RGB", size), "PNG"))


def test_bombs_are_refused_from_the_header() -> None:
    huge = png(b"", 60000, 60000, 8, 2, 3)
    gif = (
        b"GIF89a"
        + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0)
        + bytes(6)
        + b","
        + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0)
    )
    for data in (huge, gif + b"\x02\x02\x4c\x01\x00;"):
        with pytest.raises(InputError, match="pixels"):
            read_image(data)
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * (1 << 23), zip=True)
    with pytest.raises(InputError):
        read_image(encoded(Image.fromarray(corners()), "PNG", pnginfo=info))
    with pytest.raises(InputError):
        read_image(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)))


def test_a_larger_limit_than_pil_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # PIL warns from 100 and refuses from 200 pixels on
    near(read_image(encoded(Image.fromarray(corners()), "PNG")), corners(), 0)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_jpeg_of_very_many_passes_is_refused() -> None:
    data = encoded(Image.fromarray(corners(640, 640)), "JPEG", progressive=True)
    scan = data.rindex(b"\xff\xda")
    with pytest.raises(InputError, match="passes"):
        read_image(data[:-2] + data[scan:-2] * 5000 + data[-2:], max_pixels=1_000_000)


def test_process_settings_are_left_alone() -> None:
    filters, allowed = list(warnings.filters), ImageFile.LOAD_TRUNCATED_IMAGES
    data = encoded(Image.fromarray(corners()), "TIFF")
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                read_image(data)
                with pytest.raises(InputError):
                    read_image(data[:60])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert list(warnings.filters) == filters
    assert allowed == ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize(("form", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {"save_all": True})])
def test_animation(form: str, options: dict[str, object]) -> None:
    pictures = [Image.new("RGB", (32, 24), colour) for colour in (RED, GREEN, BLUE)]
    options = {"save_all": True, "append_images": pictures[1:], "duration": [40, 200, 70]} | options
    data = encoded(pictures[0], form, **options)
    assert is_animated(data)
    frames = list(frames_of(data))
    assert [image[0, 0].tolist() for image, _ in frames] == [list(RED), list(GREEN), list(BLUE)]
    assert [round(duration, 3) for _, duration in frames] == [0.04, 0.2, 0.07]
    near(read_image(data), np.asarray(pictures[0]), 0)
    assert not is_animated(encoded(pictures[0], form))
    assert not is_animated(b"GIF89a")


def test_animation_over_white() -> None:
    clear = Image.new("RGBA", (32, 24), (0, 0, 0, 0))
    data = encoded(clear, "WEBP", save_all=True, append_images=[Image.new("RGBA", (32, 24), (*RED, 255))], lossless=True)
    assert [image[0, 0].tolist() for image, _ in frames_of(data)] == [[255, 255, 255], list(RED)]


def test_to_rgb_takes_every_usual_array() -> None:
    image = corners()
    assert to_rgb(image) is image
    assert np.array_equal(to_rgb(image[:, ::-1]), image[:, ::-1])
    assert to_rgb(image[:, ::-1]).flags.c_contiguous
    for scaled in (
        image / 255,
        (image / 255).astype(np.float32),
        (image / 255).astype(np.float16),
        image.astype(np.uint16) * 257,
    ):
        assert np.array_equal(to_rgb(scaled), image)
    grey = image[..., 0]
    assert np.array_equal(to_rgb(grey), grey[..., None].repeat(3, 2))
    assert np.array_equal(to_rgb(grey[..., None]), grey[..., None].repeat(3, 2))
    assert to_rgb(grey > 100).max() == 255
    rgba = np.dstack([image, np.zeros(image.shape[:2], np.uint8)])
    assert to_rgb(rgba).min() == 255
    rgba[..., 3] = 255
    assert np.array_equal(to_rgb(rgba), image)


def test_to_rgb_refuses_what_it_cannot_know() -> None:
    image = corners()
    with pytest.raises(InputError, match=r"from 0.0784 to 210|from 20 to 210"):
        to_rgb(image.astype(float))
    with pytest.raises(InputError, match="moveaxis"):
        to_rgb(image.transpose(2, 0, 1))
    with pytest.raises(InputError, match="list of pictures"):
        to_rgb(image[None])
    with pytest.raises(InputError, match="int64"):
        to_rgb(image.astype(np.int64))
    with pytest.raises(InputError, match="NaN"):
        to_rgb(np.full((8, 8), np.nan))
    with pytest.raises(InputError, match="empty"):
        to_rgb(np.zeros((0, 8, 3), np.uint8))
    with pytest.raises(InputError, match="a list"):
        to_rgb([[1]])  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".png", ".webp", ".bmp", ".tif"])
def test_write_and_read(suffix: str, tmp_path: Path) -> None:
    smooth = np.dstack([np.tile(np.linspace(0, 255, 64), (48, 1))] * 3).astype(np.uint8)
    write_image(tmp_path / f"a{suffix}", smooth, quality=95)
    near(read_image(tmp_path / f"a{suffix}"), smooth, 0 if suffix in (".png", ".bmp", ".tif") else 8)
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


def test_write_refuses(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        write_image(tmp_path / "a.xyz", corners())
    with pytest.raises(InputError, match="folder does not exist"):
        write_image(tmp_path / "b" / "a.png", corners())
    with pytest.raises(InputError, match="moveaxis"):
        write_image(tmp_path / "a.png", corners().transpose(2, 0, 1))
    assert not list(tmp_path.iterdir())
