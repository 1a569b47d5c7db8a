"""Object detection: average precision of boxes by overlap, in the ways of PASCAL VOC and of COCO.

Per picture, ``truth`` is (m, 4) x1 y1 x2 y2 in pixels and ``predicted`` (k, 5) x1 y1 x2 y2 score. The procedure of WIDER FACE
differs in several points and stands apart, in :mod:`mien.metrics.wider`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..geometry.boxes import iou as overlaps
from .inputs import Flags, Floats, flags, known, known_mean, numbers
from .ranking import thresholds

COCO_IOUS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))


def boxes(name: str, values: ArrayLike, columns: int) -> Floats:
    """``values`` as (m, columns) finite float64; an empty list is no box.

    Raises:
        InputError: another shape, a NaN, or a box whose right or lower end comes before the other.

    Example:
        >>> boxes("truth", [], 4).shape
        (0, 4)
    """
    array = np.asarray(values, np.float64)
    array = known(name, numbers(name, array.reshape(0, columns) if array.size == 0 else array, 2))
    if array.shape[1] != columns:
        wanted = "(m, 4) x1 y1 x2 y2" if columns == 4 else "(m, 5) x1 y1 x2 y2 score"
        raise InputError(f"{name} has shape {array.shape}", wanted)
    if np.any(array[:, 2:4] < array[:, :2]):
        raise InputError(f"{name} holds a box with x2 < x1 or y2 < y1", "corners x1 y1 x2 y2", "add x y to a width and height")
    return array


def match(truth: Floats, predicted: Floats, iou: float, ignore: Flags) -> Floats:
    """Which detections of one picture are right: greedy, best score first, each to the best true box that is still free.

    Source: Lin et al. (2014), "Microsoft COCO", arXiv:1405.0312, and its evaluation code. An ignored true box is taken only
    when no other fits, and can be taken again and again.

    Args:
        truth: (m, 4).
        predicted: (k, 5).
        iou: least intersection over union, in (0, 1].
        ignore: (m,) true boxes that neither help nor hurt.

    Returns:
        (k,) 1 right, 0 wrong, NaN matched to an ignored box.

    Example:
        >>> truth = np.array([[0.0, 0, 10, 10]])
        >>> found = np.array([[0, 0, 10, 9, 0.9], [0, 0, 10, 10, 0.8]])
        >>> match(truth, found, 0.5, np.array([False])).tolist()
        [1.0, 0.0]
    """
    shared = overlaps(predicted[:, :4], truth)  # type: ignore[arg-type]
    free, right = np.ones(len(truth), bool), np.zeros(len(predicted))
    for i in np.argsort(-predicted[:, 4], kind="stable"):
        fits = free & (shared[i] >= iou)
        for choice, value in ((fits & ~ignore, 1.0), (fits & ignore, np.nan)):
            if choice.any():
                best = int(np.argmax(np.where(choice, shared[i], -1)))
                free[best], right[i] = bool(ignore[best]), value
                break
    return right


def box_ap(
    truth: Sequence[ArrayLike],
    predicted: Sequence[ArrayLike],
    iou: float = 0.5,
    ignore: Sequence[ArrayLike] | None = None,
    points: int | None = None,
) -> float:
    """Average precision of one class of boxes over all pictures, in [0, 1]: area under the precision envelope over recall.

    The envelope is p(r) = max of the precision at recall >= r. Detections of one score enter together, so that the order of
    the pictures does not matter.

    Source: Everingham et al. (2010), "The PASCAL VOC Challenge" (11 points until 2009, the whole area from 2010); Lin et al.
    (2014), arXiv:1405.0312 (101 points).

    Args:
        truth: per picture (m, 4).
        predicted: per picture (k, 5); scores in any unit, larger is surer.
        iou: least overlap of a right detection, in (0, 1].
        ignore: per picture (m,) flags of true boxes that neither help nor hurt ("difficult"); None ignores none.
        points: None for the whole area, else how many recalls evenly from 0 to 1 are averaged (101 for COCO).

    Returns:
        AP; 0 when nothing right was found; NaN when there is no true box that counts.

    Raises:
        InputError: another number of pictures, a shape that does not fit, a NaN, or iou outside (0, 1].

    Example:
        >>> round(box_ap([[[0, 0, 10, 10]], []], [[[0, 0, 10, 10, 0.8]], [[0, 0, 5, 5, 0.9]]]), 3)
        0.5
    """
    if not 0 < iou <= 1:
        raise InputError(f"iou is {iou:g}", "a number in (0, 1]")
    if points is not None and points < 2:
        raise InputError(f"points is {points}", "at least 2, or None")
    return _area(*_matched(truth, predicted, iou, ignore), points)


def _matched(
    truth: Sequence[ArrayLike], predicted: Sequence[ArrayLike], iou: float, ignore: Sequence[ArrayLike] | None
) -> tuple[Floats, Floats, int]:
    """What became of every detection, its score, and how many true boxes count."""
    if len(truth) != len(predicted) or (ignore is not None and len(ignore) != len(truth)):
        raise InputError(f"{len(truth)} pictures with truth, {len(predicted)} with detections", "one entry for each picture")
    right, scores, total = [np.zeros(0)], [np.zeros(0)], 0
    for i, (wanted, found) in enumerate(zip(truth, predicted)):
        a, b = boxes(f"truth[{i}]", wanted, 4), boxes(f"predicted[{i}]", found, 5)
        skip = np.zeros(len(a), bool) if ignore is None else flags(f"ignore[{i}]", ignore[i]) == 1
        if len(skip) != len(a):
            raise InputError(f"ignore[{i}] has {len(skip)} flags", f"{len(a)}, one for each true box")
        total += int(np.count_nonzero(~skip))
        right.append(match(a, b, iou, skip))
        scores.append(b[:, 4])
    return np.concatenate(right), np.concatenate(scores), total


def _area(right: Floats, scores: Floats, total: int, points: int | None) -> float:
    if not total:
        return float("nan")
    judged = ~np.isnan(right)
    _, hits, false = thresholds(right[judged] == 1, scores[judged])
    recall, precision = hits / total, hits / np.maximum(hits + false, 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    if points is None:
        return float(np.sum(np.diff(recall, prepend=0.0) * envelope))
    # recall and the points are both shares, so equal ones may differ in the last bit
    place = np.searchsorted(recall, np.linspace(0, 1, points) - 1e-12)
    return float(np.append(envelope, 0.0)[place].mean())


def given_rows(values: Sequence[ArrayLike]) -> list[Floats]:
    """For each picture the rows that hold a box: those whose corners are no NaN."""
    arrays = [np.asarray(rows, np.float64) for rows in values]
    return [rows[~np.isnan(rows[:, :4]).any(1)] for rows in arrays]


def class_box_ap(truth: Sequence[Floats], predicted: Sequence[Floats], iou: float = 0.5) -> dict[int, float]:
    """Average precision of each class that has a true box, as for :func:`box_ap`.

    Args:
        truth: per picture (m, 5) x1 y1 x2 y2 class; a class of NaN neither helps nor hurts.
        predicted: per picture (k, 6) x1 y1 x2 y2 score class.
        iou: least overlap of a right detection.

    Returns:
        Class to AP.

    Raises:
        InputError: as for :func:`box_ap`.

    Example:
        >>> truth = [np.array([[0.0, 0, 1, 1, 3], [2, 0, 3, 1, 5]])]
        >>> class_box_ap(truth, [np.array([[0, 0, 1, 1, 0.9, 3], [2, 0, 3, 1, 0.8, 3]])])
        {3: 1.0, 5: 0.0}
    """
    kinds = np.unique(np.concatenate([np.zeros(0), *(rows[:, 4] for rows in truth)]))
    result = {}
    for kind in kinds[~np.isnan(kinds)]:
        wanted = [rows[(rows[:, 4] == kind) | np.isnan(rows[:, 4])] for rows in truth]
        found = [rows[rows[:, 5] == kind, :5] for rows in predicted]
        result[int(kind)] = box_ap([rows[:, :4] for rows in wanted], found, iou, [np.isnan(rows[:, 4]) for rows in wanted])
    return result


def mean_box_ap(
    classes: Mapping[str, tuple[Sequence[ArrayLike], Sequence[ArrayLike]]],
    ious: Sequence[float] = COCO_IOUS,
    points: int | None = 101,
) -> float:
    """Mean average precision over classes and overlaps (mAP), in [0, 1]; the defaults are COCO's AP@[.50:.05:.95].

    Source: Lin et al. (2014), arXiv:1405.0312. COCO's limit of 100 detections per picture is left to the caller.

    Args:
        classes: name of the class to (truth, predicted) as for :func:`box_ap`.
        ious: least overlaps to average over.
        points: as for :func:`box_ap`.

    Returns:
        mAP; a class without a true box is left out; NaN when none has one.

    Raises:
        InputError: as for :func:`box_ap`.

    Example:
        >>> round(mean_box_ap({"face": ([[[0, 0, 10, 10]]], [[[0, 0, 10, 8, 0.9]]])}), 2)
        0.7
    """
    return known_mean([box_ap(truth, found, iou, points=points) for truth, found in classes.values() for iou in ious])
