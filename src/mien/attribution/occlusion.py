"""Occlusion: how much a score falls when a square of the picture is hidden, square by square."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .hiding import fill_of, scores
from .lime import Images, Predict

Floats = NDArray[np.float64]
LEAST = 1e-6  # distance from 0 and 1 at which a score counts for its log-odds


@dataclass(frozen=True, eq=False)
class Occluded:
    """What hiding squares does.

    Args:
        falls: (h, w) mean fall of the log-odds over the squares that cover a place; above 0 where it speaks for the class.
        lowest: the score with the square hidden that lowers it most.
    """

    falls: Floats
    lowest: float


def _starts(length: int, side: int, step: int) -> list[int]:
    """Where squares begin: from beyond one end to beyond the other, so that each pixel is hidden about equally often."""
    return list(range(step - side, length, step))


def occlusion(
    image: Images, predict: Predict, label: int, side: float = 0.2, steps: int = 3, fill: str = "blur", batch: int = 64
) -> Occluded:
    """How much the score of a class falls while a square covers a place.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", arXiv:1311.2901, section 4.2. There the
    score itself is drawn; here it is its log-odds, which still tell places apart where a network is sure.

    Args:
        image: (h, w, 3) uint8 RGB.
        predict: from (n, h, w, 3) uint8 to (n, classes) probabilities.
        label: position of the class.
        side: of the square, as a share of the shorter side.
        steps: squares on the length of one side; more is finer and takes by its square longer.
        fill: what a square shows, "blur" or "grey".
        batch: pictures given to the classifier at once.

    Raises:
        InputError: the square is no part of the picture, or the classifier gives something else than (n, classes) numbers.
    """
    if not 0 < side <= 1 or steps < 1:
        raise InputError(f"squares of {side:g} of the side in {steps} steps", "a share above 0, up to 1, and 1 step or more")
    height, width = image.shape[:2]
    length = max(1, round(side * min(height, width)))
    stride = max(1, round(length / steps))
    places = [(y, x) for y in _starts(height, length, stride) for x in _starts(width, length, stride)]
    masks = np.zeros((len(places) + 1, height, width), bool)
    for mask, (y, x) in zip(masks[1:], places):
        mask[max(0, y) : y + length, max(0, x) : x + length] = True
    found = scores(predict, image, fill_of(image, fill), masks, batch)[:, label]
    clipped = np.clip(found, LEAST, 1 - LEAST)
    odds = np.log(clipped / (1 - clipped))
    fall = odds[0] - odds[1:]
    times = masks[1:].sum(0)
    return Occluded(np.asarray(np.tensordot(fall, masks[1:], 1) / np.maximum(times, 1)), float(found[1:].min()))
