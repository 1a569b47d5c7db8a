"""Maps of action units: where they lie, which belong to a class, and how far a map of attention agrees."""

from __future__ import annotations

import numpy as np
import pytest

from mien.attribution import unit_maps as maps
from mien.errors import InputError
from mien.labels import ACTION_UNITS, FER_7, FERPLUS_8
from mien.runtime.models import face_data

SIDE = 128
FACE = maps.template(SIDE, SIDE)


def centre(values: np.ndarray) -> tuple[float, float]:
    y, x = np.mgrid[: values.shape[0], : values.shape[1]]
    return float((values * x).sum() / values.sum()), float((values * y).sum() / values.sum())


def test_the_codebook_is_the_published_one() -> None:
    book = maps.CODEBOOKS["code"]
    numbers = {name: " ".join(str(int(unit[2:])) for unit in units) for name, units in book.items()}
    assert numbers == {
        "happiness": "6 12 25",
        "surprise": "1 2 5 26 27",
        "fear": "1 2 4 5 20 25 26 27",
        "anger": "4 5 7 10 17 23 24 25 26",
        "disgust": "5 9 16 17 25 26",
        "sadness": "1 4 6 15 17",
    }
    assert set(maps.CODEBOOKS["figure"]["disgust"]) - set(book["disgust"]) == {"AU10"}


def test_all_units_of_the_product_and_of_the_codebook_have_a_place() -> None:
    assert set(maps.SPOTS) == set(ACTION_UNITS) | {unit for units in maps.CODEBOOKS["code"].values() for unit in units}


def test_the_template_lies_as_faces_of_fer2013_do_and_is_symmetric() -> None:
    twin = [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), 45, 44, 43, 42, 47, 46]
    assert np.allclose(FACE[twin[:38], 0], SIDE - 1 - FACE[:38, 0], atol=0.05)
    assert FACE[39:48:8, 0].sum() == pytest.approx(FACE[[39, 47], 0].sum())
    assert FACE[36, 0] + FACE[45, 0] == pytest.approx(SIDE - 1, abs=0.05)
    # the chin of the mesh, whose middle lies at 0.551 and whose length is 0.966 of the side
    assert (FACE[8, 1] + 0.5) / SIDE == pytest.approx(0.551 + 0.966 / 2, abs=0.01)


@pytest.mark.parametrize("unit", sorted(maps.SPOTS))
def test_a_map_is_symmetric_and_a_share_of_the_picture(unit: str) -> None:
    found = maps.unit_map(unit, FACE, SIDE, SIDE)
    assert found.shape == (SIDE, SIDE)
    assert 0 <= found.min() < 0.05
    assert 0.25 < found.max() <= 1
    assert np.abs(found - found[:, ::-1]).max() < 0.02
    assert 0.002 < found.mean() < 0.25


def test_units_lie_where_they_show() -> None:
    brow, lid, cheek, nose, mouth, chin = (
        centre(maps.unit_map(unit, FACE, SIDE, SIDE))[1] for unit in ("AU04", "AU07", "AU06", "AU09", "AU12", "AU17")
    )
    assert brow < lid < nose < mouth < chin
    assert cheek - FACE[41, 1] == pytest.approx(SIDE / 6, abs=SIDE * 0.01)
    assert mouth == pytest.approx(FACE[48, 1], abs=SIDE * 0.01)


def test_half_axes_follow_the_picture() -> None:
    x, y, across, down = maps.SPOTS["AU01"][0].place(FACE, SIDE, SIDE)
    assert (x, y) == pytest.approx(tuple(FACE[20]))
    assert (across, down) == (SIDE / 8, SIDE / 10)
    lips = maps.SPOTS["AU26"][0].place(FACE, SIDE, SIDE)
    assert lips[2] == pytest.approx((FACE[54, 0] - FACE[48, 0]) / 2)
    assert maps.SPOTS["AU25"][0].place(FACE, 256, 256)[2:] == (25, 10)


def test_classes_without_units_have_an_empty_map() -> None:
    found = maps.class_maps(FERPLUS_8.names, FACE, SIDE, SIDE)
    empty = {name for name, values in zip(FERPLUS_8, found) if not values.any()}
    assert empty == {"neutral", "contempt"}
    assert all(values.max() == 1 for name, values in zip(FERPLUS_8, found) if name not in empty)
    with pytest.raises(InputError, match="unknown codebook 'paper'"):
        maps.class_maps(FER_7.names, FACE, SIDE, SIDE, "paper")


def test_joined_is_the_maximum_stretched() -> None:
    both = np.maximum(maps.unit_map("AU12", FACE, SIDE, SIDE), maps.unit_map("AU04", FACE, SIDE, SIDE))
    assert np.allclose(maps.joined(["AU12", "AU04"], FACE, SIDE, SIDE), (both - both.min()) / np.ptp(both), atol=1e-6)


def test_landmarks_are_vertices_of_the_mesh() -> None:
    mesh = face_data()["canonical"]
    found = maps.landmarks_of(mesh)
    assert np.array_equal(found[8], mesh[152, :2])
    with pytest.raises(InputError, match=r"\(478, 2\) or \(478, 3\)"):
        maps.landmarks_of(mesh[:68])
    with pytest.raises(InputError, match="68, 2"):
        maps.unit_map("AU12", mesh[:68], 8, 8)
    with pytest.raises(InputError, match="unknown action unit"):
        maps.unit_map("AU99", FACE, 8, 8)


def test_agreement_is_the_cosine() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 3, 6, 6))
    wanted = (a * b).sum((1, 2)) / np.sqrt((a**2).sum((1, 2)) * (b**2).sum((1, 2)))
    assert maps.agreement(a, b) == pytest.approx(wanted, abs=1e-5)
    assert maps.agreement(7 * a, b) == pytest.approx(wanted, abs=1e-5)
    # moved up to 0 where it lies below
    assert maps.agreement(a - 5, b) == pytest.approx(maps.agreement(a - a.min((1, 2), keepdims=True), b), abs=1e-5)


def test_what_a_constant_map_reaches_and_what_cannot_be_told() -> None:
    found = maps.class_maps(FER_7.names, FACE, SIDE, SIDE)
    flat = maps.constant_agreement(found)
    known = [k for k in range(7) if FER_7.names[k] != "neutral"]
    wanted = [found[k].mean() / np.sqrt((found[k].astype(float) ** 2).mean()) for k in known]
    assert flat[known] == pytest.approx(wanted, abs=1e-5)
    assert np.isnan(flat[FER_7.index("neutral")])
    with pytest.raises(InputError, match="maps"):
        maps.agreement(found[:2], found)
