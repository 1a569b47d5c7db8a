"""Kappa against scikit-learn; alpha against its author's worked example and the plain sum over pairs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from mien.metrics.agreement import cohen_kappa, krippendorff_alpha

NAN = float("nan")
quick = settings(deadline=None, max_examples=30)
# Krippendorff (2011), section D: four observers, twelve units, with gaps
EXAMPLE = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
@pytest.mark.parametrize("seed", range(3))
def test_kappa_agrees_with_scikit_learn(weights: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(4, size=80)
    second = np.where(rng.random(80) < 0.5, first, rng.integers(4, size=80))
    other = cohen_kappa_score(first, second, weights=None if weights == "none" else weights)
    assert cohen_kappa(first, second, 4, weights) == pytest.approx(other)


def test_kappa_of_a_hand_worked_table() -> None:
    # observed agreement 35 / 50; by chance 25 * 30 + 25 * 20 over 2500 = 0.5: kappa = 0.2 / 0.5
    first = [0] * 20 + [0] * 5 + [1] * 10 + [1] * 15
    second = [0] * 20 + [1] * 5 + [0] * 10 + [1] * 15
    assert cohen_kappa(first, second, 2) == pytest.approx(0.4)


def test_kappa_of_raters_that_never_vary() -> None:
    assert cohen_kappa([0, 1, 0, 1], [1, 1, 1, 1], 2) == 0
    assert np.isnan(cohen_kappa([1, 1], [1, 1], 2))
    assert np.isnan(cohen_kappa([], [], 2))
    assert cohen_kappa([0, 1, NAN, 1], [0, 1, 1, NAN], 2) == 1


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)])
def test_alpha_of_the_example_its_author_worked_out(level: str, value: float) -> None:
    assert krippendorff_alpha(EXAMPLE, level) == pytest.approx(value, abs=5e-4)


def difference(level: str, a: float, b: float, pool: list[float]) -> float:
    if level == "nominal":
        return float(a != b)
    if level == "interval":
        return (a - b) ** 2
    if level == "ratio":
        return ((a - b) / (a + b)) ** 2 if a + b else 0.0
    low, high = min(a, b), max(a, b)
    between = sum(low <= v <= high for v in pool) - (pool.count(low) + pool.count(high)) / 2
    return between**2 if a != b else 0.0


def by_pairs(table: np.ndarray, level: str) -> float:
    units = [[float(v) for v in column if not np.isnan(v)] for column in table.T]
    units = [unit for unit in units if len(unit) > 1]
    pool = [v for unit in units for v in unit]
    seen = sum(
        difference(level, a, b, pool) / (len(unit) - 1) for unit in units for a, b in itertools.permutations(unit, 2)
    ) / len(pool)
    chance = sum(difference(level, a, b, pool) for a, b in itertools.permutations(pool, 2)) / (len(pool) * (len(pool) - 1))
    return 1 - seen / chance


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
@pytest.mark.parametrize("seed", range(3))
def test_alpha_agrees_with_the_sum_over_all_pairs(level: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(6, size=(3, 15)).astype(float)
    table[rng.random(table.shape) < 0.2] = NAN
    assert krippendorff_alpha(table, level) == pytest.approx(by_pairs(table, level))


@quick
@given(st.integers(0, 1000), st.floats(0.1, 50), st.floats(-20, 20))
def test_alpha_does_not_depend_on_who_is_who_nor_on_what_its_level_ignores(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(5, size=(3, 10)).astype(float)
    for level in ("nominal", "ordinal", "interval"):
        value = krippendorff_alpha(table, level)
        shuffled = table[rng.permutation(3)][:, rng.permutation(10)]
        assert krippendorff_alpha(shuffled, level) == pytest.approx(value)
        assert krippendorff_alpha(scale * table + shift, level) == pytest.approx(value, abs=1e-9)
    assert krippendorff_alpha(np.exp(table), "ordinal") == pytest.approx(krippendorff_alpha(table, "ordinal"))
    assert krippendorff_alpha(table * scale, "ratio") == pytest.approx(krippendorff_alpha(table, "ratio"))


def test_alpha_of_perfect_agreement_and_of_nothing_to_tell() -> None:
    for level in ("nominal", "ordinal", "interval", "ratio"):
        assert krippendorff_alpha([[0, 1, 2], [0, 1, 2]], level) == 1
        assert np.isnan(krippendorff_alpha([[3, 3], [3, 3]], level))
        assert np.isnan(krippendorff_alpha([[1, NAN], [NAN, 2]], level))
        assert np.isnan(krippendorff_alpha([[1, 2]], level))
