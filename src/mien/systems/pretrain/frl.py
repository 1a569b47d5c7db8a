"""FRL: representations of faces learned without labels by SwAV, and how far a few labels carry on them.

Bulat, Cheng, Yang, Garbett, Sanchez and Tzimiropoulos, "Pre-training Strategies and Datasets for Facial Representation Learning",
ECCV 2022, arXiv:2103.16554; its strategy is SwAV: Caron et al., arXiv:2006.09882. With z the projected views of length 1 and C
the prototypes, scores are s = C z. Codes q of the two large views come from Sinkhorn's algorithm on exp(s / 0.05), such
that all prototypes are used alike, and each of the eight views has to tell the codes of the large ones (:func:`swav`):

    L = 1/2 sum_a 1/7 sum_{v != a} - mean_b sum_k q_a[b, k] log softmax(s_v[b] / 0.1)[k].

``mien eval frl --data FOLDER`` is the other half, the transfer with few labels, on embeddings in files (:func:`evaluate`).

Simplified: of the five tasks that the paper transfers to, only what is a class is judged, by classifiers on the frozen embedding;
hue is left alone; prototypes are scaled to length 1 where they are used, not before each step.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...datasets.fewshot import draws
from ...errors import InputError, unknown_name
from ...losses.transport import sinkhorn
from ...metrics.probing import PROBES, few_shot
from ...metrics.table import Row, Table
from ...nn.resnet import ResNet
from ...tasks.recipe import Augment, Image, Optim, Recipe, Schedule

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LARGE, SMALL = (0.14, 1.0), (0.05, 0.14)  # area of a crop, as a share of the picture's
AMOUNTS = (1.0, 10.0, 0.01, 0.1)


def crops(image: Tensor, number: int, side: int, area: tuple[float, float]) -> Tensor:
    """Random pieces of each picture, half of them mirrored: (n, c, h, w) -> (number * n, c, side, side), view after view."""
    n = number * len(image)
    draw = torch.rand(5, n, device=image.device)
    share = (area[0] + (area[1] - area[0]) * draw[0]).sqrt()
    stretch = torch.exp((draw[1] - 0.5) * math.log(4 / 3))
    wide, high = (share * stretch).clamp_max(1), (share / stretch).clamp_max(1)
    x, y = (1 - wide) * (2 * draw[2] - 1), (1 - high) * (2 * draw[3] - 1)
    wide, none = torch.where(draw[4] < 0.5, -wide, wide), torch.zeros_like(x)
    theta = torch.stack([torch.stack([wide, none, x], 1), torch.stack([none, high, y], 1)], 1)
    grid = F.affine_grid(theta, [n, image.shape[1], side, side], align_corners=False)
    return F.grid_sample(image.repeat(number, 1, 1, 1), grid, padding_mode="reflection", align_corners=False)


def coloured(image: Tensor) -> Tensor:
    """Brightness, contrast and saturation by 0.2 to 1.8 (of four pictures in five), grey (one in five), blurred (every other).

    Args:
        image: (n, 3, h, w), normalised by ImageNet's mean and deviation, as is what comes out.
    """
    n, device = len(image), image.device
    mean, std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (MEAN, STD))
    luma = torch.tensor((0.299, 0.587, 0.114), device=device).view(1, 3, 1, 1)
    draw = torch.rand(7, n, 1, 1, 1, device=device)
    light, contrast, colour = torch.where(draw[0] < 0.8, 0.2 + 1.6 * draw[1:4], 1.0)
    values = (image * std + mean) * light
    grey = (values * luma).sum(1, keepdim=True)
    values = torch.lerp(grey.mean((2, 3), keepdim=True), values, contrast).clamp(0, 1)
    grey = (values * luma).sum(1, keepdim=True)
    values = torch.lerp(grey, values, torch.where(draw[4] < 0.2, 0.0, colour)).clamp(0, 1)
    place = torch.arange(-11, 12, device=device)
    kernel = torch.exp(-(place**2) / (2 * (0.1 + 1.9 * draw[5].view(n, 1)) ** 2))
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(3, 0)[:, None, None]
    flat = F.pad(values, (11, 11, 11, 11), mode="reflect").reshape(1, 3 * n, values.shape[2] + 22, values.shape[3] + 22)
    soft = F.conv2d(F.conv2d(flat, kernel, groups=3 * n), kernel.transpose(2, 3), groups=3 * n).view_as(values)
    return (torch.where(draw[6] < 0.5, soft, values) - mean) / std


class Encoder(nn.Module):
    """A residual network that sees two large and six small pieces of each picture while it is trained; their sides in pixels."""

    def __init__(self, depth: int, large: int, small: int) -> None:
        super().__init__()
        self.trunk, self.pieces = ResNet(depth), ((2, large, LARGE), (6, small, SMALL))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, 3, h, w) -> ``embedding`` (n, size); in training ``views`` (n, 8, size), the two large ones first."""
        if not self.training:
            return {"embedding": self.trunk(image)["embedding"]}
        found = [self.trunk(coloured(crops(image, *piece)))["embedding"] for piece in self.pieces]
        return {"views": torch.cat([one.view(-1, len(image), one.shape[1]) for one in found]).transpose(0, 1)}


@torch.no_grad()
def codes(scores: Tensor, sharpness: float = 0.05, times: int = 3) -> Tensor:
    """Shares of the prototypes for each sample that use all prototypes alike: arXiv:2006.09882, Eq. 3-4.

    Args:
        scores: (b, k).
        sharpness: epsilon.
        times: how often prototypes, then samples are scaled.

    Returns:
        (b, k); rows sum to 1, columns to about b / k.
    """
    b, k = scores.shape
    rows, columns = (scores.new_full((size,), 1 / size, dtype=torch.float64) for size in (k, b))
    return (b * sinkhorn(-scores.T.double(), rows, columns, sharpness, times).T).to(scores.dtype)


def swav(scores: Tensor, temperature: float = 0.1, sharpness: float = 0.05) -> Tensor:
    """The loss of the docstring above: (views, b, k) scores, the two large views first."""
    log = (scores / temperature).log_softmax(2)
    total = scores.new_zeros(())
    for a in (0, 1):
        others = torch.cat([log[:a], log[a + 1 :]])
        total = total - (codes(scores[a].detach(), sharpness) * others).sum(2).mean() / 2
    return total


class SwavLoss(nn.Module):
    """Projection to 128 numbers of length 1, prototypes, and the loss.

    Args:
        size: length of an embedding.
        prototypes: how many.
        still: steps in which the prototypes do not learn.
    """

    def __init__(self, size: int = 2048, prototypes: int = 3000, still: int = 313) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Linear(size, size), nn.BatchNorm1d(size), nn.ReLU(inplace=True), nn.Linear(size, 128))
        self.prototypes, self.still = nn.Parameter(F.normalize(torch.randn(prototypes, 128))), still
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.steps: Tensor

    def forward(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``views`` (n, 8, size) of ``out``; nothing of ``batch`` is read."""
        views = out["views"].transpose(0, 1)
        z = F.normalize(self.head(views.flatten(0, 1))).view(*views.shape[:2], -1)
        kernel = F.normalize(self.prototypes)
        if self.training:
            # a gradient of 0 rather than none: an optimiser of several devices waits for all of them
            kernel = kernel * 0 + kernel.detach() if self.steps < self.still else kernel
            self.steps += 1
        return {"loss": swav(z @ kernel.T), "spread": z.detach().flatten(0, 1).std(0).mean()}


objective = SwavLoss


def model(depth: int = 50, large: int = 224, small: int = 96) -> nn.Module:
    """The paper's encoder: (n, 3, 224, 224) -> ``embedding`` (n, 2048)."""
    return Encoder(depth, large, small)


def recipe() -> Recipe:
    """The released script on small data: ``mien train frl --data LFW``; on millions of faces days on several GPUs.

    Expected: the paper's tables are not known to us; its claim is that faces without labels carry few labels farther than a
    network that was trained to tell persons.
    """
    image, optim = Image(224, 3, MEAN, STD, cache=False), Optim("sgd", 0.15, 0.9, nesterov=False, decay=1e-6)
    return Recipe("lfw/people", 400, 128, image, optim, Schedule("cosine", 10.0, final=0.001), Augment(flip=0.0))


# Few labels -----------------------------------------------------------------------------------------------------------
def evaluate(root: str | os.PathLike[str], probe: str = "ridge", times: int = 5, seed: int = 0) -> list[Table]:
    """How far few labels carry on frozen embeddings, a table for each file.

    Args:
        root: folder of ``<task>/<encoder>.npz`` with ``train`` (n, d), ``train_labels`` (n,), ``test`` and ``test_labels``.
        probe: "ridge", "logistic" or "nearest".
        times: draws of labels, of which the mean is reported.
        seed: of the draws; encoders of a task whose training parts are in the same order get the same labels.

    Returns:
        Rows of accuracy for 1 and 10 labels of each class, as far as there are so many, and for 1 % and 10 % of them; low and
        high are the lowest and highest of the draws.

    Raises:
        InputError: there is no file, one lacks an array, or the probe is unknown.
    """
    if probe not in PROBES:
        raise unknown_name("probe", probe, PROBES)
    files = sorted(Path(root).glob("*/*.npz"))
    if not files:
        raise InputError(f"no <task>/<encoder>.npz in {root}", "embeddings of at least one encoder")
    return [_carried(path, probe, times, seed) for path in files]


def _carried(path: Path, probe: str, times: int, seed: int) -> Table:
    with np.load(path) as held:
        names = ("train", "train_labels", "test", "test_labels")
        if set(names) - set(held):
            raise InputError(f"{path.name} holds {', '.join(held)}", ", ".join(names))
        train, labels, test, wanted = (held[name] for name in names)
    count, least = int(max(labels.max(), wanted.max())) + 1, int(np.unique(labels, return_counts=True)[1].min())
    constant, rows = float(np.mean(wanted == np.bincount(labels.astype(int)).argmax())), []
    for amount in AMOUNTS:
        if amount < 1 or amount <= least:
            found = few_shot((train, labels), (test, wanted), draws(labels, amount, times, seed), PROBES[probe], count)
            words = f"{amount:.0f} of each class" if amount >= 1 else f"{amount:.0%} of labels"
            name = f"accuracy({words}, {probe}, {times} draws)"
            rows.append(Row(name, float(found.mean()), len(test), constant, float(found.min()), float(found.max())))
    return Table(f"{path.parent.name}/{path.stem}", tuple(rows))


def fake(root: str | os.PathLike[str], seed: int = 0) -> None:
    """Write a tiny folder of embeddings: one encoder that tells the classes, one that knows nothing."""
    rng, folder = np.random.default_rng(seed), Path(root) / "made-up"
    folder.mkdir(parents=True, exist_ok=True)
    labels = {"train_labels": np.arange(60) % 3, "test_labels": np.arange(30) % 3}
    for name, strength in (("knowing", 3.0), ("blind", 0.0)):
        sets = {
            key.removesuffix("_labels"): strength * np.eye(8)[rows] + rng.normal(size=(len(rows), 8))
            for key, rows in labels.items()
        }
        arrays: dict[str, Any] = {**labels, **sets}
        np.savez(folder / f"{name}.npz", **arrays)
