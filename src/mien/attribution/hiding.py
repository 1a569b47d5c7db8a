"""Hiding parts of a picture from a classifier: what is put in their place, and what the classifier says then."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, unknown_name
from .lime import Images, Predict

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
FILLS = ("blur", "grey")


def fill_of(image: Images, fill: str = "blur") -> Images:
    """What hidden places show: the picture without its details, or its mean everywhere.

    Args:
        image: (h, w, 3) uint8 RGB.
        fill: "blur", a Gaussian of an eighth of the side, which takes form away and leaves light; "grey", the mean colour.

    Returns:
        (h, w, 3) uint8.

    Raises:
        InputError: another word, or no RGB picture.
    """
    if fill not in FILLS:
        raise unknown_name("fill", fill, FILLS)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InputError(f"a picture {image.shape} of {image.dtype}", "(h, w, 3) uint8 RGB")
    if fill == "grey":
        return np.broadcast_to(image.mean((0, 1)).round().astype(np.uint8), image.shape).copy()
    sigma = max(image.shape[:2]) / 8
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.uint8)


def hidden(image: Images, fill: Images, masks: Mask) -> Images:
    """Copies of a picture, in each of which the places of one mask are hidden. (h, w, 3), (h, w, 3), (n, h, w) -> (n, h, w, 3)"""
    return np.where(masks[..., None], fill[None], image[None])


def scores(predict: Predict, image: Images, fill: Images, masks: Mask, batch: int = 64) -> Floats:
    """What a classifier says of a picture with parts hidden.

    Args:
        predict: from (n, h, w, 3) uint8 to (n, classes) probabilities.
        image: (h, w, 3) uint8 RGB.
        fill: (h, w, 3) uint8, what hidden places show.
        masks: (n, h, w) True where hidden.
        batch: pictures given at once.

    Returns:
        (n, classes).

    Raises:
        InputError: masks and picture differ in size, or the classifier gives something else than (n, classes) numbers.
    """
    if masks.shape[1:] != image.shape[:2] or fill.shape != image.shape:
        raise InputError(f"masks {masks.shape} and fill {fill.shape} for a picture {image.shape}", "the same height and width")
    found = []
    for start in range(0, len(masks), batch):
        part = masks[start : start + batch]
        out = np.asarray(predict(hidden(image, fill, part)), np.float64)
        if out.ndim != 2 or len(out) != len(part) or not np.isfinite(out).all():
            raise InputError(f"the classifier gave {out.shape} for {len(part)} pictures", f"({len(part)}, classes) numbers")
        found.append(out)
    return np.concatenate(found)


def heat(values: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """What speaks for a class, as a map to draw: values below 0 become 0, the highest becomes 1.

    Example:
        >>> heat(np.array([[-1.0, 0.5], [2.0, 0.0]])).tolist()
        [[0.0, 0.25], [1.0, 0.0]]
    """
    positive = np.maximum(values, 0)
    highest = positive.max()
    return np.asarray(positive / highest if highest > 0 else positive, np.float32)
