import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import namedtuple
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mien.errors import InputError
from mien.tables import Table, columns, open_writer, sinks
from mien.tables.rows import Rows
from mien.tables.signals import uninterrupted
from mien.tables.writer import Writer
from mien.types import Faces, Frame

NATIVE = ("csv", "jsonl", "parquet")


def frame(i: int, faces: Faces | None = None) -> Frame:
    return Frame(None, i / 25, i, Faces.none() if faces is None else faces, "film.mp4")


@pytest.mark.parametrize("kind", NATIVE)
def test_the_writer_and_the_table_give_the_same_file(kind: str, make_faces, tmp_path, assert_close) -> None:
    frames = [frame(i, make_faces(i % 3, i)) for i in range(700)]
    table = Table.from_frames(frames, settings={"model": "a"})
    with open_writer(tmp_path / f"a.{kind}", settings={"model": "a"}) as writer:
        for f in frames:
            writer.write(f)
    assert writer.rows == len(table)
    table.write(tmp_path / f"b.{kind}")
    assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    assert_close(Table.read(tmp_path / f"a.{kind}"), table, exact=kind == "parquet")


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("kind", NATIVE)
def test_an_exception_leaves_a_whole_file_with_all_rows(kind: str, error: type[BaseException], tmp_path) -> None:
    def run() -> None:
        with open_writer(tmp_path / f"a.{kind}") as writer:
            for i in range(5):
                writer.write(frame(i))
            raise error

    with pytest.raises(error):
        run()
    assert Table.read(tmp_path / f"a.{kind}")["frame"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_rows_reach_the_file_after_256_rows_and_after_a_second(kind: str, tmp_path, monkeypatch) -> None:
    path = tmp_path / f"a.{kind}"
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    head = 1 if kind == "csv" else 0
    with open_writer(path) as writer:
        for i in range(255):
            writer.write(frame(i))
        assert len(path.read_bytes().splitlines()) == head
        writer.write(frame(255))
        assert len(path.read_bytes().splitlines()) == head + 256
        writer.write(frame(256))
        assert len(path.read_bytes().splitlines()) == head + 256
        now += 1.01
        writer.write(frame(257))
        assert len(path.read_bytes().splitlines()) == head + 258


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_killed_run_leaves_whole_lines(kind: str, tmp_path) -> None:
    path = tmp_path / f"a.{kind}"
    script = f"""
        from mien.tables import open_writer
        from mien.types import Faces, Frame
        with open_writer({str(path)!r}) as writer:
            i = 0
            while True:
                writer.write(Frame(None, i / 25, i, Faces.none(), "film.mp4"))
                i += 1
    """
    import mien

    env = {**os.environ, "PYTHONPATH": str(Path(mien.__file__).parents[1])}
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], env=env) as process:
        end = time.monotonic() + 30
        while (not path.exists() or path.stat().st_size < 500_000) and time.monotonic() < end:
            time.sleep(0.01)
        process.kill()
    frames = Table.read(path)["frame"].tolist()
    assert len(frames) > 100
    assert frames == list(range(len(frames)))


@pytest.fixture
def ctrl_c():
    """Ctrl-C raises KeyboardInterrupt, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupted:
    """A sink in whose write the user presses Ctrl-C."""

    chunk, seconds = 2, float("inf")

    def __init__(self) -> None:
        self.got: list[int] = []

    def write(self, data) -> None:
        if not self.got:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
        self.got += data["frame"].tolist()

    def close(self) -> None:
        pass


def test_ctrl_c_while_a_chunk_is_written_neither_loses_nor_doubles_it(ctrl_c) -> None:
    sink = Interrupted()

    def run() -> None:
        with Writer(sink, Rows()) as writer:
            for i in range(10):
                writer.write(frame(i))

    with pytest.raises(KeyboardInterrupt):
        run()
    assert sink.got == [0, 1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_is_held_back_until_the_block_is_done(ctrl_c) -> None:
    done = []

    def run() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            done.append(True)

    with pytest.raises(KeyboardInterrupt):
        run()
    assert done


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_full_disk_leaves_whole_lines_and_says_so(kind: str, make_faces, tmp_path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    path, faces = tmp_path / f"a.{kind}", make_faces(1)

    def run(to: Path, count: int) -> None:
        with open_writer(to) as writer:
            for i in range(count):
                writer.write(frame(i, faces))

    run(tmp_path / f"probe.{kind}", 300)
    # the second chunk does not fit, and the room that is left ends within a line
    room = (tmp_path / f"probe.{kind}").stat().st_size - 10
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(OSError, match=rf"a.{kind}: .*; the first 256 rows are in the file; free some space"):
            run(path, 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes().endswith(b"\n")
    assert Table.read(path)["frame"].tolist() == list(range(256))


def test_parquet_stops_while_there_is_room_for_the_footer(tmp_path, monkeypatch) -> None:
    usage = namedtuple("usage", "total used free")
    path = tmp_path / "a.parquet"
    free = [10**12]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, free[0]))
    chunk = (1 << 20) // len(columns())

    def run() -> None:
        with open_writer(path) as writer:
            for i in range(chunk + 1):
                writer.write(frame(i))
            writer.flush()
            free[0] = 1000
            writer.write(frame(chunk + 1))
            writer.flush()

    with pytest.raises(OSError, match=f"the first {chunk + 1} rows are in the file"):
        run()
    assert Table.read(path)["frame"].tolist() == list(range(chunk + 1))


def test_parquet_groups_keep_memory_constant(tmp_path) -> None:
    path = tmp_path / "a.parquet"
    with open_writer(path, mesh=True) as writer:
        for i in range(1500):
            writer.write(frame(i))
            assert len(writer._waiting) <= 1000
    assert pq.ParquetFile(path).num_row_groups > 1


@pytest.mark.parametrize("kind", NATIVE)
def test_a_place_that_cannot_be_written_says_so(kind: str, tmp_path) -> None:
    with pytest.raises(InputError, match=r"missing.*folder that can be written; make the folder"):
        open_writer(tmp_path / "missing" / f"a.{kind}")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="folder that can be written"):
        Table.from_frames([]).write(tmp_path / "file" / f"a.{kind}")


def test_formats_go_by_name_or_argument(tmp_path) -> None:
    with open_writer(tmp_path / "rows", format="jsonl") as writer:
        writer.write(frame(0))
    assert (tmp_path / "rows").read_text().startswith('{"source":"film.mp4"')
    with pytest.raises(InputError, match=r"unknown table format 'xlsx'; wanted one of: csv, jsonl, parquet"):
        open_writer(tmp_path / "a.xlsx")


def test_settings_that_json_cannot_hold_are_refused_before_a_file_is_made(tmp_path) -> None:
    with pytest.raises(InputError, match="settings that JSON cannot hold"):
        open_writer(tmp_path / "a.csv", settings={"model": object()})
    assert list(tmp_path.iterdir()) == []


def test_a_closed_writer_takes_nothing(tmp_path) -> None:
    with open_writer(tmp_path / "a.csv") as writer:
        pass
    writer.close()
    with pytest.raises(InputError, match="closed writer"):
        writer.write(frame(0))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_takes_lines_and_gets_no_file_beside_it(tmp_path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE) as reader:
        with open_writer(path, format="csv") as writer:
            writer.write(frame(0))
        assert reader.stdout is not None
        lines = reader.stdout.read().decode().splitlines()
    assert len(lines) == 2
    assert list(tmp_path.iterdir()) == [path]


def test_csv_is_fast_enough_for_video(make_faces, tmp_path) -> None:
    faces = make_faces(1)
    best = 0.0
    for _ in range(3):
        start = time.process_time()  # not the clock on the wall: other processes may be busy
        with open_writer(tmp_path / "a.csv") as writer:
            for i in range(1024):
                writer.write(frame(i, faces))
        best = max(best, 1024 / (time.process_time() - start))
    assert best > 3000


def test_the_sidecar_of_a_sink_has_the_whole_name() -> None:
    assert sinks.sidecar("x/take.jsonl").name == "take.jsonl.schema.json"


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_a_name_that_is_not_utf8_is_written_with_escapes(format: str, tmp_path: Path) -> None:
    with open_writer(tmp_path / f"rows.{format}") as writer:
        writer.write(Frame(None, 0.0, 0, Faces.none(), "caf\udce9.jpg", "unreadable", "caf\udce9.jpg: empty"))
    table = Table.read(tmp_path / f"rows.{format}")
    assert table["source"][0] == "caf\\udce9.jpg"
    assert table["status"][0] == "unreadable"
