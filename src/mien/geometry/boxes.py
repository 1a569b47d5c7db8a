"""Boxes as (n, 4) arrays of x1 y1 x2 y2 in pixels: overlap, suppression, squares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def area(boxes: FloatArray) -> FloatArray:
    """Area of each box in square pixels; a box turned inside out has area 0. (n, 4) -> (n,)"""
    size = np.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return size[..., 0] * size[..., 1]


def intersection(a: FloatArray, b: FloatArray) -> FloatArray:
    """Area that each box of ``a`` (n, 4) shares with each box of ``b`` (m, 4). -> (n, m)"""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    size = np.maximum(high - low, 0)
    return size[..., 0] * size[..., 1]


def iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """Intersection over union of every pair, in [0, 1]. (n, 4), (m, 4) -> (n, m)

    Example:
        >>> box = np.array([[0, 0, 10, 10]], np.float32)
        >>> float(iou(box, box + [5, 0, 5, 0])[0, 0].round(3))
        0.333
    """
    shared = intersection(a, b)
    union = area(a)[:, None] + area(b)[None] - shared
    return shared / np.maximum(union, 1e-9)


MANY = 1000


def nms(boxes: FloatArray, scores: FloatArray, threshold: float = 0.4, contained: float = 0.8) -> NDArray[np.int64]:
    """Greedy non-maximum suppression: indices to keep, best score first.

    Args:
        boxes: (n, 4).
        scores: (n,).
        threshold: a box whose overlap (IoU) with a better one is larger is dropped.
        contained: a box that lies with more than this share of the smaller area inside a better one is dropped
            too: with several scales the same face comes back as a box inside a box, whose IoU is small.

    Returns:
        (k,) int64 indices.
    """
    order = np.argsort(-scores, kind="stable")
    if len(order) < 2:
        return order
    areas = area(boxes)

    def clash(rows: FloatArray, own: FloatArray) -> NDArray[np.bool_]:
        shared = intersection(rows, boxes)
        overlap = shared / np.maximum(own[:, None] + areas[None] - shared, 1e-9)
        inside = shared / np.maximum(np.minimum(own[:, None], areas[None]), 1e-9)
        return np.asarray((overlap > threshold) | (inside > contained), np.bool_)

    # all against all at once is quickest for the boxes of a photo; of very many it would fill the memory
    table = clash(boxes, areas) if len(boxes) <= MANY else None
    alive = np.ones(len(boxes), bool)
    keep = []
    for i in order:
        if alive[i]:
            keep.append(i)
            alive &= ~(table[i] if table is not None else clash(boxes[i : i + 1], areas[i : i + 1])[0])
    return np.array(keep, np.int64)


def from_points(points: FloatArray) -> FloatArray:
    """The smallest upright box around points. (..., k, 2 or 3) -> (..., 4)"""
    xy = points[..., :2]
    return np.concatenate([xy.min(-2), xy.max(-2)], -1)


def side(boxes: FloatArray) -> FloatArray:
    """The longer side of each box in pixels. (n, 4) -> (n,)"""
    return np.max(boxes[..., 2:] - boxes[..., :2], -1)


def inside_share(boxes: FloatArray, height: int, width: int) -> FloatArray:
    """Share of each box's area that lies inside a picture of that size, in [0, 1]. (n, 4) -> (n,)"""
    frame = np.array([[0, 0, width, height]], np.float32)
    return np.asarray(intersection(boxes, frame)[:, 0] / np.maximum(area(boxes), 1e-9), np.float32)
