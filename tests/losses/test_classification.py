"""The cross-entropy against torch's own, which takes codes."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from torch.nn import functional as F  # noqa: E402

from mien.losses.classification import CrossEntropy, soft_targets  # noqa: E402

pytestmark = pytest.mark.torch
LABEL = torch.tensor([0, 2, 1, 2])
WEIGHT = (1.0, 0.5, 3.0)


def logits() -> torch.Tensor:
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(0)) * 3


def loss(target: torch.Tensor, weight: tuple[float, ...] | None = None) -> float:
    return float(CrossEntropy(weight)({"logits": logits()}, {"target": target})["loss"])


def test_codes_as_distributions() -> None:
    assert loss(soft_targets(LABEL, 3)) == pytest.approx(float(F.cross_entropy(logits(), LABEL)), rel=1e-6)


def test_smoothing() -> None:
    wanted = float(F.cross_entropy(logits(), LABEL, label_smoothing=0.2))
    assert loss(soft_targets(LABEL, 3, 0.2)) == pytest.approx(wanted, rel=1e-6)


def test_weights_of_classes() -> None:
    wanted = float(F.cross_entropy(logits(), LABEL, torch.tensor(WEIGHT)))
    assert loss(soft_targets(LABEL, 3), WEIGHT) == pytest.approx(wanted, rel=1e-6)


def test_weights_move_with_the_network_and_are_in_its_state() -> None:
    assert "weight" in CrossEntropy(WEIGHT).state_dict()
    assert CrossEntropy(WEIGHT).double().weight.dtype == torch.float64


def test_half_precision_logits_are_judged_in_float32() -> None:
    found = CrossEntropy()({"logits": logits().bfloat16()}, {"target": soft_targets(LABEL, 3)})["loss"]
    assert found.dtype == torch.float32
