"""Margins on the angle between an embedding and its class: the family of ArcFace, CosFace and what adapts them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1e-3  # the arc cosine has no slope at -1 and 1


class CosineClassifier(nn.Module):
    """Cosines between embeddings and one learned direction per class.

    Args:
        size: length of an embedding.
        classes: number of classes.
    """

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.kernel = nn.Parameter(F.normalize(torch.empty(classes, size).uniform_(-1, 1)))

    def forward(self, embedding: Tensor) -> Tensor:
        """(n, size) embeddings of any length -> (n, classes) cosines in [-1 + EPSILON, 1 - EPSILON]."""
        return F.linear(F.normalize(embedding), F.normalize(self.kernel)).clamp(-1 + EPSILON, 1 - EPSILON)


def margin_logits(cosine: Tensor, identity: Tensor, angle: Tensor | float, add: Tensor | float, scale: float) -> Tensor:
    """Logits with a margin on the true class: scale * (cos(theta + angle) - add) there, scale * cos(theta) elsewhere.

    angle = m and add = 0 is ArcFace (arXiv:1801.07698, Eq. 3); angle = 0 and add = m is CosFace (arXiv:1801.09414, Eq. 4). The
    angle is kept within [EPSILON, pi - EPSILON].

    Args:
        cosine: (n, classes) in (-1, 1).
        identity: (n,) true classes.
        angle: radians added to the true angle, one number or (n,).
        add: what is taken off the true cosine, one number or (n,).
        scale: s.

    Returns:
        (n, classes) logits for a cross-entropy.

    Example:
        >>> logits = margin_logits(torch.tensor([[0.5, 0.0]]), torch.tensor([0]), 0.0, 0.4, 64.0)
        >>> round(float(logits[0, 0]), 3)
        6.4
    """
    rows = torch.arange(len(identity), device=cosine.device)
    theta = (cosine[rows, identity].acos() + angle).clamp(EPSILON, math.pi - EPSILON)
    logits = cosine.clone()
    logits[rows, identity] = theta.cos() - add
    return scale * logits


class MarginSoftmax(nn.Module):
    """Softmax cross-entropy over persons with a margin that is the same for all.

    Args:
        classes: identities in the training data.
        size: length of an embedding.
        angle: radians added to the true angle (ArcFace: 0.5).
        add: what is taken off the true cosine (CosFace: 0.35).
        scale: s.
    """

    def __init__(self, classes: int, size: int = 512, angle: float = 0.0, add: float = 0.35, scale: float = 64.0) -> None:
        super().__init__()
        self.classifier = CosineClassifier(size, classes)
        self.angle, self.add, self.scale = angle, add, scale

    def forward(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``embedding`` (n, size) of ``out`` against ``identity`` (n,) of ``batch``."""
        logits = margin_logits(self.classifier(out["embedding"]), batch["identity"], self.angle, self.add, self.scale)
        return {"loss": F.cross_entropy(logits, batch["identity"])}
