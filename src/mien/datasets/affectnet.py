"""AffectNet as its lists of manually annotated pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..labels import AFFECTNET_8, LabelSet
from .drawing import lines, picture
from .labels import AFFECTNET_7
from .layout import Layout, Place, Row, rows
from .sample import Category, Sample, Truth

COLUMNS = (
    "subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks", "expression", "valence",
    "arousal",
)  # fmt: skip
LISTS = {"train": "training.csv", "val": "validation.csv"}
NONE = -2  # stands for valence and arousal where there is none


def order(classes: int) -> LabelSet:
    """The label set of the protocol with 7 or 8 classes.

    Raises:
        InputError: another number.
    """
    if classes not in (7, 8):
        raise InputError(f"{classes} classes of AffectNet", "7 (without contempt) or 8")
    return AFFECTNET_7 if classes == 7 else AFFECTNET_8


def read(root: Place, split: str, classes: int = 8, unclear: bool = False) -> Iterator[Sample]:
    """Samples of AffectNet with box and 68 points; a valence or arousal of -2 is missing.

    Args:
        root: folder of ``Manually_Annotated_file_lists`` and ``Manually_Annotated``.
        split: "train" or "val".
        classes: 7 or 8; with 7, contempt counts as unclear.
        unclear: give the pictures without one of these expressions too (none, uncertain, no face), without the label.

    Raises:
        InputError: a file is missing or a line is wrong.
    """
    layout = Layout("affectnet", root)
    name = LISTS[layout.split(split)]
    table = layout.file(f"Manually_Annotated_file_lists/{name}", name)
    folder = layout.folder("Manually_Annotated/Manually_Annotated_Images", "Manually_Annotated", "Manually_Annotated_Images")
    return _samples(table, folder, order(classes), unclear)


def _samples(table: Path, folder: Path, labels: LabelSet, unclear: bool) -> Iterator[Sample]:
    with open(table, encoding="utf-8-sig") as stream:
        headed = stream.readline().startswith(COLUMNS[0])
    # the list of the validation set comes with and without a first line of names
    for row in rows(table, None if headed else COLUMNS):
        code = row.whole("expression")
        if not 0 <= code <= 10:
            raise row.error(f"expression is {code}", "0 to 10")
        if code >= len(labels) and not unclear:
            continue
        name = row.text(COLUMNS[0])
        expression = Category(code, labels) if code < len(labels) else None
        yield Sample(name, folder / name, truth=_truth(row, expression))


def affect_of(valence: float, arousal: float) -> np.ndarray | None:
    """(2,) valence and arousal, NaN where one is missing, None where both are."""
    pair = np.array([valence, arousal], np.float32)
    pair[pair <= NONE] = np.nan
    return None if np.isnan(pair).all() else pair


def _truth(row: Row, expression: Category | None) -> Truth:
    x, y, width, height = (row.real(f"face_{key}") for key in ("x", "y", "width", "height"))
    try:
        points = np.array(row.text("facial_landmarks").split(";"), np.float32).reshape(-1, 2)
    except ValueError as error:
        raise row.error(f"facial_landmarks: {error}", "pairs of numbers with ; between") from error
    affect = affect_of(row.real("valence"), row.real("arousal"))
    # a face that was not found has a box of size 0 or less
    box = np.array([[x, y, x + width, y + height]]) if width > 0 and height > 0 else None
    return Truth(expression, affect=affect, boxes=box, landmarks=points)


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny AffectNet: ``count`` faces of each of the 11 codes in each list; the list of "val" has no first line."""
    rng, folder = np.random.default_rng(seed), Path(root)
    for split, name in LISTS.items():
        table = [",".join(COLUMNS)] if split == "train" else []
        for number, code in enumerate(np.repeat(np.arange(11), count)):
            path = f"{number % 3 + 1}/{split}{number:04x}.jpg"
            label = AFFECTNET_8.names[code] if code < 8 else ""
            picture(folder / "Manually_Annotated/Manually_Annotated_Images" / path, rng, label, 64)
            points = ";".join(f"{v:.2f}" for v in rng.uniform(5, 60, 136))
            affect = rng.uniform(-1, 1, 2).round(6) if code < 8 else (NONE, NONE)
            table.append(f"{path},4,5,50,52,{points},{code},{affect[0]},{affect[1]}")
        lines(folder / "Manually_Annotated_file_lists" / name, table)
