"""CASME II: micro-expressions at 200 frames a second, with action units."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .drawing import clip
from .labels import CASME2_7
from .layout import Layout, Place
from .micro import between, facs, frame
from .sample import Sample, Truth
from .sheet import sheet_rows, write_sheet

SHEET = "CASME2-coding-20140508.xlsx"
COLUMNS = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion")


def read(root: Place, split: str, cropped: bool = True) -> Iterator[Sample]:
    """Samples of CASME II, each a clip from onset to offset.

    Args:
        root: folder of the coding sheet and of ``Cropped`` or ``CASME2_RAW_selected``.
        split: "all": the protocol leaves out one subject at a time.
        cropped: the cropped faces, or the whole frames.

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("casme2", root)
    layout.split(split)
    raw = ("CASME2_RAW_selected", "CASME2_RAW_selected/CASME2_RAW_selected", "CASME2-RAW", "CASME2_RAW")
    return _samples(layout.file(SHEET), layout.folder(*(("Cropped", "Cropped/Cropped") if cropped else raw)))


def _samples(sheet: Path, folder: Path) -> Iterator[Sample]:
    for row in sheet_rows(sheet, COLUMNS):
        subject, name = f"sub{row.whole('Subject'):02d}", row.text("Filename")
        frames = between(folder / subject / name, *(frame(row.text(f"{at}Frame")) for at in ("Onset", "Apex", "Offset")))
        truth = Truth(row.word("Estimated Emotion", CASME2_7), units=facs(row.text("Action Units")))
        yield Sample(f"{subject}/{name}", frames=frames, truth=truth, subject=subject, clip=f"{subject}/{name}")


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny CASME II: ``count`` clips of each class by three subjects; the first has no apex."""
    rng, folder = np.random.default_rng(seed), Path(root)
    table: list[list[object]] = [["Subject", "Filename", "", *COLUMNS[2:5], "", *COLUMNS[5:]]]
    for number, label in enumerate(np.repeat(CASME2_7.names, count)):
        subject, name = number % 3 + 1, f"EP{number:02d}_01f"
        for kind, stem in (("Cropped", "reg_img"), ("CASME2_RAW_selected", "img")):
            clip(folder / kind / f"sub{subject:02d}" / name, [f"{stem}{n}.jpg" for n in range(8, 13)], rng, str(label))
        table.append([subject, name, "", 9, 10 if number else "/", 11, "", "4+L14", str(label)])
    write_sheet(folder / SHEET, table)
