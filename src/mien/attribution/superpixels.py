"""Superpixels: a picture in patches of like colour (SLIC)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

Segments = NDArray[np.int64]
Floats = NDArray[np.float32]


def slic(image: NDArray[np.uint8], count: int = 30, compactness: float = 20.0, rounds: int = 10) -> Segments:
    """Simple linear iterative clustering: k-means of colour and place, each centre looking no farther than one grid step.

    Source: Achanta et al. (2012), "SLIC superpixels compared to state-of-the-art superpixel methods", Eq. 3 and algorithm 1:
    D^2 = d_colour^2 + (d_place / S)^2 m^2 with the grid step S = sqrt(pixels / count). Colours are CIELAB. Centres start on
    the grid, not at the lowest gradient beside it. Patches that fall apart are cut, and pieces below S^2 / 4 pixels join the
    neighbour with which they share most of their border.

    Args:
        image: (h, w, 3) uint8 RGB.
        count: patches asked for; a few more or fewer come out.
        compactness: m, larger is nearer to squares.
        rounds: of k-means.

    Returns:
        (h, w) numbers 0 .. k - 1, each a connected patch.

    Raises:
        InputError: no RGB picture, or fewer pixels than patches.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InputError(f"a picture {image.shape} of {image.dtype}", "(h, w, 3) uint8 RGB")
    height, width = image.shape[:2]
    if not 1 <= count <= height * width:
        raise InputError(f"{count} patches of {height * width} pixels", "from 1 to as many as there are pixels")
    step = float(np.sqrt(height * width / count))
    colour = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    place = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1) * (compactness / step)
    features = np.concatenate([colour, place], -1).astype(np.float32)
    labels = _cluster(features, step, rounds)
    return _connected(labels, step * step / 4)


def _grid(size: int, step: float) -> NDArray[np.int64]:
    number = max(1, round(size / step))
    return np.asarray(np.floor((np.arange(number) + 0.5) * size / number), np.int64)


def _cluster(features: Floats, step: float, rounds: int) -> Segments:
    """k-means in windows of two grid steps around each centre. (h, w, 5) -> (h, w)"""
    height, width = features.shape[:2]
    rows, columns = (g.ravel() for g in np.meshgrid(_grid(height, step), _grid(width, step), indexing="ij"))
    middles = np.stack([rows, columns], 1).astype(np.float64)
    centres = features[rows, columns].astype(np.float64)
    reach = int(np.ceil(step))
    y, x = np.mgrid[:height, :width]
    labels = np.zeros((height, width), np.int64)
    for _ in range(rounds):
        best = np.full((height, width), np.inf)
        for k, (row, column) in enumerate(np.round(middles).astype(int)):
            part = slice(max(0, row - reach), row + reach + 1), slice(max(0, column - reach), column + reach + 1)
            distance = ((features[part] - centres[k]) ** 2).sum(-1)
            nearer = distance < best[part]
            best[part][nearer], labels[part][nearer] = distance[nearer], k
        flat = labels.ravel()
        counted = np.bincount(flat, minlength=len(centres))
        filled = counted > 0
        for target, values in ((middles, np.stack([y, x], -1)), (centres, features)):
            for axis in range(target.shape[1]):
                total = np.bincount(flat, values[..., axis].ravel(), len(centres))
                target[filled, axis] = total[filled] / counted[filled]
    return labels


def _connected(labels: Segments, least: float) -> Segments:
    """Cut what is not connected, give small pieces to a neighbour, number the rest from 0."""
    pieces = np.zeros(labels.shape, np.int64)
    total = 0
    for label in np.unique(labels):
        number, found = cv2.connectedComponents((labels == label).astype(np.uint8), connectivity=4)
        pieces[found > 0] = found[found > 0] + total
        total += number - 1
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    sizes = np.bincount(pieces.ravel(), minlength=total + 1)
    for piece in np.argsort(sizes, kind="stable"):
        if not 0 < sizes[piece] < least:
            continue
        own = pieces == piece
        # it may have grown since the sizes were counted
        around = (cv2.dilate(own.astype(np.uint8), cross) > 0) & ~own
        if own.sum() < least and around.any():
            pieces[own] = np.bincount(pieces[around]).argmax()
    return np.unique(pieces, return_inverse=True)[1].reshape(labels.shape).astype(np.int64)
