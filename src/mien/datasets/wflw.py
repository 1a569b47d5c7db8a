"""WFLW: 98 points with notes on what makes a picture hard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from .drawing import lines, picture
from .labels import WFLW_6
from .layout import Layout, Place, rows
from .sample import Sample, Truth, Values

FOLDER = "list_98pt_rect_attr_train_test"
COLUMNS = (*(str(number) for number in range(196)), "x1", "y1", "x2", "y2", *WFLW_6.names, "image")


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of WFLW, one for each face, with 98 points, box and six notes (0 or 1); a picture can hold several, and is their
    ``clip``.

    Args:
        root: folder of ``WFLW_annotations`` and ``WFLW_images``.
        split: "train" or "test"; the subsets of the test are the faces whose note is 1.

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("wflw", root)
    name = f"{FOLDER}/list_98pt_rect_attr_{layout.split(split)}.txt"
    return _samples(layout.file(f"WFLW_annotations/{name}", name), layout.folder("WFLW_images"))


def _samples(table: Path, folder: Path) -> Iterator[Sample]:
    for row in rows(table, COLUMNS, None):
        try:
            values = np.array([row.cells[name] for name in COLUMNS[:-1]], np.float32)
        except ValueError as error:
            raise InputError(f"{table.name} line {row.number}: {error}", "206 numbers and a name", "get it anew") from error
        truth = Truth(
            boxes=values[None, 196:200],
            attributes=Values(values[200:], WFLW_6),
            landmarks=values[:196].reshape(98, 2),
        )
        name = row.text("image")
        yield Sample(f"{name.removesuffix('.jpg')}#{row.number}", folder / name, truth=truth, clip=name)


def fake(root: Place, seed: int = 0, count: int = 3) -> None:
    """Write a tiny WFLW: ``count`` faces in each split, the last two in one picture."""
    rng, folder = np.random.default_rng(seed), Path(root)
    for split in ("train", "test"):
        table: list[str] = []
        for number in range(count):
            name = f"{number % max(count - 1, 1)}--Parade/{split}_{min(number, count - 2)}.jpg"
            name = name if number < count - 1 else table[-1].split()[-1]
            picture(folder / "WFLW_images" / name, rng, size=96)
            points = " ".join(f"{v:.6f}" for v in rng.uniform(5, 90, 196))
            notes = " ".join(str(v) for v in rng.integers(0, 2, 6))
            table.append(f"{points} 5 6 90 91 {notes} {name}")
        lines(folder / f"WFLW_annotations/{FOLDER}/list_98pt_rect_attr_{split}.txt", table)
