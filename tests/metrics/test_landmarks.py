"""Landmark errors worked by hand, in their properties, and against numerical integration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid

from mien.metrics import landmarks as lm

NAN, INF = float("nan"), float("inf")
quick = settings(deadline=None, max_examples=25)


def face(count: int = 68, seed: int = 0, faces: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 100, (faces, count, 2))


def every_normaliser(points: np.ndarray) -> list[tuple[str, np.ndarray | None]]:
    boxes = np.concatenate([points.min(1), points.max(1) + [3, 5]], 1)
    return [(name, boxes if name.startswith("box") else None) for name in lm.NORMALISERS]


@pytest.mark.parametrize(("count", "right", "left"), [(68, 36, 45), (98, 60, 72), (29, 8, 9), (478, 33, 263)])
def test_inter_ocular_is_the_distance_of_the_outer_corners(count: int, right: int, left: int) -> None:
    points = face(count)
    expected = np.hypot(*(points[:, right] - points[:, left]).T)
    np.testing.assert_allclose(lm.normalising_length(points, "inter-ocular"), expected)


def test_inter_pupil_of_68_points_is_between_the_means_of_the_eyes() -> None:
    points = np.zeros((1, 68, 2))
    points[0, 36:42] = [[0, 0], [2, -1], [4, -1], [6, 0], [4, 1], [2, 1]]  # middle (3, 0)
    points[0, 42:48] = [[10, 0], [12, -1], [14, -1], [16, 0], [14, 1], [12, 1]]  # middle (13, 0)
    assert lm.normalising_length(points, "inter-pupil")[0] == pytest.approx(10)
    assert lm.normalising_length(points, "inter-ocular")[0] == pytest.approx(16)


def test_the_sizes_of_face_and_box() -> None:
    points = np.zeros((1, 5, 2))
    points[0, 0], points[0, 1] = [10, 20], [40, 60]  # with the zeros: 40 wide, 60 high
    assert lm.normalising_length(points, "face size")[0] == pytest.approx(np.sqrt(40 * 60))
    box = [[1, 1, 31, 41]]  # 30 wide, 40 high
    assert lm.normalising_length(points, "box diagonal", box)[0] == pytest.approx(50)
    assert lm.normalising_length(points, "box sqrt area", box)[0] == pytest.approx(np.sqrt(1200))


def test_nme_worked_by_hand() -> None:
    truth = np.array([[[0, 0], [10, 0], [5, 5], [2, 8], [8, 8]]], float)
    moved = truth + [[3, 4], [0, 0], [0, 1], [0, 0], [0, 0]]  # distances 5, 0, 1, 0, 0
    assert lm.nme(truth, moved, "inter-pupil")[0] == pytest.approx(6 / 5 / 10)


@quick
@given(st.integers(0, 1000), st.floats(0.1, 20), st.floats(-500, 500), st.floats(-3, 3))
def test_nme_does_not_see_scale_shift_and_turn(seed: int, scale: float, shift: float, turn: float) -> None:
    truth = face(seed=seed)
    predicted = truth + np.random.default_rng(seed + 1).normal(0, 3, truth.shape)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    for name in ("inter-ocular", "inter-pupil"):
        value = lm.nme(truth, predicted, name)
        np.testing.assert_allclose(lm.nme(truth @ linear.T + shift, predicted @ linear.T + shift, name), value, rtol=1e-6)
    for name, boxes in every_normaliser(truth):
        value = lm.nme(truth, predicted, name, boxes)
        bigger = None if boxes is None else boxes * scale + shift
        np.testing.assert_allclose(lm.nme(truth * scale + shift, predicted * scale + shift, name, bigger), value, rtol=1e-6)
        np.testing.assert_allclose(lm.nme(truth, truth + 2 * (predicted - truth), name, boxes), 2 * value)


def test_a_perfect_prediction_has_no_error() -> None:
    for name, boxes in every_normaliser(face()):
        assert lm.nme(face(), face(), name, boxes).tolist() == [0, 0, 0]


def test_points_nobody_labelled_are_left_out_and_points_not_found_are_infinitely_far() -> None:
    truth = np.array([[[0, 0], [10, 0], [5, 5], [2, 8], [8, 8]]] * 4, float)
    predicted = truth + [0, 1]
    truth[1, 2] = NAN  # one point less to judge
    predicted[2, 3, 0] = NAN  # not found
    truth[3, 0] = NAN  # no pupil to divide by
    value = lm.nme(truth, predicted, "inter-pupil")
    np.testing.assert_allclose(value, [0.1, 0.1, INF, NAN])
    truth[0] = NAN
    assert np.isnan(lm.nme(truth, predicted, "face size")[0])
    assert np.isfinite(lm.nme(truth, predicted, "face size")[3])


def test_a_face_without_size_cannot_be_judged() -> None:
    assert np.isnan(lm.nme(np.zeros((1, 5, 2)), np.ones((1, 5, 2)), "face size")).all()
    assert lm.nme(np.zeros((0, 5, 2)), np.zeros((0, 5, 2)), "face size").shape == (0,)


def test_three_dimensions_count_in_distance_and_eyes_and_not_in_boxes() -> None:
    truth = np.zeros((1, 5, 3))
    truth[0, 1] = [2, 3, 6]
    predicted = truth + [0, 0, 1]
    assert lm.nme(truth, predicted, "inter-pupil")[0] == pytest.approx(1 / 7)
    assert lm.nme(truth, predicted, "face size")[0] == pytest.approx(1 / np.sqrt(6))


@pytest.mark.parametrize("threshold", [0.05, 0.08, 0.1])
def test_the_area_of_the_curve_agrees_with_integrating_it(threshold: float) -> None:
    errors = np.r_[np.random.default_rng(0).gamma(4, 0.015, 200), INF]
    at = np.linspace(0, threshold, 40_001)
    curve = lm.error_curve(errors, at)
    assert lm.curve_auc(errors, threshold) == pytest.approx(trapezoid(curve, at) / threshold, abs=1e-5)
    assert lm.failure_rate(errors, threshold) == pytest.approx(1 - curve[-1])


@quick
@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=20), st.floats(0.01, 0.2), st.floats(0.1, 10))
def test_curves_depend_on_errors_over_threshold_only(errors: list[float], threshold: float, scale: float) -> None:
    scaled = [scale * e for e in errors]
    assert lm.curve_auc(scaled, scale * threshold) == pytest.approx(lm.curve_auc(errors, threshold))
    assert lm.curve_auc(errors[::-1], threshold) == pytest.approx(lm.curve_auc(errors, threshold))
    assert lm.curve_auc(errors, threshold) <= 1 - lm.failure_rate(errors, threshold) + 1e-12


def test_failures_worked_by_hand() -> None:
    # an error at the threshold is none; not found is one; not to be judged is left out
    errors = [0.02, 0.08, 0.081, INF, NAN]
    assert lm.failure_rate(errors, 0.08) == 0.5
    assert lm.curve_auc(errors, 0.08) == pytest.approx((0.75 + 0 + 0 + 0) / 4)
    assert lm.error_curve(errors, [0, 0.02, 1]).tolist() == [0, 0.25, 0.75]


def test_no_errors_at_all() -> None:
    assert np.isnan(lm.failure_rate([], 0.1))
    assert np.isnan(lm.curve_auc([NAN], 0.1))
    assert np.isnan(lm.error_curve([], [0.1])).all()
    assert lm.curve_auc([0, 0], 0.1) == 1
