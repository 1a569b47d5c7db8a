"""FER2013 as its table of pixels, with the votes of FER+ where their table lies beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..labels import FER_7
from ..media.rgb import RGB, to_rgb
from .drawing import face, lines
from .labels import FERPLUS_10
from .layout import Layout, Place, Row, rows
from .sample import Category, Sample, Truth, Values

USAGE = {"train": "Training", "val": "PublicTest", "test": "PrivateTest"}
SIDE = 48
# columns of the FER+ table, in the order of the label set "ferplus-10"
VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")


@dataclass(frozen=True, eq=False)
class Pixels:
    """A grey picture that is held in memory and given as RGB."""

    grey: NDArray[np.uint8]

    def __call__(self) -> RGB:
        """The picture, (48, 48, 3) uint8 RGB."""
        return to_rgb(self.grey)


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of FER2013, with votes where ``fer2013new.csv`` is there.

    Args:
        root: folder of ``fer2013.csv`` (or ``icml_face_data.csv``).
        split: "train" (Training), "val" (PublicTest) or "test" (PrivateTest).

    Raises:
        InputError: a file is missing or a line is wrong, or the two tables do not go together.
    """
    layout = Layout("fer2013", root)
    table = layout.file("fer2013.csv", "icml_face_data.csv", "fer2013/fer2013.csv")
    votes = next((p for p in (table.parent / "fer2013new.csv", layout.root / "fer2013new.csv") if p.is_file()), None)
    return _samples(table, votes, USAGE[layout.split(split)])


def _samples(table: Path, votes: Path | None, usage: str) -> Iterator[Sample]:
    # both tables hold the same faces in the same order
    counts = rows(votes) if votes else None
    for index, row in enumerate(rows(table)):
        counted = next(counts, None) if counts else None
        if row.text("Usage") != usage:
            continue
        if counts and (counted is None or counted.text("Usage") != usage):
            got = "the end" if counted is None else counted.text("Usage")
            raise row.error(f"Usage is {usage}, that of fer2013new.csv is {got}", "the same faces in the same order in both")
        yield Sample(f"{index:05d}", _pixels(row), truth=_truth(row, counted))


def _pixels(row: Row) -> Pixels:
    try:
        values = np.array(row.text("pixels").split(), np.int64)
    except ValueError:
        values = np.zeros(0, np.int64)
    if len(values) != SIDE * SIDE or values.min() < 0 or values.max() > 255:
        raise row.error(f"{len(values)} pixels", f"{SIDE * SIDE} numbers from 0 to 255")
    return Pixels(values.astype(np.uint8).reshape(SIDE, SIDE))


def _truth(row: Row, counted: Row | None) -> Truth:
    counts = None if counted is None else Values(np.array([counted.real(name) for name in VOTES]), FERPLUS_10)
    return Truth(expression=row.code("emotion", FER_7), votes=counts)


def majority(votes: Values) -> Category | None:
    """The expression that most raters chose; None on a tie, and where "unknown" or "no face" leads."""
    best = np.flatnonzero(votes.values == votes.values.max())
    return Category(int(best[0]), votes.labels) if len(best) == 1 and best[0] < 8 else None


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny FER2013 with FER+ votes: ``count`` faces of each class in each split."""
    rng = np.random.default_rng(seed)
    table, votes = ["emotion,pixels,Usage"], ["Usage,Image name," + ",".join(VOTES)]
    for usage in USAGE.values():
        for code in np.repeat(np.arange(7), count):
            grey = cv2.cvtColor(face(rng, FER_7.names[code]), cv2.COLOR_RGB2GRAY)
            table.append(f"{code},{' '.join(str(v) for v in grey.ravel())},{usage}")
            cast = rng.multinomial(3, np.full(10, 0.1))
            cast[VOTES.index(FER_7.names[code])] += 7
            votes.append(f"{usage},fer{len(votes) - 1:07d}.png,{','.join(str(v) for v in cast)}")
    lines(Path(root) / "fer2013.csv", table)
    lines(Path(root) / "fer2013new.csv", votes)
