"""Head pose by Procrustes on the canonical face, and gaze from the place of the irises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..geometry import mesh as points
from ..geometry import pose
from ..runtime.models import face_data
from ..types import Frame

FloatArray = NDArray[np.float32]
# An eye in the head frame, cm: the iris moves on a sphere of that radius; its centre lies below the middle of the eye's
# corners by DROP and, seen from the front, outwards of it by OUT.
RADIUS_X, RADIUS_Y, DROP, OUT = 1.094, 1.014, -0.141, 0.055
CLOSED = 0.12  # opening of the lids over the width of the eye below which the iris is hidden
FAR = 0.9  # radians of yaw from which the eye on the far side of the face is not used


class Pose:
    """Stage for pose and gaze."""

    needs = frozenset({"mesh"})
    adds = frozenset({"pose", "gaze"})

    def __call__(self, frames: Sequence[Frame]) -> list[Frame]:
        out = []
        for frame in frames:
            if frame.faces.mesh is None or not len(frame.faces):
                out.append(frame)
                continue
            angles, gaze = pose_and_gaze(frame.faces.mesh)
            out.append(replace(frame, faces=frame.faces.with_(pose=angles, gaze=gaze)))
        return out


def pose_and_gaze(mesh: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pose (n, 3) pitch yaw roll and gaze (n, 2) pitch yaw, radians, from meshes (n, 478, 3); NaN meshes give NaN."""
    known = ~np.isnan(mesh[:, 0, 0])
    angles, gaze = np.full((len(mesh), 3), np.nan, np.float32), np.full((len(mesh), 2), np.nan, np.float32)
    if not known.any():
        return angles, gaze
    data = face_data()
    front, rotation, _ = points.head_frame(mesh[known], data["canonical"], data["rigidity"])
    angles[known] = pose.angles(rotation)
    in_head = eye_directions(front, angles[known, 1])
    seen = np.einsum("nij,nj->ni", rotation, in_head)
    gaze[known] = np.where(np.isnan(in_head[:, :1]), np.nan, pose.pitch_yaw(np.nan_to_num(seen, nan=1.0)))
    return angles, gaze


def eye_directions(front: FloatArray, yaw: FloatArray) -> FloatArray:
    """Line of sight in the head frame, mean of the eyes that can be seen.

    Args:
        front: (n, 478, 3) points in the head frame, cm.
        yaw: (n,) yaw of the head, radians.

    Returns:
        (n, 3) unit vectors; NaN where both eyes are closed or hidden.
    """
    directions, visible = [], []
    for outer, inner, upper, lower, pupil, side in (
        (33, 133, 159, 145, points.RIGHT_PUPIL, -1),
        (263, 362, 386, 374, points.LEFT_PUPIL, 1),
    ):
        corner = (front[:, outer] + front[:, inner]) / 2
        width = np.linalg.norm(front[:, outer] - front[:, inner], axis=1)
        opening = np.linalg.norm(front[:, upper] - front[:, lower], axis=1) / np.maximum(width, 1e-6)
        x = (front[:, pupil, 0] - corner[:, 0] - side * OUT) / RADIUS_X
        y = (front[:, pupil, 1] - corner[:, 1] - DROP) / RADIUS_Y
        z = -np.sqrt(np.maximum(1 - x**2 - y**2, 0.05))
        vector = np.stack([x, y, z], 1)
        directions.append(vector / np.linalg.norm(vector, axis=1, keepdims=True))
        # turned to the right of the picture, the right eye (to the left in the picture) is the near one
        visible.append((opening > CLOSED) & (side * yaw < FAR))
    weight = np.stack(visible, 1).astype(np.float32)
    total = (np.stack(directions, 1) * weight[..., None]).sum(1)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(weight.sum(1, keepdims=True) > 0, total / np.maximum(length, 1e-6), np.nan).astype(np.float32)
