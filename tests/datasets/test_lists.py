"""Lists, spreadsheets and archives."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from mien.datasets.drawing import lines
from mien.datasets.labels import RAF_7
from mien.datasets.layout import Layout, Packed, members, natural, rows, together
from mien.datasets.sheet import cells, sheet_rows, write_sheet
from mien.errors import InputError


class TestRows:
    def test_headed_and_bare_lists(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.csv", ["file, label", "", "x.jpg, 4"])
        lines(tmp_path / "b.txt", ["x.jpg   4"])
        headed, bare = list(rows(tmp_path / "a.csv")), list(rows(tmp_path / "b.txt", ("file", "label"), None))
        for row, number in ((headed[0], 3), (bare[0], 1)):
            assert (row.text("file"), row.whole("label"), row.number) == ("x.jpg", 4, number)
            assert row.code("label", RAF_7, 1).name == "happiness"

    def test_a_byte_order_mark_is_no_part_of_a_name(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbffile\nx.jpg\n")
        assert next(rows(tmp_path / "a.csv")).text("file") == "x.jpg"

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("x.jpg,8", r"a\.csv line 2: label is 8; wanted a class from 1 to 7"),
            ("x.jpg,0", "a class from 1 to 7"),
            ("x.jpg,2.5", "a whole number"),
            ("x.jpg,nan", "a number"),
            ("x.jpg,", "a number"),
            ("x.jpg", "1 cells; wanted 2 cells"),
        ],
    )
    def test_a_wrong_line_is_named(self, tmp_path: Path, line: str, words: str) -> None:
        lines(tmp_path / "a.csv", ["file,label", line])
        with pytest.raises(InputError, match=words):
            [row.code("label", RAF_7, 1) for row in rows(tmp_path / "a.csv")]

    def test_other_slips(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.csv", ["file,label", "x.jpg,Joy"])
        row = next(rows(tmp_path / "a.csv"))
        with pytest.raises(InputError, match="one of: surprise"):
            row.word("label", RAF_7)
        with pytest.raises(InputError, match="did you mean label"):
            row.text("lable")
        (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(InputError, match="UTF-8"):
            list(rows(tmp_path / "b.csv"))

    def test_lists_that_go_together(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.txt", ["x 1", "y 2"])
        for content, words in ((["x 1", "z 2"], "image is z; wanted y"), (["x 1"], "ends before this line")):
            lines(tmp_path / "b.txt", content)
            both = [rows(tmp_path / name, ("image", "n"), None) for name in ("a.txt", "b.txt")]
            with pytest.raises(InputError, match=words):
                list(together(*both, column="image"))

    def test_numbers_in_names_count_as_numbers(self) -> None:
        names = ["img10.jpg", "img9.jpg", "a2b10", "a2b9"]
        assert sorted(names, key=natural) == ["a2b9", "a2b10", "img9.jpg", "img10.jpg"]


class TestSheets:
    def test_what_is_written_is_read(self, tmp_path: Path) -> None:
        write_sheet(
            tmp_path / "a.xlsx", [["notes"], [], ["Name", "", "Frame"], ["a & b <c>", "x", 46], ["", "", ""], ["d", "", 2.5]]
        )
        found = list(sheet_rows(tmp_path / "a.xlsx", ("Name", "Frame")))
        assert [(row.text("Name"), row.text("column 2"), row.real("Frame")) for row in found] == [
            ("a & b <c>", "x", 46),
            ("d", "", 2.5),
        ]
        with pytest.raises(InputError, match="no row with Apex"):
            list(sheet_rows(tmp_path / "a.xlsx", ("Apex",)))

    def test_shared_texts_and_cells_that_were_left_out(self, tmp_path: Path) -> None:
        """The form in which Excel writes: texts in a list of their own, empty cells not written."""
        main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
        shared = f"<sst {main}><si><t>one</t></si><si><r><t>tw</t></r><r><t>o</t></r></si></sst>"
        sheet = (
            f'<worksheet {main}><sheetData><row r="3"><c r="B3" t="s"><v>1</v></c><c r="AA3"><v>7</v></c></row>'
            '<row r="9"><c r="A9" t="s"><v>0</v></c></row></sheetData></worksheet>'
        )
        with ZipFile(tmp_path / "a.xlsx", "w") as archive:
            archive.writestr("xl/sharedStrings.xml", shared)
            archive.writestr("xl/worksheets/sheet1.xml", sheet)
        found = list(cells(tmp_path / "a.xlsx"))
        assert found[0] == (3, ["", "two", *[""] * 24, "7"])
        assert found[1] == (9, ["one"])

    def test_what_is_no_sheet_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.xlsx").write_bytes(b"\xd0\xcf\x11\xe0 an old .xls")
        with pytest.raises(InputError, match=r"save it as \.xlsx"):
            list(cells(tmp_path / "a.xlsx"))
        with ZipFile(tmp_path / "b.xlsx", "w") as archive:
            archive.writestr("xl/worksheets/sheet1.xml", '<!DOCTYPE x [<!ENTITY a "b">]><worksheet/>')
        with pytest.raises(InputError, match="entities"):
            list(cells(tmp_path / "b.xlsx"))


class TestPlaces:
    def test_the_first_of_several_is_taken(self, tmp_path: Path) -> None:
        (tmp_path / "Anno").mkdir()
        (tmp_path / "Anno" / "a.txt").touch()
        layout = Layout("celeba", tmp_path)
        assert layout.file("a.txt", "Anno/a.txt") == tmp_path / "Anno" / "a.txt"
        with pytest.raises(InputError, match=r"CelebA: there is no file b\.txt or Anno/b\.txt in .*download"):
            layout.file("b.txt", "Anno/b.txt")

    def test_archives(self, tmp_path: Path) -> None:
        (tmp_path / "a.zip").write_bytes(b"none")
        with pytest.raises(InputError, match="a ZIP archive"):
            members(tmp_path / "a.zip")
        with ZipFile(tmp_path / "b.zip", "w") as archive:
            archive.writestr("x.jpg", b"")
        with pytest.raises(InputError, match=r"a picture y\.jpg"):
            Packed(tmp_path / "b.zip", "y.jpg")()
