"""The attention of trained weights: the cosine comes from the right map, and a record holds accuracy and both cosines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning_fabric", reason="the extra is not installed: pip install 'mien[train]'")

import measure_attention
from mien.attribution.unit_maps import agreement, class_maps, template
from mien.datasets.fer2013 import fake
from mien.errors import InputError
from mien.labels import FER_7
from mien.train.build import save, system

pytestmark = pytest.mark.torch
MAPS = class_maps(FER_7.names, template(32, 32), 32, 32)


def test_the_means_are_over_the_classes_with_units() -> None:
    label = np.array([3, 3, 0, FER_7.index("neutral")])
    rng = np.random.default_rng(0)
    attention = rng.random((4, 8, 8))
    cosine = agreement(attention, MAPS[label])
    found = {"hit": np.array([True, True, False, True]), "ATT-COS": cosine, "CAM-COS": agreement(MAPS[label], MAPS[label])}
    table = measure_attention.table("some", label, FER_7, MAPS, found)
    assert table["accuracy"].value == 0.75
    assert table["ATT-COS"].value == pytest.approx(np.mean(cosine[:3]))
    assert table["CAM-COS"].value == pytest.approx(1)
    assert table["ATT-COS"].n == 3
    assert 0.3 < table["ATT-COS"].constant < 0.7
    assert table["ATT-COS(happiness)"].value == pytest.approx(np.mean(cosine[:2]))
    assert {row.metric for row in table.rows} == {"accuracy", "ATT-COS", "CAM-COS", "ATT-COS(happiness)", "ATT-COS(anger)"}


def test_a_map_of_nothing_agrees_with_nothing() -> None:
    label = np.array([3, 3])
    found = {"hit": label == 3, "ATT-COS": agreement(np.zeros((2, 4, 4)), MAPS[label]), "CAM-COS": np.ones(2)}
    assert measure_attention.table("some", label, FER_7, MAPS, found)["ATT-COS"].value == 0


def weights(folder: Path, seed: int, *words: str) -> Path:
    built = system("au_cues", ["model.depth=18", "image.size=32", f"seed={seed}", *words])
    save(folder / f"{seed}.safetensors", built.model().state_dict(), built, {"source": "fer2013"})
    return folder / f"{seed}.safetensors"


def test_a_record_of_two_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fake(tmp_path / "data", 0, 1)
    both = [str(weights(tmp_path, seed)) for seed in (0, 1)]
    line = [
        "measure",
        "--data",
        str(tmp_path / "data"),
        "--weights",
        *both,
        "--record",
        str(tmp_path / "r.json"),
        "--threads",
        "1",
    ]
    monkeypatch.setattr("sys.argv", line)
    measure_attention.main()
    record = json.loads((tmp_path / "r.json").read_text())
    rows = {row["metric"]: row for row in record["figures"]}
    assert record["seeds"] == [0, 1]
    assert rows["ATT-COS"]["n"] == 6
    assert rows["accuracy"]["n"] == 7
    assert len(rows["CAM-COS"]["values"]) == 2
    assert 0 < rows["ATT-COS"]["value"] < 1
    assert "ATT-COS" in capsys.readouterr().out


def test_a_loss_that_was_told_another_order_is_refused(tmp_path: Path) -> None:
    fake(tmp_path / "data", 0, 1)
    path = weights(tmp_path, 0, "objective.labels=ferplus-8")
    with pytest.raises(InputError, match="told ferplus-8"):
        measure_attention.measured(path, tmp_path / "data", None, measure_attention.Machine(threads=1))
