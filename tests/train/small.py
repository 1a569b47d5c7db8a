"""A small problem that a small network learns in a second: bright squares at seven places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from mien.datasets.sample import Sample
from mien.losses.classification import CrossEntropy
from mien.media.rgb import RGB
from mien.tasks.recipe import Augment, Image, Optim, Recipe, Schedule
from mien.train.loop import Parts, Training
from mien.train.pictures import Pictures

CLASSES = 3
RECIPE = Recipe(
    "fer2013/7",
    epochs=3,
    batch=8,
    image=Image(16, 1, (0.5,), (0.5,)),
    optim=Optim("sgd", rate=0.05, decay=1e-3),
    schedule=Schedule("cosine", warm=0.5),
    augment=Augment(flip=0.5, scale=0.1, rotate=0.1, shift=0.05, noise=0.02, erase=0.3),
    average=0.9,
    precision="float32",
)


class Small(nn.Module):
    """Convolution, batch norm, dropout, linear: everything that has a state or draws numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3, 2, 1), nn.BatchNorm2d(4)
        self.drop, self.out = nn.Dropout(0.2), nn.Linear(4 * 8 * 8, CLASSES)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return {"logits": self.out(self.drop(torch.relu(self.norm(self.conv(image))).flatten(1)))}


def picture(label: int, seed: int) -> Callable[[], RGB]:
    def give() -> RGB:
        rng = np.random.default_rng(seed)
        image = rng.integers(0, 60, (16, 16, 3), dtype=np.uint8)
        image[4 * label : 4 * label + 5, 5:11] += 150
        return image

    return give


def pictures(recipe: Recipe = RECIPE, count: int = 50, first: int = 0) -> Pictures:
    labels = np.arange(count) % CLASSES
    samples = [Sample(str(i), picture(int(label), first + i)) for i, label in enumerate(labels)]
    target = np.eye(CLASSES, dtype=np.float32)[labels]
    return Pictures(samples, recipe.image, {"label": labels, "target": target})


def right(model: nn.Module) -> dict[str, float]:
    """Share of unseen pictures that a network names."""
    model.eval()
    with torch.no_grad():
        batch = pictures(count=30, first=1000).__getitems__(list(range(30)))
        found = model(image=(batch["image"].float() / 255 - 0.5) / 0.5)["logits"].argmax(1)
    return {"accuracy": float((found == batch["label"]).float().mean())}


def training(out: Path, minutes: float = 60.0, **changes: Any) -> Training:
    recipe = replace(RECIPE, **changes)
    torch.set_num_threads(1)  # the number of threads decides the order of sums, and with it the last bits
    torch.manual_seed(7)
    out.mkdir(exist_ok=True)
    parts = Parts(Small(), CrossEntropy(), pictures(recipe), recipe, right, "accuracy")
    fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed" if recipe.precision == "bf16" else "32-true")
    return Training(parts, out, fabric, minutes)
