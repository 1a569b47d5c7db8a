"""Folds by subject, and micro-expression figures pooled over leave-one-subject-out."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .classification import macro_f1, uar
from .inputs import Flags, Floats, Ints, numbers, same_length


def contiguous_folds(rows: int, folds: int) -> Ints:
    """The number of the fold of each row: equal parts in the given order, as in the list of pairs of LFW.

    Args:
        rows: how many.
        folds: how many, from 2 to ``rows``; sizes differ by at most one, larger ones first.

    Returns:
        (rows,) from 0 to folds - 1.

    Raises:
        InputError: fewer than two folds, or more folds than rows.

    Example:
        >>> contiguous_folds(5, 2).tolist()
        [0, 0, 0, 1, 1]
    """
    if not 2 <= folds <= rows:
        raise InputError(f"{folds} folds of {rows} rows", "at least two folds, and a row for each")
    return np.repeat(np.arange(folds), [len(part) for part in np.array_split(np.arange(rows), folds)])


def _names(subjects: ArrayLike) -> np.ndarray:
    names = np.asarray(subjects)
    if names.ndim != 1:
        raise InputError(f"subjects has shape {names.shape}", "one name or number for each row")
    return names


def subject_folds(subjects: ArrayLike, folds: int) -> Ints:
    """The number of the fold of each row such that no subject is in two folds and the folds are of similar size.

    The subject with the most rows goes first, each into the fold that is smallest so far; no chance is involved.

    Args:
        subjects: (n,) name or number of the person of each row.
        folds: how many, from 2 to the number of subjects.

    Returns:
        (n,) from 0 to folds - 1.

    Raises:
        InputError: fewer than two folds, more folds than subjects, or subjects not of one dimension.

    Example:
        >>> subject_folds(["a", "a", "a", "b", "c"], 2).tolist()
        [0, 0, 0, 1, 1]
    """
    names, place, count = np.unique(_names(subjects), return_inverse=True, return_counts=True)
    if not 2 <= folds <= len(names):
        raise InputError(f"{folds} folds of {len(names)} subjects", "at least two folds, and a subject for each")
    fold, size = np.zeros(len(names), np.int64), np.zeros(folds, np.int64)
    for k in np.argsort(-count, kind="stable"):
        fold[k] = int(np.argmin(size))
        size[fold[k]] += count[k]
    return fold[place]


def leave_one_subject_out(subjects: ArrayLike) -> Iterator[tuple[Hashable, Flags, Flags]]:
    """Each subject in turn as the test part (LOSO), in the order in which they first appear.

    Args:
        subjects: (n,) name or number of the person of each row; name it "casme2/01" when several data sets are joined.

    Yields:
        The subject, (n,) rows to train on and (n,) rows to test on.

    Raises:
        InputError: fewer than two subjects, or subjects not of one dimension.

    Example:
        >>> [(name, test.tolist()) for name, _, test in leave_one_subject_out(["b", "a", "b"])]
        [('b', [True, False, True]), ('a', [False, True, False])]
    """
    names = _names(subjects)
    every = list(dict.fromkeys(names.tolist()))
    if len(every) < 2:
        raise InputError(f"{len(every)} subject", "two or more", "there is nobody to train on")
    for name in every:
        test = names == name
        yield name, ~test, test


Folds = Mapping[str, tuple[ArrayLike, ArrayLike]]


def pooled(folds: Folds) -> tuple[Floats, Floats]:
    """Truth and prediction of all folds in one row, so that a metric sees every sample once.

    Args:
        folds: name of the fold (the subject left out) to its truth (m,) and prediction (m,).

    Returns:
        Truth (n,) and prediction (n,).

    Raises:
        InputError: unequal lengths within a fold.

    Example:
        >>> pooled({"a": ([0, 1], [0, 0]), "b": ([1], [1])})
        (array([0., 1., 1.]), array([0., 0., 1.]))
    """
    truth, predicted = [np.zeros(0)], [np.zeros(0)]
    for name, (a, b) in folds.items():
        t, p = numbers(f"truth of {name}", a, 1), numbers(f"predicted of {name}", b, 1)
        same_length(**{f"truth of {name}": t, f"predicted of {name}": p})
        truth.append(t)
        predicted.append(p)
    return np.concatenate(truth), np.concatenate(predicted)


def pooled_uf1(folds: Folds, classes: int) -> float:
    """Unweighted F1 over leave-one-subject-out, in [0, 1]: TP, FP and FN are added up over the folds, then the F1 are averaged.

    UF1 = (1 / C) sum_c 2 TP_c / (2 TP_c + FP_c + FN_c). The mean of the folds' own F1 is another, wrong figure: a subject rarely
    shows every class.

    Source: See et al. (2019), "MEGC 2019 - The Second Facial Micro-Expressions Grand Challenge".

    Args:
        folds: subject left out to its truth (m,) and prediction (m,), class codes 0 .. classes - 1.
        classes: length of the label set, 3 in the challenge.

    Returns:
        UF1; a class that neither occurs nor was predicted in any fold is left out; NaN without rows.

    Raises:
        InputError: unequal lengths within a fold, or a label outside 0 .. classes - 1.

    Example:
        >>> round(pooled_uf1({"a": ([0, 0], [0, 1]), "b": ([1, 1], [1, 1])}, 2), 3)
        0.733
    """
    return macro_f1(*pooled(folds), classes)


def pooled_uar(folds: Folds, classes: int) -> float:
    """Unweighted average recall over leave-one-subject-out, in [0, 1]: (1 / C) sum_c TP_c / N_c, added up over the folds first.

    Source: See et al. (2019), "MEGC 2019 - The Second Facial Micro-Expressions Grand Challenge".

    Args:
        folds: subject left out to its truth (m,) and prediction (m,), class codes 0 .. classes - 1.
        classes: length of the label set, 3 in the challenge.

    Returns:
        UAR; a class that does not occur in any fold is left out; NaN without rows.

    Raises:
        InputError: unequal lengths within a fold, or a label outside 0 .. classes - 1.

    Example:
        >>> pooled_uar({"a": ([0, 0], [0, 1]), "b": ([1, 1], [1, 1])}, 2)
        0.75
    """
    return uar(*pooled(folds), classes)
