"""Losses of anchors against sums over pairs and samples in numpy."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.losses.anchors import ReliabilityLoss, anchor_loss, centre_loss  # noqa: E402
from mien.nn.balancing import Balancing, Reliability  # noqa: E402

pytestmark = pytest.mark.torch


def points(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(3, 2, 5))


@pytest.mark.parametrize("within", [False, True])
def test_the_anchor_loss_is_the_mean_over_pairs(within: bool) -> None:
    a, found = points(), []
    flat = [(i, a[i, j]) for i in range(3) for j in range(2)]
    for k, (i, first) in enumerate(flat):
        for other, second in flat[k + 1 :]:
            if within or other != i:
                found.append(float(((first - second) ** 2).sum()))
    assert len(found) == (15 if within else 12)
    assert float(anchor_loss(torch.from_numpy(a), within)) == pytest.approx(-np.mean(found) / 5**0.5)


def test_order_and_place_of_the_anchors_mean_nothing() -> None:
    a = torch.from_numpy(points())
    wanted = float(anchor_loss(a))
    assert float(anchor_loss(a[:, [1, 0]])) == pytest.approx(wanted)
    assert float(anchor_loss(torch.stack([a[0, [1, 0]], a[1], a[2]]))) == pytest.approx(wanted)
    assert float(anchor_loss(a[[2, 0, 1]])) == pytest.approx(wanted)
    assert float(anchor_loss(a + 100)) == pytest.approx(wanted)


def test_equal_anchors_have_no_gradient_and_drawn_ones_do() -> None:
    zero = torch.zeros(3, 2, 5, requires_grad=True)
    anchor_loss(zero).backward()
    assert not zero.grad.any()
    torch.manual_seed(0)
    module = Reliability(32, 3, Balancing(anchors=2))
    anchor_loss(module.anchors).backward()
    assert module.anchors.grad.any(2).all()


def test_anchors_of_one_length_have_a_lowest_loss_where_they_are_spread() -> None:
    """Of C points of length s the sum of squares over pairs is at most C^2 s^2, where their sum is 0."""
    spread = 2 * torch.tensor([[[1.0, 0.0]], [[-0.5, 3**0.5 / 2]], [[-0.5, -(3**0.5) / 2]]])
    assert float(anchor_loss(spread)) == pytest.approx(-(3 * 3 * 4 / 3) / 2**0.5, rel=1e-5)
    for seed in range(5):
        a = torch.randn(3, 1, 2, generator=torch.Generator().manual_seed(seed))
        assert anchor_loss(2 * a / a.norm(dim=2, keepdim=True)) > anchor_loss(spread)


def test_a_step_takes_anchors_apart() -> None:
    a = torch.from_numpy(points()).requires_grad_()
    anchor_loss(a).backward()
    assert float(anchor_loss((a - 0.1 * a.grad).detach())) < float(anchor_loss(a.detach()))


def test_the_centre_loss_takes_the_nearest_anchor_of_the_own_class() -> None:
    rng = np.random.default_rng(1)
    d, label, c = rng.uniform(1, 9, (6, 3, 2)), np.array([0, 2, 1, 1, 0, 2]), rng.uniform(0, 1, 6)
    nearest = np.array([d[b, y].min() for b, y in enumerate(label)])
    given = torch.from_numpy(d), torch.from_numpy(label)
    assert float(centre_loss(*given, 16)) == pytest.approx(nearest.mean() / 4)
    assert float(centre_loss(*given, 16, torch.from_numpy(c))) == pytest.approx((c * nearest).mean() / 4)
    assert float(centre_loss(*given, 16, squared=True)) == pytest.approx((nearest**2).mean() / 4)


def test_confidence_weighs_without_a_gradient_of_its_own() -> None:
    c = torch.full((2,), 0.5, requires_grad=True)
    d = torch.ones(2, 3, 2, requires_grad=True)
    centre_loss(d, torch.tensor([0, 1]), 4, c).backward()
    assert c.grad is None
    assert d.grad.any()


def value(x: torch.Tensor) -> float:
    return float(x.detach())


def outputs(correct: str = "both") -> tuple[Reliability, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    module = Reliability(32, 4, Balancing(anchors=2, correct=correct)).train()
    target = torch.rand(5, 4).softmax(1)
    return module, module(torch.randn(5, 4), torch.randn(5, 32)), {"target": target, "label": target.argmax(1)}


def test_the_whole_loss_is_the_sum_of_its_parts() -> None:
    _, out, batch = outputs()
    found = ReliabilityLoss(anchor=0.3, centre=0.7)(out, batch)
    r = out["logits"].exp().detach().numpy()
    assert value(found["distribution"]) == pytest.approx(-(batch["target"].numpy() * np.log(r)).sum(1).mean(), rel=1e-5)
    assert value(found["anchor"]) == pytest.approx(value(anchor_loss(out["anchors"])))
    near = centre_loss(out["distance"], batch["label"], 32, out["confidence"])
    assert value(found["centre"]) == pytest.approx(value(near))
    for trust in (0.0, 0.25, 1.0):
        whole = ReliabilityLoss(anchor=0.3, centre=0.7)(out | {"trust": torch.tensor(trust)}, batch)["loss"]
        assert value(whole) == pytest.approx(
            value(found["distribution"] + trust * (0.3 * found["anchor"] + 0.7 * found["centre"]))
        )


def test_without_anchors_it_is_the_cross_entropy() -> None:
    _, out, batch = outputs("attentive")
    found = ReliabilityLoss()(out, batch)
    assert set(found) == {"loss"}
    assert value(found["loss"]) == pytest.approx(value(-(batch["target"] * out["logits"].log_softmax(1)).sum(1).mean()))


def test_the_first_step_reaches_every_anchor() -> None:
    module, out, batch = outputs()
    ReliabilityLoss()(out, batch)["loss"].backward()
    assert module.anchors.grad.any(2).all()
    assert all(p.grad.any() for p in module.parameters())
