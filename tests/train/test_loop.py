"""The training loop: it learns, it ends where it should, and stopping it changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("lightning_fabric")

import torch

from mien.errors import InputError
from mien.tasks.recipe import Augment, Optim, Schedule
from mien.train.loop import Training

from .small import training

pytestmark = pytest.mark.torch


def finished(out: Path, **changes: object) -> dict[str, torch.Tensor]:
    run = training(out, **changes)
    run.run()
    return run.result()


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def stop_after(run: Training, steps: int) -> None:
    """End a run by force after a step, as a crash would: nothing is kept at that moment."""

    def tick(step: int, total: int) -> None:
        if step == steps:
            raise RuntimeError("crash")

    with pytest.raises(RuntimeError, match="crash"):
        run.run(tick=tick)


def test_it_learns(tmp_path: Path) -> None:
    figures: list[dict[str, float]] = []
    training(tmp_path, epochs=12, schedule=Schedule("constant", warm=0)).run(figures.append)
    assert [f["epoch"] for f in figures] == list(range(1, 13))
    assert figures[-1]["train loss"] < 0.5 * figures[0]["train loss"]
    assert figures[-1]["accuracy"] > 0.9


@pytest.mark.parametrize("steps", [3, 6, 8, 17])
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_crash_changes_no_bit(tmp_path: Path, steps: int, precision: str) -> None:
    whole = finished(tmp_path / "whole", precision=precision)
    # minutes=0 keeps the state after every step, so that a crash within an epoch goes on within it
    first = training(tmp_path / "cut", minutes=0.0, precision=precision)
    stop_after(first, steps)
    second = training(tmp_path / "cut", minutes=0.0, precision=precision)
    assert second.resume()
    assert second.progress.step == steps
    second.run()
    assert same(whole, second.result())


def test_a_crash_goes_back_to_the_last_epoch_when_that_was_kept(tmp_path: Path) -> None:
    whole = finished(tmp_path / "whole")
    stop_after(training(tmp_path / "cut"), 8)
    second = training(tmp_path / "cut")
    assert second.resume()
    assert second.progress.step == 6
    second.run()
    assert same(whole, second.result())


@pytest.mark.parametrize(
    "changes",
    [
        {"optim": Optim("adamw", rate=0.01)},
        {"optim": Optim("sam", rate=0.05)},
        {"optim": Optim("rmsprop", rate=0.001)},
        {"optim": Optim("adam", rate=0.001, clip=0.1)},
        {"accumulate": 2, "schedule": Schedule("step", every=1)},
        {"augment": Augment(mixup=0.2), "schedule": Schedule("plateau", patience=0)},
        {"average": 0.0, "keep": "best"},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_each_kind_of_recipe_goes_on_exactly(tmp_path: Path, changes: dict[str, object]) -> None:
    whole = finished(tmp_path / "whole", **changes)
    stop_after(training(tmp_path / "cut", minutes=0.0, **changes), 4)
    second = training(tmp_path / "cut", minutes=0.0, **changes)
    assert second.resume()
    second.run()
    assert same(whole, second.result())


def test_the_seed_decides(tmp_path: Path) -> None:
    assert same(finished(tmp_path / "a"), finished(tmp_path / "b"))
    assert not same(finished(tmp_path / "c"), finished(tmp_path / "d", seed=1))


def test_patience_ends_a_training_and_best_weights_are_kept(tmp_path: Path) -> None:
    figures: list[dict[str, float]] = []
    # without any rate nothing gets better after the first epoch
    still = {"optim": Optim("sgd", rate=0.0), "average": 0.0, "patience": 2, "keep": "best", "epochs": 9}
    run = training(tmp_path / "a", **still)
    run.run(figures.append)
    assert len(figures) == 3
    assert run.best is not None
    assert not training(tmp_path / "b", epochs=2).best


def test_sam_with_accumulation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="SAM"):
        training(tmp_path, optim=Optim("sam"), accumulate=2)


def test_a_loss_that_is_no_number_ends_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lower optim\.rate"):
        training(tmp_path, optim=Optim("sgd", rate=1e30), epochs=9).run()


def test_another_number_of_threads_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stop_after(training(tmp_path, minutes=0.0), 4)
    second = training(tmp_path)
    torch.set_num_threads(2)
    try:
        assert second.resume()
    finally:
        torch.set_num_threads(1)
    assert "begun with 1 threads, goes on with 2" in caplog.text


SCRIPT = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from tests.train.small import training
run = training(Path({out!r}), minutes=0.0, epochs=6)
run.resume()
run.run(tick=lambda step, total: (print(step, flush=True), time.sleep(0.02)))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_goes_on_exactly(tmp_path: Path, number: int) -> None:
    whole = finished(tmp_path / "whole", epochs=6)
    root = Path(__file__).resolve().parent.parent.parent
    command = [sys.executable, "-c", SCRIPT.format(tests=str(root), out=str(tmp_path / "cut"))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=root)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 9:
            break
    time.sleep(0.013)  # anywhere within a step
    os.kill(process.pid, number)
    process.communicate(timeout=60)
    assert process.returncode != 0
    second = training(tmp_path / "cut", epochs=6)
    assert second.resume()
    assert second.progress.step >= 9
    second.run()
    assert same(whole, second.result())
