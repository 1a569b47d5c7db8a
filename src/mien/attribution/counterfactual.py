"""What would have to be missing for another answer: the smallest set of parts whose details, taken away, change the label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .hiding import Mask, fill_of, scores
from .lime import Images, Predict
from .superpixels import Segments


@dataclass(frozen=True, eq=False)
class Change:
    """A set of parts that change the label together.

    Args:
        parts: their numbers.
        label: position of the new class.
        before: score of the old class in the whole picture.
        after: score of the old class with the parts hidden.
        score: score of the new class then.
        area: share of the picture that is hidden.
        mask: (h, w) True where it is.
    """

    parts: tuple[int, ...]
    label: int
    before: float
    after: float
    score: float
    area: float
    mask: Mask


def _masks(segments: Segments, chosen: list[tuple[int, ...]]) -> Mask:
    return np.stack([np.isin(segments, parts) for parts in chosen])


def _chunks(parts: list[int], size: int, length: int) -> Iterator[list[tuple[int, ...]]]:
    sets = combinations(parts, size)
    while chunk := list(islice(sets, length)):
        yield chunk


def counterfactual(
    image: Images, segments: Segments, predict: Predict, fill: str = "blur", largest: int = 4, batch: int = 128
) -> Change | None:
    """The smallest set of parts that, hidden, change the label; of several of that size the one that covers least.

    All sets are tried, one part first, then two, so nothing smaller exists among these parts.

    Args:
        image: (h, w, 3) uint8 RGB.
        segments: (h, w) number of the part of each pixel; below 0 is never hidden.
        predict: from (n, h, w, 3) uint8 to (n, classes) probabilities.
        fill: what hidden parts show, "blur" or "grey".
        largest: parts hidden together at most; with k parts there are k over ``largest`` such sets.
        batch: pictures given to the classifier at once.

    Returns:
        The change, or None where no set of that size changes the label.

    Raises:
        InputError: parts and picture differ in size, there are none, or the classifier gives something else than (n, classes)
            numbers.
    """
    parts = sorted(int(v) for v in np.unique(segments) if v >= 0)
    if segments.shape != image.shape[:2] or not parts:
        raise InputError(f"{len(parts)} parts {segments.shape} of a picture {image.shape}", "parts of the same height and width")
    shown = fill_of(image, fill)
    whole = scores(predict, image, shown, np.zeros((1, *segments.shape), bool))[0]
    label = int(whole.argmax())
    for size in range(1, min(largest, len(parts)) + 1):
        found: list[Change] = []
        for chosen in _chunks(parts, size, batch):
            masks = _masks(segments, chosen)
            for row, mask, numbers in zip(scores(predict, image, shown, masks, batch), masks, chosen):
                new = int(row.argmax())
                if new != label:
                    share = float(mask.mean())
                    found.append(Change(numbers, new, float(whole[label]), float(row[label]), float(row[new]), share, mask))
        if found:
            return min(found, key=lambda change: change.area)
    return None


def alone(image: Images, segments: Segments, predict: Predict, label: int, fill: str = "blur") -> NDArray[np.float64]:
    """How much the score of a class falls when one part alone is hidden. -> (k,) for the parts 0 .. k - 1"""
    masks = np.stack([np.zeros(segments.shape, bool), *(segments == part for part in range(int(segments.max()) + 1))])
    found = scores(predict, image, fill_of(image, fill), masks)[:, label]
    return np.asarray(found[0] - found[1:])
