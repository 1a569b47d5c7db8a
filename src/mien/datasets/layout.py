"""Finding the files of a data set, and reading its lists line by line, with errors that say what to do."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from ..errors import InputError, unknown_name
from ..labels import LabelSet
from ..media.image import read_image
from ..media.rgb import RGB
from . import source
from .labels import term
from .sample import Category

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
Place = str | os.PathLike[str]


class Layout:
    """The root of a data set on disk, and where its files may lie below it.

    Args:
        name: name of the data set.
        root: its folder.

    Raises:
        InputError: there is no such folder.
    """

    def __init__(self, name: str, root: Place) -> None:
        self.card, self.root = source(name), Path(root)
        if not self.root.is_dir():
            raise self.missing("folder", str(self.root))

    def missing(self, kind: str, *names: str) -> InputError:
        """The error for something that was looked for and is not there."""
        where = f" in {self.root}" if self.root.is_dir() else ""
        got = f"{self.card.short}: there is no {kind} {' or '.join(names)}{where}"
        return InputError(got, ", ".join(self.card.files), self.card.how)

    def file(self, *names: str) -> Path:
        """The first of these files that is there.

        Raises:
            InputError: none is there; the message says how to get the data set.
        """
        for name in names:
            if (self.root / name).is_file():
                return self.root / name
        raise self.missing("file", *names)

    def folder(self, *names: str) -> Path:
        """The first of these folders that is there.

        Raises:
            InputError: none is there; the message says how to get the data set.
        """
        for name in names:
            if (self.root / name).is_dir():
                return self.root / name
        raise self.missing("folder", *names)

    def split(self, name: str) -> str:
        """The split of that name.

        Raises:
            InputError: the data set has no such split.
        """
        if name not in self.card.splits:
            raise unknown_name(f"split of {self.card.short}", name, self.card.splits)
        return name


@dataclass(frozen=True)
class Row:
    """One line of a list, with the names of its cells."""

    path: Path
    number: int
    cells: Mapping[str, str]

    def error(self, got: str, wanted: str) -> InputError:
        """The error for a wrong cell, with file and line."""
        return InputError(f"{self.path.name} line {self.number}: {got}", wanted, "repair the line, or get the file anew")

    def text(self, column: str) -> str:
        """The cell, without blanks around it; an unknown column lists the nearest ones."""
        if column not in self.cells:
            raise unknown_name(f"column of {self.path.name}", column, self.cells)
        return self.cells[column].strip()

    def whole(self, column: str) -> int:
        """The cell as a whole number; "3.0" is one, as spreadsheets write it."""
        value = self.real(column)
        if value != int(value):
            raise self.error(f"{column} is {self.text(column)!r}", "a whole number")
        return int(value)

    def real(self, column: str) -> float:
        """The cell as a finite number."""
        try:
            value = float(self.text(column))
        except ValueError:
            value = float("nan")
        if not -1e300 < value < 1e300:
            raise self.error(f"{column} is {self.text(column)!r}", "a number")
        return value

    def code(self, column: str, labels: LabelSet, first: int = 0) -> Category:
        """The cell as the number of a class, counted from ``first``."""
        index = self.whole(column) - first
        if not 0 <= index < len(labels):
            raise self.error(f"{column} is {index + first}", f"a class from {first} to {first + len(labels) - 1}")
        return Category(index, labels)

    def word(self, column: str, labels: LabelSet) -> Category:
        """The cell as the name of a class, in the words of mien or of the data set."""
        for name in (self.text(column), term(self.text(column))):
            if name in labels:
                return Category(labels.index(name), labels)
        raise self.error(f"{column} is {self.text(column)!r}", f"one of: {', '.join(labels.names)}")


def rows(path: Path, columns: Sequence[str] | None = None, delimiter: str | None = ",", skip: int = 0) -> Iterator[Row]:
    """The lines of a text list; empty lines are left out.

    Args:
        path: the file, in UTF-8.
        columns: names of the cells; None where the first line holds them.
        delimiter: what stands between cells; None for any blanks.
        skip: lines at the beginning that are no part of the list.

    Raises:
        InputError: a line has another number of cells, or the file is no text.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            lines = csv.reader(stream, delimiter=delimiter) if delimiter else (line.split() for line in stream)
            for number, cells in enumerate(lines, 1):
                if number <= skip or not any(cell.strip() for cell in cells):
                    continue
                if columns is None:
                    columns = [cell.strip() for cell in cells]
                    continue
                if len(cells) != len(columns):
                    wanted = f"{len(columns)} cells: {', '.join(columns[:12])}"
                    raise InputError(f"{path.name} line {number}: {len(cells)} cells", wanted, "repair the line")
                yield Row(path, number, dict(zip(columns, cells)))
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name}: {error}", "a text file in UTF-8", "get the file anew") from error


def together(*lists: Iterator[Row], column: str) -> Iterator[tuple[Row, ...]]:
    """The lines of several lists that go together, one by one.

    Args:
        lists: lists with the same names in the same order.
        column: which cell holds the name.

    Raises:
        InputError: the names differ, or one list is shorter.
    """
    for found in zip_longest(*lists):
        first = next(row for row in found if row is not None)
        for row in found:
            if row is None:
                raise first.error("another list ends before this line", "lists of the same length")
            if row.text(column) != first.text(column):
                raise row.error(f"{column} is {row.text(column)}", f"{first.text(column)}, as in {first.path.name}")
        yield found


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key to sort names so that the numbers in them count as numbers: img9 before img10."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text) if part)


def pictures(folder: Path) -> tuple[Path, ...]:
    """The pictures of a folder, in natural order of their names."""
    found = (path for path in folder.iterdir() if path.suffix.lower() in PICTURES and not path.name.startswith("."))
    return tuple(sorted(found, key=lambda path: natural(path.name)))


def subfolders(folder: Path) -> tuple[Path, ...]:
    """The folders in a folder, in natural order of their names."""
    found = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return tuple(sorted(found, key=lambda path: natural(path.name)))


@lru_cache(maxsize=8)
def _archive(path: Path, process: int) -> ZipFile:
    # a process that was forked must not share the place in the file with its parent
    return ZipFile(path)


@dataclass(frozen=True)
class Packed:
    """A picture in a ZIP archive, which stays open in each process."""

    archive: Path
    name: str

    def __call__(self) -> RGB:
        """The picture, (h, w, 3) uint8 RGB.

        Raises:
            InputError: the archive does not hold it, or it is damaged.
        """
        try:
            return read_image(_archive(self.archive, os.getpid()).read(self.name))
        except (KeyError, BadZipFile) as error:
            raise InputError(f"{self.archive.name}: {error}", f"a picture {self.name}", "get the archive anew") from error


def members(archive: Path) -> frozenset[str]:
    """The names in a ZIP archive.

    Raises:
        InputError: it is no ZIP archive.
    """
    try:
        with ZipFile(archive) as opened:
            return frozenset(opened.namelist())
    except BadZipFile as error:
        raise InputError(f"{archive.name}: {error}", "a ZIP archive", "get the file anew") from error
