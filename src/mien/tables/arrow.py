"""Between columns in numpy and tables in arrow: null is NaN in a float column, -1 in an int column, None in a string column."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from .. import __version__
from .rows import Columns
from .schema import SCHEMA_VERSION, Column

_TYPES = {"string": pa.string(), "int": pa.int64()}


def arrow_type(column: Column) -> pa.DataType:
    """The arrow type of a column."""
    return _TYPES[column.type] if column.type != "float" else pa.from_numpy_dtype(column.dtype)


def arrow_schema(schema: Sequence[Column], settings: Mapping[str, Any]) -> pa.Schema:
    """The schema for arrow and Parquet: version, settings, and unit and meaning of each column lie in its metadata."""
    fields = [pa.field(c.name, arrow_type(c), metadata=_facts(c)) for c in schema]
    facts = {
        "mien.schema_version": str(SCHEMA_VERSION),
        "mien.version": __version__,
        "mien.settings": json.dumps(dict(settings), sort_keys=True),
    }
    return pa.schema(fields, metadata=facts)


def _facts(column: Column) -> dict[str, str] | None:
    return None if column.group == "extra" else {"unit": column.unit, "meaning": column.meaning, "group": column.group}


def _array(values: NDArray[Any], column: Column) -> pa.Array:
    if column.type == "int":
        return pa.array(values, pa.int64(), mask=values < 0 if column.group != "extra" else None)
    return pa.array(values, arrow_type(column), from_pandas=True)


def to_arrow(data: Columns, schema: Sequence[Column], settings: Mapping[str, Any]) -> pa.Table:
    """Columns as an arrow table, exact."""
    return pa.Table.from_arrays([_array(data[c.name], c) for c in schema], schema=arrow_schema(schema, settings))


def rounded(data: Columns, schema: Sequence[Column]) -> Columns:
    """Columns in which each float has the digits that a text file shows, in float64, so that no float32 noise is written."""
    found = {}
    for column in schema:
        values = data[column.name]
        if column.type == "float":
            # JSON has no word for infinity, and no column has a use for it
            values = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
            if column.decimals is not None:
                values = np.round(values, column.decimals) + 0.0  # + 0.0 turns -0.0 into 0.0
        found[column.name] = values
    return found


def to_text_arrow(data: Columns, schema: Sequence[Column]) -> pa.Table:
    """Columns as an arrow table of what a text file shows: floats rounded, in float64."""
    texts = rounded(data, schema)
    arrays = [pa.array(texts[c.name], from_pandas=True) if c.type == "float" else _array(texts[c.name], c) for c in schema]
    return pa.Table.from_arrays(arrays, names=[c.name for c in schema])


def from_arrow(table: pa.Table, schema: Sequence[Column]) -> Columns:
    """The columns of a schema out of an arrow table; a column that the table lacks is filled with "could not tell".

    Raises:
        pa.ArrowInvalid: a column cannot be converted to its type.
    """
    found: Columns = {}
    names = set(table.column_names)
    for column in schema:
        if column.name not in names:
            found[column.name] = missing(column, table.num_rows)
            continue
        values = table.column(column.name).cast(arrow_type(column))
        if column.type == "int":
            found[column.name] = values.fill_null(-1).to_numpy()
        elif column.type == "string":
            texts = values.to_pylist()
            if column.name == "expression":  # CSV has no other way to say None
                texts = [text or None for text in texts]
            elif column.group != "extra":
                texts = [text or "" for text in texts]
            found[column.name] = np.array(texts, object)
        else:
            # a fresh array: arrow hands out read-only ones
            found[column.name] = np.array(values.to_numpy(), column.dtype)
    return found


def missing(column: Column, count: int) -> NDArray[Any]:
    """A column of which nothing is known."""
    if column.type == "string":
        return np.full(count, None if column.name == "expression" or column.group == "extra" else "", object)
    return np.full(count, -1 if column.type == "int" else np.nan, column.dtype)


def extra_column(name: str, values: pa.ChunkedArray) -> Column:
    """The column for values that are not mien's own: int and float stay, everything else becomes text.

    An int column with gaps becomes float, where a gap is NaN.
    """
    if pa.types.is_floating(values.type) or (pa.types.is_integer(values.type) and values.null_count):
        return Column(name, "float", "", "", "extra")
    return Column(name, "int" if pa.types.is_integer(values.type) else "string", "", "", "extra")


def tool_table(parts: Sequence[tuple[str, NDArray[Any], int | None]]) -> pa.Table:
    """An arrow table in another tool's columns.

    Args:
        parts: name, values, and how many digits after the point to keep; None for text and whole numbers.
    """
    arrays = []
    for _, values, decimals in parts:
        if decimals is not None:
            values = np.round(np.asarray(values, np.float64), decimals) + 0.0
        arrays.append(pa.array(values, from_pandas=True))
    return pa.Table.from_arrays(arrays, names=[name for name, _, _ in parts])


def header(names: Sequence[str]) -> bytes:
    """The first line of a CSV file, quoted only where it must be."""
    return (",".join(_quoted(n) for n in names) + "\n").encode()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if any(c in name for c in ',"\r\n') else name


def csv_lines(table: pa.Table) -> bytes:
    """The rows of an arrow table as CSV lines without a header."""
    special = any(_needs_quotes(c) for c in table.columns if pa.types.is_string(c.type))
    # arrow quotes all strings or none; none is easier to read, and is right when no string needs it
    options = pa_csv.WriteOptions(include_header=False, quoting_style="needed" if special else "none")
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(table, sink, options)
    lines: bytes = sink.getvalue().to_pybytes()
    return lines


def _needs_quotes(column: pa.ChunkedArray) -> bool:
    return any(any(c in text for c in ',"\r\n') for text in column.unique().to_pylist() if text)
