"""One-to-one comparison: are two faces the same person? Rates at a threshold, TAR@FAR, EER, HTER, accuracy over folds.

``same`` is (n,) of 1 (same person), 0 (not), or NaN (unknown: left out); ``scores`` (n,) larger for more alike (negate a
distance); a NaN score raises. A pair is accepted when its score is at least the threshold. FAR is the share of pairs of two
persons that are accepted, FRR the share of pairs of one person that are rejected, TAR = 1 - FRR.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .folds import contiguous_folds
from .inputs import Flags, Floats, flags, known, numbers, same_length, share
from .ranking import between, thresholds


def error_rates(same: ArrayLike, scores: ArrayLike, threshold: float) -> tuple[float, float]:
    """FAR and FRR at a threshold, each in [0, 1].

    Args:
        same: (n,) 0, 1 or NaN.
        scores: (n,).
        threshold: least score that is accepted, in the unit of the scores.

    Returns:
        FAR (NaN without a pair of two persons) and FRR (NaN without a pair of one person).

    Raises:
        InputError: unequal lengths, a truth other than 0, 1 or NaN, or a NaN among scores and threshold.

    Example:
        >>> error_rates([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1], 0.5)
        (0.5, 0.5)
    """
    truth, values = _pairs(same, scores)
    known("threshold", np.asarray(threshold, np.float64), infinite=True)
    accepted = values >= threshold
    positives = int(np.count_nonzero(truth))
    false = share(int(np.count_nonzero(accepted & ~truth)), len(truth) - positives)
    return false, share(int(np.count_nonzero(~accepted & truth)), positives)


def _pairs(same: ArrayLike, scores: ArrayLike) -> tuple[Flags, Floats]:
    truth, values = flags("same", same), numbers("scores", scores, 1)
    same_length(same=truth, scores=values)
    judged = ~np.isnan(truth)
    return truth[judged] == 1, known("scores", values[judged], infinite=True)


def roc(same: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """The whole curve: FAR and TAR at every threshold that makes a difference, highest threshold first.

    Args:
        same: (n,) 0, 1 or NaN.
        scores: (n,).

    Returns:
        FAR (k,), TAR (k,) and thresholds (k,); the first point is (0, 0) at infinity. FAR is NaN without pairs of two persons,
        TAR without pairs of one.

    Raises:
        InputError: unequal lengths, a truth other than 0, 1 or NaN, or a NaN score.

    Example:
        >>> far, tar, cut = roc([1, 0, 1], [0.9, 0.5, 0.1])
        >>> far.tolist(), tar.tolist(), cut.tolist()
        ([0.0, 0.0, 1.0, 1.0], [0.0, 0.5, 0.5, 1.0], [inf, 0.9, 0.5, 0.1])
    """
    truth, values = _pairs(same, scores)
    cut, hits, false = thresholds(truth, values)
    positives = int(np.count_nonzero(truth))
    negatives = len(truth) - positives
    far = np.append(0, false) / negatives if negatives else np.full(len(cut) + 1, np.nan)
    tar = np.append(0, hits) / positives if positives else np.full(len(cut) + 1, np.nan)
    return far, tar, np.append(np.inf, cut)


def tar_at_far(same: ArrayLike, scores: ArrayLike, far: float) -> float:
    """TAR@FAR, in [0, 1]: the largest TAR of all thresholds whose FAR is at most ``far``; nothing is interpolated.

    Source: the figure of IJB-B and IJB-C, Maze et al. (2018), "IARPA Janus Benchmark - C". Codes that take the nearest point of
    the curve, which may lie above ``far``, give larger values.

    Args:
        same: (n,) 0, 1 or NaN.
        scores: (n,).
        far: the false acceptance rate allowed, in [0, 1].

    Returns:
        TAR; 0 when all scores are equal and far < 1; NaN without pairs of one person, or when there are fewer than 1 / far pairs
        of two persons: so small a rate cannot be told from so few (far = 0 then means none of those seen).

    Raises:
        InputError: unequal lengths, a truth other than 0, 1 or NaN, a NaN score, or far outside [0, 1].

    Example:
        >>> tar_at_far([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1], 0.5), tar_at_far([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1], 0.01)
        (1.0, nan)
    """
    if not 0 <= far <= 1:
        raise InputError(f"far is {far:g}", "a share in [0, 1]")
    rates, tar, _ = roc(same, scores)
    negatives = int(np.count_nonzero(flags("same", same) == 0))
    # a product such as 0.1 * 10 may fall short of the whole number by rounding
    if not negatives or (far > 0 and far * negatives < 1 - 1e-9):
        return float("nan")
    return float(tar[rates <= far + 1e-12].max())


def eer(same: ArrayLike, scores: ArrayLike) -> float:
    """Equal error rate, in [0, 1]: where the ROC curve, drawn with straight lines, meets FAR = FRR.

    Source: the point 1 - TAR = FAR of the ROC; Jain, Ross and Prabhakar (2004), "An introduction to biometric recognition".

    Args:
        same: (n,) 0, 1 or NaN.
        scores: (n,).

    Returns:
        EER; 0.5 when all scores are equal; NaN without pairs of one person or of two persons.

    Raises:
        InputError: unequal lengths, a truth other than 0, 1 or NaN, or a NaN score.

    Example:
        >>> eer([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1])
        0.5
    """
    far, tar, _ = roc(same, scores)
    gap = far + tar - 1
    if np.isnan(gap).any():
        return float("nan")
    after = int(np.argmax(gap >= 0))
    part = gap[after - 1] / (gap[after - 1] - gap[after])
    return float(far[after - 1] + part * (far[after] - far[after - 1]))


def eer_threshold(same: ArrayLike, scores: ArrayLike) -> float:
    """The score at which FAR and FRR are nearest to each other, to be chosen on development data for :func:`hter`.

    Args:
        same: (n,) 0, 1 or NaN.
        scores: (n,).

    Returns:
        One of the scores (of equally good ones the highest), or inf; NaN without pairs of one person or of two persons.

    Raises:
        InputError: unequal lengths, a truth other than 0, 1 or NaN, or a NaN score.

    Example:
        >>> eer_threshold([1, 1, 0, 0], [0.9, 0.7, 0.6, 0.1])
        0.7
    """
    far, tar, cut = roc(same, scores)
    gap = np.abs(far + tar - 1)
    return float("nan") if np.isnan(gap).any() else float(cut[int(np.argmin(gap))])


def hter(same: ArrayLike, scores: ArrayLike, threshold: float) -> float:
    """Half total error rate, in [0, 1]: (FAR + FRR) / 2 at a threshold that was chosen on other data.

    Source: Bengio and Mariethoz (2004), "A statistical significance test for person authentication". Choosing the threshold on
    the rows that are judged makes the figure too good: take it from :func:`eer_threshold` of the development part.

    Args:
        same: (n,) 0, 1 or NaN; in anti-spoofing 1 is a live face and 0 an attack.
        scores: (n,).
        threshold: least score that is accepted.

    Returns:
        HTER; 0.5 for a constant score; NaN when one of the two kinds is missing.

    Raises:
        InputError: unequal lengths, a truth other than 0, 1 or NaN, or a NaN among scores and threshold.

    Example:
        >>> hter([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1], 0.3)
        0.25
    """
    return sum(error_rates(same, scores, threshold)) / 2


def fold_accuracy(same: ArrayLike, scores: ArrayLike, folds: int | ArrayLike = 10) -> tuple[Floats, Floats]:
    """Accuracy on each fold with the threshold that is best on all the others; the figure is the mean of the folds.

    Thresholds tried are -inf, inf and the middles between neighbouring scores of the other folds; of equal ones the lowest.

    Source: Huang et al. (2007), "Labeled Faces in the Wild", view 2 (ten folds of 300 + 300 pairs). Common codes try a grid of
    distances in steps of 0.01 instead.

    Args:
        same: (n,) 0 or 1.
        scores: (n,).
        folds: how many equal parts in the order of the rows, or (n,) the fold of each row.

    Returns:
        Accuracies (folds,) in [0, 1] and thresholds (folds,); a constant score gives the share of the commoner kind elsewhere.

    Raises:
        InputError: unequal lengths, a truth other than 0 or 1, a NaN, or fewer than two folds or than one row for each.

    Example:
        >>> values, cuts = fold_accuracy([1, 0, 1, 0], [0.9, 0.2, 0.7, 0.4], 2)
        >>> values.tolist(), cuts.round(2).tolist()
        ([1.0, 1.0], [0.55, 0.55])
    """
    truth, values = known("same", flags("same", same)) == 1, known("scores", numbers("scores", scores, 1), infinite=True)
    place = contiguous_folds(len(truth), folds) if isinstance(folds, int) else np.asarray(folds)
    same_length(same=truth, scores=values, folds=place)
    names = np.unique(place)
    if len(names) < 2:
        raise InputError(f"{len(names)} fold", "two or more", "number the folds of the rows")
    cuts = np.array([_best_cut(truth[place != name], values[place != name]) for name in names])
    right = [np.mean((values[place == name] >= cut) == truth[place == name]) for name, cut in zip(names, cuts)]
    return np.array(right, np.float64), cuts


def _best_cut(truth: Flags, scores: Floats) -> float:
    cut, hits, false = thresholds(truth, scores)
    # accepting the k highest scores: hits among them, and all others but the missed ones right
    right = np.append(0, hits - false)
    best = len(right) - 1 - int(np.argmax(right[::-1]))
    if best in (0, len(cut)):
        return float("-inf") if best else float("inf")
    return between(cut[best - 1], cut[best])
