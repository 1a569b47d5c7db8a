"""Piecewise-affine warps and the regions drawn on landmarks."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from mien.attribution import ekman
from mien.attribution.warp import anchors, triangulate, warp_map
from mien.errors import InputError

H, W = ekman.HEIGHT, ekman.WIDTH
POINTS = anchors(ekman.LANDMARKS, H, W)


def soft(seed: int = 0) -> np.ndarray:
    """A map without sharp edges."""
    y, x = np.mgrid[:H, :W]
    a, b, c = np.random.default_rng(seed).uniform(0.01, 0.05, 3)
    return (np.sin(a * x + b * y) + np.cos(c * x)).astype(np.float32) + 2


def test_a_face_on_the_common_landmarks_stays_as_it_is() -> None:
    assert warp_map(soft(), POINTS, POINTS, H, W) == pytest.approx(soft(), abs=1e-5)


def test_an_affine_move_of_all_points_is_that_affine_move() -> None:
    source = POINTS * np.float32(0.5)
    y, x = np.mgrid[:H, :W].astype(np.float32)
    found = warp_map(2 * x + 3 * y, source, POINTS, H, W)
    wanted = 2 * x * 0.5 + 3 * y * 0.5
    assert found == pytest.approx(wanted, abs=0.1)  # remap knows 1/32 of a pixel


def test_a_mirrored_face_gives_the_mirrored_map() -> None:
    rng = np.random.default_rng(2)
    face = anchors(ekman.LANDMARKS + rng.normal(0, 3, (68, 2)), H, W)
    flip = np.array([-1, 1], np.float32), np.array([W - 1, 0], np.float32)
    found = warp_map(soft()[:, ::-1], face * flip[0] + flip[1], POINTS * flip[0] + flip[1], H, W)
    assert found[:, ::-1] == pytest.approx(warp_map(soft(), face, POINTS, H, W), abs=0.01)


def test_there_and_back_is_the_same_map() -> None:
    rng = np.random.default_rng(3)
    face = anchors(ekman.LANDMARKS + rng.normal(0, 1, (68, 2)), H, W)
    # the same triangles have to be used both ways, which landmarks this near to the common ones mostly give
    back = warp_map(warp_map(soft(), face, POINTS, H, W), POINTS, face, H, W)
    assert np.abs(back - soft()).mean() < 0.02


def test_landmarks_move_onto_the_common_ones() -> None:
    rng = np.random.default_rng(4)
    marks = np.round(ekman.LANDMARKS * 0.8 + 12 + rng.normal(0, 2, (68, 2)))
    for number in (9, 31, 49, 55):
        spot = np.zeros((300, 240), np.float32)
        x, y = marks[number - 1].astype(int)
        spot[y - 2 : y + 3, x - 2 : x + 3] = 1
        moved = warp_map(spot, anchors(marks, 300, 240), POINTS, H, W)
        wanted = ekman.LANDMARKS[number - 1].astype(int)
        assert moved[wanted[1], wanted[0]] == pytest.approx(1, abs=0.05)


def test_triangles_cover_the_picture_once_and_are_delaunay_s() -> None:
    triangles = triangulate(POINTS)
    corners = POINTS[triangles].astype(np.float64)
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    assert np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / 2 == pytest.approx((H - 1) * (W - 1))
    spatial = pytest.importorskip("scipy.spatial")
    assert len(triangles) == len(spatial.Delaunay(POINTS).simplices)


def test_points_at_one_place_and_too_few_of_them() -> None:
    square = np.array([[0, 0], [4, 0], [0, 4], [4, 4], [0, 0]], np.float32)
    assert sorted(set(triangulate(square).ravel().tolist())) == [0, 1, 2, 3]
    with pytest.raises(InputError, match="different points"):
        triangulate(np.zeros((5, 2), np.float32))
    with pytest.raises(InputError, match="landmarks"):
        anchors(np.full((68, 2), np.nan), H, W)
    with pytest.raises(InputError, match="points"):
        warp_map(np.zeros((4, 4)), square, square[:4], 4, 4)


def test_the_area_of_each_region() -> None:
    wanted = {"anger": 0.250, "disgust": 0.234, "fear": 0.300, "happiness": 0.214, "sadness": 0.309, "surprise": 0.237}
    assert {name: round(float(ekman.mask(name).mean()), 3) for name in ekman.EXPRESSIONS} == wanted


def test_the_regions_are_the_authors_masks_in_every_pixel() -> None:
    # SHA-256 of the bits of the six files in their repository, first 16 digits
    wanted = {
        "anger": "e6c1950c3730e842",
        "disgust": "2977948a5d10ddab",
        "fear": "19198989be3d8b54",
        "happiness": "bc0bd0ad2331a38f",
        "sadness": "fe92cfe75ecf626a",
        "surprise": "68832867bd33797c",
    }
    found = {name: hashlib.sha256(np.packbits(ekman.mask(name)).tobytes()).hexdigest()[:16] for name in ekman.EXPRESSIONS}
    assert found == wanted


def test_regions_hold_the_landmarks_that_their_expression_is_about() -> None:
    def inside(name: str, number: int) -> bool:
        x, y = ekman.LANDMARKS[number - 1].astype(int)
        return bool(ekman.mask(name)[y, x])

    assert inside("disgust", 31)  # the nose is wrinkled
    assert not inside("surprise", 31)
    assert inside("surprise", 9)  # the jaw drops
    assert not inside("sadness", 9)
    assert all(inside(name, 21) for name in ("anger", "fear", "sadness", "surprise"))  # brows
    assert not inside("happiness", 21)


def test_regions_follow_the_landmarks_and_others_are_unknown() -> None:
    moved = ekman.mask("disgust", ekman.LANDMARKS + [10, 0])
    assert (moved[:, 10:] == ekman.mask("disgust")[:, :-10]).all()
    with pytest.raises(InputError, match="contempt"):
        ekman.mask("contempt")
