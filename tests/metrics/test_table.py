"""Rows, tables and intervals."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mien.errors import InputError
from mien.metrics.bootstrap import bootstrap
from mien.metrics.concordance import mae, pcc
from mien.metrics.intervals import wilson
from mien.metrics.table import Row, Table, share_row

NAN = float("nan")
quick = settings(deadline=None, max_examples=40)


def test_a_row_cannot_be_made_without_its_constant_predictor() -> None:
    with pytest.raises(TypeError, match="constant"):
        Row("UAR", 0.5, 10)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("values", "words"),
    [(("", 0.5, 1, 0.1), "without the name"), (("UAR", 0.5, -1, 0.1), "n is -1"), (("UAR", 0.5, 1, 0.1, 0.6, 0.4), "interval")],
)
def test_rows_that_make_no_sense(values: tuple, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Row(*values)


def test_a_table_finds_its_rows_and_refuses_doubles() -> None:
    table = Table("set/test", (Row("UAR", 0.5, 10, 0.25), Row("WAR", 0.6, 10, 0.4)))
    assert table["WAR"].value == 0.6
    with pytest.raises(InputError, match="did you mean"):
        table["WARR"]
    with pytest.raises(InputError, match="UAR twice"):
        Table("set/test", (table["UAR"], table["UAR"]))


def test_what_could_not_be_told_is_an_empty_cell() -> None:
    table = Table("set/test", (Row("PCC", 0.5, 10, NAN), Row("CCC", NAN, 0, 0.0, 0.1, 0.2)))
    assert json.loads(json.dumps(table.records(), allow_nan=False)) == [
        {"protocol": "set/test", "metric": "PCC", "value": 0.5, "n": 10, "low": None, "high": None, "constant": None},
        {"protocol": "set/test", "metric": "CCC", "value": None, "n": 0, "low": 0.1, "high": 0.2, "constant": 0.0},
    ]
    assert table.markdown(2).splitlines()[2:] == ["| PCC | 0.50 |  |  | 10 |", "| CCC |  | 0.10 to 0.20 | 0.00 | 0 |"]


@quick
@given(st.integers(1, 500), st.floats(0, 1))
def test_wilson_agrees_with_scipy(total: int, share: float) -> None:
    hits = round(share * total)
    other = stats.binomtest(hits, total).proportion_ci(0.95, "wilson")
    assert wilson(hits, total) == pytest.approx((other.low, other.high), abs=1e-6)
    row = share_row("accuracy", hits, total, 0.1)
    assert (row.low, row.high) == wilson(hits, total)
    assert row.low - 1e-12 <= row.value <= row.high + 1e-12


def test_a_share_of_nothing_could_be_anything() -> None:
    row = share_row("accuracy", 0, 0, NAN)
    assert np.isnan(row.value)
    assert (row.low, row.high) == (0, 1)
    with pytest.raises(InputError, match="5 hits of 4"):
        share_row("accuracy", 5, 4, 0.1)
    with pytest.raises(ValueError, match="wilson"):
        wilson(5, 4)


def drawn(rows: int = 80) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=rows)
    return truth, truth + rng.normal(size=rows)


def test_bootstrap_agrees_with_scipy_within_chance() -> None:
    truth, predicted = drawn()
    other = stats.bootstrap((truth, predicted), pcc, paired=True, vectorized=False, method="percentile", n_resamples=1000,
                            random_state=np.random.default_rng(1)).confidence_interval  # fmt: skip
    assert bootstrap(pcc, truth, predicted, np.random.default_rng(2)) == pytest.approx((other.low, other.high), abs=0.03)


def test_bootstrap_repeats_itself_with_the_same_seed() -> None:
    first, second = (bootstrap(mae, *drawn(), np.random.default_rng(5), draws=50) for _ in range(2))
    assert first == second
    low, high = first
    assert low < mae(*drawn()) < high


def test_rows_of_one_subject_are_drawn_together() -> None:
    # twenty equal frames per subject say no more than one: the interval must be that of the subjects
    truth, predicted = drawn(30)
    low, high = bootstrap(mae, truth, predicted, np.random.default_rng(0))
    many = [np.repeat(values, 20) for values in (truth, predicted, np.arange(30))]
    grouped = bootstrap(mae, many[0], many[1], np.random.default_rng(0), groups=many[2])
    assert grouped == pytest.approx((low, high))
    narrow = bootstrap(mae, many[0], many[1], np.random.default_rng(0))
    assert narrow[1] - narrow[0] < (high - low) / 3


def test_bootstrap_of_what_cannot_be_told() -> None:
    rng = np.random.default_rng(0)
    assert np.isnan(bootstrap(mae, [], [], rng)).all()
    # of two rows half of the draws are the same row twice, which has no correlation
    assert np.isnan(bootstrap(pcc, [1, 2], [1, 2], rng)).all()
    with pytest.raises(InputError, match="draws is 0"):
        bootstrap(mae, [1], [1], rng, draws=0)
    with pytest.raises(InputError, match="groups has 1 rows"):
        bootstrap(mae, [1, 2], [1, 2], rng, groups=["a"])


def test_bootstrap_takes_tables_of_scores_too() -> None:
    truth, scores = np.eye(3)[[0, 1, 2] * 5], np.eye(3)[[0, 1, 1] * 5]
    low, high = bootstrap(lambda a, b: float((a == b).all(1).mean()), truth, scores, np.random.default_rng(0), draws=200)
    assert 0.3 < low < 2 / 3 < high < 0.95
