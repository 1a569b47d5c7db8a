"""Write frames as they come, in constant memory."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..types import Frame
from .rows import Rows
from .signals import uninterrupted

if TYPE_CHECKING:
    from .sinks import Sink


class Writer:
    """A table file that grows frame by frame; made by :func:`open_writer`, used in a ``with`` block."""

    def __init__(self, sink: Sink, rows: Rows) -> None:
        self._sink, self._waiting = sink, rows
        self._due = time.monotonic() + sink.seconds
        self._open = True
        self.rows = 0

    def write(self, frame: Frame) -> None:
        """Append the rows of one frame: one for each face, or one for a frame without faces.

        Raises:
            InputError: the writer is closed, or the expression or embedding does not fit the columns.
            OSError: the disk is full; the rows before that are in the file.
        """
        if not self._open:
            raise InputError("a frame for a closed writer", "an open one", "write inside the with block")
        before = len(self._waiting)
        self._waiting.add(frame)
        self.rows += len(self._waiting) - before
        if len(self._waiting) >= self._sink.chunk or time.monotonic() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Hand all rows so far to the file."""
        self._due = time.monotonic() + self._sink.seconds
        if len(self._waiting):
            with uninterrupted():
                self._sink.write(self._waiting.columns())
                self._waiting.clear()

    def close(self) -> None:
        """Write what is left and finish the file; a second call does nothing."""
        if self._open:
            self._open = False
            try:
                self.flush()
            finally:
                with uninterrupted():
                    self._sink.close()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # also after an exception: the rows so far are good
        self.close()


def open_writer(
    path: str | os.PathLike[str],
    format: str | None = None,
    mesh: bool = False,
    embedding: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> Writer:
    """Open a table file for frames.

    Rows go to the final name from the start. CSV and JSON lines are handed on every 256 rows, and with the first frame after
    each second, always as whole lines: a run that is killed leaves a file that can be read. Parquet is finished, and readable,
    when the ``with`` block ends, also by an exception or Ctrl-C; ``kill -9`` and power loss leave a Parquet file without its
    footer, which nothing can read: use CSV or JSON lines where that must not happen.

    Args:
        path: the file; an older one is replaced.
        format: "csv", "jsonl" or "parquet"; None takes the end of the name.
        mesh: write the 478 mesh points (1434 columns more).
        embedding: length of the identity embedding to write; 0 writes none.
        settings: how the rows were made (smoothing, model names); kept with the file.

    Raises:
        InputError: the format is unknown, the settings are not plain data, or the file cannot be made.

    Example:
        >>> import pathlib, tempfile
        >>> from mien.types import Faces, Frame
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with open_writer(f"{folder}/take.csv") as writer:
        ...         writer.write(Frame(None, 0.0, 0, Faces.none(), "take.mp4"))
        ...     print(pathlib.Path(folder, "take.csv").read_text().splitlines()[1][:26])
        take.mp4,0,0,,,no_face,,,,
    """
    from .sinks import open_sink  # pyarrow is slow to import

    rows = Rows(mesh, embedding)
    return Writer(open_sink(path, format, rows.schema, settings or {}), rows)
