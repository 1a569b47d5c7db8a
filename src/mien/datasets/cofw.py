"""COFW: 29 points, each with a note whether something hides it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..extras import need
from ..media.rgb import RGB, to_rgb
from .drawing import face
from .layout import Layout, Place
from .sample import Sample, Truth

NAMES = {"train": "Tr", "test": "T"}  # end of the variables of a file


@dataclass(frozen=True, eq=False)
class _Held:
    """A picture in memory, (h, w) or (h, w, 3) uint8."""

    image: Any

    def __call__(self) -> RGB:
        return to_rgb(np.ascontiguousarray(self.image, np.uint8))


@dataclass(frozen=True)
class _Stored:
    """A picture in a file of Matlab 7.3, which is HDF5 with the axes in reverse."""

    path: Path
    name: str
    index: int

    def __call__(self) -> RGB:
        h5py = need("h5py", "matlab", "COFW in files of Matlab 7.3")
        with h5py.File(self.path, "r") as opened:
            cells = opened[self.name]
            image = np.asarray(opened[cells[np.unravel_index(self.index, cells.shape)]])
        return to_rgb(np.ascontiguousarray(image.T, np.uint8))


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of COFW: box, 29 points as they stand in the file, and which of them can be seen.

    Needs scipy, or h5py for files of Matlab 7.3, which is how the colour pictures are given out.

    Args:
        root: folder of ``COFW_train_color.mat`` and ``COFW_test_color.mat``, or of the grey ones.
        split: "train" or "test".

    Raises:
        InputError: a file is missing or holds other variables.
        MissingExtra: the package that reads the file is not installed.
    """
    layout = Layout("cofw", root)
    path = layout.file(f"COFW_{layout.split(split)}_color.mat", f"COFW_{split}.mat")
    end = NAMES[split]
    names = (f"Is{end}", f"phis{end}", f"bboxes{end}")
    with open(path, "rb") as stream:
        new = stream.read(128).startswith(b"MATLAB 7.3")
    pictures, points, boxes = (_new if new else _old)(path, names)
    if points.shape[1:] != (87,) or boxes.shape != (len(points), 4) or len(pictures) != len(points):
        got = f"{path.name} holds {len(pictures)} pictures, points {points.shape} and boxes {boxes.shape}"
        raise InputError(got, "(n, 87) points and (n, 4) boxes", "get it anew")
    return (Sample(f"{split}_{i:04d}", pictures[i], truth=_truth(points[i], boxes[i])) for i in range(len(points)))


def _old(path: Path, names: tuple[str, ...]) -> tuple[list[Callable[[], RGB]], np.ndarray, np.ndarray]:
    io = need("scipy.io", "matlab", "COFW")
    try:
        found = io.loadmat(path, variable_names=names)
        pictures, points, boxes = (found[name] for name in names)
    except (KeyError, ValueError) as error:
        raise InputError(f"{path.name}: {error}", f"a file of Matlab with {', '.join(names)}", "get it anew") from error
    return [_Held(image) for image in pictures.ravel()], points, boxes


def _new(path: Path, names: tuple[str, ...]) -> tuple[list[Callable[[], RGB]], np.ndarray, np.ndarray]:
    h5py = need("h5py", "matlab", "COFW in files of Matlab 7.3")
    with h5py.File(path, "r") as opened:
        missing = [name for name in names if name not in opened]
        if missing:
            raise InputError(f"{path.name} has no {', '.join(missing)}", f"the variables {', '.join(names)}", "get it anew")
        points, boxes = (np.asarray(opened[name]).T for name in names[1:])
        count = int(np.prod(opened[names[0]].shape))
    return [_Stored(path, names[0], index) for index in range(count)], points, boxes


def _truth(values: np.ndarray, box: np.ndarray) -> Truth:
    """29 x, then 29 y, then 29 times whether the point is hidden; box as x, y, width, height."""
    x, y, width, height = (float(v) for v in box)
    points = np.stack([values[:29], values[29:58]], 1)
    return Truth(boxes=np.array([[x, y, x + width, y + height]]), landmarks=points, visible=values[58:] < 0.5)


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny COFW in files of Matlab 5: ``count`` faces in each split."""
    io = need("scipy.io", "matlab", "COFW")
    rng = np.random.default_rng(seed)
    Path(root).mkdir(parents=True, exist_ok=True)
    for split, end in NAMES.items():
        pictures = np.empty((count, 1), object)
        for number in range(count):
            pictures[number, 0] = face(rng, size=64 + number)
        points = np.concatenate([rng.uniform(5, 60, (count, 58)), rng.integers(0, 2, (count, 29))], 1)
        boxes = np.tile([4.0, 5.0, 50.0, 52.0], (count, 1))
        io.savemat(Path(root) / f"COFW_{split}_color.mat", {f"Is{end}": pictures, f"phis{end}": points, f"bboxes{end}": boxes})
