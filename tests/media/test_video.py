"""Videos: times, turns, colours, cuts; and writing them."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mien.errors import InputError
from mien.media.clock import Clock, Window
from mien.media.video import VideoWriter, read_video, video_info
from mien.types import Frame

from .damage import drawn, sound_only, tone, video

# primaries, greys and a skin tone: a wrong matrix or range moves at least one of them by far more than 3 levels
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (205, 150, 125)]
MATRICES = {"601": (0.299, 0.114), "709": (0.2126, 0.0722), "2020": (0.2627, 0.0593)}


def encode(path: Path, images: list[np.ndarray], times: list[int] | None = None, **options: str) -> Path:
    """A video without loss of the given frames; times in milliseconds."""
    height, width = images[0].shape[:2]
    with av.open(str(path), "w") as output:
        stream = output.add_stream(options.pop("codec", "ffv1"), rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, options.pop("pix_fmt", "bgr0")
        unit = Fraction(1, 25 if path.suffix == ".avi" else 1000)  # AVI has no times, only a rate
        stream.codec_context.time_base = unit
        stream.options = options
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = (round(0.04 * i / unit) if times is None else times[i]), unit
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def solid(colour: tuple[int, int, int], matrix: str, full: bool, fmt: str, size: tuple[int, int] = (64, 48)) -> av.VideoFrame:
    """A frame of one colour whose Y, Cb and Cr come from the formulas of the standards, not from libav."""
    kr, kb = MATRICES[matrix]
    r, g, b = (c / 255 for c in colour)
    y = kr * r + (1 - kr - kb) * g + kb * b
    chroma = ((b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr)))
    deep = 2 if "10" in fmt else 0
    top, unit = 2 ** (8 + deep) - 1, 2**deep
    luma = y * top if full else (16 + 219 * y) * unit
    values = [luma, *((c * top if full else 224 * c * unit) + 128 * unit for c in chroma)]
    frame = av.VideoFrame(*size, fmt)
    for plane, value in zip(frame.planes, values):
        kind = "<u2" if deep else "u1"
        plane.update(np.full(plane.buffer_size // np.dtype(kind).itemsize, min(round(value), top), kind).tobytes())
    return frame


def tagged(path: Path, frames: list[av.VideoFrame], space: int, full: bool) -> Path:
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, frames[0].format.name
        stream.codec_context.colorspace, stream.codec_context.color_range = space, 2 if full else 1
        for i, frame in enumerate(frames):
            frame.colorspace, frame.color_range, frame.pts = space, 2 if full else 1, i
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def read(source: object, **options: object) -> list[Frame]:
    return list(read_video(source, name="clip", **options))  # type: ignore[arg-type]


def times(frames: list[Frame]) -> list[float]:
    return [round(frame.time, 6) for frame in frames]


def test_frames_are_numbered_timed_and_named(tmp_path: Path) -> None:
    images = [drawn(shift=7 * i) for i in range(6)]
    frames = read(encode(tmp_path / "a.mkv", images))
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4, 5]
    assert times(frames) == [0, 0.04, 0.08, 0.12, 0.16, 0.2]
    for frame, image in zip(frames, images):
        assert frame.image is not None
        assert np.array_equal(frame.image, image)
        assert frame.image.flags.c_contiguous
        assert frame.image.flags.writeable
        assert (frame.source, frame.status, frame.reason, len(frame.faces)) == ("clip", "ok", "", 0)


def test_a_frame_belongs_to_the_caller(tmp_path: Path) -> None:
    # this codec stores differences, so its decoder goes on using the memory of the frame before
    path = encode(tmp_path / "a.mov", [drawn(128, shift=i) for i in range(8)], codec="qtrle", pix_fmt="rgb24")
    wanted = [frame.image.copy() for frame in read(path)]  # type: ignore[union-attr]
    kept = []
    for frame in read_video(path, name="x"):
        kept.append(frame.image)
    assert all(np.array_equal(a, b) for a, b in zip(kept, wanted))
    for frame, image in zip(read_video(path, name="x"), wanted):
        assert np.array_equal(frame.image, image)
        frame.image[:] = 0  # type: ignore[index]


def test_variable_frame_rate_is_kept(tmp_path: Path) -> None:
    stamps = [0, 40, 50, 250, 1250, 1290, 3000]
    for suffix in ("mkv", "mp4"):
        path = encode(tmp_path / f"a.{suffix}", [drawn(shift=i) for i in range(7)], stamps, codec="libx264", pix_fmt="yuv420p")
        assert times(read(path)) == pytest.approx([t / 1000 for t in stamps], abs=1e-3)


def test_time_begins_at_the_first_frame() -> None:
    assert times(read(io.BytesIO(video("ts"))))[:3] == [0, 0.04, 0.08]  # the stream itself begins at 1.4 s


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "mpg", "ts", "webm", "mov"])
def test_every_container(suffix: str) -> None:
    frames = read(io.BytesIO(video(suffix)))
    assert times(frames) == [round(i / 25, 6) for i in range(40)]
    assert [frame.index for frame in frames] == list(range(40))
    assert {frame.status for frame in frames} == {"ok"}


def test_avi_with_reordered_frames(tmp_path: Path) -> None:
    """AVI has no place for the time of showing; libav's guess is out of order."""
    images = [drawn(shift=7 * i) for i in range(20)]
    frames = read(encode(tmp_path / "a.avi", images, codec="libx264", pix_fmt="yuv420p", bf="3"))
    assert [frame.index for frame in frames] == list(range(20))
    assert times(frames) == [round(i / 25, 6) for i in range(20)]
    assert np.mean([np.abs(f.image.astype(int) - i).mean() for f, i in zip(frames, images)]) < 15  # type: ignore[union-attr]


def test_a_stream_that_refreshes_bit_by_bit(tmp_path: Path) -> None:
    images = [drawn(128, 96, shift=3 * i) for i in range(60)]
    options = {"codec": "libx264", "pix_fmt": "yuv420p", "x264-params": "intra-refresh=1:keyint=20"}
    path = encode(tmp_path / "a.mkv", images, **options)
    whole = [frame for frame in read(path) if frame.time >= 1.3]
    part = read(path, start=1.3)
    assert [(frame.index, frame.time) for frame in part] == [(frame.index, frame.time) for frame in whole]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(part, whole))


def test_missing_timestamps_follow_the_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.h264"
    encode(path, [drawn(shift=i) for i in range(10)], codec="libx264", pix_fmt="yuv420p")
    assert times(read(path)) == [round(i / 25, 6) for i in range(10)]


def test_clock() -> None:
    clock = Clock(Fraction(1, 1000), 0.04)
    clock.begin(100)
    clock.begin(60)  # shown first though it came second
    assert [round(clock.tell(pts), 3) for pts in (60, 100, 140)] == [0, 0.04, 0.08]
    clock.begin(0)  # too late: time has begun
    assert round(clock.tell(130), 3) == 0.12  # a timestamp that does not grow
    assert round(clock.tell(240), 3) == 0.18  # a single bad one does not shift the rest
    assert round(clock.tell(5240), 3) == 5.18  # a gap is a gap
    assert [round(clock.tell(pts), 3) for pts in (0, 100)] == [5.22, 5.32]  # set back: go on from here


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts", "webm"])
@pytest.mark.parametrize("window", [Window(0.5), Window(0.41, 0.9), Window(0, None, 7), Window(0.33, 1.3, 4), Window(1.56, 1.57)])
def test_a_window_gives_the_same_rows_as_the_whole(suffix: str, window: Window) -> None:
    data = video(suffix)
    whole = [f for f in read(io.BytesIO(data)) if window.holds(f.time, f.index) and not window.over(f.time)]
    part = read(io.BytesIO(data), start=window.start, end=window.end, every=window.every)
    assert [(f.index, f.time) for f in part] == [(f.index, f.time) for f in whole]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(part, whole))


def test_the_jump_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    original = Clock.tell
    monkeypatch.setattr(Clock, "tell", lambda self, pts: decoded.append(pts) or original(self, pts))
    assert read(io.BytesIO(video("mp4")), start=1.5)[0].index == 38
    assert len(decoded) == 2  # key frames lie 10 apart: those before were neither shown nor timed


def test_a_window_without_frames_says_so() -> None:
    for suffix in ("mp4", "ts"):
        (frame,) = read(io.BytesIO(video(suffix)), start=50)
        assert frame.status == "unreadable"
        assert "no frame lies between 50 s and the end" in frame.reason
        assert "1.56 s" in frame.reason


@pytest.mark.parametrize(
    "options", [{"start": -1}, {"start": float("nan")}, {"end": 0}, {"start": 2, "end": 1}, {"every": 0}, {"threads": -1}]
)
def test_wrong_arguments_raise_at_once(options: dict[str, float]) -> None:
    with pytest.raises(InputError):
        read_video("gone.mp4", name="x", **options)  # type: ignore[arg-type]


def test_skipped_frames_are_not_converted(monkeypatch: pytest.MonkeyPatch) -> None:
    import mien.media.reader as module

    converted = []

    def converter() -> object:
        return lambda picture, matrix: converted.append(picture.pts) or np.zeros((64, 96, 3), np.uint8)

    monkeypatch.setattr(module, "converter", converter)
    assert len(read(io.BytesIO(video("mp4")), every=10)) == 4
    assert len(converted) == 4


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_threads_change_nothing(threads: int) -> None:
    wanted = read(io.BytesIO(video("mp4")))
    got = read(io.BytesIO(video("mp4")), threads=threads)
    assert times(got) == times(wanted)
    assert all(np.array_equal(a.image, b.image) for a, b in zip(got, wanted))


TURNS = {
    (1, 0, 0, 1): lambda x: x,
    (0, 1, -1, 0): lambda x: np.rot90(x, -1),
    (-1, 0, 0, -1): lambda x: np.rot90(x, 2),
    (0, -1, 1, 0): lambda x: np.rot90(x, 1),
    (-1, 0, 0, 1): lambda x: x[:, ::-1],
    (1, 0, 0, -1): lambda x: x[::-1],
    (0, 1, 1, 0): lambda x: x.transpose(1, 0, 2),
    (0, -1, -1, 0): lambda x: x[::-1, ::-1].transpose(1, 0, 2),
}


def with_matrix(data: bytes, matrix: tuple[int, int, int, int]) -> bytes:
    """An MP4 with another matrix in its track header: a phone held otherwise. (libav cannot write one.)"""
    changed = bytearray(data)
    place = data.index(b"tkhd") + 4 + 4 + 20 + 16  # version 0: flags, times and ids, layer and volume
    a, b, c, d = (value << 16 for value in matrix)
    changed[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    return bytes(changed)


@pytest.mark.parametrize("matrix", TURNS)
def test_rotation_stands_upright(matrix: tuple[int, int, int, int]) -> None:
    stored = read(io.BytesIO(video("mp4")))
    turned = read(io.BytesIO(with_matrix(video("mp4"), matrix)))
    assert len(turned) == 40
    for a, b in zip(turned, stored):
        assert np.array_equal(a.image, TURNS[matrix](b.image))
        assert a.image.flags.c_contiguous  # type: ignore[union-attr]
    info = video_info(io.BytesIO(with_matrix(video("mp4"), matrix)))
    assert turned[0].image.shape == (info.height, info.width, 3)  # type: ignore[union-attr]
    assert info.rotation == {(0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}.get(matrix, info.rotation)


def test_rotation_tag_of_old_files(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "bgr0"
        stream.metadata["rotate"] = "90"
        output.mux(stream.encode(av.VideoFrame.from_ndarray(drawn(), "rgb24")))
        output.mux(stream.encode(None))
    assert np.array_equal(read(path)[0].image, np.rot90(drawn(), -1))
    assert video_info(path).rotation == 90


@pytest.mark.parametrize("fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize(("matrix", "space"), [("601", 6), ("601", 5), ("709", 1), ("2020", 9)])
@pytest.mark.parametrize("full", [False, True])
def test_colours_by_the_tags(tmp_path: Path, fmt: str, matrix: str, space: int, full: bool) -> None:
    frames = [solid(colour, matrix, full, fmt) for colour in COLOURS]
    for frame, colour in zip(read(tagged(tmp_path / "a.mkv", frames, space, full)), COLOURS):
        assert frame.image is not None
        assert np.abs(frame.image.astype(int) - colour).max() <= 3


@pytest.mark.parametrize(("size", "matrix"), [((64, 48), "601"), ((720, 576), "601"), ((1280, 720), "709")])
def test_colours_without_tags_follow_the_size(tmp_path: Path, size: tuple[int, int], matrix: str) -> None:
    frames = [solid(colour, matrix, False, "yuv420p", size) for colour in COLOURS[:3]]
    for frame, colour in zip(read(tagged(tmp_path / "a.mkv", frames, 2, False)), COLOURS):
        assert frame.image is not None
        assert np.abs(frame.image.astype(int) - colour).max() <= 3


def test_full_range_jpeg_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mjpeg", rate=25, options={"qscale": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        stream.codec_context.color_range = 2
        for i, colour in enumerate(COLOURS):
            frame = solid(colour, "601", True, "yuvj420p")
            frame.pts = i
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    for frame, colour in zip(read(path), COLOURS):
        assert np.abs(frame.image.astype(int) - colour).max() <= 3  # type: ignore[union-attr]


@pytest.mark.parametrize("fmt", ["gray", "rgb24", "gbrp", "rgba", "gray16le"])
def test_other_pixel_formats(tmp_path: Path, fmt: str) -> None:
    name, codec = {"gbrp": ("a.avi", "utvideo"), "gray16le": ("a.mkv", "ffv1")}.get(fmt, ("a.mov", "png"))
    grey = np.repeat(drawn()[..., :1], 3, 2)
    image = grey if "gray" in fmt else drawn()
    frame = read(encode(tmp_path / name, [image], codec=codec, pix_fmt=fmt))[0]
    assert np.abs(frame.image.astype(int) - image).max() <= 3  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [(97, 65), (96, 65), (33, 47), (641, 361)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    image = drawn(*size)
    frame = read(encode(tmp_path / "a.mkv", [image]))[0]
    assert np.array_equal(frame.image, image)
    assert frame.image.flags.c_contiguous  # type: ignore[union-attr]


def test_pixels_that_are_not_square_stay_as_stored(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        output.mux(stream.encode(av.VideoFrame.from_ndarray(drawn(), "rgb24")))
        output.mux(stream.encode(None))
    assert read(path)[0].image.shape == (64, 96, 3)  # type: ignore[union-attr]


def test_memory_does_not_grow_with_the_length() -> None:
    data = video("mp4", frames=400)
    reader = read_video(io.BytesIO(data), name="x")
    tracemalloc.start()
    for _ in range(50):
        next(reader)
    early = tracemalloc.get_traced_memory()[0]
    for _ in range(340):
        next(reader)
    late = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert late - early < 100_000  # a frame takes 18 kB


# --- damage


@pytest.mark.parametrize(("suffix", "states"), [("mp4", True), ("mkv", True), ("avi", True), ("webm", True), ("mov", True)])
def test_a_cut_tail_is_told(suffix: str, states: bool) -> None:
    data = video(suffix, faststart=suffix in ("mp4", "mov"))
    *good, last = read(io.BytesIO(data[: int(len(data) * 0.6)]))
    assert 10 < len(good) < 38
    assert {frame.status for frame in good} == {"ok"}
    assert last.image is None
    assert last.status == "damaged"
    assert "the file is cut off: it states 1.60 s" in last.reason
    assert f"{len(good)} of 40 frames read" in last.reason or f"{len(good)} frames read" in last.reason
    assert last.time > good[-1].time
    assert last.index > good[-1].index


def test_a_cut_behind_the_end_of_the_window_is_none_of_its_business() -> None:
    data = video("mp4", faststart=True)
    assert {frame.status for frame in read(io.BytesIO(data[: int(len(data) * 0.6)]), end=0.4)} == {"ok"}


def test_sound_that_is_longer_than_the_pictures_is_no_damage(tmp_path: Path) -> None:
    for suffix in ("mp4", "mkv"):
        path = tmp_path / f"a.{suffix}"
        with av.open(str(path), "w") as output:
            stream = output.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            voice = output.add_stream("aac", rate=16000)
            for i in range(10):
                frame = av.VideoFrame.from_ndarray(drawn(shift=i), "rgb24")
                frame.pts = i
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
            output.mux(tone(voice, 5.0))
        assert {frame.status for frame in read(path)} == {"ok"}


def test_damaged_frames_in_the_middle_are_left_out_and_counted() -> None:
    whole = video("mp4")
    with av.open(io.BytesIO(whole)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    place, size = packets[15]
    data = bytearray(whole)
    data[place + size // 2 : place + size] = bytes(size - size // 2)
    *good, last = read(io.BytesIO(bytes(data)))
    assert last.status == "damaged"
    assert "1 frame could not be decoded" in last.reason
    assert len(good) == 39
    # the frames that are there keep their numbers and times
    reference = read(io.BytesIO(whole))
    assert all(frame.time == reference[frame.index].time for frame in good)


@pytest.mark.parametrize("number", [3, 14, 15, 16, 17, 33])
def test_a_packet_that_fails_keeps_the_numbers_right(number: int) -> None:
    whole = video("mp4")
    with av.open(io.BytesIO(whole)) as container:
        place = [packet.pos for packet in container.demux(video=0) if packet.size][number]
    data = bytearray(whole)
    data[place : place + 4] = b"\x7f\xff\xff\xff"  # a length far over the packet's own: the decoder refuses it whole
    *good, last = read(io.BytesIO(bytes(data)))
    assert last.status == "damaged"
    assert len(good) >= 30
    assert f"{40 - len(good)} frame" in last.reason.split(";")[1]  # a key frame (17) takes others with it
    assert last.index == 40
    reference = times(read(io.BytesIO(whole)))
    wrong = [frame.index for frame in good if round(frame.time, 6) != reference[frame.index]]
    # without its key frame the decoder shows one frame too early, before the packet of the one before it has come
    assert len(wrong) <= (number == 17)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (video("mp4")[:400], "index (the moov box) is missing"),
        (b"hello, this is a text", "a text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "could not be decoded"),
        (b"", "0 bytes"),
        (sound_only("mp4"), "has no video stream"),
        (sound_only("mkv"), "has no video stream"),
    ],
)
def test_unreadable_files(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    (frame,) = read(path)
    assert frame.image is None
    assert (frame.status, frame.index, frame.time) == ("unreadable", 0, 0.0)
    assert words in frame.reason
    if "decoded" not in words:
        with pytest.raises(InputError):
            video_info(path)


def test_missing_file_and_dead_address() -> None:
    (frame,) = read("gone.mp4")
    assert "no such file" in frame.reason
    (frame,) = read("http://127.0.0.1:9/x.mp4")
    assert frame.status == "unreadable"
    assert "check address" in frame.reason
    (frame,) = read("77")
    assert "camera" in frame.reason


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as output:
        voice = output.add_stream("aac", rate=16000)
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 96, 64, "yuvj420p"
        cover.codec_context.color_range = 2
        cover.disposition = av.stream.Disposition.attached_pic.value
        output.mux(cover.encode(av.VideoFrame.from_ndarray(drawn(), "rgb24").reformat(format="yuvj420p", dst_color_range=2)))
        output.mux(cover.encode(None))
        output.mux(tone(voice, 0.3))
    assert "no video stream" in read(path)[0].reason


def test_names_that_look_like_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("12:30.mp4", "rtsp:x.mp4", "a%03d.mp4", "a\nb.mp4", os.fsdecode(b"\xff\xfe.mp4")):
        Path(name).write_bytes(video("mp4"))
        assert len(read(name)) == 40
        assert video_info(name).frames == 40


def test_info() -> None:
    info = video_info(io.BytesIO(video("mp4", sound=True)))
    assert (info.width, info.height, info.rate, info.frames, info.rotation) == (96, 64, 25, 40, 0)
    assert info.duration == pytest.approx(1.6)
    assert info.has_audio
    assert info.codec == "h264"
    info = video_info(io.BytesIO(video("mkv")))
    assert not info.has_audio
    assert info.frames == 40


# --- writing


def test_times_are_written_as_they_were(tmp_path: Path) -> None:
    stamps = [3.0, 3.04, 3.05, 3.3, 4.1, 7.654321]
    with VideoWriter(tmp_path / "a.mp4", (96, 64), Fraction(25)) as writer:
        for i, time in enumerate(stamps):
            writer.write(drawn(shift=i), time)
    frames = read(tmp_path / "a.mp4")
    assert times(frames) == pytest.approx([time - 3 for time in stamps], abs=1 / 90000)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert (tmp_path / "a.mp4").stat().st_mode & 0o444 == 0o444


@pytest.mark.parametrize(
    ("suffix", "size"),
    [("mp4", (96, 64)), ("mov", (96, 64)), ("mkv", (97, 65)), ("m4v", (96, 65)), ("mp4", (97, 64)), ("mp4", (1280, 720))],
)
def test_colours_survive_writing(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    path = tmp_path / f"a.{suffix}"
    with VideoWriter(path, size) as writer:
        for i, colour in enumerate(COLOURS):
            writer.write(np.full((size[1], size[0], 3), colour, np.uint8), i / 25)
    frames = read(path)
    assert frames[0].image.shape[:2] == (size[1] + size[1] % 2, size[0] + size[0] % 2)  # type: ignore[union-attr]
    for frame, colour in zip(frames, COLOURS):
        assert np.abs(frame.image.astype(int) - colour).max() <= 5  # type: ignore[union-attr]


def test_a_build_without_h264(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av, "codecs_available", {"mpeg4"})
    with VideoWriter(tmp_path / "a.mp4", (96, 64)) as writer:
        for i in range(10):
            writer.write(drawn(shift=i), i / 25)
    assert video_info(tmp_path / "a.mp4").codec == "mpeg4"
    frames = read(tmp_path / "a.mp4")
    assert times(frames) == [round(i / 25, 6) for i in range(10)]
    assert np.abs(frames[5].image.astype(int) - drawn(shift=5)).mean() < 12  # type: ignore[union-attr]


@pytest.mark.parametrize("problem", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_file_is_whole(tmp_path: Path, problem: type[BaseException]) -> None:
    path = tmp_path / "a.mp4"

    def work() -> None:
        with VideoWriter(path, (96, 64)) as writer:
            for i in range(10):
                writer.write(drawn(shift=i), i / 25)
            raise problem("enough")

    with pytest.raises(problem):
        work()
    assert {frame.status for frame in read(path)} == {"ok"}
    assert len(read(path)) == 10
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_nothing_is_left_of_a_file_without_frames(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no frame was written"), VideoWriter(tmp_path / "a.mp4", (96, 64)):
        pass
    with pytest.raises(RuntimeError), VideoWriter(tmp_path / "a.mp4", (96, 64)):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "aac"), ("mkv", "aac"), ("mpg", "mp2"), ("avi", "pcm_s16le")])
def test_sound_comes_along(tmp_path: Path, suffix: str, codec: str) -> None:
    source = tmp_path / f"a.{suffix}"
    with av.open(str(source), "w") as output:
        stream = output.add_stream("mpeg2video" if suffix == "mpg" else "mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        voice = output.add_stream(codec, rate=16000)
        for i in range(50):
            frame = av.VideoFrame.from_ndarray(drawn(shift=i), "rgb24")
            frame.pts = i
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        output.mux(tone(voice, 2.0))
    with VideoWriter(tmp_path / "b.mp4", (96, 64), 25, audio_from=source) as writer:
        for frame in read_video(source, name="x", start=0.4, end=1.6):
            writer.write(frame.image, frame.time)  # type: ignore[arg-type]
    assert len(read(tmp_path / "b.mp4")) == 30
    with av.open(str(tmp_path / "b.mp4")) as container:
        (sound,) = container.streams.audio
        assert sound.codec_context.name == "aac"
        frames = list(container.decode(sound))
        wave = np.concatenate([frame.to_ndarray()[0] for frame in frames])
        assert len(wave) / 16000 == pytest.approx(1.2, abs=0.15)
        assert np.abs(wave).max() > 0.1
        assert abs(float(frames[0].pts * frames[0].time_base)) < 0.07


def test_a_source_without_sound_is_no_error(tmp_path: Path) -> None:
    silent = tmp_path / "s.mp4"
    silent.write_bytes(video("mp4"))
    with VideoWriter(tmp_path / "b.mp4", (96, 64), audio_from=silent) as writer:
        writer.write(drawn(), 0)
    assert not video_info(tmp_path / "b.mp4").has_audio


def test_the_writer_refuses(tmp_path: Path) -> None:
    for arguments in (("a.xyz", (96, 64)), ("b/a.mp4", (96, 64)), ("a.mp4", (0, 64)), ("a.mp4", (96, 64), 0)):
        with pytest.raises(InputError):
            VideoWriter(tmp_path / arguments[0], *arguments[1:])  # type: ignore[arg-type]
    with (
        pytest.raises(InputError, match="no such file"),
        VideoWriter(tmp_path / "a.mp4", (96, 64), audio_from=tmp_path / "no.mp4"),
    ):
        pass
    with pytest.raises(InputError, match="outside"):
        VideoWriter(tmp_path / "a.mp4", (96, 64)).write(drawn(), 0)
    with VideoWriter(tmp_path / "a.mp4", (96, 64)) as writer:
        writer.write(drawn(), 1.0)
        with pytest.raises(InputError, match="a time after 1"):
            writer.write(drawn(), 1.0)
        with pytest.raises(InputError, match="50x40"):
            writer.write(drawn(50, 40), 2.0)
        with pytest.raises(InputError, match="a float array"):
            writer.write(drawn().astype(float), 2.0)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


# --- real clips


@pytest.mark.data
def test_real_clips(data_dir: Path) -> None:
    for path in sorted((data_dir / "test_media" / "videos").iterdir()):
        frames = read(path, end=1.0)
        info = video_info(path)
        assert len(frames) == pytest.approx(float(info.rate or 0), abs=1)
        assert np.diff(times(frames)) == pytest.approx(1 / float(info.rate or 1), abs=1e-4)
        assert {frame.status for frame in frames} == {"ok"}
