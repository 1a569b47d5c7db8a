"""Judge how far a network of ``au_cues`` looks where the action units of the true class show: ATT-COS and CAM-COS.

    python tools/measure_attention.py --data FER2013 --weights runs/au-with-*/weights.safetensors --record RECORD.json
    python tools/measure_attention.py --data FER2013 --weights runs/au-without-*/weights.safetensors --record RECORD.json

Weights of several seeds give mean and spread. The cosine is taken between the map of the true class, in the size of the picture,
and the attention or the class map of the true class, enlarged to it and moved up to 0 where it lies below; pictures of classes
without units (neutral, contempt) are left out. The constant is what a map with one value everywhere reaches. Seconds on a GPU,
minutes on two CPU cores.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from mien.attribution.unit_maps import agreement, class_maps, constant_agreement, template
from mien.errors import InputError
from mien.labels import FER_7, LabelSet, label_set
from mien.metrics.table import Row, Table, share_row
from mien.protocols import classes, samples, targets
from mien.record import Run, command_line, data_hash
from mien.train.augment import normalised
from mien.train.build import restore
from mien.train.judge import summary
from mien.train.pictures import Pictures, judging
from mien.train.run import Machine, source_of

BATCH = 256


def measured(weights: Path, data: Path, asked: str | None, machine: Machine) -> tuple[Table, int, str]:
    """The figures of one file of weights, its seed, and the name of the data set."""
    built, network = restore(weights, "au_cues")
    protocol, recipe = built.protocol, built.recipe
    source = source_of(protocol, data, None)
    part = asked or ("test" if "test" in protocol.parts else "tune")
    found = samples(protocol, source, part, seed=recipe.seed)
    truth = np.asarray(targets(protocol, found), np.float64)
    label = truth.astype(int) if truth.ndim == 1 else truth.argmax(1)
    fabric = machine.fabric(recipe.precision)
    fabric.to_device(network)
    size, settings = recipe.image.size, built.settings.get("objective", {})
    names = label_set(settings.get("labels", FER_7.name))
    if names.names != tuple(classes(protocol)):
        raise InputError(f"a loss that was told {names.name}", f"the classes of {protocol.name}", "train with objective.labels")
    wanted = class_maps(names, template(size, size), size, size, settings.get("codebook", "code"))
    parts: dict[str, list[np.ndarray]] = {"hit": [], "ATT-COS": [], "CAM-COS": []}
    start = 0
    for batch in judging(Pictures(found, recipe.image), BATCH):
        here = label[start : start + len(batch["image"])]
        start += len(here)
        with torch.no_grad(), fabric.autocast():
            out = network(image=normalised(fabric.to_device(batch["image"]), recipe.image))
        arrays = {name: value.float().cpu().numpy() for name, value in out.items()}
        parts["hit"].append(arrays["logits"].argmax(1) == here)
        parts["ATT-COS"].append(agreement(arrays["attention"][:, 0], wanted[here]))
        parts["CAM-COS"].append(agreement(arrays["cam"][np.arange(len(here)), here], wanted[here]))
    title = f"{protocol.name}, {part} part of {source.card.short}, attention"
    return table(title, label, names, wanted, {k: np.concatenate(v) for k, v in parts.items()}), recipe.seed, source.card.name


def table(title: str, label: np.ndarray, names: LabelSet, wanted: np.ndarray, found: dict[str, np.ndarray]) -> Table:
    """Accuracy, the two cosines, and the attention's for each class that has units."""
    flat = constant_agreement(wanted)[label]
    most = np.bincount(label).max() / len(label)
    rows = [share_row("accuracy", int(found["hit"].sum()), len(label), constant=float(most))]
    for name in ("ATT-COS", "CAM-COS"):
        rows.append(_mean(name, found[name], flat, wanted.any((1, 2))[label]))
    for k, name in enumerate(names):
        if wanted[k].any() and (label == k).any():
            rows.append(_mean(f"ATT-COS({name})", found["ATT-COS"], flat, label == k))
    return Table(title, tuple(rows))


def _mean(name: str, values: np.ndarray, flat: np.ndarray, chosen: np.ndarray) -> Row:
    # a map that is 0 everywhere agrees with nothing
    return Row(name, float(np.nan_to_num(values[chosen]).mean()), int(chosen.sum()), constant=float(flat[chosen].mean()))


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--data", type=Path, required=True)
    words.add_argument("--weights", type=Path, nargs="+", required=True)
    words.add_argument("--part", choices=("test", "tune"))
    words.add_argument("--record", type=Path)
    words.add_argument("--threads", type=int, default=0)
    given = words.parse_args()
    start, machine = time.perf_counter(), Machine(threads=given.threads)
    judged = [measured(path, given.data, given.part, machine) for path in given.weights]
    rows = summary([[one] for one, _, _ in judged])
    for row in rows:
        spread = f" ± {row['std']:.4f}" if row.get("std") is not None else ""
        print(f"{row['metric']:<22} {row['value']:.4f}{spread}   constant {row['constant']:.4f}   n = {row['n']}")
    if given.record is not None:
        built, _ = restore(given.weights[0], "au_cues")
        more = {"trained": [restore(path, "au_cues")[0].facts() for path in given.weights]}
        device, seeds = machine.words(machine.fabric(built.recipe.precision)), tuple(sorted({seed for _, seed, _ in judged}))
        hashes = {judged[0][2]: data_hash(given.data)}
        Run("au_cues", rows, hashes, device, seeds, time.perf_counter() - start, command_line(), more).write(given.record)


if __name__ == "__main__":
    main()
