"""The embedded networks: sizes, hashes, cards that quote their run records, clear errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import InputError, ModelError
from mien.runtime.models import card, face_data, names, runner
from mien.runtime.onnx import OnnxRunner, to_tensor

ROOT = Path(__file__).resolve().parent.parent.parent


def test_all_networks_are_there_and_small() -> None:
    assert names() == ["detector", "expression", "mesh", "shapes"]
    assert sum(card(n).bytes for n in names()) <= 8_000_000
    assert card("detector").bytes <= 400_000


@pytest.mark.parametrize("name", ["detector", "expression", "mesh", "shapes"])
def test_a_network_is_the_one_its_card_speaks_of(name: str) -> None:
    wanted = card(name)
    assert wanted.verify()
    network = runner(name)
    assert wanted.input["name"] in network.inputs
    out = network.run({wanted.input["name"]: np.zeros(wanted.input["shape"], np.float32)})
    assert all(np.isfinite(v).all() for v in out.values())


def numbers(value: Any) -> list[float]:
    """All numbers in nested lists and dicts."""
    if isinstance(value, dict):
        return [n for v in value.values() for n in numbers(v)]
    if isinstance(value, list):
        return [n for v in value for n in numbers(v)]
    return [float(value)] if isinstance(value, (int, float)) else []


@pytest.mark.parametrize("name", ["detector", "expression", "mesh", "shapes"])
def test_every_figure_stands_in_its_run_record(name: str) -> None:
    rows = card(name).figures
    assert rows
    for row in rows:
        record = json.loads((ROOT / row["run"]).read_text())
        assert record["command"]
        assert record["data"]
        assert "/" not in record["command"].replace("tools/", "").replace("benchmarks/", "")  # no path of a machine
        known = numbers(record["figures"])
        close = [n for n in known if any(abs(row["value"] - f * n) <= 1e-3 * abs(row["value"]) + 1e-9 for f in (1, 100))]
        assert close, f"{row['metric']}: {row['value']} is not in {row['run']}"


@pytest.mark.parametrize("name", ["detector", "expression", "mesh", "shapes"])
def test_a_card_says_what_it_was_trained_on_and_what_it_cannot(name: str) -> None:
    assert len(card(name).data) >= 1
    assert any("not what a person feels" in limit for limit in card(name).limits)


def test_an_unknown_network_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="detector, expression, mesh, shapes"):
        card("detecter")


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(ModelError, match=r"broken\.onnx.*mien doctor"):
        OnnxRunner(path)


def test_a_provider_that_is_not_there_is_an_error_not_a_fallback() -> None:
    with pytest.raises(InputError, match="no provider 'NoSuchProvider'"):
        OnnxRunner(card("shapes").path, providers=("NoSuchProvider",))


def test_to_tensor_is_its_formula() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (3, 5, 5, 3)).astype(np.uint8)
    expected = ((crops.astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(to_tensor(crops), expected, atol=1e-6)
    grey = crops[..., 0]
    np.testing.assert_allclose(to_tensor(grey), expected[:, :1], atol=1e-6)
    assert to_tensor(crops[:0]).shape == (0, 3, 5, 5)


def test_the_canonical_face_is_whole() -> None:
    data = face_data()
    assert data["canonical"].shape == (478, 3)
    assert data["triangles"].max() < 468
    assert data["rigidity"].sum() == pytest.approx(1, abs=1e-4)
    assert (data["rigidity"][468:] == 0).all()
