"""ExpW: pictures of the web with a box and an expression for each face."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..labels import FER_7
from .drawing import lines, picture
from .layout import Layout, Place, rows
from .sample import Sample, Truth

COLUMNS = ("image", "face", "top", "left", "right", "bottom", "confidence", "label")


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of ExpW, one for each face; several can lie in one picture, which is then their ``clip``.

    Args:
        root: folder of ``data/label/label.lst`` and ``data/image/origin``.
        split: "all": the data set has no split of its own.

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("expw", root)
    layout.split(split)
    table = layout.file("data/label/label.lst", "label/label.lst", "label.lst")
    return _samples(table, layout.folder("data/image/origin", "image/origin", "origin", "images"))


def _samples(table: Path, folder: Path) -> Iterator[Sample]:
    for row in rows(table, COLUMNS, None):
        box = np.array([[row.real(side) for side in ("left", "top", "right", "bottom")]])
        name = row.text("image")
        truth = Truth(row.code("label", FER_7), boxes=box)
        yield Sample(f"{name}#{row.whole('face')}", folder / name, truth=truth, clip=name)


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny ExpW: ``count`` pictures of each class; the first holds a second face."""
    rng, folder = np.random.default_rng(seed), Path(root) / "data"
    table = []
    for number, code in enumerate(np.repeat(np.arange(7), count)):
        name = f"{FER_7.names[code]}_google_{number}.jpg"
        picture(folder / "image/origin" / name, rng, FER_7.names[code], 64)
        table.append(f"{name} 0 5 8 50 55 {rng.uniform(10, 60):.4f} {code}")
    table.append(f"{table[0].split()[0]} 1 1 2 20 22 12.5 6")
    lines(folder / "label/label.lst", table)
