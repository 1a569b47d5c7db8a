"""MAFW: clips with one of eleven expressions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import numpy as np

from ..errors import InputError
from .dfew import FOLDS, fold_of
from .drawing import clip, lines, video
from .labels import MAFW_11
from .layout import Layout, Place, pictures, rows
from .sample import Frames, Sample, Truth


def read(root: Place, split: str, fold: int = 1, videos: bool = True) -> Iterator[Sample]:
    """Samples of MAFW with one expression.

    Args:
        root: folder of ``Train & Test Set`` and ``data``.
        split: "train" or "test" of the fold.
        fold: 1 to 5.
        videos: the videos of ``data/clips``, or frames that were extracted to ``data/frames/<clip>``.

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("mafw", root)
    name = f"single/no_caption/set_{fold_of(fold)}/{layout.split(split)}.txt"
    table = layout.file(f"Train & Test Set/{name}", f"split/{name}")
    folder = layout.folder("data/clips", "clips") if videos else layout.folder("data/frames", "frames")
    return _samples(table, folder, videos)


def _samples(table: Path, folder: Path, videos: bool) -> Iterator[Sample]:
    for row in rows(table, ("clip", "label"), None):
        stem = row.text("clip").removesuffix(".mp4")
        place = folder / (f"{stem}.mp4" if videos else stem)
        if not (place.is_file() if videos else place.is_dir()):
            raise row.error(f"there is no {place}", "a clip for each line of the list")
        frames = Frames(video=place) if videos else Frames(_found(place))
        yield Sample(stem, frames=frames, truth=Truth(row.word("label", MAFW_11)), clip=stem)


def _found(folder: Path) -> tuple[Path, ...]:
    found = pictures(folder)
    if not found:
        raise InputError(f"there is no picture in {folder}", "the frames of a clip", "extract them anew")
    return found


def fake(root: Place, seed: int = 0, count: int = 1) -> None:
    """Write a tiny MAFW: ``count`` clips of each class in each part of each fold, as videos and as frames."""
    rng, folder = np.random.default_rng(seed), Path(root)
    parts: dict[str, list[str]] = {"train": [], "test": []}
    first = folder
    for number, label in enumerate(np.repeat(MAFW_11.names, 2 * count), 1):
        name = f"{number:05d}"
        place = folder / "data/clips" / f"{name}.mp4"
        # encoding takes long, so the clips of a class are copies
        if number % (2 * count) == 1:
            video(place, rng, str(label), 2)
            first = place
        else:
            copyfile(first, place)
        clip(folder / "data/frames" / name, [f"{frame}.jpg" for frame in (1, 2, 10)], rng, str(label))
        parts["train" if number % 2 else "test"].append(f"{name}.mp4 {label}")
    for split, table in parts.items():
        for fold in range(1, FOLDS + 1):
            lines(folder / "Train & Test Set/single/no_caption" / f"set_{fold}" / f"{split}.txt", table)
