"""Piecewise-affine warps: a map over one face moved onto the landmarks of another, triangle by triangle."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

FloatArray = NDArray[np.float32]
Triangles = NDArray[np.int64]
JAW = 17
FAR = 20


def anchors(landmarks: ArrayLike, height: int, width: int) -> FloatArray:
    """68 landmarks with what holds forehead and background: the jaw line again at the upper edge, and the four corners.

    Args:
        landmarks: (68, 2) pixels in the order of iBUG 300-W, the jaw line first.
        height: of the picture in pixels.
        width: of the picture in pixels.

    Returns:
        (89, 2): 68 landmarks, 17 points (x of the jaw line, 0), then the corners: upper and lower left, upper and lower right.

    Raises:
        InputError: not 68 points, or a coordinate that is no number.
    """
    points = np.asarray(landmarks, np.float32)
    if points.shape != (68, 2) or not np.isfinite(points).all():
        raise InputError(f"landmarks of shape {points.shape}", "(68, 2) finite pixels", "leave out faces without landmarks")
    edge = np.stack([points[:JAW, 0], np.zeros(JAW, np.float32)], 1)
    right, low = width - 1, height - 1
    return np.concatenate([points, edge, np.array([[0, 0], [0, low], [right, 0], [right, low]], np.float32)])


def triangulate(points: FloatArray) -> Triangles:
    """The Delaunay triangles of points. (k, 2) -> (t, 3) indices; of points at one place the first is used.

    Raises:
        InputError: fewer than three places.
    """
    places = {tuple(point): index for index, point in reversed(list(enumerate(points.tolist())))}
    if len(places) < 3:
        raise InputError(f"{len(places)} different points", "at least 3")
    # the outer triangle that OpenCV starts from has to lie far away, or flat triangles at the border are lost
    reach = int(np.ceil(np.ptp(points, 0).max() + 1)) * FAR
    low = np.floor(points.min(0)).astype(int) - reach
    plane = cv2.Subdiv2D((int(low[0]), int(low[1]), 3 * reach, 3 * reach))
    for place in places:
        plane.insert(place)
    found = np.asarray(plane.getTriangleList(), np.float32).reshape(-1, 3, 2)
    rows = [[places.get(tuple(corner), -1) for corner in triangle] for triangle in found.tolist()]
    triangles = np.array([row for row in rows if min(row) >= 0], np.int64).reshape(-1, 3)
    return triangles[np.abs(_doubled_area(points[triangles])) > 1e-3]


def _doubled_area(corners: FloatArray) -> FloatArray:
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def _places(points: FloatArray, source: FloatArray, height: int, width: int) -> FloatArray:
    """Where each pixel of the target lies in the source. -> (height, width, 2); NaN outside all triangles."""
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float64)
    out = np.full((height, width, 2), np.nan)
    for index in triangulate(points):
        corners = points[index].astype(np.float64)
        low = np.clip(np.floor(corners.min(0)).astype(int), 0, [width, height])
        high = np.clip(np.ceil(corners.max(0)).astype(int) + 1, 0, [width, height])
        part = slice(low[1], high[1]), slice(low[0], high[0])
        # barycentric coordinates: corners^T @ share = pixel, shares add up to 1
        square = np.concatenate([corners.T, np.ones((1, 3))])
        pixels = np.concatenate([grid[part], np.ones((*grid[part].shape[:2], 1))], -1)
        shares = pixels @ np.linalg.inv(square).T
        inside = (shares > -1e-6).all(-1)
        out[part][inside] = shares[inside] @ source[index].astype(np.float64)
    return out.astype(np.float32)


def warp_map(values: ArrayLike, source: ArrayLike, target: ArrayLike, height: int, width: int) -> FloatArray:
    """Move a map from the points of one face to the points of another.

    Each triangle of the target takes its values, bilinearly, from the same triangle of the source.

    Args:
        values: (h, w) map over the source picture.
        source: (k, 2) points in it, pixels.
        target: (k, 2) the same points in the target, pixels.
        height: of the target.
        width: of the target.

    Returns:
        (height, width) float32; 0 where the source has no pixel, or no triangle covers the target.

    Raises:
        InputError: the two sets of points differ in number, or the map is no picture.
    """
    image = np.ascontiguousarray(np.asarray(values, np.float32))
    a, b = np.asarray(source, np.float32), np.asarray(target, np.float32)
    if image.ndim != 2 or a.shape != b.shape or a.ndim != 2 or a.shape[1] != 2:
        raise InputError(f"a map {image.shape}, points {a.shape} and {b.shape}", "(h, w), (k, 2) and (k, 2)")
    places = _places(b, a, height, width)
    # beyond every border, so that remap gives 0 there
    places[np.isnan(places)] = -1e4
    moved = cv2.remap(image, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0.0)
    return np.asarray(moved, np.float32)
