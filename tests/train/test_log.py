"""The figures of the epochs on disk."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("lightning_fabric")

from mien.train.log import Log

pytestmark = pytest.mark.torch


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # as if it were not installed
    return Log(tmp_path / "log.csv")


def test_a_row_for_each_epoch(log: Log) -> None:
    log.add({"epoch": 1.0, "train loss": 0.123456789})
    log.add({"epoch": 2.0, "train loss": 1e-9})
    assert log.path.read_text().splitlines() == ["epoch,train loss", "1,0.123457", "2,1e-09"]


def test_a_figure_that_comes_later_gets_a_column(log: Log) -> None:
    log.add({"epoch": 1.0})
    log.add({"epoch": 2.0, "UAR": 0.5})
    assert log.rows() == [{"epoch": "1", "UAR": ""}, {"epoch": "2", "UAR": "0.5"}]


def test_cut_forgets_what_comes_after(log: Log) -> None:
    for epoch in range(1, 5):
        log.add({"epoch": float(epoch)})
    log.cut(2)
    assert [row["epoch"] for row in log.rows()] == ["1", "2"]
    log.cut(0)
    assert log.rows() == []
    log.add({"epoch": 1.0})
    assert [row["epoch"] for row in log.rows()] == ["1"]


def test_cut_before_the_first_row_makes_no_file(log: Log) -> None:
    log.cut(0)
    assert not log.path.exists()


def test_tensorboard_gets_the_figures(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    Log(tmp_path / "log.csv").add({"epoch": 1.0, "train loss": 0.5})
    events = next((tmp_path / "tensorboard").iterdir())
    assert b"train/loss" in events.read_bytes()
