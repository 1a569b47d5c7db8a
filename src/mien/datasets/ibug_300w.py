"""300-W: 68 points on pictures of four data sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from .drawing import lines, picture
from .layout import Layout, Place, pictures
from .sample import Sample, Truth

FOLDERS = {
    "train": ("afw", "helen/trainset", "lfpw/trainset"),
    "common": ("helen/testset", "lfpw/testset"),
    "challenging": ("ibug",),
    "test": ("helen/testset", "lfpw/testset", "ibug"),
}


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of 300-W, with 68 points. The part it comes from is the ``session``.

    Args:
        root: folder of ``afw``, ``helen``, ``ibug`` and ``lfpw``.
        split: "train", "test" (the full one), or its parts "common" and "challenging".

    Raises:
        InputError: a folder or points are missing or wrong.
    """
    layout = Layout("ibug_300w", root)
    folders = [layout.folder(name) for name in FOLDERS[layout.split(split)]]
    return (_sample(layout, path) for folder in folders for path in pictures(folder))


def _sample(layout: Layout, path: Path) -> Sample:
    points = path.with_suffix(".pts")
    if not points.is_file():
        raise layout.missing("file", str(points.relative_to(layout.root)))
    place = path.relative_to(layout.root)
    return Sample(str(place.with_suffix("").as_posix()), path, truth=Truth(landmarks=read_points(points)), session=place.parts[0])


def read_points(path: Path) -> np.ndarray:
    """(k, 2) points of a .pts file, which counts pixels from 1 as Matlab does; here the first pixel is 0.

    Raises:
        InputError: the file is no such list, or holds another number of points than it says.
    """
    text = path.read_text("utf-8")
    head, _, body = text.partition("{")
    says = [line.split(":")[1] for line in head.splitlines() if line.strip().startswith("n_points")]
    try:
        points = np.array(body.partition("}")[0].split(), np.float32).reshape(-1, 2)
    except ValueError as error:
        raise InputError(f"{path.name}: {error}", "pairs of numbers between { and }", "get it anew") from error
    if not says or len(points) != int(says[0]):
        raise InputError(f"{path.name} holds {len(points)} points", f"{(says or ['68'])[0].strip()}", "get it anew")
    return points - 1


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny 300-W: ``count`` pictures in each part."""
    rng = np.random.default_rng(seed)
    for part in sorted({part for parts in FOLDERS.values() for part in parts}):
        for number in range(1, count + 1):
            path = Path(root) / part / f"image_{number:04d}{'.jpg' if part != 'lfpw/testset' else '.png'}"
            picture(path, rng, size=96)
            points = [f"{x:.6f} {y:.6f}" for x, y in rng.uniform(10, 80, (68, 2))]
            lines(path.with_suffix(".pts"), ["version: 1", "n_points:  68", "{", *points, "}"])
