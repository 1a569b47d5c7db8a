"""Landmark errors: NME with a named normaliser, failure rate, and the area under the cumulative error curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, unknown_name
from .inputs import Floats, known, numbers, shares

NORMALISERS = ("inter-ocular", "inter-pupil", "face size", "box diagonal", "box sqrt area")
# number of points -> outer eye corners (right, left of the person), counted from 0
CORNERS = {29: (8, 9), 68: (36, 45), 98: (60, 72), 478: (33, 263)}
# number of points -> points whose mean is the pupil (right, left)
PUPILS: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {
    5: ((0,), (1,)),
    29: ((16,), (17,)),
    68: (tuple(range(36, 42)), tuple(range(42, 48))),
    98: ((96,), (97,)),
    478: ((468,), (473,)),
}


def normalising_length(truth: ArrayLike, normaliser: str, boxes: ArrayLike | None = None) -> Floats:
    """The length by which the errors of each face are divided, in the unit of the points.

    - "inter-ocular": distance of the outer eye corners (300-W challenge, WFLW; 68, 98, 29 or 478 points).
    - "inter-pupil": distance of the pupils; with 68 points the means of the six points of each eye.
    - "face size": sqrt(w h) of the tight upright box around the true points (3DDFA, arXiv:1511.07212).
    - "box diagonal": sqrt(w^2 + h^2) of the given boxes (NME_diag of AFLW).
    - "box sqrt area": sqrt(w h) of the given boxes (NME_box; arXiv:1703.07332).

    Args:
        truth: (n, k, 2) or (n, k, 3); between eyes all coordinates count, for boxes only x and y. NaN is not labelled.
        normaliser: one of NORMALISERS.
        boxes: (n, 4) x1 y1 x2 y2, for the two box normalisers only.

    Returns:
        (n,); NaN where a point it needs is not labelled, or where it is 0.

    Raises:
        InputError: an unknown normaliser, a number of points in which the eyes are not known, or boxes missing, given in vain
            or of another shape.

    Example:
        >>> eyes = np.zeros((1, 5, 2)); eyes[0, 1] = 3, 4
        >>> normalising_length(eyes, "inter-pupil").tolist()
        [5.0]
    """
    points = _points("truth", truth)
    if normaliser not in NORMALISERS:
        raise unknown_name("normaliser", normaliser, NORMALISERS)
    if (boxes is not None) != normaliser.startswith("box"):
        state = "given" if boxes is not None else "missing"
        raise InputError(f"boxes are {state} with normaliser {normaliser!r}", "boxes with the two box normalisers and only there")
    if normaliser in ("inter-ocular", "inter-pupil"):
        right, left = _eyes(points, normaliser)
        length = np.linalg.norm(right - left, axis=-1)
    else:
        width, height = _tight(points) if boxes is None else _given(boxes, len(points))
        length = np.hypot(width, height) if normaliser == "box diagonal" else np.sqrt(width * height)
    return np.where(length > 0, length, np.nan)


def _points(name: str, values: ArrayLike) -> Floats:
    points = numbers(name, values, 3)
    if points.shape[2] not in (2, 3):
        raise InputError(f"{name} has shape {points.shape}", "(n, k, 2) or (n, k, 3)")
    return points


def _eyes(points: Floats, normaliser: str) -> tuple[Floats, Floats]:
    corners = {count: ((a,), (b,)) for count, (a, b) in CORNERS.items()}
    table = corners if normaliser == "inter-ocular" else PUPILS
    if points.shape[1] not in table:
        known_counts = ", ".join(str(count) for count in table)
        remedy = "choose another normaliser, or divide the distances yourself"
        raise InputError(f"{points.shape[1]} points with normaliser {normaliser!r}", f"{known_counts} points", remedy)
    right, left = table[points.shape[1]]
    return points[:, list(right)].mean(1), points[:, list(left)].mean(1)


def _tight(points: Floats) -> tuple[Floats, Floats]:
    xy = points[..., :2]
    empty = np.isnan(xy).any(-1, keepdims=True)
    size = np.where(empty, -np.inf, xy).max(1, initial=-np.inf) - np.where(empty, np.inf, xy).min(1, initial=np.inf)
    return np.maximum(size[:, 0], 0), np.maximum(size[:, 1], 0)


def _given(boxes: ArrayLike, count: int) -> tuple[Floats, Floats]:
    array = numbers("boxes", boxes, 2)
    if array.shape != (count, 4):
        raise InputError(f"boxes has shape {array.shape}", f"({count}, 4), one for each face")
    size = np.maximum(array[:, 2:] - array[:, :2], 0)
    return size[:, 0], size[:, 1]


def nme(truth: ArrayLike, predicted: ArrayLike, normaliser: str, boxes: ArrayLike | None = None) -> Floats:
    """Normalised mean error of each face, from 0 up, as a share (0.04 is "4 %"): mean_j norm(p_j - t_j) / d.

    The figure of a set is the mean over its faces. One that was not found makes it infinite: report the mean of those found
    together with their share, or :func:`failure_rate` and :func:`curve_auc`, which count it.

    Source: Sagonas et al. (2013), "300 Faces in-the-Wild Challenge"; d as in :func:`normalising_length`.

    Args:
        truth: (n, k, 2) or (n, k, 3) in pixels or any one unit; a point with a NaN is not labelled and left out.
        predicted: the same shape; a labelled point predicted NaN was not found.
        normaliser: one of NORMALISERS.
        boxes: (n, 4) x1 y1 x2 y2, for the two box normalisers only.

    Returns:
        (n,); inf for a face with a labelled point that was not found; NaN for one without a labelled point or a length, which
        nobody can judge.

    Raises:
        InputError: unequal shapes, or as for :func:`normalising_length`.

    Example:
        >>> truth = np.array([[[0, 0], [10, 0], [5, 5], [2, 9], [8, 9]]])
        >>> nme(truth, truth + [0, 1], "inter-pupil").tolist()
        [0.1]
    """
    a, b = _points("truth", truth), _points("predicted", predicted)
    if a.shape != b.shape:
        raise InputError(f"truth has shape {a.shape}, predicted has {b.shape}", "one shape")
    length = normalising_length(truth, normaliser, boxes)
    labelled = ~np.isnan(a).any(-1)
    distance = np.where(labelled, np.linalg.norm(b - a, axis=-1), 0)
    distance[labelled & np.isnan(b).any(-1)] = np.inf
    count = labelled.sum(1)
    return shares(distance.sum(1), count) / length


def _errors(values: ArrayLike, threshold: float) -> Floats:
    errors = numbers("errors", values, 1)
    if np.any(errors < 0):
        raise InputError(f"errors hold {np.nanmin(errors):g}", "no negative error")
    if not 0 < threshold < np.inf:
        raise InputError(f"threshold is {threshold:g}", "a positive number, such as 0.08 or 0.10")
    return errors[~np.isnan(errors)]


def failure_rate(errors: ArrayLike, threshold: float) -> float:
    """Share of faces whose error is larger than the threshold, in [0, 1] (FR@0.08, FR@0.10).

    Args:
        errors: (n,) from :func:`nme`; inf was not found and is a failure, NaN cannot be judged and is left out.
        threshold: largest error that is no failure, in the unit of the errors.

    Returns:
        The rate; NaN without faces.

    Raises:
        InputError: a negative error, or a threshold that is not positive.

    Example:
        >>> failure_rate([0.03, 0.09, float("inf"), 0.05], 0.08)
        0.5
    """
    values = _errors(errors, threshold)
    return float(np.mean(values > threshold)) if len(values) else float("nan")


def error_curve(errors: ArrayLike, at: ArrayLike) -> Floats:
    """The cumulative error curve: share of faces whose error is at most each value of ``at``.

    Args:
        errors: (n,) from :func:`nme`; inf was not found and is never reached, NaN cannot be judged and is left out.
        at: (m,) finite, in the unit of the errors.

    Returns:
        (m,) shares in [0, 1]; NaN without faces.

    Raises:
        InputError: a negative error, or one in ``at`` that is not finite.

    Example:
        >>> error_curve([0.03, 0.09, float("inf"), 0.05], [0.04, 0.1]).tolist()
        [0.25, 0.75]
    """
    values, places = np.sort(_errors(errors, 1.0)), known("at", numbers("at", at, 1))
    return np.searchsorted(values, places, side="right") / len(values) if len(values) else np.full(len(places), np.nan)


def curve_auc(errors: ArrayLike, threshold: float) -> float:
    """Area under the cumulative error curve from 0 to the threshold, divided by it, in [0, 1] (AUC@0.08, AUC@0.10).

    The curve is a staircase, so its area is exact: mean_i max(0, 1 - e_i / threshold). Codes that sample it differ by their step.

    Source: Yang et al. (2015), "An empirical study of recent face alignment methods", arXiv:1511.05049.

    Args:
        errors: (n,) from :func:`nme`; inf was not found and adds nothing, NaN cannot be judged and is left out.
        threshold: end of the curve, in the unit of the errors.

    Returns:
        The area; 1 when every error is 0; NaN without faces.

    Raises:
        InputError: a negative error, or a threshold that is not positive.

    Example:
        >>> round(curve_auc([0.02, 0.06, 0.2], 0.08), 3)
        0.333
    """
    values = _errors(errors, threshold)
    return float(np.mean(np.maximum(0, 1 - values / threshold))) if len(values) else float("nan")
