"""What the training loop costs beside the network itself: both take the same batches in turn, in one process.

    python benchmarks/train.py [--system lonkar_cnn] [--steps 60] [--threads 1] [--out FILE]

The bare time is that of forward, loss and backward on batches that lie ready. A step of the loop reads a batch, changes its
pictures, and steps the optimiser and the moving average besides. Pictures are noise; their content does not change the time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from mien.datasets.sample import Sample
from mien.losses.classification import CrossEntropy
from mien.protocols import classes
from mien.record import commit, versions
from mien.train.augment import normalised
from mien.train.build import system
from mien.train.loop import PRECISION, Parts, Training
from mien.train.pictures import Pictures


def pictures(size: int, count: int, kinds: int, image: object) -> Pictures:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    labels = rng.integers(0, kinds, count)
    target = np.eye(kinds, dtype=np.float32)[labels]
    samples = [Sample(str(i), (lambda picture=picture: picture)) for i, picture in enumerate(noise)]
    return Pictures(samples, image, {"label": labels, "target": target})


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--system", default="lonkar_cnn")
    words.add_argument("--steps", type=int, default=60)
    words.add_argument("--threads", type=int, default=1)
    words.add_argument("--out", type=Path)
    given = words.parse_args()
    torch.set_num_threads(given.threads)
    built = system(given.system)
    recipe = built.recipe
    data = pictures(recipe.image.size, 4 * recipe.batch, len(classes(built.protocol)), recipe.image)
    fabric = Fabric(accelerator="cpu", devices=1, precision=PRECISION[recipe.precision])
    with tempfile.TemporaryDirectory() as folder:
        training = Training(Parts(built.model(), CrossEntropy(), data, recipe), Path(folder), fabric)
        found = compare(training, data, given.steps)
    found |= {"system": given.system, "threads": given.threads, "batch": recipe.batch, "commit": commit(), "versions": versions()}
    print(json.dumps(found, indent=1))
    if given.out:
        given.out.write_text(json.dumps(found, indent=1) + "\n")


def compare(training: Training, data: Pictures, steps: int) -> dict[str, object]:
    batches = iter(training._loader())
    ready = data.__getitems__(list(range(training.recipe.batch)))
    images = normalised(ready["image"], training.recipe.image).contiguous(memory_format=torch.channels_last)
    times: dict[str, list[float]] = {"bare": [], "loop": []}
    for step in range(steps):
        if step % 4 == 0:
            batches = iter(training._loader())
        start = time.perf_counter()
        training.learner.train()
        training.fabric.backward(training.learner({"image": images}, ready)["loss"])
        middle = time.perf_counter()
        training.optimiser.zero_grad()
        again = time.perf_counter()
        training._step(batches)
        times["bare"].append(middle - start)
        times["loop"].append(time.perf_counter() - again)
    kept = {name: values[5:] for name, values in times.items()}
    ratios = [loop / bare for loop, bare in zip(kept["loop"], kept["bare"])]
    quartiles = {name: [round(1000 * q, 2) for q in statistics.quantiles(values, n=4)] for name, values in kept.items()}
    return {"milliseconds, quartiles": quartiles, "ratio, quartiles": [round(q, 4) for q in statistics.quantiles(ratios, n=4)]}


if __name__ == "__main__":
    main()
