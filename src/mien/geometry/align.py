"""Similarity transforms between the frame and a crop, and the warps that follow them.

A transform is a (2, 3) float32 matrix M that takes frame pixels to crop pixels: crop = M[:, :2] @ frame + M[:, 2].
Pixel centres lie at whole coordinates, as in OpenCV.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Image = NDArray[np.uint8]


def umeyama(source: FloatArray, target: FloatArray) -> FloatArray:
    """The least-squares similarity (rotation, scale, shift; no mirror) that takes points to points.

    Source: Umeyama (1991), "Least-squares estimation of transformation parameters between two point patterns",
    Eq. 40-43, for two dimensions.

    Args:
        source: (k, 2), k >= 2.
        target: (k, 2).

    Returns:
        (2, 3) matrix.

    Example:
        >>> square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
        >>> (umeyama(square, 2 * square + 3).round(3) + 0.0).tolist()
        [[2.0, 0.0, 3.0], [0.0, 2.0, 3.0]]
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    a, b = source - source.mean(0), target - target.mean(0)
    # in the complex plane a similarity without mirror is one complex factor: the regression of b on a
    za, zb = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    factor = np.vdot(za, zb) / max(np.vdot(za, za).real, 1e-12)
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.concatenate([linear, (target.mean(0) - linear @ source.mean(0))[:, None]], 1).astype(np.float32)


def square_crop(centre: FloatArray, side: FloatArray, angle: FloatArray, size: int) -> FloatArray:
    """The transforms that cut turned squares out of a frame.

    Args:
        centre: (n, 2) pixels of the frame.
        side: (n,) side of the square in pixels of the frame.
        angle: (n,) radians by which the square is turned clockwise in the picture; a face whose eye line is turned
            by that angle stands upright in the crop.
        size: side of the crop in pixels.

    Returns:
        (n, 2, 3) transforms from frame to crop.
    """
    scale = size / np.maximum(side, 1e-6)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], -2)
    shift = (size - 1) / 2 - np.einsum("nij,nj->ni", linear, centre)
    return np.concatenate([linear, shift[..., None]], -1).astype(np.float32)


def upright_crop(points: FloatArray, angle: FloatArray, scale: float, size: int) -> FloatArray:
    """The transforms that cut turned squares around point sets.

    Args:
        points: (n, k, 2 or 3) pixels of the frame.
        angle: (n,) radians by which each set is turned clockwise.
        scale: side of the square over the longer side of the upright box around the points.
        size: side of the crop in pixels.

    Returns:
        (n, 2, 3) transforms from frame to crop.
    """
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = points[..., 0] * cos + points[..., 1] * sin, points[..., 1] * cos - points[..., 0] * sin
    low, high = np.stack([x.min(1), y.min(1)], 1), np.stack([x.max(1), y.max(1)], 1)
    u, v = ((low + high) / 2).T
    centre = np.stack([u * cos[:, 0] - v * sin[:, 0], u * sin[:, 0] + v * cos[:, 0]], 1)
    return square_crop(centre, scale * (high - low).max(1), angle, size)


def eye_angle(right: FloatArray, left: FloatArray) -> FloatArray:
    """Angle of the line from the person's right eye to the left eye, radians, clockwise in the picture. (n, 2) -> (n,)"""
    line = left - right
    return np.arctan2(line[..., 1], line[..., 0])


def invert(transforms: FloatArray) -> FloatArray:
    """The transforms back, from crop to frame. (n, 2, 3) -> (n, 2, 3)"""
    linear = np.linalg.inv(transforms[..., :2].astype(np.float64))
    shift = -np.einsum("...ij,...j->...i", linear, transforms[..., 2])
    return np.concatenate([linear, shift[..., None]], -1).astype(np.float32)


def apply(transforms: FloatArray, points: FloatArray) -> FloatArray:
    """Move points: x and y by the transform, a third coordinate by its scale alone. (n, 2, 3), (n, k, 2 or 3)"""
    xy = np.einsum("nij,nkj->nki", transforms[..., :2], points[..., :2]) + transforms[:, None, :, 2]
    if points.shape[-1] == 2:
        return xy.astype(np.float32)
    scale = np.hypot(transforms[:, 0, 0], transforms[:, 1, 0])
    return np.concatenate([xy, points[..., 2:] * scale[:, None, None]], -1).astype(np.float32)


def warp(image: Image, transform: FloatArray, size: int, border: int = 0) -> Image:
    """Cut one crop out of a frame.

    Shrinking by two or more would alias under bilinear sampling, so the part of the frame that is needed is averaged
    down by a whole factor first.

    Args:
        image: (h, w, 3) or (h, w) uint8.
        transform: (2, 3) from frame to crop.
        size: side of the crop in pixels.
        border: value beyond the border of the frame.

    Returns:
        (size, size, 3) or (size, size) uint8.
    """
    scale = float(np.hypot(transform[0, 0], transform[1, 0]))
    factor = int(0.75 / scale) if scale > 0 else 1
    if factor >= 2:
        image, transform = _shrink(image, transform, size, factor)
    edge: dict[str, Any] = {"borderMode": cv2.BORDER_CONSTANT, "borderValue": (border,) * 3}
    return np.asarray(cv2.warpAffine(image, transform, (size, size), flags=cv2.INTER_LINEAR, **edge), np.uint8)


def _shrink(image: Image, transform: FloatArray, size: int, factor: int) -> tuple[Image, FloatArray]:
    """Average the part of the frame under the crop down by ``factor``; the transform from there to the crop."""
    back = invert(transform[None])
    corners = apply(back, np.array([[[0, 0], [size, 0], [0, size], [size, size]]], np.float32))[0]
    height, width = image.shape[:2]
    low = np.clip(np.floor(corners.min(0)) - factor, 0, [width - 1, height - 1]).astype(int)
    high = np.clip(np.ceil(corners.max(0)) + factor, low + 1, [width, height]).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    small = np.maximum(np.array(part.shape[1::-1]) // factor, 1)
    ratio = np.array(part.shape[1::-1]) / small
    out = np.asarray(cv2.resize(part, tuple(int(v) for v in small), interpolation=cv2.INTER_AREA), np.uint8)
    # a pixel centre u of the small picture lies at low + (u + 0.5) * ratio - 0.5 of the frame
    linear = transform[:, :2] * ratio
    shift = transform[:, :2] @ (low + 0.5 * ratio - 0.5) + transform[:, 2]
    return out, np.concatenate([linear, shift[:, None]], 1).astype(np.float32)


def warp_all(image: Image, transforms: FloatArray, size: int, border: int = 0) -> Image:
    """Cut n crops. -> (n, size, size, 3) uint8"""
    out = np.empty((len(transforms), size, size, *image.shape[2:]), np.uint8)
    for i, transform in enumerate(transforms):
        out[i] = warp(image, transform, size, border)
    return out
