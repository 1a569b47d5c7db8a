"""Angles and rotations: the sign table, inverses, Procrustes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.geometry import pose

angles = st.tuples(st.floats(-1.4, 1.4), st.floats(-3, 3), st.floats(-3, 3))


@given(angles)
def test_angles_are_the_inverse_of_matrix(values: tuple[float, float, float]) -> None:
    a = np.array([values], np.float32)
    np.testing.assert_allclose(pose.angles(pose.matrix(a)), a, atol=1e-4)


@given(angles)
def test_matrix_is_a_rotation(values: tuple[float, float, float]) -> None:
    m = pose.matrix(np.array([values], np.float32))[0].astype(float)
    np.testing.assert_allclose(m @ m.T, np.eye(3), atol=1e-5)
    assert np.linalg.det(m) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("values", "moved", "goes"),
    [
        ((0.3, 0, 0), (0, 0, -1), (0, -1, -1)),  # looking up, the nose points to smaller y
        ((0, 0.3, 0), (0, 0, -1), (1, 0, -1)),  # a positive yaw points to the right of the picture
        ((0, 0, 0.3), (1, 0, 0), (1, 1, 0)),  # a positive roll takes the right end of the eye line down
    ],
)
def test_sign_table(values: tuple, moved: tuple, goes: tuple) -> None:
    found = pose.matrix(np.array([values], np.float32))[0] @ np.array(moved, np.float32)
    assert np.sign(np.round(found, 3)).tolist() == list(goes)


def test_pose_and_gaze_mean_the_same_direction() -> None:
    forward = pose.matrix(np.array([[0.2, -0.5, 0.9]], np.float32))[0] @ [0, 0, -1]
    np.testing.assert_allclose(forward, pose.direction(np.array([[0.2, -0.5]], np.float32))[0], atol=1e-6)


@given(st.floats(-1.5, 1.5), st.floats(-3, 3))
def test_direction_and_back(pitch: float, yaw: float) -> None:
    a = np.array([[pitch, yaw]], np.float32)
    np.testing.assert_allclose(pose.pitch_yaw(5 * pose.direction(a)), a, atol=2e-3)


@given(angles, st.floats(0.1, 30))
def test_procrustes_finds_scale_rotation_and_shift(values: tuple, size: float) -> None:
    shape = np.random.default_rng(3).normal(0, 5, (30, 3))
    rotation = pose.matrix(np.array([values], np.float32))[0]
    seen = size * shape @ rotation.T + [100, 50, -7]
    scale, found, shift = pose.procrustes(seen[None], shape)
    assert scale[0] == pytest.approx(size, rel=1e-4)
    np.testing.assert_allclose(found[0], rotation, atol=1e-4)
    np.testing.assert_allclose(shift[0], [100, 50, -7], atol=1e-2)


def test_procrustes_never_mirrors_a_flat_or_mirrored_shape() -> None:
    shape = np.random.default_rng(4).normal(0, 5, (30, 3))
    _, found, _ = pose.procrustes((shape * [-1, 1, 1])[None], shape)
    assert np.linalg.det(found[0]) == pytest.approx(1, abs=1e-4)


def test_weights_decide_which_points_count() -> None:
    shape = np.random.default_rng(5).normal(0, 5, (40, 3))
    seen = shape.copy()
    seen[20:] += 30  # half of the face moved
    weights = np.r_[np.ones(20), np.zeros(20)]
    _, rotation, shift = pose.procrustes(seen[None], shape, weights)
    np.testing.assert_allclose(rotation[0], np.eye(3), atol=1e-5)
    np.testing.assert_allclose(shift[0], 0, atol=1e-4)
