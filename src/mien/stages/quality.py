"""How far a face can be trusted: a quality in [0, 1], a status, and what is withheld because of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import align
from ..geometry import boxes as geometry
from ..types import Faces, Frame, Scores

FloatArray = NDArray[np.float32]
SIZE = 96  # side of the crop that sharpness is measured on, pixels
MIN_SIDE = 24.0  # longer side of the box in pixels below which a face is too small to read
MAX_YAW = 0.87  # radians (50 degrees) of yaw from which a face is a profile
MIN_INSIDE = 0.9  # share of the mesh that must lie inside the picture
MIN_PRESENCE = 0.5
MIN_SHARPNESS = 0.2
WITHHELD = ("not_visible", "too_small")  # nothing but box and size is told of these


class Quality:
    """Stage for quality and status; runs last, because it withholds what could not be told."""

    needs = frozenset({"boxes", "mesh", "presence", "pose"})
    adds = frozenset({"quality", "status"})

    def __call__(self, frames: Sequence[Frame]) -> list[Frame]:
        out = []
        for frame in frames:
            if frame.image is None or frame.faces.mesh is None or not len(frame.faces):
                out.append(frame)
                continue
            quality, status = judge(frame.image, frame.faces)
            out.append(replace(frame, faces=withhold(frame.faces.with_(quality=quality, status=status))))
        return out


def judge(image: NDArray[np.uint8], faces: Faces) -> tuple[FloatArray, NDArray[np.str_]]:
    """Quality (n,) in [0, 1] and status (n,) of the faces of one picture."""
    mesh, presence, pose = faces.mesh, faces.presence, faces.pose
    assert mesh is not None
    assert presence is not None
    assert pose is not None
    height, width = image.shape[:2]
    with np.errstate(invalid="ignore"):
        xy = mesh[..., :2]
        inside = ((xy >= 0) & (xy <= [width - 1, height - 1])).all(-1).mean(1)
        side, yaw = geometry.side(faces.boxes), np.abs(pose[:, 1])
        sharp = sharpness(image, mesh)
        quality = (
            presence
            * np.clip(side / 80, 0, 1) ** 0.5
            * np.clip(sharp / (2 * MIN_SHARPNESS), 0, 1)
            * np.clip(1.2 - yaw / 1.2, 0, 1)
            * inside**2
        )
        checks = {
            "not_visible": ~(presence >= MIN_PRESENCE),
            "too_small": side < MIN_SIDE,
            "cut_off": inside < MIN_INSIDE,
            "profile": yaw > MAX_YAW,
            "blurred": sharp < MIN_SHARPNESS,
        }
    status = np.full(len(faces), "ok", "U16")
    for name, applies in reversed(checks.items()):
        status[applies] = name
    quality = np.where(status == "not_visible", 0.0, quality)
    return quality.astype(np.float32), status


def sharpness(image: NDArray[np.uint8], mesh: FloatArray) -> FloatArray:
    """Fine detail of a face against its contrast: 1 is crisp, 0 is a blob; (n,), NaN without a mesh.

    The grey crop of the face, at most SIZE pixels wide (a larger face is averaged down, a smaller one kept as it is, so
    that small and blurred are told apart), is compared with itself after a 3x3 mean: what is lost is its fine detail.
    """
    out = np.full(len(mesh), np.nan, np.float32)
    for i in np.flatnonzero(~np.isnan(mesh[:, 0, 0])):
        box = geometry.from_points(mesh[i][None])
        side = int(np.clip(geometry.side(box)[0], 16, SIZE))
        transform = align.upright_crop(mesh[i][None], np.zeros(1, np.float32), 0.6, side)[0]
        crop = cv2.cvtColor(align.warp(image, transform, side), cv2.COLOR_RGB2GRAY).astype(np.float32)
        fine = crop - cv2.blur(crop, (3, 3))
        out[i] = min(1.0, 8 * float(fine.std()) / max(float(crop.std()), 4.0))
    return out


def withhold(faces: Faces) -> Faces:
    """Write NaN over everything that could not be told of the faces with a status in WITHHELD."""
    assert faces.status is not None
    gone = np.isin(faces.status, WITHHELD)
    if not gone.any():
        return faces
    changes: dict[str, Any] = {}
    for name in ("pose", "gaze", "intensity", "affect", "expression", "units", "blendshapes"):
        value = getattr(faces, name)
        if value is None:
            continue
        if isinstance(value, Scores):
            changes[name] = Scores(np.where(gone[:, None], np.nan, value.values), value.labels)
        else:
            changes[name] = np.where(gone[:, None], np.nan, value)
    return faces.with_(**changes)
