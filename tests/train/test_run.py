"""A training from a data set on disk: what is refused, what goes on where it was, and what a teacher or older weights give."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning_fabric")

import torch

from mien.datasets import fer_mosaics
from mien.datasets.sample import Sample
from mien.errors import InputError
from mien.protocols import protocol
from mien.systems.expression import clup
from mien.train import run
from mien.train.build import facts_of, restore, system
from mien.train.loop import LAST
from mien.train.pictures import chip
from mien.train.run import LOG, RUN, WEIGHTS, Listener, Machine, Order, begin_with, source_of, train

from .runs import SMALL, order, same, tensors, untrained

pytestmark = pytest.mark.torch
CPU = Machine("cpu", threads=1)


class CrashError(Exception):
    """The process ends here."""


@pytest.fixture(scope="module")
def fer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fer")
    fer_mosaics.fake(folder, 0, 1)
    return folder


@pytest.fixture(scope="module")
def whole(fer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a training that was never stopped."""
    return train(order(fer, tmp_path_factory.mktemp("whole") / "run"), CPU)


def epochs(out: Path) -> list[str]:
    with open(out / LOG, newline="") as stream:
        return [row["epoch"] for row in csv.DictReader(stream)]


# The folder of a run ----------------------------------------------------------------------------------------------------
def test_a_training_leaves_weights_log_and_what_it_was(fer: Path, whole: Path) -> None:
    assert epochs(whole.parent) == ["1", "2"]
    facts = facts_of(whole)
    assert (facts["system"], facts["source"], facts["fold"], facts["epochs_done"]) == ("lonkar_cnn", "fer_mosaics", None, 2)
    assert facts["settings"] == {"model": {"widths": [4, 8], "convs": [1, 1]}}
    claimed = json.loads((whole.parent / RUN).read_text())
    assert claimed["recipe"] == facts["recipe"]
    assert claimed["data"]["files"] == 3


def test_another_training_in_the_folder_is_refused_with_what_differs(fer: Path, whole: Path, tmp_path: Path) -> None:
    out, before = whole.parent, whole.read_bytes()
    with pytest.raises(InputError, match=r"recipe\.optim\.rate was 0\.1, is 0\.5; recipe\.seed was 0, is 1.*another --out"):
        train(order(fer, out, "seed=1", "optim.rate=0.5"), CPU)
    with pytest.raises(InputError, match=r"settings\.model\.head was None, is 0\.5"):
        train(order(fer, out, "model.head=0.5"), CPU)
    with pytest.raises(InputError, match=r"init was None, is [0-9a-f]{64}"):
        train(order(fer, out, init=untrained(tmp_path / "w.safetensors")), CPU)
    assert whole.read_bytes() == before


def test_a_finished_training_is_not_trained_again(fer: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(run, "Training")
    before = whole.read_bytes()
    monkeypatch.setattr("sys.argv", ["mien", "another", "command"])
    assert train(order(fer, whole.parent), CPU) == whole
    assert whole.read_bytes() == before


@pytest.mark.parametrize("name", [LAST, WEIGHTS])
def test_a_folder_of_something_else_is_left_alone(fer: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=f"holds a {name} without {RUN}"):
        train(order(fer, tmp_path), CPU)
    assert (tmp_path / name).read_text() == "mine"


# Crashes ----------------------------------------------------------------------------------------------------------------
def crash_at(place: str, number: int) -> Listener:
    """End the process when an epoch was reported, or right after a step."""
    heard: list[object] = []

    def hear(what: object) -> None:
        heard.append(what)
        if len(heard) == number:
            raise CrashError

    stages: list[str] = []

    def tick(done: int) -> None:
        if stages[-1] == "training":
            hear(done)

    return Listener(epoch=hear) if place == "epoch" else Listener(lambda words, _: stages.append(words), tick)


@pytest.mark.parametrize(
    ("place", "number", "left"), [("epoch", 1, [1, 2]), ("epoch", 2, [2]), ("step", 1, [2]), ("step", 2, [])]
)
def test_after_a_crash_it_goes_on_to_the_same_weights_and_logs_each_epoch_once(
    fer: Path, whole: Path, tmp_path: Path, place: str, number: int, left: list[int]
) -> None:
    with pytest.raises(CrashError):
        train(order(fer, tmp_path / "run"), CPU, crash_at(place, number))
    assert not (tmp_path / "run" / WEIGHTS).exists()
    heard: list[float] = []
    path = train(order(fer, tmp_path / "run"), CPU, Listener(epoch=lambda figures: heard.append(figures["epoch"])))
    assert heard == left
    assert same(path, whole)
    assert epochs(tmp_path / "run") == ["1", "2"]


@pytest.mark.parametrize("written", [False, True], ids=["before", "after"])
def test_a_crash_beside_the_writing_of_the_state_loses_no_row(
    fer: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    keep = run.Training.keep

    def crash(training: run.Training) -> None:
        if written:
            keep(training)
        raise CrashError

    with monkeypatch.context() as patch:
        patch.setattr(run.Training, "keep", crash)
        with pytest.raises(CrashError):
            train(order(fer, tmp_path / "run"), CPU)
    assert same(train(order(fer, tmp_path / "run"), CPU), whole)
    assert epochs(tmp_path / "run") == ["1", "2"]


# What is wrong ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "more", "message"),
    [
        (["epoch=3"], {}, "unknown setting 'epoch'.*did you mean epochs"),
        (["protocol=fer2014/7"], {}, "did you mean fer2013/7"),
        (["protocol=lfw/10-fold"], {}, r"no part to train on.*judge with mien eval --protocol"),
        (["protocol=fer2013/6"], {}, r"Lonkar CNN with 7 classes; wanted the 6 of fer2013/6; give --set model\.classes=6"),
        (["image.channels=3", "image.mean=0,0,0", "image.std=1,1,1"], {}, r"pictures of 3 x 16 x 16.*see image\.channels"),
        ([], {"source": "imagenet"}, "unknown data set 'imagenet'|imagenet"),
        ([], {"source": "lfw"}, "fer2013/7 on .*; wanted one of: fer2013, fer_mosaics"),
        ([], {"fold": 2}, "fold 2 of fer2013/7"),
        ([], {"init": Path("none.safetensors")}, "there is no file none"),
        ([], {"teacher": Path("none.safetensors")}, "there is no file none"),
        ([], {"data": Path("/nowhere")}, "no data set of fer2013/7 at .*fer2013: .*fer_mosaics: .*--data"),
    ],
    ids=lambda value: " ".join(map(str, value)) if value and not isinstance(value, str) else "-",
)
def test_a_mistake_is_said_and_leaves_no_run_behind(
    fer: Path, tmp_path: Path, words: list[str], more: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        train(order(**{"data": fer, "out": tmp_path / "run"} | more) if not words else order(fer, tmp_path / "run", *words), CPU)
    assert not (tmp_path / "run").exists()


def test_a_device_that_is_not_there_is_said() -> None:
    with pytest.raises(InputError, match=r"1 x abacus with strategy auto.*see --accelerator"):
        Machine("abacus").fabric("float32")


@pytest.mark.parametrize("name", [None, "fer_mosaics"])
def test_the_data_set_that_lies_there_is_found(fer: Path, name: str | None) -> None:
    assert source_of(protocol("fer2013/7"), fer, name).card.name == "fer_mosaics"


# Older weights ----------------------------------------------------------------------------------------------------------
def test_what_fits_is_taken_and_the_rest_is_left(tmp_path: Path) -> None:
    donor = untrained(tmp_path / "donor.safetensors", "model.classes=3", "seed=9")
    network = system("lonkar_cnn", SMALL).model()
    own = {name: value.clone() for name, value in network.state_dict().items()}
    given = tensors(donor)
    taken, total = begin_with(network, donor)
    assert (taken, total) == (len(own) - 2, len(own))
    for name, value in network.state_dict().items():
        assert torch.equal(value, own[name] if name.startswith("classify") else given[name]), name


def test_nothing_that_fits_is_refused(tmp_path: Path) -> None:
    donor = untrained(tmp_path / "donor.safetensors", "model.widths=5,6,7", "model.convs=2,2,2", "model.classes=3")
    with pytest.raises(InputError, match=r"nothing in donor\.safetensors fits"):
        begin_with(system("lonkar_cnn", ["model.widths=8", "model.convs=1"]).model(), donor)


def test_a_training_begins_with_the_weights_that_it_is_given(fer: Path, tmp_path: Path) -> None:
    donor = untrained(tmp_path / "donor.safetensors", "seed=9")
    still = ("optim.rate=0", "average=0", "epochs=1")
    kept = [
        tensors(train(order(fer, tmp_path / name, *still, init=init), CPU)) for name, init in (("with", donor), ("without", None))
    ]
    kernel = "classify.weight"
    assert torch.equal(kept[0][kernel], tensors(donor)[kernel])
    assert not torch.equal(kept[1][kernel], tensors(donor)[kernel])


# Teachers ---------------------------------------------------------------------------------------------------------------
def from_teacher(fer: Path, out: Path, teacher: Path | None) -> Path:
    return train(run.Order("clup", fer, out, ("image.size=32", "epochs=1", "precision=float32"), teacher=teacher), CPU)


def test_a_system_that_learns_from_a_teacher_asks_for_one(fer: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"CluP without --teacher; wanted weights of a teacher.*train one with mien train"):
        from_teacher(fer, tmp_path / "run", None)
    assert not (tmp_path / "run").exists()


def test_a_system_that_needs_no_teacher_refuses_one(fer: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--teacher for Lonkar CNN; wanted a system that learns from a teacher"):
        train(order(fer, tmp_path / "run", teacher=untrained(tmp_path / "w.safetensors")), CPU)


def test_the_teacher_says_what_the_samples_show(fer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers in its own way: size, normalisation and views of its recipe, not of the system that learns."""
    teacher, said = untrained(tmp_path / "w.safetensors"), {}

    def relabel(found: Sequence[Sample], predict: Callable[..., dict[str, np.ndarray]], rng: object, share: float = 1) -> None:
        said.update(predict(found[:3]), found=found[:3])
        raise CrashError

    monkeypatch.setattr(clup, "relabel", relabel)
    with pytest.raises(CrashError):
        from_teacher(fer, tmp_path / "run", teacher)
    built, network = restore(teacher)
    images = np.stack([chip(sample.read(), built.recipe.image) for sample in said["found"]])
    values = (torch.from_numpy(images).float() / 255 - 0.5) / 0.25
    with torch.no_grad():
        wanted = sum(network(image=x)["logits"].softmax(1) for x in (values, values.flip(3))) / 2
    assert said["probabilities"] == pytest.approx(wanted.numpy(), abs=1e-5)
    assert said["embedding"].shape == (3, 8)


def test_another_teacher_is_another_training(fer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise CrashError

    monkeypatch.setattr(clup, "relabel", lambda found, predict, rng: list(found))
    monkeypatch.setattr(run, "Training", stop)
    first, second = (untrained(tmp_path / f"{seed}.safetensors", f"seed={seed}") for seed in (1, 2))
    with pytest.raises(CrashError):
        from_teacher(fer, tmp_path / "run", first)
    with pytest.raises(InputError, match=r"teacher was [0-9a-f]{64}, is [0-9a-f]{64}"):
        from_teacher(fer, tmp_path / "run", second)


def test_distillation_mixes_what_the_teacher_answers_into_the_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mien.train.run as spine

    data = tmp_path / "data"
    fer_mosaics.fake(data, 0, 2)
    tiny = ["epochs=1", "batch=4", "model.widths=4,8", "model.convs=1,1", "smoothing=0"]
    teacher = train(Order("lonkar_cnn", data, tmp_path / "teacher", tiny))
    seen: list[dict[str, torch.Tensor]] = []
    plain = spine.Training.__init__

    def look(self: object, parts: spine.Parts, *rest: object, **more: object) -> None:
        seen.append(parts.pictures.arrays)
        plain(self, parts, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(spine.Training, "__init__", look)
    train(Order("lonkar_cnn", data, tmp_path / "student", [*tiny, "distil=0.25"], teacher=teacher))
    target, label = seen[0]["target"], seen[0]["label"]
    assert torch.allclose(target.sum(1), torch.ones(len(target)), atol=1e-5)
    own = target[torch.arange(len(target)), label]
    assert (own > 0.75).all()  # three quarters of the label, and a part of what the teacher said
    assert (own < 1).all()
    with pytest.raises(InputError, match="without --teacher"):
        train(Order("lonkar_cnn", data, tmp_path / "other", [*tiny, "distil=0.25"]))
