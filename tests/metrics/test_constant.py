"""The constant predictors: each gives what the formulas say, and what scikit-learn's dummies give."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from mien.errors import InputError
from mien.metrics import agreement, classification, concordance, multilabel, ranking, spoofing, verification
from mien.metrics.constant import constant_class, constant_pairs, constant_units, constant_value

NAN = float("nan")
CLASSES = np.array([0] * 2 + [1] * 5 + [2] * 3)


def test_the_most_frequent_class() -> None:
    dummy = DummyClassifier(strategy="most_frequent").fit(np.zeros((10, 1)), CLASSES)
    assert constant_class(classification.accuracy, CLASSES, 3) == dummy.score(np.zeros((10, 1)), CLASSES) == 0.5
    assert constant_class(classification.uar, CLASSES, 3) == pytest.approx(1 / 3)
    assert constant_class(classification.macro_f1, CLASSES, 3) == pytest.approx(2 * 5 / 15 / 3)
    assert constant_class(agreement.cohen_kappa, CLASSES, 3) == 0
    np.testing.assert_allclose(constant_class(classification.f1, CLASSES, 3), [0, 2 / 3, 0])


def test_no_other_constant_class_does_better() -> None:
    for metric in (classification.accuracy, classification.uar, classification.macro_f1, classification.weighted_f1):
        best = max(metric(CLASSES, np.full(10, k), 3) for k in range(3))
        assert constant_class(metric, CLASSES, 3) == pytest.approx(best)


def test_the_constant_may_come_from_other_rows() -> None:
    assert constant_class(classification.accuracy, CLASSES, 3, train=[0, 0, 2]) == 0.2
    assert constant_class(classification.accuracy, [0, 1, NAN], 2, train=[NAN, 1]) == 0.5
    assert constant_value(concordance.mae, [0, 10], train=[4]) == 5
    with pytest.raises(InputError, match="no labels"):
        constant_class(classification.accuracy, [0], 2, train=[NAN])
    with pytest.raises(InputError, match="label 5"):
        constant_class(classification.accuracy, [0], 2, train=[5])


def test_the_mean_has_the_least_rmse_and_the_median_the_least_mae() -> None:
    truth = np.random.default_rng(0).gamma(1, 1, 51)
    assert constant_value(concordance.rmse, truth) == pytest.approx(truth.std())
    for value in np.linspace(0, 3, 31):
        assert constant_value(concordance.rmse, truth) <= concordance.rmse(truth, np.full(51, value)) + 1e-12
        assert constant_value(concordance.mae, truth, centre="median") <= concordance.mae(truth, np.full(51, value)) + 1e-12


def test_concordance_of_a_constant_is_0_and_correlation_cannot_be_told() -> None:
    truth = [0.1, 0.4, NAN, 0.7]
    assert constant_value(lambda a, b: concordance.ccc(a, b, ddof=0, aggregate="concatenated"), truth) == 0
    assert constant_value(concordance.icc31, truth) == pytest.approx(0)
    assert np.isnan(constant_value(concordance.pcc, truth))
    with pytest.raises(InputError, match="no number"):
        constant_value(concordance.mae, [NAN])
    with pytest.raises(InputError, match="unknown centre"):
        constant_value(concordance.mae, truth, centre="mode")


def test_always_present_gives_twice_p_over_1_plus_p() -> None:
    truth = np.random.default_rng(0).random((200, 3)) < [0.1, 0.4, 0.8]
    share = truth.mean(0)
    np.testing.assert_allclose(constant_units(multilabel.unit_f1, truth), 2 * share / (1 + share))
    assert constant_units(ranking.mean_average_precision, truth) == pytest.approx(share.mean())
    np.testing.assert_array_equal(constant_units(multilabel.unit_f1, truth, score=0), [0, 0, 0])


def test_equal_scores_for_all_pairs() -> None:
    same = [1, 0, 0, 0]
    assert constant_pairs(verification.eer, same) == 0.5
    assert constant_pairs(lambda a, b: verification.hter(a, b, 0.5), same) == 0.5
    assert constant_pairs(lambda a, b: verification.tar_at_far(a, b, 0.5), same) == 0
    assert constant_pairs(lambda a, b: float(verification.fold_accuracy(a, b, 2)[0].mean()), same * 4) == 0.75
    kinds = ["live", "print", "print", "replay"]
    assert constant_pairs(lambda a, b: spoofing.acer(kinds, b, 0.5), same) == 0.5
