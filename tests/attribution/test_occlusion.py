"""What hiding shows of a classifier that looks only at the mouth: occlusion, faithfulness, counterfactuals."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from mien.attribution.counterfactual import alone, counterfactual
from mien.attribution.faithfulness import area, curve, faithfulness, order, random_map
from mien.attribution.hiding import fill_of, heat, hidden, scores
from mien.attribution.occlusion import occlusion
from mien.errors import InputError

from .planted import INSIDE, MOUTH, SIDE, picture, quarters, smile

PICTURE = picture()
RNG = np.random.default_rng


def test_the_planted_classifier_sees_the_mouth_only() -> None:
    masks = np.stack([np.zeros_like(INSIDE), INSIDE, ~INSIDE])
    found = scores(smile, PICTURE, fill_of(PICTURE), masks)[:, 1]
    assert found[0] > 0.9 > 0.1 > found[1]
    assert found[2] == found[0]


@pytest.mark.parametrize("fill", ["blur", "grey"])
def test_the_map_of_occlusion_lies_in_the_mouth(fill: str) -> None:
    found = occlusion(PICTURE, smile, 1, side=0.15, fill=fill)
    # squares that touch the mouth reach out of it by less than their side
    near = np.zeros_like(INSIDE)
    near[MOUTH[0].start - 7 : MOUTH[0].stop + 7, MOUTH[1].start - 7 : MOUTH[1].stop + 7] = True
    assert not found.falls[~near].any()
    assert INSIDE[np.unravel_index(found.falls.argmax(), INSIDE.shape)]
    assert found.falls[INSIDE].mean() > 5 * abs(found.falls[~INSIDE].mean())
    assert found.lowest < smile(PICTURE[None])[0, 1]


def test_occlusion_of_the_other_class_is_its_negative() -> None:
    one, other = occlusion(PICTURE, smile, 1), occlusion(PICTURE, smile, 0)
    assert np.allclose(one.falls, -other.falls)


def test_each_pixel_is_covered_and_the_fall_is_of_the_log_odds() -> None:
    # a square as large as the picture, at its place: the fall is that of the whole
    found = occlusion(PICTURE, smile, 1, side=1.0, steps=1)
    whole, none = (smile(p[None])[0, 1] for p in (PICTURE, fill_of(PICTURE)))
    wanted = np.log(whole / (1 - whole)) - np.log(none / (1 - none))
    assert np.allclose(found.falls, wanted)
    assert found.lowest == none


@pytest.mark.parametrize("settings", [{"side": 0.0}, {"side": 1.5}, {"steps": 0}, {"fill": "noise"}])
def test_what_occlusion_refuses(settings: dict) -> None:
    with pytest.raises(InputError):
        occlusion(PICTURE, smile, 1, **settings)


# Faithfulness ---------------------------------------------------------------------------------------------------------
def test_the_perfect_map_beats_chance_both_ways() -> None:
    found = faithfulness(PICTURE, INSIDE, smile, 1, RNG(0))
    assert found.better
    assert found.deletion < found.random_deletion - 0.1
    assert found.insertion > found.random_insertion + 0.1


def test_the_map_of_occlusion_is_faithful_and_its_opposite_is_not() -> None:
    values = occlusion(PICTURE, smile, 1).falls
    right, wrong = (faithfulness(PICTURE, v, smile, 1, RNG(0)) for v in (values, -values))
    assert right.better
    assert not wrong.better
    assert wrong.deletion > right.deletion
    assert wrong.insertion < right.insertion


def test_curves_go_from_the_whole_to_nothing_and_back() -> None:
    fill, places = fill_of(PICTURE), order(INSIDE, RNG(0))
    deleted, inserted = (curve(PICTURE, fill, places, smile, 1, steps=8, insert=way) for way in (False, True))
    whole, none = (smile(p[None])[0, 1] for p in (PICTURE, fill))
    assert (deleted[0], deleted[-1]) == (whole, none)
    assert (inserted[0], inserted[-1]) == (none, whole)
    assert area(deleted) == pytest.approx(np.trapezoid(deleted, np.linspace(0, 1, 9)))


def test_the_order_is_the_highest_first_and_equals_come_by_chance() -> None:
    values = np.array([[0.0, 2.0], [1.0, 0.0]])
    orders = {tuple(order(values, RNG(seed)).tolist()) for seed in range(20)}
    assert orders == {(1, 2, 0, 3), (1, 2, 3, 0)}


def test_maps_of_chance_have_blots() -> None:
    found = random_map(RNG(0), SIDE, SIDE)
    assert found.shape == (SIDE, SIDE)
    assert np.abs(np.diff(found, axis=0)).max() < 0.5 * np.ptp(found)


def test_a_map_without_contrast_or_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="one value everywhere"):
        faithfulness(PICTURE, np.ones((SIDE, SIDE)), smile, 1, RNG(0))
    with pytest.raises(InputError, match="the same height and width"):
        faithfulness(PICTURE, np.eye(8), smile, 1, RNG(0))


# Counterfactual -------------------------------------------------------------------------------------------------------
def test_the_change_flips_the_label_and_nothing_smaller_does() -> None:
    parts, fill = quarters(), fill_of(PICTURE)
    found = counterfactual(PICTURE, parts, smile)
    assert found is not None
    assert found.label == 0
    changed = smile(hidden(PICTURE, fill, found.mask[None]))[0]
    assert changed.argmax() == 0
    assert (found.after, found.score) == pytest.approx((changed[1], changed[0]))
    assert found.before == pytest.approx(smile(PICTURE[None])[0, 1])
    assert found.area == found.mask.mean() == len(found.parts) / 16
    assert np.array_equal(found.mask, np.isin(parts, found.parts))
    assert len(found.parts) > 1
    for smaller in combinations(range(16), len(found.parts) - 1):
        assert smile(hidden(PICTURE, fill, np.isin(parts, smaller)[None]))[0].argmax() == 1


def test_one_part_is_enough_where_it_holds_the_mouth_and_the_least_is_taken() -> None:
    parts = np.zeros((SIDE, SIDE), np.int64)
    parts[INSIDE] = 1
    wider = np.where(parts == 1, 1, 0)
    wider[:20] = 2
    found = counterfactual(PICTURE, wider, smile)
    assert found is not None
    assert found.parts == (1,)
    assert alone(PICTURE, wider, smile, 1).argmax() == 1


def test_of_two_parts_that_change_it_the_smaller_is_taken() -> None:
    parts = np.zeros((SIDE, SIDE), np.int64)
    parts[:20], parts[30:38] = 1, 2

    def both(crops: np.ndarray) -> np.ndarray:
        found = [crops[:, rows].astype(float).std((1, 2, 3)) > 60 for rows in (slice(0, 20), slice(30, 38))]
        seen = np.logical_and(*found).astype(float)
        return np.stack([1 - seen, seen], 1)

    found = counterfactual(PICTURE, parts, both)
    assert found is not None
    assert found.parts == (2,)
    assert alone(PICTURE, parts, both, 1).tolist() == [0, 1, 1]


def test_nothing_changes_the_label_where_the_mouth_stays() -> None:
    parts = np.where(INSIDE, -1, quarters())
    assert counterfactual(PICTURE, parts, smile, largest=2) is None
    with pytest.raises(InputError, match="0 parts"):
        counterfactual(PICTURE, np.full((SIDE, SIDE), -1), smile)


# Hiding ---------------------------------------------------------------------------------------------------------------
def test_fills() -> None:
    blur, grey = fill_of(PICTURE), fill_of(PICTURE, "grey")
    assert blur.astype(float).std() < 0.2 * PICTURE.astype(float).std()
    assert blur.mean() == pytest.approx(PICTURE.mean(), abs=8)
    assert np.unique(grey).tolist() == [round(PICTURE.mean())]
    with pytest.raises(InputError, match="uint8 RGB"):
        fill_of(PICTURE[..., 0])


def test_a_classifier_that_gives_something_else_is_named() -> None:
    masks = np.zeros((3, SIDE, SIDE), bool)
    with pytest.raises(InputError, match=r"gave \(3,\) for 3 pictures"):
        scores(lambda crops: np.zeros(len(crops)), PICTURE, PICTURE, masks)
    with pytest.raises(InputError, match="numbers"):
        scores(lambda crops: np.full((len(crops), 2), np.nan), PICTURE, PICTURE, masks)
    with pytest.raises(InputError, match="the same height and width"):
        scores(smile, PICTURE, PICTURE, masks[:, :8])


def test_batches_are_put_together_in_order() -> None:
    masks = np.stack([quarters() == k for k in range(16)])
    one, many = (scores(smile, PICTURE, fill_of(PICTURE), masks, batch) for batch in (5, 64))
    assert np.array_equal(one, many)


def test_heat_of_nothing_is_nothing() -> None:
    assert not heat(np.full((2, 2), -1.0)).any()
