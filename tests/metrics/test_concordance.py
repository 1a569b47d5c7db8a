"""Concordance against scipy, scikit-learn, published tables and the limits that follow from the formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from mien.metrics import concordance as c

NAN = float("nan")
quick = settings(deadline=None, max_examples=40)
seeds = st.integers(0, 10_000)


def drawn(seed: int, rows: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(0.2, 0.5, rows)
    return truth, 0.6 * truth + rng.normal(0.1, 0.3, rows)


def whole(truth: object, predicted: object, ddof: int = 0) -> float:
    return c.ccc(truth, predicted, ddof=ddof, aggregate="concatenated")  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
def test_pcc_rmse_and_mae_agree_with_scipy_and_scikit_learn(seed: int) -> None:
    truth, predicted = drawn(seed)
    assert c.pcc(truth, predicted) == pytest.approx(stats.pearsonr(truth, predicted).statistic)
    assert c.rmse(truth, predicted) == pytest.approx(sk.root_mean_squared_error(truth, predicted))
    assert c.mae(truth, predicted) == pytest.approx(sk.mean_absolute_error(truth, predicted))


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("seed", range(3))
def test_ccc_agrees_with_numpys_covariance(seed: int, ddof: int) -> None:
    truth, predicted = drawn(seed)
    covariance = np.cov(truth, predicted, ddof=ddof)
    shift = truth.mean() - predicted.mean()
    expected = 2 * covariance[0, 1] / (covariance[0, 0] + covariance[1, 1] + shift**2)
    assert whole(truth, predicted, ddof) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_ccc_with_ddof_0_is_lins_ratio_of_squared_distances(seed: int) -> None:
    # Lin (1989), Eq. 1: 1 - E[(t - p)^2] / E[(t - p)^2 if they were independent]
    truth, predicted = drawn(seed, 25)
    independent = np.mean((truth[:, None] - predicted[None]) ** 2)
    assert whole(truth, predicted) == pytest.approx(1 - np.mean((truth - predicted) ** 2) / independent)


def test_ccc_worked_by_hand() -> None:
    # means 2.5 and 3; sums of squares 5 and 4; sum of products 4
    truth, predicted = [1, 2, 3, 4], [2, 2, 4, 4]
    assert whole(truth, predicted, 0) == pytest.approx(2 * 4 / 4 / (5 / 4 + 4 / 4 + 0.25))
    assert whole(truth, predicted, 1) == pytest.approx(2 * 4 / 3 / (5 / 3 + 4 / 3 + 0.25))


def test_ccc_per_group_is_the_mean_of_the_groups_own_and_differs_from_the_concatenated() -> None:
    truth, predicted = drawn(3)
    groups = np.repeat(["a", "b", "c"], 20)
    own = [whole(truth[groups == g], predicted[groups == g]) for g in "abc"]
    value = c.ccc(truth, predicted, ddof=0, aggregate="per group", groups=groups)
    assert value == pytest.approx(np.mean(own))
    assert value != pytest.approx(whole(truth, predicted), abs=1e-3)


def test_a_group_without_a_ccc_is_left_out_of_the_mean_and_shown_by_per_group() -> None:
    truth, predicted, groups = [1, 2, 0, 0], [1, 2, 0, 0], ["x", "x", "still", "still"]
    assert c.ccc(truth, predicted, ddof=0, aggregate="per group", groups=groups) == pytest.approx(1)
    values = c.per_group(whole, truth, predicted, groups)
    assert list(values) == ["x", "still"]
    assert np.isnan(values["still"])
    assert np.isnan(c.ccc([0, 0], [0, 0], ddof=0, aggregate="per group", groups=[1, 2]))


@quick
@given(seeds, st.floats(0.05, 20), st.floats(-5, 5))
def test_ccc_falls_with_shift_and_scale_exactly_as_the_formula_says(seed: int, scale: float, shift: float) -> None:
    truth, _ = drawn(seed)
    variance, mean = truth.var(), truth.mean()
    assert whole(truth, truth + shift) == pytest.approx(2 * variance / (2 * variance + shift**2))
    stretched = 2 * scale * variance / ((1 + scale**2) * variance + (mean - scale * mean) ** 2)
    assert whole(truth, scale * truth) == pytest.approx(stretched)


@quick
@given(seeds, st.floats(0.01, 100), st.floats(-100, 100))
def test_what_each_measure_does_not_see(seed: int, scale: float, shift: float) -> None:
    truth, predicted = drawn(seed)
    assert c.pcc(truth, scale * predicted + shift) == pytest.approx(c.pcc(truth, predicted), abs=1e-6)
    assert c.icc31(truth, predicted + shift) == pytest.approx(c.icc31(truth, predicted), abs=1e-6)
    for metric in (whole, c.icc31):
        both = metric(scale * truth + shift, scale * predicted + shift)
        assert both == pytest.approx(metric(truth, predicted), abs=1e-6)


@quick
@given(seeds)
def test_the_order_of_rows_does_not_matter_and_ccc_stays_below_pcc(seed: int) -> None:
    truth, predicted = drawn(seed)
    order = np.random.default_rng(seed).permutation(len(truth))
    for metric in (whole, c.pcc, c.icc31, c.rmse, c.mae, c.sagr):
        assert metric(truth[order], predicted[order]) == pytest.approx(metric(truth, predicted))
    assert abs(whole(truth, predicted)) <= abs(c.pcc(truth, predicted)) + 1e-12
    assert whole(truth, predicted) == pytest.approx(whole(predicted, truth))


@quick
@given(seeds)
def test_a_perfect_prediction(seed: int) -> None:
    truth, _ = drawn(seed)
    for metric in (whole, c.pcc, c.icc31, c.sagr):
        assert metric(truth, truth) == pytest.approx(1)
    assert c.rmse(truth, truth) == c.mae(truth, truth) == 0
    assert whole(truth, -truth + 2 * truth.mean()) == pytest.approx(-1)


def test_icc_of_the_table_of_shrout_and_fleiss() -> None:
    # Shrout and Fleiss (1979), Table 2: six targets, four judges; their Table 4 gives ICC(3,1) = .71
    judges = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]).T
    between, error = 11.24, 1.02
    assert c.icc31(*judges) == pytest.approx((between - error) / (between + 3 * error), abs=2e-3)
    assert round(c.icc31(*judges), 2) == 0.71


@pytest.mark.parametrize("seed", range(3))
def test_icc_of_two_raters_is_twice_the_covariance_over_the_sum_of_variances(seed: int) -> None:
    truth, predicted = drawn(seed)
    covariance = np.cov(truth, predicted)
    assert c.icc31(truth, predicted) == pytest.approx(2 * covariance[0, 1] / np.trace(covariance))


def test_constant_series() -> None:
    varied, still = [0.1, 0.2, 0.4], [0.1, 0.1, 0.1]
    assert np.isnan(c.pcc(varied, still))
    assert np.isnan(c.pcc(still, varied))
    assert whole(varied, still) == 0
    assert whole(still, [0.2, 0.2, 0.2]) == 0
    assert np.isnan(whole(still, still))
    assert c.icc31(varied, still) == pytest.approx(0)
    assert np.isnan(c.icc31(still, [0.3, 0.3, 0.3]))


def test_too_few_rows_are_nan() -> None:
    for metric in (whole, c.pcc, c.icc31, c.rmse, c.mae, c.sagr):
        assert np.isnan(metric([], []))
    for metric in (whole, c.pcc, c.icc31, lambda a, b: whole(a, b, 1)):
        assert np.isnan(metric([1], [1]))


def test_tiny_and_huge_units_make_no_difference() -> None:
    truth, predicted = drawn(0)
    for scale in (1e-200, 1e200):
        assert c.pcc(truth * scale, predicted * scale) == pytest.approx(c.pcc(truth, predicted))
        assert whole(truth * scale, predicted * scale) == pytest.approx(whole(truth, predicted))
        assert c.icc31(truth * scale, predicted * scale) == pytest.approx(c.icc31(truth, predicted))


def test_sagr_treats_zero_as_a_sign_of_its_own() -> None:
    assert c.sagr([0, 0, 1, -1], [0, 0.01, 0.5, 0.5]) == 0.5


def test_per_column_is_the_metric_of_each_column() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.normal(size=(2, 20, 3))
    expected = [stats.pearsonr(truth[:, k], predicted[:, k]).statistic for k in range(3)]
    np.testing.assert_allclose(c.per_column(c.pcc, truth, predicted), expected)


def test_groups_may_be_mixed_in_any_order() -> None:
    values = c.per_group(c.mae, [0, 0, 0, 0], [1, 2, 3, 6], [7, 5, 7, 5])
    assert values == {7: 2, 5: 4}
