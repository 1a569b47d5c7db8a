"""FACS action units from blendshapes and the geometry of the mesh, by a documented map.

Each unit has an evidence in [0, 1]: a weighted sum of blendshapes, or a distance on the mesh. Evidence becomes intensity
0-5 by a rising straight line from ``floor`` (no more than a neutral face shows by chance) to ``full`` (as far as it goes),
and intensity becomes presence by a logistic curve through 0.5 at intensity 1.5. Both are monotone: more movement never
reads as less. A unit with two sides is the stronger of the two. Floors and tops are in ``UNIT_TABLE``.

Correspondence of shapes and units: Ekman, Friesen and Hager (2002), "Facial Action Coding System", and the descriptions
of the coefficients in Apple's ARKit documentation (ARFaceAnchor.BlendShapeLocation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..geometry import mesh as points
from ..labels import ACTION_UNITS, ARKIT_52, UNITS
from ..runtime.models import face_data
from ..types import Faces, Frame, Scores

FloatArray = NDArray[np.float32]
PRESENT, WIDTH = 1.5, 0.45  # intensity at presence 0.5, and the width of the curve around it
LONGEST_BLINK = 0.5  # seconds: FACS calls a longer closure AU43
FAR_SIDE = 0.87  # radians of yaw from which the far half of the face is not read


@dataclass(frozen=True)
class Rule:
    """How one unit is read.

    Args:
        shapes: blendshapes and weights; ``*`` stands for Left and Right.
        geometry: name of a measure of :func:`measures` that takes the place of, or adds to, the shapes.
        floor: evidence at intensity 0.
        full: evidence at intensity 5.
    """

    shapes: tuple[tuple[str, float], ...]
    floor: float
    full: float
    geometry: tuple[tuple[str, float], ...] = ()


# Floors lie near the 90th percentile of the evidence on faces that show nothing, tops near the 99th of all faces
# (tools/calibrate.py units); where renders show that a shape is hardly seen in the points, the slope is steep.
UNIT_TABLE: dict[str, Rule] = {
    "AU01": Rule((("browInnerUp", 1.0),), 0.25, 0.85, (("inner_brow_*", 1.0),)),
    "AU02": Rule((("browOuterUp*", 1.0),), 0.25, 0.8),
    "AU04": Rule((("browDown*", 1.0),), 0.25, 0.9, (("brow_low", 3.0),)),
    "AU05": Rule((("eyeWide*", 1.0),), 0.08, 0.45),
    "AU06": Rule((("cheekSquint*", 1.5), ("eyeSquint*", 0.8)), 0.33, 0.9),
    "AU07": Rule((("eyeSquint*", 1.0),), 0.35, 0.9),
    "AU09": Rule((("noseSneer*", 1.0),), 0.15, 0.6),
    "AU10": Rule((("mouthUpperUp*", 1.0),), 0.2, 0.85),
    "AU12": Rule((("mouthSmile*", 1.0),), 0.2, 0.95),
    "AU14": Rule((("mouthDimple*", 1.0),), 0.06, 0.3),
    "AU15": Rule((("mouthFrown*", 1.0),), 0.12, 0.45, (("corners_low", 4.0),)),
    "AU17": Rule((("mouthShrugLower", 1.0),), 0.3, 0.9),
    "AU18": Rule((("mouthPucker", 1.0),), 0.22, 0.9),
    "AU20": Rule((("mouthStretch*", 1.0),), 0.1, 0.45),
    "AU22": Rule((("mouthFunnel", 1.0),), 0.04, 0.4),
    "AU23": Rule(
        (("mouthPressLeft", 0.25), ("mouthPressRight", 0.25), ("mouthRollUpper", 0.25), ("mouthRollLower", 0.25)), 0.1, 0.4
    ),
    "AU24": Rule((("mouthPress*", 1.0),), 0.15, 0.5),
    "AU25": Rule((), 0.055, 0.3, (("lips_apart", 1.0),)),
    "AU26": Rule((("jawOpen", 1.0),), 0.08, 0.5),
    "AU27": Rule((("jawOpen", 1.0),), 0.4, 0.9),
    "AU28": Rule((("mouthRollUpper", 0.4), ("mouthRollLower", 0.4), ("mouthPressLeft", 0.1), ("mouthPressRight", 0.1)), 0.1, 0.4),
    "AU43": Rule((("eyeBlink*", 1.0),), 0.35, 0.75),
    "AU45": Rule((("eyeBlink*", 1.0),), 0.35, 0.75),
}
# Middle of the measures on calm faces, in distances of the outer eye corners: height of the inner brows above the corners of
# the eyes, and of the corners of the mouth below the middle of the lips.
BROW_HEIGHT, CORNER_DROP = 0.221, 0.008


class Units:
    """Stage for action units.

    Args:
        video: tell a blink (AU45, shorter than LONGEST_BLINK) from closed eyes (AU43) by how long they have been closed. A
            single picture cannot tell: there both read the closure.
    """

    needs = frozenset({"mesh", "pose", "blendshapes"})
    adds = frozenset({"units", "intensity"})

    def __init__(self, video: bool = False) -> None:
        self.video = video
        self.closed_since: dict[tuple[int, str], float] = {}

    def __call__(self, frames: Sequence[Frame]) -> list[Frame]:
        out = []
        for frame in frames:
            if frame.faces.mesh is None or not len(frame.faces):
                out.append(frame)
                continue
            intensity = read(frame.faces)
            if self.video:
                self._tell_blinks(frame, intensity)
            out.append(replace(frame, faces=frame.faces.with_(units=presence(intensity), intensity=intensity)))
        return out

    def _tell_blinks(self, frame: Frame, intensity: FloatArray) -> None:
        tracks = frame.faces.track if frame.faces.track is not None else np.full(len(intensity), -1)
        for suffix in ("", "L", "R"):
            closed, blink = UNITS.index("AU43" + suffix), UNITS.index("AU45" + suffix)
            for row, track in zip(intensity, tracks):
                key = (int(track), suffix)
                if track < 0 or not row[blink] > PRESENT:
                    self.closed_since.pop(key, None)
                    row[closed] = 0.0 if row[closed] == row[closed] else np.nan
                    continue
                since = self.closed_since.setdefault(key, frame.time)
                row[closed if frame.time - since < LONGEST_BLINK else blink] = 0.0


def read(faces: Faces) -> FloatArray:
    """Intensity (n, 53) in [0, 5] of every unit of label set facs-23; NaN where it could not be told."""
    assert faces.mesh is not None
    assert faces.blendshapes is not None
    assert faces.pose is not None
    shapes = faces.blendshapes.values
    extra = measures(faces.mesh)
    out = np.empty((len(faces), len(UNITS)), np.float32)
    for unit, (_, sides) in ACTION_UNITS.items():
        rule, at = UNIT_TABLE[unit], UNITS.index(unit)
        if not sides:
            out[:, at] = _intensity(rule, shapes, extra, "")
            continue
        left, right = (_intensity(rule, shapes, extra, side) for side in ("Left", "Right"))
        left[faces.pose[:, 1] > FAR_SIDE] = np.nan  # turned to the right of the picture, the left half is hidden
        right[faces.pose[:, 1] < -FAR_SIDE] = np.nan
        out[:, at], out[:, at + 1], out[:, at + 2] = np.fmax(left, right), left, right
    return out


def _intensity(rule: Rule, shapes: FloatArray, extra: dict[str, FloatArray], side: str) -> FloatArray:
    evidence = np.zeros(len(shapes), np.float32)
    for name, weight in rule.shapes:
        evidence = evidence + weight * shapes[:, ARKIT_52.index(name.replace("*", side))]
    for name, weight in rule.geometry:
        evidence = evidence + weight * extra[name.replace("*", side)]
    return np.asarray(np.clip((evidence - rule.floor) / (rule.full - rule.floor), 0, 1) * 5, np.float32)


def presence(intensity: FloatArray) -> Scores:
    """Presence in [0, 1]: a logistic curve of the intensity, 0.5 at intensity 1.5 (between trace and slight)."""
    return Scores(1 / (1 + np.exp(-(intensity - PRESENT) / WIDTH)), UNITS)


def measures(mesh: FloatArray) -> dict[str, FloatArray]:
    """Distances on meshes (n, 478, 3), in the head frame and in units of the distance of the outer eye corners.

    ``lips_apart``: gap between the inner lips. ``brow_low``, ``corners_low``: how much lower the inner brows and the corners
    of the mouth stand than on calm faces in the middle; never below 0.
    ``inner_brow_Left``, ``inner_brow_Right``: how much higher the inner end of that brow stands than the other's, shared half
    and half; they tell the sides of AU01 apart, which one shape covers.
    """
    known = ~np.isnan(mesh[:, 0, 0])
    names = ("lips_apart", "brow_low", "corners_low", "brow")
    out = {name: np.full(len(mesh), np.nan, np.float32) for name in names}
    if known.any():
        data = face_data()
        front, _, _ = points.head_frame(mesh[known], data["canonical"], data["rigidity"])
        for name, value in zip(names, _measured(front)):
            out[name][known] = value
    spread = 6.0 * out.pop("brow")  # a brow raised alone by 0.08 eye distances moves half of the evidence to its side
    return out | {"inner_brow_Left": spread, "inner_brow_Right": -spread}


def _measured(front: FloatArray) -> tuple[FloatArray, ...]:
    size = np.linalg.norm(front[:, 33] - front[:, 263], axis=1)

    def height(*at: int) -> FloatArray:  # y grows downwards: a raised brow has the smaller y
        return np.asarray(front[:, at, 1].mean(1) / size)

    gap = np.linalg.norm(front[:, 13] - front[:, 14], axis=1) / size
    brow = height(33, 133, 263, 362) - height(55, 107, 285, 336)
    drop = height(61, 291) - height(13, 14)
    sides = (height(55, 107) - height(133)) - (height(285, 336) - height(362))
    return gap, np.maximum(BROW_HEIGHT - brow, 0), np.maximum(drop - CORNER_DROP, 0), sides
