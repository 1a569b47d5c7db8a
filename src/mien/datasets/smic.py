"""SMIC: micro-expressions as seen by three cameras."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from .drawing import clip
from .labels import MICRO_3
from .layout import Layout, Place, pictures, subfolders
from .sample import Category, Frames, Sample, Truth

CAMERAS = ("HS", "VIS", "NIR")


def read(root: Place, split: str, camera: str = "HS") -> Iterator[Sample]:
    """Samples of SMIC, each a clip from onset to offset.

    Args:
        root: folder of ``SMIC_all_cropped/HS`` or of ``HS``.
        split: "all": the protocol leaves out one subject at a time.
        camera: "HS" (100 frames a second), "VIS" or "NIR".

    Raises:
        InputError: a folder is missing or holds an unknown class.
    """
    layout = Layout("smic", root)
    layout.split(split)
    if camera not in CAMERAS:
        raise InputError(f"camera is {camera!r}", f"one of: {', '.join(CAMERAS)}")
    folder = layout.folder(f"SMIC_all_cropped/{camera}", camera)
    subjects = [path for path in subfolders(folder) if (path / "micro").is_dir()]
    if not subjects:
        raise layout.missing("folder", f"{camera}/s1/micro")
    return (sample for subject in subjects for sample in _samples(subject))


def _samples(subject: Path) -> Iterator[Sample]:
    for folder in subfolders(subject / "micro"):
        if folder.name.lower() not in MICRO_3:
            raise InputError(f"folder {folder}", f"one of: {', '.join(MICRO_3.names)}", "move it elsewhere")
        for name in subfolders(folder):
            found = pictures(name)
            if not found:
                raise InputError(f"there is no picture in {name}", "the frames of a clip", "unpack it anew")
            truth = Truth(Category(MICRO_3.index(folder.name.lower()), MICRO_3))
            yield Sample(name.name, frames=Frames(found), truth=truth, subject=subject.name, clip=name.name)


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny SMIC: ``count`` clips of each class by two subjects for each camera, the frames numbered across ten."""
    rng, folder = np.random.default_rng(seed), Path(root) / "SMIC_all_cropped"
    for camera in CAMERAS:
        for subject in ("s1", "s2", "s3"):
            for label, short in zip(MICRO_3, ("ne", "po", "sur")):
                for number in range(1, count + 1):
                    place = folder / camera / subject / "micro" / label / f"{subject}_{short}_{number:02d}"
                    clip(place, [f"reg_image{n}.bmp" for n in (8, 9, 10)], rng, label)
