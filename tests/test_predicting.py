"""The commands that use trained systems: predict on pictures, export to ONNX and into the card."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning_fabric")
pytest.importorskip("onnx")

import torch

from mien import extras, predicting
from mien.cards import card
from mien.errors import InputError, ModelError
from mien.files import PACKAGE, sha256
from mien.geometry import boxes
from mien.labels import FER_7
from mien.predicting import enter_weights, rows, runner_of
from mien.runtime.onnx import OnnxRunner
from mien.runtime.torch import TorchRunner
from mien.train.build import save, system
from mien.train.export import agree, export
from mien.types import Faces, Frame, Scores

from .train.runs import mien, untrained

pytestmark = pytest.mark.torch
ROW = {"file": "lonkar.onnx", "sha256": "ab" * 32, "licence": "Apache-2.0", "by": "ours"}
CARDS = sorted((PACKAGE / "systems").glob("*/*.toml"))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained weights of the card's own network, but with opinions that are far apart."""
    built = system("lonkar_cnn")
    network = built.model()
    network.classify.weight.data *= 300
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save(path, network.state_dict(), built, {})
    return path


@pytest.fixture(scope="module")
def onnx_file(weights: Path) -> Path:
    return export(weights, weights.parent / "w.onnx").onnx


# predict ----------------------------------------------------------------------------------------------------------------
def predict(source: object, path: Path, *words: object) -> list[dict[str, object]]:
    done = mien("predict", source, "--system", "lonkar_cnn", "--weights", path, *words)
    assert done.code == 0, done
    return [json.loads(text) for text in done.out.splitlines()]


def test_both_kinds_of_weights_say_the_same_of_a_portrait(
    astronaut_path: Path, weights: Path, onnx_file: Path, tmp_path: Path
) -> None:
    (exported,) = predict(astronaut_path, onnx_file)
    out = tmp_path / "new" / "rows.jsonl"
    assert predict(astronaut_path, weights, "--out", out) == []
    (trained,) = (json.loads(text) for text in out.read_text().splitlines())
    assert {"system", "source", "frame", "time", "face", "status", "box", "top", "scores"} <= set(trained)
    assert (trained["system"], trained["face"], trained["status"]) == ("lonkar_cnn", 0, "ok")
    assert trained["source"].endswith("astronaut.jpg")
    # by eye: the face spans x 172 to 272 and y 60 to 200
    assert boxes.iou(np.array([trained["box"]]), np.array([[172, 60, 272, 200]]))[0, 0] > 0.6
    scores = [np.array(list(row["scores"].values())) for row in (exported, trained)]
    assert list(trained["scores"]) == list(FER_7.names)
    assert np.ptp(scores[1]) > 0.1
    assert scores[0] == pytest.approx(scores[1], abs=0.01)
    assert exported["top"] == trained["top"] == FER_7.names[int(scores[1].argmax())]


def test_nothing_that_could_be_read_is_exit_2(onnx_file: Path, tmp_path: Path) -> None:
    done = mien("predict", tmp_path / "none.jpg", "--system", "lonkar_cnn", "--weights", onnx_file)
    assert done.code == 2
    row = json.loads(done.out)
    assert row["status"] == "unreadable"
    assert row["reason"]


def frame(**more: object) -> Frame:
    corners = np.array([[1.26, 2, 3, 4], [5, 6, 7, 8]], np.float32)
    return Frame(None, 1.23456, 7, Faces(corners, np.ones(2, np.float32), **more))


def test_a_row_for_each_face_with_its_scores() -> None:
    values = np.eye(7, dtype=np.float32)[[3, 0]] * 0.94 + 0.06 / 7
    found = list(rows(card("lonkar_cnn"), "a.mp4", frame(expression=Scores(values, FER_7), track=np.array([4, -1]))))
    assert [(row["face"], row["top"], row["track"]) for row in found] == [(0, "happiness", 4), (1, "anger", -1)]
    assert (found[0]["source"], found[0]["frame"], found[0]["time"]) == ("a.mp4", 7, 1.2346)
    assert found[0]["box"] == [1.3, 2.0, 3.0, 4.0]
    assert found[0]["scores"]["happiness"] == 0.9486


def test_an_embedding_is_given_where_the_system_has_no_classes() -> None:
    # the pipeline reads the expression too, which is not what this system says
    scores = Scores(np.full((2, 7), 1 / 7, np.float32), FER_7)
    found = list(rows(card("adaface"), "a.jpg", frame(expression=scores, embedding=np.array([[0.1234567, 2], [3, 4]]))))
    assert [row["embedding"] for row in found] == [[0.12346, 2.0], [3.0, 4.0]]
    assert "scores" not in found[0]


def test_a_frame_without_faces_says_why() -> None:
    empty = replace(frame(), faces=Faces.none(), status="no_face", reason="no face was found")
    (row,) = rows(card("lonkar_cnn"), "a.jpg", empty)
    assert (row["status"], row["reason"]) == ("no_face", "no face was found")


# Weights ----------------------------------------------------------------------------------------------------------------
def test_each_kind_of_file_has_its_runner(weights: Path, onnx_file: Path) -> None:
    entry = card("lonkar_cnn")
    onnx, torched = runner_of(entry, onnx_file), runner_of(entry, weights)
    assert isinstance(onnx, OnnxRunner)
    assert isinstance(torched, TorchRunner)
    noise = {"image": np.random.default_rng(0).normal(size=(3, 1, 48, 48)).astype(np.float32)}
    first, second = onnx.run(noise), torched.run(noise)
    for name in ("logits", "embedding"):
        assert np.abs(first[name] - second[name]).max() < 0.01 * np.abs(second[name]).max()
    assert not torched.model.training


def test_weights_that_do_not_fit_are_refused(weights: Path, onnx_file: Path, tmp_path: Path) -> None:
    entry = card("lonkar_cnn")
    with pytest.raises(InputError, match=r"there is no file .*; train them: mien train lonkar_cnn"):
        runner_of(entry, tmp_path / "none.onnx")
    (tmp_path / "w.txt").write_text("weights")
    with pytest.raises(InputError, match=r"weights w\.txt; wanted a file \.onnx or \.safetensors"):
        runner_of(entry, tmp_path / "w.txt")
    (tmp_path / "damaged.onnx").write_bytes(onnx_file.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"damaged\.onnx: onnxruntime cannot load it"):
        runner_of(entry, tmp_path / "damaged.onnx")
    for path in (weights, onnx_file):
        with pytest.raises(InputError, match=r"holds (weights of )?lonkar_cnn; wanted weights of gimefive"):
            runner_of(card("gimefive"), path)
    with pytest.raises(InputError, match="holds a network that mien did not export"):
        runner_of(entry, PACKAGE / "models" / "detector.onnx")


@pytest.mark.parametrize("word", ["model.widths=4,8", "image.size=16", "image.mean=0.4"])
def test_weights_of_other_settings_than_the_cards_are_refused(tmp_path: Path, word: str) -> None:
    """The card says how a face becomes the input; with other settings the answer would be wrong, and nobody would see it."""
    words = {"model.widths=4,8": ["model.convs=1,1"]}.get(word, ["model.widths=4,8", "model.convs=1,1"])
    path = untrained(tmp_path / "w.safetensors", word, *words, small=False)
    for one in (path, export(path, tmp_path / "w.onnx").onnx):
        with pytest.raises(InputError, match="other settings than the card's"):
            runner_of(card("lonkar_cnn"), one)


# export -----------------------------------------------------------------------------------------------------------------
def test_export_writes_a_file_and_what_it_must_give(weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "net.onnx"
    done = mien("export", "lonkar_cnn", "--weights", weights, "--out", path)
    assert done.code == 0, done
    assert done.out.splitlines()[0].startswith(f"{path} (")
    assert sha256(path) in done.out
    assert agree(path, path.with_suffix(".golden.npz")) == 0


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose cards may be written."""
    copied = tmp_path / "mien" / "systems" / "expression"
    copied.mkdir(parents=True)
    shutil.copy(PACKAGE / "systems" / "expression" / "lonkar_cnn.toml", copied)
    monkeypatch.setattr(predicting, "PACKAGE", tmp_path / "mien")
    return copied / "lonkar_cnn.toml"


def test_export_enters_the_file_into_the_card(tmp_path: Path, checkout: Path, weights: Path) -> None:
    words = ("export", "lonkar_cnn", "--weights", weights, "--out", tmp_path / "net.onnx", "--card")
    before = checkout.read_text()
    refused = mien(*words)
    assert refused.code == 2
    assert "without the licence" in refused.err
    assert not (tmp_path / "net.onnx").exists()
    assert checkout.read_text() == before
    assert mien(*words, "--licence", "Apache-2.0").code == 0
    wanted = {"file": "net.onnx", "sha256": sha256(tmp_path / "net.onnx"), "licence": "Apache-2.0", "by": "ours"}
    assert tomllib.loads(checkout.read_text())["weights"] == [wanted]


def without(text: str, lines: list[str]) -> str:
    for line in lines:
        text = text.replace(line, "", 1)
    return text


@pytest.mark.parametrize("ending", ["", "\n\n"], ids=["as it is", "with empty lines at the end"])
def test_all_other_text_of_every_card_stays_as_it_is(tmp_path: Path, ending: str) -> None:
    for source in CARDS:
        text = source.read_text("utf-8") + ending
        (tmp_path / source.name).write_text(text, "utf-8")
        enter_weights(tmp_path / source.name, ROW)
        found = (tmp_path / source.name).read_text("utf-8")
        before, after = tomllib.loads(text), tomllib.loads(found)
        assert after.pop("weights") == [*before.pop("weights", []), ROW], source.name
        assert after == before
        added = [line for line in found.splitlines(True) if ROW["sha256"] in line]
        if "\nweights = [\n" not in text:
            added = ["weights = [\n", *added, "]\n"]
            assert "".join(added) in found
            assert found.replace("".join(added), "", 1) == text, source.name
        else:
            assert without(found, added) == text, source.name


def test_a_second_export_takes_the_place_of_the_first(tmp_path: Path, checkout: Path) -> None:
    enter_weights(checkout, ROW)
    enter_weights(checkout, ROW | {"file": "other.onnx"})
    enter_weights(checkout, ROW | {"sha256": "cd" * 32, "licence": 'the "free" one \\ ours'})
    found = tomllib.loads(checkout.read_text())["weights"]
    assert [(row["file"], row["sha256"][:2]) for row in found] == [("other.onnx", "ab"), ("lonkar.onnx", "cd")]
    assert found[1]["licence"] == 'the "free" one \\ ours'


def test_a_missing_extra_gives_the_line_that_installs_it(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[[str], object] = extras.importlib.import_module

    def absent(name: str) -> object:
        if name == "onnx":
            raise ImportError(f"No module named {name!r}", name=name)
        return real(name)

    monkeypatch.setattr(extras.importlib, "import_module", absent)
    done = mien("export", "lonkar_cnn", "--weights", weights)
    assert done.code == 2
    assert "pip install 'mien[train]'" in done.err


def test_a_runner_on_torch_takes_and_gives_float32() -> None:
    class Half(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"y": (2 * x).bfloat16()}

    found = TorchRunner(Half()).run({"x": np.ones((3, 2), np.float32)[:, ::-1]})
    assert found["y"].dtype == np.float32
    assert found["y"].tolist() == [[2.0, 2.0]] * 3
