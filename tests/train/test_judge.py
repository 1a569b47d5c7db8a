"""From weights to figures: views, seeds, folds and pairs."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning_fabric")

import torch

from mien.datasets import fer_mosaics, lfw
from mien.datasets.sample import Folder, Pair, Sample
from mien.errors import InputError
from mien.metrics.table import Row, Table
from mien.protocols import protocol, samples
from mien.train import judge
from mien.train.build import restore
from mien.train.judge import Answered, Judged, Question, evaluate, folded, summary
from mien.train.pictures import chip
from mien.train.run import Machine

from .runs import untrained

pytestmark = pytest.mark.torch
CPU = Machine("cpu")
NAN = float("nan")


@pytest.fixture(scope="module")
def fer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fer")
    fer_mosaics.fake(folder, 0, 1)
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained(tmp_path_factory.mktemp("weights") / "w.safetensors", "seed=5")


# Parts and views --------------------------------------------------------------------------------------------------------
def test_a_further_view_stands_beside_all_rows(fer: Path, weights: Path) -> None:
    found = evaluate(weights, Question(fer, "tune"), "lonkar_cnn", CPU)
    assert (found.source, found.seed, found.fold) == ("fer_mosaics", 5, None)
    everything, clean = found.tables()
    assert everything.protocol == f"fer2013/7, tune part of {Folder('fer_mosaics', fer).card.short}"
    assert clean.protocol == f"{everything.protocol}, clean"
    # the fake has seven faces there, one of which stands in the training part too
    assert (everything["accuracy"].n, clean["accuracy"].n) == (7, 6)


def test_the_answers_are_the_networks_over_the_views_of_the_recipe(fer: Path, weights: Path) -> None:
    found = evaluate(weights, Question(fer, "tune"), None, CPU).views[""]
    built, network = restore(weights)
    assert built.recipe.views == ("plain", "flip")
    shown = samples(built.protocol, Folder("fer_mosaics", fer), "tune")
    images = torch.from_numpy(np.stack([chip(sample.read(), built.recipe.image) for sample in shown])).float()
    with torch.no_grad():
        wanted = sum(network(image=(x / 255 - 0.5) / 0.25)["logits"].softmax(1) for x in (images, images.flip(3))) / 2
    assert found.answers["probabilities"] == pytest.approx(wanted.numpy(), abs=1e-5)
    assert found.truth.tolist() == [sample.truth.expression.index for sample in shown]
    assert len(found.train) == 7


def test_the_test_part_is_judged_where_nothing_else_is_said(fer: Path, weights: Path) -> None:
    assert "test part" in evaluate(weights, Question(fer), None, CPU).title


def test_what_does_not_fit_is_refused(fer: Path, weights: Path) -> None:
    with pytest.raises(InputError, match="lfw/10-fold asks for the task embed; wanted a protocol of the task classify"):
        evaluate(weights, Question(fer, protocol="lfw/10-fold"), None, CPU)
    with pytest.raises(InputError, match="holds weights of lonkar_cnn"):
        evaluate(weights, Question(fer), "adaface", CPU)
    with pytest.raises(InputError, match="unknown part of fer2013/7 'val'"):
        evaluate(weights, Question(fer, "val"), None, CPU)


# Seeds ------------------------------------------------------------------------------------------------------------------
def tables(value: float, low: float, other: float = NAN) -> list[Table]:
    return [Table("t", (Row("accuracy", value, 10, 0.1, low, low + 0.2), Row("TAR", other, 10, NAN)))]


def test_one_seed_is_its_table() -> None:
    assert summary([tables(0.5, 0.4)]) == tables(0.5, 0.4)[0].records()


def test_several_seeds_give_mean_and_spread() -> None:
    row = summary([tables(0.5, 0.4), tables(0.7, 0.6), tables(0.9, 0.5)])[0]
    assert row["value"] == pytest.approx(0.7)
    assert row["std"] == pytest.approx(0.2)  # n - 1
    assert row["values"] == [0.5, 0.7, 0.9]
    assert (row["low"], row["high"]) == (pytest.approx(0.5), pytest.approx(0.7))
    assert (row["metric"], row["n"], row["constant"]) == ("accuracy", 10, 0.1)


def test_a_figure_that_could_not_be_told_is_an_empty_cell() -> None:
    row = summary([tables(0.5, 0.4), tables(0.5, 0.4, 0.3)])[1]
    assert (row["value"], row["std"], row["low"], row["values"]) == (None, None, None, [None, 0.3])
    json.dumps(row, allow_nan=False)


# Folds ------------------------------------------------------------------------------------------------------------------
def fold(name: str, number: int, right: int, wrong: int, seed: int = 0, view: str = "") -> Judged:
    """A fold whose network names class 0 everywhere: ``right`` rows show it, ``wrong`` rows show class 1."""
    entry = protocol(name)
    truth = np.array([0.0] * right + [1.0] * wrong)
    answers = np.eye(len(entry.classes) or 7, dtype=np.float32)[np.zeros(len(truth), int)]
    groups = np.array([f"person {number}"] * len(truth)) if entry.groups else None
    found = {key: Answered(truth, {"probabilities": answers}, np.array([0.0, 0, 1]), groups) for key in {"", view}}
    return Judged(entry, "somewhere", f"{name}, test part", seed, number, found)


def test_the_mean_over_folds_weighs_each_fold_alike() -> None:
    ((table,),) = folded([fold("dfew/5-fold", 2, 1, 9), fold("dfew/5-fold", 1, 3, 1)])
    assert table["WAR"].value == pytest.approx((0.1 + 0.75) / 2)
    assert table["WAR"].n == 14
    assert table.protocol == "dfew/5-fold, test part, folds 1, 2"


def test_pooled_folds_are_judged_at_once() -> None:
    ((table,),) = folded([fold("casme2/loso", 1, 3, 1), fold("casme2/loso", 2, 1, 9)])
    assert table["accuracy"].value == pytest.approx(4 / 14)
    assert table["accuracy"].n == 14


def test_every_view_and_seed_is_joined_apart() -> None:
    several = [fold("dfew/5-fold", k, k + seed, 1, seed, "clean") for seed in (0, 1) for k in (1, 2)]
    seeds = folded(several)
    assert [[table.protocol.endswith("clean") for table in found] for found in map(sorted_by_name, seeds)] == [[False, True]] * 2
    assert seeds[1][0]["WAR"].value == pytest.approx((2 / 3 + 3 / 4) / 2)


def sorted_by_name(found: list[Table]) -> list[Table]:
    return sorted(found, key=lambda table: table.protocol)


@pytest.mark.parametrize("second", [[(1, 1)], [(1, 1), (2, 1), (2, 1)]], ids=["missing", "twice"])
def test_a_seed_needs_each_fold_once(second: list[tuple[int, int]]) -> None:
    judged = [fold("dfew/5-fold", k, 1, 1) for k in (1, 2)] + [fold("dfew/5-fold", k, 1, 1, seed) for k, seed in second]
    with pytest.raises(InputError, match=r"seed 1 with folds .*; wanted the folds \[1, 2\], each once; train the others"):
        folded(judged)


def test_figures_of_several_protocols_are_not_joined() -> None:
    with pytest.raises(InputError, match="wanted weights of one protocol"):
        folded([fold("dfew/5-fold", 1, 1, 1), fold("mafw/5-fold", 1, 1, 1)])


# Pairs ------------------------------------------------------------------------------------------------------------------
def test_pairs_of_pictures_are_compared_by_the_cosine(tmp_path: Path) -> None:
    lfw.fake(tmp_path)
    listed = tmp_path / "pairs.txt"
    listed.write_text(listed.read_text().replace("Some_Body_a\t1\t2", "Some_Body_a\t1\t1"))
    words = ("precision=float32", "model.depth=18", "model.size=16")
    path = untrained(tmp_path / "w.safetensors", *words, name="adaface", small=False)
    found = evaluate(path, Question(tmp_path, protocol="lfw/10-fold"), "adaface", CPU).views[""]
    assert found.truth.tolist() == [1, 0, 1, 0]
    assert found.groups.tolist() == [0, 0, 1, 1]
    assert found.answers["similarity"][0] == pytest.approx(1, abs=1e-5)
    built, network = restore(path)
    known = {sample.id: sample for sample in samples(protocol("lfw/10-fold"), Folder("lfw", tmp_path), "test")}
    images = np.stack([chip(known[f"Some_Body_{name}"].read(), built.recipe.image) for name in ("a_0002", "b_0001")])
    with torch.no_grad():
        a, b = network(image=torch.from_numpy(images).float() / 127.5 - 1)["embedding"].numpy()
    assert found.answers["similarity"][1] == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-4)


def test_a_template_is_the_mean_of_its_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"p": [2.0, 0.0], "q": [0.0, 2.0], "r": [5.0, 0.0], "s": [9.0, 9.0]}
    several = [Sample(name, session=session) for name, session in zip("pqrs", ("t1", "t1", "t2", "t3"))]
    monkeypatch.setattr(judge, "pairs", lambda *_: [Pair("t1", "t2", True), Pair("t2", "t2", True)])
    monkeypatch.setattr(judge, "samples", lambda *_: several)
    asked: list[str] = []

    def ask(found: list[Sample]) -> np.ndarray:
        asked.extend(sample.id for sample in found)
        return np.array([known[sample.id] for sample in found], np.float32)

    found = judge._compared(protocol("ijb-b/1:1"), Folder("ijb_b", "."), "test", ask)
    assert found.answers["similarity"] == pytest.approx([math.sqrt(0.5), 1])
    assert asked == ["p", "q", "r"]  # what no pair names is not looked at
    monkeypatch.setattr(judge, "samples", lambda *_: several[:2])
    with pytest.raises(InputError, match="1 pictures of pairs are not there, t2 the first"):
        judge._compared(protocol("ijb-b/1:1"), Folder("ijb_b", "."), "test", ask)
