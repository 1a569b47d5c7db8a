"""Margins against the formulas in numpy."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.losses import margin  # noqa: E402

pytestmark = pytest.mark.torch


def test_arcface_and_cosface_are_the_two_pure_margins() -> None:
    theta = np.random.default_rng(0).uniform(0.3, 2.5, (6, 4))
    identity = np.array([0, 3, 1, 2, 2, 0])
    rows = np.arange(6)
    cosine = torch.from_numpy(np.cos(theta))
    arc, cos = 30 * np.cos(theta), 30 * np.cos(theta)
    arc[rows, identity] = 30 * np.cos(theta[rows, identity] + 0.5)
    cos[rows, identity] = 30 * (np.cos(theta[rows, identity]) - 0.35)
    assert margin.margin_logits(cosine, torch.from_numpy(identity), 0.5, 0.0, 30).numpy() == pytest.approx(arc)
    assert margin.margin_logits(cosine, torch.from_numpy(identity), 0.0, 0.35, 30).numpy() == pytest.approx(cos)


def test_the_angle_stays_between_0_and_pi() -> None:
    cosine = torch.tensor([[np.cos(3.0)], [np.cos(0.1)]])
    found = margin.margin_logits(cosine, torch.tensor([0, 0]), torch.tensor([0.5, -0.5]), 0.0, 1.0)
    assert found[:, 0].numpy() == pytest.approx([np.cos(np.pi - margin.EPSILON), np.cos(margin.EPSILON)], abs=1e-6)


def test_cosines_do_not_depend_on_lengths() -> None:
    torch.manual_seed(0)
    classifier = margin.CosineClassifier(8, 5)
    x = torch.randn(3, 8)
    wanted = (x.numpy() / np.linalg.norm(x, axis=1, keepdims=True)) @ classifier.kernel.detach().numpy().T
    assert classifier(x).detach().numpy() == pytest.approx(wanted, abs=1e-6)
    assert classifier(7 * x).detach().numpy() == pytest.approx(wanted, abs=1e-6)
    classifier.kernel.data *= 3
    assert classifier(x).detach().numpy() == pytest.approx(wanted, abs=1e-6)
