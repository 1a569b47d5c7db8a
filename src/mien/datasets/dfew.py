"""DFEW: clips of films with one of seven expressions, or the votes of ten raters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from .drawing import clip, lines, video
from .labels import DFEW_7
from .layout import Layout, Place, pictures, rows
from .sample import Frames, Sample, Truth, Values
from .sheet import cells, write_sheet

KINDS = ("clip_224x224", "clip_224x224_16f", "original")
FOLDS = 5


def fold_of(fold: int, folds: int = FOLDS) -> int:
    """The number of a fold, from 1.

    Raises:
        InputError: there is no such fold.
    """
    if not 1 <= fold <= folds:
        raise InputError(f"fold {fold}", f"1 to {folds}")
    return fold


def read(root: Place, split: str, fold: int = 1, kind: str = "clip_224x224") -> Iterator[Sample]:
    """Samples of DFEW with one expression; with votes where the annotations are there.

    Args:
        root: folder of ``EmoLabel_DataSplit`` and ``Clip``.
        split: "train" or "test" of the fold.
        fold: 1 to 5.
        kind: "clip_224x224" (aligned frames), "clip_224x224_16f" (16 frames each) or "original" (videos).

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("dfew", root)
    if kind not in KINDS:
        raise InputError(f"kind is {kind!r}", f"one of: {', '.join(KINDS)}")
    name = f"set_{fold_of(fold)}.csv"
    parts = [f"EmoLabel_DataSplit/{layout.split(split)}{end}/{name}" for end in ("(single-labeled)", "(single_labeled)", "")]
    table, folder = layout.file(*parts), layout.folder(f"Clip/{kind}")
    sheet = next((p for p in layout.root.glob("[Aa]nnotation/annotation.xlsx")), None)
    return _samples(table, folder, kind, _votes(sheet) if sheet else {})


def _votes(sheet: Path) -> dict[int, np.ndarray]:
    """Number of the clip -> votes: seven counts, the clip, its expression; the heading differs between copies."""
    found = {}
    for number, row in cells(sheet):
        values = [cell.strip() for cell in row[:8]]
        if not all(value.removesuffix(".0").isdecimal() for value in values):
            if number == 1:
                continue
            raise InputError(f"{sheet.name} line {number}: {values}", "seven counts and the number of a clip", "get it anew")
        found[int(float(values[7]))] = np.array(values[:7], np.float32)
    return found


def _samples(table: Path, folder: Path, kind: str, votes: dict[int, np.ndarray]) -> Iterator[Sample]:
    for row in rows(table):
        number = row.whole("video_name")
        truth = Truth(row.code("label", DFEW_7, 1), Values(votes[number], DFEW_7) if number in votes else None)
        yield Sample(f"{number:05d}", frames=_frames(folder, number, kind), truth=truth, clip=f"{number:05d}")


def _frames(folder: Path, number: int, kind: str) -> Frames:
    names = (f"{number:05d}", str(number))
    if kind == "original":
        for path in (folder / f"{name}.mp4" for name in names):
            if path.is_file():
                return Frames(video=path)
    for path in (folder / name for name in names):
        if path.is_dir() and (found := pictures(path)):
            return Frames(found)
    raise InputError(
        f"there is no clip {number:05d} in {folder}", "a clip for each line of the list", "unpack all parts of the clips"
    )


def fake(root: Place, seed: int = 0, count: int = 1) -> None:
    """Write a tiny DFEW: ``count`` clips of each class in each part of each fold, of every kind, with votes."""
    rng, folder = np.random.default_rng(seed), Path(root)
    sheet: list[list[object]] = [["1happy", "2sad", "3neutral", "4angry", "5surprise", "6disgust", "7fear", "order", "label"]]
    parts: dict[str, list[str]] = {"train": ["video_name,label"], "test": ["video_name,label"]}
    for number, code in enumerate(np.repeat(np.arange(7), 2 * count), 1):
        name, label = f"{number:05d}", DFEW_7.names[code]
        clip(folder / "Clip/clip_224x224" / name, [f"{name}_{frame:05d}.jpg" for frame in (1, 2, 3)], rng, label)
        clip(folder / "Clip/clip_224x224_16f" / name, [f"{frame}.jpg" for frame in (1, 2, 10)], rng, label)
        parts["train" if number % 2 else "test"].append(f"{number},{code + 1}")
        sheet.append([*(np.arange(7) == code).astype(int) * 7 + 1, number, int(code) + 1])
    video(folder / "Clip/original/1.mp4", rng, DFEW_7.names[0])
    for split, table in parts.items():
        for fold in range(1, FOLDS + 1):
            lines(folder / f"EmoLabel_DataSplit/{split}(single-labeled)/set_{fold}.csv", table)
    write_sheet(
        folder / "Annotation/annotation.xlsx", [[int(v) if isinstance(v, np.integer) else v for v in row] for row in sheet]
    )
