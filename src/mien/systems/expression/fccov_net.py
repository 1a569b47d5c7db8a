"""FCCov-Net: a few directions that tell all of a response of any kind, found by a dependence measure that is maximised.

Yuan, Wang and Yu, "Fréchet Cumulative Covariance Net for Deep Nonlinear Sufficient Dimension Reduction with Random Objects",
2025, arXiv:2502.15374. The response Y may be anything with a distance; here it is the distribution of votes that a face got.
A network f is trained so that Y depends on the picture through f alone:

    L(f) = - FCCov(f(X) | Y) + lambda |Cov f(X) - I|^2.

FCCov sees of the responses only the order of their distances (:func:`mien.losses.covariance.cumulative_covariance`), so
outliers among them do little; the penalty keeps f from growing, since FCCov grows with its square. As in the paper a simple
classifier reads the directions; it is trained beside them and sends no gradient into them.

Simplified: the paper's network, batches and lambda are not known to us. A residual network of 18 layers stands for its
"ResNet-type" one, and a linear classifier for whatever reads the directions there.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import unknown_name
from ...losses.classification import CrossEntropy
from ...losses.covariance import DISTANCES, cumulative_covariance, distance_covariance, distances, spread
from ...nn.resnet import ResNet
from ...tasks.recipe import Augment, Image, Optim, Recipe, Schedule

MEASURES = ("order", "distances", "none", "labels")


class FccovNet(nn.Module):
    """Residual network, linear directions, linear classifier; :func:`model` says what the settings mean."""

    def __init__(self, depth: int, size: int, classes: int, channels: int) -> None:
        super().__init__()
        self.trunk = ResNet(depth, kernel=3, channels=channels)
        # neither the measure nor the penalty sees a shift: a bias would get no gradient
        self.directions = nn.Linear(self.trunk.size, size, bias=False)
        self.read = nn.Linear(size, classes)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, channels, h, w) -> ``embedding`` (n, size), the directions, and ``logits`` (n, classes) of the classifier.

        In training the classifier's weights in place of the logits: the loss decides what flows back through them.
        """
        embedding = self.directions(self.trunk(image)["embedding"])
        if self.training:
            return {"embedding": embedding, "weight": self.read.weight, "bias": self.read.bias}
        return {"logits": self.read(embedding), "embedding": embedding}


def model(depth: int = 18, size: int = 8, classes: int = 8, channels: int = 1) -> nn.Module:
    """The network.

    Args:
        depth: 18, 34 or 50 layers.
        size: number of directions.
        classes: of the classifier.
        channels: of the picture.
    """
    return FccovNet(depth, size, classes, channels)


class Dependence(nn.Module):
    """The loss; :func:`objective` says what the settings mean."""

    def __init__(self, measure: str, distance: str, penalty: float) -> None:
        super().__init__()
        if measure not in MEASURES:
            raise unknown_name("measure", measure, MEASURES)
        if distance not in DISTANCES:
            raise unknown_name("distance", distance, DISTANCES)
        self.measure, self.distance, self.penalty, self.classifier = measure, distance, penalty, CrossEntropy()

    def forward(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``embedding``, ``weight`` and ``bias`` of ``out`` against ``target`` (n, classes) of ``batch``."""
        features = out["embedding"]
        seen = features if self.measure == "labels" else features.detach()
        error = self.classifier({"logits": F.linear(seen, out["weight"], out["bias"])}, batch)["loss"]
        found, apart = self.dependence(features, batch["target"]), spread(features)
        return {"loss": self.penalty * apart - found + error, "dependence": found, "spread": apart, "classifier": error}

    def dependence(self, features: Tensor, response: Tensor) -> Tensor:
        """What is maximised, from (n, d) directions and (n, k) responses."""
        if self.measure in ("none", "labels"):
            return torch.zeros_like(features[0, 0])
        found = cumulative_covariance if self.measure == "order" else distance_covariance
        return found(features, distances(response, self.distance))


def objective(measure: str = "order", distance: str = "hellinger", penalty: float = 0.1) -> nn.Module:
    """The loss.

    Args:
        measure: "order" is FCCov; its rivals are "distances" (the distances themselves instead of their order), "none"
            (directions by chance, decorrelated) and "labels" (the classifier trains the directions).
        distance: between responses, one of :data:`mien.losses.covariance.DISTANCES`.
        penalty: lambda. The measure of a direction of variance 1 is 0.05 at most or so; a much larger lambda makes it slow to
            find, a smaller one lets the variance grow.
    """
    return Dependence(measure, distance, penalty)


def recipe() -> Recipe:
    """Directions of the votes of FER+: ``mien train fccov_net --data FER2013``; rivals with ``--set objective.measure=none``.

    Settings of our own. Estimated, not measured: some minutes on one GPU. Expected: far above "none"; not above "labels" in
    accuracy. The paper's own figures are not known to us.
    """
    return Recipe(
        "ferplus/votes",
        epochs=40,
        batch=256,
        image=Image(48, 1, (0.5,), (0.25,)),
        optim=Optim("adamw", rate=1e-3, decay=0.05),
        schedule=Schedule("cosine", warm=1.0, final=0.01),
        augment=Augment(flip=0.5, scale=0.07, rotate=0.1, shift=0.05, contrast=0.2, brightness=0.08),
        average=0.999,
        views=("plain", "flip"),
    )
