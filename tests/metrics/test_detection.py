"""Detection worked by hand, and WIDER FACE against the published procedure written out as plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.metrics.detection import box_ap, match, mean_box_ap
from mien.metrics.wider import pixel_iou, wider_ap

quick = settings(deadline=None, max_examples=25)
A, B, C = [0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]
NOWHERE = [100, 100, 110, 110]
HALF = [0, 0, 10, 5]  # overlap 0.5 with A


def test_ap_worked_by_hand() -> None:
    # right, wrong, right, wrong, right over 4 boxes: precision 1, 1/2, 2/3, 2/4, 3/5 at recall 1/4, 1/4, 2/4, 2/4, 3/4
    truth = [[A, B], [A, C]]
    found = [
        [[*A, 0.9], [*NOWHERE, 0.8], [*B, 0.7]],
        [[*NOWHERE, 0.6], [*A, 0.5]],
    ]
    assert box_ap(truth, found) == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    # recalls 0, .01 .. 1: 26 points up to 0.25, 25 up to 0.5, 25 up to 0.75, the other 25 are not reached
    assert box_ap(truth, found, points=101) == pytest.approx((26 * 1 + 25 * 2 / 3 + 25 * 3 / 5) / 101)
    # recalls 0, .1 .. 1: 3 points, 3 (0.3, 0.4, 0.5), 2 (0.6, 0.7)
    assert box_ap(truth, found, points=11) == pytest.approx((3 * 1 + 3 * 2 / 3 + 2 * 3 / 5) / 11)


def test_precision_that_rises_again_is_raised_before_it_too() -> None:
    # wrong, right, right: precision 0, 1/2, 2/3, so 2/3 at both recalls
    found = [[[*NOWHERE, 0.9], [*A, 0.8], [*B, 0.7]]]
    assert box_ap([[A, B]], found) == pytest.approx(2 / 3)
    assert box_ap([[A, B]], found, points=101) == pytest.approx(2 / 3)


def test_a_second_detection_of_the_same_box_is_wrong() -> None:
    assert box_ap([[A, B]], [[[*A, 0.9], [*A, 0.8], [*B, 0.7]]]) == pytest.approx((1 + 2 / 3) / 2)


def test_a_taken_box_leaves_the_next_best_one() -> None:
    near = [2, 0, 12, 10]  # overlaps A by 8/12 and is itself a true box
    found = np.array([[*A, 0.9], [1, 0, 11, 10, 0.8]], float)
    assert match(np.array([A, near], float), found, 0.5, np.zeros(2, bool)).tolist() == [1, 1]


def test_ignored_boxes_neither_help_nor_hurt() -> None:
    truth, found = [[A, B]], [[[*B, 0.9], [*B, 0.85], [*A, 0.8]]]
    assert box_ap(truth, found, ignore=[[0, 1]]) == 1
    assert box_ap(truth, found, ignore=[[0, 0]]) == pytest.approx((1 + 2 / 3) / 2)
    assert np.isnan(box_ap(truth, found, ignore=[[1, 1]]))


def test_the_overlap_asked_for_decides() -> None:
    assert box_ap([[A]], [[[*HALF, 0.9]]], 0.5) == 1
    assert box_ap([[A]], [[[*HALF, 0.9]]], 0.51) == 0
    # 0.5 only, of 10 overlaps; and half of the classes
    assert mean_box_ap({"face": ([[A]], [[[*HALF, 0.9]]])}) == pytest.approx(0.1)
    assert mean_box_ap({"face": ([[A]], [[[*A, 0.9]]]), "hand": ([[A]], [[]])}) == pytest.approx(0.5)
    assert mean_box_ap({"face": ([[A]], [[[*A, 0.9]]]), "none": ([[]], [[]])}) == pytest.approx(1)


def test_empty_sets() -> None:
    assert np.isnan(box_ap([[], []], [[], [[*A, 0.9]]]))
    assert np.isnan(box_ap([], []))
    assert box_ap([[A]], [[]]) == 0
    assert box_ap([[A]], [[]], points=101) == 0
    assert np.isnan(mean_box_ap({}))


def test_equal_scores_enter_together_so_the_order_of_pictures_does_not_matter() -> None:
    truth, found = [[A], []], [[[*A, 0.5]], [[*A, 0.5]]]
    assert box_ap(truth, found) == box_ap(truth[::-1], found[::-1]) == 0.5


def scene(seed: int, pictures: int = 12) -> tuple[list[np.ndarray], list[np.ndarray], dict[str, list[np.ndarray]]]:
    """Faces, shifted detections of most of them, some doubled, some false; subsets by chance."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for _ in range(pictures):
        corner, size = rng.uniform(0, 300, (rng.integers(0, 7), 2)), rng.uniform(10, 60, (1, 2))
        boxes = np.round(np.concatenate([corner, corner + size], 1))
        sure = np.concatenate([boxes[rng.random(len(boxes)) < 0.8], boxes[rng.random(len(boxes)) < 0.3]])
        false = rng.uniform(0, 300, (rng.integers(0, 4), 2))
        loose = np.concatenate([sure + rng.normal(0, 4, sure.shape), np.concatenate([false, false + 30], 1)])
        loose[:, 2:] = np.maximum(loose[:, 2:], loose[:, :2] + 1)
        # six digits, so that no score stands on a threshold by accident of rounding
        found.append(np.column_stack([loose, np.round(rng.uniform(0.02, 0.99, len(loose)), 6)]))
        truth.append(boxes)
    subsets = {name: [rng.random(len(t)) < share for t in truth] for name, share in (("easy", 0.3), ("hard", 0.9))}
    return truth, found, subsets


@quick
@given(st.integers(0, 1000))
def test_order_scale_and_rising_functions_of_the_score_do_not_matter(seed: int) -> None:
    truth, found, subsets = scene(seed, 5)
    order = np.random.default_rng(seed).permutation(5)
    mixed = [np.random.default_rng(seed).permutation(f) for f in found]
    bent = [np.column_stack([7 * f[:, :4], np.exp(f[:, 4])]) for f in found]
    value = box_ap(truth, found)
    assert box_ap([truth[i] for i in order], [mixed[i] for i in order]) == pytest.approx(value, nan_ok=True)
    assert box_ap([7 * t for t in truth], bent) == pytest.approx(value, nan_ok=True)
    wide = wider_ap(truth, found, subsets)
    moved = {name: [kept[i] for i in order] for name, kept in subsets.items()}
    assert wider_ap([truth[i] for i in order], [mixed[i] for i in order], moved) == pytest.approx(wide, nan_ok=True)
    # the scores are stretched to 0 .. 1, so unit and offset do not matter (powers of two keep the floats exact)
    lifted = [np.column_stack([f[:, :4], 4 * f[:, 4]]) for f in found]
    assert wider_ap(truth, lifted, subsets) == pytest.approx(wide, nan_ok=True)


def overlap_in_pixels(a: np.ndarray, b: np.ndarray) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    size = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return width * height / (sum(size) - width * height)


def as_published(truth: list[np.ndarray], found: list[np.ndarray], kept: list[np.ndarray]) -> float:
    """Detection by detection and threshold by threshold, as the evaluation tools of the benchmark do it."""
    scores = np.concatenate([f[:, 4] for f in found])
    steps, curve, faces = 1000, np.zeros((1000, 2)), 0
    for boxes, raw, keep in zip(truth, found, kept):
        faces += int(keep.sum())
        ranked = raw[np.argsort(-raw[:, 4], kind="stable")]
        if not len(boxes) or not len(ranked):
            continue
        state, counts, hits = np.zeros(len(boxes)), np.ones(len(ranked)), np.zeros(len(ranked))
        for h, detection in enumerate(ranked):
            overlaps = [overlap_in_pixels(detection, box) for box in boxes]
            best = int(np.argmax(overlaps))
            if overlaps[best] >= 0.5:
                if not keep[best]:
                    counts[h] = 0
                else:
                    state[best] = 1
            hits[h] = state.sum()
        normal = (ranked[:, 4] - scores.min()) / (scores.max() - scores.min())
        for t in range(steps):
            reached = np.flatnonzero(normal >= 1 - (t + 1) / steps)
            if len(reached):
                curve[t] += counts[: reached[-1] + 1].sum(), hits[reached[-1]]
    recall = [0.0, *(curve[:, 1] / faces), 1.0]
    precision = [0.0, *(found / proposed if proposed else 0.0 for proposed, found in curve), 0.0]
    for i in range(len(precision) - 1, 0, -1):
        precision[i - 1] = max(precision[i - 1], precision[i])
    return sum((recall[i + 1] - recall[i]) * precision[i + 1] for i in range(len(recall) - 1))


@pytest.mark.parametrize("seed", range(4))
def test_wider_agrees_with_the_published_procedure(seed: int) -> None:
    truth, found, subsets = scene(seed)
    value = wider_ap(truth, found, subsets)
    for name, kept in subsets.items():
        assert 0.1 < value[name] < 1
        assert value[name] == pytest.approx(as_published(truth, found, kept), abs=1e-12)


def test_wider_worked_by_hand() -> None:
    # best first: A right, nothing wrong, C belongs to the other subset and does not count, A again wrong, B right
    truth = [[A, B, C]]
    found = [[[*A, 1.0], [*NOWHERE, 0.9], [*C, 0.8], [*A, 0.7], [*B, 0.0]]]
    assert wider_ap(truth, found, {"easy": [[1, 1, 0]]})["easy"] == pytest.approx((1 + 2 / 4) / 2)
    assert wider_ap(truth, found, {"hard": [[1, 1, 1]]})["hard"] == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)


def test_wider_reads_the_curve_at_a_thousand_thresholds_only() -> None:
    # after stretching, 0.50000 and 0.50002 lie between the same two thresholds: the wrong one enters with the right one
    found = [[[*A, 1.0], [*NOWHERE, 0.50002], [*B, 0.5], [*NOWHERE, 0.0]]]
    fine = [[[*A, 1.0], [*NOWHERE, 0.5], [*B, 0.50002], [*NOWHERE, 0.0]]]
    kept = {"all": [[1, 1]]}
    assert wider_ap([[A, B]], found, kept)["all"] == pytest.approx(wider_ap([[A, B]], fine, kept)["all"])
    assert wider_ap([[A, B]], found, kept)["all"] == pytest.approx((1 + 2 / 3) / 2)


def test_wider_counts_whole_pixels() -> None:
    # 10 of 20 columns by continuous measure is 0.5 - and 11 of 21 pixels; one less is 10 of 21 pixels, below one half
    wide, part, less = np.array([[0.0, 0, 20, 0]]), np.array([[0.0, 0, 10, 0]]), np.array([[0.0, 0, 9, 0]])
    assert pixel_iou(part, wide)[0, 0] == pytest.approx(11 / 21)
    assert pixel_iou(less, wide)[0, 0] == pytest.approx(10 / 21)
    assert wider_ap([wide], [np.c_[part, 0.5]], {"all": [[1]]}) == {"all": 1}
    assert wider_ap([wide], [np.c_[less, 0.5]], {"all": [[1]]}) == {"all": 0}


def test_wider_without_boxes_or_detections() -> None:
    assert np.isnan(wider_ap([[A]], [[[*A, 0.5]]], {"easy": [[0]]})["easy"])
    assert wider_ap([[A]], [[]], {"easy": [[1]]}) == {"easy": 0}
    # a picture without a true box is left out with its detections
    assert wider_ap([[A], []], [[[*A, 0.5]], [[*A, 0.9]]], {"easy": [[1], []]}) == {"easy": 1}
