"""The table: one row for each face in each frame, held by column."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, unknown_name
from ..extras import need
from ..types import Frame
from .rows import Columns, Rows
from .schema import Column, columns

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Table:
    """Rows of faces by column; made by :meth:`from_frames`, :meth:`read` or a reader of another tool's format.

    "Could not tell" is NaN in a float column, -1 in ``face`` and ``track``, None in ``expression``; files hold an empty
    cell or null there. A column that is not mien's own and lay in a file is kept, comes last and is written again.

    Args:
        data: one array for each column of the schema, all of one length.
        schema: the columns.
        settings: how the rows were made (smoothing, model names); carried in every file.

    Raises:
        ValueError: a column is missing or has another length.

    Example:
        >>> import numpy as np
        >>> from mien.types import Faces, Frame
        >>> faces = Faces(np.array([[10, 20, 50, 80]]), np.array([0.9]), track=np.array([3]))
        >>> table = Table.from_frames([Frame(None, 0.0, 0, faces, "a.mp4"), Frame(None, 0.04, 1, Faces.none(), "a.mp4")])
        >>> len(table), table["box_x2"], table["status"]
        (2, array([50., nan], dtype=float32), array(['ok', 'no_face'], dtype=object))
    """

    def __init__(self, data: Columns, schema: Sequence[Column], settings: Mapping[str, Any] | None = None) -> None:
        self.schema = tuple(schema)
        self.settings: dict[str, Any] = dict(settings or {})
        lengths = {c.name: len(data[c.name]) if c.name in data else None for c in self.schema}
        self._length = next(iter(lengths.values()), None) or 0
        wrong = {n: length for n, length in lengths.items() if length != self._length}
        if wrong:
            name, length = next(iter(wrong.items()))
            raise ValueError(f"Table column {name!r} has {length} rows; wanted {self._length}")
        self._data: Columns = {c.name: np.asarray(data[c.name], c.dtype) for c in self.schema}

    @staticmethod
    def from_frames(
        frames: Iterable[Frame], mesh: bool = False, embedding: int = 0, settings: Mapping[str, Any] | None = None
    ) -> Table:
        """The rows of frames; a frame without faces gives one row.

        Args:
            frames: read once, in order.
            mesh: keep the 478 mesh points (1434 columns more).
            embedding: length of the identity embedding to keep; 0 keeps none.
            settings: how the frames were made.

        Raises:
            InputError: an expression has labels that have no column, or an embedding has another length.
        """
        rows = Rows(mesh, embedding)
        for frame in frames:
            rows.add(frame)
        return Table(rows.columns(), rows.schema, settings)

    @staticmethod
    def from_columns(data: Mapping[str, ArrayLike], settings: Mapping[str, Any] | None = None) -> Table:
        """A table from the columns that are known; all others are filled with "could not tell".

        Args:
            data: arrays of one length by column name; ``mesh_0_x`` or ``embedding_0`` brings the optional columns in.
            settings: how the rows were made.

        Raises:
            InputError: a name is not in the schema.
            ValueError: the columns differ in length.

        Example:
            >>> table = Table.from_columns({"frame": [0, 1], "AU12": [0.5, float("nan")]})
            >>> table["AU12"], table["AU06"], table["track"]
            (array([0.5, nan], dtype=float32), array([nan, nan], dtype=float32), array([-1, -1]))
        """
        size = 0
        while f"embedding_{size}" in data:
            size += 1
        schema = columns(mesh="mesh_0_x" in data, embedding=size)
        known = {c.name for c in schema}
        for name in data:
            if name not in known:
                raise unknown_name("column", name, known)
        count = len(np.asarray(next(iter(data.values())))) if data else 0
        return Table({c.name: _typed(data.get(c.name), c, count) for c in schema}, schema, settings)

    @staticmethod
    def read(path: str | os.PathLike[str]) -> Table:
        """Read a table that mien has written: .csv, .csv.gz, .jsonl or .parquet.

        Columns that the file lacks are filled with "could not tell"; columns that are not mien's own are kept at the end.
        A last line that a killed run has left by half is left out with a warning in the log.

        Raises:
            InputError: the file is missing, damaged, of a newer schema version, or written by another tool.
        """
        from .read import load  # pyarrow is slow to import

        return Table(*load(path))

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, name: str) -> NDArray[Any]:
        """One column as a numpy array; an unknown name lists the nearest ones."""
        try:
            return self._data[name]
        except KeyError:
            raise unknown_name("column", name, self._data) from None

    def __contains__(self, name: object) -> bool:
        return name in self._data

    def __repr__(self) -> str:
        return f"Table({len(self)} rows, {len(self.schema)} columns)"

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns in order; :attr:`schema` holds their types, units and meanings."""
        return tuple(self._data)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Rows as dicts of plain Python values, as a JSON lines file holds them; None where it could not be told.

        Example:
            >>> next(Table.from_columns({"frame": [0], "AU12": [0.12345678]}).rows())["AU12"]
            0.1235
        """
        from .sinks import records

        for start in range(0, len(self), 256):
            yield from records(self._part(start, start + 256), self.schema)

    def to_arrow(self) -> pa.Table:
        """The table in arrow, exact, with units and settings in the metadata."""
        from .arrow import to_arrow

        return to_arrow(self._data, self.schema, self.settings)

    def to_pandas(self) -> pd.DataFrame:
        """The table as a DataFrame; ``face`` and ``track`` are nullable integers.

        Raises:
            MissingExtra: pandas is not installed.
        """
        pandas = need("pandas", "pandas", "Table.to_pandas()")
        import pyarrow as pa

        return self.to_arrow().to_pandas(types_mapper={pa.int64(): pandas.Int64Dtype()}.get)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the table as .csv, .jsonl or .parquet; an older file of that name is replaced.

        Parquet holds every value exactly. CSV and JSON lines round each column to the digits that mean something (pixels 2,
        angles 5, scores 4, seconds 6) and get a file ``<name>.schema.json`` beside them with units, meanings and settings.

        Raises:
            InputError: the format is unknown or the file cannot be made.
            OSError: the disk is full; the rows before that are in the file.
        """
        from .sinks import open_sink

        sink = open_sink(path, None, self.schema, self.settings)
        try:
            for start in range(0, len(self), sink.chunk):
                sink.write(self._part(start, start + sink.chunk))
        finally:
            sink.close()

    def where(self, mask: ArrayLike) -> Table:
        """The rows of a mask, or of row numbers.

        Raises:
            InputError: a mask has another length than the table.

        Example:
            >>> table = Table.from_columns({"frame": [0, 1, 2], "AU12": [0.1, 0.9, 0.8]})
            >>> table.where(table["AU12"] > 0.5)["frame"]
            array([1, 2])
        """
        index = np.asarray(mask)
        if index.dtype == bool and index.shape != (len(self),):
            raise InputError(f"a mask of shape {index.shape}", f"({len(self)},), one value for each row", "make it from a column")
        if index.dtype != bool:
            index = index.astype(np.int64)
        return Table({n: values[index] for n, values in self._data.items()}, self.schema, self.settings)

    def tracks(self) -> dict[int, Table]:
        """One table for each track, by its number, rows in their order; rows without a track are in none.

        Tracks are numbered within one source: of a table with several sources, take one source first.

        Raises:
            InputError: the table holds rows of several sources.
        """
        sources = {str(s) for s in self["source"]}
        if len(sources) > 1:
            wanted = "rows of one, because tracks are numbered anew in each"
            raise InputError(f"rows of {len(sources)} sources", wanted, "take one source with table.where() first")
        track = self["track"]
        return {int(i): self.where(track == i) for i in np.unique(track[track >= 0])}

    def _part(self, start: int, stop: int) -> Columns:
        return {name: values[start:stop] for name, values in self._data.items()}


def _typed(values: ArrayLike | None, column: Column, count: int) -> NDArray[Any]:
    if values is None:
        empty: Any = -1 if column.type == "int" else np.nan
        if column.type == "string":
            empty = None if column.name == "expression" else ""
        return np.full(count, empty, column.dtype)
    found = np.asarray(values, object) if column.type == "string" else np.asarray(values)
    if column.type == "int" and found.dtype.kind == "f":
        found = np.where(np.isnan(found), -1, found)
    return found.astype(column.dtype)
