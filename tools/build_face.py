"""Build src/mien/models/face.npz: the canonical face and what belongs to it, from the teacher's meshes.

    python tools/build_face.py --work WORK

canonical (478, 3)  mean neutral face, symmetric, in cm, camera frame (x to the right of the picture, y down, z away)
rigidity  (478,)    weight of each point when the pose is fitted: inverse variance of its place on a moving face
mirror    (478,)    the point that takes each point's place in a mirrored face
triangles (k, 3)    a triangulation of the frontal view, for drawing
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.spatial import Delaunay

from mien.geometry import pose
from train_mesh import mirror_order

PUPILS = (468, 473)
PUPIL_DISTANCE = 6.3  # cm, mean of adults: Dodgson (2004), "Variation and extrema of human interpupillary distance"
# shapes that must be near zero for a face to count as neutral
MOVING = (
    "jawOpen",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthPucker",
    "mouthFunnel",
    "browInnerUp",
    "browDownLeft",
    "eyeBlinkLeft",
    "eyeBlinkRight",
)


def mean_shape(meshes: np.ndarray, weights: np.ndarray | None, rounds: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Generalised Procrustes mean (k, 3) and the residual variance (k,) of each point."""
    mean = meshes[0] - meshes[0].mean(0)
    for _ in range(rounds):
        scale, rotation, shift = pose.procrustes(meshes, mean, weights)
        back = np.einsum("nji,nkj->nki", rotation, (meshes - shift[:, None]) / scale[:, None, None])
        mean = np.median(back, 0)
        mean *= 1 / np.linalg.norm(mean[33] - mean[263])
    return mean, np.median(((back - mean) ** 2).sum(-1), 0) / np.linalg.norm(mean[33] - mean[263]) ** 2


def symmetric(mean: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Average a face with its mirror image and stand it upright and frontal."""
    flipped = (mean * [-1, 1, 1])[mirror]
    scale, rotation, shift = pose.procrustes(flipped[None], mean)
    flipped = np.einsum("ji,kj->ki", rotation[0], (flipped - shift[0]) / scale[0])
    both = (mean + flipped) / 2
    # the axis from right to left eye is x; the plane of symmetry holds the rest
    x = both[263] - both[33]
    x /= np.linalg.norm(x)
    down = both[152] - both[10]
    down -= x * (down @ x)
    down /= np.linalg.norm(down)
    face = both @ np.stack([x, down, np.cross(x, down)], 1)
    face -= face[[33, 263, 133, 362]].mean(0)
    face = (face + (face * [-1, 1, 1])[mirror]) / 2
    return face * PUPIL_DISTANCE / np.linalg.norm(face[PUPILS[0]] - face[PUPILS[1]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--names", type=Path, help="blendshape_meta.json of the teachers", required=True)
    args = parser.parse_args()
    import json

    names = json.loads(args.names.read_text())["blendshape_names"]
    mirror = mirror_order(args.work)
    table = {
        k: np.concatenate([np.load(args.work / f"{s}.npz")[k] for s in ("fairface", "lfw")])
        for k in ("mesh", "presence", "spread", "blendshapes")
    }
    good = (table["presence"] > 0.9) & (table["spread"] < 0.02)
    calm = (table["blendshapes"][:, [names.index(n) for n in MOVING]] < 0.35).all(1)
    frontal = np.abs(table["mesh"][:, 454, 2] - table["mesh"][:, 234, 2]) < 0.15 * np.abs(
        table["mesh"][:, 454, 0] - table["mesh"][:, 234, 0]
    )
    mean, _ = mean_shape(table["mesh"][good & calm & frontal].astype(np.float64), None)
    _, variance = mean_shape(table["mesh"][good & frontal].astype(np.float64), None)
    rigidity = 1 / (variance + np.median(variance))
    rigidity[468:] = 0  # the irises move on their own
    rigidity = (rigidity + rigidity[mirror]) / 2
    mean, _ = mean_shape(table["mesh"][good & calm & frontal].astype(np.float64), rigidity)
    canonical = symmetric(mean, mirror)
    triangles = Delaunay(canonical[:468, :2]).simplices
    path = Path(__file__).resolve().parent.parent / "src/mien/models/face.npz"
    np.savez_compressed(
        path,
        canonical=canonical.astype(np.float32),
        rigidity=(rigidity / rigidity.sum()).astype(np.float32),
        mirror=mirror.astype(np.int16),
        triangles=triangles.astype(np.int16),
    )
    print(f"{path.name}: {int((good & calm & frontal).sum())} neutral frontal faces of {len(good)}; {path.stat().st_size} bytes")
    print("width", np.ptp(canonical[:468, 0]), "height", np.ptp(canonical[:468, 1]), "depth", np.ptp(canonical[:468, 2]), "cm")


if __name__ == "__main__":
    main()
