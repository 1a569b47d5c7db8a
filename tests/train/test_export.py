"""ONNX files give what the network gives, and a golden file says so later."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning_fabric")
pytest.importorskip("onnx")

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from mien.errors import InputError, ModelError
from mien.files import sha256
from mien.train.build import restore
from mien.train.export import Exported, agree, example, export, run_onnx, write_onnx

from .runs import untrained

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # wide enough for kernels that are kept as float16
    return untrained(tmp_path_factory.mktemp("weights") / "w.safetensors", "model.widths=16,32")


@pytest.fixture(scope="module")
def exported(weights: Path) -> Exported:
    return export(weights, weights.parent / "new" / "net.onnx", "lonkar_cnn")


def test_the_golden_output_comes_again(exported: Exported) -> None:
    assert exported.golden.name == "net.golden.npz"
    assert agree(exported.onnx, exported.golden) == 0
    assert exported.sha256 == sha256(exported.onnx)


def test_another_network_does_not_agree_with_it(weights: Path, exported: Exported, tmp_path: Path) -> None:
    other = export(untrained(tmp_path / "o.safetensors", "model.widths=16,32", "seed=1"), tmp_path / "o.onnx")
    assert agree(other.onnx, exported.golden) > 0.05
    with np.load(exported.golden) as kept:
        changed = dict(kept)
    changed["out_logits"][1, 2] += 0.5 * np.ptp(changed["out_logits"])
    np.savez(tmp_path / "changed.npz", **changed)
    assert agree(exported.onnx, tmp_path / "changed.npz") > 0.3


def test_any_number_of_pictures_gives_what_the_module_gives(weights: Path, exported: Exported) -> None:
    built, network = restore(weights)
    given = example(built, 5)
    with torch.no_grad():
        wanted = network(**given)
    found = run_onnx(exported.onnx, {"image": given["image"].numpy()}, ["embedding", "logits"])
    for name, value in found.items():
        assert value.shape == wanted[name].shape
        assert np.abs(value - wanted[name].numpy()).max() < 0.01 * float(wanted[name].abs().max())


def test_the_file_says_whose_it_is(weights: Path, exported: Exported) -> None:
    model = onnx.load(exported.onnx)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert (facts["system"], facts["weights"]) == ("lonkar_cnn", sha256(weights))
    assert "widths (16, 32)" in facts["unlike_card"].replace("[", "(").replace("]", ")")
    assert str(weights.parent) not in exported.onnx.read_bytes().decode("latin-1")


def test_half_is_smaller_and_full_is_exact(weights: Path, exported: Exported, tmp_path: Path) -> None:
    full = export(weights, tmp_path / "full.onnx", half=False)
    assert exported.onnx.stat().st_size < 0.75 * full.onnx.stat().st_size
    built, network = restore(weights)
    given = example(built)
    with torch.no_grad():
        wanted = network(**given)["logits"].numpy()
    assert run_onnx(full.onnx, {"image": given["image"].numpy()}, ["logits"])["logits"] == pytest.approx(wanted, abs=1e-5)


def test_weights_of_another_system_are_not_exported(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds weights of lonkar_cnn"):
        export(weights, tmp_path / "net.onnx", "adaface")
    assert not list(tmp_path.iterdir())


class Scaled(nn.Module):
    """A linear layer whose weights can be too large for float16."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.inner = nn.Linear(32, 32)
        self.inner.weight.data *= scale

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"y": self.inner(x)}


def test_weights_that_float16_cannot_hold_stay_whole(tmp_path: Path) -> None:
    write_onnx(Scaled(1e7), {"x": torch.ones(2, 32)}, ["y"], tmp_path / "net.onnx")
    assert {tensor.data_type for tensor in onnx.load(tmp_path / "net.onnx").graph.initializer} == {onnx.TensorProto.FLOAT}


def test_a_file_that_gives_something_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match=r"net\.onnx: output 'y' differs from the module by nan"):
        write_onnx(Scaled(float("nan")), {"x": torch.ones(2, 32)}, ["y"], tmp_path / "net.onnx")
    real = numpy_helper.to_array
    monkeypatch.setattr(numpy_helper, "to_array", lambda tensor: 1.1 * real(tensor))
    with pytest.raises(ModelError, match=r"net\.onnx: output 'y' differs from the module by 0\.\d"):
        write_onnx(Scaled(1), {"x": torch.ones(2, 32)}, ["y"], tmp_path / "net.onnx")


@pytest.mark.parametrize("mode", [True, False], ids=["training", "judging"])
def test_the_network_is_left_as_it_was(tmp_path: Path, mode: bool) -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)).train(mode)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    write_onnx(network, {"image": torch.randn(2, 1, 8, 8)}, ["y"], tmp_path / "net.onnx", free=("h", "w"))
    assert network.training is mode
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    found = run_onnx(tmp_path / "net.onnx", {"image": np.zeros((3, 1, 12, 9), np.float32)}, ["y"])
    assert found["y"].shape == (3, 4, 10, 7)
