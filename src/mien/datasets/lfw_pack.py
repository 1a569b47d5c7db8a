"""Grey LFW faces in one archive, with the expression by one rater and pairs of View 2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from ..labels import FERPLUS_8
from .drawing import lines, picture
from .layout import Layout, Packed, Place, members, rows
from .sample import Pair, Sample, Truth


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of the archive; a face without a rating has no expression.

    Args:
        root: folder of ``images.zip`` and ``labels.csv``.
        split: "all".

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("lfw_pack", root)
    layout.split(split)
    archive = layout.file("images.zip")
    return _samples(layout.file("labels.csv"), archive, members(archive))


def _samples(table: Path, archive: Path, names: frozenset[str]) -> Iterator[Sample]:
    for row in rows(table):
        name = row.text("file")
        if name not in names:
            raise row.error(f"{archive.name} holds no {name}", "a picture for each line")
        expression = row.word("emotion", FERPLUS_8) if row.text("emotion") else None
        yield Sample(name, Packed(archive, name), truth=Truth(expression), subject=row.text("person"))


def pairs(root: Place) -> list[Pair]:
    """The pairs, of ids of samples, with their folds.

    Raises:
        InputError: ``pairs.csv`` is missing or a line is wrong.
    """
    found = rows(Layout("lfw_pack", root).file("pairs.csv"))
    return [Pair(row.text("file_a"), row.text("file_b"), row.whole("same") == 1, row.whole("fold")) for row in found]


def fake(root: Place, seed: int = 0, count: int = 4) -> None:
    """Write a tiny archive: ``count`` persons with two faces each, the last one without rating, and a pair of each kind."""
    rng, folder = np.random.default_rng(seed), Path(root)
    folder.mkdir(parents=True, exist_ok=True)
    table = ["file,person,emotion,annotator,n_faces"]
    with ZipFile(folder / "images.zip", "w") as archive:
        for number in range(2 * count):
            person = f"Some_Body_{chr(97 + number // 2)}"
            name, label = f"{person}_{number % 2 + 1:04d}.jpg", FERPLUS_8.names[number % 8]
            picture(folder / "drawn.jpg", rng, label, 128)
            archive.write(folder / "drawn.jpg", name)
            table.append(f"{name},{person},{label if number < 2 * count - 1 else ''},302,1")
    (folder / "drawn.jpg").unlink()
    lines(folder / "labels.csv", table)
    same, other = "Some_Body_a_0001.jpg,Some_Body_a_0002.jpg,1", "Some_Body_a_0001.jpg,Some_Body_b_0001.jpg,0"
    lines(folder / "pairs.csv", ["fold,file_a,file_b,same", f"0,{same}", f"1,{other}"])
