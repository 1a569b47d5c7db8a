"""AU cues: a network that is told to look where the action units of the true class show.

Belharbi, Pedersoli, Koerich, Bacon and Granger, "Guided Interpretable Facial Expression Recognition via Spatial Action Unit
Cues", FG 2024, arXiv:2402.00281. The codebook of an expression names its action units, which become ellipses at landmarks
(:mod:`mien.attribution.unit_maps`) and together a map M in [0, 1]. The attention A of a layer is the mean over its channels, and

    L = CE + weight * (1 - cos(A, M))

the cosine over all positions, the mean over the pictures whose class has units (:mod:`mien.losses.alignment`). The network is a
ResNet-50 whose last two stages keep their stride at 1, so that its last maps have an eighth of the sides, with the mean over the
map and one linear layer; its class maps (CAM) are the weights of a class over the last maps. At test time only the picture is
needed. Attention and class maps are judged by their cosine with M (ATT-COS, CAM-COS), beside what a map with one value everywhere
reaches, which is about one half: that is most of what a network without the loss has.

Simplified: one landmark template for all pictures in place of landmarks of each, one layer at a time, all of its channels.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...attribution.unit_maps import GRID, class_maps, template
from ...errors import InputError
from ...labels import label_set
from ...losses.alignment import MapAlignment, channel_mean
from ...losses.classification import CrossEntropy
from ...nn.resnet import ResNet
from ...tasks.recipe import Augment, Image, Optim, Recipe, Schedule

DRAWN = 8 * GRID  # pixels of the picture in which the units are drawn


class Guided(nn.Module):
    """A residual network with the mean over its map, one linear layer, and its maps as outputs.

    Args:
        trunk: the network.
        classes: number of classes.
        layer: whose attention is given: 1 is the stem, 2 to 5 are the stages.
    """

    def __init__(self, trunk: ResNet, classes: int, layer: int) -> None:
        super().__init__()
        self.trunk, self.layer = trunk, layer
        self.head = nn.Linear(trunk.size, classes)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, channels, h, w) -> ``logits`` (n, classes), ``attention`` (n, 1, h', w'), ``cam`` (n, classes, h'', w'') and
        ``embedding`` (n, size)."""
        maps = [self.trunk.stem(image)]
        features = self.trunk.pool(maps[0])
        for stage in self.trunk.stages:
            features = stage(features)
            maps.append(features)
        embedding = features.mean((2, 3))
        return {
            "logits": self.head(embedding),
            "attention": channel_mean(maps[self.layer - 1]),
            "cam": F.conv2d(features, self.head.weight[:, :, None, None]),
            "embedding": embedding,
        }


def model(depth: int = 50, classes: int = 7, large: bool = True, layer: int = 5, kernel: int = 7, channels: int = 3) -> nn.Module:
    """The network; :class:`Guided` says what it gives.

    Args:
        depth: 18, 34 or 50 layers.
        classes: number of classes.
        large: whether the last two stages keep the size of the map: an eighth of the picture's sides, not a 32nd.
        layer: 1 to 5, whose attention the loss pulls.
        kernel: of the stem, 7, or 3 for one that keeps the size of a small picture.
        channels: of the picture.

    Raises:
        InputError: another layer, depth or kernel.
    """
    if not 1 <= layer <= 5:
        raise InputError(f"layer is {layer}", "1 (the stem) to 5 (the last stage)")
    trunk = ResNet(depth, kernel=kernel, channels=channels)
    if large:
        for module in trunk.stages[2:].modules():
            if isinstance(module, nn.Conv2d):
                module.stride = (1, 1)
    return Guided(trunk, classes, layer)


class UnitCues(nn.Module):
    """Cross-entropy and, weighted, the alignment of ``attention`` with the map of the true class.

    Args:
        maps: (classes, h, w).
        weight: lambda; 0 is plain cross-entropy, to the bit, and the alignment is only told.
    """

    def __init__(self, maps: Tensor, weight: float) -> None:
        super().__init__()
        self.classify, self.align, self.weight = CrossEntropy(), MapAlignment(maps), weight

    def forward(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``logits`` and ``attention`` of ``out`` against ``target`` and ``label`` of ``batch``."""
        loss = self.classify(out, batch)["loss"]
        if not self.weight:
            return {"loss": loss, "alignment": self.align(out["attention"].detach(), batch["label"])}
        alignment = self.align(out["attention"], batch["label"])
        return {"loss": loss + self.weight * alignment, "alignment": alignment}


def unit_maps(labels: str = "fer-7", codebook: str = "code") -> Tensor:
    """The maps of the classes of a label set over the mean face of FER2013. -> (classes, 224, 224)"""
    names = label_set(labels).names
    return torch.from_numpy(class_maps(names, template(DRAWN, DRAWN), DRAWN, DRAWN, codebook))


def objective(classes: int, weight: float = 4.0, codebook: str = "code", labels: str = "fer-7") -> nn.Module:
    """The loss of the paper.

    Args:
        classes: number of classes.
        weight: lambda: 4 was the best on RAF-DB, 9 is that of the released command for AffectNet; 0 leaves the alignment out.
        codebook: one of :data:`mien.attribution.unit_maps.CODEBOOKS`.
        labels: label set in whose order the classes come.

    Raises:
        InputError: the label set has another number of classes, or there is no such label set or codebook.
    """
    names = label_set(labels).names
    if len(names) != classes:
        wanted = "a label set with as many, in the order of the protocol"
        raise InputError(f"{classes} classes for the label set {labels} of {len(names)}", wanted, "--set objective.labels=...")
    return UnitCues(unit_maps(labels, codebook), weight)


def recipe() -> Recipe:
    """Training from random weights on FER2013 at 64 pixels.

    Command: ``mien train au_cues --data FER2013 --set seed=0``, and with ``--set objective.weight=0`` for what it is compared
    with; ``python tools/measure_attention.py`` judges accuracy, ATT-COS and CAM-COS of both. For FER+ add
    ``--set protocol=ferplus/votes --set model.classes=8 --set objective.labels=ferplus-8``. Estimated from 1.6 G multiplications
    for a picture, not measured: a quarter of an hour on one large GPU, days on two CPU cores. Expected: ATT-COS up by 0.15 or
    more, accuracy as without.
    """
    return Recipe(
        protocol="fer2013/7",
        epochs=40,
        batch=128,
        image=Image(size=64, channels=3, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        optim=Optim(name="sgd", rate=0.05, momentum=0.9, nesterov=True, decay=5e-4),
        schedule=Schedule(name="cosine", warm=2.0, final=0.005),
        # the maps do not follow the pictures, so these may turn and move a little only
        augment=Augment(flip=0.5, scale=0.05, rotate=0.06, shift=0.04, contrast=0.2, brightness=0.08, erase=0.5),
    )
