import json

import numpy as np
import pytest

from mien.errors import InputError
from mien.labels import ARKIT_52
from mien.tables import Table
from mien.tables.arkit import arkit_frames, read_arkit, to_arkit

# the header of a take of Live Link Face, as it stands in the file
HEADER = (
    "Timecode,BlendshapeCount,EyeBlinkLeft,EyeLookDownLeft,EyeLookInLeft,EyeLookOutLeft,EyeLookUpLeft,EyeSquintLeft,EyeWideLeft,"
    "EyeBlinkRight,EyeLookDownRight,EyeLookInRight,EyeLookOutRight,EyeLookUpRight,EyeSquintRight,EyeWideRight,JawForward,JawRight,"
    "JawLeft,JawOpen,MouthClose,MouthFunnel,MouthPucker,MouthRight,MouthLeft,MouthSmileLeft,MouthSmileRight,MouthFrownLeft,"
    "MouthFrownRight,MouthDimpleLeft,MouthDimpleRight,MouthStretchLeft,MouthStretchRight,MouthRollLower,MouthRollUpper,"
    "MouthShrugLower,MouthShrugUpper,MouthPressLeft,MouthPressRight,MouthLowerDownLeft,MouthLowerDownRight,MouthUpperUpLeft,"
    "MouthUpperUpRight,BrowDownLeft,BrowDownRight,BrowInnerUp,BrowOuterUpLeft,BrowOuterUpRight,CheekPuff,CheekSquintLeft,"
    "CheekSquintRight,NoseSneerLeft,NoseSneerRight,TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,LeftEyeRoll,"
    "RightEyeYaw,RightEyePitch,RightEyeRoll"
)


def test_the_header_is_that_of_a_take(make_table, tmp_path) -> None:
    to_arkit(make_table((1, 1)), tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0] == HEADER
    assert {len(line.split(",")) for line in lines} == {63}
    assert [line.split(",")[1] for line in lines[1:]] == ["61", "61"]
    assert sorted(n[0].lower() + n[1:] for n in HEADER.split(",")[2:54]) == sorted(ARKIT_52)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_what_the_format_carries_comes_back(kind: str, make_table, tmp_path) -> None:
    table = make_table((1, 0, 1, 1))
    to_arkit(table, tmp_path / f"a.{kind}")
    back = read_arkit(tmp_path / f"a.{kind}")
    for name in ("frame", "face", "status"):
        assert back[name].tolist() == table[name].tolist(), name
    np.testing.assert_allclose(back["time"], table["time"], atol=1e-5)
    for name in ARKIT_52:
        np.testing.assert_allclose(back[name], table[name], atol=6e-5, err_msg=name)
    assert np.isnan(back["pose_yaw"]).all()


def test_angles_come_back_when_asked_for(make_table, tmp_path) -> None:
    table = make_table((1, 1))
    to_arkit(table, tmp_path / "a.csv")
    back = read_arkit(tmp_path / "a.csv", angles=True)
    for name in ("pose_pitch", "pose_yaw", "pose_roll"):
        np.testing.assert_allclose(back[name], table[name], atol=1e-6)
    row = dict(zip(HEADER.split(","), (tmp_path / "a.csv").read_text().splitlines()[1].split(",")))
    assert float(row["HeadPitch"]) == pytest.approx(-table["pose_pitch"][0], abs=1e-5)


def test_eyes_turn_in_their_head(tmp_path) -> None:
    straight = {"pose_pitch": [0.3, 0.3, 0.0, 0.0], "pose_yaw": [0.5, 0.5, 0.4, 0.0], "pose_roll": [0.2, 0.2, 0.0, np.pi / 2]}
    gaze = {"gaze_pitch": [0.3, np.nan, 0.0, 0.2], "gaze_yaw": [0.5, 0.5, 0.1, 0.0]}
    shapes = {name: [0.0] * 4 for name in ARKIT_52}
    table = Table.from_columns({"frame": range(4), "time": range(4), "face": [0] * 4, **straight, **gaze, **shapes})
    to_arkit(table, tmp_path / "a.csv")
    names = HEADER.split(",")
    lines = [line.split(",") for line in (tmp_path / "a.csv").read_text().splitlines()[1:]]
    found = [(float(row[names.index("LeftEyeYaw")]), float(row[names.index("RightEyePitch")])) for row in lines]
    # straight on; could not be told; to the side in a turned head; up, in a head that lies on its side
    np.testing.assert_allclose(found, [(0, 0), (0, 0), (-0.3, 0), (-0.2, 0)], atol=2e-6)


@pytest.mark.parametrize(
    ("time", "fps", "wanted"),
    [
        (0, 60, "00:00:00:00.000"),
        (0.999999, 60, "00:00:01:00.000"),
        (1.5, 60, "00:00:01:30.000"),
        (3661.04, 25, "01:01:01:01.000"),
        (0.02, 60, "00:00:00:01.200"),
    ],
)
def test_timecodes_count_frames_and_carry_over(time: float, fps: int, wanted: str, tmp_path) -> None:
    table = Table.from_columns({"time": [time], "face": [0]})
    to_arkit(table, tmp_path / "a.csv", fps)
    assert (tmp_path / "a.csv").read_text().splitlines()[1] == f"{wanted},0"


def test_a_take_starts_at_its_first_row_and_may_cross_midnight(tmp_path) -> None:
    rows = ["23:59:59:58.000,0", "23:59:59:59.500,0", "00:00:00:00.000,0", "00:00:01:00.000,0"]
    (tmp_path / "a.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    table = read_arkit(tmp_path / "a.csv")
    np.testing.assert_allclose(table["time"], [0, 1.5 / 60, 2 / 60, 1 + 2 / 60], atol=1e-6)
    assert table["status"].tolist() == ["no_face"] * 4


def test_a_row_that_could_not_be_told_is_a_row_without_values(make_table, tmp_path) -> None:
    table = make_table((1, 1))
    table["jawOpen"][0] = np.nan
    table["pose_yaw"][1] = np.nan
    to_arkit(table, tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[1] == "00:00:00:00.000,0"
    row = dict(zip(HEADER.split(","), lines[2].split(",")))
    assert row["HeadYaw"] == row["LeftEyeYaw"] == "0.000000"
    assert arkit_frames(table)[0]["blendshapes"]["jawOpen"] is None
    to_arkit(table, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())[0]["blendshapes"]["jawOpen"] is None


def test_other_spellings_of_the_names_are_read(tmp_path) -> None:
    names = ["Timecode", "BlendShapeCount", *ARKIT_52]
    (tmp_path / "a.csv").write_text(",".join(names) + "\n00:00:00:00.000,52," + ",".join(["0.5"] * 52) + "\n")
    assert read_arkit(tmp_path / "a.csv")["tongueOut"].tolist() == [0.5]


def test_two_faces_need_a_choice(make_table, tmp_path) -> None:
    table = make_table((2, 1))
    with pytest.raises(InputError, match=r"two faces in one frame.*table.tracks\(\)"):
        to_arkit(table, tmp_path / "a.csv")
    to_arkit(table.tracks()[4], tmp_path / "a.csv")
    assert len(read_arkit(tmp_path / "a.csv")) == 2


def test_files_that_are_no_take_say_so(tmp_path, make_table) -> None:
    (tmp_path / "a.csv").write_text("frame,AU12\n0,1\n")
    with pytest.raises(InputError, match="no column Timecode"):
        read_arkit(tmp_path / "a.csv")
    (tmp_path / "a.json").write_text('{"a": 1}')
    with pytest.raises(InputError, match=r"a.json.*a take of Live Link Face"):
        read_arkit(tmp_path / "a.json")
    with pytest.raises(InputError, match="no such file"):
        read_arkit(tmp_path / "b.csv")
    with pytest.raises(InputError, match=r"unknown format of ARKit blendshapes '.txt'"):
        to_arkit(make_table((1,)), tmp_path / "a.txt")
    with pytest.raises(InputError, match="folder that can be written"):
        to_arkit(make_table((1,)), tmp_path / "missing" / "a.csv")
    with pytest.raises(InputError, match="rows without a time"):
        to_arkit(Table.from_columns({"frame": [0], "jawOpen": [0.5]}), tmp_path / "a.csv")
