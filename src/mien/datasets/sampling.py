"""Orders in which a training sees samples: classes or groups evenly, batches of several groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

Ints = NDArray[np.int64]


def evenly(names: ArrayLike, size: int, rng: np.random.Generator) -> Ints:
    """Positions of samples such that every class, or every group, comes equally often.

    With classes this balances a skewed data set; with subjects or clips, a person who is in ten thousand frames counts as much
    as one in ten. Within a class, every sample comes once before any comes again.

    Args:
        names: (n,) class or group of each sample.
        size: how many positions.
        rng: where chance comes from.

    Returns:
        (size,) positions in mixed order; numbers of two names differ by one at most.

    Raises:
        InputError: there are no samples, or the size is negative.

    Example:
        >>> found = evenly(["a"] * 98 + ["b"] * 2, 10, np.random.default_rng(0))
        >>> int((found >= 98).sum())
        5
    """
    members = _members(names)
    if size < 0:
        raise InputError(f"size is {size}", "0 or more")
    count = np.full(len(members), size // len(members))
    count[rng.permutation(len(members))[: size % len(members)]] += 1
    found = [_drawn(member, int(number), rng) for member, number in zip(members, count)]
    return rng.permutation(np.concatenate(found))


def group_batches(names: ArrayLike, groups: int, each: int, rng: np.random.Generator) -> Iterator[Ints]:
    """Batches of ``groups`` groups with ``each`` samples, without end, as losses on pairs and triplets need them.

    Every group comes once before any comes again. A group with fewer samples than ``each`` repeats them.

    Args:
        names: (n,) group of each sample: the person.
        groups: different groups in a batch.
        each: samples of each of them.
        rng: where chance comes from.

    Yields:
        (groups x each,) positions; those of a group stand together.

    Raises:
        InputError: there are fewer groups, or a number is below 1.

    Example:
        >>> batch = next(group_batches([1, 1, 2, 2, 3], 2, 2, np.random.default_rng(0)))
        >>> batch.shape
        (4,)
    """
    members = _members(names)
    if groups < 1 or each < 1 or groups > len(members):
        raise InputError(f"{groups} groups of {each} in a batch", f"1 to {len(members)} groups, at least one sample of each")
    return _batches(members, groups, each, rng)


def _batches(members: list[Ints], groups: int, each: int, rng: np.random.Generator) -> Iterator[Ints]:
    order = rng.permutation(len(members))
    while True:
        if len(order) < groups:
            # the rest goes first, filled up by groups that are not in it: no batch holds a group twice
            again = rng.permutation(len(members))
            filled = again[~np.isin(again, order)][: groups - len(order)]
            order = np.concatenate([order, filled, again[~np.isin(again, filled)]])
        yield np.concatenate([_drawn(members[group], each, rng) for group in order[:groups]])
        order = order[groups:]


def _members(names: ArrayLike) -> list[Ints]:
    found = np.asarray(names)
    if found.ndim != 1 or not len(found):
        raise InputError(f"names of shape {found.shape}", "a class or group for each sample, at least one")
    place = np.unique(found, return_inverse=True)[1]
    order = np.argsort(place, kind="stable")
    return np.split(order, np.cumsum(np.bincount(place))[:-1])


def _drawn(member: Ints, number: int, rng: np.random.Generator) -> Ints:
    """``number`` of the members, each once before any again."""
    rounds = -(-number // len(member))
    if not rounds:
        return np.zeros(0, np.int64)
    return np.concatenate([rng.permutation(member) for _ in range(rounds)])[:number].astype(np.int64)
