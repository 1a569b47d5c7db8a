"""The tidy schema: one row for each face in each frame, every column with type, unit and meaning."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from ..labels import ACTION_UNITS, ARKIT_52, FERPLUS_8, UNITS

SCHEMA_VERSION = 1
"""Raised when a column changes its meaning, its unit or its name. A new column alone does not raise it."""

LANDMARKS = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")
"""The five landmarks in the order of ``Faces.landmarks``; left and right are those of the person."""

MESH_POINTS = 478

_DECIMALS = {"s": 6, "px": 2, "rad": 5}


@dataclass(frozen=True)
class Column:
    """One column of the schema.

    Args:
        name: the name in every file format.
        type: "string", "int" or "float".
        unit: "px", "rad", "s", a range such as "0..1", or empty.
        meaning: one line for people.
        group: what the column belongs to ("pose", "units"); "extra" marks a column that is not mien's own.
    """

    name: str
    type: Literal["string", "int", "float"]
    unit: str
    meaning: str
    group: str

    @property
    def decimals(self) -> int | None:
        """Digits after the point in CSV and JSON; None writes every digit that the value has.

        Example:
            >>> [c.decimals for c in columns() if c.name in ("time", "box_x1", "pose_yaw", "AU12")]
            [6, 2, 5, 4]
        """
        if self.type != "float" or self.group == "extra":
            return None
        return 6 if self.group == "embedding" else _DECIMALS.get(self.unit, 4)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy type in a table: object, int64, float32, and float64 for time and for columns that are not mien's own."""
        if self.type == "string":
            return np.dtype(object)
        if self.type == "int":
            return np.dtype(np.int64)
        return np.dtype(np.float64 if self.name == "time" or self.group == "extra" else np.float32)


def _frame() -> list[Column]:
    return [
        Column("source", "string", "", "name of the picture or video, as it was given", "frame"),
        Column("frame", "int", "", "number of the frame in its source, from 0", "frame"),
        Column("time", "float", "s", "time from the start of the source; 0 for a picture", "frame"),
        Column("face", "int", "", "number of the face within the frame, from 0; empty in a row without a face", "frame"),
        Column("track", "int", "", "number of the person's track within the source; empty when there is none", "frame"),
        Column("status", "string", "", "how far the row can be trusted: one of FACE_STATUS or FRAME_STATUS", "frame"),
        Column("reason", "string", "", "why the status is not ok, in words; empty when there is nothing to say", "frame"),
    ]


def _geometry() -> list[Column]:
    found = [Column("confidence", "float", "0..1", "score of the face detector", "box")]
    for name, meaning in (("x1", "left"), ("y1", "upper"), ("x2", "right"), ("y2", "lower")):
        found.append(Column(f"box_{name}", "float", "px", f"{meaning} edge of the face box in the whole frame", "box"))
    found += [
        Column("quality", "float", "0..1", "how well the face can be read: size, sharpness, light, angle", "quality"),
        Column("presence", "float", "0..1", "probability that a face is where the mesh was fitted", "quality"),
        Column("pose_pitch", "float", "rad", "head pose: positive looks up", "pose"),
        Column("pose_yaw", "float", "rad", "head pose: positive turns towards the right side of the picture", "pose"),
        Column("pose_roll", "float", "rad", "head pose: positive turns clockwise in the picture", "pose"),
        Column("gaze_pitch", "float", "rad", "line of sight in the camera frame: positive looks up", "gaze"),
        Column("gaze_yaw", "float", "rad", "line of sight in the camera frame: positive looks to the picture's right", "gaze"),
    ]
    for point in LANDMARKS:
        words = f"{point.replace('_', ' ')} of the person"
        found += [Column(f"landmark_{point}_{axis}", "float", "px", f"{words}, {axis}", "landmarks") for axis in "xy"]
    return found


def _unit_words(label: str) -> str:
    unit = label[:4]
    side = {"L": ", left side of the person", "R": ", right side of the person"}.get(label[4:], "")
    return f"{unit} {ACTION_UNITS[unit][0]}{side}"


def _readings() -> list[Column]:
    found = [Column(n, "float", "0..1", f"{_unit_words(n)}: probability of presence", "units") for n in UNITS]
    for n in UNITS:
        words = f"{_unit_words(n)}: intensity, 0 absent, 1-5 are the letters A-E"
        found.append(Column(f"{n}_intensity", "float", "0..5", words, "intensity"))
    found.append(Column("expression", "string", "", "best visible expression; empty where it could not be told", "expression"))
    for n in FERPLUS_8:
        words = f"score of the visible expression {n}; the 8 sum to 1"
        found.append(Column(f"expression_{n}", "float", "0..1", words, "expression"))
    found += [
        Column("valence", "float", "-1..1", "unpleasant to pleasant", "affect"),
        Column("arousal", "float", "-1..1", "calm to excited", "affect"),
    ]
    words = "ARKit blendshape; left and right of the person"
    return found + [Column(n, "float", "0..1", words, "blendshapes") for n in ARKIT_52]


def _mesh() -> list[Column]:
    axes = (("x", "x"), ("y", "y"), ("z", "z, smaller is nearer"))
    return [
        Column(f"mesh_{i}_{axis}", "float", "px", f"mesh point {i}, {words}", "mesh")
        for i in range(MESH_POINTS)
        for axis, words in axes
    ]


@lru_cache(maxsize=16)
def columns(mesh: bool = False, embedding: int = 0) -> tuple[Column, ...]:
    """All columns in the order in which they are written.

    Args:
        mesh: add the 478 mesh points, three columns each.
        embedding: length of the identity embedding; 0 leaves it out.

    Example:
        >>> [c.name for c in columns()[:8]]
        ['source', 'frame', 'time', 'face', 'track', 'status', 'reason', 'confidence']
        >>> len(columns()), len(columns(mesh=True)), columns(embedding=2)[-1].name
        (198, 1632, 'embedding_1')
    """
    found = _frame() + _geometry() + _readings() + (_mesh() if mesh else [])
    found += [Column(f"embedding_{i}", "float", "", f"identity embedding, value {i}", "embedding") for i in range(embedding)]
    return tuple(found)


def describe(mesh: bool = False, embedding: int = 0) -> list[dict[str, str]]:
    """The schema as rows for a page or a file.

    Example:
        >>> describe()[2]["unit"], describe()[2]["meaning"]
        ('s', 'time from the start of the source; 0 for a picture')
    """
    return [
        {"name": c.name, "type": c.type, "unit": c.unit, "group": c.group, "meaning": c.meaning} for c in columns(mesh, embedding)
    ]


def markdown() -> str:
    """The schema as a Markdown table; the mesh and the embedding, which are optional, take one line each.

    Example:
        >>> print(markdown().splitlines()[2])
        | `source` | string |  | name of the picture or video, as it was given |
    """
    lines = ["| column | type | unit | meaning |", "| --- | --- | --- | --- |"]
    lines += [f"| `{r['name']}` | {r['type']} | {r['unit']} | {r['meaning']} |" for r in describe()]
    last = MESH_POINTS - 1
    lines.append(f"| `mesh_0_x` `mesh_0_y` `mesh_0_z` ... `mesh_{last}_z` | float | px | mesh points, only on request |")
    lines.append("| `embedding_0` ... | float |  | identity embedding, only on request |")
    return "\n".join(lines) + "\n"
