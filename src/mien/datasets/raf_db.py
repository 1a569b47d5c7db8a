"""RAF-DB, the part with basic expressions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from .drawing import lines, picture
from .labels import GENDER_2, RAF_7, RAF_AGE_5, RAF_RACE_3
from .layout import Layout, Place, rows
from .sample import Category, Sample, Truth

# numbers of the classes in the list of labels, from the data set's own readme
CODES = {"surprise": 1, "fear": 2, "disgust": 3, "happiness": 4, "sadness": 5, "anger": 6, "neutral": 7}


def read(root: Place, split: str, aligned: bool = True) -> Iterator[Sample]:
    """Samples of RAF-DB.

    Points and boxes belong to the original pictures, so they come with those only; gender, race and age come where the manual
    annotations are unpacked. A gender that the raters called unsure is missing.

    Args:
        root: the folder ``basic``, or the one above it.
        split: "train" or "test".
        aligned: the aligned faces of 100 x 100 pixels, or the original pictures.

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("raf_db", root)
    labels = layout.file("EmoLabel/list_patition_label.txt", "basic/EmoLabel/list_patition_label.txt")
    layout.split(split)
    folder = labels.parent.parent
    kind = "aligned" if aligned else "original"
    if not (folder / "Image" / kind).is_dir():
        raise layout.missing("folder", f"Image/{kind}")
    return _samples(folder, labels, split, aligned)


def _samples(folder: Path, labels: Path, split: str, aligned: bool) -> Iterator[Sample]:
    for row in rows(labels, ("file", "label"), None):
        name = row.text("file")
        if not name.startswith(f"{split}_"):
            continue
        stem = name.rpartition(".")[0]
        image = folder / "Image" / ("aligned" if aligned else "original") / (f"{stem}_aligned.jpg" if aligned else name)
        yield Sample(stem, image, truth=_truth(folder / "Annotation", stem, row.code("label", RAF_7, 1), aligned))


def _truth(folder: Path, stem: str, expression: Category, aligned: bool) -> Truth:
    manual, box = folder / "manual" / f"{stem}_manu_attri.txt", folder / "boundingbox" / f"{stem}_boundingbox.txt"
    values = _numbers(manual, 13) if manual.is_file() else None
    gender = race = age = None
    if values is not None:
        # the third gender is "unsure"
        gender = Category(int(values[10]), GENDER_2) if values[10] in (0, 1) else None
        race, age = Category(int(values[11]), RAF_RACE_3), Category(int(values[12]), RAF_AGE_5)
    points = None if aligned or values is None else values[:10].reshape(5, 2)
    boxes = None if aligned or not box.is_file() else _numbers(box, 4)[None]
    return Truth(expression, boxes=boxes, landmarks=points, gender=gender, race=race, age_range=age)


def _numbers(path: Path, count: int) -> np.ndarray:
    """The numbers of a small file: five points, gender, race and age, or the corners of a box."""
    try:
        values = np.array(path.read_text("utf-8").split(), np.float32)
    except ValueError as error:
        raise InputError(f"{path.name}: {error}", f"{count} numbers", "get the file anew") from error
    if len(values) != count:
        raise InputError(f"{path.name} holds {len(values)} numbers", str(count), "get the file anew")
    return values


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny RAF-DB: ``count`` faces of each class in each split, both kinds of pictures, with annotations."""
    rng, folder = np.random.default_rng(seed), Path(root) / "basic"
    table = []
    for split, digits in (("train", 5), ("test", 4)):
        for number, name in enumerate(np.repeat(list(CODES), count), 1):
            stem = f"{split}_{number:0{digits}d}"
            table.append(f"{stem}.jpg {CODES[str(name)]}")
            picture(folder / "Image/aligned" / f"{stem}_aligned.jpg", rng, str(name), 100)
            picture(folder / "Image/original" / f"{stem}.jpg", rng, str(name), 120)
            points = [f"{x:.3f}\t{y:.3f}" for x, y in rng.uniform(20, 100, (5, 2))]
            codes = [int(rng.integers(3)), int(rng.integers(3)), int(rng.integers(5))]
            lines(folder / "Annotation/manual" / f"{stem}_manu_attri.txt", [*points, *(str(code) for code in codes)])
            lines(folder / "Annotation/boundingbox" / f"{stem}_boundingbox.txt", [(10.5, 12.5, 100.25, 110.75)])
    lines(folder / "EmoLabel/list_patition_label.txt", table)
