"""WIDER FACE as a benchmark: average precision of a detector on easy, medium and hard faces, by their size and by what is noted.

Yang, Luo, Loy and Tang, "WIDER FACE: A Face Detection Benchmark", CVPR 2016, arXiv:1511.06523. The procedure of scoring is
:func:`mien.metrics.wider.wider_ap`, the pictures come from :mod:`mien.datasets.wider_face`. Which faces are easy, medium and
hard is read from the lists of the evaluation tools and never guessed: without them only "all" is reported, every face that is
not flagged invalid. "All" and its parts by size (the paper's three ranges of height) and by attribute are judged in the same
way: what is found of the other faces neither helps nor hurts, and every false detection counts against each part in full, so
that rare kinds of face have low figures. The paper's own detector, a cascade of networks for four ranges of size, is not here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...datasets.sample import Sample
from ...datasets.wider_face import LEVELS, Kept, kept, levels, read
from ...errors import InputError, unknown_name
from ...files import atomic
from ...metrics.detection import boxes
from ...metrics.table import NAN, Row, Table
from ...metrics.wider import wider_ap
from ...runtime.models import runner
from ...stages.detect import Detect

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Place = str | os.PathLike[str]

# the detector's suppression of double boxes takes time and memory by the square of what passes: at 0.02 ten times as much
THRESHOLD = 0.05
# least height, and the height from which on a face is too large; heights are whole numbers
HEIGHTS = {"10 to 49 px": (10.0, 50.0), "50 to 300 px": (50.0, 301.0), "above 300 px": (301.0, np.inf)}
CODES = {
    "blur": ("clear", "normal", "heavy"),
    "expression": ("typical", "exaggerate"),
    "illumination": ("normal", "extreme"),
    "occlusion": ("none", "partial", "heavy"),
    "pose": ("typical", "atypical"),
}


def evaluate(
    root: Place,
    detections: Place | None = None,
    split: str = "val",
    difficulty: str | None = None,
    threshold: float = THRESHOLD,
    limit: int | None = None,
) -> list[Table]:
    """Average precision on WIDER FACE: a table for each level, one by height of the face and one by attribute.

    Args:
        root: folder of the data set, with ``eval_tools/ground_truth`` for the levels.
        detections: folder of ``<event>/<picture>.txt`` (see :func:`read_detections`); None runs the embedded detector.
        split: "val", or "train", which has no levels.
        difficulty: "easy", "medium", "hard" or "all"; None for all that can be told.
        threshold: lowest confidence that the embedded detector gives out, in (0, 1); low, as AP asks for the whole curve.
        limit: judge the first so many pictures only; when there are more, the tables say so in their names.

    Returns:
        Tables with rows "AP" (in [0, 1]; ``n`` is the number of faces that count, and a detector that finds nothing, the
        constant one, has 0), named "wider-face/easy" and so on.

    Raises:
        InputError: a file is missing or wrong, an option is out of its range, or the split has no published boxes.
        MissingExtra: the lists of the levels are there and scipy is not installed.
    """
    _checked(split, difficulty, limit)
    lists = _lists(root, split, difficulty)
    samples = list(islice(read(root, split), None if limit is None else limit + 1))
    cut, samples = limit is not None and len(samples) > limit, samples[:limit]
    if detections is None:
        found = [faces for _, faces in detect(root, split, threshold, limit)]
    else:
        found = [read_detections(_file(Path(detections), sample.id)) for sample in samples]
    name = "wider-face/{}" if split == "val" else f"wider-face/{split}-{{}}"
    name += f", first {limit} pictures" if cut else ""
    tables = [_level(name.format(level), samples, found, content) for level, content in lists.items()]
    return tables + (_parts(name, samples, found) if difficulty in (None, "all") else [])


def _checked(split: str, difficulty: str | None, limit: int | None) -> None:
    if split == "test":
        remedy = "write the detections with write_detections() and send them in as the page of the benchmark says"
        raise InputError("the boxes of split 'test' are not published", "'val' or 'train'", remedy)
    if difficulty is not None and difficulty not in (*LEVELS, "all"):
        raise unknown_name("difficulty", difficulty, (*LEVELS, "all"))
    if difficulty in LEVELS and split != "val":
        raise InputError(f"difficulty {difficulty!r} of split {split!r}", "split 'val'", "only its levels are published")
    if limit is not None and limit < 1:
        raise InputError(f"limit is {limit}", "1 or more, or None")


def _lists(root: Place, split: str, difficulty: str | None) -> dict[str, Mapping[str, Kept]]:
    """The lists of the levels that are asked for; without a wish those that are there, with a warning for the others."""
    if difficulty is not None:
        return {} if difficulty == "all" else {difficulty: kept(root, difficulty)}
    if split != "val":
        return {}
    there = levels(root)
    missing = [f"wider_{level}_val.mat" for level in LEVELS if level not in there]
    if missing:
        log.warning(
            "%s: no %s, so those levels are not judged; unpack the benchmark's eval_tools.zip there", root, ", ".join(missing)
        )
    return {level: kept(root, level) for level in there}


def _row(metric: str, value: float, faces: int) -> Row:
    return Row(metric, value, faces, constant=0.0 if faces else NAN)


def _level(name: str, samples: Sequence[Sample], found: Sequence[Floats], lists: Mapping[str, Kept]) -> Table:
    """One of the three published figures, with the boxes of the evaluation tools."""
    absent = [sample.id for sample in samples if sample.id not in lists]
    if absent:
        got = f"{name}: {len(absent)} pictures are not in its list, the first is {absent[0]}"
        raise InputError(got, "lists and pictures of one edition", "get both anew from the page of the benchmark")
    parts = [lists[sample.id] for sample in samples]
    # the lists may hold an empty box for a picture without faces
    other = sum(len(part.boxes[part.boxes.any(1)]) != len(_boxes(sample)) for part, sample in zip(parts, samples))
    if other:
        log.warning("%s: in %d pictures the list has another number of faces than the annotation; the list holds", name, other)
    value = wider_ap([part.boxes for part in parts], found, {"AP": [part.kept for part in parts]})["AP"]
    return Table(name, (_row("AP", value, sum(int(part.kept.sum()) for part in parts)),))


def _boxes(sample: Sample) -> NDArray[np.float32]:
    return np.zeros((0, 4), np.float32) if sample.truth.boxes is None else sample.truth.boxes


def _codes(sample: Sample, attribute: str) -> NDArray[np.float32]:
    return np.zeros(0, np.float32) if sample.truth.box_values is None else sample.truth.box_values[attribute]


def _parts(name: str, samples: Sequence[Sample], found: Sequence[Floats]) -> list[Table]:
    """All valid faces, and their parts by height and by attribute."""
    valid = [_codes(sample, "invalid") == 0 for sample in samples]
    heights = [_boxes(sample)[:, 3] - _boxes(sample)[:, 1] for sample in samples]
    groups: dict[str, dict[str, list[Flags]]] = {"all": {"AP": valid}, "all by height": {}, "all by attribute": {}}
    for words, (low, high) in HEIGHTS.items():
        groups["all by height"][f"AP({words})"] = [ok & (low <= h) & (h < high) for ok, h in zip(valid, heights)]
    for attribute, words_of in CODES.items():
        for code, word in enumerate(words_of):
            flags = [ok & (_codes(sample, attribute) == code) for ok, sample in zip(valid, samples)]
            groups["all by attribute"][f"AP({attribute} {word})"] = flags
    subsets = {metric: flags for group in groups.values() for metric, flags in group.items()}
    value = wider_ap([_boxes(sample) for sample in samples], found, subsets)
    rows = {metric: _row(metric, value[metric], sum(int(f.sum()) for f in flags)) for metric, flags in subsets.items()}
    return [Table(name.format(kind), tuple(rows[metric] for metric in group)) for kind, group in groups.items()]


def detect(
    root: Place, split: str = "val", threshold: float = THRESHOLD, limit: int | None = None
) -> Iterator[tuple[str, Floats]]:
    """The embedded detector on WIDER FACE, upright and at all scales, one picture after the other.

    Args:
        root: folder of the data set.
        split: "train", "val" or "test".
        threshold: lowest confidence of a detection, in (0, 1).
        limit: the first so many pictures only.

    Returns:
        Name of the sample ("0--Parade/0_Parade_marchingband_1_20") and (k, 5) x1 y1 x2 y2 score, best first.

    Raises:
        InputError: threshold outside (0, 1), or a file is missing or wrong.
    """
    if not 0 < threshold < 1:
        raise InputError(f"threshold is {threshold}", "a number between 0 and 1")
    stage = Detect(runner("detector"), threshold, turned=False)
    return _detected(stage, islice(read(root, split), limit))


def _detected(stage: Detect, samples: Iterable[Sample]) -> Iterator[tuple[str, Floats]]:
    for sample in samples:
        faces = stage.find(sample.read())
        yield sample.id, np.column_stack([faces.boxes, faces.confidence]).astype(np.float64)


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.txt"


def write_detections(folder: Place, detections: Iterable[tuple[str, ArrayLike]]) -> None:
    """Write detections as the benchmark wants them: ``<event>/<picture>.txt`` with name, number, then x y width height score.

    The best detection comes first: the tools of the benchmark do not sort, and give a wrong figure for another order.

    Args:
        folder: where to write; it is made, and files of the same name are replaced.
        detections: "event/picture" and (k, 5) x1 y1 x2 y2 score of each picture, as :func:`detect` gives them.

    Raises:
        InputError: a shape or box that does not fit.
    """
    for name, values in detections:
        found = boxes(name, values, 5)
        found = found[np.argsort(-found[:, 4], kind="stable")]
        rows = np.column_stack([found[:, :2], found[:, 2:4] - found[:, :2], found[:, 4]])
        path = _file(Path(folder), name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as stream:
            stream.write(f"{path.stem}.jpg\n{len(rows)}\n")
            stream.writelines(" ".join(f"{v:.12g}" for v in row) + "\n" for row in rows)


def read_detections(path: Place) -> Floats:
    """One file of a submission to WIDER FACE. -> (k, 5) x1 y1 x2 y2 score, in the order of the file

    Args:
        path: ``<event>/<picture>.txt``: the name of the picture, how many detections, then ``x y width height score`` of each.

    Raises:
        InputError: there is no such file, the name in it is another, or a line or their number is wrong.
    """
    path = Path(path)
    if not path.is_file():
        wanted = f"{path.parent.name}/{path.name}, also for a picture in which nothing was found"
        raise InputError(f"there is no {path}", wanted, "write name and 0 into it if so")
    lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    if len(lines) < 2 or not lines[1].isdecimal() or lines[0].split("/")[-1].removesuffix(".jpg") != path.stem:
        raise InputError(f"{path.name}: starts with {lines[:2]}", f"{path.stem}.jpg, then the number of detections")
    try:
        rows = np.array([line.split() for line in lines[2:]], np.float64).reshape(-1, 5)
    except ValueError as error:
        raise InputError(f"{path.name}: {error}", "x y width height score in each line") from error
    if len(lines) - 2 != int(lines[1]) or len(rows) != int(lines[1]):
        got = f"{path.name}: {len(lines) - 2} detections, {lines[1]} announced"
        raise InputError(got, "one line of x y width height score for each")
    if not np.isfinite(rows).all() or np.any(rows[:, 2:4] < 0):
        raise InputError(f"{path.name}: a number that is not finite, or a width or height below 0", "x y width height score")
    return np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4], rows[:, 4:]], 1)
