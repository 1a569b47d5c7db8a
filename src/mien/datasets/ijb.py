"""What IJB-B and IJB-C share: loose crops, and lists of templates and of pairs of templates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .drawing import lines, picture
from .layout import Layout, Place, Row, rows, together
from .sample import Pair, Sample, Truth

POINTS = tuple(f"{point}_{axis}" for point in ("right eye", "left eye", "nose", "right mouth", "left mouth") for axis in "xy")


def read_crops(name: str, root: Place, split: str) -> Iterator[Sample]:
    """Samples of one of the two: the template is the ``session``, its medium (a still or a video) the ``clip``.

    Raises:
        InputError: a list is missing or a line is wrong, or the lists do not go together.
    """
    layout = Layout(name, root)
    layout.split(split)
    short = name.replace("_", "")
    templates = rows(layout.file(f"meta/{short}_face_tid_mid.txt"), ("image", "template", "medium"), None)
    points = rows(layout.file(f"meta/{short}_name_5pts_score.txt"), ("image", *POINTS, "score"), None)
    folder = layout.folder("loose_crop")
    return (_sample(folder, row, found) for row, found in together(templates, points, column="image"))


def _sample(folder: Path, row: Row, found: Row) -> Sample:
    name = row.text("image")
    truth = Truth(landmarks=np.array([found.real(key) for key in POINTS]).reshape(5, 2))
    return Sample(name, folder / name, truth=truth, clip=row.text("medium"), session=row.text("template"))


def read_pairs(name: str, root: Place) -> Iterator[Pair]:
    """Pairs of templates of the 1:1 protocol, in the order of the list; there are millions, so they come one by one.

    Raises:
        InputError: the list is missing or a line is wrong.
    """
    path = Layout(name, root).file(f"meta/{name.replace('_', '')}_template_pair_label.txt")
    found = rows(path, ("first", "second", "same"), None)
    return (Pair(row.text("first"), row.text("second"), row.whole("same") == 1) for row in found)


def draw_crops(name: str, root: Place, seed: int, count: int) -> None:
    """Write tiny crops and lists: ``count`` templates of two media, and a pair of each kind."""
    rng, folder, short = np.random.default_rng(seed), Path(root), name.replace("_", "")
    templates, points = [], []
    for number in range(1, 2 * count + 1):
        picture(folder / "loose_crop" / f"{number}.jpg", rng, size=96)
        templates.append(f"{number}.jpg {(number + 1) // 2} {1000 + number}")
        points.append(f"{number}.jpg " + " ".join(f"{v:.4f}" for v in (*rng.uniform(10, 80, 10), 0.99)))
    lines(folder / "meta" / f"{short}_face_tid_mid.txt", templates)
    lines(folder / "meta" / f"{short}_name_5pts_score.txt", points)
    lines(folder / "meta" / f"{short}_template_pair_label.txt", ["1 2 1", "1 3 0"])
