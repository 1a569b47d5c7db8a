"""Boxes against hand-worked cases and properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.geometry import boxes

corner = st.tuples(*[st.floats(-100, 100)] * 2, *[st.floats(0.5, 80)] * 2)


def box(values: tuple[float, float, float, float]) -> np.ndarray:
    x, y, w, h = values
    return np.array([[x, y, x + w, y + h]], np.float32)


def test_iou_of_a_hand_worked_pair() -> None:
    a, b = np.array([[0, 0, 4, 2]], np.float32), np.array([[2, 1, 6, 3]], np.float32)
    assert boxes.iou(a, b)[0, 0] == pytest.approx(2 / 14)


def test_iou_of_boxes_that_only_touch_is_zero() -> None:
    a = np.array([[0, 0, 4, 2]], np.float32)
    assert boxes.iou(a, a + [4, 0, 4, 0])[0, 0] == 0


@given(corner, corner)
def test_iou_is_symmetric_in_range_and_one_with_itself(a: tuple, b: tuple) -> None:
    p, q = box(a), box(b)
    value = boxes.iou(p, q)[0, 0]
    assert 0 <= value <= 1 + 1e-5
    assert value == pytest.approx(boxes.iou(q, p)[0, 0], abs=1e-5)
    assert boxes.iou(p, p)[0, 0] == pytest.approx(1, abs=1e-4)


@given(corner, corner, st.floats(0.1, 10))
def test_iou_does_not_change_with_scale(a: tuple, b: tuple, scale: float) -> None:
    p, q = box(a), box(b)
    assert boxes.iou(p * scale, q * scale)[0, 0] == pytest.approx(boxes.iou(p, q)[0, 0], abs=2e-3)


def test_nms_keeps_the_best_of_a_heap_and_everything_apart() -> None:
    heap = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [0, 1, 10, 11], [50, 50, 60, 60]], np.float32)
    assert boxes.nms(heap, np.array([0.5, 0.9, 0.7, 0.1], np.float32)).tolist() == [1, 3]


def test_nms_drops_a_box_inside_a_better_one_though_their_iou_is_small() -> None:
    pair = np.array([[0, 0, 100, 100], [30, 30, 60, 60]], np.float32)
    assert boxes.iou(pair[:1], pair[1:])[0, 0] < 0.1
    assert boxes.nms(pair, np.array([0.9, 0.8], np.float32)).tolist() == [0]


def test_inside_share_of_a_box_half_outside() -> None:
    half = np.array([[-5, 0, 5, 10], [2, 2, 4, 4], [100, 100, 110, 110]], np.float32)
    assert boxes.inside_share(half, 20, 20).tolist() == pytest.approx([0.5, 1.0, 0.0])


def test_from_points_ignores_depth() -> None:
    points = np.array([[[1, 2, 99], [5, -3, -99]]], np.float32)
    assert boxes.from_points(points).tolist() == [[1, -3, 5, 2]]


def test_very_many_boxes_are_thinned_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 100, (60, 2))
    found = np.concatenate([low, low + rng.uniform(5, 40, (60, 2))], 1).astype(np.float32)
    scores = rng.uniform(size=60).astype(np.float32)
    at_once = boxes.nms(found, scores)
    monkeypatch.setattr(boxes, "MANY", 1)
    assert boxes.nms(found, scores).tolist() == at_once.tolist()
    assert 3 < len(at_once) < 60
