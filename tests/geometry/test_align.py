"""Transforms: inverse of inverse, known turns, crops that stand upright, shrinking without a shift."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.geometry import align

angle = st.floats(-3.1, 3.1)
scale = st.floats(0.2, 5)


@given(angle, scale, st.floats(-50, 50), st.floats(-50, 50))
def test_umeyama_finds_the_similarity_that_made_the_points(turn: float, size: float, x: float, y: float) -> None:
    points = np.random.default_rng(0).normal(0, 10, (7, 2))
    linear = size * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    found = align.umeyama(points, points @ linear.T + [x, y])
    np.testing.assert_allclose(found, np.c_[linear, [x, y]], atol=1e-3)


def test_umeyama_never_mirrors() -> None:
    points = np.random.default_rng(1).normal(0, 10, (9, 2))
    found = align.umeyama(points, points * [-1, 1])
    assert np.linalg.det(found[:, :2]) >= 0


@given(angle, scale)
def test_apply_after_invert_is_nothing(turn: float, size: float) -> None:
    transform = align.square_crop(np.array([[30.0, 40.0]]), np.array([20.0 * size]), np.array([turn]), 64)
    points = np.random.default_rng(2).uniform(0, 60, (1, 11, 3)).astype(np.float32)
    there = align.apply(transform, points)
    np.testing.assert_allclose(align.apply(align.invert(transform), there), points, atol=2e-2)


@given(angle)
def test_a_turned_eye_line_is_level_in_the_crop(turn: float) -> None:
    right, left = np.array([[50.0, 50.0]]), np.array([[50 + 20 * np.cos(turn), 50 + 20 * np.sin(turn)]])
    transform = align.square_crop((right + left) / 2, np.array([40.0]), align.eye_angle(right, left), 80)
    a, b = align.apply(transform, np.stack([right, left], 1).astype(np.float32))[0]
    assert a[1] == pytest.approx(b[1], abs=1e-2)
    assert b[0] - a[0] == pytest.approx(40, abs=1e-2)


def test_upright_crop_is_centred_on_the_points_and_scaled_to_them() -> None:
    points = np.array([[[10, 10], [30, 10], [30, 50], [10, 50]]], np.float32)
    moved = align.apply(align.upright_crop(points, np.zeros(1), 1.25, 100), points)[0]
    assert moved.mean(0).tolist() == pytest.approx([49.5, 49.5], abs=1e-3)
    assert np.ptp(moved[:, 1]) == pytest.approx(80, abs=1e-3)


@pytest.mark.parametrize("side", [40.0, 130.0, 333.0, 900.0])
def test_warp_puts_a_spot_where_apply_says_at_every_scale(side: float) -> None:
    spot = np.array([612.0, 417.0])
    image = np.zeros((900, 1200, 3), np.uint8)
    cv2.circle(image, spot.astype(int).tolist(), max(3, int(side / 40)), (255, 255, 255), -1)
    transform = align.square_crop(spot[None] + side * 0.11, np.array([side]), np.array([0.3]), 64)
    crop = align.warp(image, transform[0], 64).astype(float)[..., 0]
    y, x = np.mgrid[:64, :64]
    found = np.array([(x * crop).sum(), (y * crop).sum()]) / crop.sum()
    expected = align.apply(transform, spot[None, None].astype(np.float32))[0, 0]
    np.testing.assert_allclose(found, expected, atol=0.25)


def test_shrinking_averages_instead_of_skipping() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = align.warp(stripes, align.square_crop(np.array([[256.0, 256.0]]), np.array([480.0]), np.zeros(1), 32)[0], 32)
    assert abs(float(crop[4:-4, 4:-4].mean()) - 127.5) < 3
    assert float(crop[4:-4, 4:-4].std()) < 12


def test_outside_of_the_frame_is_the_border_value() -> None:
    image = np.full((20, 20, 3), 200, np.uint8)
    crop = align.warp(image, align.square_crop(np.array([[-40.0, -40.0]]), np.array([20.0]), np.zeros(1), 16)[0], 16, border=7)
    assert (crop == 7).all()
