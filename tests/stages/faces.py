"""Synthetic meshes for the tests of the stages: the canonical face, posed and projected."""

from __future__ import annotations

import numpy as np

from mien.geometry import pose
from mien.labels import ARKIT_52
from mien.runtime.models import face_data
from mien.types import Scores


def posed(
    angles: tuple[float, float, float] = (0, 0, 0), centre: tuple[float, float] = (200, 200), scale: float = 10.0
) -> np.ndarray:
    """(1, 478, 3) mesh in pixels of the canonical face with pitch yaw roll, ``scale`` pixels per cm."""
    turned = face_data()["canonical"] @ pose.matrix(np.array([angles], np.float32))[0].T * scale
    return (turned + [*centre, 0])[None].astype(np.float32)


def shapes(count: int = 1, **scores: float) -> Scores:
    """Blendshapes that are 0 but for those named."""
    values = np.zeros((count, 52), np.float32)
    for name, value in scores.items():
        values[:, ARKIT_52.index(name)] = value
    return Scores(values, ARKIT_52)
