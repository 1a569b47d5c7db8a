"""Any folder of pictures with a folder for each class, and the data sets that lie so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..labels import LabelSet
from .drawing import picture
from .labels import term
from .layout import Layout, Place, pictures, subfolders
from .sample import Category, Sample, Truth

SPLITS = ("train", "val", "test")


def read(root: Place, split: str, labels: LabelSet | None = None) -> Iterator[Sample]:
    """Pictures of a folder by class.

    Args:
        root: folder of ``<class>/<picture>``, or of ``<split>/<class>/<picture>``.
        split: "all" for the first form, else the name of the split.
        labels: the label set; without one it is made of the names of the folders in their order, in the terms of mien
            ("Angry" is "anger"), so train and val must then have the same folders.

    Raises:
        InputError: there is no such folder, no class with pictures in it, or a class that is not in the label set.
    """
    layout = Layout("image_folder", root)
    folder = layout.root if layout.split(split) == "all" else layout.folder(split)
    return class_samples(folder, labels or found_labels(folder), layout)


def found_labels(folder: Path) -> LabelSet:
    """The label set that the names of the folders make.

    Raises:
        InputError: there is no folder with pictures.
    """
    names = [term(path.name) for path in subfolders(folder) if pictures(path)]
    if not names:
        raise InputError(f"{folder} has no folder with pictures", "a folder for each class", "name a folder above them")
    if len(set(names)) != len(names):
        raise InputError(f"{folder} has two folders of one class: {', '.join(names)}", "one folder for each class")
    return LabelSet(f"folders of {folder.name}", tuple(names))


def class_samples(folder: Path, labels: LabelSet, layout: Layout) -> Iterator[Sample]:
    """Samples of ``<class>/<picture>``, class by class in the order of their names.

    Raises:
        InputError: a folder is no class of the label set, or none has pictures.
    """
    classes = [path for path in subfolders(folder) if pictures(path)]
    if not classes:
        raise layout.missing("folder with pictures", *(f"{folder.name}/{name}" for name in labels.names[:2]))
    found = {path: _class(path, labels) for path in classes}
    return (
        Sample(f"{path.name}/{image.stem}", image, truth=Truth(category))
        for path, category in found.items()
        for image in pictures(path)
    )


def _class(path: Path, labels: LabelSet) -> Category:
    for name in (path.name, term(path.name)):
        if name in labels:
            return Category(labels.index(name), labels)
    raise InputError(f"folder {path.name} in {path.parent}", f"one of: {', '.join(labels.names)}", "move it elsewhere")


def draw_classes(folder: Path, words: Sequence[str], rng: np.random.Generator, count: int, suffix: str = ".jpg") -> None:
    """Draw ``count`` faces into a folder for each class; ``words`` are the names of the folders."""
    for word in words:
        for number in range(count):
            picture(folder / word / f"{number + 1:04d}{suffix}", rng, term(word))


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny folder of each form: classes at the root, and classes of "train", "val" and "test"."""
    rng = np.random.default_rng(seed)
    words = ("Angry", "Happy", "Neutral")
    draw_classes(Path(root), words, rng, count)
    for split in SPLITS:
        draw_classes(Path(root) / split, words, rng, count)
