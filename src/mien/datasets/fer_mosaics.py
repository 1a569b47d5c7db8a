"""FER2013 packed into mosaics of 32 x 32 faces, with FER+ votes and groups of near-duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..labels import FER_7
from ..media.image import read_image, write_image
from ..media.rgb import RGB, to_rgb
from .drawing import face, lines
from .fer2013 import SIDE, USAGE, VOTES
from .labels import FERPLUS_10
from .layout import Layout, Place, Row, rows
from .sample import Sample, Truth, Values

ACROSS = 32  # faces in a row of a mosaic


@lru_cache(maxsize=32)
def _mosaic(path: Path) -> NDArray[np.uint8]:
    return read_image(path)[..., 0]


@dataclass(frozen=True)
class Tile:
    """One face of a mosaic; the mosaics that were used last stay in memory, 2.4 MB each."""

    path: Path
    slot: int

    def __call__(self) -> RGB:
        """The picture, (48, 48, 3) uint8 RGB.

        Raises:
            InputError: the mosaic is missing or too small.
        """
        y, x = (SIDE * v for v in divmod(self.slot, ACROSS))
        grey = _mosaic(self.path)[y : y + SIDE, x : x + SIDE]
        if grey.shape != (SIDE, SIDE):
            raise InputError(
                f"{self.path.name} has no slot {self.slot}", f"a mosaic of {ACROSS} x {ACROSS} faces of {SIDE} pixels"
            )
        return to_rgb(np.ascontiguousarray(grey))


def read(root: Place, split: str, clean: bool = False) -> Iterator[Sample]:
    """Samples of the mosaics. Faces of one group of near-duplicates share the ``clip`` "duplicate-<n>".

    Args:
        root: folder of ``labels.csv`` and ``tiles``.
        split: "train" (Training), "val" (PublicTest) or "test" (PrivateTest).
        clean: leave out the faces of "val" whose photograph stands in "train" too. Papers leave them in.

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("fer_mosaics", root)
    labels, tiles = layout.file("labels.csv"), layout.folder("tiles")
    leaked: set[int] = set()
    if clean and layout.split(split) == "val":
        leaked = {row.whole("row") for row in rows(layout.file("publictest_near_training.csv"))}
    return _samples(labels, tiles, USAGE[layout.split(split)], leaked)


def _samples(labels: Path, tiles: Path, usage: str, leaked: set[int]) -> Iterator[Sample]:
    for row in rows(labels):
        if row.text("usage") != usage or row.whole("row") in leaked:
            continue
        group = row.whole("dup_group")
        picture = Tile(tiles / f"{row.whole('tile'):03d}.jpg", row.whole("slot"))
        clip = f"duplicate-{group}" if group else None
        yield Sample(f"{row.whole('row'):07d}", picture, truth=_truth(row), clip=clip)


def _truth(row: Row) -> Truth:
    counts = np.array([row.real(f"fp_{name}") for name in VOTES])
    return Truth(expression=row.code("fer", FER_7), votes=Values(counts, FERPLUS_10))


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write tiny mosaics: ``count`` faces of each class in each split, the first of "val" a copy of the first of "train"."""
    rng, folder = np.random.default_rng(seed), Path(root)
    faces: list[NDArray[np.uint8]] = []
    table = ["row,tile,slot,usage,fer,fer_name,fer_ambiguous,dup_group,dup_crosses_split,"]
    table[0] += ",".join(f"fp_{name}" for name in VOTES) + ",fp_majority"
    first: dict[str, int] = {}
    for usage in USAGE.values():
        for code in np.repeat(np.arange(7), count):
            name, number = FER_7.names[code], len(faces)
            first.setdefault(usage, number)
            copied = usage == "PublicTest" and number == first[usage]
            drawn = np.asarray(cv2.cvtColor(face(rng, name), cv2.COLOR_RGB2GRAY), np.uint8)
            faces.append(faces[0] if copied else drawn)
            cast = np.where(np.array(VOTES) == name, 10, 0)
            group = int(copied or number == 0)
            cells = [number, 0, number, usage, code, name, 0, group, group, *cast, name]
            table.append(",".join(str(cell) for cell in cells))
    side = SIDE * ACROSS
    mosaic = np.zeros((side, side), np.uint8)
    for slot, grey in enumerate(faces):
        y, x = (SIDE * v for v in divmod(slot, ACROSS))
        mosaic[y : y + SIDE, x : x + SIDE] = grey
    lines(folder / "labels.csv", table)
    lines(folder / "publictest_near_training.csv", ["row,training_row,similarity", f"{first['PublicTest']},0,1.000"])
    (folder / "tiles").mkdir(exist_ok=True)
    write_image(folder / "tiles" / "000.jpg", mosaic, quality=90)
