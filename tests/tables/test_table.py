import json

import numpy as np
import pytest

from mien.errors import InputError
from mien.tables import Table


def test_an_unknown_column_lists_the_nearest_names(make_table) -> None:
    with pytest.raises(InputError, match=r"unknown column 'AU12_intens'.*did you mean AU12_intensity"):
        make_table()["AU12_intens"]


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="AU12"):
        Table.from_columns({"frame": [0, 1], "AU12": [0.5]})


def test_where_takes_masks_and_row_numbers_and_keeps_the_settings(make_table) -> None:
    table = make_table((1, 2, 0, 1))
    assert len(table) == 5
    part = table.where(table["face"] >= 0)
    assert part["frame"].tolist() == [0, 1, 1, 3]
    assert part.settings == {"smoothing": 0.3}
    assert table.where([4, 0])["frame"].tolist() == [3, 0]
    assert len(table.where([])) == 0
    with pytest.raises(InputError, match="mask of shape"):
        table.where([True])


def test_tracks_give_one_table_for_each_person(make_table) -> None:
    found = make_table((1, 2, 0, 2)).tracks()
    assert {i: t["frame"].tolist() for i, t in found.items()} == {4: [0, 1, 3], 5: [1, 3]}


def test_tracks_of_several_sources_are_refused() -> None:
    table = Table.from_columns({"source": ["a.mp4", "b.mp4"], "track": [0, 0]})
    with pytest.raises(InputError, match="2 sources"):
        table.tracks()


def test_rows_are_plain_json_with_rounded_numbers(make_table) -> None:
    table = make_table((1, 0))
    rows = list(table.rows())
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert rows[0]["AU12"] == round(float(table["AU12"][0]), 4)
    assert list(rows[0]) == list(table.columns)


def test_pandas_gets_nullable_numbers_and_gaps(make_table) -> None:
    frame = make_table((1, 0)).to_pandas()
    assert str(frame["track"].dtype) == "Int64"
    assert frame["track"].isna().tolist() == [False, True]
    assert frame["face"].tolist()[0] == 0
    assert frame["AU12"].isna().tolist() == [False, True]
    assert frame["status"].tolist() == ["ok", "no_face"]


def test_an_empty_table_works_throughout(tmp_path) -> None:
    table = Table.from_frames([])
    assert len(table) == 0
    assert list(table.rows()) == []
    assert table.tracks() == {}
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        table.write(tmp_path / name)
        assert Table.read(tmp_path / name).columns == table.columns


def test_from_columns_refuses_a_name_that_is_not_in_the_schema() -> None:
    with pytest.raises(InputError, match=r"unknown column 'pose_yam'.*pose_yaw"):
        Table.from_columns({"pose_yam": [0.0]})


def test_gaps_in_whole_numbers_become_minus_one() -> None:
    table = Table.from_columns({"frame": [0, 1], "track": [np.nan, 3.0]})
    assert table["track"].tolist() == [-1, 3]
    assert table["track"].dtype == np.int64
