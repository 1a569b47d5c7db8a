"""One argument for everything: files, folders, patterns, arrays, bytes, pipes, addresses; and two hundred damaged files."""

from __future__ import annotations

import functools
import http.server
import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import InputError
from mien.media.sniff import HEAD, by_name, natural, sniff
from mien.media.source import Item, _Pipe, frames, items
from mien.types import Frame

from .damage import MAKERS, animation, drawn, make_damaged, picture, video


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures and a film, with what lies beside them in real folders."""
    (tmp_path / "img10.png").write_bytes(picture("PNG"))
    (tmp_path / "img2.png").write_bytes(picture("PNG"))
    (tmp_path / "clip.mp4").write_bytes(video("mp4"))
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "deep" / "b.jpg").write_bytes(picture("JPEG"))
    (tmp_path / "deep" / "deeper" / "without_extension").write_bytes(picture("WEBP"))
    for name in ("notes.txt", "rows.csv", "a.json", "README.md", ".DS_Store", ".hidden.jpg", "voice.wav", "LICENSE"):
        (tmp_path / name).write_text("text")
    return tmp_path


def names(found: Iterator[Item], folder: Path) -> list[str]:
    return [os.path.relpath(item.name, folder) for item in found]


def only(source: object, **options: object) -> Item:
    (item,) = items(source, **options)  # type: ignore[arg-type]
    return item


def test_folder_in_natural_order(folder: Path) -> None:
    wanted = ["clip.mp4", "deep/b.jpg", "deep/deeper/without_extension", "img2.png", "img10.png"]
    assert names(items(folder), folder) == wanted
    assert [item.kind for item in items(str(folder))] == ["video", "image", "image", "image", "image"]


def test_patterns(folder: Path) -> None:
    assert names(items(str(folder / "*.png")), folder) == ["img2.png", "img10.png"]
    assert names(items(f"{folder}/**/*.jpg"), folder) == ["deep/b.jpg"]
    assert names(items(f"{folder}/**"), folder) == names(items(folder), folder)
    assert names(items(str(folder / "img[0-9].png")), folder) == ["img2.png"]
    with pytest.raises(InputError, match="nothing matches"):
        items(str(folder / "*.bmp"))
    # a file of that very name comes before what the pattern could mean
    (folder / "img[0-9].png").write_bytes(picture("PNG"))
    assert names(items(str(folder / "img[0-9].png")), folder) == ["img[0-9].png"]


def test_names_are_as_given(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert only("./img2.png").name == "./img2.png"
    assert only(Path("deep/b.jpg")).name == "deep/b.jpg"
    assert next(frames(only("img2.png"))).source == "img2.png"
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    assert Path(only("~/img2.png").name) == folder / "img2.png"
    assert only((folder / "img2.png").as_uri()).kind == "image"


def test_a_picture_gives_one_frame(folder: Path) -> None:
    (frame,) = frames(only(folder / "img2.png"), start=5, every=3)
    assert np.array_equal(frame.image, drawn())
    assert (frame.time, frame.index, frame.status, frame.reason, len(frame.faces)) == (0.0, 0, "ok", "", 0)


def test_a_video_gives_its_window(folder: Path) -> None:
    got = list(frames(only(folder / "clip.mp4"), start=0.4, end=1.0, every=5))
    assert [frame.index for frame in got] == [10, 15, 20]


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(picture("JPEG"))
    (tmp_path / "b.jpg").write_bytes(picture("PNG"))
    (tmp_path / "c.jpg").write_bytes(video("mkv"))
    (tmp_path / "d.txt").write_bytes(picture("PNG"))
    assert [item.kind for item in items([tmp_path / name for name in ("b.jpg", "c.jpg", "d.txt")])] == ["image", "video", "image"]
    assert len(list(frames(only(tmp_path / "a.mp4")))) == 1
    assert len(list(frames(only(tmp_path / "c.jpg")))) == 40


def test_arrays() -> None:
    item = only(drawn())
    assert (item.name, item.kind) == ("array", "image")
    assert next(frames(item)).image is item.payload
    assert [item.name for item in items([drawn(), drawn(), "gone.jpg"])] == ["array 0", "array 1", "gone.jpg"]
    with pytest.raises(InputError, match="list of pictures, or a video file"):
        items(np.zeros((5, 64, 96, 3), np.uint8))
    (frame,) = frames(only(np.zeros((5, 9, 3), np.uint8)))
    assert "too small to hold a face" in frame.reason
    (frame,) = frames(only(drawn()), max_pixels=100)
    assert frame.status == "unreadable"


def test_bytes() -> None:
    assert np.array_equal(next(frames(only(picture("PNG")))).image, drawn())
    assert len(list(frames(only(video("mkv"))))) == 40
    assert len(list(frames(only(animation("GIF"))))) == 6
    for data in (b"", b"hello"):
        with pytest.raises(InputError, match="bytes"):
            items(data)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_animations_are_videos(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{form.lower()}"
    path.write_bytes(animation(form))
    item = only(path)
    assert item.kind == "video"
    got = list(frames(item))
    assert [round(frame.time, 3) for frame in got] == [0, 0.08, 0.16, 0.24, 0.32, 0.4]
    assert [frame.index for frame in frames(item, start=0.1, end=0.4, every=2)] == [2, 4]
    (frame,) = frames(item, start=9)
    assert frame.status == "unreadable"
    path.write_bytes(animation(form)[: int(len(animation(form)) * 0.7)])
    *good, last = frames(only(path))
    if form != "WEBP":  # which is whole or nothing
        assert 2 <= len(good) < 6
        assert last.status == "damaged"
    assert last.reason


class Pipe(io.RawIOBase):
    """What comes through a pipe: no way back, and a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        part = self._data.read(min(len(buffer), 1000))
        buffer[: len(part)] = part
        return len(part)


@pytest.mark.parametrize(
    ("data", "kind", "count"),
    [
        (picture("JPEG"), "image", 1),
        (animation("GIF"), "video", 6),
        (video("mkv"), "video", 40),
        (video("ts"), "video", 40),
        (video("avi"), "video", 40),
        (video("mp4"), "video", 40),  # its index lies at the end
        (video("mp4", faststart=True), "video", 40),
    ],
)
@pytest.mark.parametrize("seekable", [False, True])
def test_standard_input(data: bytes, kind: str, count: int, seekable: bool) -> None:
    item = only("-", stdin=io.BytesIO(data) if seekable else io.BufferedReader(Pipe(data)))
    assert (item.name, item.kind) == ("-", kind)
    got = list(frames(item))
    assert [frame.status for frame in got] == ["ok"] * count


def test_standard_input_without_use() -> None:
    for data in (b"", b"hello, text"):
        with pytest.raises(InputError, match=r"0 bytes|a text"):
            items("-", stdin=io.BytesIO(data))
    with pytest.raises(InputError, match="text stream"):
        items("-", stdin=io.StringIO("x"))  # type: ignore[arg-type]


def test_a_live_pipe_is_decoded_as_it_comes() -> None:
    """The first frame is there while the sender still holds the rest back."""
    data = video("ts", frames=120)
    receiving, sending = os.pipe()
    halt = threading.Event()

    def send() -> None:
        with os.fdopen(sending, "wb", buffering=0) as pipe:
            half = len(data) // 2
            pipe.write(data[:half])
            halt.wait(10)
            pipe.write(data[half:])

    sender = threading.Thread(target=send)
    sender.start()
    with os.fdopen(receiving, "rb") as stdin:
        reader = frames(only("-", stdin=stdin))
        first = next(reader)
        assert not halt.is_set()
        halt.set()
        rest = list(reader)
    sender.join()
    assert first.index == 0
    assert len(rest) == 119


def test_a_pipe_hands_out_what_has_come() -> None:
    receiving, sending = os.pipe()
    got: list[bytes] = []
    with os.fdopen(receiving, "rb") as stdin:
        reader = threading.Thread(target=lambda: got.append(_Pipe(b"", stdin, "-", False).read(32768)))
        os.write(sending, b"a hundred bytes")
        reader.start()
        reader.join(5)
        in_time = bool(got)
        os.close(sending)
        reader.join()
    assert in_time
    assert got == [b"a hundred bytes"]


def test_lists_and_iterators(folder: Path) -> None:
    mixed = [folder / "img2.png", str(folder / "deep"), f"{folder}/img1*", drawn(), picture("PNG"), 7, "rtsp://host/1"]
    got = list(items(entry for entry in mixed))
    assert [item.kind for item in got] == ["image"] * 6 + ["stream"] * 2
    assert [item.name for item in got[4:]] == ["array 3", "bytes 4", "7", "rtsp://host/1"]
    assert list(items([])) == []
    assert list(items(got)) == got


def test_entries_of_a_list_that_cannot_be_used_are_rows(folder: Path) -> None:
    entries = [folder / "gone.mp4", str(folder / "img2.png"), np.zeros((2, 3, 4, 5)), b"", f"{folder}/*.bmp", 3.5, -1]
    rows = [next(frames(item)) for item in items(entries)]
    assert [row.status for row in rows] == ["unreadable", "ok"] + ["unreadable"] * 5
    assert all(row.reason for row in rows if row.status != "ok")


def test_what_is_missing_raises_or_is_a_row(folder: Path) -> None:
    (folder / "void").mkdir()
    (folder / "pipe.pdf").write_bytes(b"%PDF-1.7")
    cases = {
        folder / "img3.png": "did you mean",
        folder / "void": "without pictures or videos",
        folder / "*.bmp": "nothing matches",
        folder / "notes.txt": "a text",
        folder / "pipe.pdf": "a PDF",
        folder / "gone" / "a.jpg": "no folder",
    }
    for path, words in cases.items():
        with pytest.raises(InputError, match=words):
            items(str(path))
        item = only(str(path), on_missing="item")
        (frame,) = frames(item)
        assert (frame.status, frame.source) == ("unreadable", str(path))
        assert words in frame.reason
    for source in (3.5, None, object(), True, -1):
        with pytest.raises(InputError):
            items(source)
    with pytest.raises(InputError, match="on_missing"):
        items(folder, on_missing="ignore")


def test_wrong_windows_raise_at_once(folder: Path) -> None:
    for name in ("img2.png", "clip.mp4"):
        with pytest.raises(InputError):
            frames(only(folder / name), start=2, end=1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_links_pipes_and_loops(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture("PNG"))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    (tmp_path / "sub" / "good.png").symlink_to(tmp_path / "a.png")
    (tmp_path / "broken.png").symlink_to("nowhere")
    (tmp_path / "self.mp4").symlink_to("self.mp4")
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    rows = {os.path.relpath(item.name, tmp_path): next(frames(item)) for item in items(tmp_path)}
    assert {name for name, row in rows.items() if row.status == "ok"} == {"a.png", "sub/good.png"}
    reasons = {name: row.reason for name, row in rows.items() if row.status == "unreadable"}
    assert set(reasons) == {"sub/up", "broken.png", "self.mp4", "folder.jpg", "pipe.mp4"}
    assert "link back" in reasons["sub/up"]
    assert "gone" in reasons["broken.png"]
    assert "pipe or device" in reasons["pipe.mp4"]
    for name in ("pipe.mp4", "broken.png", "self.mp4"):
        with pytest.raises(InputError):
            items(tmp_path / name)
    if os.path.exists("/dev/zero"):
        with pytest.raises(InputError, match="pipe or device"):
            items("/dev/zero")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(picture("PNG"))
    (tmp_path / "locked").mkdir()
    (tmp_path / "a.png").chmod(0)
    (tmp_path / "locked").chmod(0)
    rows = [next(frames(item)) for item in items(tmp_path)]
    (tmp_path / "locked").chmod(0o700)
    assert [row.status for row in rows] == ["unreadable", "ok", "unreadable"]
    assert all("permission" in row.reason for row in rows if row.status != "ok")


@pytest.mark.parametrize(
    "name",
    [
        "new\nline.png",
        "quote'\".png",
        "ünï—😀.png",
        "x" * 230 + ".png",
        "[a]*.png",
        "-",
        "100%.png",
        os.fsdecode(b"\xff\xfe.png"),
    ],
)
def test_odd_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    for content, words in ((picture("PNG"), ""), (picture("PNG")[:80], "cut off"), (b"", "0 bytes")):
        Path(name).write_bytes(content)
        rows = [frame for item in items(tmp_path) for frame in frames(item)]
        assert [row.source for row in rows] == [str(tmp_path / name)]
        assert words in rows[0].reason
        rows[0].reason.encode("utf-8")  # can be written to any file


def test_addresses() -> None:
    for text in ("rtsp://camera/1", "http://host/a.mp4", "udp://127.0.0.1:1", "0", "/dev/video3"):
        item = only(text)
        assert (item.kind, item.name) == ("stream", text)
    assert only(0).payload == "0"
    for source in ("http://127.0.0.1:9/a.mp4", 97):
        (frame,) = frames(only(source))
        assert frame.status == "unreadable"
        assert "check" in frame.reason


def test_a_file_called_like_a_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("0").write_bytes(picture("PNG"))
    assert only("0").kind == "image"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_http(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(video("mp4"))
    (tmp_path / "cut.mkv").write_bytes(video("mkv")[: len(video("mkv")) // 2])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        base = f"http://127.0.0.1:{server.server_port}"
        assert [frame.index for frame in frames(only(f"{base}/a.mp4"), start=1, end=1.2)] == [25, 26, 27, 28, 29]
        assert list(frames(only(f"{base}/cut.mkv")))[-1].status == "damaged"
        assert list(frames(only(f"{base}/gone.mp4")))[-1].status == "unreadable"
    finally:
        server.shutdown()
        server.server_close()


def test_a_folder_of_very_many_files_is_listed_as_it_goes(tmp_path: Path) -> None:
    for i in range(300):
        (tmp_path / f"{i}.png").write_bytes(picture("PNG"))
    found = items(tmp_path)
    (tmp_path / "299.png").unlink()  # after the first one was given out, the last one goes away
    rows = [next(frames(item)) for item in found]
    assert len(rows) == 300
    assert "no such file" in rows[-1].reason


@given(st.binary(max_size=64))
def test_sniff_takes_any_bytes(head: bytes) -> None:
    kind, form = sniff(head)
    assert kind in ("image", "video", "")
    assert form or not kind


def test_sniff_knows_what_is_made_here() -> None:
    for form in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM"):
        assert sniff(picture(form)[:HEAD]) == ("image", form)
    for suffix in ("mp4", "mkv", "avi", "mpg", "ts", "webm", "mov"):
        assert sniff(video(suffix)[:HEAD])[0] == "video"
        assert by_name(f"A.{suffix.upper()}") == "video"
    assert by_name("a.JPG") == "image"
    assert by_name("notes.TXT") == "other"
    assert by_name("unknown") == ""


@given(st.lists(st.text(max_size=12), max_size=8))
def test_natural_order_takes_any_names(texts: list[str]) -> None:
    backwards = list(reversed(texts))
    assert sorted(texts, key=natural) == sorted(backwards, key=natural)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    folder = tmp_path_factory.mktemp("damaged")
    return folder, make_damaged(folder, 200, seed=0)


def test_two_hundred_damaged_files(damaged: tuple[Path, list[Path]]) -> None:
    folder, paths = damaged
    neighbours = {"AAA.png": 1, "middle.mp4": 40, "zzz.gif": 6, "locked_.jpg": 1}
    for name, data in zip(neighbours, (picture("PNG"), video("mp4"), animation("GIF"), picture("JPEG"))):
        (folder / name).write_bytes(data)
    seen: dict[str, list[Frame]] = {}
    slowest = 0.0
    for item in items(folder):
        begin = time.perf_counter()
        seen[item.name] = list(frames(item))
        slowest = max(slowest, time.perf_counter() - begin)
    assert slowest < 5
    for path in paths:
        rows = seen.pop(str(path))
        assert rows
        for row in rows:
            assert row.status in ("ok", "unreadable", "damaged")
            assert (row.image is None) == (row.status != "ok") == bool(row.reason)
            assert row.image is None or (row.image.ndim == 3 and row.image.dtype == np.uint8)
        assert all(row.status == "ok" for row in rows[:-1])
        assert rows[-1].status != "ok" or not path.name.startswith(
            ("empty", "random", "only_sound", "fifo", "without_index", "cut_picture")
        )
    for name, count in neighbours.items():
        assert [row.status for row in seen.pop(str(folder / name))] == ["ok"] * count
    assert not seen


def test_the_same_seed_makes_the_same_files(damaged: tuple[Path, list[Path]], tmp_path: Path) -> None:
    _, paths = damaged
    again = make_damaged(tmp_path, 60, seed=0)
    assert [path.name for path in again] == [path.name for path in paths[:60]]
    assert {path.name.rsplit("_", 1)[0].split("_0")[0] for path in paths} >= {maker.__name__ for maker in MAKERS}
    for one, other in zip(paths, again):
        if other.is_file() and other.stat().st_mode & 0o400:
            assert one.read_bytes() == other.read_bytes()


def test_nothing_is_printed(tmp_path: Path) -> None:
    """Neither Python's warnings nor the messages of the C libraries reach the console."""
    make_damaged(tmp_path, 50, seed=3)
    code = (
        "import sys; from mien.media.source import items, frames\n"
        "for item in items(sys.argv[1]):\n"
        "    for frame in frames(item): pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("", "")
