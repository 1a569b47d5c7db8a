"""AFLW2000-3D: head pose and 68 points of a fitted model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..extras import need
from ..geometry.pose import angles
from .drawing import picture
from .layout import Layout, Place, pictures
from .sample import Sample, Truth


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of AFLW2000-3D: pose in the signs of mien, and the 68 points of the model as they stand in the file.

    Needs scipy. Angles beyond 99 degrees are given as they are; to leave them out is a matter of the protocol.

    Args:
        root: folder of ``image00002.jpg`` and ``image00002.mat``, or of ``AFLW2000``.
        split: "test".

    Raises:
        InputError: there are no pictures, or a file of Matlab is missing or wrong.
        MissingExtra: scipy is not installed.
    """
    layout = Layout("aflw2000", root)
    layout.split(split)
    folder = layout.root / "AFLW2000" if (layout.root / "AFLW2000").is_dir() else layout.root
    found = pictures(folder)
    if not found:
        raise layout.missing("picture", "image00002.jpg")
    need("scipy.io", "matlab", "AFLW2000-3D")
    return (Sample(path.stem, path, truth=_truth(path.with_suffix(".mat"))) for path in found)


def pose_of(values: np.ndarray) -> np.ndarray:
    """(3,) pitch yaw roll of :mod:`mien.geometry.pose` from the first three numbers of ``Pose_Para``.

    There R = Rx(pitch) Ry(yaw) Rz(roll) in axes x right, y up, z towards the camera, with the signs of 3DDFA (Zhu et al. 2016,
    arXiv:1511.07212, RotationMatrix.m): the same angles mean other turns when two of them are large, so the matrix is converted.
    """
    pitch, yaw, roll = (float(v) for v in values[:3])
    cx, sx, cy, sy, cz, sz = np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw), np.cos(roll), np.sin(roll)
    about_x = np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_z = np.array([[cz, sz, 0], [-sz, cz, 0], [0, 0, 1]])
    flip = np.diag([1.0, -1.0, -1.0])  # to y down, z away from the camera
    turned = flip @ about_x @ about_y @ about_z @ flip
    return angles(turned[None].astype(np.float32))[0]


def _truth(path: Path) -> Truth:
    if not path.is_file():
        raise InputError(f"there is no {path.name} in {path.parent}", "a .mat file for each picture", "unpack the data set anew")
    try:
        found = need("scipy.io", "matlab", "AFLW2000-3D").loadmat(path)
        pose, points = np.asarray(found["Pose_Para"], np.float64).ravel(), np.asarray(found["pt3d_68"], np.float32)
    except (KeyError, ValueError) as error:
        raise InputError(f"{path.name}: {error}", "Pose_Para and pt3d_68", "unpack the data set anew") from error
    if len(pose) < 3 or points.shape != (3, 68):
        raise InputError(f"{path.name}: Pose_Para {pose.shape}, pt3d_68 {points.shape}", "(7,) and (3, 68)", "unpack it anew")
    return Truth(pose=pose_of(pose), landmarks=points[:2].T)


def fake(root: Place, seed: int = 0, count: int = 3) -> None:
    """Write a tiny AFLW2000-3D: ``count`` faces."""
    io = need("scipy.io", "matlab", "AFLW2000-3D")
    rng, folder = np.random.default_rng(seed), Path(root) / "AFLW2000"
    for number in range(count):
        path = folder / f"image{number + 2:05d}.jpg"
        picture(path, rng, size=96)
        pose = np.concatenate([rng.uniform(-0.8, 0.8, 3), [100.0, 100.0, 0.0, 0.001]])[None].astype(np.float32)
        io.savemat(path.with_suffix(".mat"), {"Pose_Para": pose, "pt3d_68": rng.uniform(5, 90, (3, 68)).astype(np.float32)})
