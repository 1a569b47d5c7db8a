"""SFEW 2.0: stills of films, aligned faces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from .drawing import picture
from .image_folder import class_samples
from .labels import EMOTIW_7, term
from .layout import Layout, Place, pictures
from .sample import Sample

WORDS = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
FOLDERS = {
    "train": ("Train_Aligned_Faces", "Train/Train_Aligned_Faces"),
    "val": ("Val_Aligned_Faces", "Val_Aligned_Faces_new", "Val/Val_Aligned_Faces", "Val/Val_Aligned_Faces_new"),
    "test": ("Test_Aligned_Faces", "Test/Test_Aligned_Faces"),
}


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of SFEW; those of "test" have no label. The film is the ``session``, its scene the ``clip``.

    Args:
        root: folder of ``Train_Aligned_Faces`` and its siblings.
        split: "train", "val" or "test".

    Raises:
        InputError: a folder is missing or holds an unknown class.
    """
    layout = Layout("sfew", root)
    folder = layout.folder(*FOLDERS[layout.split(split)])
    if split == "test":
        return (_placed(Sample(path.stem, path)) for path in pictures(folder))
    return (_placed(sample) for sample in class_samples(folder, EMOTIW_7, layout))


def _placed(sample: Sample) -> Sample:
    """With film and scene, from a name such as Airheads_000519240_00000005."""
    parts = sample.id.rpartition("/")[2].split("_")
    # a film may have _ in its name, so the two numbers are counted from the end
    return replace(sample, clip="_".join(parts[:-1]), session="_".join(parts[:-2])) if len(parts) > 2 else sample


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny SFEW: ``count`` stills of each class in "train" and "val", and ``count`` without class in "test"."""
    rng, folder = np.random.default_rng(seed), Path(root)
    for split in ("Train", "Val"):
        for word in WORDS:
            for number in range(count):
                name = f"Film{number}_{int(rng.integers(10**9)):09d}_{number:08d}.png"
                picture(folder / f"{split}_Aligned_Faces" / word / name, rng, term(word))
    for number in range(count):
        picture(folder / "Test_Aligned_Faces" / f"Other_000000000_{number:08d}.png", rng)
