"""What the metrics accept: arrays checked once, with errors that say what came in.

One policy holds in the whole package:

- NaN in the truth means "nobody labelled this": the row (or the cell) is left out, in every metric.
- NaN in a predicted class means "could not tell": it counts as wrong (a miss of the true class, a hit of none).
- NaN in a predicted number or score is an InputError: no rule turns it into a number, so the caller has to choose one
  and to report it.
- A result that cannot be told (no rows, a class that never occurs, 0 / 0) is NaN, never 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def numbers(name: str, values: ArrayLike, dimensions: int) -> Floats:
    """``values`` as float64 with that many dimensions.

    Raises:
        InputError: not numbers, ragged, or another number of dimensions.

    Example:
        >>> numbers("truth", [1, 2], 1)
        array([1., 2.])
    """
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biuf":
            array = array.astype(np.float64)
    except (TypeError, ValueError) as reason:
        raise InputError(f"{name} is no array of numbers ({reason})", "numbers or NaN", "turn names into codes first") from None
    if array.ndim != dimensions:
        raise InputError(f"{name} has shape {array.shape}", f"{dimensions} dimension{'s' * (dimensions > 1)}")
    return array.astype(np.float64)


def same_length(**arrays: NDArray[np.generic]) -> None:
    """Check that all arrays have the same number of rows.

    Raises:
        InputError: they do not; the message lists name and length of each.
    """
    if len({len(a) for a in arrays.values()}) > 1:
        got = ", ".join(f"{name} has {len(a)} rows" for name, a in arrays.items())
        raise InputError(got, "the same number", "pass one entry for each row of the truth")


def known(name: str, values: Floats, infinite: bool = False) -> Floats:
    """``values`` when none of them is NaN (nor infinite, unless that is allowed).

    Raises:
        InputError: some are.
    """
    bad = int(np.count_nonzero(np.isnan(values) if infinite else ~np.isfinite(values)))
    if bad:
        kind = "NaN" if infinite else "NaN or infinite"
        remedy = "leave those rows out, or choose a value for them, and report how many they were"
        raise InputError(f"{name}: {bad} of {values.size} values are {kind}", "numbers", remedy)
    return values


def number_pair(truth: ArrayLike, predicted: ArrayLike) -> tuple[Floats, Floats]:
    """Truth and prediction as (n,) finite numbers, without the rows whose truth is NaN.

    Raises:
        InputError: unequal lengths, or a value that is no finite number.
    """
    a, b = numbers("truth", truth, 1), numbers("predicted", predicted, 1)
    same_length(truth=a, predicted=b)
    judged = ~np.isnan(a)
    return known("truth", a[judged]), known("predicted", b[judged])


def _codes(name: str, values: ArrayLike, classes: int) -> Floats:
    array = numbers(name, values, 1)
    told = array[~np.isnan(array)]
    wrong = told[(told != np.floor(told)) | (told < 0) | (told >= classes)]
    if len(wrong):
        raise InputError(f"{name} holds the label {wrong[0]:g}", f"whole numbers from 0 to {classes - 1}, or NaN")
    return array


def class_pair(truth: ArrayLike, predicted: ArrayLike, classes: int) -> tuple[Ints, Ints]:
    """Truth and prediction as (n,) class codes, without the rows whose truth is NaN; a predicted NaN becomes -1.

    Raises:
        InputError: unequal lengths, fewer than one class, or a label that is no whole number in 0 .. classes - 1.
    """
    if classes < 1:
        raise InputError(f"classes is {classes}", "at least 1")
    a, b = _codes("truth", truth, classes), _codes("predicted", predicted, classes)
    same_length(truth=a, predicted=b)
    judged = ~np.isnan(a)
    told = np.where(np.isnan(b), -1, b)
    return a[judged].astype(np.int64), told[judged].astype(np.int64)


def flags(name: str, values: ArrayLike, dimensions: int = 1) -> Floats:
    """``values`` as float64 that are all 0, 1 or NaN.

    Raises:
        InputError: another value.
    """
    array = numbers(name, values, dimensions)
    wrong = array[~(np.isnan(array) | (array == 0) | (array == 1))]
    if len(wrong):
        raise InputError(f"{name} holds {wrong[0]:g}", "only 0, 1 or NaN", "cut intensities into presence first")
    return array


def flag_pair(truth: ArrayLike, scores: ArrayLike) -> tuple[Flags, Floats]:
    """(n,) truth as flags and (n,) scores, without the rows whose truth is NaN.

    Raises:
        InputError: unequal lengths, a truth other than 0, 1 or NaN, or a score that is NaN.
    """
    a, b = flags("truth", truth), numbers("scores", scores, 1)
    same_length(truth=a, scores=b)
    judged = ~np.isnan(a)
    return a[judged] == 1, known("scores", b[judged], infinite=True)


def flag_columns(truth: ArrayLike, scores: ArrayLike) -> list[tuple[Flags, Floats]]:
    """The columns of (n, units) truth and scores, each without the rows whose truth is NaN there.

    Raises:
        InputError: unequal shapes, a truth other than 0, 1 or NaN, or a score that is NaN.
    """
    a, b = flags("truth", truth, 2), numbers("scores", scores, 2)
    if a.shape != b.shape:
        raise InputError(f"truth has shape {a.shape}, scores have {b.shape}", "one shape (n, units)")
    return [flag_pair(a[:, k], b[:, k]) for k in range(a.shape[1])]


def share(part: float, whole: float) -> float:
    """``part / whole``, NaN when the whole is 0.

    Example:
        >>> share(1, 4), share(0, 0)
        (0.25, nan)
    """
    return float(part / whole) if whole else float("nan")


def shares(part: NDArray[np.generic], whole: NDArray[np.generic]) -> Floats:
    """``part / whole`` of each entry, NaN where the whole is 0."""
    top, bottom = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    out = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=out, where=bottom != 0)
    return out


def known_mean(values: ArrayLike) -> float:
    """Mean of the values that are not NaN; NaN when there is none.

    Example:
        >>> known_mean([0.5, float("nan"), 1.0]), known_mean([])
        (0.75, nan)
    """
    array = np.asarray(values, np.float64)
    told = array[~np.isnan(array)]
    return float(told.mean()) if told.size else float("nan")
