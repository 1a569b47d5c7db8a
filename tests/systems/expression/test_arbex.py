"""ARBEx: its network with and without the corrections, and its card."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.cards import card  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.labels import FERPLUS_8  # noqa: E402
from mien.losses.classification import CrossEntropy  # noqa: E402
from mien.nn.balancing import Balanced, Headed, confidence, distances, nearness  # noqa: E402
from mien.protocols import classes, protocol  # noqa: E402
from mien.systems.expression import arbex  # noqa: E402

from ...nn.counting import counted  # noqa: E402

pytestmark = pytest.mark.torch


def built(**settings: Any) -> torch.nn.Module:
    torch.manual_seed(0)
    return arbex.model(backbone="plain", **settings)


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_sizes() -> None:
    count, billions = counted(arbex.model, 1, 48, 48)
    assert count == card("arbex").parameters.ours
    assert billions == pytest.approx(0.31, abs=0.02)
    with torch.device("meta"):
        module = arbex.model().reliability
    # 8 x 10 anchors of 512; queries, keys and values of 64, their norm, the places of 8 segments, the votes
    assert module.anchors.numel() == 8 * 10 * 512 == 40_960
    assert parameters(module.attention) == 3 * 64 * 64 + 2 * 64 + 8 * 64 + (512 + 1) * 80 == 53_968


def test_without_balancing_it_is_the_plain_network_with_the_same_weights() -> None:
    plain, whole, image = built(balance=False).eval(), built().eval(), torch.randn(2, 1, 48, 48)
    assert isinstance(plain, Headed)
    assert isinstance(whole, Balanced)
    for name, value in plain.state_dict().items():
        assert torch.equal(value, whole.network.state_dict()[name])
    with torch.no_grad():
        first, second = plain(image), whole(image)
    assert torch.equal(first["embedding"], second["embedding"])
    assert set(first) == set(second) == {port.name for port in card("arbex").output}
    assert set(plain.train()(image)) == {"logits", "embedding"}


def test_an_answer_is_the_formula_of_the_paper() -> None:
    net, image = built().eval(), torch.randn(3, 1, 48, 48)
    with torch.no_grad():
        # a fresh network is unsure of everything
        net.network.head[-1].bias.normal_()
        net.reliability.attention.vote.bias.copy_(2 * torch.eye(8)[5].repeat_interleave(10))
        found, guess = net(image), net.network(image)
        p, e = guess["logits"].softmax(1), guess["embedding"]
        e_, a_ = (4 * x / x.norm(dim=-1, keepdim=True) for x in (e, net.reliability.anchors))
        tg, ta = nearness(distances(e_, a_)), net.reliability.attention(e)
        cg, ca = confidence(tg)[:, None], confidence(ta)[:, None]
        t = (cg * tg + ca * ta) / (cg + ca)
        cp, ct = confidence(p)[:, None], confidence(t)[:, None]
    wanted = (cp * p + ct * t) / (cp + ct)
    assert torch.allclose(found["logits"].softmax(1), wanted, atol=2e-3)
    assert not torch.allclose(wanted, p, atol=1e-2)


def test_the_ramp_begins_with_the_plain_answer() -> None:
    net, image = built(ramp=10).eval(), torch.randn(2, 1, 48, 48)
    with torch.no_grad():
        assert torch.allclose(net(image)["logits"], net.network(image)["logits"].log_softmax(1), atol=1e-5)


@pytest.mark.parametrize("correct", ["both", "geometric", "attentive"])
def test_a_step_changes_every_parameter(correct: str) -> None:
    net, label = built(correct=correct).train(), torch.arange(6) % 8
    out = net(torch.randn(6, 1, 48, 48))
    loss = arbex.objective()(out, {"label": label, "target": torch.eye(8)[label]})
    loss["loss"].backward()
    assert all(p.grad is not None and p.grad.any() and torch.isfinite(p.grad).all() for p in net.parameters())


def test_the_loss_of_the_plain_network_is_the_cross_entropy() -> None:
    out, batch = {"logits": torch.randn(4, 8)}, {"target": torch.rand(4, 8).softmax(1), "label": torch.arange(4)}
    assert torch.equal(arbex.objective()(out, batch)["loss"], CrossEntropy()(out, batch)["loss"])


def test_the_recipe_fits_the_labels_of_the_card() -> None:
    recipe = arbex.recipe()
    assert classes(protocol(recipe.protocol)) == FERPLUS_8.names
    assert recipe.smoothing == recipe.augment.mixup == recipe.balance == 0


def test_another_backbone_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean resnet18"):
        arbex.model(backbone="resnet")
