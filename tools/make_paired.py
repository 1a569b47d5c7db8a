"""Render the same head in the same light with one action unit growing: 0, 0.25, 0.5, 0.75, 1.

    python tools/make_paired.py --data DATA --work WORK [--persons 12] [--first 100 --out paired-test.npz]

Writes WORK/paired.npz: unit, person, amount, picture and true points of each render. Floors and tops of the units were set
while looking at the persons from 0 on; figures come from those from 100 on, in a file of their own.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

import render_head
from ict_head import Head
from make_renders import SIZE, true_points

SHAPES = {
    "AU01": ("browInnerUp",),
    "AU02": ("browOuterUp*",),
    "AU04": ("browDown*",),
    "AU05": ("eyeWide*",),
    "AU06": ("cheekSquint*",),
    "AU07": ("eyeSquint*",),
    "AU09": ("noseSneer*",),
    "AU10": ("mouthUpperUp*",),
    "AU12": ("mouthSmile*",),
    "AU14": ("mouthDimple*",),
    "AU15": ("mouthFrown*",),
    "AU17": ("mouthShrugLower",),
    "AU18": ("mouthPucker",),
    "AU20": ("mouthStretch*",),
    "AU22": ("mouthFunnel",),
    "AU23": ("mouthPress*", "mouthRollUpper", "mouthRollLower"),
    "AU24": ("mouthPress*",),
    "AU25": ("mouthLowerDown*", "mouthUpperUp*"),
    "AU26": ("jawOpen",),
    "AU27": ("jawOpen",),
    "AU28": ("mouthRollUpper", "mouthRollLower"),
    "AU43": ("eyeBlink*",),
    "AU45": ("eyeBlink*",),
}
AMOUNTS = (0.0, 0.25, 0.5, 0.75, 1.0)


def person(job: tuple[Path, Path, int]) -> list[dict]:
    data, work, number = job
    head, mapping = Head(data / "ict_facekit/ict_facekit.npz"), dict(np.load(work / "points478.npz"))
    rng = np.random.default_rng([99, number])
    identity = render_head.random_identity(rng)
    scene = render_head.random_scene(rng, spread=(0.1, 0.2, 0.05), face=(0.5, 0.65))
    rows = []
    for unit, names in SHAPES.items():
        for amount in AMOUNTS:
            expression = {n.replace("*", s): amount for n in names for s in ("Left", "Right")}
            expression = {n: v for n, v in expression.items() if v}
            vertices = head.shape(identity, expression)
            result = render_head.render(head, vertices, replace(scene, wrinkles=render_head.wrinkles(expression)), SIZE)
            rows.append(
                {
                    "unit": unit,
                    "person": number,
                    "amount": amount,
                    "image": result.image,
                    "points": true_points(result, scene, mapping),
                }
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--persons", type=int, default=12)
    parser.add_argument("--first", type=int, default=0, help="number of the first person: the seed of all that is drawn for it")
    parser.add_argument("--out", default="paired.npz")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    with ProcessPoolExecutor(args.jobs) as pool:
        rows = [
            row
            for part in pool.map(person, [(args.data, args.work, args.first + k) for k in range(args.persons)])
            for row in part
        ]
    np.savez(args.work / args.out, **{key: np.array([row[key] for row in rows]) for key in rows[0]})
    print(f"{len(rows)} renders of {args.persons} persons")


if __name__ == "__main__":
    main()
