"""SAMM: micro-movements of people of many origins, with action units."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .drawing import clip
from .labels import SAMM_8, term
from .layout import Layout, Place, Row
from .micro import between, facs, frame
from .sample import Category, Sample, Truth
from .sheet import sheet_rows, write_sheet

SHEETS = ("SAMM_Micro_FACS_Codes_v2.xlsx", "SAMM_20181215_Micro_FACS_Codes_v2.xlsx")
COLUMNS = ("Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Action Units", "Estimated Emotion")


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of SAMM, each a clip from onset to offset.

    Args:
        root: folder of the coding sheet and of the folders of subjects, which may lie in ``SAMM``.
        split: "all": the protocol leaves out one subject at a time.

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("samm", root)
    layout.split(split)
    sheet = layout.file(*SHEETS)
    folder = layout.root / "SAMM" if (layout.root / "SAMM").is_dir() else layout.root
    return _samples(sheet, folder)


def _samples(sheet: Path, folder: Path) -> Iterator[Sample]:
    for row in sheet_rows(sheet, COLUMNS):
        subject, name = f"{row.whole('Subject'):03d}", row.text("Filename")
        frames = between(folder / subject / name, *(frame(row.text(f"{at} Frame")) for at in ("Onset", "Apex", "Offset")))
        truth = Truth(_expression(row), units=facs(row.text("Action Units")))
        yield Sample(name, frames=frames, truth=truth, subject=subject, clip=name)


def _expression(row: Row) -> Category:
    # the sheet writes "Other" and "Others"
    name = term(row.text("Estimated Emotion")).removesuffix("s") if "ther" in row.text("Estimated Emotion") else ""
    return Category(SAMM_8.index("other"), SAMM_8) if name == "other" else row.word("Estimated Emotion", SAMM_8)


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny SAMM: ``count`` clips of each class by three subjects, below a heading like that of the real sheet."""
    rng, folder = np.random.default_rng(seed), Path(root)
    table: list[list[object]] = [["SAMM micro-movements"], *([[]] * 12)]
    table.append(
        [*COLUMNS[:2], "Inducement Code", *COLUMNS[2:5], "Duration", "Micro", *COLUMNS[5:], "Objective Classes", "Notes"]
    )
    for number, label in enumerate(np.repeat(SAMM_8.names, count)):
        subject = (6, 7, 11)[number % 3]
        name = f"{subject:03d}_{number}_1"
        clip(folder / f"{subject:03d}" / name, [f"{subject:03d}_{n:05d}.jpg" for n in range(5561, 5566)], rng, str(label))
        word = "Others" if number == 1 and label == "other" else str(label).capitalize()
        table.append([f"{subject:03d}", name, 1, 5562, 5563, 5564, 3, "Micro", "R12B + AU25", word, "I", ""])
    write_sheet(folder / SHEETS[0], table)
