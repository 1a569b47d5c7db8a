"""py-feat: the columns of a Fex, of version 1 (``anger .. neutral``) and of version 2 (``Neutral .. Anger``).

===============================  ================================  ======================================================
py-feat                          mien                              conversion
===============================  ================================  ======================================================
FaceRectX Y Width Height         box_x1 y1 x2 y2                   corner and size to two corners, pixels
FaceScore                        confidence                        as it is
Pitch                            pose_pitch                        as it is: both radians, positive looks up
Yaw                              pose_yaw                          sign turned: py-feat is positive to the person's right
Roll                             pose_roll                         sign turned: py-feat is positive to the person's right
gaze_pitch gaze_yaw              gaze_pitch gaze_yaw               as they are, see below
AUxx                             AUxx                              both a probability of presence; AU11 does not exist here
the seven expressions            expression_*                      contempt is taken out, see :func:`.foreign.seven`
valence arousal                  valence arousal                   both -1..1 (version 2)
mesh_x_i mesh_y_i mesh_z_i       mesh_i_x mesh_i_y mesh_i_z        pixels (version 2)
x_0..x_67 y_0..y_67              mesh (written), landmarks (read)  by the nearest mesh vertex, see ``ibug.MESH_68``
the ARKit names                  the ARKit names                   as they are; py-feat has no tongueOut (version 2)
Identity "Person_3"              track                             3
input frame approx_time          source frame time                 approx_time is "mm:ss": whole seconds
===============================  ================================  ======================================================

How the signs are known: py-feat 2 states its pose as radians with pitch up, yaw to the subject's right and roll to the subject's
right positive, and the landmarks in its published version 2 files agree for yaw and roll. Files of version 2 from before June
2026 have the pitch the other way round, and nothing in the file tells. Older files, in degrees, used other axes that were never
stated: their pose is left empty. Not confirmed: the gaze. py-feat draws it with yaw positive to the right
of the picture, which is mien's sign, while its model card says "right"; and it calls the angles head-centric, while its networks
are trained on angles in the camera frame. Nor is the order in which py-feat turns: the angles are carried one by one.

Not written: X Y Z, Identity_1..512 (embeddings of another network), FrameHeight FrameWidth, ``_neutral``, AU11.
Not read: the same.
"""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..labels import ARKIT_52, FER_7
from .foreign import Parts, from_seven, number_faces, seven
from .ibug import five, from_mesh, has_mesh, mesh_columns
from .schema import MESH_POINTS
from .table import Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

log = logging.getLogger(__name__)

UNITS_20 = tuple(f"AU{n:02d}" for n in (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43))
# version -> the names in the order of that version, with mien's name
EXPRESSIONS = {
    1: {name: name for name in FER_7},
    2: {
        "Neutral": "neutral",
        "Happy": "happiness",
        "Sad": "sadness",
        "Surprise": "surprise",
        "Fear": "fear",
        "Disgust": "disgust",
        "Anger": "anger",
    },
}
_BLENDSHAPES = tuple(n for n in ARKIT_52 if n != "tongueOut")
_TEXT = ("input", "approx_time", "Identity")

_READ = {"FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore", "Pitch", "Roll", "Yaw", "frame", *_TEXT}
_READ |= {"gaze_pitch", "gaze_yaw", "valence", "arousal", *UNITS_20, *_BLENDSHAPES, *EXPRESSIONS[1], *EXPRESSIONS[2]}


def to_fex(table: Table, path: str | os.PathLike[str] | None = None, version: int = 2) -> pa.Table:
    """The table in the columns of py-feat, in the order of py-feat; what could not be told is an empty cell.

    Args:
        table: the rows.
        path: also write them there as CSV.
        version: 2, or 1 for the lower-case names and without valence, gaze, mesh and blendshapes.

    Returns:
        An arrow table; ``feat.Fex(to_fex(table).to_pandas())`` makes a Fex of it.

    Raises:
        InputError: no such version, or the file cannot be made.
    """
    from .arrow import tool_table
    from .sinks import write_csv

    if version not in EXPRESSIONS:
        raise InputError(f"version {version}", "1 or 2", "use 2 for py-feat 2")
    nothing = np.full(len(table), np.nan)
    width, height = table["box_x2"] - table["box_x1"], table["box_y2"] - table["box_y1"]
    parts: Parts = [("FaceRectX", table["box_x1"], 2), ("FaceRectY", table["box_y1"], 2)]
    parts += [("FaceRectWidth", width, 2), ("FaceRectHeight", height, 2), ("FaceScore", table["confidence"], 4)]
    parts += from_mesh(table)
    parts += [("Pitch", table["pose_pitch"], 5), ("Roll", -table["pose_roll"], 5), ("Yaw", -table["pose_yaw"], 5)]
    parts += [(unit, nothing if unit == "AU11" else table[unit], 4) for unit in UNITS_20]
    scores = seven(table)
    parts += [(theirs, scores[:, FER_7.index(ours)], 4) for theirs, ours in EXPRESSIONS[version].items()]
    if version == 2:
        parts += _second(table)
    parts.append(("input", table["source"], None))
    parts.append(("frame", table["frame"], None))
    parts.append(("approx_time", np.array([_clock(t) for t in table["time"].tolist()], object), None))
    parts.append(("Identity", np.array([None if t < 0 else f"Person_{t}" for t in table["track"].tolist()], object), None))
    found = tool_table(parts)
    if path is not None:
        write_csv(found, path)
    return found


def read_fex(path: str | os.PathLike[str], degrees: bool | None = None) -> Table:
    """Read a CSV of py-feat, version 1 or 2.

    A row without a box, or with score 0, becomes a row without a face. ``time`` is as coarse as py-feat writes it: whole
    seconds; divide ``frame`` by the frame rate for better.

    Args:
        path: the file.
        degrees: the unit of Pitch, Roll and Yaw. None takes radians; angles that are too large for it are left empty with a
            warning in the log. True converts degrees, with the signs of version 2, which old files may not have.

    Raises:
        InputError: the file is missing, empty, or not one of py-feat.
    """
    from .read import header_of, read_foreign

    try:
        names = [n.strip() for n in header_of(path)]
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file", "a CSV file", "check the path") from error
    return _from_columns(read_foreign(path, _TEXT, [n for n in names if _is_read(n)]), os.fspath(path), degrees)


def from_fex(fex: pd.DataFrame, degrees: bool | None = None) -> Table:
    """The same as :func:`read_fex` for a Fex, or another DataFrame with its columns, in memory."""
    data: dict[str, NDArray[Any]] = {}
    for name in fex.columns:
        if str(name) in _TEXT:
            data[str(name)] = np.array([v if isinstance(v, str) else None for v in fex[name]], object)
        elif _is_read(str(name)):
            data[str(name)] = fex[name].to_numpy(np.float64)
    return _from_columns(data, "the Fex", degrees)


def _is_read(name: str) -> bool:
    return name in _READ or re.fullmatch(r"(mesh_)?[xyz]_\d+", name) is not None


def _second(table: Table) -> Parts:
    pitch, yaw = table["gaze_pitch"].astype(np.float64), table["gaze_yaw"].astype(np.float64)
    parts: Parts = [("valence", table["valence"], 4), ("arousal", table["arousal"], 4)]
    parts += [("gaze_pitch", pitch, 5), ("gaze_yaw", yaw, 5)]
    parts.append(("gaze_angle", np.arccos(np.clip(np.cos(pitch) * np.cos(yaw), -1, 1)), 5))
    if has_mesh(table):
        parts += [(f"mesh_{axis}_{i}", table[f"mesh_{i}_{axis}"], 2) for axis in "xyz" for i in range(MESH_POINTS)]
    return parts + [(name, table[name], 4) for name in _BLENDSHAPES]


def _clock(seconds: float) -> str | None:
    if seconds != seconds:
        return None
    whole = int(seconds)
    return f"{whole // 60:02d}:{whole % 60:02d}"


def _seconds(text: Any) -> float:
    try:
        parts = [float(p) for p in str(text).split(":")]
    except ValueError:
        return float("nan")
    return sum(p * 60.0**i for i, p in enumerate(reversed(parts)))


def _from_columns(data: dict[str, NDArray[Any]], what: str, degrees: bool | None) -> Table:
    if "FaceRectX" not in data:
        raise InputError(f"{what}: no column FaceRectX", "the columns of py-feat", "check which tool wrote it")
    count = len(data["FaceRectX"])
    seen = ~np.isnan(data["FaceRectX"]) & ~(data.get("FaceScore", np.ones(count)) == 0)
    found = _box(data) | _pose(data, what, degrees) | (mesh_columns(data, "mesh_{axis}_{i}") or mesh_columns(data, "{axis}_{i}"))
    # 478 points named x_0 .. are the mesh, whose first 68 are not the iBUG ones
    found |= five(data) if f"x_{MESH_POINTS - 1}" not in data else {}
    found |= {n: data[n] for n in ("gaze_pitch", "gaze_yaw", "valence", "arousal", *_BLENDSHAPES) if n in data}
    found |= {unit: data[unit] for unit in UNITS_20 if unit in data and unit != "AU11"}
    found |= _expressions(data)
    for name, values in found.items():
        empty: Any = None if name == "expression" else np.nan
        found[name] = np.where(seen, values, empty)
    found["frame"] = data.get("frame", np.zeros(count))
    found["source"] = np.array([v or "" for v in data["input"]] if "input" in data else [""] * count, object)
    found["time"] = np.array([_seconds(t) for t in data["approx_time"]] if "approx_time" in data else [np.nan] * count)
    found["status"] = np.where(seen, "ok", "no_face").astype(object)
    found["face"] = number_faces([found["source"], found["frame"]], seen)
    if "Identity" in data:
        found["track"] = np.array([_person(v) if s else -1 for v, s in zip(data["Identity"], seen)], np.int64)
    return Table.from_columns(found, {"read_from": "py-feat"})


def _person(text: Any) -> int:
    number = str(text).removeprefix("Person_")
    return int(number) if number.isdecimal() else -1


def _box(data: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    found = {"box_x1": data["FaceRectX"]}
    if all(n in data for n in ("FaceRectY", "FaceRectWidth", "FaceRectHeight")):
        found["box_y1"] = data["FaceRectY"]
        found["box_x2"] = data["FaceRectX"] + data["FaceRectWidth"]
        found["box_y2"] = data["FaceRectY"] + data["FaceRectHeight"]
    if "FaceScore" in data:
        found["confidence"] = data["FaceScore"]
    return found


def _pose(data: dict[str, NDArray[Any]], what: str, degrees: bool | None) -> dict[str, NDArray[Any]]:
    if not all(n in data for n in ("Pitch", "Roll", "Yaw")):
        return {}
    angles = np.stack([data["Pitch"], -data["Yaw"], -data["Roll"]])
    if degrees:
        angles = np.radians(angles)
    elif degrees is None and np.any(np.abs(angles) > np.pi):
        log.warning("%s: Pitch, Roll and Yaw are in degrees, with axes that py-feat has not stated; they were left out", what)
        return {}
    return dict(zip(("pose_pitch", "pose_yaw", "pose_roll"), angles))


def _expressions(data: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    for names in EXPRESSIONS.values():
        theirs = {ours: name for name, ours in names.items()}
        if all(name in data for name in names):
            return from_seven(np.stack([data[theirs[ours]] for ours in FER_7], axis=1))
    return {}
