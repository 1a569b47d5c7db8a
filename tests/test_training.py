"""The commands train and eval as a person gives them: good and wrong words, records, Ctrl-C, and a process that is killed."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("lightning_fabric")

from mien import extras
from mien.datasets import fer_mosaics

from .train.runs import SMALL, Done, flags, mien, same, untrained

pytestmark = pytest.mark.torch
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def fer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fer")
    fer_mosaics.fake(folder, 0, 1)
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("weights")
    return [untrained(folder / f"{seed}.safetensors", f"seed={seed}") for seed in (0, 1)]


def line(fer: Path, out: Path, *words: str) -> list[str]:
    return ["train", "lonkar_cnn", "--data", str(fer), "--out", str(out), "--threads", "1", *flags(*SMALL, *words)]


def judge(fer: Path, *words: object, name: str = "lonkar_cnn") -> Done:
    return mien("eval", name, "--data", fer, "--threads", 1, *words)


# train ------------------------------------------------------------------------------------------------------------------
def test_a_training_says_each_epoch_and_what_comes_next(fer: Path, tmp_path: Path) -> None:
    done = mien(*line(fer, tmp_path / "run"))
    path = tmp_path / "run" / "weights.safetensors"
    assert done.code == 0
    assert re.findall(r"^epoch (\d): train loss \d\.\d{4}, accuracy", done.err, re.MULTILINE) == ["1", "2"]
    assert done.out.splitlines() == [
        f"weights: {path}",
        f"judge them with: mien eval lonkar_cnn --data DATA --weights {path}",
    ]
    assert path.is_file()


def test_quiet_says_no_progress(fer: Path, tmp_path: Path) -> None:
    done = mien(*line(fer, tmp_path / "run", "epochs=1"), "--quiet")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("weights: ")


def test_a_run_goes_below_runs_where_nothing_else_is_said(fer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = mien("train", "Lonkar CNN", "--data", fer, "--quiet", *flags(*SMALL, "epochs=1"))
    assert done.out.startswith("weights: runs/lonkar_cnn/weights.safetensors\n")


def test_a_missing_extra_gives_the_line_that_installs_it(fer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(extras.importlib, "import_module", absent)
    for words in (["train", "lonkar_cnn", "--data", fer], ["eval", "lonkar_cnn", "--data", fer, "--weights", "w.safetensors"]):
        done = mien(*words)
        assert done.code == 2
        assert "needs the package 'torch'; install it with: pip install 'mien[train]'" in done.err


# What is wrong ----------------------------------------------------------------------------------------------------------
def refused(done: Done, *parts: str) -> None:
    """One line that says what was got and wanted, and nothing that looks like a crash."""
    assert done.code == 2, done
    assert done.out == ""
    assert done.err.startswith("mien: ")
    assert len(done.err.splitlines()) == 1
    for part in parts:
        assert part in done.err


def test_wrong_words_for_train_are_one_line(fer: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    refused(mien(*line(tmp_path, out)), "no data set of fer2013/7", "wanted one of these", "--data")
    refused(mien(*line(fer, out), "--source", "imagenet"), "imagenet", "wanted one of")
    refused(mien(*line(fer, out, "optim.rat=1")), "unknown setting 'optim.rat'", "did you mean optim.rate")
    refused(mien(*line(fer, out, "protocol=lfw/10-fold")), "no part to train on", "wanted a protocol with one")
    refused(mien(*line(fer, out), "--accelerator", "abacus"), "abacus", "wanted a device of this machine")
    refused(mien("train", "loncar", "--data", fer), "unknown system 'loncar'", "did you mean lonkar_cnn")
    refused(mien("train", "humanlike_xai", "--data", fer), "without recipe()", "see: mien card humanlike_xai")
    assert not out.exists()


def test_wrong_weights_for_eval_are_one_line(fer: Path, weights: list[Path], tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(weights[0].read_bytes()[:-9])
    (tmp_path / "text.safetensors").write_text("these are weights")
    refused(judge(fer, "--weights", weights[0], name="adaface"), "holds weights of lonkar_cnn", "wanted weights of adaface")
    refused(judge(fer, "--weights", tmp_path / "cut.safetensors"), "cut.safetensors", "wanted weights written by mien train")
    refused(judge(fer, "--weights", tmp_path / "text.safetensors"), "text.safetensors", "wanted weights written by mien train")
    refused(judge(fer, "--weights", tmp_path / "none"), "there is no file", "train first")
    refused(judge(tmp_path, "--weights", weights[0]), "no data set of fer2013/7")
    refused(judge(fer, "--weights", weights[0], "--set", "epochs=3"), "--set beside --weights", "hold the settings")
    refused(judge(fer), "Lonkar CNN without --weights", "train them: mien train lonkar_cnn")


# eval -------------------------------------------------------------------------------------------------------------------
def test_json_is_rows_and_nothing_else(fer: Path, weights: list[Path]) -> None:
    done = judge(fer, "--weights", weights[0], "--part", "tune", "--json")
    rows = json.loads(done.out)
    assert done.err == ""
    assert [(row["protocol"].endswith("clean"), row["metric"], row["n"]) for row in rows if row["metric"] == "UAR"] == [
        (False, "UAR", 7),
        (True, "UAR", 6),
    ]
    assert set(rows[0]) == {"protocol", "metric", "value", "n", "low", "high", "constant"}


def test_several_seeds_are_shown_with_their_spread(fer: Path, weights: list[Path]) -> None:
    words = ("--weights", weights[0], "--weights", weights[1], "--part", "tune")
    table = judge(fer, *words).out.splitlines()
    assert table[0].startswith("fer2013/7, tune part of ")
    assert table[1].split("  ")[1] == "metric"
    row = next(row for row in json.loads(judge(fer, *words, "--json").out) if row["metric"] == "ECE(bins=15)")
    shown = next(text for text in table if "ECE(bins=15)" in text)
    assert f"{row['value']:.4f} ± {row['std']:.4f}" in shown
    assert len(row["values"]) == 2


def test_a_record_names_no_place_of_this_machine(fer: Path, weights: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "new" / "run.json"
    words = ("--weights", weights[1], "--weights", weights[0], "--part", "tune", "--record", path)
    rows = json.loads(judge(fer, *words, "--json").out)
    text = path.read_text()
    for place in {str(fer), str(tmp_path), str(weights[0].parent), str(Path.home()), str(ROOT), "/usr/local"}:
        assert place not in text
    record = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert record["command"] == (
        "mien eval lonkar_cnn --data DATA --threads 1 --weights WEIGHTS --weights WEIGHTS --part tune --record RECORD --json"
    )
    assert record["figures"] == rows
    assert (record["name"], record["seeds"], list(record["data"])) == ("lonkar_cnn", [0, 1], ["fer_mosaics"])
    assert [facts["recipe"]["seed"] for facts in record["trained"]] == [1, 0]
    assert all(re.fullmatch("[0-9a-f]{64}", facts["sha256"]) for facts in record["trained"])
    assert len(record["by_seed"]) == 2
    assert "1 threads" in record["device"]


# Stopped and killed -----------------------------------------------------------------------------------------------------
def started(words: list[str]) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "mien.cli", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def after_epoch(process: subprocess.Popen[str], number: int) -> None:
    """Wait until the command has told of an epoch."""
    assert process.stderr is not None
    for text in process.stderr:
        if text.startswith(f"epoch {number}:"):
            return
    pytest.fail(f"it ended before epoch {number}")


def test_stopped_and_killed_it_gives_the_weights_of_a_training_that_never_was(fer: Path, tmp_path: Path) -> None:
    words = line(fer, tmp_path / "cut", "epochs=40", "batch=2")
    process = started(words)
    after_epoch(process, 2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.splitlines()[-1] == f"stopped; the same command goes on from {tmp_path / 'cut'}"
    assert "Traceback" not in err
    assert not (tmp_path / "cut" / "weights.safetensors").exists()

    process = started(words)
    after_epoch(process, random.randint(6, 10))
    time.sleep(random.random() * 0.05)  # anywhere within a step, or while the state is written
    process.kill()
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL

    for name in ("cut", "whole"):
        assert mien(*line(fer, tmp_path / name, "epochs=40", "batch=2"), "--quiet").code == 0
    assert same(tmp_path / "cut" / "weights.safetensors", tmp_path / "whole" / "weights.safetensors")
    with open(tmp_path / "cut" / "log.csv", newline="") as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == [str(k) for k in range(1, 41)]
