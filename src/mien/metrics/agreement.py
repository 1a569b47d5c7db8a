"""Agreement of people who labelled the same things, corrected for chance: Cohen's kappa and Krippendorff's alpha."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, unknown_name
from .classification import confusion
from .inputs import Flags, Floats, known, numbers

WEIGHTS: dict[str, int | None] = {"none": None, "linear": 1, "quadratic": 2}
LEVELS = ("nominal", "ordinal", "interval", "ratio")


def cohen_kappa(first: ArrayLike, second: ArrayLike, classes: int, weights: str = "none") -> float:
    """Cohen's kappa of two raters, in [-1, 1]: 1 - sum_ij w_ij o_ij / sum_ij w_ij e_ij.

    o are the shares of the pairs of labels, e the product of the two raters' shares; w_ij is [i != j] ("none"),
    abs(i - j) ("linear") or (i - j)^2 ("quadratic"). Things that one of the two did not label (NaN) are left out.

    Source: Cohen (1960), "A coefficient of agreement for nominal scales"; Cohen (1968) for the weights.

    Args:
        first: (n,) class codes of the first rater.
        second: (n,) class codes of the second.
        classes: length of the label set.
        weights: "none", "linear" or "quadratic".

    Returns:
        kappa; 0 when one rater always says the same; NaN when both always say the same one class, or without rows.

    Raises:
        InputError: unequal lengths, a label outside 0 .. classes - 1, or unknown weights.

    Example:
        >>> round(cohen_kappa([0, 0, 1, 1], [0, 1, 1, 1], 2), 3)
        0.5
    """
    if weights not in WEIGHTS:
        raise unknown_name("weights of kappa", weights, WEIGHTS)
    counts = confusion(first, second, classes).astype(np.float64)
    gap = np.abs(np.subtract.outer(np.arange(classes), np.arange(classes))).astype(np.float64)
    power = WEIGHTS[weights]
    cost = (gap > 0).astype(np.float64) if power is None else gap**power
    total = counts.sum()
    chance = float((cost * np.outer(counts.sum(1), counts.sum(0))).sum())
    # chance is a sum of products of whole numbers: it is exactly 0 when both say one and the same class
    return float(1 - total * (cost * counts).sum() / chance) if chance else float("nan")


def _squared(a: Floats, b: Floats) -> Floats:
    return np.asarray((a - b) ** 2, np.float64)


def _unequal(a: Floats, b: Floats) -> Floats:
    return np.asarray(a != b, np.float64)


def _relative(a: Floats, b: Floats) -> Floats:
    total = a + b
    # two zeros are equal
    return np.asarray(_squared(a, b) / np.where(total == 0, 1, total) ** 2, np.float64)


def krippendorff_alpha(ratings: ArrayLike, level: str) -> float:
    """Krippendorff's alpha of any number of raters with gaps, at most 1.

    With n values that can be paired, m_u of them for thing u, and n_c equal to c, it is 1 - D_o / D_e:
    D_o = (1 / n) sum_u sum_(i != j in u) d(i, j) / (m_u - 1), D_e = sum_ck n_c n_k d(c, k) / (n (n - 1)), where d is [c != k]
    (nominal), (c - k)^2 (interval), ((c - k) / (c + k))^2 (ratio), or the interval difference of the mean ranks (ordinal).

    Source: Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability".

    Args:
        ratings: (raters, things); NaN where a rater gave no label.
        level: "nominal", "ordinal", "interval" or "ratio".

    Returns:
        alpha: 1 perfect, 0 chance, below 0 systematic disagreement; NaN when nothing was rated twice, or all values that count
        are the same (there is no disagreement to expect).

    Raises:
        InputError: not two dimensions, an infinite value, an unknown level, or negative values at level "ratio".

    Example:
        >>> round(krippendorff_alpha([[1, 2, 3, 3], [1, 2, 3, 4]], "nominal"), 3)
        0.696
    """
    if level not in LEVELS:
        raise unknown_name("level of measurement", level, LEVELS)
    table, there, values = _paired(ratings)
    if level == "ratio" and np.any(values < 0):
        raise InputError(f"ratings hold {values.min():g} at level 'ratio'", "no negative values", "use level 'interval'")
    distinct, place, count = np.unique(values, return_inverse=True, return_counts=True)
    if len(distinct) < 2:
        return float("nan")
    if level == "ordinal":  # the counts between two values, half of the ends, add up to the distance of their mean ranks
        distinct = np.cumsum(count) - count / 2
        table[there] = distinct[place]
    distance = {"nominal": _unequal, "ratio": _relative}.get(level, _squared)
    observed = _observed(table, distance) / len(values)
    pairs = sum(float(n * (count @ distance(distinct, np.asarray(value)))) for value, n in zip(distinct, count))
    return float(1 - observed * len(values) * (len(values) - 1) / pairs)


def _paired(ratings: ArrayLike) -> tuple[Floats, Flags, Floats]:
    """The things with two labels or more, where they have one, and those labels."""
    table = numbers("ratings", ratings, 2)
    table = table[:, np.count_nonzero(~np.isnan(table), 0) >= 2]
    there = ~np.isnan(table)
    return table, there, known("ratings", table[there])


def _observed(table: Floats, distance: Callable[[Floats, Floats], Floats]) -> float:
    """Sum over things of the distances of all ordered pairs of their labels, over (labels - 1)."""
    weight = 1 / (np.count_nonzero(~np.isnan(table), 0) - 1)
    total = 0.0
    for i in range(len(table)):
        for j in range(i):
            both = ~np.isnan(table[i]) & ~np.isnan(table[j])
            total += 2 * float(weight[both] @ distance(table[i, both], table[j, both]))
    return total
