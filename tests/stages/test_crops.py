"""Known points of a face land where each kind of crop says."""

from __future__ import annotations

import numpy as np
import pytest

from mien.cards import CROPS
from mien.errors import InputError
from mien.geometry import align
from mien.stages.crops import ARCFACE, FACE, FER2013, crop_transforms, crops
from mien.stages.mesh import OUTER_LEFT, OUTER_RIGHT
from mien.types import Faces

from .faces import posed

BOXES = np.array([[10, 20, 50, 100], [100, 40, 160, 70]], np.float32)
ROLL = 0.4


def boxed(**more: object) -> Faces:
    return Faces(BOXES[: len(next(iter(more.values()))) if more else 2], np.ones(1 if more else 2, np.float32), **more)


def meshed() -> Faces:
    return boxed(mesh=posed((0, 0, ROLL), (220, 180), 9.0))


@pytest.mark.parametrize(("kind", "share"), [("box", 1.0), ("wide", 1.3)])
def test_a_box_lies_in_the_middle_of_its_square(kind: str, share: float) -> None:
    found = align.apply(crop_transforms(boxed(), kind, 40), BOXES.reshape(2, 2, 2))
    assert found.mean(1) == pytest.approx(np.full((2, 2), 19.5), abs=1e-4)
    # the longer side fills its share of the crop, the shorter one keeps its ratio
    assert found[0, 1] - found[0, 0] == pytest.approx(np.array([20, 40]) / share, abs=1e-4)
    assert found[1, 1] - found[1, 0] == pytest.approx(np.array([40, 20]) / share, abs=1e-4)


@pytest.mark.parametrize("size", [112, 56, 224])
def test_five_points_land_on_the_template(size: int) -> None:
    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    points = (ARCFACE @ turn.T * 2.5 + [30, -12]).astype(np.float32)
    found = align.apply(crop_transforms(boxed(landmarks=points[None]), "arcface", size), points[None])[0]
    # measured from the corner of the picture, not from the middle of its first pixel
    assert (found + 0.5) / size == pytest.approx((ARCFACE + 0.5) / 112, abs=1e-4)


def in_crop(kind: str, size: int) -> np.ndarray:
    faces = meshed()
    return align.apply(crop_transforms(faces, kind, size), faces.mesh)[0]


@pytest.mark.parametrize("kind", ["face", "fer2013"])
def test_the_mesh_stands_upright(kind: str) -> None:
    faces = meshed()
    line = faces.mesh[0, OUTER_LEFT, :2] - faces.mesh[0, OUTER_RIGHT, :2]
    assert abs(line[1]) > 20  # it did not before
    found = in_crop(kind, 96)
    assert found[OUTER_LEFT, 1] == pytest.approx(found[OUTER_RIGHT, 1], abs=0.01)
    assert found[OUTER_LEFT, 0] > found[OUTER_RIGHT, 0]


def test_the_face_fills_its_crop() -> None:
    found = in_crop("face", 96)[:, :2]
    assert (found.max(0) + found.min(0)) / 2 == pytest.approx([47.5, 47.5], abs=0.01)
    assert np.ptp(found, 0).max() == pytest.approx(96 / FACE, rel=1e-4)


@pytest.mark.parametrize("size", [48, 64])
def test_the_face_lies_as_in_fer2013(size: int) -> None:
    found = in_crop("fer2013", size)[:, :2]
    x, y, long = FER2013
    assert (found.max(0) + found.min(0)) / 2 + 0.5 == pytest.approx([x * size, y * size], abs=0.01)
    assert np.ptp(found, 0).max() == pytest.approx(long * size, rel=1e-4)


def test_pixels_follow_the_transform() -> None:
    image = np.zeros((120, 200, 3), np.uint8)
    image[40:71, 100:161] = (200, 10, 30)
    found = crops(image, boxed(), "box", 20)
    assert found.shape == (2, 20, 20, 3)
    assert not found[0].any()
    assert found[1, 10, 10].tolist() == [200, 10, 30]
    assert not found[1, 2].any()


@pytest.mark.parametrize("kind", CROPS)
def test_no_faces_no_crops(kind: str) -> None:
    none = Faces.none().with_(mesh=np.zeros((0, 478, 3), np.float32), landmarks=np.zeros((0, 5, 2), np.float32))
    assert crops(np.zeros((9, 9, 3), np.uint8), none, kind, 24).shape == (0, 24, 24, 3)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("head", "unknown crop 'head'"),
        ("arcface", "without five landmarks"),
        ("face", "without mesh"),
        ("fer2013", "without mesh"),
    ],
)
def test_what_is_missing_is_said(kind: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        crop_transforms(boxed(), kind, 48)
