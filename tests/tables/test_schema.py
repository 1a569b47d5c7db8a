import re

import pyarrow as pa
import pyarrow.parquet as pq

from mien.labels import ARKIT_52, UNITS
from mien.tables import columns, describe, markdown
from mien.types import FACE_STATUS, FRAME_STATUS

FIRST = """
source frame time face track status reason confidence box_x1 box_y1 box_x2 box_y2 quality presence
pose_pitch pose_yaw pose_roll gaze_pitch gaze_yaw
landmark_right_eye_x landmark_right_eye_y landmark_left_eye_x landmark_left_eye_y landmark_nose_x landmark_nose_y
landmark_mouth_right_x landmark_mouth_right_y landmark_mouth_left_x landmark_mouth_left_y AU01 AU01L AU01R AU02
"""
EXPRESSION = """
AU45R_intensity expression expression_neutral expression_happiness expression_surprise expression_sadness expression_anger
expression_disgust expression_fear expression_contempt valence arousal browDownLeft
"""


def names(**options: object) -> list[str]:
    return [c.name for c in columns(**options)]  # type: ignore[arg-type]


def test_the_order_of_the_columns_is_the_documented_one() -> None:
    found = names()
    assert found[: len(FIRST.split())] == FIRST.split()
    start = found.index("AU01")
    count = len(UNITS)
    assert found[start : start + count] == list(UNITS)
    assert found[start + count : start + 2 * count] == [f"{u}_intensity" for u in UNITS]
    at = found.index("AU45R_intensity")
    assert found[at : at + len(EXPRESSION.split())] == EXPRESSION.split()
    assert found[-52:] == list(ARKIT_52)


def test_mesh_and_embedding_come_last_and_only_on_request() -> None:
    assert names(mesh=True, embedding=3)[: len(names())] == names()
    extra = names(mesh=True, embedding=3)[len(names()) :]
    assert extra[:4] == ["mesh_0_x", "mesh_0_y", "mesh_0_z", "mesh_1_x"]
    assert extra[-4:] == ["mesh_477_z", "embedding_0", "embedding_1", "embedding_2"]
    assert len(extra) == 478 * 3 + 3


def test_every_column_has_a_name_of_its_own_a_meaning_and_a_unit_where_it_needs_one() -> None:
    found = columns(mesh=True, embedding=2)
    assert len({c.name for c in found}) == len(found)
    assert all(c.meaning and "|" not in c.meaning for c in found)
    assert all(c.unit for c in found if c.type == "float" and c.group != "embedding")
    assert {c.unit for c in found if re.match(r"(pose|gaze)_", c.name)} == {"rad"}


def test_describe_and_markdown_hold_every_column() -> None:
    assert [r["name"] for r in describe()] == names()
    lines = markdown().splitlines()
    assert [line.split("`")[1] for line in lines[2 : 2 + len(names())]] == names()
    assert all(line.count("|") == 5 for line in lines)


def test_units_version_and_settings_lie_in_the_metadata(make_table, tmp_path) -> None:
    table = make_table()
    table.write(tmp_path / "a.parquet")
    for schema in (table.to_arrow().schema, pq.read_schema(tmp_path / "a.parquet")):
        assert schema.metadata[b"mien.schema_version"] == b"1"
        assert schema.metadata[b"mien.settings"] == b'{"smoothing": 0.3}'
        assert b"mien.version" in schema.metadata
        assert schema.field("pose_yaw").metadata[b"unit"] == b"rad"
        assert b"picture" in schema.field("pose_yaw").metadata[b"meaning"]
        assert schema.field("time").type == pa.float64()
        assert schema.field("AU12").type == pa.float32()


def test_a_status_fits_the_type_that_faces_hold() -> None:
    assert max(map(len, (*FACE_STATUS, *FRAME_STATUS))) <= 16
