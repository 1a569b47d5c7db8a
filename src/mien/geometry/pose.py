"""Head pose and directions: one sign table for the whole package.

Camera frame: x to the right of the picture, y down, z away from the camera. Angles in radians.

=====  =====================================================  ============================
angle  positive when the face, or the line of sight, ...      about
=====  =====================================================  ============================
pitch  points up                                              the x axis
yaw    points to the right of the picture (the person's left) the y axis
roll   is turned clockwise in the picture                     the face's own forward axis
=====  =====================================================  ============================

R = Y(yaw) X(pitch) Z(roll) takes the canonical face (upright, frontal, in the same axes) to the seen one: the face rolls
first, then pitch and yaw point its forward axis, so that (pitch, yaw) of a head and of a gaze mean the same direction.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def matrix(angles: FloatArray) -> FloatArray:
    """Rotation matrices of (n, 3) pitch yaw roll. -> (n, 3, 3)

    Example:
        >>> forward = matrix(np.array([[0.0, np.pi / 2, 0.0]], np.float32))[0] @ [0, 0, -1]
        >>> forward.round(3).tolist()  # a yaw of +90 degrees points to the right of the picture
        [1.0, 0.0, 0.0]
    """
    angles = np.asarray(angles, np.float64)
    pitch, yaw, roll = angles[:, 0], angles[:, 1], angles[:, 2]
    zero, one = np.zeros_like(pitch), np.ones_like(pitch)

    def stack(*rows: list[NDArray[Any]]) -> NDArray[Any]:
        return np.stack([np.stack(row, -1) for row in rows], -2)

    cp, sp, cy, sy, cr, sr = np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw), np.cos(roll), np.sin(roll)
    about_x = stack([one, zero, zero], [zero, cp, sp], [zero, -sp, cp])
    about_y = stack([cy, zero, -sy], [zero, one, zero], [sy, zero, cy])
    about_z = stack([cr, -sr, zero], [sr, cr, zero], [zero, zero, one])
    return (about_y @ about_x @ about_z).astype(np.float32)


def angles(matrices: FloatArray) -> FloatArray:
    """Pitch yaw roll of rotation matrices, the inverse of :func:`matrix` for |pitch| < pi / 2. (n, 3, 3) -> (n, 3)"""
    m = np.asarray(matrices, np.float64)
    forward = -m[:, :, 2]
    pitch = np.arcsin(np.clip(-forward[:, 1], -1, 1))
    yaw = np.arctan2(forward[:, 0], -forward[:, 2])
    # row y of Y X Z is (cos pitch sin roll, cos pitch cos roll, sin pitch)
    roll = np.arctan2(m[:, 1, 0], m[:, 1, 1])
    return np.stack([pitch, yaw, roll], -1).astype(np.float32)


def direction(pitch_yaw: FloatArray) -> FloatArray:
    """Unit vectors of (n, 2) pitch yaw; (0, 0) looks into the camera. -> (n, 3)"""
    pitch, yaw = np.asarray(pitch_yaw, np.float64).T
    return np.stack([np.cos(pitch) * np.sin(yaw), -np.sin(pitch), -np.cos(pitch) * np.cos(yaw)], -1).astype(np.float32)


def pitch_yaw(vectors: FloatArray) -> FloatArray:
    """Pitch and yaw of directions, the inverse of :func:`direction`. (n, 3) -> (n, 2)"""
    v = np.asarray(vectors, np.float64)
    v = v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)
    return np.stack([np.arcsin(np.clip(-v[:, 1], -1, 1)), np.arctan2(v[:, 0], -v[:, 2])], -1).astype(np.float32)


def procrustes(
    points: FloatArray, reference: FloatArray, weights: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The similarity that takes a reference shape to each of n point sets: points = scale R reference + shift.

    Source: Umeyama (1991), Eq. 40-43 (no mirror), solved for all n at once.

    Args:
        points: (n, k, 3).
        reference: (k, 3).
        weights: (k,) how much each point counts.

    Returns:
        scale (n,), rotation (n, 3, 3), shift (n, 3).
    """
    w = np.full(len(reference), 1 / len(reference)) if weights is None else weights / weights.sum()
    points, reference = np.asarray(points, np.float64), np.asarray(reference, np.float64)
    middle, origin = np.einsum("k,nkj->nj", w, points), w @ reference
    a, b = points - middle[:, None], (reference - origin) * w[:, None]
    u, s, vt = np.linalg.svd(np.einsum("nki,kj->nij", a, b))
    sign = np.ones_like(s)
    sign[:, 2] = np.where(np.linalg.det(u @ vt) < 0, -1, 1)
    rotation = (u * sign[:, None]) @ vt
    variance = float((w[:, None] * (reference - origin) ** 2).sum())
    scale = (s * sign).sum(1) / max(variance, 1e-12)
    shift = middle - scale[:, None] * np.einsum("nij,j->ni", rotation, origin)
    return scale.astype(np.float32), rotation.astype(np.float32), shift.astype(np.float32)
