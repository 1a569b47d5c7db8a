"""AdaFace against its equations, computed by hand from the paper's formulas."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from torch.nn import functional as F  # noqa: E402

from mien.losses.margin import margin_logits  # noqa: E402
from mien.systems.identity import adaface  # noqa: E402

pytestmark = pytest.mark.torch
M, S = 0.4, 64.0


def logit(quality: float) -> float:
    angle, add = -M * quality, M + M * quality
    return float(margin_logits(torch.tensor([[0.5]]), torch.tensor([0]), angle, add, S))


def test_the_ends_of_the_range() -> None:
    theta = math.acos(0.5)
    assert logit(-1) == pytest.approx(S * math.cos(theta + M), abs=1e-4)  # ArcFace
    assert logit(0) == pytest.approx(S * (0.5 - M), abs=1e-4)  # CosFace
    assert logit(1) == pytest.approx(S * (math.cos(theta - M) - 2 * M), abs=1e-4)


@pytest.mark.parametrize("length", [0.001, 20.0, 100.0, 500.0])
def test_quality_is_the_standardised_length(length: float) -> None:
    loss = adaface.objective(3, size=4).eval()
    embedding = length * F.normalize(torch.ones(1, 4))
    wanted = max(-1.0, min(1.0, 0.333 * (min(max(length, 0.001), 100) - 20) / (100 + 1e-3)))
    assert float(loss.quality(embedding)) == pytest.approx(wanted, abs=1e-5)


def test_statistics_move_by_the_momentum_in_training_only() -> None:
    loss = adaface.AdaFaceLoss(3, size=2, momentum=0.25)
    lengths = torch.tensor([10.0, 14.0, 18.0])
    embedding = torch.stack([lengths, torch.zeros(3)], 1)
    loss.eval().quality(embedding)
    assert float(loss.mean) == 20
    loss.train().quality(embedding)
    assert float(loss.mean) == pytest.approx(0.25 * 14 + 0.75 * 20)
    assert float(loss.deviation) == pytest.approx(0.25 * 4 + 0.75 * 100)  # deviation with n - 1


def test_without_sharpness_it_is_cosface_for_any_length() -> None:
    torch.manual_seed(0)
    loss = adaface.objective(5, size=8, sharpness=0.0).eval()
    x, identity = torch.randn(6, 8) * torch.tensor([1, 5, 20, 50, 90, 200.0])[:, None], torch.tensor([0, 1, 2, 3, 4, 0])
    cosine = F.linear(F.normalize(x), F.normalize(loss.classifier.kernel))
    wanted = F.cross_entropy(S * (cosine - M * F.one_hot(identity, 5)), identity)
    found = loss({"embedding": x}, {"identity": identity})["loss"]
    assert found.item() == pytest.approx(wanted.item(), rel=1e-4)


def test_no_gradient_flows_through_the_quality() -> None:
    torch.manual_seed(0)
    loss = adaface.objective(5, size=8).eval()
    x = (30 * torch.randn(4, 8)).requires_grad_()
    loss({"embedding": x}, {"identity": torch.arange(4)})["loss"].backward()
    # the cosines do not change along an embedding, so only a gradient through the quality could
    assert (x.grad * x.detach()).sum(1).abs().max() < 1e-3 * x.grad.norm()
    assert x.grad.norm() > 0


def test_a_gradient_reaches_the_classes() -> None:
    loss = adaface.objective(5, size=8)
    loss({"embedding": torch.randn(4, 8)}, {"identity": torch.arange(4)})["loss"].backward()
    assert loss.classifier.kernel.grad.abs().sum() > 0


@pytest.mark.parametrize(("depth", "millions"), [(18, 24.02), (34, 34.13), (50, 43.59), (101, 65.15)])
def test_the_backbones_have_the_published_number_of_parameters(depth: int, millions: float) -> None:
    with torch.device("meta"):
        net = adaface.model(depth)
    count = sum(p.numel() for p in net.parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.006)


def test_the_backbone_gives_an_embedding_and_passes_gradients() -> None:
    torch.manual_seed(0)
    net = adaface.model(18)
    out = net(torch.randn(2, 3, 112, 112))["embedding"]
    assert out.shape == (2, 512)
    out.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
