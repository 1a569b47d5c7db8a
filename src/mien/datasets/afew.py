"""AFEW: short videos of films by expression."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from .drawing import video
from .labels import EMOTIW_7, term
from .layout import Layout, Place, natural, subfolders
from .sample import Category, Frames, Sample, Truth

WORDS = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
FOLDERS = {"train": ("Train_AFEW", "Train"), "val": ("Val_AFEW", "Val")}


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of AFEW, each a video.

    Args:
        root: folder of ``Train_AFEW`` and ``Val_AFEW``.
        split: "train" or "val"; the labels of the test set were never published.

    Raises:
        InputError: a folder is missing, or holds no videos or an unknown class.
    """
    layout = Layout("afew", root)
    folder = layout.folder(*FOLDERS[layout.split(split)])
    found = [(place, sorted(place.glob("*.avi"), key=lambda p: natural(p.name))) for place in subfolders(folder)]
    classes = [(place, videos) for place, videos in found if videos]
    if not classes:
        raise layout.missing("video", *(f"{folder.name}/{word}/*.avi" for word in WORDS[:2]))
    for place, _ in classes:
        if term(place.name) not in EMOTIW_7:
            raise InputError(f"folder {place}", f"one of: {', '.join(WORDS)}", "move it elsewhere")
    return (_sample(path) for _, videos in classes for path in videos)


def _sample(path: Path) -> Sample:
    truth = Truth(Category(EMOTIW_7.index(term(path.parent.name)), EMOTIW_7))
    return Sample(f"{path.parent.name}/{path.stem}", frames=Frames(video=path), truth=truth, clip=path.stem)


def fake(root: Place, seed: int = 0, count: int = 1) -> None:
    """Write a tiny AFEW: ``count`` videos of each class in each split."""
    rng = np.random.default_rng(seed)
    for folder in ("Train_AFEW", "Val_AFEW"):
        for word in WORDS:
            for _ in range(count):
                video(Path(root) / folder / word / f"{int(rng.integers(10**9)):09d}.avi", rng, term(word), 2)
