from pathlib import Path

import numpy as np
import pytest

from mien.errors import InputError
from mien.geometry.pose import matrix
from mien.tables import Table
from mien.tables.ibug import MESH_68
from mien.tables.openface import read_openface, to_openface

# the header of OpenFace 2, group by group
BASIC = "frame face_id timestamp confidence success"
GAZE = "gaze_0_x gaze_0_y gaze_0_z gaze_1_x gaze_1_y gaze_1_z gaze_angle_x gaze_angle_y"
EYES = [f"eye_lmk_{axis}_{i}" for axis in "xyXYZ" for i in range(56)]
POSE = "pose_Tx pose_Ty pose_Tz pose_Rx pose_Ry pose_Rz"
POINTS = [f"{axis}_{i}" for axis in "xyXYZ" for i in range(68)]
SHAPE = ["p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty", *(f"p_{i}" for i in range(34))]
INTENSITY = """
AU01_r AU02_r AU04_r AU05_r AU06_r AU07_r AU09_r AU10_r AU12_r AU14_r AU15_r AU17_r AU20_r AU23_r AU25_r AU26_r AU45_r
"""
PRESENCE = """
AU01_c AU02_c AU04_c AU05_c AU06_c AU07_c AU09_c AU10_c AU12_c
AU14_c AU15_c AU17_c AU20_c AU23_c AU25_c AU26_c AU28_c AU45_c
"""
HEADER = [*BASIC.split(), *GAZE.split(), *EYES, *POSE.split(), *POINTS, *SHAPE, *INTENSITY.split(), *PRESENCE.split()]


def write(path, values: dict[str, list[float]], separator: str = ",", names: list[str] | None = None) -> None:
    """An OpenFace file with all columns; those without values are 0."""
    names = HEADER if names is None else names
    count = len(next(iter(values.values())))
    lines = [separator.join(names)]
    lines += [separator.join(f"{values.get(n, [0.0] * count)[i]:.6f}" for n in names) for i in range(count)]
    path.write_text("\n".join(lines) + "\n")


def rotation(rx: float, ry: float, rz: float) -> np.ndarray:
    """R = Rx Ry Rz in a frame with x right, y down, z away from the camera, as OpenFace builds it."""
    cx, sx, cy, sy, cz, sz = np.cos(rx), np.sin(rx), np.cos(ry), np.sin(ry), np.cos(rz), np.sin(rz)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def test_the_columns_are_those_of_openface_in_its_order(make_table) -> None:
    names = to_openface(make_table(mesh=True)).column_names
    assert set(names) <= set(HEADER)
    assert names == [n for n in HEADER if n in set(names)]
    left_out = {n for n in HEADER if n not in set(names)}
    missing = [*GAZE.split()[:6], *EYES, "pose_Tx", "pose_Ty", "pose_Tz", *(n for n in POINTS if n[0] in "XYZ"), *SHAPE]
    assert left_out == set(missing)
    assert "x_0" not in to_openface(make_table()).column_names


def test_what_openface_carries_comes_back(make_table, tmp_path) -> None:
    table = make_table((1, 2, 0, 1), mesh=True)
    to_openface(table, tmp_path / "a.csv")
    back = read_openface(tmp_path / "a.csv", source="film.mp4")
    for name in ("source", "frame", "face", "track", "status"):
        assert back[name].tolist() == table[name].tolist(), name
    seen = table["face"] >= 0
    for name in ("time", "pose_pitch", "pose_yaw", "pose_roll", "gaze_pitch", "gaze_yaw", "AU12_intensity", "AU45_intensity"):
        np.testing.assert_allclose(back[name], table[name], atol=6e-5, err_msg=name)
    np.testing.assert_allclose(back["confidence"][seen], table["confidence"][seen], atol=6e-5)
    assert back["AU28"][seen].tolist() == (table["AU28"][seen] >= 0.5).tolist()
    eye = np.mean([table[f"mesh_{MESH_68[i]}_x"] for i in range(36, 42)], axis=0)
    np.testing.assert_allclose(back["landmark_right_eye_x"], eye, atol=0.006)
    np.testing.assert_allclose(back["landmark_mouth_left_y"], table[f"mesh_{MESH_68[54]}_y"], atol=0.006)
    assert np.isnan(back["box_x1"]).all()
    assert np.isnan(back["AU12L"]).all()


@pytest.mark.parametrize(("rx", "ry", "rz"), [(0.3, 0, 0), (0, 0.3, 0), (0, 0, 0.3), (-0.2, 0.1, -0.3), (0.6, -0.9, 0.5)])
def test_pose_signs_say_where_the_nose_goes(rx: float, ry: float, rz: float, tmp_path) -> None:
    write(tmp_path / "a.csv", {"success": [1], "pose_Rx": [rx], "pose_Ry": [ry], "pose_Rz": [rz]})
    table = read_openface(tmp_path / "a.csv")
    pose = np.stack([table[f"pose_{n}"] for n in ("pitch", "yaw", "roll")], axis=1)
    np.testing.assert_allclose(matrix(pose)[0], rotation(rx, ry, rz), atol=2e-6)
    row = to_openface(table).to_pylist()[0]
    assert (row["pose_Rx"], row["pose_Ry"], row["pose_Rz"]) == pytest.approx((rx, ry, rz), abs=1.1e-5)
    nose = rotation(rx, ry, rz) @ [0, 0, -1]
    right_ear = rotation(rx, ry, rz) @ [-1, 0, 0]  # of the person: on the left of the picture
    assert np.sign(table["pose_pitch"][0]) == np.sign(np.round(-nose[1], 9))  # up is positive, y is down
    assert np.sign(table["pose_yaw"][0]) == np.sign(np.round(nose[0], 9))  # to the right of the picture
    if not rx and not ry:
        assert np.sign(table["pose_roll"][0]) == np.sign(np.round(-right_ear[1], 9))  # clockwise lifts the left of the picture


@pytest.mark.parametrize("direction", [(0.3, 0.0, -0.9), (0.0, 0.4, -0.9), (-0.5, -0.4, -0.7)])
@pytest.mark.parametrize("old", [False, True])
def test_gaze_is_the_direction_of_the_vectors(direction: tuple[float, float, float], old: bool, tmp_path) -> None:
    x, y, z = np.array(direction) / np.linalg.norm(direction)
    values = {f"gaze_{eye}_{axis}": [v] for eye in "01" for axis, v in zip("xyz", (x, y, z))}
    values |= {"gaze_angle_x": [np.arctan2(x, -z)], "gaze_angle_y": [np.arctan2(y, -z)], "success": [1]}
    names = [n for n in HEADER if not (old and n.startswith("gaze_angle"))]
    write(tmp_path / "a.csv", values, names=names)
    table = read_openface(tmp_path / "a.csv")
    pitch, yaw = table["gaze_pitch"][0], table["gaze_yaw"][0]
    back = [np.cos(pitch) * np.sin(yaw), -np.sin(pitch), -np.cos(pitch) * np.cos(yaw)]
    np.testing.assert_allclose(back, [x, y, z], atol=2e-6)
    row = to_openface(table).to_pylist()[0]
    assert row["gaze_angle_x"] == pytest.approx(np.arctan2(x, -z), abs=1e-5)
    assert row["gaze_angle_y"] == pytest.approx(np.arctan2(y, -z), abs=1e-5)


def test_old_files_with_spaces_and_without_groups_are_read(tmp_path) -> None:
    gone = ("face_id", "gaze_angle", "eye_lmk", "p_")
    names = [n for n in HEADER if not n.startswith(gone)]
    write(tmp_path / "a.csv", {"frame": [1, 2], "success": [1, 1], "AU12_r": [2.5, 0]}, ", ", names)
    assert (tmp_path / "a.csv").read_text().startswith("frame, timestamp, confidence, success, gaze_0_x")
    table = read_openface(tmp_path / "a.csv")
    assert table["frame"].tolist() == [0, 1]
    assert table["AU12_intensity"].tolist() == [2.5, 0]
    assert table["track"].tolist() == [-1, -1]
    assert table["source"].tolist() == ["a.csv", "a.csv"]


def test_a_file_of_one_picture_counts_faces(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("face, confidence, AU12_r, AU12_c\n0, 0.98, 1.5, 1.0\n1, 0.9, 0.0, 0.0\n")
    table = read_openface(tmp_path / "a.csv")
    assert table["face"].tolist() == [0, 1]
    assert table["frame"].tolist() == [0, 0]
    assert table["AU12"].tolist() == [1, 0]


def test_failed_frames_have_no_values(tmp_path) -> None:
    values = {"frame": [1, 2], "success": [1, 0], "AU12_r": [2, 3], "confidence": [0.9, 0.1], "pose_Rx": [0.1, 0.2]}
    write(tmp_path / "a.csv", values)
    table = read_openface(tmp_path / "a.csv")
    assert table["status"].tolist() == ["ok", "no_face"]
    assert table["face"].tolist() == [0, -1]
    assert np.isnan([table[n][1] for n in ("AU12_intensity", "confidence", "pose_pitch", "AU12")]).all()


def test_rows_without_a_face_are_not_a_success_and_hold_no_zeros(make_table) -> None:
    rows = to_openface(make_table((0, 1))).to_pylist()
    assert [r["success"] for r in rows] == [0, 1]
    assert rows[0]["confidence"] == 0
    assert rows[0]["AU12_r"] is None
    assert rows[0]["AU12_c"] is None
    assert rows[0]["frame"] == 1


def test_a_face_that_is_not_visible_is_not_a_success() -> None:
    table = Table.from_columns({"frame": [0, 1], "face": [0, 0], "status": ["not_visible", "blurred"], "AU12": [0.49, 0.5]})
    rows = to_openface(table).to_pylist()
    assert [r["success"] for r in rows] == [0, 1]
    assert [r["AU12_c"] for r in rows] == [0, 1]


def test_what_windows_writes_for_nan_is_nan(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("frame, success, confidence, AU12_r\n1, 1, 0.9, -nan(ind)\n2, 1, 0.9, nan\n")
    assert np.isnan(read_openface(tmp_path / "a.csv")["AU12_intensity"]).all()


def test_another_file_is_refused(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("FaceRectX,FaceScore\n1,2\n")
    with pytest.raises(InputError, match="a CSV of OpenFace 2"):
        read_openface(tmp_path / "a.csv")
    with pytest.raises(InputError, match="no such file"):
        read_openface(tmp_path / "b.csv")


def test_the_68_points_mirror_as_those_of_ibug_do() -> None:
    assert len(set(MESH_68)) == 68
    assert all(0 <= i < 468 for i in MESH_68)  # none of the iris points
    # pairs of the mesh that mirror each other: corners of eyes and mouth, ends of the brows, nostrils, the jaw at the chin
    for right, left in ((33, 263), (133, 362), (61, 291), (70, 300), (107, 336), (98, 327), (148, 377), (127, 356)):
        pair = (MESH_68.index(right), MESH_68.index(left))
        assert pair in {(36, 45), (39, 42), (48, 54), (17, 26), (21, 22), (31, 35), (7, 9), (0, 16)}


def test_rows_of_our_own_are_not_taken_for_openface(tmp_path: Path) -> None:
    columns = {"frame": [0, 1], "face": [0, 0], "status": ["ok", "ok"], "confidence": [0.9, 0.8], "AU12": [0.5, 0.4]}
    Table.from_columns(columns).write(tmp_path / "own.csv")
    with pytest.raises(InputError, match="not the columns of OpenFace"):
        read_openface(tmp_path / "own.csv")


def test_rows_of_several_sources_are_refused() -> None:
    table = Table.from_columns({"source": ["a.jpg", "b.jpg"], "frame": [0, 0], "face": [0, 0], "status": ["ok", "ok"]})
    with pytest.raises(InputError, match="2 sources"):
        to_openface(table)
