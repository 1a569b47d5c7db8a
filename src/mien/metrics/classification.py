"""Classification into one of c classes: accuracy (WAR), UAR, precision, recall and F1 from hard labels.

All functions take ``truth`` (n,) and ``predicted`` (n,), class codes 0 .. classes - 1, and ``classes``, the length of the label
set. A row whose truth is NaN has no label and is left out. A predicted NaN means "could not tell" and counts as wrong: a miss
of the true class and a claim of none. Every function raises InputError when the lengths differ or a label is not a code.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .inputs import Floats, Ints, class_pair, known_mean, share, shares


def confusion(truth: ArrayLike, predicted: ArrayLike, classes: int) -> Ints:
    """How often class i (row) was called class j (column).

    Rows predicted NaN are in no column, so a row may sum to less than the class has samples.

    Returns:
        (classes, classes) int64; all 0 without rows.

    Raises:
        InputError: unequal lengths or a label outside 0 .. classes - 1.

    Example:
        >>> confusion([0, 0, 1], [0, 1, 1], 2).tolist()
        [[1, 1], [0, 1]]
    """
    a, b = class_pair(truth, predicted, classes)
    told = b >= 0
    return np.bincount(a[told] * classes + b[told], minlength=classes**2).reshape(classes, classes).astype(np.int64)


def _counts(truth: ArrayLike, predicted: ArrayLike, classes: int) -> tuple[Ints, Ints, Ints]:
    """Per class: how often it was right, occurs in the truth, was predicted."""
    a, b = class_pair(truth, predicted, classes)
    right = np.bincount(a[a == b], minlength=classes)
    return right, np.bincount(a, minlength=classes), np.bincount(b[b >= 0], minlength=classes)


def accuracy(truth: ArrayLike, predicted: ArrayLike, classes: int) -> float:
    """Share of rows whose class is right, in [0, 1]: sum_i [t_i = p_i] / n. NaN without rows.

    Source: the plain share; the weighted average recall (WAR) of Schuller et al. (2009), "The INTERSPEECH 2009 Emotion
    Challenge", is the same number (see :func:`war`).

    Raises:
        InputError: unequal lengths or a label outside 0 .. classes - 1.

    Example:
        >>> accuracy([0, 1, 2, 2], [0, 1, 2, float("nan")], 3)
        0.75
    """
    right, occurs, _ = _counts(truth, predicted, classes)
    return share(right.sum(), occurs.sum())


def war(truth: ArrayLike, predicted: ArrayLike, classes: int) -> float:
    """Weighted average recall, in [0, 1]: sum_c (n_c / n) recall_c, which equals the accuracy. NaN without rows.

    Source: Schuller et al. (2009), "The INTERSPEECH 2009 Emotion Challenge".

    Raises:
        InputError: unequal lengths or a label outside 0 .. classes - 1.

    Example:
        >>> war([0, 0, 0, 1], [0, 0, 1, 1], 2)
        0.75
    """
    return accuracy(truth, predicted, classes)


def recall(truth: ArrayLike, predicted: ArrayLike, classes: int) -> Floats:
    """Recall of each class, in [0, 1]: TP_c / (TP_c + FN_c).

    Returns:
        (classes,); NaN for a class that does not occur in the truth.

    Raises:
        InputError: unequal lengths or a label outside 0 .. classes - 1.

    Example:
        >>> recall([0, 0, 1], [0, 1, 1], 3).tolist()
        [0.5, 1.0, nan]
    """
    right, occurs, _ = _counts(truth, predicted, classes)
    return shares(right, occurs)


def precision(truth: ArrayLike, predicted: ArrayLike, classes: int) -> Floats:
    """Precision of each class, in [0, 1]: TP_c / (TP_c + FP_c).

    Returns:
        (classes,); NaN for a class that was never predicted.

    Raises:
        InputError: unequal lengths or a label outside 0 .. classes - 1.

    Example:
        >>> precision([0, 0, 1], [0, 1, 1], 3).tolist()
        [1.0, 0.5, nan]
    """
    right, _, predictions = _counts(truth, predicted, classes)
    return shares(right, predictions)


def f1(truth: ArrayLike, predicted: ArrayLike, classes: int) -> Floats:
    """F1 of each class, in [0, 1]: 2 TP_c / (2 TP_c + FP_c + FN_c).

    Source: van Rijsbergen (1979), "Information Retrieval", with beta = 1.

    Returns:
        (classes,); NaN for a class that neither occurs nor was predicted; 0 for one that was only predicted, or only occurs.

    Raises:
        InputError: unequal lengths or a label outside 0 .. classes - 1.

    Example:
        >>> f1([0, 0, 1], [0, 1, 1], 3).round(3).tolist()
        [0.667, 0.667, nan]
    """
    right, occurs, predictions = _counts(truth, predicted, classes)
    return shares(2 * right, occurs + predictions)


def uar(truth: ArrayLike, predicted: ArrayLike, classes: int) -> float:
    """Unweighted average recall (balanced accuracy), in [0, 1]: the mean of the recalls of the classes that occur.

    A class that does not occur in the truth has no recall and is left out of the mean; NaN without rows. A constant
    prediction gives 1 / (number of classes that occur).

    Source: Schuller et al. (2009), "The INTERSPEECH 2009 Emotion Challenge".

    Raises:
        InputError: unequal lengths or a label outside 0 .. classes - 1.

    Example:
        >>> uar([0, 0, 0, 1], [0, 0, 0, 0], 3)
        0.5
    """
    return known_mean(recall(truth, predicted, classes))


def macro_f1(truth: ArrayLike, predicted: ArrayLike, classes: int) -> float:
    """Mean of the F1 of the classes, in [0, 1]: (1 / C) sum_c F1_c, not the F1 of the mean precision and recall.

    A class that neither occurs nor was predicted is left out of the mean; one that was only predicted counts with 0. NaN
    without rows.

    Source: Opitz and Burst (2019), "Macro F1 and Macro F1", arXiv:1911.03347, "averaged F1".

    Raises:
        InputError: unequal lengths or a label outside 0 .. classes - 1.

    Example:
        >>> round(macro_f1([0, 0, 1], [0, 1, 1], 3), 3)
        0.667
    """
    return known_mean(f1(truth, predicted, classes))


def weighted_f1(truth: ArrayLike, predicted: ArrayLike, classes: int) -> float:
    """F1 of the classes weighted by how often each occurs, in [0, 1]: sum_c (n_c / n) F1_c. NaN without rows.

    Source: the figure reported for emotion in conversation, Poria et al. (2019), "MELD", arXiv:1810.02508.

    Raises:
        InputError: unequal lengths or a label outside 0 .. classes - 1.

    Example:
        >>> round(weighted_f1([0, 0, 1], [0, 1, 1], 2), 3)
        0.667
    """
    right, occurs, predictions = _counts(truth, predicted, classes)
    values = shares(2 * right, occurs + predictions)
    return share(float(np.sum(occurs[occurs > 0] * values[occurs > 0])), float(occurs.sum()))
