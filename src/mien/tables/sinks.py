"""Files that take columns chunk by chunk: CSV, JSON lines, Parquet."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from .. import __version__
from ..errors import InputError, unknown_name
from ..files import atomic
from .arrow import arrow_schema, csv_lines, header, rounded, to_arrow, to_text_arrow
from .rows import Columns
from .schema import SCHEMA_VERSION, Column

FORMATS = ("csv", "jsonl", "parquet")


class Sink(Protocol):
    """What takes chunks of columns.

    ``chunk`` is the number of rows after which a chunk is due, ``seconds`` the time after which it is due anyway.
    """

    chunk: int
    seconds: float

    def write(self, data: Columns) -> None:
        """Append rows; when it raises, none of them is in the file."""

    def close(self) -> None:
        """Finish the file; a second call does nothing."""


def format_of(path: str | os.PathLike[str], format: str | None) -> str:
    """The format by argument or by the end of the name.

    Raises:
        InputError: mien does not write that format.

    Example:
        >>> format_of("take.csv", None)
        'csv'
    """
    name = format if format is not None else Path(path).suffix.lower().removeprefix(".")
    if name not in FORMATS:
        raise unknown_name("table format", name, FORMATS)
    return name


def open_sink(path: str | os.PathLike[str], format: str | None, schema: Sequence[Column], settings: Mapping[str, Any]) -> Sink:
    """A sink for a file; an older file of that name is replaced.

    Raises:
        InputError: the format is unknown, the settings cannot be written as JSON, or the file cannot be made.
    """
    kind = format_of(path, format)
    try:
        json.dumps(dict(settings), allow_nan=False)
    except (TypeError, ValueError) as error:
        wanted = "numbers, texts, lists and dicts"
        raise InputError(f"settings that JSON cannot hold: {error}", wanted, "convert them first") from error
    if kind == "parquet":
        return _Parquet(Path(path), schema, settings)
    return (_Csv if kind == "csv" else _Jsonl)(Path(path), schema, settings)


def cannot_make(path: Path, error: OSError) -> InputError:
    """The error for a file that cannot be opened for writing."""
    wanted = "a file in a folder that can be written"
    return InputError(f"{path}: {error.strerror or error}", wanted, "make the folder or choose another path")


def _cannot_go_on(path: Path, rows: int, error: OSError) -> OSError:
    words = f"{path}: {error.strerror or error}; the first {rows} rows are in the file; free some space and run again"
    return OSError(error.errno or errno.EIO, words)


class _Lines:
    """A file that holds whole chunks only: what a failed write has left is cut off again."""

    def __init__(self, path: Path, schema: Sequence[Column], settings: Mapping[str, Any]) -> None:
        self.path = path
        try:
            self._file = open(path, "wb", buffering=0)  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise cannot_make(path, error) from error
        self._end = self.rows = 0
        # a pipe or a device can neither be cut nor have a file beside it
        self.regular = stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        if self.regular:
            try:
                _write_sidecar(path, schema, settings)
            except OSError as error:
                self._file.close()
                raise cannot_make(path, error) from error

    def append(self, lines: bytes, rows: int) -> None:
        view = memoryview(lines)
        try:
            while view:
                view = view[self._file.write(view) or 0 :]
        except OSError as error:
            if self.regular:
                self._file.truncate(self._end)
                self._file.seek(self._end)
            raise _cannot_go_on(self.path, self.rows, error) from error
        self._end += len(lines)
        self.rows += rows

    def close(self) -> None:
        self._file.close()


class _Csv:
    chunk, seconds = 256, 1.0

    def __init__(self, path: Path, schema: Sequence[Column], settings: Mapping[str, Any]) -> None:
        self._schema = schema
        self._lines = _Lines(path, schema, settings)
        try:
            self._lines.append(header([c.name for c in schema]), 0)
        except OSError:
            self._lines.close()
            raise

    def write(self, data: Columns) -> None:
        table = to_text_arrow(data, self._schema)
        self._lines.append(csv_lines(table), table.num_rows)

    def close(self) -> None:
        self._lines.close()


class _Jsonl:
    chunk, seconds = 256, 1.0

    def __init__(self, path: Path, schema: Sequence[Column], settings: Mapping[str, Any]) -> None:
        self._schema = schema
        self._lines = _Lines(path, schema, settings)

    def write(self, data: Columns) -> None:
        encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
        lines = [encode(row) for row in records(data, self._schema)]
        self._lines.append("".join(f"{line}\n" for line in lines).encode(), len(lines))

    def close(self) -> None:
        self._lines.close()


class _Parquet:
    seconds = float("inf")

    def __init__(self, path: Path, schema: Sequence[Column], settings: Mapping[str, Any]) -> None:
        self.path, self._schema, self._settings = path, schema, settings
        # row groups of some 4 MB: small enough for constant memory, large enough for a reader
        self.chunk = max(256, min(8192, (1 << 20) // len(schema)))
        self._rows = self._groups = 0
        self._full: OSError | None = None
        try:
            self._writer = pq.ParquetWriter(path, arrow_schema(schema, settings), compression="zstd")
        except OSError as error:
            raise cannot_make(path, error) from error

    def write(self, data: Columns) -> None:
        if self._full is not None:
            raise self._full
        table = to_arrow(data, self._schema, self._settings)
        if not table.num_rows:
            return
        # a Parquet file is nothing without its footer, so stop while there is still room for it
        footer = 200 * len(self._schema) * (self._groups + 2)
        if shutil.disk_usage(self.path.parent).free < table.nbytes + footer:
            self.close()
            self._full = _cannot_go_on(self.path, self._rows, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
            raise self._full
        try:
            self._writer.write_table(table, row_group_size=table.num_rows)
        except OSError as error:
            raise OSError(error.errno or errno.EIO, f"{self.path}: {error}") from error
        self._rows += table.num_rows
        self._groups += 1

    def close(self) -> None:
        self._writer.close()


def records(data: Columns, schema: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """Rows as dicts with the digits of a text file; None where it could not be told."""
    texts = rounded(data, schema)
    lists: list[list[Any]] = []
    for column in schema:
        values = texts[column.name].tolist()
        if column.type == "float":
            values = [None if v != v else v for v in values]
        elif column.type == "int" and column.group != "extra":
            values = [None if v < 0 else v for v in values]
        lists.append(values)
    names = [c.name for c in schema]
    return (dict(zip(names, row)) for row in zip(*lists))


def sidecar(path: str | os.PathLike[str]) -> Path:
    """The file beside a CSV or JSON lines file that holds version, units, meanings and settings.

    Example:
        >>> sidecar("take.csv").name
        'take.csv.schema.json'
    """
    return Path(f"{os.fspath(path)}.schema.json")


def _write_sidecar(path: Path, schema: Sequence[Column], settings: Mapping[str, Any]) -> None:
    keys = ("name", "type", "unit", "group", "meaning")
    facts = {
        "schema_version": SCHEMA_VERSION,
        "mien": __version__,
        "settings": dict(settings),
        "columns": [{k: getattr(c, k) for k in keys} for c in schema],
    }
    with atomic(sidecar(path)) as stream:
        json.dump(facts, stream, ensure_ascii=False, indent=1)
        stream.write("\n")


def write_csv(table: pa.Table, path: str | os.PathLike[str]) -> None:
    """Write an arrow table of another tool's columns as CSV with a plain header.

    Raises:
        InputError: the file cannot be made there.
        OSError: it cannot be written to its end; nothing is left of it then.
    """
    try:
        with atomic(path, "wb") as stream:
            stream.write(header(table.column_names))
            stream.write(csv_lines(table))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise cannot_make(Path(path), error) from error
