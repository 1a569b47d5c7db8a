"""k-means: points in groups around centres."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

Ints = NDArray[np.int64]
FloatArray = NDArray[np.float32]
ROWS = 4096  # points whose distances to all centres are held at once


def kmeans(points: ArrayLike, clusters: int, rng: np.random.Generator, rounds: int = 100) -> tuple[Ints, FloatArray]:
    """Points in clusters of small squared distance to their mean: k-means++ to begin, then Lloyd's rounds.

    Source: Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007, section 2.2.

    Args:
        points: (n, d) finite numbers.
        clusters: how many, 1 to n. A cluster that loses all its points starts again at the point farthest from its centre;
            one can end empty only where points coincide.
        rng: where chance comes from.
        rounds: highest number of Lloyd's rounds; they end when no point changes its cluster.

    Returns:
        (n,) cluster of each point, and (clusters, d) centres.

    Raises:
        InputError: no table of finite numbers, or more clusters than points.

    Example:
        >>> labels, centres = kmeans([[0.0], [0.2], [9.0], [9.2]], 2, np.random.default_rng(0))
        >>> bool(labels[0] == labels[1] != labels[2] == labels[3]), sorted(round(float(c), 1) for c in centres[:, 0])
        (True, [0.1, 9.1])
    """
    x = np.asarray(points, np.float32)
    if x.ndim != 2 or not np.isfinite(x).all():
        raise InputError(f"points of shape {x.shape}" + ", some of them NaN or infinite" * (x.ndim == 2), "(n, d) finite numbers")
    if not 1 <= clusters <= len(x):
        raise InputError(f"{clusters} clusters of {len(x)} points", "1 to as many as there are points")
    # distances come from dot products, whose rounding error grows with the distance from the origin
    origin = x.mean(0)
    x = x - origin
    centres = _spread(x, clusters, rng)
    labels, gap = _nearest(x, centres)
    for _ in range(rounds):
        centres = _means(x, labels, gap, clusters)
        found, gap = _nearest(x, centres)
        if np.array_equal(found, labels):
            break
        labels = found
    return labels, centres + origin


def _spread(x: FloatArray, clusters: int, rng: np.random.Generator) -> FloatArray:
    """First centres: each a point drawn in proportion to its squared distance from those before."""
    square = (x * x).sum(1)
    gap = np.full(len(x), np.inf)
    chosen: list[int] = []
    for _ in range(clusters):
        total = gap.sum()
        # the first is drawn evenly; so are those that are left when every point coincides with a centre
        even = not chosen or total <= 0
        k = int(rng.integers(len(x)) if even else rng.choice(len(x), p=gap / total))
        chosen.append(k)
        gap = np.minimum(gap, np.maximum(square + square[k] - 2 * (x @ x[k]), 0))
        gap[k] = 0
    return x[chosen]


def _nearest(x: FloatArray, centres: FloatArray) -> tuple[Ints, FloatArray]:
    """The nearest centre of each point, and the squared distance to it."""
    labels, gap = np.zeros(len(x), np.int64), np.zeros(len(x), np.float32)
    square = (centres * centres).sum(1)
    for start in range(0, len(x), ROWS):
        part = x[start : start + ROWS]
        distance = square - 2 * (part @ centres.T)
        best = distance.argmin(1)
        labels[start : start + ROWS] = best
        gap[start : start + ROWS] = distance[np.arange(len(part)), best] + (part * part).sum(1)
    return labels, gap


def _means(x: FloatArray, labels: Ints, gap: FloatArray, clusters: int) -> FloatArray:
    """The mean of each cluster; empty ones move to the points that lie farthest from their centres."""
    count = np.bincount(labels, minlength=clusters)
    full = np.flatnonzero(count)
    start = np.cumsum(count)[full] - count[full]
    centres = np.empty((clusters, x.shape[1]), np.float32)
    sums = np.add.reduceat(x[np.argsort(labels, kind="stable")], start, dtype=np.float64)
    centres[full] = sums / count[full, None]
    empty = np.flatnonzero(count == 0)
    centres[empty] = x[np.argsort(-gap, kind="stable")[: len(empty)]]
    return centres
