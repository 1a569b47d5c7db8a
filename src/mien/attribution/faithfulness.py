"""Is a map true to the classifier? Deletion and insertion: the score while the places that a map names are hidden or shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .hiding import fill_of, scores
from .lime import Images, Predict

Floats = NDArray[np.float64]
CELLS = 8  # of the grid of a map of chance: blots about as large as those of a real map


@dataclass(frozen=True)
class Faithfulness:
    """How well a map orders the places of a picture, beside maps of chance.

    Args:
        deletion: area under the score while places are hidden, the highest of the map first; lower is better.
        insertion: area under the score while places are shown, the highest first, over a hidden picture; higher is better.
        random_deletion: the same for maps of chance, the mean.
        random_insertion: the same.
        draws: how many of these.
    """

    deletion: float
    insertion: float
    random_deletion: float
    random_insertion: float
    draws: int

    @property
    def better(self) -> bool:
        """Whether the map beats the mean map of chance both ways."""
        return self.deletion < self.random_deletion and self.insertion > self.random_insertion

    def facts(self) -> dict[str, float | int | bool]:
        """For JSON, rounded."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()} | {"better": self.better}


def order(values: ArrayLike, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of a flattened map, the highest first; equal ones by chance, so that no corner comes first. (h, w) -> (h w,)"""
    flat = np.asarray(values, np.float64).ravel()
    return np.lexsort((rng.random(flat.size), -flat))


def curve(
    image: Images, fill: Images, places: NDArray[np.int64], predict: Predict, label: int, steps: int = 24, insert: bool = False
) -> Floats:
    """The score while a picture is hidden, or shown, place by place.

    Args:
        image: (h, w, 3) uint8 RGB.
        fill: (h, w, 3) uint8, what hidden places show.
        places: (h w,) positions, in the order in which they change.
        predict: from (n, h, w, 3) uint8 to (n, classes) probabilities.
        label: position of the class.
        steps: in equal parts of the picture.
        insert: show them over a hidden picture, in place of hiding them.

    Returns:
        (steps + 1,) from nothing changed to all.
    """
    rank = np.empty(places.size, np.int64)
    rank[places] = np.arange(places.size)
    until = np.linspace(0, places.size, steps + 1).round().astype(int)
    changed = rank.reshape(1, *image.shape[:2]) < until[:, None, None]
    return np.asarray(scores(predict, image, fill, ~changed if insert else changed)[:, label])


def area(values: ArrayLike) -> float:
    """Area under a curve over [0, 1] in equal steps, by trapezoids.

    Example:
        >>> area([1.0, 0.5, 0.0])
        0.5
    """
    found = np.asarray(values, np.float64)
    return float((found[:-1] + found[1:]).mean() / 2)


def random_map(rng: np.random.Generator, height: int, width: int, cells: int = CELLS) -> NDArray[np.float32]:
    """A map of chance in blots, as large as those of a real map: pixels that lie apart hide little. -> (height, width)"""
    few = rng.random((cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(few, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def faithfulness(
    image: Images, values: ArrayLike, predict: Predict, label: int, rng: np.random.Generator, draws: int = 4
) -> Faithfulness:
    """Deletion and insertion of a map, and of maps of chance.

    Source: Petsiuk, Das and Saenko, "RISE", arXiv:1806.07421, section 4.3, with the blurred picture in hidden places both ways:
    what is hidden sharply would be an edge that the classifier has never seen.

    Args:
        image: (h, w, 3) uint8 RGB.
        values: (h, w) the map, higher where it speaks for the class.
        predict: from (n, h, w, 3) uint8 to (n, classes) probabilities.
        label: position of the class.
        rng: draws the maps of chance, and orders equal values.
        draws: maps of chance.

    Raises:
        InputError: map and picture differ in size, or the map has one value everywhere.
    """
    array = np.asarray(values, np.float64)
    if array.shape != image.shape[:2]:
        raise InputError(f"a map {array.shape} of a picture {image.shape}", "the same height and width")
    if not array.min() < array.max():
        raise InputError("a map with one value everywhere", "contrast", "leave it out and say so")
    fill = fill_of(image)
    maps: list[NDArray[np.floating[Any]]] = [array, *(random_map(rng, *array.shape) for _ in range(draws))]
    both = np.array(
        [[area(curve(image, fill, order(one, rng), predict, label, insert=insert)) for insert in (False, True)] for one in maps]
    )
    chance = both[1:].mean(0) if draws else np.full(2, np.nan)
    return Faithfulness(float(both[0, 0]), float(both[0, 1]), float(chance[0]), float(chance[1]), draws)
