"""Read CSV, JSON lines and Parquet, and the plain CSV files of other tools."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.json as pa_json
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..errors import InputError, unknown_name
from .arrow import arrow_type, extra_column, from_arrow
from .rows import Columns
from .schema import SCHEMA_VERSION, Column, columns
from .sinks import sidecar

log = logging.getLogger(__name__)

READABLE = (".csv", ".csv.gz", ".jsonl", ".parquet")

# a name that only one tool writes -> the function that reads it
_FOREIGN = {
    "AU01_r": "mien.tables.openface.read_openface",
    "pose_Rx": "mien.tables.openface.read_openface",
    "FaceRectX": "mien.tables.fex.read_fex",
    "Timecode": "mien.tables.arkit.read_arkit",
}
# what OpenFace, Windows and numpy write for "not a number"
_NULLS = [space + word for space in ("", " ") for word in ("", "nan", "NaN", "-nan", "-nan(ind)", "nan(ind)", "NA", "null")]

Loaded = tuple[Columns, tuple[Column, ...], dict[str, Any]]


def load(path: str | os.PathLike[str]) -> Loaded:
    """Columns, schema and settings of a file that mien has written.

    Raises:
        InputError: the file is missing, of another format, damaged, of a newer version, or written by another tool.
    """
    name = Path(path).name.lower()
    try:
        if name.endswith(".parquet"):
            table, facts = _parquet(Path(path))
        elif name.endswith((".csv", ".csv.gz")):
            table, facts = _csv(Path(path)), _facts(Path(path))
        elif name.endswith(".jsonl"):
            table, facts = _jsonl(Path(path)), _facts(Path(path))
        else:
            raise unknown_name("table format", Path(path).suffix or name, READABLE)
        _check_version(path, facts)
        schema = _schema(path, table)
        return from_arrow(table, schema), schema, dict(facts.get("settings") or {})
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file", "a table", "check the path") from error
    except (pa.ArrowException, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}", "a table written by mien", "check the file, or write it again") from error


def _check_version(path: str | os.PathLike[str], facts: dict[str, Any]) -> None:
    version = int(facts.get("schema_version", SCHEMA_VERSION))
    if version > SCHEMA_VERSION:
        writer = facts.get("mien", "a newer mien")
        raise InputError(
            f"{path}: schema version {version}, written by mien {writer}",
            f"version {SCHEMA_VERSION} or older",
            "update mien: pip install --upgrade mien",
        )


def _schema(path: str | os.PathLike[str], table: pa.Table) -> tuple[Column, ...]:
    names = table.column_names
    present = set(names)
    if len(present) != len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        raise InputError(f"{path}: columns that come twice: {', '.join(twice[:5])}", "each name once", "rename or drop one")
    reader = next((_FOREIGN[n.strip()] for n in names if n.strip() in _FOREIGN), None)
    if reader is not None:
        raise InputError(f"{path}: the columns of another tool", "a table written by mien", f"read it with {reader}()")
    count = 0
    while f"embedding_{count}" in present:
        count += 1
    schema = columns(mesh="mesh_0_x" in present, embedding=count)
    known = {c.name for c in schema}
    if not known & present:
        raise InputError(f"{path}: no column of the schema", "a table written by mien", "see mien.tables.columns() for the names")
    return schema + tuple(extra_column(n, table.column(n)) for n in names if n not in known)


def _facts(path: Path) -> dict[str, Any]:
    for beside in (sidecar(path), sidecar(path.with_suffix("")) if path.suffix == ".gz" else None):
        if beside is not None and beside.is_file():
            facts: dict[str, Any] = json.loads(beside.read_text("utf-8"))
            return facts
    return {}


def _parquet(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    # ParquetFile, not read_table: a folder name such as "subject=3" must not add columns
    with pq.ParquetFile(path) as file:
        table = file.read()
    found = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items() if k.startswith(b"mien.")}
    facts: dict[str, Any] = {k.removeprefix("mien."): v for k, v in found.items()}
    facts["mien"] = facts.pop("version", None)
    facts["settings"] = json.loads(facts.get("settings", "{}"))
    return table, facts


def _known(names: Sequence[str]) -> dict[str, pa.DataType]:
    present = set(names)
    schema = columns(mesh="mesh_0_x" in present, embedding=sum(n.startswith("embedding_") for n in names))
    # whole numbers as float64: a table that went through pandas says 0.0, and what is no whole number fails in the cast
    return {c.name: pa.float64() if c.type == "int" else arrow_type(c) for c in schema if c.name in present}


def _csv(path: Path) -> pa.Table:
    names = header_of(path)
    options = pa_csv.ConvertOptions(column_types=_known(names), null_values=_NULLS, quoted_strings_can_be_null=False)
    return pa_csv.read_csv(
        _whole_lines(path, lambda line: len(next(csv.reader([line]))) >= len(names)),
        pa_csv.ReadOptions(block_size=_block(names)),
        pa_csv.ParseOptions(newlines_in_values=True),
        options,
    )


def _jsonl(path: Path) -> pa.Table:
    with open(path, encoding="utf-8") as file:
        first = file.readline()
    if not first.endswith("\n") and not _is_json(first):  # no row is whole
        return pa.schema([(c.name, arrow_type(c)) for c in columns()]).empty_table()
    names = list(json.loads(first))
    # one row must fit into a block, also the widest
    options = pa_json.ParseOptions(explicit_schema=pa.schema(_known(names)), unexpected_field_behavior="infer")
    return pa_json.read_json(_whole_lines(path, _is_json), pa_json.ReadOptions(block_size=_block(names)), options)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except json.JSONDecodeError:
        return False
    return True


def _block(names: Sequence[str]) -> int:
    return max(1 << 20, 1024 * len(names))


def _whole_lines(path: Path, is_whole: Any) -> Any:
    """The file without a last line that a killed run has left by half."""
    if path.suffix == ".gz":
        return pa.input_stream(str(path), compression="gzip")
    with open(path, "rb") as file:
        size = file.seek(0, io.SEEK_END)
        tail, start = b"", size
        while start and b"\n" not in tail:
            start = max(0, start - (1 << 16))
            file.seek(start)
            tail = file.read(size - start)
    last = tail[tail.rfind(b"\n") + 1 :]
    if not last.strip() or b"\n" not in tail or is_whole(last.decode("utf-8", "replace")):
        return _stream(path)
    log.warning("%s: the last line is cut off and was left out", path)
    return _stream(path, size - len(last))


def _stream(path: Path, size: int | None = None) -> Any:
    file = pa.OSFile(str(path))
    if size is None:
        return file
    # a view, not a copy: the file can be larger than the memory
    return pa.BufferReader(pa.memory_map(str(path)).read_buffer(size))


def header_of(path: str | os.PathLike[str]) -> list[str]:
    """The names in the first line of a CSV file, as they are.

    Raises:
        InputError: the file is empty.
    """
    with pa.input_stream(str(path), compression="detect") as file:
        line = io.TextIOWrapper(file, "utf-8-sig", newline="").readline()
    if not line.strip():
        raise InputError(f"{path}: an empty file", "a CSV file with a header", "check the file, or write it again")
    return next(csv.reader([line]))


def read_foreign(path: str | os.PathLike[str], text: Sequence[str] = (), wanted: Sequence[str] | None = None) -> Columns:
    """The columns of another tool's CSV, numbers as float64; spaces around the names are taken off.

    Args:
        path: the file; ``.gz`` is unpacked.
        text: names of the columns that are text.
        wanted: read only these; None reads all that are numbers or named in ``text``.

    Raises:
        InputError: the file is missing, empty, or a column that should hold numbers holds something else.
    """
    try:
        raw = header_of(path)
        names = {n.strip(): n for n in raw}
        chosen = [n for n in (names if wanted is None else wanted) if n in names]
        types = {names[n]: pa.string() if n in text else pa.float64() for n in chosen}
        options = pa_csv.ConvertOptions(include_columns=[names[n] for n in chosen], column_types=types, null_values=_NULLS)
        table = pa_csv.read_csv(str(path), pa_csv.ReadOptions(block_size=_block(raw)), convert_options=options)
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file", "a CSV file", "check the path") from error
    except pa.ArrowException as error:
        raise InputError(f"{path}: {error}", "a CSV file with numbers in these columns", "check the file") from error
    found: dict[str, NDArray[Any]] = {}
    for name in chosen:
        values = table.column(names[name])
        found[name] = values.to_numpy(zero_copy_only=False)
    return found
