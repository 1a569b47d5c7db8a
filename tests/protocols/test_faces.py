"""Faces with expressions: rows of single faces become pictures, and the figures are those worked by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mien.datasets.sample import Category, Sample, Truth, Values
from mien.errors import InputError
from mien.labels import FER_7
from mien.metrics.detection import class_box_ap, given_rows
from mien.protocols import judge, protocol, targets
from mien.protocols.measures import metric
from mien.protocols.parts import pictures

ENTRY = protocol("expw/detect")
NAN = float("nan")
A, B, C = [0.0, 0, 10, 10], [20.0, 0, 30, 10], [40.0, 0, 50, 10]


def blank() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.zeros((50, 100, 3), np.uint8)


def other() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.zeros((10, 10, 3), np.uint8)


def face(image: Any, name: str, box: list[float] | None, kind: int | None) -> Sample:
    boxes = None if box is None else np.array([box])
    return Sample(name, image, truth=Truth(None if kind is None else Category(kind, FER_7), boxes=boxes), clip=name[0])


def test_faces_of_one_picture_are_joined() -> None:
    rows = [face(blank, "a1", A, 3), face(other, "b1", [0.0, 0, 5, 10], 0), face(blank, "a2", B, 6), face(blank, "a3", C, None)]
    found = pictures(ENTRY, rows)
    assert [(sample.id, sample.clip) for sample in found] == [("a1", "a"), ("b1", "b")]
    truth = targets(ENTRY, found)
    assert truth.shape == (2, 3, 5)
    # shares of 100 x 50 pixels; a face that nobody named has no class, a face that is not there is no row
    wanted = np.array([[0, 0, 0.1, 0.2, 3], [0.2, 0, 0.3, 0.2, 6], [0.4, 0, 0.5, 0.2, NAN]])
    assert np.allclose(truth[0], wanted, equal_nan=True)
    assert np.allclose(truth[1], np.array([[0, 0, 0.5, 1, 0], [NAN] * 5, [NAN] * 5]), equal_nan=True)
    # joined again they are the same
    assert np.array_equal(targets(ENTRY, found[:1])[0], truth[0], equal_nan=True)


def test_classes_that_do_not_count_and_classes_that_are_merged() -> None:
    rows = pictures(ENTRY, [face(blank, "a1", A, 3), face(blank, "a2", B, 6)])
    few = replace(ENTRY, classes=("neutral", "anger"))
    assert np.array_equal(targets(few, rows)[0, :, 4], [NAN, 0], equal_nan=True)
    joined = replace(ENTRY, classes=("anger", "happiness"), merge={"neutral": "anger"})
    assert targets(joined, rows)[0, :, 4].tolist() == [1, 0]


def test_samples_that_were_not_joined_are_refused() -> None:
    with pytest.raises(InputError, match="no boxes with classes"):
        targets(ENTRY, [face(blank, "a1", A, 3)])
    values = Values(np.eye(7)[:1], FER_7)
    without = Sample("clip", truth=Truth(boxes=np.array([A]), box_values=values))
    with pytest.raises(InputError, match="no boxes with classes"):
        targets(ENTRY, [without])


def test_figures_by_hand() -> None:
    # class 3: one of two found, after a wrong one; class 6: found; class 0: does not occur, but is answered
    truth = [np.array([[*A, 3], [*B, 3]]), np.array([[*A, 6], [NAN] * 5])]
    found = [np.array([[*C, 0.9, 3], [*A, 0.8, 3], [*B, 0.7, 0]]), np.array([[*A, 0.6, 6], [NAN] * 6, [NAN] * 6])]
    assert class_box_ap(given_rows(truth), given_rows(found)) == {3: 0.25, 6: 1.0}
    entry = replace(ENTRY, metrics=("mAP(IoU=0.5)", "face AP(IoU=0.5)", "AP happiness(IoU=0.5)", "AP fear(IoU=0.5)"))
    table = judge(entry, truth, {"boxes": found})  # type: ignore[arg-type]
    # without classes: wrong, right, right, right over three faces
    assert [row.value for row in table.rows[:3]] == pytest.approx([0.625, 0.75, 0.25])
    assert [row.n for row in table.rows] == [3, 3, 2, 0]
    assert [row.constant for row in table.rows[:3]] == [0, 0, 0]
    assert np.isnan([table.rows[3].value, table.rows[3].constant]).all()


def test_a_face_without_class_neither_helps_nor_hurts() -> None:
    truth, found = [np.array([[*A, 3], [*B, NAN]])], [np.array([[*B, 0.9, 3], [*A, 0.8, 3]])]
    assert class_box_ap(truth, found) == {3: 1.0}
    assert class_box_ap(truth, [found[0][1:]]) == {3: 1.0}
    assert class_box_ap([np.array([[*A, 3], [*B, 5]])], found) == {3: 0.5, 5: 0.0}


def test_the_overlap_asked_for_decides() -> None:
    truth, half = np.array([[[*A, 3]]]), np.array([[[0.0, 0, 10, 5, 0.9, 3]]])
    for iou, value in ((0.5, 1), (0.6, 0)):
        assert judge(replace(ENTRY, metrics=(f"mAP(IoU={iou})",)), truth, {"boxes": half}).rows[0].value == value


@pytest.mark.parametrize("word", ["mAP", "mAP(0.5, IoU=0.5)", "mAP(IoU=2)", "mAP(IoU=much)", "AP(overlap=0.5)"])
def test_words_that_do_not_say_the_overlap_are_refused(word: str) -> None:
    with pytest.raises(InputError):
        metric("faces", word, FER_7.names)


def test_another_number_of_pictures_is_refused() -> None:
    with pytest.raises(InputError, match="2 pictures with truth, 1 with detections"):
        judge(ENTRY, np.full((2, 1, 5), NAN), {"boxes": np.full((1, 1, 6), NAN)})
