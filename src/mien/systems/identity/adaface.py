"""AdaFace: the margin follows the quality of the picture, for which the length of its embedding stands.

Kim, Jain and Liu, "AdaFace: Quality Adaptive Margin for Face Recognition", CVPR 2022, arXiv:2204.00964. Lengths are
standardised by running statistics (Eq. 13-14), clipped to [-1, 1] and turn the margin from ArcFace's (-1) over CosFace's (0)
to one that eases the angle and takes off twice as much (+1; Eq. 15-16). No gradient flows through the quality.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...losses.margin import CosineClassifier, margin_logits
from ...nn.iresnet import IResNet
from ...tasks.recipe import Augment, Image, Optim, Recipe, Schedule


class AdaFaceLoss(nn.Module):
    """Softmax cross-entropy with an adaptive margin.

    Args:
        classes: identities in the training data.
        size: length of an embedding.
        margin, scale: m and s.
        sharpness: h, how many standard deviations reach the ends of the range: 1 / h.
        momentum: t, weight of a batch in the running mean and deviation of the lengths.
    """

    def __init__(
        self,
        classes: int,
        size: int = 512,
        margin: float = 0.4,
        sharpness: float = 0.333,
        scale: float = 64.0,
        momentum: float = 0.01,
    ) -> None:
        super().__init__()
        self.classifier = CosineClassifier(size, classes)
        self.margin, self.sharpness, self.scale, self.momentum = margin, sharpness, scale, momentum
        self.register_buffer("mean", torch.tensor(20.0))
        self.register_buffer("deviation", torch.tensor(100.0))
        self.mean: Tensor
        self.deviation: Tensor

    @torch.no_grad()
    def quality(self, embedding: Tensor) -> Tensor:
        """(n, size) embeddings -> (n,) quality in [-1, 1]; in training the batch joins the statistics first."""
        length = embedding.norm(dim=1).clamp(0.001, 100)
        if self.training and len(length) > 1:
            self.mean.lerp_(length.mean(), self.momentum)
            self.deviation.lerp_(length.std(), self.momentum)
        return (self.sharpness * (length - self.mean) / (self.deviation + 1e-3)).clamp(-1, 1)

    def forward(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``embedding`` (n, size) of ``out`` against ``identity`` (n,) of ``batch``; "loss" is the mean over the batch."""
        quality = self.quality(out["embedding"])
        cosine = self.classifier(out["embedding"])
        angle, add = -self.margin * quality, self.margin + self.margin * quality
        logits = margin_logits(cosine, batch["identity"], angle, add, self.scale)
        return {"loss": F.cross_entropy(logits, batch["identity"]), "quality": quality.mean()}


objective = AdaFaceLoss


def model(depth: int = 101, size: int = 512, dropout: float = 0.4) -> nn.Module:
    """The paper's backbone: (n, 3, 112, 112) RGB in [-1, 1] -> ``embedding`` (n, size); its length is the quality."""
    return IResNet(depth, size, dropout)


def recipe() -> Recipe:
    """The paper's schedule: ``mien train adaface --data LFW``; on millions of pictures days on one GPU."""
    image, optim = Image(112, 3, (0.5,) * 3, (0.5,) * 3), Optim("sgd", 0.1, 0.9, nesterov=False, decay=5e-4)
    change = Augment(flip=0.5, lowres=0.2, contrast=0.2, brightness=0.1, saturation=0.2)
    return Recipe("lfw/people", 26, 128, image, optim, Schedule("step", 0, milestones=(12, 20, 24), factor=0.1), change)
