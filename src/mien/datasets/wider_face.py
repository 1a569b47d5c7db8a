"""WIDER FACE: pictures of events with all faces boxed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from .drawing import lines, picture
from .labels import WIDER_6
from .layout import Layout, Place
from .sample import Sample, Truth, Values

# the last six numbers of a line, after x, y, width and height
ORDER = ("blur", "expression", "illumination", "invalid", "occlusion", "pose")


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of WIDER FACE, with all boxes of a picture and what is noted of each; the event is the ``session``.

    Codes: blur 0 clear, 1 normal, 2 heavy; expression 0 typical, 1 exaggerate; illumination 0 normal, 1 extreme; invalid 0 no,
    1 yes; occlusion 0 none, 1 partial, 2 heavy; pose 0 typical, 1 atypical. Invalid boxes are given like the others.

    Args:
        root: folder of ``wider_face_split`` and ``WIDER_train``, ``WIDER_val`` or ``WIDER_test``.
        split: "train", "val", or "test", whose boxes are not published.

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("wider_face", root)
    folder = layout.folder(f"WIDER_{layout.split(split)}/images")
    if split == "test":
        table = layout.file("wider_face_split/wider_face_test_filelist.txt")
        return (_sample(folder, name.strip(), Truth()) for name in table.read_text("utf-8").splitlines() if name.strip())
    return _samples(layout.file(f"wider_face_split/wider_face_{split}_bbx_gt.txt"), folder)


def _sample(folder: Path, name: str, truth: Truth) -> Sample:
    return Sample(name.removesuffix(".jpg"), folder / name, truth=truth, session=name.split("/")[0])


def _samples(table: Path, folder: Path) -> Iterator[Sample]:
    """Name, number of boxes, then a line for each; a picture without faces has one line of zeros."""
    found = [line.strip() for line in table.read_text("utf-8").splitlines()]
    at = 0
    while at < len(found):
        if not found[at]:
            at += 1
            continue
        name, number = found[at], found[at + 1] if at + 1 < len(found) else ""
        if not name.endswith(".jpg") or not number.isdecimal():
            raise _wrong(table, at, f"{name!r}, then {number!r}", "the name of a picture, then the number of its faces")
        count = int(number)
        block = found[at + 2 : at + 2 + max(count, 1)]
        yield _sample(folder, name, _truth(table, at + 2, block[:count], count))
        # older lists have no line of zeros for a picture without faces
        at += 2 + (count or (1 if block and not block[0].endswith(".jpg") else 0))


def _wrong(table: Path, at: int, got: str, wanted: str) -> InputError:
    return InputError(f"{table.name} line {at + 1}: {got}", wanted, "get the lists anew")


def _truth(table: Path, at: int, block: Sequence[str], count: int) -> Truth:
    try:
        values = np.array([line.split() for line in block], np.float32).reshape(-1, 10)
    except ValueError as error:
        raise _wrong(table, at, str(error), "x y width height and six codes in each line") from error
    if len(values) != count:
        raise _wrong(table, at, f"{len(values)} boxes", f"{count}, as the line above says")
    boxes = np.concatenate([values[:, :2], values[:, :2] + values[:, 2:4]], 1)
    return Truth(boxes=boxes, box_values=Values(values[:, 4:], WIDER_6))


def fake(root: Place, seed: int = 0, count: int = 3) -> None:
    """Write a tiny WIDER FACE: ``count`` pictures in each split, with none, one, two ... faces."""
    rng, folder = np.random.default_rng(seed), Path(root)
    for split in ("train", "val", "test"):
        table = []
        names = [f"0--Parade/0_Parade_marchingband_1_{number}.jpg" for number in range(count)]
        for number, name in enumerate(names):
            picture(folder / f"WIDER_{split}/images" / name, rng, size=96)
            corners = rng.integers(0, 50, (number, 4)) + (0, 0, 5, 5)
            rest = rng.integers(0, 2, (number, 6))
            boxes = [" ".join(str(v) for v in (*a, *b)) for a, b in zip(corners, rest)] or ["0 0 0 0 0 0 0 0 0 0"]
            table += [name, str(number), *boxes]
        ends = {"test": ("wider_face_test_filelist.txt", names)}
        file, content = ends.get(split, (f"wider_face_{split}_bbx_gt.txt", table))
        lines(folder / "wider_face_split" / file, content)
