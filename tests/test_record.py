"""Run records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mien.errors import InputError
from mien.record import Run, command_line, data_hash


def test_the_hash_follows_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").write_text("one")
    (tmp_path / "y.txt").write_text("two")
    first = data_hash(tmp_path)
    assert (first.files, first.bytes, first.how) == (2, 6, "contents")
    assert data_hash(tmp_path) == first
    (tmp_path / "y.txt").write_text("twO")
    assert data_hash(tmp_path).sha256 != first.sha256
    (tmp_path / "y.txt").write_text("two")
    (tmp_path / "y.txt").rename(tmp_path / "z.txt")
    assert data_hash(tmp_path).sha256 != first.sha256


def test_large_data_is_told_apart_by_sizes_and_ends(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"a" * 300_000)
    first = data_hash(tmp_path, whole=1000)
    assert first.how == "sizes and ends"
    (tmp_path / "big").write_bytes(b"a" * 299_999 + b"b")
    assert data_hash(tmp_path, whole=1000).sha256 != first.sha256


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is nothing at"):
        data_hash(tmp_path / "no")


def test_the_command_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    words = [
        "/usr/bin/mien",
        "train",
        "lonkar_cnn",
        "--data",
        str(tmp_path),
        f"--out={tmp_path}/x",
        "--set",
        "seed=1",
        "./rel/w.st",
    ]
    assert command_line(words) == "mien train lonkar_cnn --data DATA --out=OUT --set seed=1 w.st"


def test_a_record_holds_what_a_figure_needs(tmp_path: Path) -> None:
    (tmp_path / "d").write_text("x")
    run = Run(
        "name",
        [{"metric": "accuracy", "value": 0.5}],
        {"d": data_hash(tmp_path / "d")},
        "cpu",
        (0, 1),
        3.21,
        "mien eval",
        {"more": 1},
    )
    found = json.loads(run.write(tmp_path / "new" / "r.json").read_text())
    assert set(found) >= {
        "name",
        "date",
        "commit",
        "command",
        "data",
        "device",
        "versions",
        "seeds",
        "seconds",
        "figures",
        "more",
    }
    assert found["seeds"] == [0, 1]
    assert found["data"]["d"]["files"] == 1
