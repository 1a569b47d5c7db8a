"""Pose and gaze against faces whose angles are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.geometry import mesh as points
from mien.runtime.models import face_data
from mien.stages import pose

from .faces import posed


@settings(deadline=None, max_examples=40)
@given(st.floats(-1, 1), st.floats(-1.2, 1.2), st.floats(-2.5, 2.5))
def test_pose_of_a_turned_canonical_face(pitch: float, yaw: float, roll: float) -> None:
    angles, _ = pose.pose_and_gaze(posed((pitch, yaw, roll), scale=7.3))
    np.testing.assert_allclose(angles[0], [pitch, yaw, roll], atol=1e-3)


def test_a_mouth_that_opens_hardly_moves_the_pose() -> None:
    mesh = posed((0.1, 0.2, 0))
    chin = face_data()["canonical"][:, 1] > 4
    mesh[:, chin, 1] += 12  # 1.2 cm
    angles, _ = pose.pose_and_gaze(mesh)
    np.testing.assert_allclose(angles[0], [0.1, 0.2, 0], atol=0.05)


@pytest.mark.parametrize(("dx", "dy", "axis", "sign"), [(0.3, 0, 1, 1), (-0.3, 0, 1, -1), (0, -0.25, 0, 1), (0, 0.25, 0, -1)])
def test_gaze_follows_the_irises(dx: float, dy: float, axis: int, sign: int) -> None:
    mesh = posed()
    _, before = pose.pose_and_gaze(mesh)
    mesh[:, 468:, 0] += 10 * dx
    mesh[:, 468:, 1] += 10 * dy
    _, after = pose.pose_and_gaze(mesh)
    assert sign * (after[0, axis] - before[0, axis]) > 0.1
    assert abs(after[0, 1 - axis] - before[0, 1 - axis]) < 0.03


def test_gaze_turns_with_the_head() -> None:
    straight = pose.pose_and_gaze(posed())[1][0]
    turned = pose.pose_and_gaze(posed((0, 0.4, 0)))[1][0]
    assert turned[1] - straight[1] == pytest.approx(0.4, abs=0.02)


def test_closed_eyes_have_no_gaze() -> None:
    mesh = posed()
    for upper, lower in ((159, 145), (386, 374)):
        mesh[:, upper] = mesh[:, lower]
    assert np.isnan(pose.pose_and_gaze(mesh)[1]).all()


def test_a_missing_mesh_gives_nan_and_leaves_the_others() -> None:
    mesh = np.concatenate([posed((0, 0.3, 0)), np.full((1, 478, 3), np.nan, np.float32)])
    angles, gaze = pose.pose_and_gaze(mesh)
    assert np.isnan(angles[1]).all()
    assert np.isnan(gaze[1]).all()
    assert angles[0, 1] == pytest.approx(0.3, abs=1e-3)


def test_the_canonical_face_is_its_own_mirror_image() -> None:
    data = face_data()
    face, mirror = data["canonical"], data["mirror"]
    np.testing.assert_allclose((face * [-1, 1, 1])[mirror], face, atol=1e-4)
    assert (mirror[mirror] == np.arange(478)).all()
    # the person's right eye lies to the left of the picture
    assert face[points.RIGHT_PUPIL, 0] < 0 < face[points.LEFT_PUPIL, 0]
    assert np.linalg.norm(face[points.RIGHT_PUPIL] - face[points.LEFT_PUPIL]) == pytest.approx(6.3, abs=1e-3)


def test_head_frame_undoes_pose_scale_and_place() -> None:
    data = face_data()
    front, _, scale = points.head_frame(posed((0.3, -0.5, 0.7), (50, 900), 23), data["canonical"], data["rigidity"])
    np.testing.assert_allclose(front[0], data["canonical"], atol=2e-3)
    assert scale[0] == pytest.approx(23, rel=1e-4)
