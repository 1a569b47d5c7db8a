"""Any table of pictures: a CSV whose columns the user names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError, unknown_name
from ..labels import FER_7, LabelSet
from .drawing import lines, picture
from .layout import Layout, Place, Row, rows
from .sample import Category, Sample, Truth


@dataclass(frozen=True)
class Columns:
    """Which column of a table holds what; None where there is none. An empty cell is a missing label.

    Args:
        image: path of the picture, relative to the root.
        expression: class of ``labels``: its name, or its number.
        first: number of the first class, where classes are numbers.
        valence, arousal: in [-1, 1].
        subject, clip, session: what the picture belongs to.
        split: name of the split.
        box: x1, y1, x2 and y2 in pixels.
        age: years.
    """

    image: str = "file"
    expression: str | None = None
    first: int = 0
    valence: str | None = None
    arousal: str | None = None
    subject: str | None = None
    clip: str | None = None
    session: str | None = None
    split: str | None = None
    box: tuple[str, str, str, str] | None = None
    age: str | None = None


def read(
    root: Place, split: str, columns: Columns = Columns(), labels: LabelSet | None = None, file: str = "labels.csv"
) -> Iterator[Sample]:
    """Samples of a table.

    Args:
        root: folder of the table, from which the paths of the pictures count.
        split: "all", or one of the names in the column of splits.
        columns: what the columns hold.
        labels: the label set of the expression; needed where there is such a column.
        file: name of the table.

    Raises:
        InputError: the table is missing or a line is wrong, there is no such column or split, or a label set is needed.
    """
    path = Layout("table", root).file(file)
    if columns.expression and labels is None:
        raise InputError(f"column {columns.expression} without a label set", "labels=..., such as mien.labels.FER_7")
    found = list(rows(path))
    if split != "all":
        if columns.split is None:
            raise InputError(f"split {split!r} of {path.name}", "'all', or a column of splits", "name it: Columns(split=...)")
        names = {row.text(columns.split) for row in found}
        if split not in names:
            raise unknown_name(f"split of {path.name}", split, names)
        found = [row for row in found if row.text(columns.split) == split]
    return (_sample(path.parent, row, columns, labels) for row in found)


def _sample(folder: Path, row: Row, columns: Columns, labels: LabelSet | None) -> Sample:
    name = row.text(columns.image)
    if not name:
        raise row.error(f"{columns.image} is empty", "the path of a picture")
    subject, clip, session = (_cell(row, column) or None for column in (columns.subject, columns.clip, columns.session))
    return Sample(name, folder / name, truth=_truth(row, columns, labels), subject=subject, clip=clip, session=session)


def _cell(row: Row, column: str | None) -> str:
    return row.text(column) if column else ""


def _real(row: Row, column: str | None) -> float:
    return row.real(column) if column and _cell(row, column) else float("nan")


def _expression(row: Row, columns: Columns, labels: LabelSet | None) -> Category | None:
    text = _cell(row, columns.expression)
    if not text or columns.expression is None or labels is None:
        return None
    number = text.removesuffix(".0").lstrip("-").isdecimal()
    return row.code(columns.expression, labels, columns.first) if number else row.word(columns.expression, labels)


def _truth(row: Row, columns: Columns, labels: LabelSet | None) -> Truth:
    affect = np.array([_real(row, columns.valence), _real(row, columns.arousal)])
    box = np.array([_real(row, side) for side in columns.box or ()])
    age = _real(row, columns.age)
    return Truth(
        _expression(row, columns, labels),
        affect=None if np.isnan(affect).all() else affect,
        boxes=None if not len(box) or np.isnan(box).any() else box[None],
        age=None if np.isnan(age) else age,
    )


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny table: ``count`` faces of each of seven classes in two splits, the last one without labels."""
    rng, folder = np.random.default_rng(seed), Path(root)
    table = ["file,split,expression,valence,arousal,subject,x1,y1,x2,y2,age"]
    for number, code in enumerate(np.repeat(np.arange(7), 2 * count)):
        name, label = f"pictures/{number:03d}.png", FER_7.names[code]
        picture(folder / name, rng, label)
        valence, arousal = rng.uniform(-1, 1, 2).round(3)
        part = ("train", "val")[number % 2]
        table.append(f"{name},{part},{label},{valence},{arousal},s{number % 3},4,5,40,44,{20 + number}")
    picture(folder / "pictures/last.png", rng)
    table.append("pictures/last.png,val,,,,,,,,,")
    lines(folder / "labels.csv", table)
