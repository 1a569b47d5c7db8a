"""Thresholds and overlaps against their formulas."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.attribution.regions import chance_f1, chance_iou, levels, otsu, overlap, region, stretch
from mien.errors import InputError


def between(image: np.ndarray, level: int) -> float:
    """w0 w1 (m0 - m1)^2, the variance between the classes as it is defined."""
    low, high = image[image <= level], image[image > level]
    return len(low) * len(high) / image.size**2 * float(low.mean() - high.mean()) ** 2 if len(low) and len(high) else 0.0


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, (6, 7)))
def test_otsu_has_the_greatest_variance_between_the_classes(image: np.ndarray) -> None:
    if image.min() == image.max():
        with pytest.raises(InputError, match="one level"):
            otsu(image)
        return
    best = max(between(image, level) for level in range(256))
    assert between(image, otsu(image)) == pytest.approx(best, rel=1e-9)


def test_otsu_is_opencv_s_on_maps_with_two_humps() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = np.concatenate([rng.normal(80, 25, 900), rng.normal(170, 20, 300)]).clip(0, 255).astype(np.uint8)
        assert otsu(values) == cv2.threshold(values[None], 0, 255, cv2.THRESH_OTSU)[0]


def test_levels_are_cut_off_and_maps_without_contrast_are_empty() -> None:
    assert levels([0.0, 0.5, 0.999, 1.0]).tolist() == [0, 127, 254, 255]
    assert not stretch(np.full((3, 3), 7.0)).any()
    assert region(np.array([[0, 9], [250, 255]], np.uint8)).tolist() == [[False, False], [True, True]]
    with pytest.raises(InputError, match="float64"):
        otsu(np.zeros((2, 2)))  # type: ignore[arg-type]


def test_overlap_by_hand() -> None:
    found, wanted = np.zeros((4, 5), bool), np.zeros((4, 5), bool)
    found[:2, :4], wanted[1:3, :3] = True, True  # 8, 6, 3 in common
    row = overlap(found, wanted)
    assert row.iou == pytest.approx(3 / 11)
    assert (row.precision, row.recall) == pytest.approx((3 / 8, 3 / 6))
    assert row.f1 == pytest.approx(2 * row.precision * row.recall / (row.precision + row.recall))
    assert (row.found, row.wanted) == pytest.approx((0.4, 0.3))
    assert (row.chance("precision"), row.chance("recall")) == (row.wanted, row.found)


def test_what_cannot_be_told_is_nan_and_what_cannot_be_compared_is_an_error() -> None:
    none, some = np.zeros((2, 2), bool), np.eye(2, dtype=bool)
    assert math.isnan(overlap(none, some).precision)
    assert math.isnan(overlap(none, none).iou)
    with pytest.raises(InputError, match="shape"):
        overlap(some, np.zeros((2, 3), bool))
    with pytest.raises(InputError, match="uint8"):
        overlap(some, some.astype(np.uint8))  # type: ignore[arg-type]


@pytest.mark.parametrize(("a", "g"), [(0.25, 0.25), (0.1, 0.6), (0.5, 0.3)])
def test_random_regions_reach_the_chance_level(a: float, g: float) -> None:
    rng = np.random.default_rng(1)
    row = overlap(rng.random((600, 600)) < a, rng.random((600, 600)) < g)
    assert row.iou == pytest.approx(chance_iou(a, g), abs=0.004)
    assert row.f1 == pytest.approx(chance_f1(a, g), abs=0.004)
    assert row.chance("iou") == pytest.approx(a * g / (a + g - a * g), abs=0.004)


@given(st.floats(0.01, 1), st.floats(0.01, 1))
def test_chance_levels_fit_together(a: float, g: float) -> None:
    iou = chance_iou(a, g)
    assert chance_f1(a, g) == pytest.approx(2 * iou / (1 + iou))
    assert chance_iou(1, g) == pytest.approx(g)
