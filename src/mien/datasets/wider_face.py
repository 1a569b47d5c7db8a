"""WIDER FACE: pictures of events with all faces boxed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, unknown_name
from ..extras import need
from .drawing import lines, picture
from .labels import WIDER_6
from .layout import Layout, Place
from .sample import Sample, Truth, Values

# the last six numbers of a line, after x, y, width and height
ORDER = ("blur", "expression", "illumination", "invalid", "occlusion", "pose")
LEVELS = ("easy", "medium", "hard")
# what scipy and the unpacking of its cells raise for a file that is no list of the tools, or only a part of one
DAMAGED = (LookupError, TypeError, ValueError, AttributeError, NotImplementedError, OSError, zlib.error)
# where the evaluation tools may have been unpacked
TOOLS = ("eval_tools/ground_truth", "ground_truth", "wider_face_split", ".")


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


@dataclass(frozen=True, eq=False)
class Kept:
    """What the evaluation tools say of one picture of the validation part.

    Args:
        boxes: (m, 4) x1 y1 x2 y2 of all its faces, in pixels.
        kept: (m,) which of them count.
    """

    boxes: NDArray[np.float64]
    kept: NDArray[np.bool_]


def levels(root: Place) -> dict[str, Path]:
    """The lists ``wider_<level>_val.mat`` of the evaluation tools that are there, by level: easy, medium, hard."""
    places = [Path(root) / place / f"wider_{level}_val.mat" for place in reversed(TOOLS) for level in LEVELS]
    found = {path.name.split("_")[1]: path for path in places if path.is_file()}
    return {level: found[level] for level in LEVELS if level in found}


def kept(root: Place, level: str) -> dict[str, Kept]:
    """The faces of a level of difficulty, by the id of the sample. Needs scipy.

    ``wider_<level>_val.mat`` has a cell for each event, and in it one for each picture: ``event_list`` and ``file_list`` the
    names, ``face_bbx_list`` (m, 4) x y width height of all faces, ``gt_list`` (k, 1) the numbers, from 1, of those that count.

    Args:
        root: as for :func:`read`; the tools lie in ``eval_tools/ground_truth``, ``ground_truth``, ``wider_face_split`` or there.
        level: "easy", "medium" or "hard".

    Raises:
        InputError: there is no such level, its list is missing, or it is wrong.
        MissingExtra: scipy is not installed.
    """
    layout, there = Layout("wider_face", root), levels(root)
    if level not in LEVELS:
        raise unknown_name("level of WIDER FACE", level, LEVELS)
    if level not in there:
        remedy = f"unpack eval_tools.zip of {layout.card.url} there"
        raise InputError(f"there is no wider_{level}_val.mat in {root}", f"it in {', '.join(TOOLS[:3])} or there itself", remedy)
    path, io = there[level], need("scipy.io", "matlab", "the levels of WIDER FACE")
    wanted = "event_list, file_list, face_bbx_list and gt_list of the evaluation tools"
    try:
        return _lists(io.loadmat(path, variable_names=["event_list", "file_list", "face_bbx_list", "gt_list"]))
    except (*DAMAGED, io.matlab.MatReadError) as error:
        raise InputError(f"{path.name}: {error}", wanted, "get the file anew") from error


def _cells(value: Any) -> list[Any]:
    return list(np.asarray(value, object).ravel())


def _lists(found: Mapping[str, Any]) -> dict[str, Kept]:
    events = [_cells(found[name]) for name in ("event_list", "file_list", "face_bbx_list", "gt_list")]
    out: dict[str, Kept] = {}
    for event, *parts in zip(*events, strict=True):
        for file, rows, numbers in zip(*(_cells(part) for part in parts), strict=True):
            name = f"{event.item()}/{file.item()}"
            corner, size = np.split(np.asarray(rows, np.float64).reshape(-1, 4), 2, 1)
            places = np.asarray(numbers, np.int64).ravel() - 1
            if np.any((places < 0) | (places >= len(corner))):
                raise ValueError(f"{name} has {len(corner)} faces, and face {places.max() + 1} or 0 counts")
            out[name] = Kept(np.concatenate([corner, corner + size], 1), np.isin(np.arange(len(corner)), places))
    return out


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


def fake_levels(root: Place, wanted: Mapping[str, Callable[[Sample], NDArray[np.bool_]]]) -> None:
    """Write the lists of the evaluation tools for a WIDER FACE that is there. Needs scipy.

    Args:
        root: its folder.
        wanted: level to what says, of a sample, (m,) which of its faces count.
    """
    io, folder = need("scipy.io", "matlab", "the levels of WIDER FACE"), Path(root) / TOOLS[0]
    folder.mkdir(parents=True, exist_ok=True)
    samples = list(read(root, "val"))
    events = list(dict.fromkeys(sample.session for sample in samples))
    parts = [[sample for sample in samples if sample.session == event] for event in events]
    for level, counts in wanted.items():
        lists = {
            "file_list": [_column(sample.id.split("/")[1] for sample in part) for part in parts],
            "face_bbx_list": [_column(_corner_and_size(sample) for sample in part) for part in parts],
            "gt_list": [_column(np.flatnonzero(counts(sample))[:, None] + 1 for sample in part) for part in parts],
        }
        content = {"event_list": _column(events), **{name: _column(value) for name, value in lists.items()}}
        io.savemat(folder / f"wider_{level}_val.mat", content)


def _corner_and_size(sample: Sample) -> NDArray[np.float32]:
    rows = np.zeros((0, 4), np.float32) if sample.truth.boxes is None else sample.truth.boxes
    return np.concatenate([rows[:, :2], rows[:, 2:] - rows[:, :2]], 1)


def _column(values: Iterable[object]) -> NDArray[np.object_]:
    """A cell array (n, 1) of Matlab."""
    content = list(values)
    out = np.empty((len(content), 1), object)
    for place, value in enumerate(content):
        out[place, 0] = value
    return out
