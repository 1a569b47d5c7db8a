"""A selection of FairFace in two archives: 224 pixels with box and points, 128 pixels without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from ..errors import InputError
from .drawing import lines, picture
from .fairface import person
from .labels import FAIRFACE_AGE_9
from .layout import Layout, Packed, Place, Row, members, rows
from .sample import Sample, Truth

BOX = ("box_x", "box_y", "box_w", "box_h")
POINTS = tuple(f"{point}_{axis}" for point in ("re", "le", "nose", "rm", "lm") for axis in "xy")


def read(root: Place, split: str, size: int = 224) -> Iterator[Sample]:
    """Samples of the selection. Box and points were found by a detector, not marked by people; they are missing where it found
    no face.

    Args:
        root: folder of ``images.zip`` and ``labels.csv``.
        split: "train": it was drawn from there.
        size: 224, or 128 for the other archive.

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("fairface_pack", root)
    layout.split(split)
    if size not in (224, 128):
        raise InputError(f"size is {size}", "224 or 128")
    end = "" if size == 224 else "_128"
    table, archive = layout.file(f"labels{end}.csv"), layout.file(f"images{end}.zip")
    return _samples(table, archive, members(archive))


def _samples(table: Path, archive: Path, names: frozenset[str]) -> Iterator[Sample]:
    for row in rows(table):
        name = row.text("file")
        if name not in names:
            raise row.error(f"{archive.name} holds no {name}", "a picture for each line")
        yield Sample(name, Packed(archive, name), truth=_truth(row))


def _truth(row: Row) -> Truth:
    if "box_x" not in row.cells or not row.text("box_x"):
        return person(row)
    x, y, width, height = (row.real(name) for name in BOX)
    points = np.array([row.real(name) for name in POINTS])
    return replace(person(row), boxes=np.array([[x, y, x + width, y + height]]), landmarks=points.reshape(5, 2))


def fake(root: Place, seed: int = 0, count: int = 9) -> None:
    """Write tiny archives of ``count`` faces each; the detector found nothing in the first one."""
    rng, folder = np.random.default_rng(seed), Path(root)
    for end, size in (("", 224), ("_128", 128)):
        columns = ["file", "original", "age", "gender", "race", *(() if end else (*BOX, *POINTS))]
        table = [",".join(columns)]
        folder.mkdir(parents=True, exist_ok=True)
        with ZipFile(folder / f"images{end}.zip", "w") as archive:
            for number in range(count):
                name = f"train_{number}.jpg"
                picture(folder / "drawn.jpg", rng, size=size)
                archive.write(folder / "drawn.jpg", name)
                found = ["" if number == 0 else f"{v:.1f}" for v in rng.uniform(10, 100, 14)]
                cells = [name, f"train/{number}.jpg", FAIRFACE_AGE_9.names[number % 9], ("Male", "Female")[number % 2], "Black"]
                table.append(",".join(cells + ([] if end else found)))
        (folder / "drawn.jpg").unlink()
        lines(folder / f"labels{end}.csv", table)
