"""Maps and regions: stretch a map, cut it at Otsu's threshold, compare two regions, and what chance alone would give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..metrics.inputs import share

FloatArray = NDArray[np.float32]
Levels = NDArray[np.uint8]
Region = NDArray[np.bool_]


def stretch(values: ArrayLike) -> FloatArray:
    """A map moved and scaled so that its least value is 0 and its greatest 1; a map with one value becomes 0 everywhere.

    Example:
        >>> stretch([[2, 3], [4, 6]]).tolist()
        [[0.0, 0.25], [0.5, 1.0]]
    """
    array = np.asarray(values, np.float64)
    low, high = array.min(), array.max()
    return np.asarray((array - low) / (high - low) if high > low else np.zeros_like(array), np.float32)


def levels(values: ArrayLike) -> Levels:
    """A stretched map in whole levels 0-255, as it is stored in a grey picture (cut off, not rounded)."""
    return np.asarray(stretch(values) * 255, np.uint8)


def otsu(image: Levels) -> int:
    """Otsu's threshold: the level that parts a picture into two classes with the greatest variance between them.

    Source: Otsu (1979), "A threshold selection method from gray-level histograms", Eq. 18:
    (mean w(t) - mean(t))^2 / (w(t) (1 - w(t))), w the share of pixels up to level t. Of equal levels the lowest is taken.

    Args:
        image: any shape, uint8.

    Returns:
        0-254; the upper class is ``image > otsu(image)``.

    Raises:
        InputError: not uint8, or all pixels have one level, so that nothing can be parted.

    Example:
        >>> otsu(np.array([10, 10, 12, 200, 210], np.uint8))
        12
    """
    if image.dtype != np.uint8:
        raise InputError(f"a map of {image.dtype}", "uint8", "turn it into levels 0-255 first (mien.attribution.regions.levels)")
    count = np.bincount(image.ravel(), minlength=256).astype(np.float64)
    if np.count_nonzero(count) < 2:
        raise InputError("a map with one level", "at least two", "leave a map without contrast out and say so")
    part = count / count.sum()
    weight, mean = np.cumsum(part), np.cumsum(part * np.arange(256))
    rest = weight * (1 - weight)
    between = np.zeros(256)
    np.divide((mean[-1] * weight - mean) ** 2, rest, out=between, where=rest > 1e-12)
    return int(np.argmax(between))


def region(image: Levels) -> Region:
    """The part of a map above its own Otsu threshold. Any shape, uint8 -> bool"""
    return np.asarray(image > otsu(image))


def chance_iou(found: float, wanted: float) -> float:
    """IoU that a region of area ``found`` reaches against one of area ``wanted`` when the two are independent.

    The two share a g of the picture and cover a + g - a g of it.

    Args:
        found: share of the picture in [0, 1].
        wanted: share of the picture in [0, 1].

    Example:
        >>> round(chance_iou(0.25, 0.25), 3)
        0.143
    """
    return share(found * wanted, found + wanted - found * wanted)


def chance_f1(found: float, wanted: float) -> float:
    """F1 of two independent regions: 2 a g / (a + g).

    Example:
        >>> chance_f1(0.25, 0.25)
        0.25
    """
    return share(2 * found * wanted, found + wanted)


@dataclass(frozen=True)
class Overlap:
    """How well one region meets another, each figure in [0, 1] or NaN where it cannot be told.

    Args:
        iou: shared over covered area.
        f1: harmonic mean of the next two.
        precision: share of the found region that is wanted.
        recall: share of the wanted region that is found.
        found: area of the found region as a share of the picture.
        wanted: area of the wanted one.
    """

    iou: float
    f1: float
    precision: float
    recall: float
    found: float
    wanted: float

    def chance(self, name: str) -> float:
        """What an independent region of the same area reaches in ``iou``, ``f1``, ``precision`` or ``recall``."""
        by_name = {
            "iou": chance_iou(self.found, self.wanted),
            "f1": chance_f1(self.found, self.wanted),
            "precision": self.wanted,
            "recall": self.found,
        }
        return by_name[name]


def overlap(found: Region, wanted: Region) -> Overlap:
    """Compare a found region with the wanted one.

    Args:
        found: (h, w) bool.
        wanted: (h, w) bool.

    Raises:
        InputError: unequal shapes, or not bool.

    Example:
        >>> row = overlap(np.array([[True, True, False, False]]), np.array([[True, False, False, False]]))
        >>> row.iou, round(row.f1, 3), row.precision, row.recall
        (0.5, 0.667, 0.5, 1.0)
    """
    for name, part in (("found", found), ("wanted", wanted)):
        if part.dtype != np.bool_:
            raise InputError(f"{name} holds {part.dtype}", "True and False", "compare the map with a threshold first")
    if found.shape != wanted.shape:
        raise InputError(f"found has shape {found.shape}, wanted {wanted.shape}", "one shape")
    both, a, g = (int(np.count_nonzero(part)) for part in (found & wanted, found, wanted))
    size = found.size
    return Overlap(
        share(both, a + g - both), share(2 * both, a + g), share(both, a), share(both, g), share(a, size), share(g, size)
    )
