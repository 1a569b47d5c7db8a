"""FERV39k: clips of 22 scenes with one of seven expressions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .drawing import clip, lines
from .labels import DFEW_7
from .layout import Layout, Place, pictures, rows
from .sample import Frames, Sample, Truth

WORDS = ("Happy", "Sad", "Neutral", "Angry", "Surprise", "Disgust", "Fear")


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of FERV39k, all scenes; the scene is the ``session``.

    Args:
        root: folder of ``4_setups`` and ``2_ClipsforFaceCrop``.
        split: "train" or "test".

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("ferv39k", root)
    table = layout.file(*(f"{folder}/{layout.split(split)}_All.csv" for folder in ("4_setups/All_scenes", "All_scenes")))
    return _samples(table, layout.folder("2_ClipsforFaceCrop", "2_ClipsforFaceCrop/2_ClipsforFaceCrop"))


def _samples(table: Path, folder: Path) -> Iterator[Sample]:
    for row in rows(table, ("clip", "label"), None):
        name = row.text("clip").strip("/")
        found = pictures(folder / name) if (folder / name).is_dir() else ()
        if not found:
            raise row.error(f"there is no picture in {folder / name}", "the frames of each clip of the list")
        yield Sample(name, frames=Frames(found), truth=Truth(row.word("label", DFEW_7)), clip=name, session=name.split("/")[0])


def fake(root: Place, seed: int = 0, count: int = 1) -> None:
    """Write a tiny FERV39k: ``count`` clips of each class in each of two scenes and each split."""
    rng, folder = np.random.default_rng(seed), Path(root)
    for split, base in (("train", 1), ("test", 5001)):
        table = []
        for scene in ("Action", "DailyLife"):
            for label, word in zip(DFEW_7, WORDS):
                for number in range(base, base + count):
                    name = f"{scene}/{word}/{number:04d}"
                    clip(folder / "2_ClipsforFaceCrop" / name, [f"{frame}.jpg" for frame in (8, 9, 10)], rng, label)
                    table.append(f"{name} {word}")
        lines(folder / "4_setups/All_scenes" / f"{split}_All.csv", table)
