"""Time series keep their means, their extremes and their gaps, and never grow beyond 600 bins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.report.series import BINS, Series


def filled(times: np.ndarray, values: np.ndarray, start: float = 0.0) -> Series:
    series = Series(values.shape[1], start)
    for time, value in zip(times, values.astype(np.float32)):
        series.add(float(time), value)
    return series


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3000), st.floats(0.005, 30), st.integers(0, 5))
def test_mean_and_extremes_survive_every_merging(count: int, step: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, 2))
    values[rng.random(count) < 0.2, 1] = np.nan
    series = filled(10 + step * np.arange(count), values, start=10)
    curve = series.curve()
    assert 1 <= len(curve.time) <= BINS
    assert (np.diff(curve.time) > 0).all()
    assert float(np.nanmax(curve.high[:, 0])) == pytest.approx(values[:, 0].max(), abs=1e-6)
    assert float(np.nanmin(curve.low[:, 0])) == pytest.approx(values[:, 0].min(), abs=1e-6)
    total = np.nansum(series._sum[:, 1])
    assert total == pytest.approx(np.nansum(values[:, 1]), abs=1e-3)
    known = ~np.isnan(curve.mean)
    assert (curve.low[known] <= curve.mean[known] + 1e-5).all()
    assert (curve.mean[known] <= curve.high[known] + 1e-5).all()


def test_a_short_series_keeps_every_frame() -> None:
    values = np.arange(100.0)[:, None]
    curve = filled(np.arange(100) / 25, values).curve()
    np.testing.assert_allclose(curve.time, np.arange(100) / 25)
    np.testing.assert_array_equal(curve.mean, values)


def test_memory_does_not_grow_with_time() -> None:
    series = Series(40, 0.0)
    value = np.zeros(40, np.float32)
    for i in range(3000):
        series.add(i / 25, value)
    before = series.nbytes
    for i in range(3000, 20_000):
        series.add(i / 25, value)
    assert series.nbytes == before < 600_000


def test_what_could_not_be_told_is_a_gap_and_never_zero() -> None:
    values = np.ones((50, 1))
    values[20:30] = np.nan
    curve = filled(np.arange(50) / 25, values).curve()
    assert np.isnan(curve.mean[20:30]).all()
    assert curve.parts(curve.mean, 1 / 25) == [slice(0, 20), slice(30, 50)]


def test_a_time_in_which_nothing_was_seen_is_a_gap() -> None:
    times = np.concatenate([np.arange(50), np.arange(200, 230)]) / 25
    curve = filled(times, np.ones((80, 1))).curve()
    assert curve.parts(curve.mean, 1 / 25) == [slice(0, 50), slice(50, 80)]


def test_frames_that_are_far_apart_by_plan_make_no_gaps() -> None:
    curve = filled(np.arange(40) * 2.0, np.ones((40, 1))).curve()
    assert curve.parts(curve.mean, 2.0) == [slice(0, 40)]
    uneven = np.cumsum(np.tile([0.02, 0.06], 100))  # a phone with a varying rate
    curve = filled(uneven, np.ones((200, 1))).curve()
    assert curve.parts(curve.mean, 0.04) == [slice(0, len(curve.time))]
    assert len(curve.time) >= 199


def test_a_clock_that_jumps_back_does_not_fail() -> None:
    series = Series(1, 5.0)
    for time in (5.0, 5.2, 1.0):
        series.add(time, np.ones(1, np.float32))
    assert len(series.curve().time) == 2
