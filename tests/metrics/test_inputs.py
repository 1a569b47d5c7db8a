"""What the metrics accept: one policy for NaN, one error for bad input."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mien.errors import InputError
from mien.metrics import (
    agreement,
    calibration,
    classification,
    concordance,
    detection,
    identification,
    inputs,
    landmarks,
    multilabel,
    ranking,
    spoofing,
    text,
    verification,
    wider,
)

NAN = float("nan")
points = np.zeros((2, 68, 2))
BAD: dict[str, tuple[Callable[[], object], str]] = {
    "classes, lengths": (lambda: classification.accuracy([0, 1], [0], 2), "truth has 2 rows, predicted has 1 rows"),
    "classes, label too high": (lambda: classification.uar([0, 2], [0, 1], 2), "whole numbers from 0 to 1"),
    "classes, label below 0": (lambda: classification.f1([0, 1], [0, -1], 2), "predicted holds the label -1"),
    "classes, half a label": (lambda: classification.recall([0, 0.5], [0, 1], 2), "label 0.5"),
    "classes, infinite label": (lambda: classification.recall([0, np.inf], [0, 1], 2), "label inf"),
    "classes, none": (lambda: classification.confusion([], [], 0), "classes is 0"),
    "classes, two dimensions": (lambda: classification.accuracy([[0]], [[0]], 1), "1 dimension"),
    "classes, names": (lambda: classification.accuracy(["anger"], ["anger"], 1), "no array of numbers"),
    "classes, ragged": (lambda: classification.accuracy([[0], [0, 1]], [0, 1], 2), "no array of numbers"),
    "kappa, weights": (lambda: agreement.cohen_kappa([0], [0], 2, "squared"), "unknown weights of kappa"),
    "alpha, level": (lambda: agreement.krippendorff_alpha([[1, 2]], "cardinal"), "unknown level"),
    "alpha, negative ratio": (lambda: agreement.krippendorff_alpha([[-1, 2], [1, 2]], "ratio"), "use level 'interval'"),
    "alpha, infinite": (lambda: agreement.krippendorff_alpha([[np.inf, 2], [1, 2]], "nominal"), "infinite"),
    "numbers, NaN prediction": (lambda: concordance.rmse([1, 2], [1, NAN]), "1 of 2 values are NaN or infinite"),
    "numbers, infinite truth": (lambda: concordance.mae([1, np.inf], [1, 2]), "truth: 1 of 2"),
    "numbers, lengths": (lambda: concordance.pcc([1, 2], [1]), "rows"),
    "ccc, ddof": (lambda: concordance.ccc([1], [1], ddof=2, aggregate="concatenated"), "ddof is 2"),
    "ccc, aggregate": (lambda: concordance.ccc([1], [1], ddof=0, aggregate="mean"), "unknown aggregate"),
    "ccc, no groups": (lambda: concordance.ccc([1], [1], ddof=0, aggregate="per group"), "groups are missing"),
    "ccc, groups in vain": (lambda: concordance.ccc([1], [1], ddof=0, aggregate="concatenated", groups=["a"]), "are given"),
    "groups, lengths": (lambda: concordance.per_group(concordance.mae, [1, 2], [1, 2], ["a"]), "groups has 1 rows"),
    "groups, dimensions": (lambda: concordance.per_group(concordance.mae, [1], [1], [["a"]]), "groups has shape"),
    "columns, shapes": (lambda: concordance.per_column(concordance.mae, [[1, 2]], [[1]]), "one shape"),
    "icc, one rater": (lambda: concordance.icc31([1, 2]), "two or more"),
    "scores, truth": (lambda: ranking.average_precision([0, 2], [0.1, 0.2]), "only 0, 1 or NaN"),
    "scores, NaN": (lambda: ranking.roc_auc([0, 1], [0.1, NAN]), "scores: 1 of 2 values are NaN"),
    "units, shapes": (lambda: multilabel.unit_f1([[0, 1]], [[0.1]]), "one shape"),
    "units, thresholds": (lambda: multilabel.unit_f1([[0, 1]], [[0.1, 0.2]], [0.5]), r"thresholds has shape \(1,\)"),
    "boxes, pictures": (lambda: detection.box_ap([[]], []), "one entry for each picture"),
    "boxes, no score": (lambda: detection.box_ap([[]], [[[0, 0, 1, 1]]]), "x1 y1 x2 y2 score"),
    "boxes, turned": (lambda: detection.box_ap([[[5, 0, 1, 1]]], [[]]), "x2 < x1"),
    "boxes, iou": (lambda: detection.box_ap([[]], [[]], 0), "iou is 0"),
    "boxes, points": (lambda: detection.box_ap([[]], [[]], points=1), "points is 1"),
    "boxes, flags": (lambda: detection.box_ap([[[0, 0, 1, 1]]], [[]], ignore=[[0, 1]]), "2 flags"),
    "wider, pictures": (lambda: wider.wider_ap([[]], [[]], {"easy": []}), "easy has 0 pictures"),
    "wider, flags": (lambda: wider.wider_ap([[[0, 0, 1, 1]]], [[]], {"easy": [[]]}), r"easy\[0\] has 0 flags"),
    "wider, iou": (lambda: wider.wider_ap([], [], {}, 1.5), "iou is 1.5"),
    "pairs, lengths": (lambda: verification.eer([1, 0], [0.1]), "scores has 1 rows"),
    "pairs, NaN": (lambda: verification.roc([1, 0], [0.1, NAN]), "scores: 1 of 2"),
    "pairs, threshold": (lambda: verification.hter([1, 0], [0.1, 0.2], NAN), "threshold"),
    "pairs, far": (lambda: verification.tar_at_far([1, 0], [0.1, 0.2], 2), "far is 2"),
    "folds, one": (lambda: verification.fold_accuracy([1, 0], [0.1, 0.2], [3, 3]), "1 fold"),
    "folds, too many": (lambda: verification.fold_accuracy([1, 0], [0.1, 0.2], 3), "3 folds of 2 rows"),
    "folds, unknown pair": (lambda: verification.fold_accuracy([1, NAN], [0.1, 0.2], 2), "same: 1 of 2"),
    "attacks, lengths": (lambda: spoofing.acer(["live"], [0.1, 0.2], 0.5), "1 kinds, 2 scores"),
    "attacks, NaN": (lambda: spoofing.bpcer(["live"], [NAN], 0.5), "scores: 1 of 1"),
    "ranks, shapes": (lambda: identification.rank_k([[0.1, 0.2]], [1], [1]), "gallery"),
    "ranks, no mate": (lambda: identification.rank_k([[0.1]], [1], [2]), "1 of 1 probes have no mate"),
    "ranks, k": (lambda: identification.rank_k([[0.1]], [1], [1], 0), "k is 0"),
    "landmarks, shapes": (lambda: landmarks.nme(points, points[:1], "face size"), "one shape"),
    "landmarks, four coordinates": (lambda: landmarks.nme(np.zeros((1, 5, 4)), np.zeros((1, 5, 4)), "face size"), "k, 3"),
    "landmarks, normaliser": (lambda: landmarks.nme(points, points, "interocular"), "did you mean inter-ocular"),
    "landmarks, 51 points": (lambda: landmarks.nme(points[:, 17:], points[:, 17:], "inter-ocular"), "51 points"),
    "landmarks, corners of 5": (lambda: landmarks.nme(points[:, :5], points[:, :5], "inter-ocular"), "5 points"),
    "landmarks, no boxes": (lambda: landmarks.nme(points, points, "box diagonal"), "boxes are missing"),
    "landmarks, boxes in vain": (lambda: landmarks.nme(points, points, "face size", [[0, 0, 1, 1]] * 2), "are given"),
    "landmarks, one box": (lambda: landmarks.nme(points, points, "box diagonal", [[0, 0, 1, 1]]), r"\(2, 4\)"),
    "errors, negative": (lambda: landmarks.failure_rate([-0.1], 0.08), "no negative error"),
    "errors, threshold": (lambda: landmarks.curve_auc([0.1], 0), "threshold is 0"),
    "errors, place": (lambda: landmarks.error_curve([0.1], [NAN]), "at: 1 of 1"),
    "text, one string": (lambda: text.wer("a b", "a b"), "in a list"),
    "text, lengths": (lambda: text.cer(["a"], []), "1 references, 0 hypotheses"),
    "text, None": (lambda: text.wer(["a"], [None]), "NoneType"),  # type: ignore[list-item]
    "calibration, range": (lambda: calibration.ece([0], [[1.2, 0]]), "apply softmax"),
    "calibration, NaN": (lambda: calibration.ece([0], [[NAN, 0]]), "probabilities: 1 of 2"),
    "calibration, label": (lambda: calibration.ece([2], [[0.5, 0.5]]), "label 2"),
    "calibration, bins": (lambda: calibration.mce([0], [[0.5, 0.5]], 0), "bins is 0"),
    "calibration, no class": (lambda: calibration.mce([0], np.zeros((1, 0))), "no columns"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_an_input_error_that_says_what_came(name: str) -> None:
    call, words = BAD[name]
    with pytest.raises(InputError, match=words):
        call()


def test_rows_without_a_label_are_left_out_everywhere() -> None:
    truth, predicted = [0, 1, NAN, 1], [0, 0, 1, 1]
    assert classification.accuracy(truth, predicted, 2) == pytest.approx(2 / 3)
    assert classification.confusion(truth, predicted, 2).sum() == 3
    assert concordance.mae(truth, [0, 0, NAN, 1]) == pytest.approx(1 / 3)
    assert ranking.average_precision(truth, [0.1, 0.2, NAN, 0.3]) == 1
    assert verification.eer(truth, [0.1, 0.2, 0.0, 0.3]) == 0
    assert verification.tar_at_far(truth, [0.1, 0.2, 9.0, 0.3], 0) == 1
    assert calibration.ece(truth, np.eye(2)[[0, 1, 0, 1]]) == 0
    assert concordance.icc31([1, 2, NAN, 4], [1, 2, 9, 4]) == pytest.approx(1)


def test_flags_and_codes_may_come_as_bools_lists_or_any_number_type() -> None:
    truth = np.array([True, False, True])
    assert ranking.average_precision(truth, [0.9, 0.1, 0.8]) == 1
    assert classification.accuracy(truth.astype(np.uint8), [1, 0, 0], 2) == pytest.approx(2 / 3)
    assert concordance.mae(np.array([200, 100], np.uint8), np.array([100, 200], np.uint8)) == 100


def test_inputs_are_not_changed() -> None:
    truth, scores = np.array([[1.0, NAN], [0, 1]]), np.array([[0.4, 0.3], [0.2, 0.9]])
    before = truth.copy(), scores.copy()
    multilabel.swept_f1(truth, scores)
    agreement.krippendorff_alpha(scores, "ordinal")
    np.testing.assert_array_equal(truth, before[0])
    np.testing.assert_array_equal(scores, before[1])


def test_the_mean_of_nothing_known_is_nan_and_not_0() -> None:
    assert np.isnan(inputs.known_mean([NAN, NAN]))
    assert np.isnan(inputs.share(0, 0))
    np.testing.assert_array_equal(inputs.shares(np.array([0, 1]), np.array([0, 2])), [NAN, 0.5])
