"""Reliability balancing: a first guess is corrected by its distance to learned anchors and by attention, as far as each is sure.

Source: Wasi et al., "ARBEx", arXiv:2305.01486, and "GReFEL", arXiv:2410.15927. The module goes around any network that gives
``logits`` and an ``embedding``. Nothing here looks from one sample of a batch to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import InputError, unknown_name
from .plain import plain_blocks
from .resnet import ResNet

CORRECTIONS = ("both", "geometric", "attentive")
TRUNKS = ("resnet18", "plain")
EPSILON = 1e-6  # what every confidence weighs at least: of two that are both 0, each then counts half
FLOOR = 1e-30  # below it a probability has no logarithm in float32


@dataclass(frozen=True)
class Balancing:
    """How a guess is corrected.

    Args:
        anchors: K, of each class.
        correct: "both" corrections, or one of them: "geometric" (anchors), "attentive".
        delta: what distances are divided by before the softmax.
        length: to which embeddings and anchors are brought before distances are taken, so that one ``delta`` fits every network
            and anchors cannot be pushed apart without end; 0 takes them as they are, as published. A large one makes the
            geometric correction so sure that the guess itself is no longer learned.
        ramp: 0 for the last mix of the papers; else that of the authors' code, trusted fully after so many training steps.
        segments: parts of an embedding that attend to each other.
        heads: of that attention.

    Raises:
        InputError: another correction, or a number out of range.
    """

    anchors: int = 10
    correct: str = "both"
    delta: float = 1.0
    length: float = 4.0
    ramp: int = 0
    segments: int = 8
    heads: int = 4

    def __post_init__(self) -> None:
        if self.correct not in CORRECTIONS:
            raise unknown_name("correction", self.correct, CORRECTIONS)
        for name in ("anchors", "segments", "heads"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}", "1 or more")
        if self.delta <= 0 or self.length < 0 or self.ramp < 0:
            got = f"delta is {self.delta}, length is {self.length}, ramp is {self.ramp}"
            raise InputError(got, "delta above 0, the others 0 or more")


# Equations ------------------------------------------------------------------------------------------------------------
def confidence(probabilities: Tensor) -> Tensor:
    """How sure a distribution is: 1 - H(p) / log C.

    Args:
        probabilities: (..., classes) that sum to 1.

    Returns:
        (...) in [0, 1]: 1 where one class has everything, 0 where all have the same.

    Example:
        >>> confidence(torch.tensor([[1.0, 0.0], [0.5, 0.5]])).tolist()
        [1.0, 0.0]
    """
    entropy = -(probabilities * probabilities.clamp_min(FLOOR).log()).sum(-1)
    # log C as a tensor, which the exporter can follow
    return (1 - entropy / torch.ones_like(probabilities).sum(-1).log()).clamp(0, 1)


def distances(embedding: Tensor, anchors: Tensor) -> Tensor:
    """Euclidean distances.

    From differences, not from products, which would lose the small distances; n x classes x K x size numbers are held.

    Args:
        embedding: (n, size).
        anchors: (classes, K, size).

    Returns:
        (n, classes, K); the gradient is 0 where a distance is.
    """
    square = (embedding[:, None, None] - anchors[None]).square().sum(-1)
    return square.clamp_min(1e-12).sqrt()


def nearness(distance: Tensor, delta: float = 1.0) -> Tensor:
    """The geometric correction: t_g[i] = sum_j s_ij, with s the softmax of -d / delta over all anchors of all classes.

    Args:
        distance: (n, classes, K).
        delta: a large one makes all classes alike, a small one gives everything to the class of the nearest anchor.

    Returns:
        (n, classes) that sum to 1.
    """
    return (-distance / delta).flatten(1).softmax(1).view_as(distance).sum(2)


def by_confidence(first: Tensor, second: Tensor) -> Tensor:
    """Two distributions (n, classes) as one: (c_1 p_1 + c_2 p_2) / (c_1 + c_2), with c of :func:`confidence`."""
    share = weight(confidence(first), confidence(second))[:, None]
    return share * first + (1 - share) * second


def weight(own: Tensor, other: Tensor) -> Tensor:
    """c_1 / (c_1 + c_2); a half where both are 0."""
    return (own + EPSILON) / (own + other + 2 * EPSILON)


def corrected(guess: Tensor, correction: Tensor, trust: Tensor | None = None) -> Tensor:
    """The guess p and its correction t as one distribution r = w p + (1 - w) t.

    Args:
        guess: (n, classes) p.
        correction: (n, classes) t.
        trust: None for w = c(p) / (c(p) + c(t)), as the papers have it. A number in [0, 1] for the authors' code,
            r = (1 - trust) p + trust (c(p) p + (1 - c(p)) t), which is w = 1 - trust (1 - c(p)).

    Returns:
        (n, classes) that sum to 1, between the smaller and the larger of the two everywhere.
    """
    sure = confidence(guess)
    share = weight(sure, confidence(correction)) if trust is None else 1 - trust * (1 - sure)
    return share[:, None] * guess + (1 - share[:, None]) * correction


# Modules --------------------------------------------------------------------------------------------------------------
class SegmentAttention(nn.Module):
    """The attentive correction: the segments of one embedding attend to each other and vote for the anchors of all classes.

    Args:
        size: of the embedding, a multiple of the segments, and that of the heads.
        classes: number of classes.
        how: ``anchors``, ``segments`` and ``heads``.

    Raises:
        InputError: the embedding cannot be cut so.
    """

    def __init__(self, size: int, classes: int, how: Balancing) -> None:
        super().__init__()
        if size % (how.segments * how.heads):
            got = f"an embedding of {size} in {how.segments} segments with {how.heads} heads"
            raise InputError(got, f"a size that {how.segments * how.heads} divides")
        self.segments, self.heads, self.classes = how.segments, how.heads, classes
        width = size // how.segments
        self.place = nn.Parameter(0.02 * torch.randn(how.segments, width))
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.vote = nn.Linear(size, classes * how.anchors)

    def forward(self, embedding: Tensor) -> Tensor:
        """(n, size) -> (n, classes) that sum to 1."""
        n = embedding.shape[0]
        tokens = self.norm(embedding.reshape(n, self.segments, -1) + self.place)
        query, key, value = self.project(tokens).view(n, self.segments, 3, self.heads, -1).transpose(1, 3).unbind(2)
        look = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(-1)
        seen = (look @ value).transpose(1, 2).flatten(1)
        votes: Tensor = self.vote(seen).float().softmax(1)
        return votes.view(n, self.classes, -1).sum(2)


class Reliability(nn.Module):
    """Corrects logits by the embedding that they were read from.

    Args:
        size: of the embedding.
        classes: number of classes.
        how: see there.

    Attributes:
        anchors: (classes, K, size), drawn with a length of about 1: at zero, where the authors' code begins, the loss that
            pushes anchors apart has no gradient.
    """

    def __init__(self, size: int, classes: int, how: Balancing = Balancing()) -> None:
        super().__init__()
        self.how = how
        if how.correct != "attentive":
            self.anchors = nn.Parameter(torch.randn(classes, how.anchors, size) / size**0.5)
        if how.correct != "geometric":
            self.attention = SegmentAttention(size, classes, how)
        if how.ramp:
            self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
            self.steps: Tensor

    def forward(self, logits: Tensor, embedding: Tensor) -> dict[str, Tensor]:
        """
        Args:
            logits: (n, classes) of the first guess.
            embedding: (n, size).

        Returns:
            ``logits`` (n, classes), the logarithm of the corrected distribution, so that their softmax is that distribution.
            While training also what losses read: ``primary`` (n, classes) logits of the guess, ``confidence`` (n,) of it,
            ``trust`` () in the corrections, and unless only attention corrects ``anchors`` (classes, K, size) and
            ``distance`` (n, classes, K).
        """
        primary, embedding = logits.float(), embedding.float()
        guess, parts = primary.softmax(1), []
        out: dict[str, Tensor] = {}
        if self.how.correct != "attentive":
            anchors = self._scaled(self.anchors)
            distance = distances(self._scaled(embedding), anchors)
            parts.append(nearness(distance, self.how.delta))
            out |= {"anchors": anchors, "distance": distance}
        if self.how.correct != "geometric":
            parts.append(self.attention(embedding))
        correction = by_confidence(*parts) if len(parts) == 2 else parts[0]
        trust = self._trust()
        found = corrected(guess, correction, trust).clamp_min(FLOOR).log()
        if not self.training:
            return {"logits": found}
        trusted = guess.new_ones(()) if trust is None else trust
        return out | {"logits": found, "primary": primary, "confidence": confidence(guess), "trust": trusted}

    def _scaled(self, points: Tensor) -> Tensor:
        return self.how.length * F.normalize(points, dim=-1) if self.how.length else points

    def _trust(self) -> Tensor | None:
        """From 0 at the first training step to 1; each pass in training mode counts as one."""
        if not self.how.ramp:
            return None
        trust = (self.steps / self.how.ramp).clamp(max=1)
        if self.training:
            self.steps += 1
        return trust


class Balanced(nn.Module):
    """A network whose answers are corrected.

    Args:
        network: gives ``logits`` (n, classes) and ``embedding`` (n, size), and whatever else, which is passed on.
        size: of the embedding.
        classes: number of classes.
        how: see there.
    """

    def __init__(self, network: nn.Module, size: int, classes: int, how: Balancing = Balancing()) -> None:
        super().__init__()
        self.network = network
        self.reliability = Reliability(size, classes, how)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, channels, h, w) -> what the network gives with corrected ``logits``; more while training (:class:`Reliability`)."""
        out: dict[str, Tensor] = self.network(image)
        return out | self.reliability(out["logits"], out["embedding"])


# Networks to be balanced ----------------------------------------------------------------------------------------------
class Headed(nn.Module):
    """A trunk and a head.

    Args:
        trunk: picture -> embedding, alone or in a dict.
        head: embedding -> logits.
        reduce: shortens the embedding for head and corrections alike; None leaves it as it is.
    """

    def __init__(self, trunk: nn.Module, head: nn.Module, reduce: nn.Module | None = None) -> None:
        super().__init__()
        self.trunk, self.head = trunk, head
        self.reduce = nn.Identity() if reduce is None else reduce

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, channels, h, w) -> ``logits`` (n, classes) and ``embedding`` (n, size)."""
        found = self.trunk(image)
        embedding = self.reduce(found["embedding"] if isinstance(found, dict) else found)
        return {"logits": self.head(embedding), "embedding": embedding}


def trunk(name: str, channels: int = 1) -> nn.Module:
    """A trunk for small pictures that gives an embedding of 512.

    Args:
        name: "resnet18" with a 3x3 stem and pooling, or "plain", five blocks, with a seventh of the multiplications.
        channels: of the picture.

    Raises:
        InputError: no such trunk.
    """
    if name not in TRUNKS:
        raise unknown_name("backbone", name, TRUNKS)
    if name == "resnet18":
        return ResNet(18, kernel=3, channels=channels)
    return nn.Sequential(plain_blocks(channels, (32, 64, 128, 256, 512)), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def mlp(sizes: Sequence[int], dropout: float = 0.5) -> nn.Sequential:
    """Linear layers; ReLU, batch norm and dropout follow each but the last."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes[:-1]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU(inplace=True), nn.BatchNorm1d(outputs), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))
