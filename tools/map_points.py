"""Where the 478 points of the teacher lie on the ICT-FaceKit head.

    python tools/map_points.py --data DATA --work WORK [--count 300]

Renders neutral heads, lets the teacher find its points, looks up which place of the surface is seen under each, and takes
the median over heads. Writes WORK/points478.npz: three vertices and weights for each point, and ``spread_cm``, how far the
single findings lie from the median (points on the outline slide with the turn of the head: they have no one place).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

import render_head
from ict_head import Head
from mien.geometry import mesh as points
from mien.runtime.models import face_data
from rasterise import rasterise
from teach import Teachers, standard_crop

SIZE = 384
SKIN = [i for i in range(468) if i not in points.OVAL]


def seen(head: Head, teachers: Teachers, rng: np.random.Generator) -> dict[int, np.ndarray]:
    """One render: the place on the neutral head that is seen under each point of the teacher."""
    expression = {"jawOpen": float(rng.uniform(0, 0.6))} if rng.random() < 0.6 else {}
    scene = render_head.random_scene(rng, spread=(0.12, 0.3, 0.06), face=(0.5, 0.62))
    scene = replace(scene, look=replace(scene.look, marks={**scene.look.marks, "beard": 0.0}))
    vertices = head.shape(render_head.random_identity(rng), expression)
    result = render_head.render(head, vertices, scene, SIZE)
    found = teachers.detect(result.image)
    if not len(found):
        return {}
    box, five = found[0, :4], found[0, 4:14].reshape(5, 2)
    crops = [standard_crop(box, five), standard_crop(box, five, rng.normal(0, [0.05, 0.02, 0.02, 0.08]))]
    fits = [teachers.mesh(result.image, crop) for crop in crops]
    if min(f[1] for f in fits) < 0.5:
        return {}
    return looked_up(head, result, scene, np.mean([f[0] for f in fits], 0), vertices, expression.get("jawOpen", 0.0))


def looked_up(
    head: Head, result: render_head.RenderResult, scene: render_head.Scene, mesh: np.ndarray, vertices: np.ndarray, jaw: float
) -> dict[int, np.ndarray]:
    hits = rasterise(result.points, head.triangles, (SIZE, SIZE))
    facing = hits.interpolate(head.surface.normals(vertices) @ render_head.rotation(scene.pose).T, head.triangles)[:, 2]
    region, neutral = head.region_of_triangle[hits.triangle], hits.interpolate(head.neutral, head.triangles)
    y, x = np.divmod(hits.pixel, SIZE)
    pixels, per_cm = np.stack([x, y], 1).astype(float), scene.focal * SIZE / scene.distance
    names = list(head.regions)
    jaw_line = head.neutral[head.landmarks68[8:17]]
    above_jaw = neutral[:, 1] > np.interp(np.abs(neutral[:, 0]), jaw_line[:, 0], jaw_line[:, 1]) - 0.3
    face = region == names.index("face")
    groups = (
        (SKIN, face & (facing > 0.35), 0.15),
        (points.OVAL, face & (facing > 0.2) & above_jaw, 1.0),
        (range(473, 478), region == names.index("eyeball_l"), 0.15),
        (range(468, 473), region == names.index("eyeball_r"), 0.15),
    )
    out: dict[int, np.ndarray] = {}
    for wanted, allowed, reach in groups:
        rows = np.flatnonzero(allowed)
        if not len(rows):
            continue
        distance, nearest = cKDTree(pixels[rows]).query(mesh[list(wanted), :2])
        for point, gap, row in zip(wanted, distance, nearest):
            hidden_lip = point in points.LIPS_INNER and jaw < 0.25
            if gap <= max(1.5, reach * per_cm) and not hidden_lip:
                out[point] = neutral[rows[row]]
    return out


def snap(head: Head, places: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Triangle corners and weights of the surface points nearest to places."""
    triangles, vertices = head.triangles[rows], head.neutral.astype(np.float64)
    near = cKDTree(vertices[triangles].mean(1)).query(places, k=12)[1]
    corners, weights = [], []
    for place, candidates in zip(places, near):
        best = (np.inf, triangles[candidates[0]], np.array([1.0, 0, 0]))
        for row in candidates:
            a, b, c = vertices[triangles[row]]
            part = np.linalg.lstsq(np.stack([b - a, c - a], 1), place - a, rcond=None)[0]
            weight = np.clip([1 - part.sum(), *part], 0, None)
            weight /= weight.sum()
            gap = float(np.linalg.norm(weight @ vertices[triangles[row]] - place))
            if gap < best[0]:
                best = (gap, triangles[row], weight)
        corners.append(best[1])
        weights.append(best[2])
    return np.array(corners, np.int32), np.array(weights, np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300)
    args = parser.parse_args()
    head, teachers = Head(args.data / "ict_facekit/ict_facekit.npz"), Teachers(args.data)
    rng, places = np.random.default_rng(77), [[] for _ in range(478)]
    for _ in range(args.count):
        for point, place in seen(head, teachers, rng).items():
            places[point].append(place)
    middle = np.array([np.median(p, 0) for p in places])
    spread = np.array([np.median(np.linalg.norm(np.array(p) - m, axis=1)) for p, m in zip(places, middle)])
    # ICT's x grows to the person's left, as the camera frame's does to the right of the picture: the mirror is the same
    even = (middle + middle[face_data()["mirror"]] * [-1, 1, 1]) / 2
    names, region = list(head.regions), head.region_of_triangle
    corners, weights = np.zeros((478, 3), np.int32), np.zeros((478, 3), np.float32)
    for part, name in ((slice(0, 468), "face"), (slice(468, 473), "eyeball_r"), (slice(473, 478), "eyeball_l")):
        corners[part], weights[part] = snap(head, even[part], np.flatnonzero(region == names.index(name)))
    np.savez(args.work / "points478.npz", triangle=corners, weights=weights, spread_cm=spread.astype(np.float32))
    print(f"median spread {np.median(spread):.2f} cm, fewest findings of a point {min(map(len, places))}")


if __name__ == "__main__":
    main()
