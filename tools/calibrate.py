"""Fit the few constants of the stages that are not learned by a network, and say how well they do.

    python tools/calibrate.py gaze --work WORK --data DATA       # radius of the eye: stages/pose.py
    python tools/calibrate.py sharpness --work WORK --data DATA  # what counts as blurred: stages/quality.py
    python tools/calibrate.py units --work WORK --data DATA      # floors and tops of the units: stages/units.py
    python tools/calibrate.py detector --work WORK --data DATA   # confidence from which a face counts: tools/ship.py
    python tools/calibrate.py expression --work WORK --data DATA # temperature of the logits: tools/ship.py

Uses the networks in the package. Gaze: rendered heads with known lines of sight (WORK/renders.npz for the fit), the same
seed never used for the test (tools/evaluate.py). Sharpness: validation faces as they are and blurred. Units: what neutral
validation faces show by chance, and what strong ones reach. Detector: recall and false positives of composed validation
pictures at several thresholds. Expression: negative log-likelihood of the majority on the held part of the training faces.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch

import compose
from mien.geometry import mesh as points
from mien.geometry import pose
from mien.labels import ARKIT_52
from mien.runtime.models import face_data, runner
from mien.stages import quality, shapes
from mien.stages.mesh import Mesh, crop_of_mesh
from teach import Teachers, decode, pictures
from train_detector import Drawn, measure
from train_expression import Fer
from train_mesh import part_of


def fitted(images: np.ndarray, meshes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The product's meshes of pictures whose faces lie about where ``meshes`` say; and presence."""
    stage, found, presence = Mesh(runner("mesh")), [], []
    for image, guess in zip(images, meshes):
        fit = stage.fit_crops(image, crop_of_mesh(guess[None]))
        fit = stage.fit_crops(image, crop_of_mesh(fit.mesh))
        found.append(fit.mesh[0])
        presence.append(fit.presence[0])
    return np.array(found), np.array(presence)


def eye_features(meshes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets (n, 2 eyes, 2) in cm of the irises from the middle of the corners, head frame; rotations; opening (n, 2)."""
    data = face_data()
    front, rotation, _ = points.head_frame(meshes, data["canonical"], data["rigidity"])
    offsets, opening = [], []
    for outer, inner, upper, lower, pupil in ((33, 133, 159, 145, 468), (263, 362, 386, 374, 473)):
        offsets.append(front[:, pupil, :2] - (front[:, outer, :2] + front[:, inner, :2]) / 2)
        width = np.linalg.norm(front[:, outer] - front[:, inner], axis=1)
        opening.append(np.linalg.norm(front[:, upper] - front[:, lower], axis=1) / width)
    return np.stack(offsets, 1), rotation, np.stack(opening, 1)


def gaze(data: Path, work: Path, count: int = 2500) -> None:
    table = np.load(work / "renders.npz")
    chosen = np.flatnonzero(np.abs(table["pose"][:, 1]) < 0.6)[:count]
    meshes, presence = fitted(table["image"][chosen], table["points"][chosen])
    offsets, _, opening = eye_features(meshes)
    truth = np.stack([pose.direction(table["gaze"][chosen][:, k]) for k in (1, 0)], 1)  # right eye first, as ours
    inside = np.einsum("nij,nki->nkj", pose.matrix(table["pose"][chosen]), truth)  # into the true head frame
    good = (presence > 0.9)[:, None] & (opening > 0.15)
    side = np.array([-1.0, 1.0])
    for name, k in (("x", 0), ("y", 1)):
        columns = [offsets[..., k][good], np.broadcast_to(side, good.shape)[good] if k == 0 else np.ones(good.sum())]
        matrix = np.stack(columns, 1)
        answer, *_ = np.linalg.lstsq(matrix, inside[..., k][good], rcond=None)
        left = inside[..., k][good] - matrix @ answer
        wanted = inside[..., k][good]
        left, spread = np.degrees((wanted - matrix @ answer).std()), np.degrees(wanted.std())
        radius, shift = 1 / answer[0], -answer[1] / answer[0]
        print(f"{name}: radius {radius:.3f} cm, shift {shift:.3f} cm, residual {left:.1f} deg of {spread:.1f} deg")


def sharpness(data: Path, work: Path, count: int = 400) -> None:
    rows: dict[str, list[float]] = {}
    for source in ("fairface", "lfw"):
        table, blobs = np.load(work / f"{source}.npz"), dict(pictures(data, source))
        chosen = [i for i, f in enumerate(table["files"]) if part_of(source, f) == "val" and table["presence"][i] > 0.9][:count]
        for i in chosen:
            image, mesh = decode(blobs[table["files"][i]]), table["mesh"][i][None]
            width = float(np.ptp(mesh[0, :, 0]))
            for share in (0, 0.01, 0.02, 0.03, 0.05, 0.08):
                blurred = cv2.GaussianBlur(image, (0, 0), share * width) if share else image
                rows.setdefault(f"{source} blur {share:.2f}", []).append(float(quality.sharpness(blurred, mesh)[0]))
    for name, values in rows.items():
        print(name, np.percentile(values, [1, 5, 25, 50, 75, 95, 99]).round(3))


def units(data: Path, work: Path) -> None:
    """Percentiles of each blendshape on faces that the teacher calls calm, and on all."""
    stage = shapes.Blendshapes(runner("shapes"))
    names = Teachers(data).names
    calm_names = (
        "mouthSmileLeft",
        "mouthSmileRight",
        "jawOpen",
        "browInnerUp",
        "browDownLeft",
        "browDownRight",
        "mouthPucker",
        "eyeBlinkLeft",
    )
    scores, calm, gaps = [], [], []
    for source in ("fairface", "lfw"):
        table = np.load(work / f"{source}.npz")
        chosen = np.array([part_of(source, f) == "val" for f in table["files"]]) & (table["presence"] > 0.9)
        scores.append(stage.score(table["mesh_once"][chosen]).values)
        teacher = table["blendshapes"][chosen]
        calm.append((teacher[:, [names.index(n) for n in calm_names]] < 0.2).all(1))
        from mien.stages.units import measures

        gaps.append(measures(table["mesh_once"][chosen])["lips_apart"])
    values, still, gap = np.concatenate(scores), np.concatenate(calm), np.concatenate(gaps)
    print(f"{still.sum()} calm of {len(still)} faces; percentiles 50 90 95 of the calm, 90 95 99 of all")
    for k, name in enumerate(ARKIT_52.names):
        print(
            f"{name:22s}",
            np.percentile(values[still, k], [50, 90, 95]).round(2),
            np.percentile(values[:, k], [90, 95, 99]).round(2),
        )
    print("lips_apart", np.percentile(gap[still], [50, 90, 95]).round(3), np.percentile(gap, [90, 95, 99]).round(3))


class Packaged:
    """The detector in the package, called like the module that it came from."""

    def __init__(self) -> None:
        self.runner = runner("detector", 2)

    def eval(self) -> None: ...

    def __call__(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {name: torch.from_numpy(value) for name, value in self.runner.run({"image": images.numpy()}).items()}


def detector(data: Path, work: Path) -> None:
    drawn = Drawn(compose.Composer(compose.face_source(data, work, "val"), compose.scenes(data, "val")), 600, 3)
    for threshold in (0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8):
        figures = measure(Packaged(), drawn, threshold)
        print(threshold, {name: round(value, 4) for name, value in figures.items()}, flush=True)


def expression(data: Path, work: Path) -> None:
    held, network = Fer(data, work, "val", 0.05), runner("expression", 2)
    crops = np.stack([held[i]["x"] for i in range(len(held))])
    one, other = (network.run({"image": np.ascontiguousarray(x)})["ferplus"] for x in (crops, crops[..., ::-1]))
    logits = (one + other) / 2
    known = held.majority >= 0
    logits, wanted = logits[known].astype(np.float64), held.majority[known]
    print(f"{known.sum()} faces, accuracy {(logits.argmax(1) == wanted).mean():.4f}")

    def loss(temperature: float) -> float:
        scaled = logits / temperature
        scaled -= scaled.max(1, keepdims=True)
        return float(-(scaled[np.arange(len(wanted)), wanted] - np.log(np.exp(scaled).sum(1))).mean())

    best = min(np.arange(0.3, 3.0, 0.01), key=loss)
    print(f"temperature {best:.2f}: {loss(best):.4f}, 1.00: {loss(1.0):.4f}")


WHAT = {"gaze": gaze, "sharpness": sharpness, "units": units, "detector": detector, "expression": expression}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=list(WHAT))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    WHAT[args.what](args.data, args.work)


if __name__ == "__main__":
    main()
