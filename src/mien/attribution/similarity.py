"""Which maps are alike: distance by correlation, and the tree that joins the nearest ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

Floats = NDArray[np.float64]


def correlation_distance(maps: ArrayLike) -> Floats:
    """1 - normalised correlation coefficient of every pair of maps, the mean of each taken away first.

    Args:
        maps: (n, h, w) numbers.

    Returns:
        (n, n) from 0 (alike up to scale and shift) to 2 (one the negative of the other), symmetric, 0 on the diagonal.

    Raises:
        InputError: not three dimensions, a value that is no number, or a map with one value, which correlates with nothing.

    Example:
        >>> correlation_distance([[[0, 1]], [[2, 4]], [[1, 0]]]).round(6).tolist()
        [[0.0, 0.0, 2.0], [0.0, 0.0, 2.0], [2.0, 2.0, 0.0]]
    """
    array = np.asarray(maps, np.float64)
    if array.ndim != 3 or not np.isfinite(array).all():
        raise InputError(f"maps have shape {array.shape}", "(n, h, w) finite numbers")
    flat = array.reshape(len(array), -1)
    flat = flat - flat.mean(1, keepdims=True)
    length = np.sqrt((flat**2).sum(1))
    if not length.all():
        raise InputError(f"map {int(np.argmin(length))} has one value everywhere", "contrast", "leave it out and say so")
    unit = flat / length[:, None]
    distance = np.clip(1 - unit @ unit.T, 0, 2)
    np.fill_diagonal(distance, 0)
    return np.asarray((distance + distance.T) / 2)


@dataclass(frozen=True)
class Join:
    """One step of a tree: two groups, by the names in them, and how far apart they were."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    distance: float

    @property
    def names(self) -> tuple[str, ...]:
        """All names below this step."""
        return self.left + self.right


def average_linkage(names: Sequence[str], distances: ArrayLike) -> tuple[Join, ...]:
    """Join the two nearest groups until one is left; groups are as far apart as their members are on average (UPGMA).

    Source: Sokal and Michener (1958), "A statistical method for evaluating systematic relationships".

    Args:
        names: n different names.
        distances: (n, n) symmetric.

    Returns:
        n - 1 steps, nearest first; of equal distances the earlier names come first.

    Raises:
        InputError: a name twice, or the shape does not fit the names.

    Example:
        >>> [step.names for step in average_linkage("abc", [[0, 1, 4], [1, 0, 6], [4, 6, 0]])]
        [('a', 'b'), ('c', 'a', 'b')]
        >>> average_linkage("abc", [[0, 1, 4], [1, 0, 6], [4, 6, 0]])[1].distance
        5.0
    """
    array = np.array(distances, np.float64)
    if len(set(names)) != len(names) or array.shape != (len(names), len(names)):
        raise InputError(f"{len(names)} names, {len(set(names))} different, for distances {array.shape}", "one for each row")
    np.fill_diagonal(array, np.inf)
    groups: list[tuple[str, ...]] = [(name,) for name in names]
    steps = []
    while len(groups) > 1:
        i, j = sorted(int(k) for k in np.unravel_index(np.argmin(array), array.shape))
        left, right = sorted((groups[i], groups[j]), key=len)
        steps.append(Join(left, right, float(array[i, j])))
        sizes = len(groups[i]), len(groups[j])
        joined = (sizes[0] * array[i] + sizes[1] * array[j]) / sum(sizes)
        array[i], array[:, i] = joined, joined
        array[i, i] = np.inf
        array = np.delete(np.delete(array, j, 0), j, 1)
        groups[i] = steps[-1].names
        del groups[j]
    return tuple(steps)
