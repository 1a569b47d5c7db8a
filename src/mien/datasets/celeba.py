"""CelebA: aligned faces of known people with 40 attributes and five points."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from .drawing import lines, picture
from .labels import CELEBA_40
from .layout import Layout, Place, Row, rows, together
from .sample import Sample, Truth, Values

PARTS = {"train": 0, "val": 1, "test": 2}
POINTS = tuple(f"{point}_{axis}" for point in ("lefteye", "righteye", "nose", "leftmouth", "rightmouth") for axis in "xy")


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of CelebA: attributes as 1 and 0, with subject and points where their lists lie beside.

    Args:
        root: folder of ``img_align_celeba`` and the lists, or of ``Img``, ``Anno`` and ``Eval``.
        split: "train", "val" or "test".

    Raises:
        InputError: a file is missing or a line is wrong, or the lists do not go together.
    """
    layout = Layout("celeba", root)
    part = PARTS[layout.split(split)]
    images = layout.folder("img_align_celeba", "Img/img_align_celeba", "img_align_celeba/img_align_celeba")
    attributes = layout.file("list_attr_celeba.txt", "Anno/list_attr_celeba.txt")
    parts = layout.file("list_eval_partition.txt", "Eval/list_eval_partition.txt")
    people, points = attributes.parent / "identity_CelebA.txt", attributes.parent / "list_landmarks_align_celeba.txt"
    lists: dict[str, Iterator[Row]] = {
        "attributes": rows(attributes, ("image", *_names(attributes)), None, skip=2),
        "part": rows(parts, ("image", "part"), None),
    }
    if people.is_file():
        lists["subject"] = rows(people, ("image", "subject"), None)
    if points.is_file():
        lists["points"] = rows(points, ("image", *POINTS), None, skip=2)
    return _samples(images, lists, part)


def _names(path: Path) -> tuple[str, ...]:
    with open(path, encoding="utf-8") as stream:
        names = tuple((stream.readline() and stream.readline()).split())
    if names != CELEBA_40.names:
        raise InputError(f"{path.name} line 2 has {len(names)} names", "the 40 attributes of CelebA in their order")
    return names


def _samples(images: Path, lists: dict[str, Iterator[Row]], part: int) -> Iterator[Sample]:
    for found in together(*lists.values(), column="image"):
        row = dict(zip(lists, found))
        name = row["attributes"].text("image")
        if row["part"].whole("part") != part:
            continue
        marks = np.array([row["attributes"].real(label) for label in CELEBA_40])
        points = row.get("points")
        truth = Truth(
            attributes=Values((marks > 0).astype(np.float32), CELEBA_40),
            landmarks=None if points is None else np.array([points.real(key) for key in POINTS]).reshape(5, 2),
        )
        yield Sample(name, images / name, truth=truth, subject=row["subject"].text("subject") if "subject" in row else None)


def fake(root: Place, seed: int = 0, count: int = 3) -> None:
    """Write a tiny CelebA: ``count`` faces in each split, two to a person."""
    rng, folder = np.random.default_rng(seed), Path(root)
    attributes, parts, people = [str(3 * count), " ".join(CELEBA_40)], [], []
    points = [str(3 * count), " ".join(POINTS)]
    for number in range(3 * count):
        name = f"{number + 1:06d}.jpg"
        picture(folder / "img_align_celeba" / name, rng, size=64)
        attributes.append(f"{name} " + " ".join(f"{v:2d}" for v in rng.choice((-1, 1), 40)))
        parts.append(f"{name} {number // count}")
        people.append(f"{name} {number // 2 + 1}")
        points.append(f"{name} " + " ".join(f"{v:4d}" for v in rng.integers(10, 60, 10)))
    lists = {"list_attr_celeba": attributes, "list_eval_partition": parts, "identity_CelebA": people}
    for stem, table in (lists | {"list_landmarks_align_celeba": points}).items():
        lines(folder / f"{stem}.txt", table)
