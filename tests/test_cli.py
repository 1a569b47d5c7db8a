"""The command line as a person uses it: good files, bad files, wrong options, Ctrl-C, pipes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.media.video import read_video, video_info
from mien.media.writer import VideoWriter
from mien.tables import Table


def mien(*words: object, folder: Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-W", "error", "-m", "mien.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, cwd=folder, input=stdin, timeout=120)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    """Two seconds of a camera that pans over the portrait."""
    path = tmp_path_factory.mktemp("clip") / "pan.mp4"
    with VideoWriter(path, (320, 240), 25) as writer:
        for k in range(50):
            matrix = np.float32([[1, 0, -60 - k], [0, 1, 0]])
            writer.write(cv2.warpAffine(astronaut, matrix, (320, 240)), k / 25)
    return path


def test_a_photograph_gives_one_row_with_everything(astronaut_path: Path, tmp_path: Path) -> None:
    done = mien("analyze", astronaut_path, folder=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert b"1 face" in done.stdout
    table = Table.read(tmp_path / "mien-out" / "faces.csv")
    assert len(table) == 1
    assert table["status"][0] == "ok"
    assert table["expression"][0] == "happiness"
    assert table["AU12_intensity"][0] > 2
    numbers = [c.name for c in table.schema if c.type == "float"]
    assert not [n for n in numbers if np.isnan(table[n][0])]


def test_json_is_rows_and_nothing_else(astronaut_path: Path, tmp_path: Path) -> None:
    done = mien("analyze", astronaut_path, "--json", folder=tmp_path)
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert len(rows) == 1
    assert rows[0]["expression"] == "happiness"
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_one_line_and_exit_2(astronaut_path: Path, tmp_path: Path) -> None:
    shutil.copy(astronaut_path, tmp_path / "holiday.jpg")
    done = mien("analyze", "holyday.jpg", "--quiet", folder=tmp_path)
    assert done.returncode == 2
    lines = done.stderr.decode().strip().splitlines()
    assert len(lines) == 1
    assert "holyday.jpg" in lines[0]
    assert "holiday.jpg" in lines[0]  # the nearest name
    assert "Traceback" not in done.stderr.decode()


def test_bad_files_do_not_stop_the_good_ones(astronaut_path: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "words.png").write_text("this is no picture")
    (tmp_path / "cut.jpg").write_bytes(astronaut_path.read_bytes()[:20000])
    done = mien("analyze", "empty.jpg", astronaut_path, "words.png", "cut.jpg", folder=tmp_path)
    assert done.returncode == 0
    table = Table.read(tmp_path / "mien-out" / "faces.csv")
    assert table["status"].tolist() == ["unreadable", "ok", "unreadable", "unreadable"]
    assert all(table["reason"][[0, 2, 3]])
    errors = done.stderr.decode()
    assert all(name in errors for name in ("empty.jpg", "words.png", "cut.jpg"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--every", "0"], "every"),
        (["--start", "5", "--end", "2"], "end"),
        (["--max-faces", "0"], "max_faces"),
        (["--threshold", "1.5"], "threshold"),
        (["--format", "xlsx"], "xlsx"),
        (["--no-such-option"], "no-such-option"),
    ],
)
def test_a_wrong_option_says_what_is_wrong(words: list[str], told: str, astronaut_path: Path, tmp_path: Path) -> None:
    done = mien("analyze", astronaut_path, *words, folder=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_standard_input(astronaut_path: Path, tmp_path: Path) -> None:
    done = mien("analyze", "-", "--json", folder=tmp_path, stdin=astronaut_path.read_bytes())
    assert json.loads(done.stdout)["expression"] == "happiness"


def test_a_video_has_rows_pictures_and_a_report(clip: Path, tmp_path: Path) -> None:
    done = mien("analyze", clip, "--annotate", "--report", "--format", "parquet", folder=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    table = Table.read(tmp_path / "mien-out" / "faces.parquet")
    faces = table.where(table["status"] == "ok")
    assert len(faces) >= 45
    assert set(faces["track"].tolist()) == {0}
    np.testing.assert_allclose(np.diff(table["time"]), 0.04, atol=1e-3)
    # the camera moves one pixel to the right in each frame, so the face goes left
    assert np.median(np.diff(faces["box_x1"])) == pytest.approx(-1, abs=0.2)
    info = video_info(tmp_path / "mien-out" / "annotated" / "pan.mp4")
    assert (info.width, info.height, info.frames) == (320, 240, 50)
    page = (tmp_path / "mien-out" / "report.html").read_text("utf-8")
    assert "pan.mp4" in page
    assert "<script src" not in page


def test_part_of_a_video(clip: Path, tmp_path: Path) -> None:
    mien("analyze", clip, "--start", 0.4, "--end", 1.2, "--every", 5, folder=tmp_path)
    table = Table.read(tmp_path / "mien-out" / "faces.csv")
    assert table["frame"].tolist() == [10, 15, 20, 25]


def test_two_files_of_one_name_do_not_meet(astronaut_path: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shutil.copy(astronaut_path, tmp_path / name / "x.jpg")
    mien("analyze", "a/x.jpg", "b/x.jpg", "--annotate", folder=tmp_path)
    assert len(list((tmp_path / "mien-out" / "annotated").iterdir())) == 2


@pytest.mark.skipif(os.name == "nt", reason="signals differ")
def test_ctrl_c_leaves_whole_files(clip: Path, tmp_path: Path) -> None:
    long = tmp_path / "long.mp4"
    with VideoWriter(long, (320, 240), 25) as writer:
        frames = [f.image for f in read_video(clip, name="clip") if f.image is not None]
        for k in range(1500):
            writer.write(frames[k % len(frames)], k / 25)
    command = [sys.executable, "-m", "mien.cli", "analyze", str(long), "--annotate", "--report"]
    # a test run in the background of a shell inherits an ignored SIGINT
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **heard) as process:
        rows = tmp_path / "mien-out" / "faces.csv"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (rows.exists() and rows.stat().st_size > 20_000):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors.decode()
    assert b"stopped" in out
    table = Table.read(rows)
    assert 10 <= len(table) < 1500
    info = video_info(tmp_path / "mien-out" / "annotated" / "long.mp4")
    assert info.frames is not None
    assert abs(info.frames - len(table)) <= 2
    assert "</html>" in (tmp_path / "mien-out" / "report.html").read_text("utf-8")


def test_doctor_finds_all_well(tmp_path: Path) -> None:
    done = mien("doctor", folder=tmp_path)
    assert done.returncode == 0, done.stdout.decode()
    assert b"all well" in done.stdout
    facts = json.loads(mien("doctor", "--json", folder=tmp_path).stdout)
    assert all(model["verified"] for model in facts["models"].values())


def test_models_lists_every_network_with_its_figures(tmp_path: Path) -> None:
    text = mien("models", folder=tmp_path).stdout.decode()
    for name in ("detector", "mesh", "shapes", "expression"):
        assert f"{name}: " in text
    cards = json.loads(mien("models", "--json", folder=tmp_path).stdout)
    assert all(len(card["figures"]) and len(card["limits"]) for card in cards)


def test_a_reader_that_goes_away_is_no_error(clip: Path, tmp_path: Path) -> None:
    line = f"{sys.executable} -m mien.cli analyze {clip} --json | head -1"
    done = subprocess.run(line, shell=True, capture_output=True, cwd=tmp_path, timeout=120)
    assert done.stdout.count(b"\n") == 1
    assert b"Traceback" not in done.stderr


def test_an_out_folder_that_is_a_file(astronaut_path: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    done = mien("analyze", astronaut_path, "--out", "taken", folder=tmp_path)
    assert done.returncode == 2
    assert "taken" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_a_second_run_keeps_the_results_of_the_first(astronaut_path: Path, tmp_path: Path) -> None:
    assert mien("analyze", astronaut_path, "--out", "o", "--annotate", "--report", folder=tmp_path).returncode == 0
    rows = (tmp_path / "o/faces.csv").read_text()
    done = mien("analyze", "misspelt.jpg", "--out", "o", "--format", "jsonl", folder=tmp_path)
    assert done.returncode == 2
    assert b"o/before-1" in done.stdout
    assert (tmp_path / "o/before-1/faces.csv").read_text() == rows
    assert (tmp_path / "o/before-1/report.html").exists()
    assert (tmp_path / "o/before-1/annotated/astronaut.jpg").exists()
    # nothing of the first run stands beside the second's
    assert sorted(p.name for p in (tmp_path / "o").iterdir()) == ["before-1", "faces.jsonl", "faces.jsonl.schema.json"]


def test_a_folder_is_read_without_what_was_drawn_into_it(astronaut_path: Path, tmp_path: Path) -> None:
    shutil.copy(astronaut_path, tmp_path / "me.jpg")
    for _ in range(3):
        done = mien("analyze", ".", "--annotate", folder=tmp_path)
        assert b"1 source read" in done.stdout
    # asked for by name it is read
    assert b"1 source read" in mien("analyze", "mien-out/before-1/annotated", "--out", "o", folder=tmp_path).stdout


def test_a_run_that_is_told_to_end_leaves_valid_files(clip: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mien.cli", "analyze", *[str(clip)] * 200, "--format", "parquet", "--annotate"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not list((tmp_path / "mien-out").glob("annotated/*.mp4")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130
    assert len(Table.read(tmp_path / "mien-out/faces.parquet")) > 0
    assert not list((tmp_path / "mien-out/annotated").glob(".*"))


@pytest.mark.parametrize("words", [["--start", "nan"], ["--end", "inf"], ["--threads", "0"]])
def test_numbers_that_make_no_sense_are_refused(words: list[str], astronaut_path: Path, tmp_path: Path) -> None:
    done = mien("analyze", astronaut_path, *words, folder=tmp_path)
    assert done.returncode == 2
    assert words[0].strip("-").encode() in done.stderr
    assert b"wanted" in done.stderr
