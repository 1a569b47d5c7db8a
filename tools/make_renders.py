"""Render heads with known shapes, points, pose and gaze: for what no teacher can tell.

    python tools/make_renders.py --data DATA --work WORK [--count 6000] [--seed 1] [--out renders.npz]

Needs WORK/points478.npz (tools/map_points.py). Writes pictures of 192 px with the true place of the 478 points, the true
coefficients, pose and gaze. A fifth of a second per picture on one core; nothing of it belongs in the repository.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

import render_head
from ict_head import Head
from mien.labels import ARKIT_52

SIZE = 192
FOCUS = (
    "cheekPuff",
    "cheekSquint",
    "noseSneer",
    "jawForward",
    "browDown",
    "mouthFrown",
    "eyeWide",
    "mouthDimple",
    "mouthPress",
    "tongueOut",
)
SIDED = ("browInnerUpLeft", "browInnerUpRight")  # beyond ARKit's 52, for the two sides of AU01


def true_points(result: render_head.RenderResult, scene: render_head.Scene, mapping: dict[str, np.ndarray]) -> np.ndarray:
    """(478, 3): x and y in pixels, z in the same unit, smaller is nearer, its mean at 0."""
    corners = result.points[mapping["triangle"]].astype(np.float64)
    place = np.einsum("kc,kcd->kd", mapping["weights"], corners)
    depth = place[:, 2]
    z = (depth - depth.mean()) * scene.focal * SIZE / depth.mean()
    return np.concatenate([place[:, :2], z[:, None]], 1).astype(np.float32)


def sample(head: Head, rng: np.random.Generator, mapping: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    focus = FOCUS if rng.random() < 0.5 else ()
    expression = render_head.random_expression(rng, focus=tuple(rng.choice(focus, 3, replace=False)) if focus else ())
    if rng.random() < 0.1:  # a brow raised on one side
        side = "Left" if rng.random() < 0.5 else "Right"
        expression.pop("browInnerUp", None)
        expression[f"browInnerUp{side}"] = float(rng.uniform(0.2, 1))
    scene = render_head.random_scene(rng, spread=(0.25, 0.55, 0.15), face=(0.45, 0.68))
    scene = replace(scene, wrinkles=render_head.wrinkles(expression))
    vertices = head.shape(render_head.random_identity(rng), expression)
    result = render_head.render(head, vertices, scene, SIZE)
    image = render_head.degrade(rng, result.image) if rng.random() < 0.3 else result.image
    both = expression.get("browInnerUp", 0.0)
    brows = [max(expression.get(name, 0.0), both) for name in SIDED]
    amounts = [expression.get(name, 0.0) for name in ARKIT_52.names]
    amounts[ARKIT_52.index("browInnerUp")] = max(brows)
    return {
        "image": image,
        "points": true_points(result, scene, mapping),
        "shapes": np.float32(amounts),
        "brows": np.float32(brows),
        "pose": np.float32(scene.pose),
        "gaze": np.float32(result.gaze),
    }


def share(job: tuple[Path, Path, int, int, int]) -> list[dict[str, np.ndarray]]:
    data, work, count, seed, number = job
    head, mapping = Head(data / "ict_facekit/ict_facekit.npz"), dict(np.load(work / "points478.npz"))
    return [sample(head, np.random.default_rng([seed, number, i]), mapping) for i in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default="renders.npz")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    jobs = [(args.data, args.work, args.count // 20, args.seed, k) for k in range(20)]
    with ProcessPoolExecutor(args.jobs) as pool:
        rows = [row for part in pool.map(share, jobs) for row in part]
    np.savez(args.work / args.out, **{key: np.stack([row[key] for row in rows]) for key in rows[0]})
    print(f"{len(rows)} renders")


if __name__ == "__main__":
    main()
