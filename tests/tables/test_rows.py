import time

import numpy as np
import pytest

from mien.errors import InputError
from mien.labels import AFFECTNET_8, FER_7, FERPLUS_8, UNITS, LabelSet
from mien.tables import Table
from mien.tables.rows import Rows
from mien.types import Faces, Frame, Scores


def one(faces: Faces, **options: object) -> Table:
    return Table.from_frames([Frame(None, 0.5, 7, faces, "a.png")], **options)  # type: ignore[arg-type]


def test_every_field_lands_in_its_column(make_faces) -> None:
    faces = make_faces(2, mesh=True, embedding=3)
    table = one(faces, mesh=True, embedding=3)
    assert table["source"].tolist() == ["a.png"] * 2
    assert table["frame"].tolist() == [7, 7]
    assert table["time"].tolist() == [0.5, 0.5]
    assert table["face"].tolist() == [0, 1]
    assert table["track"].tolist() == [4, 5]
    np.testing.assert_array_equal(table["confidence"], faces.confidence)
    np.testing.assert_array_equal(table["quality"], faces.quality)
    np.testing.assert_array_equal(table["presence"], faces.presence)
    for i, name in enumerate(("box_x1", "box_y1", "box_x2", "box_y2")):
        np.testing.assert_array_equal(table[name], faces.boxes[:, i])
    for i, name in enumerate(("pose_pitch", "pose_yaw", "pose_roll")):
        np.testing.assert_array_equal(table[name], faces.pose[:, i])
    for i, name in enumerate(("gaze_pitch", "gaze_yaw")):
        np.testing.assert_array_equal(table[name], faces.gaze[:, i])
    np.testing.assert_array_equal(table["landmark_left_eye_y"], faces.landmarks[:, 1, 1])
    np.testing.assert_array_equal(table["landmark_mouth_left_x"], faces.landmarks[:, 4, 0])
    np.testing.assert_array_equal(table["AU12L"], faces.units["AU12L"])
    np.testing.assert_array_equal(table["AU12L_intensity"], faces.intensity[:, UNITS.index("AU12L")])
    np.testing.assert_array_equal(table["expression_fear"], faces.expression["fear"])
    np.testing.assert_array_equal(table["valence"], faces.affect[:, 0])
    np.testing.assert_array_equal(table["arousal"], faces.affect[:, 1])
    np.testing.assert_array_equal(table["jawOpen"], faces.blendshapes["jawOpen"])
    np.testing.assert_array_equal(table["mesh_477_z"], faces.mesh[:, 477, 2])
    np.testing.assert_array_equal(table["mesh_3_y"], faces.mesh[:, 3, 1])
    np.testing.assert_array_equal(table["embedding_2"], faces.embedding[:, 2])
    assert table["expression"].tolist() == faces.expression.top()


def test_fields_that_no_stage_filled_are_nan_and_no_number() -> None:
    table = one(Faces(np.array([[1, 2, 3, 4]]), np.array([0.5])))
    assert table["track"].tolist() == [-1]
    assert table["status"].tolist() == ["ok"]
    assert table["expression"].tolist() == [None]
    told = [c.name for c in table.schema if c.type == "float" and not np.isnan(table[c.name][0])]
    assert told == ["time", "confidence", "box_x1", "box_y1", "box_x2", "box_y2"]


@pytest.mark.parametrize(("status", "wanted"), [("ok", "no_face"), ("no_face", "no_face"), ("damaged", "damaged")])
def test_a_frame_without_faces_gives_one_row(status: str, wanted: str) -> None:
    table = Table.from_frames([Frame(None, 2.0, 3, Faces.none(), "a.mp4", status, "because" if status == "damaged" else "")])
    assert len(table) == 1
    assert table["status"].tolist() == [wanted]
    assert table["reason"].tolist() == ["because" if status == "damaged" else ""]
    assert table["face"].tolist() == [-1]
    assert np.isnan(table["confidence"][0])
    row = next(table.rows())
    assert row["face"] is None
    assert row["box_x1"] is None
    assert row["time"] == 2.0


def test_the_faces_of_a_damaged_frame_keep_the_reason(make_faces) -> None:
    table = Table.from_frames([Frame(None, 0.0, 0, make_faces(1), "a.mp4", "damaged", "half of the picture is missing")])
    assert table["status"].tolist() == ["ok"]
    assert table["reason"].tolist() == ["half of the picture is missing"]


def test_expressions_of_another_order_go_by_name_and_missing_classes_are_nan() -> None:
    boxes, confidence = np.zeros((1, 4)), np.ones(1)
    other = one(Faces(boxes, confidence, expression=Scores(np.eye(8)[3:4], AFFECTNET_8)))
    assert other["expression"].tolist() == ["surprise"]
    assert other["expression_surprise"].tolist() == [1]
    assert other["expression_sadness"].tolist() == [0]
    seven = one(Faces(boxes, confidence, expression=Scores(np.eye(7)[:1], FER_7)))
    assert seven["expression"].tolist() == ["anger"]
    assert seven["expression_anger"].tolist() == [1]
    assert np.isnan(seven["expression_contempt"][0])


def test_an_expression_without_a_column_is_an_error_and_leaves_no_half_row() -> None:
    rows = Rows()
    strange = LabelSet("mine", ("neutral", "awe"))
    faces = Faces(np.zeros((1, 4)), np.ones(1), expression=Scores(np.array([[0.5, 0.5]]), strange))
    with pytest.raises(InputError, match="'mine' holds awe"):
        rows.add(Frame(None, 0.0, 0, faces))
    assert len(rows) == 0
    assert {len(v) for v in rows.columns().values()} == {0}


def test_an_embedding_of_another_length_is_an_error(make_faces) -> None:
    with pytest.raises(InputError, match=r"length 3.*embedding=3"):
        one(make_faces(1, embedding=3), embedding=2)


def test_scores_that_could_not_be_told_have_no_best_expression() -> None:
    scores = np.full((1, 8), np.nan)
    table = one(Faces(np.zeros((1, 4)), np.ones(1), expression=Scores(scores, FERPLUS_8)))
    assert table["expression"].tolist() == [None]


def test_a_frame_becomes_rows_in_less_than_0_15_ms(make_faces) -> None:
    frame = Frame(None, 0.0, 0, make_faces(1), "film.mp4")
    best = float("inf")
    for _ in range(5):
        rows = Rows()
        start = time.process_time()  # not the clock on the wall: other processes may be busy
        for _ in range(200):
            rows.add(frame)
        best = min(best, (time.process_time() - start) / 200)
    assert best < 0.15e-3
