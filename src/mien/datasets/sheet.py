"""Spreadsheets (.xlsx) as rows of text, by the standard library: the first sheet, values only.

Source: ECMA-376, part 1, SpreadsheetML: cells ``c`` with reference ``r`` and type ``t`` in ``xl/worksheets``, texts in
``xl/sharedStrings.xml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape
from zipfile import BadZipFile, ZipFile

from ..errors import InputError
from .layout import Row

_MAX_BYTES = 1 << 27  # of one sheet, unpacked


def _plain(archive: ZipFile, name: str) -> ElementTree.Element:
    """A part of the file as XML, its tags without name space."""
    if archive.getinfo(name).file_size > _MAX_BYTES:
        raise InputError(f"{name}: {archive.getinfo(name).file_size} bytes", f"at most {_MAX_BYTES}")
    data = archive.read(name)
    # entities are the one way in which XML of a few bytes fills the memory; spreadsheets have none
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise InputError(f"{name} declares entities", "the XML of a spreadsheet")
    root = ElementTree.fromstring(data)
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
    return root


def _text(node: ElementTree.Element) -> str:
    # rPh holds how a text is pronounced, which is no part of it
    return (
        "".join(t.text or "" for t in node.iter("t"))
        if node.find("rPh") is None
        else "".join(t.text or "" for part in node if part.tag != "rPh" for t in part.iter("t"))
    )


def _column(reference: str) -> int:
    """Number of the column of a cell, from 0: B7 is 1."""
    letters = re.match(r"[A-Z]+", reference)
    number = 0
    for letter in letters[0] if letters else "":
        number = number * 26 + ord(letter) - 64
    return number - 1


def _first_sheet(archive: ZipFile) -> str:
    names = [name for name in archive.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)]
    if not names:
        raise KeyError("xl/worksheets/sheet1.xml")
    return min(names, key=lambda name: int(re.findall(r"\d+", name)[0]))


def cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of the first sheet: number, from 1, and cells as text, without those that are empty at the end.

    Raises:
        InputError: the file is no .xlsx spreadsheet.
    """
    try:
        with ZipFile(path) as archive:
            shared: list[str] = []
            if "xl/sharedStrings.xml" in archive.namelist():
                shared = [_text(node) for node in _plain(archive, "xl/sharedStrings.xml").iter("si")]
            sheet = _plain(archive, _first_sheet(archive))
    except (BadZipFile, KeyError, ElementTree.ParseError) as error:
        remedy = "save it as .xlsx; the older .xls is another format"
        raise InputError(f"{path.name}: {error}", "a spreadsheet (.xlsx)", remedy) from error
    for number, row in enumerate(sheet.iter("row"), 1):
        values: list[str] = []
        for cell in row.iter("c"):
            at = _column(cell.get("r", ""))
            values += [""] * ((at if at >= 0 else len(values)) - len(values))
            found, kind = cell.find("v"), cell.get("t")
            text = _text(cell) if kind == "inlineStr" else (found.text or "" if found is not None else "")
            values.append(shared[int(text)] if kind == "s" and text else text)
        yield int(row.get("r", number)), values


def sheet_rows(path: Path, header: Sequence[str] = ()) -> Iterator[Row]:
    """The rows below the heading of the first sheet.

    Args:
        path: a .xlsx file.
        header: names that the heading must hold; it is the first row that has them all. Without names, the first row.

    Raises:
        InputError: the file is no .xlsx spreadsheet, or no row holds these names.
    """
    columns: list[str] | None = None
    for number, values in cells(path):
        if columns is None:
            if all(name in [value.strip() for value in values] for name in header):
                # a column without heading gets its number
                columns = [value.strip() or f"column {i}" for i, value in enumerate(values, 1)]
            continue
        if any(value.strip() for value in values):
            yield Row(path, number, dict(zip(columns, values + [""] * (len(columns) - len(values)))))
    if columns is None:
        raise InputError(f"{path.name} has no row with {', '.join(header)}", "the coding sheet of the data set")


def write_sheet(path: Path, content: Sequence[Sequence[object]]) -> None:
    """Write a spreadsheet of one sheet: numbers as numbers, everything else as text."""

    def cell(value: object) -> str:
        if isinstance(value, (int, float)):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'

    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    rows = "".join(f"<row>{''.join(cell(value) for value in row)}</row>" for row in content)
    book = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/vnd.'
        f'openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{book}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{book}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, head + text)
