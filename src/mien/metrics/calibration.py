"""Calibration: does a class that gets 0.8 turn out right in 80 % of the cases?

``truth`` is (n,) class codes 0 .. classes - 1 or NaN (not labelled: left out); ``probabilities`` (n, classes) in [0, 1]. For one
action unit stack 1 - p and p. The confidence of a row is its largest probability; of equal ones the first class is taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .inputs import Flags, Floats, Ints, class_pair, known, numbers, same_length, shares


def _confidence(truth: ArrayLike, probabilities: ArrayLike) -> tuple[Floats, Flags]:
    table, labels = numbers("probabilities", probabilities, 2), numbers("truth", truth, 1)
    same_length(truth=labels, probabilities=table)
    judged = ~np.isnan(labels)
    table = known("probabilities", table[judged])
    if np.any((table < 0) | (table > 1)):
        raise InputError(f"probabilities lie in [{table.min():.4g}, {table.max():.4g}]", "[0, 1]", "apply softmax first")
    if not table.shape[1]:
        raise InputError("probabilities have no columns", "one for each class")
    best = table.argmax(1)
    code, told = class_pair(labels[judged], best, table.shape[1])
    return table[np.arange(len(table)), best], code == told


def reliability(truth: ArrayLike, probabilities: ArrayLike, bins: int = 15) -> tuple[Ints, Floats, Floats]:
    """The reliability diagram: how many rows, how sure and how right in each of equal bins of the confidence.

    Bin b of B holds the confidences in (b / B, (b + 1) / B]; 0 belongs to the first.

    Source: Guo et al. (2017), "On calibration of modern neural networks", arXiv:1706.04599, section 2.

    Args:
        truth: (n,) class codes or NaN.
        probabilities: (n, classes) in [0, 1].
        bins: how many, from 1 up.

    Returns:
        Counts (bins,), mean confidence (bins,) and accuracy (bins,), both in [0, 1] and NaN in an empty bin.

    Raises:
        InputError: unequal lengths, a label outside the classes, a probability that is NaN or outside [0, 1], or bins below 1.

    Example:
        >>> count, sure, right = reliability([0, 1], [[0.9, 0.1], [0.7, 0.3]], bins=2)
        >>> count.tolist(), sure.round(2).tolist(), right.tolist()
        ([0, 2], [nan, 0.8], [nan, 0.5])
    """
    if bins < 1:
        raise InputError(f"bins is {bins}", "at least 1")
    confidence, right = _confidence(truth, probabilities)
    place = np.maximum(np.searchsorted(np.linspace(0, 1, bins + 1), confidence) - 1, 0)
    count = np.bincount(place, minlength=bins)
    sure, hits = (np.bincount(place, weights, bins) for weights in (confidence, right.astype(np.float64)))
    return count, shares(sure, count), shares(hits, count)


def ece(truth: ArrayLike, probabilities: ArrayLike, bins: int = 15) -> float:
    """Expected calibration error, in [0, 1]: sum_b (n_b / n) abs(accuracy_b - confidence_b).

    Source: Naeini et al. (2015), "Obtaining well calibrated probabilities using Bayesian binning", with the bins of Guo et al.
    (2017), Eq. 3 of arXiv:1706.04599.

    Args:
        truth: (n,) class codes or NaN.
        probabilities: (n, classes) in [0, 1].
        bins: how many; the figure depends on it, 15 is usual.

    Returns:
        ECE; a constant prediction of the classes' own shares gives 0; NaN without rows.

    Raises:
        InputError: unequal lengths, a label outside the classes, a probability that is NaN or outside [0, 1], or bins below 1.

    Example:
        >>> round(ece([0, 1], [[0.9, 0.1], [0.7, 0.3]], bins=2), 3)
        0.3
    """
    count, sure, right = reliability(truth, probabilities, bins)
    filled = count > 0
    if not filled.any():
        return float("nan")
    return float(np.average(np.abs(right - sure)[filled], weights=count[filled]))


def mce(truth: ArrayLike, probabilities: ArrayLike, bins: int = 15) -> float:
    """Maximum calibration error, in [0, 1]: the largest abs(accuracy_b - confidence_b) of a bin that is not empty.

    Source: Guo et al. (2017), Eq. 5 of arXiv:1706.04599. One row alone in a bin can decide it.

    Args:
        truth: (n,) class codes or NaN.
        probabilities: (n, classes) in [0, 1].
        bins: how many.

    Returns:
        MCE; NaN without rows.

    Raises:
        InputError: as for :func:`ece`.

    Example:
        >>> round(mce([0, 1], [[0.9, 0.1], [0.7, 0.3]], bins=10), 3)
        0.7
    """
    count, sure, right = reliability(truth, probabilities, bins)
    return float(np.abs(right - sure)[count > 0].max()) if count.any() else float("nan")
