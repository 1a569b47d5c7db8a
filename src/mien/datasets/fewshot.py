"""Small labelled parts of a training set, drawn from each class, with seeds that draw the same part again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

Ints = NDArray[np.int64]


def each_class(labels: ArrayLike, count: int, rng: np.random.Generator) -> Ints:
    """``count`` samples of each class, none twice.

    Args:
        labels: (n,) class of each sample; NaN for none, which is never drawn.
        count: k of "k-shot".
        rng: where chance comes from.

    Returns:
        (classes * count,) positions in rising order.

    Raises:
        InputError: a class has fewer samples, there is none, or the count is below 1.

    Example:
        >>> found = each_class([0, 0, 0, 1, 1], 2, np.random.default_rng(0))
        >>> found[-2:].tolist(), len(found)
        ([3, 4], 4)
    """
    members = _members(labels)
    least = min(len(own) for own in members)
    if not 1 <= count <= least:
        raise InputError(f"{count} samples of each class", f"1 to {least}, as many as the smallest class has")
    return np.sort(np.concatenate([rng.permutation(own)[:count] for own in members]))


def each_share(labels: ArrayLike, share: float, rng: np.random.Generator) -> Ints:
    """The same share of every class, rounded, and at least one sample of each.

    Args:
        labels: (n,) class of each sample; NaN for none, which is never drawn.
        share: in (0, 1].
        rng: where chance comes from.

    Returns:
        Positions in rising order.

    Raises:
        InputError: there is no sample, or the share is outside (0, 1].

    Example:
        >>> len(each_share([0] * 100 + [1] * 10, 0.01, np.random.default_rng(0)))
        2
    """
    if not 0 < share <= 1:
        raise InputError(f"share is {share}", "above 0, at most 1")
    parts = [rng.permutation(own)[: max(1, round(share * len(own)))] for own in _members(labels)]
    return np.sort(np.concatenate(parts))


def draws(labels: ArrayLike, amount: float, times: int = 5, seed: int = 0) -> Iterator[Ints]:
    """Several draws, each decided by the seed and its own number, so that more of them leave the first ones as they are.

    Args:
        labels: (n,) class of each sample.
        amount: from 1 on so many samples of each class, a whole number; below 1 that share of each class.
        times: how many draws.
        seed: of all of them.

    Yields:
        Positions in rising order.

    Raises:
        InputError: an amount that is neither, or that a class does not have.
    """
    if amount >= 1 and amount != int(amount):
        raise InputError(f"amount is {amount}", "a whole number of samples, or a share below 1")
    for number in range(times):
        rng = np.random.default_rng([seed, number])
        yield each_class(labels, int(amount), rng) if amount >= 1 else each_share(labels, amount, rng)


def _members(labels: ArrayLike) -> list[Ints]:
    found = np.asarray(labels, np.float64)
    names = np.unique(found[~np.isnan(found)])
    if found.ndim != 1 or not len(names):
        raise InputError(f"labels of shape {found.shape}", "a class for each sample, at least one")
    return [np.flatnonzero(found == name) for name in names]
