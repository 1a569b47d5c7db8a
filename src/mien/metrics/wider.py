"""Average precision by the published procedure of WIDER FACE, with its easy, medium and hard subsets.

It differs from other detection metrics: scores are stretched to [0, 1] over the whole set, precision and recall are read at
1000 fixed thresholds, boxes are measured in whole pixels (a box of x1 = x2 is one pixel wide), a detection belongs to the true
box it overlaps most even when that one is taken, and every subset ignores the faces of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .detection import boxes
from .inputs import Flags, Floats, Ints, flags

STEPS = 1000


def pixel_iou(a: Floats, b: Floats) -> Floats:
    """Intersection over union of boxes whose ends are pixels inside them, in [0, 1]. (n, 4), (m, 4) -> (n, m)

    Example:
        >>> pixel_iou(np.array([[0.0, 0, 9, 9]]), np.array([[5.0, 0, 14, 9]])).round(3).tolist()
        [[0.333]]
    """
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    shared = np.prod(np.maximum(high - low + 1, 0), -1)
    size_a, size_b = np.prod(a[:, 2:4] - a[:, :2] + 1, -1), np.prod(b[:, 2:4] - b[:, :2] + 1, -1)
    return np.asarray(shared / (size_a[:, None] + size_b[None] - shared), np.float64)


def wider_ap(
    truth: Sequence[ArrayLike], predicted: Sequence[ArrayLike], subsets: Mapping[str, Sequence[ArrayLike]], iou: float = 0.5
) -> dict[str, float]:
    """Average precision of each subset of WIDER FACE, in [0, 1].

    1. Scores become (s - min) / (max - min) over all detections of all pictures; 1 when all are equal.
    2. In each picture, best score first, a detection belongs to the true box it overlaps most. From overlap ``iou`` on it finds
       that box; when the box is not in the subset, the detection is not counted at all. A second one on the same box is wrong.
    3. At each threshold 1 - (t + 1) / 1000 the detections that count and the boxes found are added up over the pictures.
    4. AP is the area under the envelope of precision over recall, recall being found boxes / boxes of the subset. What was
       detected in pictures without a true box is left out, as in the published code.

    Source: Yang et al. (2016), "WIDER FACE: A Face Detection Benchmark", arXiv:1511.06523, and the eval_tools of its web site.

    Args:
        truth: per picture (m, 4) x1 y1 x2 y2 in pixels, with x2 = x + w and y2 = y + h of the annotation.
        predicted: per picture (k, 5) x1 y1 x2 y2 score, in any order.
        subsets: name ("easy", "medium", "hard") to, per picture, (m,) flags of the true boxes that are in it.
        iou: least overlap, 0.5 in the benchmark.

    Returns:
        Subset to AP; 0 when nothing of it was found; NaN when the subset holds no box.

    Raises:
        InputError: another number of pictures, a shape that does not fit, a NaN, or iou outside (0, 1].

    Example:
        >>> faces = [[[0, 0, 10, 10], [20, 20, 24, 24]]]
        >>> found = [[[0, 0, 10, 10, 0.9], [50, 50, 60, 60, 0.5]]]
        >>> wider_ap(faces, found, {"easy": [[1, 0]], "hard": [[1, 1]]})
        {'easy': 1.0, 'hard': 0.5}
    """
    if not 0 < iou <= 1:
        raise InputError(f"iou is {iou:g}", "a number in (0, 1]")
    _one_each(len(truth), {"predicted": predicted, **subsets})
    wanted = [boxes(f"truth[{i}]", value, 4) for i, value in enumerate(truth)]
    found = _stretched([boxes(f"predicted[{i}]", value, 5) for i, value in enumerate(predicted)])
    pairs = [_belongs(a, b, iou) for a, b in zip(wanted, found)]
    return {name: _subset_ap(found, pairs, _kept(name, wanted, kept)) for name, kept in subsets.items()}


def _one_each(pictures: int, given: Mapping[str, Sequence[ArrayLike]]) -> None:
    for name, values in given.items():
        if len(values) != pictures:
            raise InputError(f"{name} has {len(values)} pictures", f"{pictures}, one for each picture of the truth")


def _kept(name: str, truth: Sequence[Floats], kept: Sequence[ArrayLike]) -> list[Flags]:
    every = [flags(f"{name}[{i}]", value) == 1 for i, value in enumerate(kept)]
    for i, (flag, wanted) in enumerate(zip(every, truth)):
        if len(flag) != len(wanted):
            raise InputError(f"{name}[{i}] has {len(flag)} flags", f"{len(wanted)}, one for each true box")
    return every


def _stretched(found: list[Floats]) -> list[Floats]:
    """Best score first, scores stretched to [0, 1] over all pictures."""
    found = [f[np.argsort(-f[:, 4], kind="stable")] for f in found]
    scores = np.concatenate([np.zeros(0), *(f[:, 4] for f in found)])
    if not len(scores):
        return found
    low, span = scores.min(), np.ptp(scores)
    return [np.column_stack([f[:, :4], (f[:, 4] - low) / span if span else np.ones(len(f))]) for f in found]


def _belongs(truth: Floats, found: Floats, iou: float) -> Ints:
    """The true box to which each detection belongs, -1 for none. -> (k,)"""
    if not len(truth) or not len(found):
        return np.full(len(found), -1)
    shared = pixel_iou(found, truth)
    best = shared.argmax(1)
    return np.where(shared[np.arange(len(found)), best] >= iou, best, -1)


def _subset_ap(found: list[Floats], pairs: list[Ints], kept: list[Flags]) -> float:
    total = sum(int(np.count_nonzero(k)) for k in kept)
    if not total:
        return float("nan")
    steps = 1 - np.arange(1, STEPS + 1) / STEPS
    counted, hits = np.zeros(STEPS + 1), np.zeros(STEPS + 1)
    for detections, box, keep in zip(found, pairs, kept):
        if not len(keep):
            continue
        inside = np.append(keep, False)[box]
        first = np.zeros(len(box), bool)
        first[np.unique(box, return_index=True)[1]] = True
        # the first threshold that the score reaches
        step = np.searchsorted(-steps, -detections[:, 4])
        counted += np.bincount(step[(box < 0) | inside], minlength=STEPS + 1)
        hits += np.bincount(step[inside & first], minlength=STEPS + 1)
    proposals, recalled = np.cumsum(counted[:STEPS]), np.cumsum(hits[:STEPS])
    precision = recalled / np.maximum(proposals, 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recalled / total, prepend=0.0) * envelope))
