"""Aff-Wild2: affect, expression and action units for each frame of videos of the web."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError, unknown_name
from .drawing import lines, picture
from .labels import AFFWILD2_8, AFFWILD2_12
from .layout import Layout, Place, Row, rows
from .sample import Category, Sample, Truth, Values

log = logging.getLogger(__name__)

# the folder of expressions has another name in some competitions
TASKS = {
    "expression": ("EXPR_Recognition_Challenge", "EXPR_Classification_Challenge"),
    "affect": ("VA_Estimation_Challenge",),
    "units": ("AU_Detection_Challenge",),
}
PARTS = {"train": "Train_Set", "val": "Validation_Set"}
ADDED = "cropped_aligned_new_50_vids"  # faces of the videos that came later
HEADINGS = {
    "expression": "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other",
    "affect": "valence,arousal",
    "units": ",".join(f"AU{int(name[2:])}" for name in AFFWILD2_12),
}


def read(root: Place, split: str, task: str = "expression") -> Iterator[Sample]:
    """Samples of Aff-Wild2, one for each frame in which the face was found; frames without a picture are left out.

    A class or unit of -1 and a valence or arousal of -5 are missing. A video with two persons comes twice, with names that end
    in ``_left`` or ``_right``: the whole name is the ``subject``, the name of the video the ``session``.

    Args:
        root: folder of the three challenges (or of one "... ABAW Annotations" that holds them) and of ``cropped_aligned``, with
            ``cropped_aligned_new_50_vids`` beside it where that is there.
        split: "train" or "val".
        task: "expression", "affect" or "units".

    Raises:
        InputError: a folder is missing or a line is wrong.
    """
    layout = Layout("aff_wild2", root)
    if task not in TASKS:
        raise unknown_name("task of Aff-Wild2", task, TASKS)
    places = [f"{name}/{PARTS[layout.split(split)]}" for name in TASKS[task]]
    above = sorted(path.name for path in layout.root.glob("*Annotations*") if path.is_dir())
    folder = layout.folder(*places, *(f"{name}/{place}" for name in above for place in places))
    faces = ("cropped_aligned", "cropped_aligned_images")
    images = layout.folder(*(f"{name}{below}" for name in faces for below in ("/cropped_aligned", "")))
    found = sorted(folder.glob("*.txt"))
    if not found:
        raise layout.missing("file", f"{folder.relative_to(layout.root).as_posix()}/*.txt")
    return (sample for path in found for sample in _samples(path, _faces(images, path.stem), task))


def _faces(images: Path, video: str) -> Path:
    """The folder of the faces of a video, which may be one of those that came later."""
    later = images.with_name(ADDED) / video
    return images / video if (images / video).is_dir() or not later.is_dir() else later


def _samples(path: Path, images: Path, task: str) -> Iterator[Sample]:
    with open(path, encoding="utf-8-sig") as stream:
        heading = stream.readline().strip()
    if heading.replace(" ", "") != HEADINGS[task]:
        raise InputError(f"{path.name} line 1: {heading[:60]!r}", HEADINGS[task], "another version has another order of classes")
    name = path.stem
    columns, lost = ("label",) if task == "expression" else HEADINGS[task].split(","), 0
    for number, row in enumerate(rows(path, columns, skip=1), 1):
        # the first line below the heading belongs to frame 00001
        image = images / f"{number:05d}.jpg"
        if not image.is_file():
            lost += 1
            continue
        video = name.removesuffix("_left").removesuffix("_right")
        yield Sample(f"{name}/{number:05d}", image, truth=_TRUTHS[task](row), subject=name, clip=name, session=video)
    log.info("%s: %d frames without a picture were left out", name, lost)


def _expression(row: Row) -> Truth:
    return Truth(None if row.whole("label") == -1 else Category(row.code("label", AFFWILD2_8).index, AFFWILD2_8))


def _affect(row: Row) -> Truth:
    pair = np.array([row.real("valence"), row.real("arousal")], np.float32)
    pair[pair == -5] = np.nan
    if np.any(np.abs(pair) > 1):
        raise row.error(f"valence and arousal are {pair.tolist()}", "-1 to 1, or -5 for a missing one")
    return Truth(affect=None if np.isnan(pair).all() else pair)


def _units(row: Row) -> Truth:
    values = np.array([row.real(f"AU{int(name[2:])}") for name in AFFWILD2_12], np.float32)
    values[values == -1] = np.nan
    return Truth(units=None if np.isnan(values).all() else Values(values, AFFWILD2_12))


_TRUTHS: dict[str, Callable[[Row], Truth]] = {"expression": _expression, "affect": _affect, "units": _units}


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny Aff-Wild2: ``count`` videos of ten frames in each split and task; the face of frame 3 was not found, and
    frame 5 has no label."""
    rng, folder = np.random.default_rng(seed), Path(root)
    for part in PARTS.values():
        for number in range(count):
            name = f"{part[:3]}{number}" + ("_left" if number else "")
            codes = [*(int(code) for code in rng.permutation(8)), 0, 1]
            codes[4] = -1
            for frame, code in enumerate(codes, 1):
                if frame != 3:
                    label = AFFWILD2_8.names[code] if code >= 0 else ""
                    picture(folder / "cropped_aligned" / name / f"{frame:05d}.jpg", rng, label, 112)
            affect = rng.uniform(-1, 1, (10, 2)).round(3)
            affect[4] = -5
            units = rng.integers(0, 2, (10, 12))
            units[4], units[5, 0] = -1, -1
            tables = {
                "expression": [str(code) for code in codes],
                "affect": [",".join(str(v) for v in row) for row in affect],
                "units": [",".join(str(v) for v in row) for row in units],
            }
            for task, table in tables.items():
                lines(folder / TASKS[task][0] / part / f"{name}.txt", [HEADINGS[task], *table])
