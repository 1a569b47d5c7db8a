"""Ranking and presence metrics against scikit-learn and exhaustive search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from mien.metrics import multilabel, ranking

NAN = float("nan")
quick = settings(deadline=None, max_examples=40)
# few distinct scores, so that ties are common
pairs = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=30)


def split(rows: list[tuple[bool, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([t for t, _ in rows]), np.array([s for _, s in rows]) / 10


@quick
@given(pairs)
def test_ap_and_auc_agree_with_scikit_learn_ties_included(rows: list[tuple[bool, int]]) -> None:
    truth, scores = split(rows)
    if truth.any():
        assert ranking.average_precision(truth, scores) == pytest.approx(sk.average_precision_score(truth, scores))
    else:
        assert np.isnan(ranking.average_precision(truth, scores))
    if truth.any() and not truth.all():
        assert ranking.roc_auc(truth, scores) == pytest.approx(sk.roc_auc_score(truth, scores))
    else:
        assert np.isnan(ranking.roc_auc(truth, scores))


@quick
@given(pairs, st.integers(0, 1000))
def test_order_and_any_rising_function_of_the_scores_do_not_matter(rows: list[tuple[bool, int]], seed: int) -> None:
    truth, scores = split(rows)
    order = np.random.default_rng(seed).permutation(len(truth))
    for metric in (ranking.average_precision, ranking.roc_auc):
        value = metric(truth, scores)
        assert metric(truth[order], scores[order]) == pytest.approx(value, nan_ok=True)
        assert metric(truth, np.exp(3 * scores) - 7) == pytest.approx(value, nan_ok=True)


def test_map_agrees_with_scikit_learn_and_leaves_out_classes_without_a_positive() -> None:
    rng = np.random.default_rng(0)
    truth, scores = rng.random((50, 4)) < 0.3, rng.random((50, 4))
    assert ranking.mean_average_precision(truth, scores) == pytest.approx(sk.average_precision_score(truth, scores))
    truth[:, 3] = False
    rest = sk.average_precision_score(truth[:, :3], scores[:, :3])
    assert ranking.mean_average_precision(truth, scores) == pytest.approx(rest)
    assert np.isnan(ranking.mean_average_precision(np.zeros((4, 2)), scores[:4, :2]))


def test_perfect_constant_and_empty_scores() -> None:
    assert ranking.average_precision([1, 0, 1], [0.9, 0.1, 0.8]) == 1
    assert ranking.average_precision([1, 0, 0, 0], [0.5] * 4) == 0.25
    assert ranking.roc_auc([1, 0, 0, 0], [0.5] * 4) == 0.5
    assert np.isnan(ranking.average_precision([], []))
    assert np.isnan(ranking.roc_auc([], []))
    assert ranking.roc_auc([1, 0], [np.inf, -np.inf]) == 1


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random((80, 5)) < [0.05, 0.2, 0.4, 0.6, 0.9]
    return truth, np.round(np.clip(0.3 * truth + rng.random((80, 5)) * 0.7, 0, 1), 2)


@pytest.mark.parametrize("seed", range(3))
def test_unit_f1_agrees_with_scikit_learn_at_one_and_at_many_thresholds(seed: int) -> None:
    truth, scores = drawn(seed)
    cuts = np.array([0.2, 0.4, 0.5, 0.6, 0.8])
    for at in (0.5, cuts):
        expected = sk.f1_score(truth, scores >= at, average=None, zero_division=np.nan)
        np.testing.assert_allclose(multilabel.unit_f1(truth, scores, at), expected)


@pytest.mark.parametrize("seed", range(3))
def test_no_threshold_at_all_does_better_than_the_swept_one(seed: int) -> None:
    truth, scores = drawn(seed)
    every = [multilabel.unit_f1(truth, scores, at) for at in np.linspace(-0.005, 1.005, 102)]
    np.testing.assert_allclose(multilabel.swept_f1(truth, scores), np.nanmax(every, axis=0))
    np.testing.assert_allclose(
        multilabel.swept_f1(truth, scores), multilabel.unit_f1(truth, scores, multilabel.best_thresholds(truth, scores))
    )


def test_the_best_threshold_worked_by_hand() -> None:
    # called from 0.9: F1 2/3; from 0.5: 2/4; from 0.3: 4/5; from 0.1: 4/6. So from 0.3, half way down to 0.1
    truth, scores = [[1], [0], [1], [0]], [[0.9], [0.5], [0.3], [0.1]]
    assert multilabel.best_thresholds(truth, scores)[0] == pytest.approx(0.2)
    assert multilabel.swept_f1(truth, scores)[0] == pytest.approx(0.8)


def test_neighbouring_floats_are_still_parted() -> None:
    # the middle of two neighbours rounds to the even one, which is the lower of the first pair and the higher of the second
    for low, high in ((1.0, float(np.nextafter(1, 2))), (float(np.nextafter(1, 0)), 1.0)):
        assert low < ranking.between(high, low) <= high
        assert multilabel.swept_f1([[1], [0]], [[high], [low]]).tolist() == [1]
    assert ranking.between(np.inf, 1.0) == ranking.between(np.inf, -np.inf) == np.inf
    assert ranking.between(1e308, 0.9e308) < 1e308


def test_cells_without_a_label_are_left_out_cell_by_cell() -> None:
    truth, scores = [[1, NAN], [NAN, 0], [0, 1]], [[0.9, NAN], [NAN, 0.2], [0.1, 0.8]]
    assert multilabel.unit_f1(truth, scores).tolist() == [1, 1]
    assert multilabel.swept_f1(truth, scores).tolist() == [1, 1]


def test_units_that_cannot_be_told() -> None:
    truth, scores = [[0, 0, 1], [0, 0, 0]], [[0.9, 0.1, 0.2], [0.1, 0.1, 0.1]]
    np.testing.assert_array_equal(multilabel.unit_f1(truth, scores), [0, NAN, 0])
    np.testing.assert_array_equal(multilabel.unit_f1(truth, scores, [NAN, 0.5, 0.15]), [NAN, NAN, 1])
    np.testing.assert_array_equal(multilabel.best_thresholds(truth, scores)[:2], [NAN, NAN])
    np.testing.assert_array_equal(multilabel.swept_f1(truth, scores), [NAN, NAN, 1])
