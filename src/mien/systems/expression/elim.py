"""ELIM: what a person's identity does to the features is measured by optimal transport, and taken out while training.

Kim and Song, "Optimal Transport-based Identity Matching for Identity-invariant Facial Expression Recognition", NeurIPS 2022,
arXiv:2209.12172. Of the persons of a batch one is drawn as the reference. Between its features z_i and those z_j of another
person lies the cost M_ij = 1 - cos(z_i, z_j), the weights a_i = relu(z_i . mean z_j) and b_j = relu(z_j . mean z_i), and the
plan T of entropic transport with kernel exp(-5 M). The shift of the other's sample j is mu_j = sum_i T_ij M_ij, one number;
its features become (z_j - mu_j) / (|z_j - mu_j| / sqrt(D) + 1e-6) and go through the same regressor g as the plain ones:

    L = MSE + (1 - PCC) / 2 + (1 - CCC) / 2 of g(z)  +  tau / 2 sum over persons of the MSE of g(shifted z).

Nothing of it remains at test time. Each sample has its own shift; the authors' code takes that of a person's first sample for
all. Both sets of weights have one total, without which no plan exists. The paper's two steps for a batch are one on the sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import unknown_name
from ...losses.concordance import Agreement
from ...losses.transport import sets, sinkhorn
from ...nn.resnet import ResNet
from ...tasks.recipe import Augment, Image, Optim, Recipe, Schedule


# Network --------------------------------------------------------------------------------------------------------------
def alexnet() -> nn.Sequential:
    """Convolutions of AlexNet in the version of one stream (Krizhevsky, arXiv:1404.5997): (n, 3, 224, 224) -> (n, 9216)."""
    layers: list[nn.Module] = []
    widths, kernels, strides, pools = (3, 64, 192, 384, 256, 256), (11, 5, 3, 3, 3), (4, 1, 1, 1, 1), (1, 1, 0, 0, 1)
    for k, (kernel, stride, pool) in enumerate(zip(kernels, strides, pools)):
        layers += [nn.Conv2d(widths[k], widths[k + 1], kernel, stride, 2 if kernel > 3 else 1), nn.ReLU(inplace=True)]
        layers += [nn.MaxPool2d(3, 2)] * pool
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(6), nn.Flatten())


def latent(sizes: tuple[int, ...], normed: int, dropout: float) -> nn.Sequential:
    """Linear layers with dropout before and ReLU after each; the last ``normed`` have batch norm."""
    layers: list[nn.Module] = []
    for k, (inputs, outputs) in enumerate(pairwise(sizes)):
        norm = [nn.BatchNorm1d(outputs)] if len(sizes) - 1 - k <= normed else []
        layers += [nn.Dropout(dropout), nn.Linear(inputs, outputs), *norm, nn.ReLU()]
    return nn.Sequential(*layers)


class Regressor(nn.Module):
    """g: linear to 20 times the width, batch norm, ReLU, linear."""

    def __init__(self, size: int, outputs: int) -> None:
        super().__init__()
        self.expand, self.norm, self.read = nn.Linear(size, 20 * size), nn.BatchNorm1d(20 * size), nn.Linear(20 * size, outputs)

    def forward(self, z: Tensor) -> Tensor:
        found: Tensor = self.read(torch.relu(self.norm(self.expand(z))))
        return found


def regress(z: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """The regressor while training, from its weights; it leaves the running statistics to the features without a shift."""
    x = F.linear(z, weights["expand.weight"], weights["expand.bias"])
    x = F.batch_norm(x, None, None, weights["norm.weight"], weights["norm.bias"], training=True)
    return F.linear(torch.relu(x), weights["read.weight"], weights["read.bias"])


class Elim(nn.Module):
    """Encoder, latent features z, regressor g; settings as :func:`model`."""

    def __init__(self, encoder: str, size: int, outputs: int, dropout: float) -> None:
        super().__init__()
        if encoder not in ("alexnet", "resnet18"):
            raise unknown_name("encoder", encoder, ("alexnet", "resnet18"))
        self.encoder: nn.Module = alexnet() if encoder == "alexnet" else ResNet(18)
        self.latent = latent((9216, 256, size), 1, dropout)
        if encoder == "resnet18":
            # the authors keep the layer of the 1000 classes of ImageNet, without ReLU after it
            self.latent = nn.Sequential(nn.Linear(512, 1000), *latent((1000, 512, 256, size), 2, dropout))
        self.regressor = Regressor(size, outputs)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, 3, 224, 224) -> ``values`` (n, 2), ``embedding`` z (n, size); in training the weights of g, for the loss."""
        found = self.encoder(image)
        z = self.latent(found["embedding"] if isinstance(found, dict) else found)
        values = self.regressor(z)
        if not self.training:
            return {"values": values.clamp(-1, 1), "embedding": z}
        return {"values": values, "embedding": z} | dict(self.regressor.named_parameters())


def model(encoder: str = "alexnet", size: int = 512, outputs: int = 2, dropout: float = 0.5) -> nn.Module:
    """The network.

    Args:
        encoder: "alexnet" or "resnet18".
        size: D, of the features that are matched.
        outputs: numbers that are told: valence and arousal.
        dropout: before each linear layer of the latent part.
    """
    return Elim(encoder, size, outputs, dropout)


# Matching -------------------------------------------------------------------------------------------------------------
def shifts(reference: Tensor, others: Tensor, there: Tensor, epsilon: float = 0.2) -> Tensor:
    """How far identity moves each sample of several persons away from the reference person.

    Args:
        reference: (m, D) features of the reference person.
        others: (k, w, D) features of k persons, filled up to the same number.
        there: (k, w) which of them are samples.
        epsilon: the kernel of the transport is exp(-M / epsilon).

    Returns:
        (k, w) mu_j: the cost of sample j under the plan, times the number of samples of its person; 0 where there is none.
    """
    mask = there.to(others.dtype)
    count = mask.sum(1, keepdim=True).clamp_min(1)
    middle = (others * mask[..., None]).sum(1) / count
    rows = _masses(middle @ reference.T, torch.ones_like(middle[:, :1]).expand(-1, len(reference)))
    columns = _masses(others @ reference.mean(0), mask)
    cost = 1 - F.normalize(reference, dim=1) @ F.normalize(others, dim=2).transpose(1, 2)
    return (sinkhorn(cost, rows, columns, epsilon) * cost).sum(1) * count


def _masses(likeness: Tensor, mask: Tensor) -> Tensor:
    """relu(likeness) scaled to the sum 1 in each row; even where all of a row is 0."""
    mass = likeness.relu() * mask
    mass = torch.where(mass.sum(1, keepdim=True) > 0, mass, mask)
    return mass / mass.sum(1, keepdim=True)


def shifted(z: Tensor, mu: Tensor) -> Tensor:
    """(..., D) features without the shift (...,), of root mean square 1: |result|^2 = D."""
    moved = z - mu[..., None]
    return moved / (moved.square().mean(-1, keepdim=True).sqrt() + 1e-6)


class Matching(nn.Module):
    """The loss; :func:`objective` says what the settings mean."""

    def __init__(self, match: bool, persons: int, epsilon: float, warm: tuple[int, ...]) -> None:
        super().__init__()
        self.plain = Agreement(squared=2.0, correlation=0.5, concordance=0.5)  # MSE_v + MSE_a is twice their mean
        self.match, self.persons, self.epsilon, self.warm = match, persons, epsilon, warm
        self.register_buffer("step", torch.tensor(0.0))
        self.step: Tensor

    def forward(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``values``, ``embedding`` and the regressor's weights of ``out`` against ``values`` and ``identity`` of ``batch``."""
        parts = self.plain(out, batch)
        if not self.match:
            return parts
        begin, full = self.warm
        tau = torch.where(self.step < begin, 0.0, (self.step / full).clamp(max=1.0))
        self.step += 1
        matched = self.matched(out, batch)
        return parts | {"loss": parts["loss"] + 0.5 * tau * matched, "matched": matched}

    def matched(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> Tensor:
        """The sum over persons of the error of the shifted features; 0 with fewer than two persons of two samples each."""
        z, wanted = out["embedding"], batch["values"]
        rows, there = sets(batch["identity"], self.persons)
        if len(rows) < 2:
            return z.sum() * 0
        with torch.no_grad():
            mu = shifts(z[rows[0][there[0]]], z[rows[1:]], there[1:], self.epsilon)
        moved = torch.cat([z[rows[:1]], shifted(z[rows[1:]], mu)])  # the reference stays as it is
        known = there[..., None] & ~wanted[rows].isnan()
        error = torch.zeros_like(wanted[rows])
        error[there] = regress(moved[there], out) - wanted[rows][there].nan_to_num()
        squares = (error.square() * known).sum((1, 2))
        return (squares / known.sum((1, 2)).clamp_min(1)).sum()


def objective(match: bool = True, persons: int = 10, epsilon: float = 0.2, warm: tuple[int, ...] = (5, 50)) -> nn.Module:
    """The loss.

    Args:
        match: false leaves the matching out: what the paper compares with.
        persons: most persons of a batch that are matched, the reference among them.
        epsilon: the kernel of the transport is exp(-M / epsilon); 1 / 5 in the paper.
        warm: tau is 0 before the first of these iterations, iteration / second up to the second, then 1.
    """
    return Matching(match, persons, epsilon, warm)


def recipe() -> Recipe:
    """``mien train elim --data AFF_WILD2``, with the settings of the authors' script; the rival: ``--set objective.match=false``.

    Estimated, not measured: an hour per epoch on one GPU, most of it reading pictures. Expected: the paper claims up to 10 %
    more PCC and CCC than the next best; its tables are not known to us.
    """
    image = Image(224, 3, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), cache=False)
    optim = Optim("adam", rate=5e-5, momentum=0.5, beta=0.99, decay=0.0, clip=1.0)
    schedule = Schedule("step", warm=0.0, milestones=(1, 2, 3), factor=0.8)
    augment = Augment(flip=0.5, shift=0.08)  # as far as a crop of 224 out of 256 pixels
    return Recipe("aff-wild2/va", 4, 512, image, optim, schedule, augment, groups=50)
