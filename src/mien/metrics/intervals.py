"""Intervals of confidence for shares."""

from __future__ import annotations

import math


def wilson(hits: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """The Wilson score interval of a share.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22:
    (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n).

    Args:
        hits: how often it happened.
        total: out of how many; 0 gives the interval (0, 1).
        z: quantile of the normal distribution; the default gives 95 %.

    Returns:
        Lower and upper end, in [0, 1].

    Example:
        >>> tuple(round(v, 4) for v in wilson(95, 100))
        (0.8882, 0.9785)
    """
    if not 0 <= hits <= total:
        raise ValueError(f"wilson: {hits} hits of {total}; wanted 0 <= hits <= total")
    if total == 0:
        return 0.0, 1.0
    share, square = hits / total, z * z
    middle = share + square / (2 * total)
    reach = z * math.sqrt(share * (1 - share) / total + square / (4 * total**2))
    bottom = 1 + square / total
    return max(0.0, (middle - reach) / bottom), min(1.0, (middle + reach) / bottom)
