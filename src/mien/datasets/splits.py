"""Splits in which no person, recording or sitting stands on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..metrics.folds import leave_one_subject_out
from .sample import Sample

__all__ = ["folds", "keys", "leave_one_subject_out", "parts"]

Ints = NDArray[np.int64]
BY = ("subject", "clip", "session")


def keys(samples: Iterable[Sample], by: str = "subject", missing: str = "raise") -> NDArray[np.str_]:
    """What each sample belongs to, as names that the other functions here take.

    Args:
        samples: the samples.
        by: "subject", "clip" or "session".
        missing: what to do about a sample without that name: "raise", or "own", which makes each of them a group of its own.

    Raises:
        InputError: a sample has no such name, or ``by`` or ``missing`` is another word.

    Example:
        >>> keys([Sample("1", subject="ann"), Sample("2")], missing="own").tolist()
        ['ann', 'sample 2']
    """
    if by not in BY or missing not in ("raise", "own"):
        raise InputError(f"by={by!r}, missing={missing!r}", f"by one of {', '.join(BY)}; missing 'raise' or 'own'")
    found = []
    for sample in samples:
        name = getattr(sample, by)
        if name is None and missing == "raise":
            raise InputError(
                f"sample {sample.id} has no {by}", f"a {by} for each sample", "split by another name, or missing='own'"
            )
        found.append(f"sample {sample.id}" if name is None else str(name))
    return np.array(found, np.str_)


def folds(groups: ArrayLike, count: int, rng: np.random.Generator, classes: ArrayLike | None = None) -> Ints:
    """The number of the fold of each sample, such that no group is in two folds and the folds are alike.

    The largest group goes first, each into the fold that then comes nearest to its share of every class; chance only decides
    among groups of equal size. (Without chance and classes: :func:`mien.metrics.folds.subject_folds`.)

    Args:
        groups: (n,) what each sample belongs to, from :func:`keys`.
        count: number of folds, from 2 to the number of groups.
        rng: where chance comes from.
        classes: (n,) class of each sample, to be balanced over the folds; None balances numbers of samples only.

    Returns:
        (n,) from 0 to count - 1.

    Raises:
        InputError: fewer than two folds, more folds than groups, or lists of unequal length.

    Example:
        >>> folds(["a", "a", "b", "c"], 2, np.random.default_rng(0)).tolist()
        [0, 0, 1, 1]
    """
    if count < 2:
        raise InputError(f"{count} folds", "at least two")
    return parts(groups, [1 / count] * count, rng, classes)


def parts(groups: ArrayLike, shares: Sequence[float], rng: np.random.Generator, classes: ArrayLike | None = None) -> Ints:
    """The number of the part of each sample, such that no group is in two parts and each part has about its share.

    Args:
        groups: (n,) what each sample belongs to, from :func:`keys`.
        shares: of each part, above 0, together 1: ``(0.8, 0.1, 0.1)`` for train, val and test.
        rng: where chance comes from.
        classes: (n,) class of each sample, to be balanced over the parts; None balances numbers of samples only.

    Returns:
        (n,) from 0 to len(shares) - 1; no part is empty.

    Raises:
        InputError: the shares do not sum to 1, there are fewer groups than parts, or lists of unequal length.
    """
    wanted = np.asarray(shares, np.float64)
    if wanted.ndim != 1 or len(wanted) < 2 or np.any(wanted <= 0) or abs(wanted.sum() - 1) > 1e-6:
        raise InputError(f"shares {list(shares)}", "two or more numbers above 0 that sum to 1")
    table, place = _table(groups, classes)
    if len(table) < len(wanted):
        raise InputError(f"{len(wanted)} parts of {len(table)} groups", "a group for each part")
    part = _dealt(table / table.sum(0), table.sum(1), wanted, rng)
    return part[place]


def _table(groups: ArrayLike, classes: ArrayLike | None) -> tuple[NDArray[np.float64], Ints]:
    """How many samples of each class each group has (groups, classes), and the group of each sample."""
    names = np.asarray(groups)
    kinds = np.zeros(len(names), np.int64) if classes is None else np.asarray(classes)
    if names.ndim != 1 or kinds.shape != names.shape or not len(names):
        raise InputError(f"groups {names.shape} and classes {kinds.shape}", "one for each sample, of both")
    found, place = np.unique(names, return_inverse=True)
    kind, column = np.unique(kinds, return_inverse=True)
    table = np.zeros((len(found), len(kind)))
    np.add.at(table, (place, column), 1)
    return table, place.astype(np.int64)


def _dealt(table: NDArray[np.float64], size: NDArray[np.float64], wanted: NDArray[np.float64], rng: np.random.Generator) -> Ints:
    """The part of each group: the largest first, where the sum of (share got - share wanted)^2 over classes is then least."""
    order = rng.permutation(len(table))
    order = order[np.argsort(-size[order], kind="stable")]
    got, part = np.zeros((len(wanted), table.shape[1])), np.zeros(len(table), np.int64)
    held = np.zeros(len(wanted), np.int64)
    for left, group in zip(range(len(order), 0, -1), order):
        # adding w to x changes (x - s)^2 by w (w + 2 (x - s)); the first term is the same for all parts
        cost = ((got - wanted[:, None]) * table[group]).sum(1)
        if np.count_nonzero(held == 0) >= left:
            cost[held > 0] = np.inf  # the last groups go to parts that have none
        part[group] = chosen = int(np.argmin(cost))
        got[chosen] += table[group]
        held[chosen] += 1
    return part
