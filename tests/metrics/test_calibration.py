"""Calibration: hand-worked, against plain loops over the bins and against scikit-learn's reliability curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from mien.metrics.calibration import ece, mce, reliability

NAN = float("nan")
quick = settings(deadline=None, max_examples=30)


def drawn(seed: int, rows: int = 200, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(classes, size=rows), rng.dirichlet(np.full(classes, 0.5), rows)


def by_loops(truth: np.ndarray, table: np.ndarray, bins: int) -> list[tuple[float, float]]:
    """Weight and gap of each bin, from the definition in Guo et al."""
    out = []
    for b in range(bins):
        inside = [i for i in range(len(truth)) if b / bins < max(table[i]) <= (b + 1) / bins]
        if inside:
            sure = sum(max(table[i]) for i in inside) / len(inside)
            right = sum(int(np.argmax(table[i]) == truth[i]) for i in inside) / len(inside)
            out.append((len(inside) / len(truth), abs(right - sure)))
    return out


@pytest.mark.parametrize("bins", [1, 10, 15])
@pytest.mark.parametrize("seed", range(3))
def test_ece_and_mce_agree_with_the_definition(seed: int, bins: int) -> None:
    truth, table = drawn(seed)
    parts = by_loops(truth, table, bins)
    assert ece(truth, table, bins) == pytest.approx(sum(weight * gap for weight, gap in parts))
    assert mce(truth, table, bins) == pytest.approx(max(gap for _, gap in parts))


def test_the_diagram_agrees_with_scikit_learn() -> None:
    truth, table = drawn(5)
    count, sure, right = reliability(truth, table, 10)
    share, confidence = calibration_curve(table.argmax(1) == truth, table.max(1), n_bins=10)
    np.testing.assert_allclose(right[count > 0], share)
    np.testing.assert_allclose(sure[count > 0], confidence)
    assert np.isnan(sure[count == 0]).all()
    assert count.sum() == len(truth)


def test_ece_worked_by_hand() -> None:
    # of two bins the upper holds all: confidence 0.9, 0.8, 0.7 and two of three right: gap 0.8 - 2/3
    table = [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]]
    assert ece([0, 0, 1], table, 2) == pytest.approx(0.8 - 2 / 3)
    # of ten bins each holds one: gaps 0.1, 0.2, 0.7
    assert ece([0, 0, 1], table, 10) == pytest.approx(1 / 3)
    assert mce([0, 0, 1], table, 10) == pytest.approx(0.7)


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    count, _, _ = reliability([0, 0, 0], [[0.5, 0.5], [1, 0], [0, 0]], 2)
    assert count.tolist() == [2, 1]


@quick
@given(st.integers(0, 1000))
def test_order_of_rows_and_of_classes_do_not_matter(seed: int) -> None:
    truth, table = drawn(seed, 40)
    rng = np.random.default_rng(seed)
    rows, classes = rng.permutation(40), rng.permutation(4)
    value = ece(truth, table)
    assert ece(truth[rows], table[rows]) == pytest.approx(value)
    assert ece(np.argsort(classes)[truth], table[:, classes]) == pytest.approx(value)
    assert 0 <= value <= mce(truth, table) <= 1


def test_sure_and_right_is_0_and_sure_and_wrong_is_1() -> None:
    truth = np.array([0, 1, 2])
    assert ece(truth, np.eye(3)) == mce(truth, np.eye(3)) == 0
    assert ece(truth, np.eye(3)[[1, 2, 0]]) == 1


def test_a_constant_prediction_of_the_shares_is_calibrated() -> None:
    assert ece([0, 0, 0, 1], [[0.75, 0.25]] * 4) == pytest.approx(0)


def test_without_rows_it_cannot_be_told() -> None:
    assert np.isnan(ece([], np.zeros((0, 3))))
    assert np.isnan(mce([NAN], [[0.5, 0.5]]))
