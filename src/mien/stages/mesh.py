"""Fit the 478-point mesh to each face, from its box or from the mesh of the frame before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..geometry import align
from ..runtime.onnx import Runner, to_tensor
from ..types import Faces, Frame

FloatArray = NDArray[np.float32]
SIZE = 128  # side of the network's crop, pixels
CROP_SCALE = 1.25  # side of the crop over the longer side of the upright mesh
OUTER_RIGHT, OUTER_LEFT = 33, 263  # outer eye corners
# Where the mesh lies relative to the detector's box, in an upright frame: shift of its centre and length of its longer
# side, both in longer sides of the box. Medians over the labelled faces of FairFace and LFW.
BOX_TO_MESH = (0.0, 0.05, 0.934)
SURE = 0.99  # presence of a face that is seen well and upright
MUCH = 3.0  # by how much the log-odds of presence must rise for a face to be taken as turned
SETTLED = 0.06  # a better crop whose corners moved less than that, in sides of the crop, is not worth another fit


@dataclass(frozen=True, eq=False)
class Fit:
    """Meshes of n faces: ``mesh`` (n, 478, 3) pixels, ``presence`` and ``tongue`` (n,) probabilities."""

    mesh: FloatArray
    presence: FloatArray
    tongue: FloatArray

    def replaced(self, at: NDArray[np.intp], other: Fit) -> Fit:
        """The same with the faces ``at`` taken from another fit, in its order."""
        out = Fit(self.mesh.copy(), self.presence.copy(), self.tongue.copy())
        out.mesh[at], out.presence[at], out.tongue[at] = other.mesh, other.presence, other.tongue
        return out

    def taken(self, at: NDArray[np.intp]) -> Fit:
        """Some of its faces."""
        return Fit(self.mesh[at], self.presence[at], self.tongue[at])


class Mesh:
    """Mesh stage.

    Args:
        runner: the mesh network.
        passes: 2 fits a second time from the first mesh, which lies better than the box, where the crop moves by more than
            SETTLED; 1 is quicker.
        turned: fit a face of which the network is not SURE in quarter turns too, and keep the best: the detector finds faces
            that lie or stand on their head, but its five points do not always tell which way up they are.
    """

    needs = frozenset({"boxes", "landmarks"})
    adds = frozenset({"mesh", "presence"})

    def __init__(self, runner: Runner, passes: int = 2, turned: bool = False) -> None:
        self.runner, self.passes, self.turned = runner, passes, turned

    def __call__(self, frames: Sequence[Frame]) -> list[Frame]:
        out = []
        for frame in frames:
            if frame.image is None or not len(frame.faces):
                out.append(frame)
                continue
            fit = self.fit(frame.image, frame.faces)
            out.append(replace(frame, faces=frame.faces.with_(mesh=fit.mesh, presence=fit.presence)))
        return out

    def fit(self, image: NDArray[np.uint8], faces: Faces) -> Fit:
        """Fit from boxes and five points."""
        assert faces.landmarks is not None
        fit = self._settle(image, crop_of_boxes(faces.boxes, faces.landmarks))
        unsure = np.flatnonzero(fit.presence < SURE)
        if not self.turned or not len(unsure):
            return fit
        for quarter in (1, 2, 3):
            crops = crop_of_boxes(faces.boxes[unsure], faces.landmarks[unsure], quarter * np.pi / 2)
            other = self._settle(image, crops)
            # a poor picture is not sure either way up: only a turn that is much surer counts
            better = np.flatnonzero((other.presence >= SURE) & (_odds(other.presence) > _odds(fit.presence[unsure]) + MUCH))
            fit = fit.replaced(unsure[better], other.taken(better))
        return fit

    def _settle(self, image: NDArray[np.uint8], crops: FloatArray) -> Fit:
        """Fit in crops, and again in better ones where the first fits say that they lie elsewhere."""
        fit = self.fit_crops(image, crops)
        for _ in range(self.passes - 1):
            better = crop_of_mesh(fit.mesh)
            again = np.flatnonzero(moved(crops, better) > SETTLED)
            if not len(again):
                break
            crops[again] = better[again]
            fit = fit.replaced(again, self.fit_crops(image, better[again]))
        return fit

    def fit_crops(self, image: NDArray[np.uint8], transforms: FloatArray) -> Fit:
        """Fit inside given crops: (n, 2, 3) transforms from the frame to crops of SIZE pixels."""
        out = self.runner.run({"image": to_tensor(align.warp_all(image, transforms, SIZE))})
        mesh = align.apply(align.invert(transforms), out["points"] * SIZE)
        return Fit(mesh, _sigmoid(out["presence"]), _sigmoid(out["tongue"]))


def moved(one: FloatArray, other: FloatArray) -> FloatArray:
    """How far the corners of crops lie apart, in sides of the crop, the farthest of four. (n, 2, 3) twice -> (n,)"""
    corners = np.array([[0, 0], [SIZE, 0], [0, SIZE], [SIZE, SIZE]], np.float32)
    in_picture = align.apply(align.invert(one), np.broadcast_to(corners, (len(one), 4, 2)))
    gap = align.apply(other, in_picture) - corners
    return np.asarray(np.linalg.norm(gap, axis=-1).max(1) / SIZE, np.float32)


def crop_of_boxes(boxes: FloatArray, landmarks: FloatArray, turn: float = 0.0) -> FloatArray:
    """Transforms to the network's crop from boxes (n, 4) and five points (n, 5, 2), turned further. -> (n, 2, 3)"""
    angle = np.asarray(align.eye_angle(landmarks[:, 0], landmarks[:, 1]) + turn, np.float32)
    side = (boxes[:, 2:] - boxes[:, :2]).max(1)
    dx, dy, ratio = BOX_TO_MESH
    right = np.stack([np.cos(angle), np.sin(angle)], 1)
    down = np.stack([-np.sin(angle), np.cos(angle)], 1)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 + side[:, None] * (dx * right + dy * down)
    return align.square_crop(centre, CROP_SCALE * ratio * side, angle, SIZE)


def crop_of_mesh(mesh: FloatArray) -> FloatArray:
    """Transforms to the network's crop from meshes (n, 478, 3) in pixels. -> (n, 2, 3)"""
    angle = align.eye_angle(mesh[:, OUTER_RIGHT, :2], mesh[:, OUTER_LEFT, :2])
    return align.upright_crop(mesh, angle, CROP_SCALE, SIZE)


def _odds(probability: FloatArray) -> FloatArray:
    share = np.clip(probability.astype(np.float64), 1e-7, 1 - 1e-7)
    return np.log(share / (1 - share))


def _sigmoid(value: FloatArray) -> FloatArray:
    return (1 / (1 + np.exp(-value))).astype(np.float32)
