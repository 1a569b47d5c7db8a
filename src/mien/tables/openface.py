"""OpenFace 2: the CSV of FeatureExtraction, FaceLandmarkVidMulti and FaceLandmarkImg.

=====================  =====================================  ======================================================
OpenFace               mien                                   conversion
=====================  =====================================  ======================================================
frame                  frame                                  OpenFace counts from 1, mien from 0
face_id                track, or face without tracks          as it is
timestamp              time                                   both seconds
confidence             confidence                             as it is; 0 in a row without a face
success                status                                 1 when a face was seen and is not "not_visible"
pose_Rx                pose_pitch                             sign turned: OpenFace is positive when looking down
pose_Ry                pose_yaw                               sign turned: positive towards the left of the picture
pose_Rz                pose_roll                              same sign: both clockwise in the picture
gaze_angle_x           gaze_yaw                               the same: both positive to the right of the picture
gaze_angle_y           gaze_pitch                             sign turned: positive is down; pitch = -atan(tan(y) cos(x))
x_0..x_67 y_0..y_67    mesh (written), landmarks (read)       pixels; by the nearest mesh vertex, see ``ibug.MESH_68``
AUxx_r                 AUxx_intensity                         both 0-5
AUxx_c                 AUxx                                   1 when the presence is 0.5 or more
=====================  =====================================  ======================================================

How the signs are known: OpenFace builds R = Rx Ry Rz from its angles in a camera frame with x to the right of the picture, y
down and z away from the camera, which is also mien's, and a face looks along -z, so a positive Rx lowers the nose, a positive Ry
moves it to the left of the picture and a positive Rz turns the face clockwise; the 3D points of a published file agree with all
three. mien turns in another order (see :mod:`mien.geometry.pose`), so the angles go through the rotation matrix: a head that
turns about one axis keeps its number, one that turns about several does not. The gaze angles are atan2(x, -z) and atan2(y, -z) of
the mean of the two gaze vectors in the same frame; a published file agrees.

Not written, because mien has nothing for it: the gaze vectors of each eye (gaze_0_*, gaze_1_*; mien has one line of sight for
both), eye_lmk_*, pose_T* (a position in millimetres needs the size of the head and the focal length), X_* Y_* Z_*, p_*.
Not read: the same groups, and mien's own columns that OpenFace lacks (box, expression, blendshapes, left and right units).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.pose import angles, direction, matrix, pitch_yaw
from .foreign import Parts, number_faces
from .ibug import POINTS, five, from_mesh
from .table import Table

if TYPE_CHECKING:
    import pyarrow as pa

INTENSITIES = tuple(f"AU{n:02d}" for n in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45))
PRESENCES = tuple(sorted((*INTENSITIES, "AU28")))


def to_openface(table: Table, path: str | os.PathLike[str] | None = None) -> pa.Table:
    """The table in the columns of OpenFace, in the order of OpenFace.

    What could not be told is an empty cell, also in rows with ``success`` 0, where OpenFace writes zeros.

    Args:
        table: the rows.
        path: also write them there as CSV.

    Returns:
        An arrow table; ``.to_pandas()`` makes a DataFrame of it.

    Raises:
        InputError: the file cannot be made, or the rows come from several sources, which OpenFace's columns cannot tell apart.

    Example:
        >>> pose = {"pose_pitch": [0.0], "pose_yaw": [0.25], "pose_roll": [0.0]}
        >>> table = Table.from_columns({"frame": [0], "face": [0], "status": ["ok"], "AU12": [0.7], **pose})
        >>> row = to_openface(table).to_pylist()[0]
        >>> row["frame"], row["success"], row["pose_Ry"], row["AU12_c"], row["AU12_r"]
        (1, 1, -0.25, 1.0, None)
    """
    from .arrow import tool_table
    from .sinks import write_csv

    sources = set(table["source"].tolist())
    if len(sources) > 1:
        raise InputError(
            f"a table of {len(sources)} sources", "the rows of one", "OpenFace's columns name no source: write a file for each"
        )
    parts = _basics(table)
    parts += from_mesh(table)
    parts += [(f"{unit}_r", table[f"{unit}_intensity"], 4) for unit in INTENSITIES]
    parts += [(f"{unit}_c", _present(table[unit]), 0) for unit in PRESENCES]
    found = tool_table(parts)
    if path is not None:
        write_csv(found, path)
    return found


def read_openface(path: str | os.PathLike[str], source: str | None = None) -> Table:
    """Read a CSV of OpenFace 2, of a sequence or of one picture, also an old one without face_id, gaze_angle or p_*.

    Rows with ``success`` 0 become rows without a face: OpenFace fills them with zeros or old values. ``track`` is face_id,
    ``face`` counts the faces of a frame. The eyes of ``landmark_*`` are the means of the six points of each eye.

    Args:
        path: the file; spaces around the names in its header are taken off.
        source: name of the video; OpenFace does not write it, so the name of the file stands in for it.

    Raises:
        InputError: the file is missing, empty, or not one of OpenFace.
    """
    from .read import read_foreign

    wanted = ["frame", "face_id", "face", "timestamp", "confidence", "success"]
    wanted += ["gaze_angle_x", "gaze_angle_y", "pose_Rx", "pose_Ry", "pose_Rz"]
    wanted += [f"gaze_{eye}_{axis}" for eye in "01" for axis in "xyz"]
    wanted += [f"{axis}_{i}" for axis in "xy" for i in range(POINTS)]
    wanted += [f"{unit}_r" for unit in INTENSITIES] + [f"{unit}_c" for unit in PRESENCES]
    data = read_foreign(path, wanted=wanted)
    own = any(name in data for name in ("success", "pose_Rx", "gaze_0_x", "gaze_angle_x", "x_0", "AU12_r", "AU12_c"))
    if not ("success" in data or "face" in data) or "confidence" not in data or not own:
        raise InputError(f"{path}: not the columns of OpenFace", "a CSV of OpenFace 2", "check which tool wrote it")
    count = len(data["confidence"])
    seen = data["success"] >= 0.5 if "success" in data else np.ones(count, bool)
    found = _readings(data)
    for name, values in found.items():
        found[name] = np.where(seen, values, np.nan)
    found["frame"] = data["frame"] - 1 if "frame" in data else np.zeros(count)
    found["time"] = data.get("timestamp", np.zeros(count))
    found["track"] = np.where(seen, data["face_id"], np.nan) if "face_id" in data else np.full(count, np.nan)
    found["face"] = number_faces([found["frame"]], seen)
    found["source"] = np.full(count, Path(path).name if source is None else source, object)
    found["status"] = np.where(seen, "ok", "no_face").astype(object)
    return Table.from_columns(found, {"read_from": "OpenFace"})


def _basics(table: Table) -> Parts:
    seen = table["face"] >= 0
    success = seen & (table["status"] != "not_visible")
    identity = np.where(table["track"] >= 0, table["track"], np.maximum(table["face"], 0))
    x, y, z = direction(np.stack([table["gaze_pitch"], table["gaze_yaw"]], axis=1)).T
    rx, ry, rz = _to_xyz(np.stack([table[f"pose_{n}"] for n in ("pitch", "yaw", "roll")], axis=1))
    return [
        ("frame", table["frame"] + 1, None),
        ("face_id", identity, None),
        ("timestamp", table["time"], 6),
        ("confidence", np.where(seen, table["confidence"], 0.0), 4),
        ("success", success.astype(np.int64), None),
        ("gaze_angle_x", np.arctan2(x, -z), 5),
        ("gaze_angle_y", np.arctan2(y, -z), 5),
        ("pose_Rx", rx, 5),
        ("pose_Ry", ry, 5),
        ("pose_Rz", rz, 5),
    ]


def _present(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.where(np.isnan(values), np.nan, values >= 0.5)


def _readings(data: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    found = {"confidence": data["confidence"], **five(data)}
    if all(f"pose_R{axis}" in data for axis in "xyz"):
        pose = _from_xyz(data["pose_Rx"], data["pose_Ry"], data["pose_Rz"])
        found.update({f"pose_{n}": pose[:, i] for i, n in enumerate(("pitch", "yaw", "roll"))})
    found.update(_gaze(data))
    found.update({f"{unit}_intensity": data[f"{unit}_r"] for unit in INTENSITIES if f"{unit}_r" in data})
    found.update({unit: data[f"{unit}_c"] for unit in PRESENCES if f"{unit}_c" in data})
    return found


def _gaze(data: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    if "gaze_angle_x" in data and "gaze_angle_y" in data:
        x, y, z = np.tan(data["gaze_angle_x"]), np.tan(data["gaze_angle_y"]), -np.ones_like(data["gaze_angle_x"])
    elif all(f"gaze_{eye}_{axis}" in data for eye in "01" for axis in "xyz"):
        x, y, z = ((data[f"gaze_0_{axis}"] + data[f"gaze_1_{axis}"]) / 2 for axis in "xyz")
    else:
        return {}
    found = pitch_yaw(np.stack([x, y, z], axis=1))
    return {"gaze_pitch": found[:, 0], "gaze_yaw": found[:, 1]}


def _to_xyz(pose: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The angles of OpenFace for (n, 3) pitch yaw roll: R = Rx Ry Rz solved for its angles."""
    r = matrix(pose)
    return np.arctan2(-r[:, 1, 2], r[:, 2, 2]), np.arcsin(np.clip(r[:, 0, 2], -1, 1)), np.arctan2(-r[:, 0, 1], r[:, 0, 0])


def _from_xyz(rx: NDArray[Any], ry: NDArray[Any], rz: NDArray[Any]) -> NDArray[Any]:
    """(n, 3) pitch yaw roll for the angles of OpenFace."""
    nothing = np.zeros_like(rx)
    # a turn about one axis is the same matrix on both sides, but for the sign
    about_x, about_y = matrix(np.stack([-rx, nothing, nothing], 1)), matrix(np.stack([nothing, -ry, nothing], 1))
    turned = about_x @ about_y @ matrix(np.stack([nothing, nothing, rz], 1))
    return angles(turned.astype(np.float32))
