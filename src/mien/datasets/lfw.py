"""Labeled Faces in the Wild: pictures by person, and the pairs of View 2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from .drawing import lines, picture
from .layout import Layout, Place, pictures, rows, subfolders
from .sample import Pair, Sample

PEOPLE = {"train": "peopleDevTrain.txt", "test": "peopleDevTest.txt"}
FOLDERS = ("lfw", "lfw_funneled", "lfw-deepfunneled", "lfw-deepfunneled/lfw-deepfunneled")


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of LFW, person by person.

    Args:
        root: folder of ``lfw`` (or of its funneled and aligned kinds) and the lists.
        split: "all", or "train" and "test" for the persons of View 1.

    Raises:
        InputError: a folder or list is missing, or a line is wrong.
    """
    layout = Layout("lfw", root)
    folder = layout.folder(*FOLDERS)
    if layout.split(split) == "all":
        people = [path.name for path in subfolders(folder)]
    else:
        # the first line is the number of persons
        people = [row.text("name") for row in rows(layout.file(PEOPLE[split]), ("name", "count"), None, skip=1)]
    for person in people:
        if not (folder / person).is_dir():
            raise layout.missing("folder", person)
    return (Sample(image.stem, image, subject=person) for person in people for image in pictures(folder / person))


def pairs(root: Place) -> list[Pair]:
    """The pairs of View 2, of ids of samples, with their folds.

    Raises:
        InputError: ``pairs.txt`` is missing or wrong.
    """
    path = Layout("lfw", root).file("pairs.txt", "lfw/pairs.txt")
    found = [line.split() for line in path.read_text("utf-8").splitlines() if line.strip()]
    try:
        folds, each = (int(cell) for cell in found[0])
    except (ValueError, IndexError) as error:
        raise InputError(f"{path.name} line 1: {error}", "number of folds and of pairs of a kind in each") from error
    if len(found) != 1 + 2 * folds * each:
        raise InputError(f"{path.name} has {len(found) - 1} pairs", f"{2 * folds * each}: {folds} folds of {each} of each kind")
    return [_pair(path, line, cells, (line - 2) // (2 * each)) for line, cells in enumerate(found[1:], 2)]


def _pair(path: Path, line: int, cells: list[str], fold: int) -> Pair:
    """One person and two numbers, or two persons with one number each."""
    numbers = cells[1:] if len(cells) == 3 else cells[1::2]
    if len(cells) not in (3, 4) or not all(number.isdecimal() for number in numbers):
        raise InputError(f"{path.name} line {line}: {' '.join(cells)}", "a name and two numbers, or name, number, name, number")
    first, second = (
        f"{name}_{int(number):04d}" for name, number in zip((cells[0], cells[-2 if len(cells) == 4 else 0]), numbers)
    )
    return Pair(first, second, len(cells) == 3, fold)


def fake(root: Place, seed: int = 0, count: int = 4) -> None:
    """Write a tiny LFW: ``count`` persons with two pictures each, and two folds of one pair of each kind."""
    rng, folder = np.random.default_rng(seed), Path(root)
    people = [f"Some_Body_{chr(97 + number)}" for number in range(count)]
    for person in people:
        for number in (1, 2):
            picture(folder / "lfw" / person / f"{person}_{number:04d}.jpg", rng, size=64)
    table = ["2\t1"]
    for fold in range(2):
        a, b = people[2 * fold : 2 * fold + 2]
        table += [f"{a}\t1\t2", f"{a}\t2\t{b}\t1"]
    lines(folder / "pairs.txt", table)
    for part, name in ((people[:-1], "train"), (people[-1:], "test")):
        lines(folder / PEOPLE[name], [str(len(part)), *(f"{person}\t2" for person in part)])
