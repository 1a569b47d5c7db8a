"""DeepFace: the list of dicts that ``DeepFace.analyze(picture, actions=["emotion"])`` gives.

=================================  =================  ===========================================================
DeepFace                           mien               conversion
=================================  =================  ===========================================================
region x y w h                     box_x1 y1 x2 y2    corner and size in whole pixels to two corners
region left_eye right_eye          landmark_*_eye_*   whole pixels; both mean the person's own left and right
face_confidence                    confidence         as it is
emotion angry disgust fear happy   expression_*       percent to 0..1; contempt is taken out, see
sad surprise neutral                                  :func:`.foreign.seven`
dominant_emotion                   expression         the best of the seven
=================================  =================  ===========================================================

Not written: age, gender, race, which mien does not estimate, and everything of mien's that DeepFace lacks. Not read: the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..labels import FER_7
from .foreign import from_seven, seven
from .table import Table

# in the order of DeepFace, with mien's name
EMOTIONS = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprise": "surprise",
    "neutral": "neutral",
}


def to_deepface(table: Table) -> list[dict[str, Any]]:
    """The faces of one picture as DeepFace gives them; an empty list when there is none.

    A face whose expression could not be told has no ``emotion`` and no ``dominant_emotion``.

    Raises:
        InputError: the table holds more than one picture or frame.

    Example:
        >>> table = Table.from_columns({"face": [0], "expression_happiness": [0.75], "expression_neutral": [0.25], "box_x1": [10],
        ...     "expression_anger": [0], "expression_disgust": [0], "expression_fear": [0], "expression_sadness": [0],
        ...     "expression_surprise": [0], "box_y1": [20], "box_x2": [50], "box_y2": [80], "confidence": [0.9]})
        >>> face = to_deepface(table)[0]
        >>> face["dominant_emotion"], face["emotion"]["happy"], face["region"]
        ('happy', 75.0, {'x': 10, 'y': 20, 'w': 40, 'h': 60, 'left_eye': None, 'right_eye': None})
    """
    frames = to_deepface_batch(table)
    if len(frames) > 1:
        raise InputError(
            f"a table of {len(frames)} frames", "one picture", "use to_deepface_batch(), which gives a list for each"
        )
    return frames[0] if frames else []


def to_deepface_batch(table: Table) -> list[list[dict[str, Any]]]:
    """One list for each frame, in the order of the table, as DeepFace gives them for a list of pictures."""
    frames: dict[tuple[str, int], list[dict[str, Any]]] = {}
    scores = 100 * seven(table)
    keys = zip(table["source"].tolist(), table["frame"].tolist(), table["face"].tolist())
    for i, (source, frame, face) in enumerate(keys):
        faces = frames.setdefault((source, frame), [])
        if face >= 0:
            faces.append(_face(table, i, scores[i].tolist()))
    return list(frames.values())


def _face(table: Table, i: int, scores: list[float]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not any(math.isnan(s) for s in scores):
        found["emotion"] = {theirs: round(scores[FER_7.index(ours)], 4) for theirs, ours in EMOTIONS.items()}
        found["dominant_emotion"] = max(found["emotion"], key=found["emotion"].__getitem__)
    x1, y1, x2, y2 = (_whole(table[f"box_{n}"][i]) for n in ("x1", "y1", "x2", "y2"))
    found["region"] = {
        "x": x1,
        "y": y1,
        "w": None if x1 is None or x2 is None else x2 - x1,
        "h": None if y1 is None or y2 is None else y2 - y1,
        "left_eye": _point(table, i, "left_eye"),
        "right_eye": _point(table, i, "right_eye"),
    }
    confidence = float(table["confidence"][i])
    found["face_confidence"] = None if math.isnan(confidence) else round(confidence, 4)
    return found


def _whole(value: Any) -> int | None:
    return None if math.isnan(value) else round(float(value))


def _point(table: Table, i: int, name: str) -> tuple[int, int] | None:
    x, y = (_whole(table[f"landmark_{name}_{axis}"][i]) for axis in "xy")
    return None if x is None or y is None else (x, y)


def from_deepface(results: Sequence[Any], source: str = "") -> Table:
    """A table from what ``DeepFace.analyze`` gave, for one picture (dicts) or for several (lists of dicts).

    Args:
        results: dicts, or one list of dicts for each picture; the pictures become frames 0, 1, 2.
        source: name of the picture.

    Raises:
        InputError: an entry is not what DeepFace gives.

    Example:
        >>> from_deepface([{"region": {"x": 1, "y": 2, "w": 3, "h": 4}, "face_confidence": 0.9}])["box_x2"]
        array([4.], dtype=float32)
    """
    frames = [results] if all(isinstance(r, Mapping) for r in results) else results
    rows: list[dict[str, Any]] = []
    for index, faces in enumerate(frames):
        if isinstance(faces, str) or not isinstance(faces, Sequence) or not all(isinstance(f, Mapping) for f in faces):
            raise InputError(
                f"an entry of type {type(faces).__name__}", "dicts of DeepFace.analyze()", "pass its result as it is"
            )
        rows += [{"frame": index, "face": n, "status": "ok", **_values(face)} for n, face in enumerate(faces)]
        if not faces:
            rows.append({"frame": index, "face": -1, "status": "no_face"})
    names = {"frame", "face", "status", "box_x1"} | {n for row in rows for n in row if n != "scores"}
    data: dict[str, Any] = {n: [row.get(n, np.nan) for row in rows] for n in names}
    scores = [row.get("scores", [np.nan] * len(FER_7)) for row in rows]
    data |= from_seven(np.array(scores, np.float64).reshape(-1, len(FER_7)))
    data |= {"source": [source] * len(rows), "time": [0.0] * len(rows)}
    return Table.from_columns(data, {"read_from": "DeepFace"})


def _values(face: Mapping[str, Any]) -> dict[str, Any]:
    region = face.get("region") or face.get("facial_area") or {}
    found: dict[str, Any] = {}
    for corner, start, size in (("x", "x", "w"), ("y", "y", "h")):
        if region.get(start) is not None and region.get(size) is not None:
            found[f"box_{corner}1"] = region[start]
            found[f"box_{corner}2"] = region[start] + region[size]
    for eye in ("left_eye", "right_eye"):
        if region.get(eye) is not None:
            found[f"landmark_{eye}_x"], found[f"landmark_{eye}_y"] = region[eye]
    confidence = face.get("face_confidence", face.get("confidence"))
    if confidence is not None:
        found["confidence"] = confidence
    if face.get("emotion") is not None:
        theirs = {ours: name for name, ours in EMOTIONS.items()}
        found["scores"] = [float(face["emotion"].get(theirs[ours], np.nan)) / 100 for ours in FER_7]
    return found
