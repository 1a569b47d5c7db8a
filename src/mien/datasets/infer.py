"""InFER: faces from India, posed by volunteers and collected from the internet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..labels import FER_7, LabelSet
from .drawing import lines, picture, video
from .labels import GENDER_2
from .layout import Layout, Place, Row, natural, rows
from .sample import Category, Frames, Sample, Truth

INDEX = "infer.csv"
SOURCES = ("posed", "web")


def read(root: Place, split: str, single: bool = False) -> Iterator[Sample]:
    """Samples of InFER. Which regions and age groups there are is not published: their label sets are what the index names.

    Args:
        root: folder of ``infer.csv``.
        split: "all", "posed" or "web" pictures, or "clips", the videos of the posed ones.
        single: let a picture that names no person be of a person of its own, named after its file, so that folds by person
            can hold it; that two of them may show one person cannot be seen.

    Raises:
        InputError: the index is missing, a line is wrong, or a posed picture names no person.
    """
    layout = Layout("infer", root)
    path = layout.file(INDEX)
    return _samples(list(rows(path)), path.parent, layout.split(split), single)


def _samples(table: Sequence[Row], folder: Path, split: str, single: bool) -> Iterator[Sample]:
    regions, ages = _found(table, "region"), _found(table, "age_group")
    seen: set[str] = set()
    for row in table:
        source, name, clip = row.text("source"), row.text("path"), row.text("video") or None
        if source not in SOURCES:
            raise row.error(f"source is {source!r}", f"one of: {', '.join(SOURCES)}")
        subject = row.text("subject") or None
        if subject is None and source == "posed":
            raise row.error("a posed picture without subject", "who is seen")
        if subject is None and single:
            subject = name
        truth = Truth(
            row.word("label", FER_7),
            gender=row.word("gender", GENDER_2) if row.text("gender") else None,
            age_range=_category(row, "age_group", ages),
            race=_category(row, "region", regions),
        )
        if split in ("all", source):
            yield Sample(name, folder / name, truth=truth, subject=subject, clip=clip)
        elif split == "clips" and clip is not None and clip not in seen:
            seen.add(clip)
            yield Sample(clip, frames=Frames(video=folder / clip), truth=truth, subject=subject, clip=clip)


def _found(table: Sequence[Row], column: str) -> LabelSet:
    names = sorted({name for row in table if (name := row.text(column))}, key=natural)
    return LabelSet(f"infer {column}", tuple(names))


def _category(row: Row, column: str, labels: LabelSet) -> Category | None:
    name = row.text(column)
    return Category(labels.index(name), labels) if name else None


def fake(root: Place, seed: int = 0, count: int = 12) -> None:
    """Write a tiny InFER: ``count`` persons with seven expressions, the first on video too, and 21 pictures of the web."""
    rng, folder = np.random.default_rng(seed), Path(root)
    table = ["path,label,subject,age_group,gender,region,source,video"]
    for person in range(count):
        who = f"{('18-25', '26-40')[person % 2]},{GENDER_2.names[person // 2 % 2]},{('north', 'south', 'east')[person % 3]}"
        for name in FER_7:
            clip = f"videos/S{person:03d}_{name}.avi" if person == 0 else ""
            picture(folder / f"posed/S{person:03d}_{name}.png", rng, name)
            if clip:
                video(folder / clip, rng, name)
            table.append(f"posed/S{person:03d}_{name}.png,{name},S{person:03d},{who},posed,{clip}")
    for number in range(21):
        name = FER_7.names[number % 7]
        picture(folder / f"web/{number:04d}.png", rng, name)
        table.append(f"web/{number:04d}.png,{name},,,{GENDER_2.names[number % 2]},,web,")
    lines(folder / INDEX, table)
