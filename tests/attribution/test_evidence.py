"""Sentences for known intensities, the parts of a face, and the map of the units that are seen."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from mien.attribution.evidence import DOUBTFUL, PROTOTYPES, evidence, evidence_map
from mien.attribution.face_parts import PARTS, face_parts
from mien.errors import InputError
from mien.labels import ACTION_UNITS, FERPLUS_8
from mien.runtime.models import face_data

CALM = dict.fromkeys(ACTION_UNITS, 0.0)
DOCS = Path(__file__).resolve().parents[2] / "docs"
SIDE = 96


@pytest.mark.parametrize(
    ("units", "label", "words"),
    [
        ({"AU12": 4, "AU06": 2}, "happiness", "AU12 and AU06 seen, brow relaxed -> happiness 0.91"),
        ({"AU12": 4}, "happiness", "AU12 seen, AU06 (hard to read) not, brow relaxed -> happiness 0.91"),
        ({"AU12": 4, "AU06": 2, "AU25": 3}, "happiness", "AU12 and AU06 seen, brow relaxed, AU25 seen too -> happiness 0.91"),
        ({"AU01": 2, "AU02": 3}, "surprise", "AU02 and AU01 seen, AU05 and AU26 not -> surprise 0.91"),
        ({"AU12": 3}, "surprise", "no unit of surprise seen, AU12 seen -> surprise 0.91"),
        ({}, "neutral", "no action unit seen, brow relaxed, mouth relaxed -> neutral 0.91"),
        ({"AU04": 2}, "neutral", "AU04 seen, mouth relaxed -> neutral 0.91"),
        ({"AU04": 1.2}, "neutral", "no action unit seen, mouth relaxed -> neutral 0.91"),
        ({"AU06": np.nan, "AU12": 5}, "happiness", "AU12 seen, AU06 not to be told, brow relaxed -> happiness 0.91"),
    ],
)
def test_sentences(units: dict[str, float], label: str, words: str) -> None:
    assert evidence(CALM | units, label, 0.913).sentence() == words


def test_the_parts_of_a_sentence() -> None:
    found = evidence(CALM | {"AU12": 4, "AU25": 2, "AU12L": 5.0}, "happiness", 0.9)
    assert (dict(found.seen), found.missing, dict(found.others)) == ({"AU12": 4}, ("AU06",), {"AU25": 2})
    assert found.fits["happiness"] == 0.5
    assert found.fits["anger"] == 0
    assert "neutral" not in found.fits


def test_all_expressions_of_the_product_have_a_prototype_of_units_that_it_reads() -> None:
    assert set(PROTOTYPES) == set(FERPLUS_8)
    assert {unit for units in PROTOTYPES.values() for unit in units} <= set(ACTION_UNITS)


def test_the_doubtful_units_are_those_of_the_documentation() -> None:
    text = re.search(r"Hardly seen there, or not at all:([^*]+)\*\*", (DOCS / "units.md").read_text("utf-8"))
    assert text is not None
    assert tuple(re.findall(r"AU\d\d", text[1])) == DOUBTFUL


# On a face ------------------------------------------------------------------------------------------------------------
def mesh() -> np.ndarray:
    """The canonical face in a picture, its middle at the middle."""
    points = face_data()["canonical"].astype(np.float32)
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    scale = 0.9 * SIDE / float((high - low).max())
    return np.concatenate([(points[:, :2] - (low + high) / 2) * scale + SIDE / 2, points[:, 2:] * scale], 1)


def test_the_map_has_the_units_as_strong_as_they_are() -> None:
    points = mesh()
    found = evidence_map(CALM | {"AU12": 5.0, "AU04": 2.5}, points, SIDE, SIDE)
    corner, brow = points[61, :2].round().astype(int), points[[66, 296], :2].mean(0).round().astype(int)
    assert found[corner[1], corner[0]] > 0.7
    assert found[brow[1], brow[0]] == pytest.approx(0.5, abs=0.15)
    assert found[SIDE - 1].max() < 0.05
    assert not evidence_map(CALM | {"AU12": 1.0, "AU04": np.nan}, points, SIDE, SIDE).any()


def test_parts_are_where_their_names_say() -> None:
    points = mesh()
    found = face_parts(points, SIDE, SIDE)
    assert found.shape == (SIDE, SIDE)

    def at(vertex: int) -> str:
        x, y = points[vertex, :2].round().astype(int)
        return PARTS[found[y, x]]

    names = {13: "mouth", 4: "nose", 159: "right eye", 386: "left eye", 105: "right brow", 334: "left brow", 151: "forehead"}
    names |= {199: "chin", 50: "right cheek", 280: "left cheek", 9: "glabella"}
    assert {vertex: at(vertex) for vertex in names} == names
    assert PARTS[found[0, 0]] == "surroundings"
    assert {PARTS[k] for k in np.unique(found)} == set(PARTS)


def test_parts_of_the_two_sides_are_alike() -> None:
    found = face_parts(mesh(), SIDE, SIDE)
    for part in ("brow", "eye", "cheek"):
        right, left = (int((found == PARTS.index(f"{side} {part}")).sum()) for side in ("right", "left"))
        assert right == pytest.approx(left, rel=0.15)


def test_no_mesh_no_parts() -> None:
    with pytest.raises(InputError, match="finite pixels"):
        face_parts(np.full((478, 3), np.nan), SIDE, SIDE)
    with pytest.raises(InputError, match="finite pixels"):
        face_parts(np.zeros((68, 2)), SIDE, SIDE)
