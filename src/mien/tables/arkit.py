"""ARKit blendshapes for animation: the CSV of the app Live Link Face, and JSON.

The CSV has 63 columns: ``Timecode``, ``BlendshapeCount`` (61), the 52 blendshapes with a capital first letter, and nine angles.

==========================  =======================  =================================================================
Live Link Face              mien                     conversion
==========================  =======================  =================================================================
Timecode HH:MM:SS:FF.fff    time                     frames and thousandths of a frame, at the frame rate of the take
EyeBlinkLeft .. TongueOut   eyeBlinkLeft ..          as they are, 0..1; left and right of the person in both
HeadYaw                     pose_yaw                 as it is, radians
HeadPitch                   pose_pitch               sign turned: Live Link Face is positive when looking down
HeadRoll                    pose_roll                sign turned
LeftEyeYaw RightEyeYaw      gaze and pose            yaw of the gaze in the frame of the head, both eyes the same
LeftEyePitch RightEyePitch  gaze and pose            pitch of it, sign turned, both eyes the same
LeftEyeRoll RightEyeRoll    -                        0
==========================  =======================  =================================================================

The header is that of a published take. The angles are less certain than everything else here. Their unit is radians by one
published comparison with a take; the engine that plays them maps half a turn to 1 in its own tracking. Their signs are derived
from the axes of ARKit and of that engine and were not compared with a take; roll is the least certain, and the app turns yaw and
pitch round in landscape. So :func:`read_arkit` leaves the angles out unless ``angles=True``.

Not written: everything but blendshapes, pose and gaze. Not read: the angles of the eyes. A take holds one face.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, unknown_name
from ..files import atomic
from ..geometry.pose import direction, matrix, pitch_yaw
from ..labels import ARKIT_52
from .table import Table

_ORDER = """
EyeBlinkLeft EyeLookDownLeft EyeLookInLeft EyeLookOutLeft EyeLookUpLeft EyeSquintLeft EyeWideLeft
EyeBlinkRight EyeLookDownRight EyeLookInRight EyeLookOutRight EyeLookUpRight EyeSquintRight EyeWideRight
JawForward JawRight JawLeft JawOpen MouthClose MouthFunnel MouthPucker MouthRight MouthLeft
MouthSmileLeft MouthSmileRight MouthFrownLeft MouthFrownRight MouthDimpleLeft MouthDimpleRight
MouthStretchLeft MouthStretchRight MouthRollLower MouthRollUpper MouthShrugLower MouthShrugUpper
MouthPressLeft MouthPressRight MouthLowerDownLeft MouthLowerDownRight MouthUpperUpLeft MouthUpperUpRight
BrowDownLeft BrowDownRight BrowInnerUp BrowOuterUpLeft BrowOuterUpRight CheekPuff CheekSquintLeft CheekSquintRight
NoseSneerLeft NoseSneerRight TongueOut
"""
SHAPES = tuple(_ORDER.split())
ANGLES = tuple(f"{part}{axis}" for part in ("Head", "LeftEye", "RightEye") for axis in ("Yaw", "Pitch", "Roll"))


def _ours(name: str) -> str:
    return name[0].lower() + name[1:]


def to_arkit(table: Table, path: str | os.PathLike[str], fps: int = 60) -> None:
    """Write the blendshapes of one face as .csv (Live Link Face) or .json (a list of ``{"time", "blendshapes"}``).

    A CSV row without a face, or where a blendshape could not be told, has ``BlendshapeCount`` 0 and no values, as the app
    writes it. The format has no empty cells: an angle that could not be told is 0 there, the head at rest. JSON holds null.

    Args:
        table: rows of one face: not two in one frame.
        path: the file; an older one is replaced.
        fps: whole frames a second that the timecode counts; the app records 60.

    Raises:
        InputError: two faces in a frame, a row without a time, another ending than .csv and .json, or the file cannot be made.
    """
    kind = Path(path).suffix.lower()
    if kind not in (".csv", ".json"):
        raise unknown_name("format of ARKit blendshapes", kind, (".csv", ".json"))
    if np.isnan(table["time"]).any():
        raise InputError("rows without a time", "a time for each row", "fill the column time, from frame and frame rate")
    frames = list(zip(table["source"].tolist(), table["frame"].tolist()))
    if len(set(frames)) < len(frames) or len(set(table["source"].tolist())) > 1:
        remedy = "choose one with table.tracks() or table.where()"
        raise InputError("two faces in one frame, or several sources", "one face", remedy)
    text = _livelink(table, fps) if kind == ".csv" else json.dumps(arkit_frames(table), allow_nan=False) + "\n"
    try:
        with atomic(path) as stream:
            stream.write(text)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        wanted = "a file in a folder that can be written"
        raise InputError(f"{path}: {error.strerror}", wanted, "make the folder or choose another path") from error


def arkit_frames(table: Table) -> list[dict[str, Any]]:
    """The rows as a list of ``{"time", "blendshapes": {name: score}}``; None where it could not be told.

    Example:
        >>> arkit_frames(Table.from_columns({"time": [0.5], "jawOpen": [0.25]}))[0]["blendshapes"]["jawOpen"]
        0.25
    """
    shapes = np.stack([table[name] for name in ARKIT_52], axis=1).astype(np.float64).round(4)
    times = table["time"].round(6).tolist()
    return [
        {"time": time, "blendshapes": {n: None if v != v else v for n, v in zip(ARKIT_52, row)}}
        for time, row in zip(times, shapes.tolist())
    ]


def _livelink(table: Table, fps: int) -> str:
    values = np.stack([table[_ours(name)] for name in SHAPES] + _angles(table), axis=1).astype(np.float64)
    lines = [",".join(("Timecode", "BlendshapeCount", *SHAPES, *ANGLES))]
    for time, row in zip(table["time"].tolist(), values.tolist()):
        told = all(v == v for v in row[: len(SHAPES)])
        cells = [f"{0.0 if v != v else v:.6f}" for v in row] if told else []
        lines.append(",".join([_timecode(time, fps), str(len(cells)), *cells]))
    return "\n".join(lines) + "\n"


def _angles(table: Table) -> list[NDArray[Any]]:
    head = matrix(np.stack([table["pose_pitch"], table["pose_yaw"], table["pose_roll"]], axis=1))
    gaze = direction(np.stack([table["gaze_pitch"], table["gaze_yaw"]], axis=1))
    pitch, yaw = pitch_yaw(np.einsum("nji,nj->ni", head, gaze)).T
    eye = [yaw, -pitch, np.zeros_like(yaw)]
    return [table["pose_yaw"], -table["pose_pitch"], -table["pose_roll"], *eye, *eye]


def _timecode(time: float, fps: int) -> str:
    # in thousandths of a frame, so that rounding carries over by itself
    ticks = round(time * fps * 1000)
    frames, ticks = divmod(ticks, 1000)
    seconds, frames = divmod(frames, fps)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frames:02d}.{ticks:03d}"


def read_arkit(path: str | os.PathLike[str], fps: int = 60, angles: bool = False) -> Table:
    """Read a take of Live Link Face (.csv), or JSON as :func:`to_arkit` writes it (.json).

    ``time`` of a CSV counts from its first row, because a timecode is the time of day. A row without values becomes a row
    without a face.

    Args:
        path: the file.
        fps: frames a second that the timecode counts.
        angles: also take the head pose of a CSV, with the unit and signs above.

    Raises:
        InputError: the file is missing or not of this format.
    """
    kind = Path(path).suffix.lower()
    try:
        if kind == ".csv":
            data, count = _read_csv(Path(path), fps, angles)
        elif kind == ".json":
            data, count = _read_json(Path(path))
        else:
            raise unknown_name("format of ARKit blendshapes", kind, (".csv", ".json"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file", "a take", "check the path") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path}: {error}", "a take of Live Link Face, or JSON as to_arkit() writes it", "check the file"
        ) from error
    seen = ~np.isnan(np.stack([data[name] for name in ARKIT_52])).all(axis=0) if count else np.zeros(0, bool)
    data |= {"frame": np.arange(count), "face": np.where(seen, 0, -1), "source": np.full(count, Path(path).name, object)}
    data["status"] = np.where(seen, "ok", "no_face").astype(object)
    return Table.from_columns(data, {"read_from": "ARKit"})


def _read_csv(path: Path, fps: int, angles: bool) -> tuple[dict[str, NDArray[Any]], int]:
    lines = [line.split(",") for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    names = [n.strip() for n in lines[0]] if lines else []
    if "Timecode" not in names:
        raise InputError(f"{path}: no column Timecode", "a take of Live Link Face", "check which app wrote it")
    rows = lines[1:]
    values = np.full((len(rows), len(names)), np.nan)
    for i, row in enumerate(rows):
        if len(row) >= len(names):  # a row without a face is short
            values[i] = [np.nan if n == "Timecode" or not cell.strip() else float(cell) for n, cell in zip(names, row)]
    # the names differ in their first letter from app to app
    column = {_ours(n): values[:, j] for j, n in enumerate(names)}
    nothing = np.full(len(rows), np.nan)
    data = {name: column.get(name, nothing) for name in ARKIT_52}
    data["time"] = _times([row[names.index("Timecode")] for row in rows], fps)
    if angles:
        for ours, theirs, sign in (("yaw", "headYaw", 1), ("pitch", "headPitch", -1), ("roll", "headRoll", -1)):
            data[f"pose_{ours}"] = sign * column.get(theirs, nothing)
    return data, len(rows)


def _times(codes: list[str], fps: int) -> NDArray[np.float64]:
    if not codes:
        return np.zeros(0)
    # a semicolon before the frames marks drop-frame timecode
    parts = np.array([[float(p) for p in code.replace(";", ":").split(":")] for code in codes])
    seconds = parts[:, 0] * 3600 + parts[:, 1] * 60 + parts[:, 2] + parts[:, 3] / fps
    # a take over midnight
    seconds += 86400 * np.concatenate([[0], np.cumsum(np.diff(seconds) < -43200)])
    found: NDArray[np.float64] = (seconds - seconds[0]).round(6)
    return found


def _read_json(path: Path) -> tuple[dict[str, NDArray[Any]], int]:
    frames = json.loads(path.read_text("utf-8"))
    data: dict[str, NDArray[Any]] = {
        name: np.array([f["blendshapes"].get(name) for f in frames], np.float64) for name in ARKIT_52
    }
    data["time"] = np.array([f["time"] for f in frames], np.float64)
    return data, len(frames)
