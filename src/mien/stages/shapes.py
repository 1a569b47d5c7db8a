"""Blendshapes: 52 ARKit scores from the points of the mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..geometry import align
from ..geometry import mesh as points
from ..labels import ARKIT_52
from ..runtime.models import face_data
from ..runtime.onnx import Runner
from ..types import Frame, Scores

FloatArray = NDArray[np.float32]


class Blendshapes:
    """Stage for blendshapes. ``tongueOut`` comes from the mesh network, which sees the tongue; the others from the points."""

    needs = frozenset({"mesh"})
    adds = frozenset({"blendshapes"})

    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    def __call__(self, frames: Sequence[Frame]) -> list[Frame]:
        out = []
        for frame in frames:
            mesh = frame.faces.mesh
            if mesh is None or not len(mesh):
                out.append(frame)
                continue
            out.append(replace(frame, faces=frame.faces.with_(blendshapes=self.score(mesh, frame.faces.blendshapes))))
        return out

    def score(self, mesh: FloatArray, given: Scores | None = None) -> Scores:
        """Scores of n meshes (n, 478, 3) in pixels; ``given`` holds the tongue. NaN meshes give NaN."""
        values = np.full((len(mesh), len(ARKIT_52)), np.nan, np.float32)
        known = ~np.isnan(mesh[:, 0, 0])
        if known.any():
            values[known] = self.runner.run({"points": features(mesh[known])})["scores"]
        if given is not None:
            values[:, ARKIT_52.index("tongueOut")] = given["tongueOut"]
        return Scores(values, ARKIT_52)


def features(mesh: FloatArray) -> FloatArray:
    """What the blendshape network sees of meshes (n, 478, 3): the points in the head frame, and upright in the picture.

    The head frame takes the turn of the head out; the upright picture keeps what the camera saw. Both in units of the
    distance between the outer eye corners, about the middle of the eyes.

    Returns:
        (n, 478 * 5) float32.
    """
    data = face_data()
    front, _, _ = points.head_frame(mesh, data["canonical"], data["rigidity"])
    angle = align.eye_angle(mesh[:, 33, :2], mesh[:, 263, :2])
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    flat = np.stack([mesh[..., 0] * cos + mesh[..., 1] * sin, mesh[..., 1] * cos - mesh[..., 0] * sin], -1)
    return np.concatenate([_normal(front).reshape(len(mesh), -1), _normal(flat).reshape(len(mesh), -1)], 1).astype(np.float32)


def _normal(shape: FloatArray) -> FloatArray:
    middle = shape[:, [33, 133, 362, 263]].mean(1, keepdims=True)
    size = np.linalg.norm(shape[:, 33] - shape[:, 263], axis=1)
    return np.asarray((shape - middle) / np.maximum(size, 1e-6)[:, None, None], np.float32)
