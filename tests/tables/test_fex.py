import logging

import numpy as np
import pandas as pd
import pytest

from mien.errors import InputError
from mien.labels import FER_7
from mien.tables import Table
from mien.tables.fex import from_fex, read_fex, to_fex
from mien.tables.ibug import MESH_68

BOX = ["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"]
POINTS = [f"{axis}_{i}" for axis in "xy" for i in range(68)]
POSE = ["Pitch", "Roll", "Yaw"]
AU = "AU01 AU02 AU04 AU05 AU06 AU07 AU09 AU10 AU11 AU12 AU14 AU15 AU17 AU20 AU23 AU24 AU25 AU26 AU28 AU43"
UNITS = AU.split()
FIRST = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
SECOND = ["Neutral", "Happy", "Sad", "Surprise", "Fear", "Disgust", "Anger"]
AFFECT = ["valence", "arousal", "gaze_pitch", "gaze_yaw", "gaze_angle"]
MESH = [f"mesh_{axis}_{i}" for axis in "xyz" for i in range(478)]
LAST = ["input", "frame", "approx_time", "Identity"]


def test_the_columns_are_those_of_py_feat(make_table) -> None:
    second = to_fex(make_table(mesh=True)).column_names
    assert second[: len(second) - 51 - 4] == [*BOX, *POINTS, *POSE, *UNITS, *SECOND, *AFFECT, *MESH]
    assert second[-4:] == LAST
    assert len(second[-55:-4]) == 51
    assert "tongueOut" not in second
    assert to_fex(make_table(), version=1).column_names == [*BOX, *POSE, *UNITS, *FIRST, *LAST]
    with pytest.raises(InputError, match="version 3; wanted 1 or 2"):
        to_fex(make_table(), version=3)


@pytest.mark.parametrize("version", [1, 2])
def test_what_py_feat_carries_comes_back(version: int, make_table, tmp_path, caplog) -> None:
    table = make_table((1, 2, 0, 1), mesh=True)
    to_fex(table, tmp_path / "a.csv", version=version)
    back = read_fex(tmp_path / "a.csv")
    assert not caplog.records
    for name in ("source", "frame", "face", "track", "status"):
        assert back[name].tolist() == table[name].tolist(), name
    names = ["confidence", "pose_pitch", "pose_yaw", "pose_roll", "AU01", "AU43"]
    names += ["gaze_pitch", "gaze_yaw", "valence", "arousal", "jawOpen", "mouthSmileLeft"] if version == 2 else []
    for name in names:
        np.testing.assert_allclose(back[name], table[name], atol=6e-5, err_msg=name)
    for name in ("box_x1", "box_y1", "box_x2", "box_y2"):
        np.testing.assert_allclose(back[name], table[name], atol=0.011, err_msg=name)
    np.testing.assert_allclose(back["landmark_nose_x"], table[f"mesh_{MESH_68[30]}_x"], atol=0.006)
    rest = 1 - table["expression_contempt"]
    for name in FER_7:
        np.testing.assert_allclose(back[f"expression_{name}"], table[f"expression_{name}"] / rest, atol=1e-4)
    assert np.isnan(back["expression_contempt"]).all()
    if version == 2:
        np.testing.assert_allclose(back["mesh_3_z"], table["mesh_3_z"], atol=0.006)
    else:
        assert "mesh_3_z" not in back


def test_signs_of_pose_are_turned_where_the_person_and_the_picture_differ() -> None:
    row = to_fex(Table.from_columns({"face": [0], "pose_pitch": [0.1], "pose_yaw": [0.2], "pose_roll": [0.3]})).to_pylist()[0]
    # py-feat: up, to the subject's right and tilted to the subject's right are positive
    assert (row["Pitch"], row["Yaw"], row["Roll"]) == (0.1, -0.2, -0.3)


def test_contempt_is_taken_out_and_the_second_best_shows() -> None:
    scores = {f"expression_{n}": [0.0] for n in FER_7} | {"expression_anger": [0.15], "expression_neutral": [0.25]}
    table = Table.from_columns({"face": [0], "expression_contempt": [0.6], **scores})
    row = to_fex(table).to_pylist()[0]
    assert row["Neutral"] == 0.625
    assert row["Anger"] == 0.375
    back = from_fex(to_fex(Table.from_columns({"face": [0], "box_x1": [1.0], **scores})).to_pandas())
    assert back["expression"].tolist() == ["neutral"]


def test_nothing_but_contempt_leaves_nothing() -> None:
    scores = {f"expression_{n}": [0.0] for n in FER_7} | {"expression_contempt": [1.0]}
    row = to_fex(Table.from_columns({"face": [0], **scores})).to_pylist()[0]
    assert [row[n] for n in SECOND] == [None] * 7


def test_files_of_py_feat_itself_are_read(tmp_path, caplog) -> None:
    # the columns and their order of a version 2 file, with the embeddings and the frame size that are not carried
    names = [*BOX, *POSE, "X", "Y", "Z", *UNITS, *SECOND, *AFFECT, "Identity_1", "_neutral", "jawOpen", "FrameHeight"]
    values = {"FaceRectX": 10, "FaceRectY": 20, "FaceRectWidth": 30, "FaceRectHeight": 40, "FaceScore": 0.9, "Happy": 0.9}
    row = ",".join(str(values.get(n, 0.01)) for n in names)
    empty = ",".join("" for _ in names)
    text = ",".join(["", *names, "input", "frame", "approx_time", "Identity"])
    text += f"\n0,{row},a.mp4,0,00:00,Person_1\n1,{empty},a.mp4,24,00:01,\n2,{row},a.mp4,1464,01:01,Person_0\n"
    (tmp_path / "a.csv").write_text(text)
    table = read_fex(tmp_path / "a.csv")
    assert table["frame"].tolist() == [0, 24, 1464]
    assert table["time"].tolist() == [0, 1, 61]
    assert table["status"].tolist() == ["ok", "no_face", "ok"]
    assert table["track"].tolist() == [1, -1, 0]
    assert table["box_x2"].tolist()[::2] == [40, 40]
    assert table["expression"].tolist() == ["happiness", None, "happiness"]
    assert table["source"].tolist() == ["a.mp4"] * 3
    assert not caplog.records


def test_a_mesh_that_py_feat_names_like_landmarks_is_a_mesh() -> None:
    rng = np.random.default_rng(0)
    data = {f"{axis}_{i}": [rng.random()] for i in range(478) for axis in "xyz"}
    table = from_fex(pd.DataFrame({"FaceRectX": [1.0], "FaceScore": [0.5], **data}))
    assert table["mesh_477_z"][0] == np.float32(data["z_477"][0])
    assert np.isnan(table["landmark_nose_x"][0])


def test_degrees_are_left_out_unless_asked_for(caplog) -> None:
    frame = pd.DataFrame({"FaceRectX": [1.0], "Pitch": [10.0], "Roll": [-3.5], "Yaw": [20.0]})
    with caplog.at_level(logging.WARNING):
        assert np.isnan(from_fex(frame)["pose_yaw"][0])
    assert "degrees" in caplog.text
    table = from_fex(frame, degrees=True)
    assert table["pose_yaw"][0] == pytest.approx(-np.radians(20))
    assert table["pose_roll"][0] == pytest.approx(np.radians(3.5))
    assert from_fex(frame / 10, degrees=False)["pose_pitch"][0] == pytest.approx(1.0)


def test_another_file_is_refused(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("frame,success\n1,2\n")
    with pytest.raises(InputError, match="no column FaceRectX"):
        read_fex(tmp_path / "a.csv")
    with pytest.raises(InputError, match="no such file"):
        read_fex(tmp_path / "b.csv")
