"""Intervals of any metric by resampling rows, or whole subjects or videos when rows of one belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .inputs import Ints, same_length

LEVEL = 0.95
# with more draws than this that cannot be told, the rest are no fair sample
UNTOLD = 0.1

Rows = NDArray[np.generic]
Sampled = Callable[[Rows, Rows], float]


def bootstrap(
    metric: Sampled,
    truth: ArrayLike,
    predicted: ArrayLike,
    rng: np.random.Generator,
    groups: ArrayLike | None = None,
    draws: int = 1000,
) -> tuple[float, float]:
    """The 95 % percentile interval of a metric under resampling with replacement.

    Frames of one video are alike: with ``groups`` whole groups are drawn, without it their interval is far too narrow.

    Source: Efron (1979), "Bootstrap methods: another look at the jackknife"; Davison and Hinkley (1997), section 3.8 (clusters).

    Args:
        metric: from the drawn rows of truth and prediction to a number.
        truth: (n, ...).
        predicted: (n, ...).
        rng: where chance comes from.
        groups: (n,) subject or video of each row.
        draws: how often, from 1 up.

    Returns:
        The 2.5 and 97.5 % quantiles of the draws; NaN without rows, or when more than a tenth of the draws could not be told.

    Raises:
        InputError: unequal lengths, draws below 1, or whatever the metric raises.

    Example:
        >>> low, high = bootstrap(lambda a, b: float((a == b).mean()), [1] * 50, [1] * 40 + [0] * 10, np.random.default_rng(0))
        >>> round(low, 2), round(high, 2)
        (0.68, 0.9)
    """
    if draws < 1:
        raise InputError(f"draws is {draws}", "1 or more")
    a, b = np.asarray(truth), np.asarray(predicted)
    names = np.arange(len(a)) if groups is None else np.asarray(groups)
    return _ends([metric(a[rows], b[rows]) for rows in _drawn_rows(a, b, names, rng, draws)])


def _ends(values: list[float]) -> tuple[float, float]:
    told = [value for value in values if not np.isnan(value)]
    if not told or len(told) < (1 - UNTOLD) * len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(told, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _drawn_rows(a: Rows, b: Rows, names: Rows, rng: np.random.Generator, draws: int) -> Iterator[Ints]:
    same_length(truth=a, predicted=b, groups=names)
    _, place, count = np.unique(names, return_inverse=True, return_counts=True)
    members = np.split(np.argsort(place, kind="stable"), np.cumsum(count)[:-1])
    for _ in range(draws if len(a) else 0):
        drawn = rng.integers(len(members), size=len(members))
        yield drawn if len(members) == len(a) else np.concatenate([members[k] for k in drawn])
