"""BP4D: spontaneous action units in eight tasks, coded frame by frame."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from .drawing import clip, lines
from .labels import BP4D_5, BP4D_12
from .layout import Layout, Place, pictures, rows
from .sample import Sample, Truth, Values

UNKNOWN = 9  # stands for what could not be coded


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of BP4D, one for each coded frame: presence of 12 action units, intensity of 5 where that is there.

    Args:
        root: folder of ``AUCoding`` and ``2D+3D`` (or ``img``, or ``Sequences(2D+3D)``).
        split: "all": the folds of papers are a matter of the protocol.

    Raises:
        InputError: a folder, column or picture is missing, or a line is wrong.
    """
    layout = Layout("bp4d", root)
    layout.split(split)
    codes = layout.folder("AUCoding/AU_OCC", "AU_OCC")
    found = sorted(codes.glob("*_T*.csv"))
    if not found:
        raise layout.missing("file", f"{codes.name}/F001_T1.csv")
    images = layout.folder("2D+3D", "img", "Sequences(2D+3D)")
    return (sample for path in found for sample in _samples(path, images, codes.parent / "AU_INT"))


def _samples(path: Path, images: Path, strengths: Path) -> Iterator[Sample]:
    subject, _, task = path.stem.partition("_")
    folder = images / subject / task
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", f"the pictures of {path.name}", "unpack the pictures of that task")
    # names have three or four digits, so the number counts, not the text
    files = {int(image.stem): image for image in pictures(folder) if image.stem.isdecimal()}
    intensity = _strengths(strengths, path.stem)
    for frame, values in _codes(path, BP4D_12.names):
        if frame not in files:
            raise InputError(f"there is no picture of frame {frame} in {folder}", f"a picture for each line of {path.name}")
        strong = Values(intensity[frame], BP4D_5) if frame in intensity else None
        truth = Truth(units=Values(values, BP4D_12), intensity=strong)
        yield Sample(f"{subject}/{task}/{frame}", files[frame], truth=truth, subject=subject, clip=path.stem, session=task)


def _codes(path: Path, names: tuple[str, ...]) -> Iterator[tuple[int, np.ndarray]]:
    """Frame and codes of each line; the heading holds the numbers of the action units."""
    with open(path, encoding="utf-8-sig", newline="") as stream:
        heading = [cell.strip() for cell in next(csv.reader(stream), [])]
    wanted = [str(int(name[2:])) for name in names]
    if not set(wanted) <= set(heading[1:]):
        raise InputError(f"{path.name} line 1: {heading[:8]}", f"the numbers of the action units: {', '.join(wanted)}")
    for row in rows(path, ["frame", *heading[1:]], skip=1):
        yield row.whole("frame"), _known([row.real(name) for name in wanted])


def _known(values: list[float]) -> np.ndarray:
    codes = np.array(values, np.float32)
    codes[codes == UNKNOWN] = np.nan
    return codes


def _strengths(folder: Path, stem: str) -> dict[int, np.ndarray]:
    """Frame -> (5,) intensity, from one list for each action unit; empty where intensity was not coded."""
    found: dict[int, np.ndarray] = {}
    for column, name in enumerate(BP4D_5):
        path = folder / name / f"{stem}_{name}.csv"
        for row in rows(path, ("frame", "intensity")) if path.is_file() else ():
            values = found.setdefault(row.whole("frame"), np.full(len(BP4D_5), np.nan, np.float32))
            values[column] = _known([row.real("intensity")])[0]
    return found


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny BP4D: ``count`` subjects with two tasks of three coded frames; one code is unknown."""
    rng, folder = np.random.default_rng(seed), Path(root)
    coded = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 23, 24)
    for number in range(count):
        for task in ("T1", "T2"):
            stem = f"{'FM'[number % 2]}{number // 2 + 1:03d}_{task}"
            clip(folder / "2D+3D" / stem.replace("_", "/"), [f"{frame:04d}.jpg" for frame in range(9, 14)], rng)
            codes = rng.integers(0, 2, (3, len(coded)))
            codes[0, coded.index(12)] = UNKNOWN
            table = [f"{frame},{','.join(str(v) for v in row)}" for frame, row in zip(range(10, 13), codes)]
            lines(folder / "AUCoding/AU_OCC" / f"{stem}.csv", [f"0,{','.join(str(v) for v in coded)}", *table])
            for name in BP4D_5:
                values = [f"{frame},{int(rng.integers(0, 6))}" for frame in range(10, 13)]
                lines(folder / "AUCoding/AU_INT" / name / f"{stem}_{name}.csv", values)
