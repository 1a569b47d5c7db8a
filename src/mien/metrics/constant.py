"""The constant predictor of each kind of task: what the same metric gives a system that never looks at the face.

A figure means little without it: on a set with 80 % neutral faces an accuracy of 0.8 is nothing. ``train`` is what the constant
is taken from; without it the judged rows themselves give it, which makes the baseline a little harder to beat.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, unknown_name
from .inputs import Floats, class_pair, flags, known, numbers

Value = TypeVar("Value", float, Floats)


def constant_class(
    metric: Callable[[Floats, Floats, int], Value], truth: ArrayLike, classes: int, train: ArrayLike | None = None
) -> Value:
    """A metric of classification for "always the most frequent class" (of equally frequent ones the first).

    No other constant class has a higher accuracy or macro-F1; UAR is 1 / C and kappa 0 for all of them.

    Args:
        metric: from truth (n,), prediction (n,) and classes to a number or to one for each class.
        truth: (n,) class codes 0 .. classes - 1 or NaN.
        classes: length of the label set.
        train: (m,) class codes that decide which class is frequent; None takes ``truth``.

    Returns:
        What the metric gives.

    Raises:
        InputError: a label outside 0 .. classes - 1, or no labels to take the constant from.

    Example:
        >>> from mien.metrics.classification import accuracy
        >>> constant_class(accuracy, [0, 1, 1, 2], 3)
        0.5
    """
    labels, source = numbers("truth", truth, 1), numbers("train", truth if train is None else train, 1)
    codes, _ = class_pair(source, source, classes)
    if not len(codes):
        raise InputError("no labels to take the most frequent class from", "at least one")
    return metric(labels, np.full(len(labels), float(np.argmax(np.bincount(codes)))), classes)


CENTRES: dict[str, Callable[[Floats], np.floating]] = {"mean": np.mean, "median": np.median}


def constant_value(
    metric: Callable[[Floats, Floats], Value], truth: ArrayLike, train: ArrayLike | None = None, centre: str = "mean"
) -> Value:
    """A metric of regression for "always the mean" or "always the median" of the truth.

    The mean has the least RMSE and the median the least MAE of all constants; CCC and ICC are 0 and PCC is NaN for all of them.

    Args:
        metric: from truth (n,) and prediction (n,) to a number.
        truth: (n,) numbers or NaN.
        train: (m,) numbers of which the mean is taken; None takes ``truth``.
        centre: "mean" or "median".

    Returns:
        What the metric gives.

    Raises:
        InputError: an infinite number, no number to take the constant from, or an unknown centre.

    Example:
        >>> from mien.metrics.concordance import mae, rmse
        >>> constant_value(rmse, [0, 4]), constant_value(mae, [0, 0, 9], centre="median")
        (2.0, 3.0)
    """
    if centre not in CENTRES:
        raise unknown_name("centre", centre, CENTRES)
    labels, source = numbers("truth", truth, 1), numbers("train", truth if train is None else train, 1)
    told = known("train", source[~np.isnan(source)])
    if not len(told):
        raise InputError(f"no number to take the {centre} from", "at least one")
    return metric(labels, np.full(len(labels), float(CENTRES[centre](told))))


def constant_units(metric: Callable[[Floats, Floats], Value], truth: ArrayLike, score: float = 1.0) -> Value:
    """A metric of presence for "everything is always present" (or, with score 0, never).

    With share p of positives the F1 of "always present" is 2 p / (1 + p), the best of all constants, and AP is p.

    Args:
        metric: from truth (n, units) and scores (n, units) to a number or to one for each unit.
        truth: (n, units) 0, 1 or NaN.
        score: what every unit of every row gets.

    Returns:
        What the metric gives.

    Raises:
        InputError: a truth other than 0, 1 or NaN.

    Example:
        >>> from mien.metrics.multilabel import unit_f1
        >>> constant_units(unit_f1, [[1, 0], [1, 0], [0, 1]]).tolist()
        [0.8, 0.5]
    """
    labels = flags("truth", truth, 2)
    return metric(labels, np.full(labels.shape, float(score)))


def constant_pairs(metric: Callable[[Floats, Floats], Value], same: ArrayLike) -> Value:
    """A metric of verification (or of anti-spoofing) for "all pairs are equally alike": every score is 0.

    EER, HTER and ACER are 0.5, TAR is 0 at any FAR below 1, the accuracy is the share of the commoner kind.

    Args:
        metric: from same (n,) and scores (n,) to a number.
        same: (n,) 0, 1 or NaN.

    Returns:
        What the metric gives.

    Raises:
        InputError: a value other than 0, 1 or NaN.

    Example:
        >>> from mien.metrics.verification import eer
        >>> constant_pairs(eer, [1, 1, 0])
        0.5
    """
    labels = flags("same", same)
    return metric(labels, np.zeros(len(labels)))
