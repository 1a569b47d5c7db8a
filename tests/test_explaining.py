"""mien explain: what it writes and says, with which methods, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mien.attribution.methods import Explanation, Network, check, explain, view
from mien.attribution.networks import embedded
from mien.attribution.ways import Method
from mien.cli import app
from mien.errors import InputError, MissingExtra
from mien.labels import LabelSet
from mien.media.image import read_image, write_image
from mien.pipelines import Image
from mien.stages.expression import crop_transforms
from mien.types import Faces, Frame

HERE = (Method.occlusion, Method.au, Method.counterfactual)


@pytest.fixture(scope="module")
def frame(astronaut: np.ndarray) -> Frame:
    return Image()(Frame(astronaut, 0.0, 0, Faces.none()))


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["explain", *map(str, words)])


def refused(*words: object) -> str:
    result = run(*words)
    assert result.exit_code != 0
    assert isinstance(result.exception, (InputError, MissingExtra)), result.output
    return str(result.exception)


# The network of the package -------------------------------------------------------------------------------------------
def test_it_says_what_the_product_says(frame: Frame) -> None:
    seen = view(embedded(), frame, 0)
    assert seen.scores == pytest.approx(frame.faces.expression.values[0], abs=1e-5)
    assert seen.face.top == seen.network.labels.names[seen.label] == "happiness"


@pytest.fixture(scope="module")
def smiling(frame: Frame) -> dict[Method, Explanation]:
    """The portrait, explained in each way that needs nothing but the package."""
    seen = view(embedded(), frame, 0)
    return {method: explain(seen, method) for method in HERE}


@pytest.mark.parametrize("method", HERE)
def test_each_way_gives_a_map_that_is_truer_than_chance(smiling: dict[Method, Explanation], method: Method) -> None:
    found = smiling[method]
    assert (found.label, found.heat.shape) == ("happiness", (64, 64))
    assert 0 <= found.heat.min() < found.heat.max() <= 1
    assert found.facts["faithfulness"]["better"]
    assert found.score == pytest.approx(found.facts["scores"]["happiness"], abs=1e-4)
    json.dumps(found.facts)


def test_the_same_face_gives_the_same_numbers(frame: Frame, smiling: dict[Method, Explanation]) -> None:
    assert explain(view(embedded(), frame, 0), Method.au).facts == smiling[Method.au].facts


def test_a_smile_is_read_off_the_mouth(smiling: dict[Method, Explanation]) -> None:
    occluded, units, change = (smiling[method] for method in HERE)
    assert next(iter(occluded.facts["log_odds"])) == "mouth"
    assert "AU12" in units.facts["seen"]
    assert units.sentence.startswith("AU12 ")
    assert units.sentence.endswith(f"-> happiness {units.score:.2f}")
    assert "mouth" in change.facts["change"]["parts"]
    assert change.facts["change"]["label"] != "happiness"


# A planted network ----------------------------------------------------------------------------------------------------
def planted(frame: Frame) -> Network:
    """Sure of "smile" by how bright the teeth of this one face are, wherever else it is changed."""
    transform = crop_transforms(frame.faces.mesh)[0]
    lips = frame.faces.mesh[0][[61, 291, 0, 17], :2] @ transform[:, :2].T + transform[:, 2]
    (left, top), (right, bottom) = lips.min(0).astype(int), lips.max(0).astype(int)

    def predict(crops: np.ndarray) -> np.ndarray:
        strength = crops[:, top:bottom, left:right].astype(float).std((1, 2, 3))
        score = 1 / (1 + np.exp(-0.3 * (strength - 42)))
        return np.stack([1 - score, score], 1)

    return Network("planted", LabelSet("two", ("calm", "smile")), 64, lambda faces: crop_transforms(faces.mesh), predict)


def test_of_a_network_that_looks_at_the_mouth_the_mouth_is_named(frame: Frame) -> None:
    network = planted(frame)
    seen = view(network, frame, 0)
    assert network.labels.names[seen.label] == "smile"
    found = explain(seen, Method.occlusion)
    assert next(iter(found.facts["log_odds"])) == "mouth"
    assert "mouth" in found.sentence
    assert found.facts["faithfulness"]["better"]
    change = explain(seen, Method.counterfactual)
    assert change.facts["change"]["parts"] == ["mouth"]
    assert change.sentence.startswith(f"smile {seen.scores[1]:.2f}; without the details of the mouth it would be calm")


def test_a_network_that_sees_nothing_has_no_reason(frame: Frame) -> None:
    def predict(crops: np.ndarray) -> np.ndarray:
        return np.tile([0.3, 0.7], (len(crops), 1))

    blind = Network("blind", LabelSet("two", ("calm", "smile")), 64, lambda faces: crop_transforms(faces.mesh), predict)
    seen = view(blind, frame, 0)
    occluded, change = explain(seen, Method.occlusion), explain(seen, Method.counterfactual)
    assert "stays 0.70 or more" in occluded.sentence
    assert change.sentence == "smile 0.70; hiding up to 4 parts of the face changes no label"
    assert not change.heat.any()
    assert change.facts["change"] is change.facts["faithfulness"] is None
    # a label without a prototype: what is seen is said, and no more
    assert explain(seen, Method.au).sentence.endswith("-> smile 0.70 (the map is no better than chance)")


def test_gradients_and_rollout_are_refused_where_they_are_out_of_reach() -> None:
    with pytest.raises(InputError, match=r"--system NAME --weights FILE\.safetensors"):
        check(embedded(), Method.gradcam)
    with pytest.raises(InputError, match="no system that is built does"):
        check(embedded(), Method.rollout)


# The command ----------------------------------------------------------------------------------------------------------
def test_a_picture_and_a_row_for_each_face(astronaut_path: Path, tmp_path: Path) -> None:
    twice = np.concatenate([read_image(astronaut_path)] * 2, 1)
    write_image(tmp_path / "two faces.png", twice)
    result = run(tmp_path / "two faces.png", astronaut_path, "--method", "au", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "out" / "au.json").read_text())
    assert "not what a person feels" in found["note"]
    assert found["network"] == "expression network"
    assert [row["face"] for row in found["faces"]] == [0, 1, 0]
    names = ["two_faces-face0-au.png", "two_faces-face1-au.png", "astronaut-face0-au.png"]
    assert [row["picture"] for row in found["faces"]] == names
    for row in found["faces"]:
        drawn = read_image(tmp_path / "out" / row["picture"])
        assert drawn.shape[1] == 768
        assert drawn.shape[0] > 400
        # the right half is the left one under the map
        left, right = drawn[:384, :384].astype(int), drawn[:384, 384:].astype(int)
        assert 0.01 < (np.abs(left - right).max(2) > 8).mean() < 0.7
        assert row["sentence"] in result.output
        assert {"box", "method", "label", "score", "scores", "faithfulness"} <= set(row)


def test_two_pictures_of_one_name_do_not_meet(astronaut_path: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "face.jpg").write_bytes(astronaut_path.read_bytes())
    assert run(tmp_path / "a", tmp_path / "b", "--method", "au", "--out", tmp_path / "out").exit_code == 0
    rows = json.loads((tmp_path / "out" / "au.json").read_text())["faces"]
    assert [row["picture"] for row in rows] == ["face-face0-au.png", "face-face0-au-2.png"]


def test_a_picture_without_a_face_is_named_and_the_others_are_explained(astronaut_path: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "wall.png", np.full((200, 200, 3), 128, np.uint8))
    result = run(tmp_path / "wall.png", tmp_path / "missing.jpg", astronaut_path, "--method", "au", "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "wall.png: no face was found" in result.output
    assert "missing.jpg" in result.output
    text = refused(tmp_path / "wall.png", "--out", tmp_path / "none")
    assert text == "no face in any picture; wanted a picture with a face; see what mien analyze says of it"


def test_what_is_refused(astronaut_path: Path, tmp_path: Path) -> None:
    wrong = run(astronaut_path, "--method", "magic")
    assert wrong.exit_code == 2
    assert "counterfactual" in wrong.output
    assert "gradients" in refused(astronaut_path, "--method", "gradcam")
    assert "attention weights" in refused(astronaut_path, "--method", "rollout")
    assert "mien train lonkar_cnn" in refused(astronaut_path, "--system", "lonkar_cnn")
    assert "--system" in refused(astronaut_path, "--weights", "net.onnx")
    (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 100)
    assert "save a frame of it" in refused(tmp_path / "clip.mp4", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert "a folder that can be written" in refused(astronaut_path, "--out", tmp_path / "clip.mp4")


def test_no_torch_is_needed(astronaut_path: Path, tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["torch"] = None
from mien.cli import app
for method in ("au", "counterfactual"):
    app(["explain", {str(astronaut_path)!r}, "--method", method, "--out", {str(tmp_path)!r}], standalone_mode=False)
try:
    app(["explain", "x.jpg", "--method", "gradcam", "--system", "lonkar_cnn", "--weights", "w"], standalone_mode=False)
except ImportError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "happiness" in found.stdout
    assert "pip install 'mien[train]'" in found.stdout


# Systems --------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("lightning_fabric")
    from mien.train.build import save, system

    built, path = system("lonkar_cnn"), tmp_path_factory.mktemp("weights") / "net.safetensors"
    save(path, built.model().state_dict(), built, {"source": "none"})
    return path


@pytest.mark.torch
@pytest.mark.parametrize("layer", [[], ["--layer", "blocks.2"]])
def test_a_system_is_explained_by_gradients(astronaut_path: Path, weights: Path, tmp_path: Path, layer: list[str]) -> None:
    line = [astronaut_path, "--method", "gradcam", "--system", "lonkar_cnn", "--weights", weights, "--out", tmp_path]
    result = run(*line, *layer)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "gradcam.json").read_text())
    assert found["network"] == "Lonkar CNN"
    assert set(found["faces"][0]["scores"]) == {"anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"}
    assert len(found["faces"][0]["parts"]) > 5


@pytest.mark.torch
def test_a_layer_that_is_not_there_and_the_one_taken_by_itself(astronaut_path: Path, weights: Path, tmp_path: Path) -> None:
    import torch

    from mien.attribution.networks import last_map
    from mien.systems.expression.lonkar_cnn import model

    line = [astronaut_path, "--method", "gradcam", "--system", "lonkar_cnn", "--weights", weights, "--out", tmp_path]
    assert "unknown layer 'nowhere'" in refused(*line, "--layer", "nowhere")
    assert last_map(model(), torch.zeros(1, 1, 48, 48)) == "blocks"
    with pytest.raises(InputError, match="without feature maps"):
        last_map(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2)), torch.zeros(1, 1, 2, 2))


@pytest.mark.torch
def test_other_ways_take_a_system_too(astronaut_path: Path, weights: Path, tmp_path: Path) -> None:
    result = run(astronaut_path, "--method", "au", "--system", "lonkar_cnn", "--weights", weights, "--out", tmp_path)
    assert result.exit_code == 0, result.output
