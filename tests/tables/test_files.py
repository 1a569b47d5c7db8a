import csv
import gzip
import json
import logging
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mien.errors import InputError
from mien.labels import ARKIT_52, FERPLUS_8, UNITS
from mien.tables import Table, columns
from mien.types import FACE_STATUS, FRAME_STATUS, Faces, Frame, Scores

NATIVE = ("csv", "jsonl", "parquet")


def numbers(shape: tuple[int, ...], low: float, high: float) -> st.SearchStrategy[np.ndarray]:
    told = st.floats(low, high, width=32)
    return hnp.arrays(np.float32, shape, elements=st.one_of(told, st.just(np.float32("nan"))), fill=told)


@st.composite
def any_faces(draw: st.DrawFn) -> Faces:
    n = draw(st.integers(0, 3))

    def maybe(strategy: st.SearchStrategy[np.ndarray]) -> np.ndarray | None:
        return draw(st.one_of(st.none(), strategy))

    def scores(labels):
        values = maybe(numbers((n, len(labels)), 0, 1))
        return None if values is None else Scores(values, labels)

    return Faces(
        boxes=draw(numbers((n, 4), -100, 8192)),
        confidence=draw(numbers((n,), 0, 1)),
        landmarks=maybe(numbers((n, 5, 2), -100, 8192)),
        presence=maybe(numbers((n,), 0, 1)),
        pose=maybe(numbers((n, 3), -3.125, 3.125)),
        gaze=maybe(numbers((n, 2), -1.5, 1.5)),
        expression=scores(FERPLUS_8),
        units=scores(UNITS),
        intensity=maybe(numbers((n, len(UNITS)), 0, 5)),
        blendshapes=scores(ARKIT_52),
        affect=maybe(numbers((n, 2), -1, 1)),
        track=maybe(hnp.arrays(np.int64, n, elements=st.integers(-1, 2**40))),
        quality=maybe(numbers((n,), 0, 1)),
        status=maybe(hnp.arrays("U16", n, elements=st.sampled_from(FACE_STATUS))),
    )


# names of files hold nearly anything; a line break within one is the worst case for a CSV
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=12)


@st.composite
def any_frames(draw: st.DrawFn) -> list[Frame]:
    source = draw(words)
    return [
        Frame(None, draw(st.floats(0, 1e6)), i, draw(any_faces()), source, draw(st.sampled_from(FRAME_STATUS)), draw(words))
        for i in range(draw(st.integers(0, 3)))
    ]


@pytest.mark.parametrize("kind", NATIVE)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(frames=any_frames())
def test_what_is_written_is_read_again(kind: str, frames: list[Frame], tmp_path, assert_close) -> None:
    table = Table.from_frames(frames, settings={"smoothing": 0.5})
    table.write(tmp_path / f"a.{kind}")
    back = Table.read(tmp_path / f"a.{kind}")
    assert_close(back, table, exact=kind == "parquet")
    assert back.settings == {"smoothing": 0.5}


@pytest.mark.parametrize("kind", NATIVE)
def test_mesh_and_embedding_are_read_again(kind: str, make_table, tmp_path, assert_close) -> None:
    table = make_table((1, 0, 2), mesh=True, embedding=4)
    table.write(tmp_path / f"a.{kind}")
    assert_close(Table.read(tmp_path / f"a.{kind}"), table, exact=kind == "parquet")


@pytest.mark.parametrize("kind", NATIVE)
def test_a_table_longer_than_a_chunk_keeps_its_order(kind: str, tmp_path, assert_close) -> None:
    count = 600
    table = Table.from_columns({"frame": np.arange(count), "AU12": np.linspace(0, 1, count), "expression": ["fear"] * count})
    table.write(tmp_path / f"a.{kind}")
    assert_close(Table.read(tmp_path / f"a.{kind}"), table)


def test_csv_is_plain_rounded_and_never_says_nan(make_table, tmp_path) -> None:
    table = make_table((1, 0, 1))
    table.write(tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text()
    assert text.splitlines()[0] == ",".join(c.name for c in columns())
    assert '"' not in text
    assert not re.search("nan|null|none", text, re.IGNORECASE)
    rows = list(csv.DictReader(text.splitlines()))
    assert rows[1]["status"] == "no_face"
    assert {rows[1][n] for n in ("face", "track", "box_x1", "expression", "AU12", "jawOpen", "reason")} == {""}
    for column in columns():
        if column.type == "float" and rows[0][column.name]:
            assert len(rows[0][column.name].partition(".")[2]) <= (column.decimals or 0), column.name
            assert float(rows[0][column.name]) == round(float(table[column.name][0]), column.decimals), column.name


@pytest.mark.parametrize("kind", NATIVE)
def test_commas_quotes_and_line_breaks_in_text_are_kept(kind: str, tmp_path) -> None:
    sources = ["plain.mp4", 'a, "b".mp4', "two\nlines", "naïve 表情.mp4", "", " nan "]
    table = Table.from_columns({"source": sources, "reason": sources[::-1]})
    table.write(tmp_path / f"a.{kind}")
    back = Table.read(tmp_path / f"a.{kind}")
    assert back["source"].tolist() == sources
    assert back["reason"].tolist() == sources[::-1]


def test_a_score_is_written_without_the_noise_of_float32(tmp_path) -> None:
    table = Table.from_columns({"AU12": [0.1234], "time": [1.0 / 3], "pose_yaw": [-0.0000001]})
    for name in ("a.csv", "a.jsonl"):
        table.write(tmp_path / name)
        text = (tmp_path / name).read_text()
        assert "0.1234" in text
        assert "0.12340" not in text
        assert "0.333333" in text
        assert "-0" not in text


def test_jsonl_holds_null_and_all_keys_in_order(make_table, tmp_path) -> None:
    make_table((1, 0)).write(tmp_path / "a.jsonl")
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert "NaN" not in "".join(lines)
    assert [list(json.loads(line)) for line in lines] == [[c.name for c in columns()]] * 2
    assert json.loads(lines[1])["box_x1"] is None


def test_csv_and_jsonl_get_a_file_with_units_beside_them(make_table, tmp_path) -> None:
    for name in ("a.csv", "a.jsonl"):
        make_table().write(tmp_path / name)
        facts = json.loads((tmp_path / f"{name}.schema.json").read_text())
        assert facts["schema_version"] == 1
        assert facts["settings"] == {"smoothing": 0.3}
        assert [c["name"] for c in facts["columns"]] == [c.name for c in columns()]
        assert next(c for c in facts["columns"] if c["name"] == "pose_yaw")["unit"] == "rad"
    make_table().write(tmp_path / "a.parquet")
    assert not (tmp_path / "a.parquet.schema.json").exists()


def test_a_csv_without_its_neighbour_is_read(make_table, tmp_path, assert_close) -> None:
    table = make_table()
    table.write(tmp_path / "a.csv")
    (tmp_path / "a.csv.schema.json").unlink()
    back = Table.read(tmp_path / "a.csv")
    assert_close(back, table)
    assert back.settings == {}


def test_a_packed_csv_is_read_with_its_settings(make_table, tmp_path, assert_close) -> None:
    table = make_table()
    table.write(tmp_path / "a.csv")
    with gzip.open(tmp_path / "a.csv.gz", "wb") as packed:
        packed.write((tmp_path / "a.csv").read_bytes())
    back = Table.read(tmp_path / "a.csv.gz")
    assert_close(back, table)
    assert back.settings == {"smoothing": 0.3}


def newer_parquet(folder) -> str:
    table = Table.from_columns({"frame": [0]}).to_arrow()
    facts = {b"mien.schema_version": b"2", b"mien.version": b"9.0", b"mien.settings": b"{}"}
    pq.write_table(table.replace_schema_metadata(facts), folder / "a.parquet")
    return "a.parquet"


def newer_text(folder, kind: str) -> str:
    Table.from_columns({"frame": [0]}).write(folder / f"a.{kind}")
    beside = folder / f"a.{kind}.schema.json"
    beside.write_text(json.dumps(json.loads(beside.read_text()) | {"schema_version": 2, "mien": "9.0"}))
    return f"a.{kind}"


@pytest.mark.parametrize("kind", NATIVE)
def test_a_newer_version_says_what_to_do(kind: str, tmp_path) -> None:
    name = newer_parquet(tmp_path) if kind == "parquet" else newer_text(tmp_path, kind)
    with pytest.raises(InputError, match=r"schema version 2, written by mien 9.0; wanted version 1 or older; update mien"):
        Table.read(tmp_path / name)


@pytest.mark.parametrize("kind", NATIVE)
def test_missing_columns_are_filled_and_other_columns_are_kept(kind: str, tmp_path) -> None:
    data = pa.table(
        {"frame": [0, 1], "mood, note": ["x", None], "AU12": [0.5, None], "trial": [7, 8], "score": [0.123456789, 1.5]}
    )
    if kind == "csv":
        (tmp_path / "a.csv").write_text('frame,"mood, note",AU12,trial,score\n0,x,0.5,7,0.123456789\n1,,,8,1.5\n')
    elif kind == "jsonl":
        (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in data.to_pylist()))
    else:
        pq.write_table(data, tmp_path / "a.parquet")
    table = Table.read(tmp_path / f"a.{kind}")
    assert table.columns[:3] == ("source", "frame", "time")
    assert table.columns[-3:] == ("mood, note", "trial", "score")
    assert table["AU12"].tolist()[0] == 0.5
    assert np.isnan(table["AU12"][1])
    assert np.isnan(table["pose_yaw"]).all()
    assert table["track"].tolist() == [-1, -1]
    table.write(tmp_path / f"b.{kind}")
    back = Table.read(tmp_path / f"b.{kind}")
    assert back["trial"].tolist() == [7, 8]
    assert back["score"].tolist() == [0.123456789, 1.5]  # not rounded: mien does not know what it means
    assert back["mood, note"].tolist()[0] == "x"


@pytest.mark.parametrize("kind", ["pandas", "spreadsheet"])
def test_a_csv_that_went_through_another_program_is_read(kind: str, make_table, tmp_path, assert_close) -> None:
    table = make_table()
    if kind == "pandas":  # writes whole numbers with gaps as 0.0
        table.to_pandas().astype({"face": float, "track": float}).to_csv(tmp_path / "a.csv", index=False)
    else:  # a spreadsheet marks the file as UTF-8 and ends its lines in its own way
        table.write(tmp_path / "b.csv")
        text = (tmp_path / "b.csv").read_text().replace("\n", "\r\n")
        (tmp_path / "a.csv").write_bytes(text.encode("utf-8-sig"))
    assert_close(Table.read(tmp_path / "a.csv"), table)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_line_that_was_cut_off_is_left_out_with_a_warning(kind: str, make_table, tmp_path, caplog) -> None:
    make_table((1, 1, 1)).write(tmp_path / f"a.{kind}")
    whole = (tmp_path / f"a.{kind}").read_bytes()
    (tmp_path / f"a.{kind}").write_bytes(whole[:-300])
    with caplog.at_level(logging.WARNING):
        assert Table.read(tmp_path / f"a.{kind}")["frame"].tolist() == [0, 1]
    assert "cut off" in caplog.text


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_last_line_without_a_line_break_is_kept_when_it_is_whole(kind: str, make_table, tmp_path) -> None:
    make_table((1, 1)).write(tmp_path / f"a.{kind}")
    path = tmp_path / f"a.{kind}"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert Table.read(path)["frame"].tolist() == [0, 1]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_infinity_is_no_value(kind: str, tmp_path) -> None:
    Table.from_columns({"box_x1": [np.inf, 1.0], "AU12": [0.5, -np.inf]}).write(tmp_path / f"a.{kind}")
    table = Table.read(tmp_path / f"a.{kind}")
    np.testing.assert_array_equal(table["box_x1"], [np.nan, 1])
    np.testing.assert_array_equal(table["AU12"], [0.5, np.nan])


def test_files_that_cannot_be_read_say_why(tmp_path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Table.read(tmp_path / "a.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match=r"empty.csv: an empty file"):
        Table.read(tmp_path / "empty.csv")
    (tmp_path / "bad.csv").write_text("frame,AU12\n0,often\n")
    with pytest.raises(InputError, match=r"bad.csv.*AU12|bad.csv.*often"):
        Table.read(tmp_path / "bad.csv")
    (tmp_path / "half.csv").write_text("frame,AU12\n0.5,0.5\n")
    with pytest.raises(InputError, match=r"half.csv.*0.5"):
        Table.read(tmp_path / "half.csv")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InputError, match=r"bad.parquet"):
        Table.read(tmp_path / "bad.parquet")
    (tmp_path / "bad.jsonl").write_text('{"frame": 0}\nnot json\n{"frame": 1}\n')
    with pytest.raises(InputError, match=r"bad.jsonl"):
        Table.read(tmp_path / "bad.jsonl")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no column of the schema"):
        Table.read(tmp_path / "other.csv")
    (tmp_path / "twice.csv").write_text("frame,AU12,AU12\n0,0.5,0.6\n")
    with pytest.raises(InputError, match="AU12"):
        Table.read(tmp_path / "twice.csv")
    with pytest.raises(InputError, match=r"unknown table format '.xlsx'"):
        Table.read(tmp_path / "a.xlsx")


@pytest.mark.parametrize(
    ("header", "reader"),
    [("frame, success, AU01_r", "read_openface"), ("FaceRectX,frame,AU01", "read_fex"), ("Timecode,frame", "read_arkit")],
)
def test_a_file_of_another_tool_names_its_reader(header: str, reader: str, tmp_path) -> None:
    (tmp_path / "a.csv").write_text(header + "\n" + ",".join("0" * len(header.split(","))) + "\n")
    with pytest.raises(InputError, match=reader):
        Table.read(tmp_path / "a.csv")


def test_writing_over_the_file_that_was_read_works(make_table, tmp_path) -> None:
    for kind in NATIVE:
        path = tmp_path / f"a.{kind}"
        make_table((1, 1, 1)).write(path)
        table = Table.read(path)
        table.where(table["frame"] > 0).write(path)
        assert Table.read(path)["frame"].tolist() == [1, 2]
