"""Presence of several things at once, such as action units: F1 of each at fixed and at swept thresholds.

``truth`` is (n, units) of 0, 1 or NaN (that cell is not labelled and is left out), ``scores`` (n, units) of numbers without NaN;
something is called present when its score is at least the threshold. The mean over the units is ``known_mean`` of the result.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .inputs import Flags, Floats, flag_columns, known, share
from .ranking import between
from .ranking import thresholds as cuts


def unit_f1(truth: ArrayLike, scores: ArrayLike, thresholds: ArrayLike = 0.5) -> Floats:
    """F1 of the positives of each unit, in [0, 1]: 2 TP / (2 TP + FP + FN) at given thresholds.

    Source: van Rijsbergen (1979), "Information Retrieval", with beta = 1; per unit as in Valstar et al. (2015), "FERA 2015".

    Args:
        truth: (n, units) 0, 1 or NaN.
        scores: (n, units).
        thresholds: one number for all units, or (units,), in the unit of the scores.

    Returns:
        (units,); 0 when a unit occurs and is never called present, or the other way round; NaN when it neither occurs nor is
        called present, and where its threshold is NaN.

    Raises:
        InputError: unequal shapes, a truth other than 0, 1 or NaN, a NaN score, or thresholds that do not fit the units.

    Example:
        >>> unit_f1([[1, 0], [1, 0], [0, 0]], [[0.9, 0.1], [0.2, 0.2], [0.6, 0.3]]).tolist()
        [0.5, nan]
    """
    columns = flag_columns(truth, scores)
    at = np.asarray(thresholds, np.float64)
    if at.shape not in ((), (len(columns),)):
        raise InputError(f"thresholds has shape {at.shape}", f"one number or ({len(columns)},), one for each unit")
    values = [_f1(a, b >= cut) for (a, b), cut in zip(columns, np.broadcast_to(at, len(columns)))]
    return np.where(np.isnan(at), np.nan, np.array(values, np.float64))


def _f1(truth: Flags, called: Flags) -> float:
    return share(2 * float(np.count_nonzero(truth & called)), float(np.count_nonzero(truth) + np.count_nonzero(called)))


def best_thresholds(truth: ArrayLike, scores: ArrayLike) -> Floats:
    """The threshold of each unit that gives the best F1 on these rows; choose it on other rows than those you judge.

    All cuts between distinct scores are tried. Returned is the middle between the lowest score called present and the next
    lower one (that score itself when all are called present); of equal F1 the highest threshold.

    Source: Lipton, Elkan and Naryanaswamy (2014), "Optimal thresholding of classifiers to maximize F1", arXiv:1402.1892.

    Args:
        truth: (n, units) 0, 1 or NaN.
        scores: (n, units), finite.

    Returns:
        (units,); NaN for a unit that does not occur.

    Raises:
        InputError: unequal shapes, a truth other than 0, 1 or NaN, or a score that is NaN or infinite.

    Example:
        >>> best_thresholds([[1], [1], [0]], [[0.9], [0.4], [0.2]]).round(3).tolist()
        [0.3]
    """
    found = []
    for a, b in flag_columns(truth, scores):
        cut, hits, false = cuts(a, known("scores", b))
        if not a.any():
            found.append(float("nan"))
            continue
        best = int(np.argmax(2 * hits / (hits + false + hits[-1])))
        found.append(between(cut[best], cut[min(best + 1, len(cut) - 1)]))
    return np.array(found, np.float64)


def swept_f1(truth: ArrayLike, scores: ArrayLike) -> Floats:
    """The best F1 that any threshold gives each unit on these very rows, in [0, 1]: an upper bound, not a result.

    It is the "optimal F1" of some tables. A fair figure takes ``best_thresholds`` of other rows into :func:`unit_f1`.

    Args:
        truth: (n, units) 0, 1 or NaN.
        scores: (n, units), finite.

    Returns:
        (units,); at least 2 p / (1 + p) for a unit that occurs with share p (all called present); NaN for one that does not.

    Raises:
        InputError: unequal shapes, a truth other than 0, 1 or NaN, or a score that is NaN or infinite.

    Example:
        >>> swept_f1([[1], [0], [1]], [[0.3], [0.2], [0.1]]).tolist()
        [0.8]
    """
    return unit_f1(truth, scores, best_thresholds(truth, scores))
