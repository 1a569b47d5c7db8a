"""The One-Euro filter against its equations, and the stage that applies it per track."""

from __future__ import annotations

import numpy as np
import pytest

from mien.labels import FERPLUS_8
from mien.stages.smooth import OneEuro, Smooth
from mien.types import Faces, Frame, Scores


def test_filter_equals_the_published_recursion() -> None:
    rng, cutoff, beta, d_cutoff = np.random.default_rng(0), 1.2, 0.4, 1.0
    times = np.cumsum(rng.uniform(0.02, 0.06, 40))
    signal = np.cumsum(rng.normal(0, 1, 40)).astype(np.float32)
    filter_ = OneEuro(cutoff, beta, d_cutoff)
    found = [float(filter_(np.float32([x]), t)[0]) for x, t in zip(signal, times)]
    # section 3 of the paper, one line each: alpha = 1 / (1 + tau / Te), tau = 1 / (2 pi fc)
    value, speed, expected = float(signal[0]), 0.0, [float(signal[0])]
    for k in range(1, 40):
        step = times[k] - times[k - 1]
        alpha_d = 1 / (1 + 1 / (2 * np.pi * d_cutoff) / step)
        speed = alpha_d * (signal[k] - value) / step + (1 - alpha_d) * speed
        alpha = 1 / (1 + 1 / (2 * np.pi * (cutoff + beta * abs(speed))) / step)
        value = alpha * signal[k] + (1 - alpha) * value
        expected.append(value)
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-4)


def test_a_still_signal_gets_stiller_and_a_quick_one_is_followed() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, 200).astype(np.float32)
    still = OneEuro(1.0, 0.01)
    out = np.array([still(np.float32([x]), i / 30)[0] for i, x in enumerate(noise)])
    assert out[50:].std() < 0.5 * noise[50:].std()
    quick = OneEuro(1.0, 5.0)
    ramp = [quick(np.float32([10 * i]), i / 30)[0] for i in range(60)]
    assert abs(ramp[-1] - 590) < 10


def test_nan_stays_nan_and_the_filter_goes_on() -> None:
    filter_ = OneEuro()
    filter_(np.float32([1.0]), 0.0)
    assert np.isnan(filter_(np.float32([np.nan]), 0.1)).all()
    assert filter_(np.float32([1.0]), 0.2)[0] == pytest.approx(1.0)


def frame(time: float, x: float, track: int = 0) -> Frame:
    scores = np.zeros((1, 8), np.float32)
    scores[0, int(x) % 2] = 1
    faces = Faces(np.float32([[x, 0, x + 50, 50]]), np.ones(1), expression=Scores(scores, FERPLUS_8), track=np.array([track]))
    return Frame(None, time, 0, faces)


def test_tracks_do_not_mix() -> None:
    stage = Smooth()
    stage([frame(0.0, 0, 0)])
    other = stage([frame(0.04, 500, 1)])[0]
    assert other.faces.boxes[0, 0] == 500


def test_a_track_that_was_away_starts_afresh() -> None:
    stage = Smooth(gap=0.5)
    stage([frame(0.0, 0)])
    assert stage([frame(2.0, 300)])[0].faces.boxes[0, 0] == 300


def test_smoothed_expressions_still_sum_to_one() -> None:
    stage = Smooth()
    for k in range(10):
        out = stage([frame(k / 25, k)])[0]
    assert out.faces.expression.values.sum() == pytest.approx(1, abs=1e-5)


def test_settings_are_told() -> None:
    assert Smooth(cutoff=2).settings["smoothing_cutoff_hz"] == 2
