"""CAER-S: stills of films with their surroundings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .image_folder import class_samples, draw_classes
from .labels import EMOTIW_7
from .layout import Layout, Place
from .sample import Sample

WORDS = ("Anger", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of CAER-S: whole stills, in which the face has still to be found.

    Args:
        root: the folder ``CAER-S``, or the one above it.
        split: "train" or "test".

    Raises:
        InputError: a folder is missing or holds an unknown class.
    """
    layout = Layout("caer_s", root)
    return class_samples(layout.folder(layout.split(split), f"CAER-S/{split}"), EMOTIW_7, layout)


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny CAER-S: ``count`` stills of each class in each split."""
    rng = np.random.default_rng(seed)
    for split in ("train", "test"):
        draw_classes(Path(root) / "CAER-S" / split, WORDS, rng, count, ".png")
