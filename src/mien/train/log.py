"""Figures of the epochs, written where people and TensorBoard look."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..files import atomic


class Log:
    """Figures of the epochs as CSV, and for TensorBoard where it is installed.

    Args:
        path: the CSV file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            from torch.utils.tensorboard import SummaryWriter

            self._board: Any = SummaryWriter(str(path.parent / "tensorboard"))
        except ImportError:
            self._board = None

    def rows(self) -> list[dict[str, str]]:
        """The rows so far."""
        if not self.path.is_file():
            return []
        with open(self.path, encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def cut(self, epochs: int) -> None:
        """Forget what a killed run wrote after its last checkpoint."""
        if self.path.is_file():
            self._write([row for row in self.rows() if float(row["epoch"]) <= epochs])

    def add(self, figures: Mapping[str, float]) -> None:
        """Add the row of an epoch."""
        self._write([*self.rows(), {key: f"{value:.6g}" for key, value in figures.items()}])
        if self._board is not None:
            for key, value in figures.items():
                self._board.add_scalar(key.replace(" ", "/"), value, int(figures["epoch"]))
            self._board.flush()

    def _write(self, rows: Sequence[Mapping[str, str]]) -> None:
        names = list(dict.fromkeys(key for row in rows for key in row))
        with atomic(self.path) as stream:
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            writer.writerows(rows)
