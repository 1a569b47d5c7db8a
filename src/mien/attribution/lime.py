"""LIME: which patches of a picture a classifier's answer rests on, by a linear model around that picture.

Ribeiro, Singh and Guestrin (2016), "Why should I trust you? Explaining the predictions of any classifier", Eq. 1 and algorithm 1,
with the kernel and the linear model that are usual for pictures: patches are hidden at random, every mixture is weighted by how
near it is to the whole picture, and a weighted ridge regression from patches to the answer gives one number for each patch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .superpixels import Segments

Images = NDArray[np.uint8]
Predict = Callable[[Images], ArrayLike]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lime:
    """How LIME is done; the values of the usual implementation for pictures.

    Args:
        samples: mixtures of hidden and shown patches, the whole picture among them.
        width: of the kernel over cosine distance.
        penalty: of the ridge regression.
        hidden: level 0-255 that hidden patches are filled with.
        batch: pictures given to the classifier at once.
    """

    samples: int = 1000
    width: float = 0.25
    penalty: float = 1.0
    hidden: int = 0
    batch: int = 64


def nearness(shown: ArrayLike, width: float = 0.25) -> Floats:
    """The kernel: how much each mixture counts, from its cosine distance d to the whole picture: sqrt(exp(-d^2 / width^2)).

    Args:
        shown: (n, k) 0 or 1 for each patch; the cosine to all ones is the root of the share that is shown.
        width: in units of cosine distance.

    Returns:
        (n,) in (0, 1]; where nothing is shown d is 1.

    Example:
        >>> nearness([[1, 1, 1, 1], [1, 0, 0, 0]], width=0.5).round(4).tolist()
        [1.0, 0.6065]
    """
    distance = 1 - np.sqrt(np.asarray(shown, np.float64).mean(1))
    return np.asarray(np.sqrt(np.exp(-(distance**2) / width**2)))


def weighted_ridge(shown: ArrayLike, answers: ArrayLike, weights: ArrayLike, penalty: float = 1.0) -> tuple[Floats, float]:
    """Minimise sum_i w_i (answer_i - b - x_i a)^2 + penalty |a|^2; the offset b is not penalised.

    Args:
        shown: (n, k) the rows x.
        answers: (n,).
        weights: (n,) above 0.
        penalty: above 0.

    Returns:
        (k,) coefficients a, and b.

    Example:
        >>> a, b = weighted_ridge([[0], [1]], [1, 3], [1, 1], penalty=1e-9)
        >>> round(float(a[0]), 3), round(b, 3)
        (2.0, 1.0)
    """
    x, y, w = (np.asarray(v, np.float64) for v in (shown, answers, weights))
    share = w / w.sum()
    x_mean, y_mean = share @ x, float(share @ y)
    centred = x - x_mean
    square = (centred * w[:, None]).T @ centred + penalty * np.eye(x.shape[1])
    found = np.linalg.solve(square, (centred * w[:, None]).T @ (y - y_mean))
    return np.asarray(found), y_mean - float(x_mean @ found)


def relevance(
    image: Images, segments: Segments, predict: Predict, label: int, rng: np.random.Generator, lime: Lime | None = None
) -> Floats:
    """How much each patch speaks for a label.

    Args:
        image: (h, w, 3) uint8 RGB.
        segments: (h, w) number of the patch of each pixel, 0 .. k - 1.
        predict: from (n, h, w, 3) uint8 to (n, classes) probabilities.
        label: position of the class that is explained.
        rng: draws the mixtures.
        lime: how; None takes the usual values.

    Returns:
        (k,) coefficients; above 0 speaks for the label.

    Raises:
        InputError: patches and picture differ in size, or the classifier gives something else than (n, classes) numbers.
    """
    how = lime or Lime()
    if segments.shape != image.shape[:2]:
        raise InputError(f"patches {segments.shape} of a picture {image.shape}", "the same height and width")
    shown = rng.integers(0, 2, (how.samples, int(segments.max()) + 1)).astype(bool)
    shown[0] = True
    answers = []
    for start in range(0, how.samples, how.batch):
        visible = shown[start : start + how.batch, segments]
        mixed = np.where(visible[..., None], image[None], np.uint8(how.hidden)).astype(np.uint8)
        out = np.asarray(predict(mixed), np.float64)
        if out.ndim != 2 or len(out) != len(mixed) or not label < out.shape[1] or not np.isfinite(out).all():
            raise InputError(f"the classifier gave {out.shape} for {len(mixed)} pictures", f"({len(mixed)}, classes) numbers")
        answers.append(out[:, label])
    return weighted_ridge(shown, np.concatenate(answers), nearness(shown, how.width), how.penalty)[0]


def paint(values: Floats, segments: Segments) -> NDArray[np.float32]:
    """A map with the coefficient of its patch at each pixel, 0 where the patch speaks against the label. -> (h, w)"""
    return np.asarray(np.maximum(values, 0)[segments], np.float32)
