"""The mesh stage around a network that always answers with the same points in its crop."""

from __future__ import annotations

import numpy as np
import pytest

from mien.geometry import align
from mien.stages import mesh
from mien.types import Faces

SHAPE = np.random.default_rng(3).normal(0, 1, (478, 3)).astype(np.float32)
SHAPE[mesh.OUTER_RIGHT, :2], SHAPE[mesh.OUTER_LEFT, :2] = (-0.6, -0.2), (0.6, -0.2)
SHAPE = (SHAPE - (SHAPE.min(0) + SHAPE.max(0)) / 2) / np.ptp(SHAPE[:, :2], axis=0).max()  # longer side 1, centred


class Fixed:
    """A network for which the face fills 1 / CROP_SCALE of the crop, ``off`` crop sides beside its middle."""

    def __init__(self, off: float) -> None:
        self.off, self.asked = off, []

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        count = len(inputs["image"])
        self.asked.append(count)
        points = np.repeat((SHAPE / mesh.CROP_SCALE)[None], count, 0)
        points[..., :2] += (mesh.SIZE - 1) / 2 / mesh.SIZE  # the middle, where pixel centres are whole numbers
        points[..., 0] += self.off
        return {"points": points, "presence": np.full(count, 4.0, np.float32), "tongue": np.full(count, -4.0, np.float32)}


def faces(count: int) -> Faces:
    box = np.array([[20 + 3 * k, 30, 120 + 3 * k, 130] for k in range(count)], np.float32)
    five = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
    return Faces(box, np.ones(count, np.float32), box[:, None, :2] + five * 100)


@pytest.fixture
def picture() -> np.ndarray:
    return np.zeros((200, 240, 3), np.uint8)


def test_a_face_that_lies_as_expected_is_fitted_once(picture: np.ndarray) -> None:
    network = Fixed(0.0)
    fit = mesh.Mesh(network).fit(picture, faces(3))
    assert network.asked == [3]
    dx, dy, ratio = mesh.BOX_TO_MESH
    span = np.ptp(fit.mesh[0, :, :2], axis=0).max()
    assert span == pytest.approx(100 * ratio, rel=1e-3)
    middle = (fit.mesh[0, :, :2].min(0) + fit.mesh[0, :, :2].max(0)) / 2
    assert middle == pytest.approx([70 + 100 * dx, 80 + 100 * dy], abs=0.1)


def test_a_face_that_lies_elsewhere_is_fitted_again_from_there(picture: np.ndarray) -> None:
    network = Fixed(0.1)
    once, twice = mesh.Mesh(network, passes=1).fit(picture, faces(2)), mesh.Mesh(network).fit(picture, faces(2))
    assert network.asked == [2, 2, 2]
    side = 100 * mesh.BOX_TO_MESH[2] * mesh.CROP_SCALE
    assert (twice.mesh - once.mesh)[..., 0] == pytest.approx(0.1 * side, abs=0.05)


def test_moved_is_the_gap_of_the_corners_in_sides_of_the_crop() -> None:
    square = align.square_crop(np.array([[50.0, 50.0], [50, 50]]), np.array([40.0, 40]), np.zeros(2), mesh.SIZE)
    beside = align.square_crop(np.array([[54.0, 50.0], [50, 50]]), np.array([40.0, 40]), np.zeros(2), mesh.SIZE)
    assert mesh.moved(square, beside) == pytest.approx([0.1, 0.0], abs=1e-5)


def test_faces_are_replaced_in_order() -> None:
    a, b = (mesh.Fit(np.full((n, 478, 3), v, np.float32), np.full(n, v), np.full(n, v)) for n, v in ((3, 0.0), (2, 1.0)))
    mixed = a.replaced(np.array([2, 0]), b)
    assert mixed.presence.tolist() == [1, 0, 1]
    assert a.presence.tolist() == [0, 0, 0]


class Upright:
    """A network that is sure only of crops in which the bright side of the picture is on top."""

    def __init__(self) -> None:
        self.calls = 0

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.calls += 1
        x = inputs["image"]
        sure = x[:, :, :40].mean((1, 2, 3)) - x[:, :, -40:].mean((1, 2, 3))
        points = np.repeat((SHAPE / mesh.CROP_SCALE)[None], len(x), 0)
        points[..., :2] += (mesh.SIZE - 1) / 2 / mesh.SIZE
        return {"points": points, "presence": (6 * sure).astype(np.float32), "tongue": np.zeros(len(x), np.float32)}


@pytest.mark.parametrize("quarter", range(4))
def test_a_face_that_is_not_upright_is_found_by_quarter_turns(quarter: int) -> None:
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[:100] = 255
    box = np.array([[50, 50, 150, 150]], np.float32)
    five = np.array([[[80, 90], [120, 90], [100, 100], [85, 120], [115, 120]]], np.float32)
    face = Faces(box, np.ones(1, np.float32), five)
    turned = np.ascontiguousarray(np.rot90(picture, quarter))
    network = Upright()
    fit = mesh.Mesh(network, turned=True).fit(turned, face)
    eyes = fit.mesh[0, mesh.OUTER_LEFT, :2] - fit.mesh[0, mesh.OUTER_RIGHT, :2]
    # rot90 turns the picture against the clock
    wanted = [(1, 0), (0, -1), (-1, 0), (0, 1)][quarter]
    assert eyes / np.linalg.norm(eyes) == pytest.approx(wanted, abs=0.05)
    assert network.calls == (1 if quarter == 0 else 4)
