"""Classification against scikit-learn, and what it leaves open against decisions written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from mien.metrics import classification as c

NAN = float("nan")
CLASSES = 5
quick = settings(deadline=None, max_examples=40)
labels = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=40)


def drawn(seed: int, rows: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Uneven classes, 60 % right."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(CLASSES, rows, p=[0.5, 0.2, 0.15, 0.1, 0.05])
    return truth, np.where(rng.random(rows) < 0.6, truth, rng.integers(CLASSES, size=rows))


@pytest.mark.parametrize("seed", range(4))
def test_every_metric_agrees_with_scikit_learn(seed: int) -> None:
    truth, predicted = drawn(seed)
    every = {"labels": range(CLASSES), "average": None}
    np.testing.assert_array_equal(c.confusion(truth, predicted, CLASSES), sk.confusion_matrix(truth, predicted))
    np.testing.assert_allclose(c.recall(truth, predicted, CLASSES), sk.recall_score(truth, predicted, **every))
    np.testing.assert_allclose(c.precision(truth, predicted, CLASSES), sk.precision_score(truth, predicted, **every))
    np.testing.assert_allclose(c.f1(truth, predicted, CLASSES), sk.f1_score(truth, predicted, **every))
    assert c.accuracy(truth, predicted, CLASSES) == pytest.approx(sk.accuracy_score(truth, predicted))
    assert c.uar(truth, predicted, CLASSES) == pytest.approx(sk.balanced_accuracy_score(truth, predicted))
    assert c.macro_f1(truth, predicted, CLASSES) == pytest.approx(sk.f1_score(truth, predicted, average="macro"))
    assert c.weighted_f1(truth, predicted, CLASSES) == pytest.approx(sk.f1_score(truth, predicted, average="weighted"))


@quick
@given(labels)
def test_classes_that_are_missing_are_treated_as_scikit_learn_does_with_nan(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(pairs).T
    every = {"labels": range(CLASSES), "average": None, "zero_division": np.nan}
    np.testing.assert_allclose(c.f1(truth, predicted, CLASSES), sk.f1_score(truth, predicted, **every))
    np.testing.assert_allclose(c.recall(truth, predicted, CLASSES), sk.recall_score(truth, predicted, **every))
    np.testing.assert_allclose(c.precision(truth, predicted, CLASSES), sk.precision_score(truth, predicted, **every))


@quick
@given(labels, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_names_of_classes_do_not_matter(pairs: list[tuple[int, int]], random: object) -> None:
    truth, predicted = np.array(pairs).T
    order, names = list(range(len(truth))), list(range(CLASSES))
    random.shuffle(order)  # type: ignore[attr-defined]
    random.shuffle(names)  # type: ignore[attr-defined]
    for metric in (c.accuracy, c.uar, c.macro_f1, c.weighted_f1):
        value = metric(truth, predicted, CLASSES)
        assert metric(truth[order], predicted[order], CLASSES) == pytest.approx(value)
        assert metric(np.array(names)[truth], np.array(names)[predicted], CLASSES) == pytest.approx(value)


@quick
@given(labels)
def test_a_perfect_prediction_is_1_and_every_value_lies_in_0_to_1(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(pairs).T
    for metric in (c.accuracy, c.war, c.uar, c.macro_f1, c.weighted_f1):
        assert metric(truth, truth, CLASSES) == pytest.approx(1)
        assert 0 <= metric(truth, predicted, CLASSES) <= 1


def test_war_is_the_weighted_mean_of_the_recalls() -> None:
    truth, predicted = drawn(7)
    weights = np.bincount(truth, minlength=CLASSES) / len(truth)
    assert c.war(truth, predicted, CLASSES) == pytest.approx(float(weights @ c.recall(truth, predicted, CLASSES)))


def test_a_prediction_that_could_not_be_told_is_a_miss_of_its_class_and_a_claim_of_none() -> None:
    # class 0: 2 rows, one told and right, one not told; class 1: 1 row, right
    truth, predicted = [0, 0, 1], [0, NAN, 1]
    assert c.accuracy(truth, predicted, 2) == pytest.approx(2 / 3)
    assert c.recall(truth, predicted, 2).tolist() == [0.5, 1]
    assert c.precision(truth, predicted, 2).tolist() == [1, 1]
    np.testing.assert_allclose(c.f1(truth, predicted, 2), [2 * 1 / (2 * 1 + 0 + 1), 1])
    assert c.confusion(truth, predicted, 2).tolist() == [[1, 0], [0, 1]]


def test_what_cannot_be_told_is_nan() -> None:
    for metric in (c.accuracy, c.war, c.uar, c.macro_f1, c.weighted_f1):
        assert np.isnan(metric([], [], 3))
        assert np.isnan(metric([NAN], [1], 3))
    assert c.confusion([], [], 3).tolist() == [[0] * 3] * 3


def test_a_class_only_predicted_counts_in_macro_f1_and_not_in_uar() -> None:
    # F1: class 0 is 2 / 3, class 1 is 0, class 2 is nowhere
    assert c.macro_f1([0, 0], [0, 1], 3) == pytest.approx(1 / 3)
    assert c.uar([0, 0], [0, 1], 3) == 0.5
