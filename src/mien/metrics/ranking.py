"""Ranking metrics of scores against presence: average precision, its mean over classes, and the area under the ROC curve.

``truth`` holds 0, 1 or NaN (not labelled: left out), ``scores`` any numbers of which larger means more present; a NaN score
raises. Rows with equal scores enter together, so the order of the rows never matters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .inputs import Flags, Floats, Ints, flag_columns, flag_pair, known_mean


def thresholds(truth: Flags, scores: Floats) -> tuple[Floats, Ints, Ints]:
    """Every threshold that makes a difference, largest first, with what passes it (score >= threshold).

    Args:
        truth: (n,) which rows are positive.
        scores: (n,) without NaN.

    Returns:
        Distinct scores (k,), true positives (k,) and false positives (k,) at each.

    Example:
        >>> cut, hits, false = thresholds(np.array([True, False, True]), np.array([0.9, 0.5, 0.5]))
        >>> cut.tolist(), hits.tolist(), false.tolist()
        ([0.9, 0.5], [1, 2], [0, 1])
    """
    order = np.argsort(-scores, kind="stable")
    ranked, positive = scores[order], truth[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, np.int64)
    hits = np.cumsum(positive)[last].astype(np.int64)
    return ranked[last], hits, last + 1 - hits


def between(high: float, low: float) -> float:
    """A threshold that ``high`` reaches and ``low`` does not (when they differ): their middle where floats have one.

    Example:
        >>> between(0.5, 0.25), between(float(np.nextafter(1, 2)), 1.0) > 1
        (0.375, True)
    """
    middle = float(high / 2 + low / 2)
    return middle if low < middle <= high else float(high)


def average_precision(truth: ArrayLike, scores: ArrayLike) -> float:
    """Average precision, in [0, 1]: sum_k (R_k - R_(k-1)) P_k over the distinct scores, without interpolation.

    P_k and R_k are precision and recall of the rows whose score is at least the k-th largest.

    Source: the definition of scikit-learn's ``average_precision_score``; Manning et al. (2008), "Introduction to Information
    Retrieval", section 8.4. The interpolated ones of object detection are in :mod:`mien.metrics.detection`.

    Args:
        truth: (n,) 0, 1 or NaN.
        scores: (n,).

    Returns:
        AP; the share of positives when all scores are equal; NaN without a positive.

    Raises:
        InputError: unequal lengths, a truth other than 0, 1 or NaN, or a NaN score.

    Example:
        >>> round(average_precision([1, 0, 1], [0.9, 0.8, 0.7]), 3)
        0.833
    """
    a, b = flag_pair(truth, scores)
    _, hits, false = thresholds(a, b)
    if not a.any():
        return float("nan")
    gained = np.diff(hits, prepend=0)
    return float(np.sum(gained * (hits / (hits + false))) / hits[-1])


def mean_average_precision(truth: ArrayLike, scores: ArrayLike) -> float:
    """Mean over the columns of their average precision (mAP, macro), in [0, 1].

    Args:
        truth: (n, classes) 0, 1 or NaN.
        scores: (n, classes).

    Returns:
        mAP; a class without a positive has no AP and is left out; NaN when no class has one.

    Raises:
        InputError: unequal shapes, a truth other than 0, 1 or NaN, or a NaN score.

    Example:
        >>> mean_average_precision([[1, 0, 0], [0, 1, 0]], [[0.9, 0.4, 0.1], [0.2, 0.3, 0.1]])
        0.75
    """
    return known_mean([average_precision(a, b) for a, b in flag_columns(truth, scores)])


def roc_auc(truth: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve, in [0, 1]: P(score of a positive > that of a negative) + half of P(equal).

    Source: Hanley and McNeil (1982), "The meaning and use of the area under a ROC curve".

    Args:
        truth: (n,) 0, 1 or NaN.
        scores: (n,).

    Returns:
        The area; 0.5 when all scores are equal; NaN when there are no positives or no negatives.

    Raises:
        InputError: unequal lengths, a truth other than 0, 1 or NaN, or a NaN score.

    Example:
        >>> roc_auc([0, 1, 1, 0], [0.1, 0.4, 0.8, 0.4])
        0.875
    """
    a, b = flag_pair(truth, scores)
    _, hits, false = thresholds(a, b)
    if not len(a) or not hits[-1] or not false[-1]:
        return float("nan")
    rise, run = np.append(0, hits), np.diff(false, prepend=0)
    return float(np.sum(run * (rise[1:] + rise[:-1]) / 2) / (hits[-1] * false[-1]))
