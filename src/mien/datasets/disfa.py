"""DISFA: spontaneous action units, with an intensity for each frame of a video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from .drawing import clip, lines, video
from .labels import DISFA_12
from .layout import Layout, Place, rows, subfolders
from .sample import Frames, Sample, Truth, Values

VIDEOS = ("Video_LeftCamera", "Videos_LeftCamera")


def read(root: Place, split: str, by_frame: bool = False) -> Iterator[Sample]:
    """Samples of DISFA: one for each video, with (t, 12) intensities, or one for each frame.

    Args:
        root: folder of ``ActionUnit_Labels`` and ``Video_LeftCamera``.
        split: "all": the folds of papers are a matter of the protocol.
        by_frame: one sample for each frame, from pictures ``img/<subject>/<frame, from 0>.png``.

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("disfa", root)
    layout.split(split)
    labels = layout.folder("ActionUnit_Labels")
    if not subfolders(labels):
        raise layout.missing("folder", "ActionUnit_Labels/SN001")
    return _frames(layout, labels) if by_frame else _videos(layout, labels)


def _videos(layout: Layout, labels: Path) -> Iterator[Sample]:
    for folder in subfolders(labels):
        subject = folder.name
        path = layout.file(*(f"{name}/LeftVideo{subject}_comp.avi" for name in VIDEOS))
        truth = Truth(intensity=Values(_intensities(folder), DISFA_12))
        yield Sample(subject, frames=Frames(video=path), truth=truth, subject=subject, clip=subject)


def _frames(layout: Layout, labels: Path) -> Iterator[Sample]:
    for folder in subfolders(labels):
        subject = folder.name
        images = layout.folder(f"img/{subject}")
        for number, row in enumerate(_intensities(folder)):
            path = next((p for p in (images / f"{number}{end}" for end in (".png", ".jpg")) if p.is_file()), None)
            if path is None:
                raise layout.missing("picture", f"img/{subject}/{number}.png")
            truth = Truth(intensity=Values(row, DISFA_12))
            yield Sample(f"{subject}/{number}", path, truth=truth, subject=subject, clip=subject)


def _intensities(folder: Path) -> np.ndarray:
    """(t, 12) from one list for each action unit: number of the frame, from 1, and intensity 0 to 5."""
    columns = []
    for name in DISFA_12:
        path = folder / f"{folder.name}_au{int(name[2:])}.txt"
        if not path.is_file():
            raise InputError(f"there is no {path.name} in {folder}", "a list for each of 12 action units", "unpack it anew")
        found = list(rows(path, ("frame", "intensity")))
        for row in found:
            if row.whole("intensity") not in range(6):
                raise row.error(f"intensity is {row.text('intensity')}", "0 to 5")
        columns.append([row.whole("intensity") for row in found])
    if len({len(column) for column in columns}) != 1:
        raise InputError(f"the lists in {folder} differ in length", "an intensity for each frame", "unpack it anew")
    return np.array(columns, np.float32).T


def fake(root: Place, seed: int = 0, count: int = 3) -> None:
    """Write a tiny DISFA: ``count`` subjects with a video of three frames, and the same frames as pictures."""
    rng, folder = np.random.default_rng(seed), Path(root)
    for number in range(1, count + 1):
        subject = f"SN{number:03d}"
        video(folder / VIDEOS[0] / f"LeftVideo{subject}_comp.avi", rng, frames=3)
        clip(folder / "img" / subject, [f"{frame}.png" for frame in range(3)], rng)
        for name in DISFA_12:
            values = rng.integers(0, 6, 3)
            path = folder / "ActionUnit_Labels" / subject / f"{subject}_au{int(name[2:])}.txt"
            lines(path, [f"{frame},{value}" for frame, value in enumerate(values, 1)])
