"""Agreement of two series of numbers: CCC, PCC, ICC(3,1), RMSE, MAE and SAGR, for all rows, per video or per column.

Series are (n,) finite numbers in any one unit. A row whose truth is NaN has no label and is left out; a prediction that is NaN
raises. Three different figures go by the name CCC, so :func:`ccc` has no default for what tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, unknown_name
from .inputs import Floats, known_mean, number_pair, numbers, same_length

AGGREGATES = ("concatenated", "per group")


def _constant(values: Floats) -> bool:
    # the variance of a constant series is not exactly 0 in floating point; its range is
    return bool(len(values) == 0 or np.ptp(values) == 0)


def pcc(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Pearson's correlation, in [-1, 1]: cov(t, p) / (s_t s_p); the ddof cancels.

    Source: Pearson (1895), "Note on regression and inheritance in the case of two parents".

    Args:
        truth: (n,).
        predicted: (n,), in any unit: scale and shift do not matter.

    Returns:
        r; NaN when one of the two is constant, or with fewer than two rows.

    Raises:
        InputError: unequal lengths, or a value that is no finite number.

    Example:
        >>> round(pcc([1, 2, 3, 4], [1, 3, 2, 4]), 3)
        0.8
    """
    a, b = number_pair(truth, predicted)
    if _constant(a) or _constant(b):
        return float("nan")
    a, b = a - a.mean(), b - b.mean()
    # each is scaled by itself first, so that very small or large units neither vanish nor overflow
    a, b = a / np.abs(a).max(), b / np.abs(b).max()
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


def ccc(truth: ArrayLike, predicted: ArrayLike, *, ddof: int, aggregate: str, groups: ArrayLike | None = None) -> float:
    """Lin's concordance correlation coefficient, in [-1, 1]: 2 cov(t, p) / (var(t) + var(p) + (mean(t) - mean(p))^2).

    Source: Lin (1989), "A concordance correlation coefficient to evaluate reproducibility", with n below the sums (ddof = 0).
    Covariance and both variances use the same ddof here (torchmetrics takes 1); np.cov over np.var mixes them and is wrong.

    Args:
        truth: (n,).
        predicted: (n,), in the unit of the truth.
        ddof: 0 divides the sums by n (Lin; most challenges), 1 by n - 1.
        aggregate: "concatenated" is one CCC over all rows; "per group" is the plain mean of the CCC of each group (video).
        groups: (n,) name or number of the group of each row; wanted for "per group" and only there.

    Returns:
        The CCC; 0 when one series is constant, or both at different values; NaN when both are constant at one value, or with
        no more rows than ddof. Groups whose CCC is NaN are left out of the mean (:func:`per_group` shows which).

    Raises:
        InputError: unequal lengths, a value that is no finite number, ddof not 0 or 1, an unknown aggregate, or groups
            missing or given where they are not used.

    Example:
        >>> t, p = [1, 2, 3, 4], [2, 2, 4, 4]
        >>> round(ccc(t, p, ddof=0, aggregate="concatenated"), 3), round(ccc(t, p, ddof=1, aggregate="concatenated"), 3)
        (0.8, 0.821)
        >>> round(ccc(t, p, ddof=0, aggregate="per group", groups=["a", "a", "b", "b"]), 3)
        0.0
    """
    if ddof not in (0, 1):
        raise InputError(f"ddof is {ddof!r}", "0 (divide by n) or 1 (divide by n - 1)")
    if aggregate not in AGGREGATES:
        raise unknown_name("aggregate", aggregate, AGGREGATES)
    if (groups is not None) != (aggregate == "per group"):
        state = "missing" if groups is None else "given"
        raise InputError(f"groups are {state} with aggregate {aggregate!r}", "groups with 'per group' and only there")
    if groups is None:
        return _ccc(*number_pair(truth, predicted), ddof)
    values = per_group(lambda a, b: _ccc(*number_pair(a, b), ddof), truth, predicted, groups)
    return known_mean(list(values.values()))


def _ccc(a: Floats, b: Floats, ddof: int) -> float:
    if len(a) <= ddof:
        return float("nan")
    shift = a.mean() - b.mean()
    if _constant(a) or _constant(b):
        both = _constant(a) and _constant(b) and a[0] == b[0]
        return float("nan") if both else 0.0
    divisor = len(a) - ddof
    a, b = a - a.mean(), b - b.mean()
    size = max(np.abs(a).max(), np.abs(b).max(), abs(shift))
    a, b, shift = a / size, b / size, shift / size
    return float(2 * (a @ b) / divisor / ((a @ a + b @ b) / divisor + shift**2))


def icc31(*raters: ArrayLike) -> float:
    """ICC(3,1), consistency of single ratings, in [-1 / (k - 1), 1]: (BMS - EMS) / (BMS + (k - 1) EMS).

    BMS is the mean square between rows and EMS the residual mean square of the two-way analysis of variance of n rows by k
    raters. A constant shift between raters does not matter; a different scale does.

    Source: Shrout and Fleiss (1979), "Intraclass correlations: uses in assessing rater reliability", ICC(3,1).

    Args:
        raters: two or more series (n,), the truth first.

    Returns:
        The ICC; 0 when one of two raters is constant; NaN when all are, or with fewer than two rows.

    Raises:
        InputError: fewer than two raters, unequal lengths, or a value that is no finite number (NaN in the truth leaves the
            row out).

    Example:
        >>> round(icc31([1, 2, 3, 4], [1, 2, 4, 3]), 3), round(icc31([1, 2, 3], [3, 4, 5]), 3)
        (0.8, 1.0)
    """
    if len(raters) < 2:
        raise InputError(f"icc31 got {len(raters)} series", "two or more", "pass the truth and a prediction")
    pairs = [number_pair(raters[0], other) for other in raters[1:]]
    table = np.stack([pairs[0][0], *(other for _, other in pairs)], 1)
    rows, k = table.shape
    if rows < 2 or not np.ptp(table, 0).any():
        return float("nan")
    table = table - table.mean(0)
    table = table / np.abs(table).max()
    row_means = table.mean(1)
    between = k * (row_means @ row_means) / (rows - 1)
    residual = table - row_means[:, None]
    error = np.sum(residual**2) / ((rows - 1) * (k - 1))
    return float((between - error) / (between + (k - 1) * error))


def rmse(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Root mean square error, from 0 up, in the unit of the truth: sqrt(sum_i (p_i - t_i)^2 / n). NaN without rows.

    Raises:
        InputError: unequal lengths, or a value that is no finite number.

    Example:
        >>> rmse([0, 0], [3, -3])
        3.0
    """
    a, b = number_pair(truth, predicted)
    return float(np.sqrt(np.mean((a - b) ** 2))) if len(a) else float("nan")


def mae(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error, from 0 up, in the unit of the truth: sum_i abs(p_i - t_i) / n. NaN without rows.

    Raises:
        InputError: unequal lengths, or a value that is no finite number.

    Example:
        >>> mae([0, 0], [3, -1])
        2.0
    """
    a, b = number_pair(truth, predicted)
    return float(np.mean(np.abs(a - b))) if len(a) else float("nan")


def sagr(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Sign agreement, in [0, 1]: sum_i [sign(t_i) = sign(p_i)] / n, with sign in -1, 0, 1. NaN without rows.

    0 agrees only with 0: a neutral truth with a prediction of 0.01 counts as wrong, as in the published definition.

    Source: Nicolaou, Gunes and Pantic (2011), "Continuous prediction of spontaneous affect from multiple cues and
    modalities in valence-arousal space", IEEE TAC 2.

    Raises:
        InputError: unequal lengths, or a value that is no finite number.

    Example:
        >>> sagr([0.5, -0.5, 0, 0.1], [0.1, 0.1, 0.1, 0.9])
        0.5
    """
    a, b = number_pair(truth, predicted)
    return float(np.mean(np.sign(a) == np.sign(b))) if len(a) else float("nan")


Metric = Callable[[Floats, Floats], float]


def per_group(metric: Metric, truth: ArrayLike, predicted: ArrayLike, groups: ArrayLike) -> dict[Any, float]:
    """A metric of each group (video, subject) by itself, in the order in which the groups first appear.

    Args:
        metric: from (m,) truth and (m,) prediction to a number.
        truth: (n,).
        predicted: (n,).
        groups: (n,) name or number of each row's group.

    Returns:
        Group to value; NaN where the metric could not tell. The mean over groups is ``known_mean`` of the values.

    Raises:
        InputError: unequal lengths, or whatever the metric raises.

    Example:
        >>> per_group(rmse, [0, 0, 0], [1, 1, 5], ["b", "b", "a"])
        {'b': 1.0, 'a': 5.0}
    """
    a, b, names = numbers("truth", truth, 1), numbers("predicted", predicted, 1), np.asarray(groups)
    if names.ndim != 1:
        raise InputError(f"groups has shape {names.shape}", "one dimension")
    same_length(truth=a, predicted=b, groups=names)
    found, first, place, count = np.unique(names, return_index=True, return_inverse=True, return_counts=True)
    rows = np.split(np.argsort(place, kind="stable"), np.cumsum(count)[:-1])
    return {found[k].item(): metric(a[rows[k]], b[rows[k]]) for k in np.argsort(first)}


def per_column(metric: Metric, truth: ArrayLike, predicted: ArrayLike) -> Floats:
    """A metric of each column (action unit, axis) by itself.

    Args:
        metric: from (n,) truth and (n,) prediction to a number.
        truth: (n, k).
        predicted: (n, k).

    Returns:
        (k,); NaN where the metric could not tell.

    Raises:
        InputError: unequal shapes, or whatever the metric raises.

    Example:
        >>> per_column(mae, [[0, 0], [0, 0]], [[1, 0], [1, 4]]).tolist()
        [1.0, 2.0]
    """
    a, b = numbers("truth", truth, 2), numbers("predicted", predicted, 2)
    if a.shape != b.shape:
        raise InputError(f"truth has shape {a.shape}, predicted has {b.shape}", "one shape (n, columns)")
    return np.array([metric(a[:, k], b[:, k]) for k in range(a.shape[1])], np.float64)
