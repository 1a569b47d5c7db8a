"""GReFEL: balancing in a reduced embedding, its losses, and its card."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.cards import card  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.nn.balancing import Headed  # noqa: E402
from mien.systems.expression import grefel  # noqa: E402

from ...nn.counting import counted  # noqa: E402

pytestmark = pytest.mark.torch


def built(**settings: Any) -> torch.nn.Module:
    torch.manual_seed(0)
    return grefel.model(backbone="plain", **settings)


def test_the_card_has_the_count() -> None:
    assert counted(grefel.model, 1, 48, 48)[0] == card("grefel").parameters.ours


def test_anchors_lie_in_the_reduced_embedding() -> None:
    net, image = built(size=64, anchors=3).train(), torch.randn(2, 1, 48, 48)
    out = net(image)
    assert out["embedding"].shape == (2, 64)
    assert out["anchors"].shape == (8, 3, 64)
    e = out["embedding"][1] * 4 / out["embedding"][1].norm()
    assert torch.allclose(out["distance"][1, 4, 2], (e - out["anchors"][4, 2]).norm(), rtol=1e-4)


def test_turning_the_reduced_embedding_and_its_anchors_leaves_the_geometric_answer() -> None:
    net, image = built(correct="geometric").eval(), torch.randn(2, 1, 48, 48)
    turn = torch.linalg.qr(torch.randn(128, 128))[0]
    with torch.no_grad():
        wanted = net(image)["logits"]
        net.reliability.anchors.copy_(net.reliability.anchors @ turn.T)
        net.network.reduce.weight.copy_(turn @ net.network.reduce.weight)
        net.network.reduce.bias.copy_(turn @ net.network.reduce.bias)
        net.network.head[0].weight.copy_(net.network.head[0].weight @ turn.T)
        assert torch.allclose(net(image)["logits"], wanted, atol=1e-4)


def test_its_losses_take_all_pairs_of_anchors_and_squares_of_distances() -> None:
    net, label = built(anchors=2).train(), torch.tensor([3, 0, 7])
    out = net(torch.randn(3, 1, 48, 48))
    found = grefel.objective(anchor=1, centre=0.5)(out, {"label": label, "target": torch.eye(8)[label]})
    points = out["anchors"].detach().flatten(0, 1)
    squares = torch.pdist(points).square()  # every pair once, of the same class too
    assert float(found["anchor"].detach()) == pytest.approx(float(-squares.mean() / 128**0.5), rel=1e-4)
    near = torch.stack([out["distance"][k, label[k]].min().square() for k in range(3)]).mean() / 128**0.5
    assert float(found["centre"].detach()) == pytest.approx(float(near.detach()), rel=1e-4)
    whole = found["distribution"] + found["anchor"] + 0.5 * found["centre"]
    assert float(found["loss"].detach()) == pytest.approx(float(whole.detach()), rel=1e-5)
    found["loss"].backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_without_balancing_it_is_the_plain_network_with_the_same_weights() -> None:
    plain, whole = built(balance=False), built()
    assert isinstance(plain, Headed)
    for name, value in plain.state_dict().items():
        assert torch.equal(value, whole.network.state_dict()[name])


def test_a_size_that_cannot_be_cut_is_refused() -> None:
    with pytest.raises(InputError, match="that 32 divides"):
        grefel.model(size=100)
