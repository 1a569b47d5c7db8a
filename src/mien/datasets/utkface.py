"""UTKFace: the labels are in the names of the files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from .drawing import picture
from .labels import GENDER_2, UTKFACE_RACE_5
from .layout import Layout, Place, pictures
from .sample import Category, Sample, Truth


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of UTKFace. A few names lack gender or race, which are then missing.

    Args:
        root: folder of the pictures, or of ``UTKFace``.
        split: "all": the data set has no split of its own.

    Raises:
        InputError: there are no pictures, or a name does not begin with an age.
    """
    layout = Layout("utkface", root)
    layout.split(split)
    folder = next((layout.root / name for name in ("UTKFace", "crop_part1") if (layout.root / name).is_dir()), layout.root)
    found = pictures(folder)
    if not found:
        raise layout.missing("picture", "[age]_[gender]_[race]_[date&time].jpg")
    return (Sample(path.name, path, truth=truth_of(path.name)) for path in found)


def truth_of(name: str) -> Truth:
    """Age, gender and race from the name of a file.

    Raises:
        InputError: it does not begin with an age.

    Example:
        >>> truth = truth_of("26_1_3_20170116003643868.jpg.chip.jpg")
        >>> truth.age, truth.gender.name, truth.race.name
        (26.0, 'female', 'Indian')
        >>> truth_of("61_1_20170109150557335.jpg").known
        ('age', 'gender')
    """
    # where a part is missing, the date stands in its place, which is no code
    parts = [part for part in re.split(r"[_.]", name) if part.isdecimal()]
    if not parts or not 0 <= int(parts[0]) <= 116 or not re.match(r"\d+_", name):
        raise InputError(
            f"the name {name}", "[age]_[gender]_[race]_[date&time].jpg, age from 0 to 116", "move the file elsewhere"
        )
    gender = Category(int(parts[1]), GENDER_2) if len(parts) > 1 and int(parts[1]) < 2 else None
    race = Category(int(parts[2]), UTKFACE_RACE_5) if len(parts) > 2 and int(parts[2]) < 5 else None
    return Truth(age=float(parts[0]), gender=gender, race=race)


def fake(root: Place, seed: int = 0, count: int = 6) -> None:
    """Write a tiny UTKFace: ``count`` faces, and one whose name lacks the race."""
    rng, folder = np.random.default_rng(seed), Path(root) / "UTKFace"
    for number in range(count):
        name = f"{int(rng.integers(1, 117))}_{number % 2}_{number % 5}_2017011617{number:07d}.jpg.chip.jpg"
        picture(folder / name, rng, size=64)
    picture(folder / "61_1_20170109150557335.jpg.chip.jpg", rng, size=64)
