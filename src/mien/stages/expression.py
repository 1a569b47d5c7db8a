"""Visible expression of each face, and valence and arousal derived from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import align
from ..labels import CIRCUMPLEX, FERPLUS_8
from ..runtime.onnx import Runner, to_tensor
from ..types import Frame, Scores
from .mesh import OUTER_LEFT, OUTER_RIGHT

FloatArray = NDArray[np.float32]
SIZE = 64  # side of the network's crop, pixels
CROP_SCALE = 1.05  # side of the crop over the longer side of the upright mesh


class Expression:
    """Expression stage: FER+ classes from an upright grey crop.

    Args:
        runner: the expression network.
        temperature: divides the logits, so that the probabilities are calibrated; fitted off the test part.
        mirrored: average the logits of the crop and of its mirror image: twice the time, a little better.
    """

    needs = frozenset({"mesh"})
    adds = frozenset({"expression", "affect"})

    def __init__(self, runner: Runner, temperature: float = 1.0, mirrored: bool = False) -> None:
        self.runner, self.temperature, self.mirrored = runner, temperature, mirrored

    def __call__(self, frames: Sequence[Frame]) -> list[Frame]:
        out = []
        for frame in frames:
            if frame.image is None or frame.faces.mesh is None or not len(frame.faces):
                out.append(frame)
                continue
            scores = self.classify(frame.image, frame.faces.mesh)
            out.append(replace(frame, faces=frame.faces.with_(expression=scores, affect=affect(scores))))
        return out

    def logits(self, image: NDArray[np.uint8], mesh: FloatArray) -> dict[str, FloatArray]:
        """What the network says of n faces before calibration: ``ferplus`` (n, 8) and ``fer`` (n, 7)."""
        return self._run(crop(image, mesh))

    def logits_of_whole(self, image: NDArray[np.uint8]) -> dict[str, FloatArray]:
        """The same for a picture that is one face cut close, where no mesh could be fitted."""
        grey = np.asarray(cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (SIZE, SIZE)), np.uint8)
        return self._run(grey[None])

    def classify(self, image: NDArray[np.uint8], mesh: FloatArray) -> Scores:
        """Scores of n faces with meshes (n, 478, 3) in pixels of the image."""
        logits = self.logits(image, mesh)["ferplus"] / self.temperature
        power = np.exp(logits - logits.max(1, keepdims=True))
        return Scores((power / power.sum(1, keepdims=True)).astype(np.float32), FERPLUS_8)

    def _run(self, crops: NDArray[np.uint8]) -> dict[str, FloatArray]:
        out = self.runner.run({"image": to_tensor(crops)})
        if not self.mirrored:
            return out
        other = self.runner.run({"image": to_tensor(np.ascontiguousarray(crops[:, :, ::-1]))})
        return {name: np.asarray((value + other[name]) / 2, np.float32) for name, value in out.items()}


def crop(image: NDArray[np.uint8], mesh: FloatArray) -> NDArray[np.uint8]:
    """Upright grey crops of n faces. -> (n, 64, 64) uint8"""
    transforms = crop_transforms(mesh)
    out = np.empty((len(mesh), SIZE, SIZE), np.uint8)
    for i, transform in enumerate(transforms):
        out[i] = cv2.cvtColor(align.warp(image, transform, SIZE), cv2.COLOR_RGB2GRAY)
    return out


def crop_transforms(mesh: FloatArray) -> FloatArray:
    """Transforms to the expression crop from meshes (n, 478, 3) in pixels. -> (n, 2, 3)"""
    angle = align.eye_angle(mesh[:, OUTER_RIGHT, :2], mesh[:, OUTER_LEFT, :2])
    return align.upright_crop(mesh, angle, CROP_SCALE, SIZE)


_COORDINATES = np.array([CIRCUMPLEX.get(name, (np.nan, np.nan)) for name in FERPLUS_8], np.float32)
_KNOWN = ~np.isnan(_COORDINATES[:, 0])


def affect(scores: Scores) -> FloatArray:
    """Valence and arousal derived from expression scores: the mean of the classes' circumplex coordinates.

    The coordinates are those of :data:`mien.labels.CIRCUMPLEX`; contempt has none, so its share is left out and the
    others are scaled to sum to 1. Derived, not measured: it can say no more than the expression does.

    Returns:
        (n, 2) valence and arousal in [-1, 1].
    """
    share = scores.values[:, _KNOWN]
    share = share / np.maximum(share.sum(1, keepdims=True), 1e-6)
    return np.asarray(share @ _COORDINATES[_KNOWN], np.float32)
