"""AffectNet as cropped faces with one small file for each label."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..labels import AFFECTNET_8, LabelSet
from .affectnet import affect_of, order
from .drawing import picture
from .layout import Layout, Place, pictures
from .sample import Category, Sample, Truth

FOLDERS = {"train": "train_set", "val": "val_set"}


def read(root: Place, split: str, classes: int = 8) -> Iterator[Sample]:
    """Samples of AffectNet with 68 points of the crop, where they are there; a valence or arousal of -2 is missing.

    Args:
        root: folder of ``train_set`` and ``val_set``.
        split: "train" or "val".
        classes: 7 or 8; with 7, pictures of contempt are left out.

    Raises:
        InputError: a folder or a label is missing or wrong.
    """
    layout = Layout("affectnet_npy", root)
    name, labels = FOLDERS[layout.split(split)], order(classes)
    return _samples(layout.folder(f"{name}/images"), layout.folder(f"{name}/annotations"), labels)


def _samples(images: Path, folder: Path, labels: LabelSet) -> Iterator[Sample]:
    for image in pictures(images):
        code = int(_number(folder / f"{image.stem}_exp.npy"))
        if not 0 <= code < 8:
            raise InputError(f"{image.stem}_exp.npy holds {code}", "0 to 7")
        if code < len(labels):
            yield Sample(image.stem, image, truth=_truth(folder, image.stem, Category(code, labels)))


def _truth(folder: Path, stem: str, expression: Category) -> Truth:
    affect = affect_of(_number(folder / f"{stem}_val.npy"), _number(folder / f"{stem}_aro.npy"))
    points = folder / f"{stem}_lnd.npy"
    return Truth(expression, affect=affect, landmarks=_array(points).reshape(-1, 2) if points.is_file() else None)


def _array(path: Path) -> np.ndarray:
    if not path.is_file():
        raise InputError(f"there is no {path.name} in {path.parent}", "a label for each picture", "unpack the annotations anew")
    try:
        # some of these files hold the number as text
        return np.load(path, allow_pickle=False).astype(np.float32)
    except (ValueError, EOFError) as error:
        raise InputError(f"{path.name}: {error}", "numbers in a .npy file", "unpack the annotations anew") from error


def _number(path: Path) -> float:
    values = _array(path).ravel()
    if len(values) != 1 or not np.isfinite(values[0]):
        raise InputError(f"{path.name} holds {values.tolist()[:4]}", "one number", "unpack the annotations anew")
    return float(values[0])


def fake(root: Place, seed: int = 0, count: int = 2) -> None:
    """Write a tiny AffectNet of this layout: ``count`` faces of each of 8 classes in each split."""
    rng = np.random.default_rng(seed)
    for folder in (Path(root) / name for name in FOLDERS.values()):
        (folder / "annotations").mkdir(parents=True, exist_ok=True)
        for number, code in enumerate(np.repeat(np.arange(8), count)):
            picture(folder / "images" / f"{number}.jpg", rng, AFFECTNET_8.names[code], 64)
            values = {"exp": np.array(str(code)), "lnd": rng.uniform(5, 60, 136)}
            # the second face has no valence
            values |= {
                "val": np.array("-2" if number == 1 else str(rng.uniform(-1, 1))),
                "aro": np.array(str(rng.uniform(-1, 1))),
            }
            for key, value in values.items():
                np.save(folder / "annotations" / f"{number}_{key}.npy", value)
