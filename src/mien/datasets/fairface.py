"""FairFace: faces with age, gender and race as seen by raters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from numpy.random import default_rng

from .drawing import lines, picture
from .labels import FAIRFACE_AGE_9, FAIRFACE_RACE_7, GENDER_2
from .layout import Layout, Place, Row, rows
from .sample import Category, Sample, Truth

# what spreadsheets and the list itself make of the ranges
AGES = {"more than 70": "70+", "03-Sep": "3-9", "3-Sep": "3-9", "10-Oct": "10-19", "Oct-19": "10-19", "19-Oct": "10-19"}


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of FairFace.

    Args:
        root: folder of ``fairface_label_train.csv``, ``fairface_label_val.csv``, ``train`` and ``val``.
        split: "train" or "val".

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("fairface", root)
    table = layout.file(f"fairface_label_{layout.split(split)}.csv")
    layout.folder(split)
    return (Sample(row.text("file"), layout.root / row.text("file"), truth=person(row)) for row in rows(table))


def person(row: Row) -> Truth:
    """Age range, gender and race of a line of the list."""
    age = AGES.get(row.text("age"), row.text("age"))
    if age not in FAIRFACE_AGE_9:
        raise row.error(f"age is {age!r}", f"one of: {', '.join(FAIRFACE_AGE_9.names)}")
    return Truth(
        age_range=Category(FAIRFACE_AGE_9.index(age), FAIRFACE_AGE_9),
        gender=row.word("gender", GENDER_2),
        race=row.word("race", FAIRFACE_RACE_7),
    )


def fake(root: Place, seed: int = 0, count: int = 9) -> None:
    """Write a tiny FairFace: ``count`` faces in each split, ages in turn."""
    rng, folder = default_rng(seed), Path(root)
    for split in ("train", "val"):
        table = ["file,age,gender,race,service_test"]
        for number in range(1, count + 1):
            picture(folder / split / f"{number}.jpg", rng, size=64)
            age = FAIRFACE_AGE_9.names[number % 9].replace("70+", "more than 70")
            race = FAIRFACE_RACE_7.names[int(rng.integers(7))]
            table.append(f"{split}/{number}.jpg,{age},{('Male', 'Female')[number % 2]},{race},{bool(number % 3)}")
        lines(folder / f"fairface_label_{split}.csv", table)
