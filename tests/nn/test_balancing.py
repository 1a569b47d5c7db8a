"""Reliability balancing against the formulas of the papers, around two networks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from torch import nn  # noqa: E402

from mien.errors import InputError  # noqa: E402
from mien.nn import balancing  # noqa: E402
from mien.nn.balancing import Balanced, Balancing, Headed, Reliability, mlp, trunk  # noqa: E402
from mien.nn.plain import PlainNet, dense, plain_blocks  # noqa: E402
from mien.nn.resnet import ResNet, ResNetClassifier  # noqa: E402

pytestmark = pytest.mark.torch
CLASSES, SIZE = 5, 32


def drawn(n: int = 6, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and embeddings."""
    made = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(n, CLASSES, generator=made), 3 * torch.randn(n, SIZE, generator=made)


def made(**how: Any) -> Reliability:
    torch.manual_seed(1)
    return Reliability(SIZE, CLASSES, Balancing(anchors=3, **how)).eval()


def unit(points: torch.Tensor) -> torch.Tensor:
    """Brought to the length of the default."""
    return 4 * points / points.norm(dim=-1, keepdim=True)


def entropy(p: np.ndarray) -> np.ndarray:
    return -np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0), -1)


class TestConfidence:
    def test_it_is_1_less_the_normalised_entropy(self) -> None:
        p = np.random.default_rng(0).dirichlet(np.ones(7), 20)
        found = balancing.confidence(torch.from_numpy(p)).numpy()
        assert found == pytest.approx(1 - entropy(p) / np.log(7))
        assert ((found >= 0) & (found <= 1)).all()

    def test_its_ends_are_certainty_and_ignorance(self) -> None:
        rows = torch.stack([torch.eye(8)[3], torch.full((8,), 1 / 8)])
        assert balancing.confidence(rows).tolist() == pytest.approx([1, 0], abs=1e-6)

    def test_certainty_has_a_finite_gradient(self) -> None:
        logits = torch.tensor([[400.0, 0.0, 0.0]], requires_grad=True)
        balancing.confidence(logits.softmax(1)).sum().backward()
        assert torch.isfinite(logits.grad).all()


class TestGeometric:
    def test_it_is_the_softmax_of_distances_summed_for_each_class(self) -> None:
        rng = np.random.default_rng(0)
        e, a = rng.normal(size=(4, 6)), rng.normal(size=(3, 2, 6))
        d = np.linalg.norm(e[:, None, None] - a, axis=3)
        distance = balancing.distances(torch.from_numpy(e), torch.from_numpy(a))
        assert distance.numpy() == pytest.approx(d)
        s = np.exp(-d / 0.7)
        wanted = s.sum(2) / s.sum((1, 2))[:, None]
        assert balancing.nearness(distance, 0.7).numpy() == pytest.approx(wanted)

    def test_large_and_small_deltas(self) -> None:
        _, e = drawn()
        distance = balancing.distances(e, made().anchors.detach())
        assert balancing.nearness(distance, 1e6).numpy() == pytest.approx(np.full((6, CLASSES), 1 / CLASSES), abs=1e-5)
        nearest = distance.flatten(1).argmin(1) // 3
        assert balancing.nearness(distance, 1e-4).numpy() == pytest.approx(np.eye(CLASSES)[nearest], abs=1e-5)

    def test_moving_and_turning_everything_changes_nothing(self) -> None:
        _, e = drawn()
        a = made().anchors.detach()
        wanted = balancing.nearness(balancing.distances(e, a))
        moved = balancing.nearness(balancing.distances(e + 5, a + 5))
        turn = torch.linalg.qr(torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(2)))[0]
        turned = balancing.nearness(balancing.distances(e @ turn, a @ turn))
        assert torch.allclose(moved, wanted, atol=1e-5)
        assert torch.allclose(turned, wanted, atol=1e-5)

    def test_a_distance_of_0_has_a_finite_gradient(self) -> None:
        e = torch.ones(1, 4, requires_grad=True)
        balancing.distances(e, torch.ones(2, 1, 4)).sum().backward()
        assert torch.isfinite(e.grad).all()


class TestMix:
    def test_the_papers_mix(self) -> None:
        p, t = (torch.from_numpy(np.random.default_rng(k).dirichlet(np.ones(5), 9)) for k in range(2))
        cp, ct = (1 - entropy(x.numpy()) / math.log(5) for x in (p, t))
        wanted = (cp[:, None] * p.numpy() + ct[:, None] * t.numpy()) / (cp + ct)[:, None]
        assert balancing.corrected(p, t).numpy() == pytest.approx(wanted, abs=1e-4)
        assert balancing.by_confidence(p, t).numpy() == pytest.approx(wanted, abs=1e-4)

    def test_the_mix_of_the_code(self) -> None:
        p, t = (torch.from_numpy(np.random.default_rng(k).dirichlet(np.ones(5), 9)) for k in range(2))
        c = (1 - entropy(p.numpy()) / math.log(5))[:, None]
        q = c * p.numpy() + (1 - c) * t.numpy()
        found = balancing.corrected(p, t, torch.tensor(0.3))
        assert found.numpy() == pytest.approx(0.7 * p.numpy() + 0.3 * q, abs=1e-6)
        assert torch.equal(balancing.corrected(p, t, torch.tensor(0.0)), p)

    def test_limits_of_the_weights(self) -> None:
        sure, vague, t = torch.eye(4)[:1], torch.full((1, 4), 0.25), torch.tensor([[0.7, 0.1, 0.1, 0.1]])
        full = torch.tensor(1.0)
        assert torch.allclose(balancing.corrected(sure, t, full), sure, atol=1e-6)
        assert torch.allclose(balancing.corrected(vague, t, full), t, atol=1e-6)
        assert torch.allclose(balancing.corrected(vague, t), t, atol=1e-5)
        assert torch.allclose(balancing.corrected(t, vague), t, atol=1e-5)
        assert torch.allclose(balancing.by_confidence(sure, torch.eye(4)[1:2]), torch.tensor([[0.5, 0.5, 0, 0]]))
        assert torch.allclose(balancing.by_confidence(vague, vague), vague)


class TestReliability:
    @pytest.mark.parametrize("how", [{}, {"correct": "geometric"}, {"correct": "attentive"}, {"ramp": 4}], ids=str)
    def test_the_softmax_of_its_logits_is_the_corrected_distribution(self, how: dict[str, Any]) -> None:
        module, (z, e) = made(**how).train(), drawn()
        for _ in range(2):  # the ramp gives nothing on its first step
            out = module(z, e)
        p, r = z.softmax(1), out["logits"].exp()
        assert r.sum(1).tolist() == pytest.approx([1] * 6, abs=1e-5)
        assert torch.allclose(out["logits"].softmax(1), r, atol=1e-6)
        assert torch.allclose(out["confidence"], balancing.confidence(p))
        assert torch.equal(out["primary"], z)
        parts = []
        if module.how.correct != "attentive":
            parts.append(balancing.nearness(balancing.distances(unit(e), unit(module.anchors))))
        if module.how.correct != "geometric":
            parts.append(module.attention(e))
        assert all(part.sum(1).tolist() == pytest.approx([1] * 6, abs=1e-5) for part in parts)
        every = torch.stack([p, *parts])
        assert (r >= every.amin(0) - 1e-5).all()
        assert (r <= every.amax(0) + 1e-5).all()
        assert not torch.allclose(r, p, atol=1e-3)

    @pytest.mark.parametrize("mode", [True, False])
    def test_a_batch_equals_its_singles_even_while_training(self, mode: bool) -> None:
        module, (z, e) = made().train(mode), drawn()
        whole = module(z, e)
        for k in range(len(z)):
            one = module(z[k : k + 1], e[k : k + 1])
            for name in {"logits", "distance", "confidence"} & set(whole):
                assert torch.allclose(one[name], whole[name][k : k + 1], atol=1e-5)

    def test_no_gradient_goes_from_one_sample_to_another(self) -> None:
        z, e = drawn()
        e.requires_grad_()
        made()(z, e)["logits"][2].square().sum().backward()
        assert e.grad[2].any()
        assert not e.grad[[0, 1, 3, 4, 5]].any()

    def test_the_order_of_the_anchors_of_a_class_means_nothing(self) -> None:
        module, (z, e) = made(), drawn()
        wanted = module(z, e)["logits"]
        with torch.no_grad():
            module.anchors.copy_(module.anchors[:, [2, 0, 1]])
        assert torch.allclose(module(z, e)["logits"], wanted, atol=1e-5)
        with torch.no_grad():
            module.anchors.copy_(module.anchors[[1, 0, 2, 3, 4]])
        assert not torch.allclose(module(z, e)["logits"], wanted, atol=1e-5)

    def test_with_one_length_the_scale_of_an_embedding_means_nothing_and_without_it_does(self) -> None:
        z, e = drawn()
        same, raw = made(correct="geometric"), made(correct="geometric", length=0)
        assert torch.allclose(same(z, e)["logits"], same(z, 3 * e)["logits"], atol=1e-5)
        assert not torch.allclose(raw(z, e)["logits"], raw(z, 3 * e)["logits"], atol=1e-3)
        out = raw.train()(z, e)
        assert torch.allclose(out["distance"], (e[:, None, None] - raw.anchors).norm(dim=3), rtol=1e-4)
        assert same.train()(z, e)["anchors"].norm(dim=2).flatten().tolist() == pytest.approx([4] * 15, rel=1e-5)

    def test_segments_attend_to_each_other(self) -> None:
        """The first segment changes what is seen in the last; without attention each segment would stand alone."""
        module, (_, e) = made().attention, drawn(1)
        seen = []
        module.vote.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        other = e.clone()
        other[:, :4] = torch.tensor([3.0, -2.0, 1.0, 0.0])
        module(e), module(other)
        assert not torch.allclose(seen[0][:, -4:], seen[1][:, -4:], atol=1e-6)

    @pytest.mark.parametrize("how", [{}, {"correct": "geometric"}, {"correct": "attentive"}], ids=str)
    def test_the_first_step_has_a_gradient_for_every_parameter(self, how: dict[str, Any]) -> None:
        module, (z, e) = made(**how).train(), drawn()
        (-module(z, e)["logits"][torch.arange(6), torch.arange(6) % CLASSES].mean()).backward()
        for name, value in module.named_parameters():
            assert torch.isfinite(value.grad).all(), name
            assert value.grad.any(), name
        if "anchors" in dict(module.named_parameters()):
            assert module.anchors.grad.flatten(2).any(2).all()

    def test_trust_grows_by_training_steps_to_1_and_stays_while_judging(self) -> None:
        module, (z, e) = made(ramp=2).train(), drawn()
        found = [module(z, e) for _ in range(4)]
        assert [float(out["trust"]) for out in found] == [0, 0.5, 1, 1]
        assert torch.allclose(found[0]["logits"], z.log_softmax(1), atol=1e-5)
        before = int(module.eval().steps)
        assert set(module(z, e)) == {"logits"}
        assert int(module.steps) == before
        assert float(made().train()(z, e)["trust"]) == 1

    def test_logits_of_any_size_stay_finite(self) -> None:
        z, e = drawn()
        z = (1e4 * z).requires_grad_()
        out = made().train()(z, 1e3 * e)["logits"]
        assert torch.isfinite(out).all()
        out.sum().backward()
        assert torch.isfinite(z.grad).all()

    def test_half_precision_around_it_leaves_the_distribution_exact(self) -> None:
        z, e = drawn()
        with torch.autocast("cpu", torch.bfloat16):
            out = made().train()(z.bfloat16(), e.bfloat16())
        assert all(value.dtype == torch.float32 for value in out.values())
        assert out["logits"].exp().sum(1).tolist() == pytest.approx([1] * 6, abs=1e-5)


def networks() -> list[tuple[nn.Module, int]]:
    torch.manual_seed(0)
    plain = PlainNet(plain_blocks(1, (8, 16, 32)), dense((32, CLASSES)))
    return [(ResNetClassifier(ResNet(18, kernel=3, channels=1), CLASSES), 512), (plain, 32)]


@pytest.mark.parametrize("which", [0, 1], ids=["ResNet-18", "PlainNet"])
def test_it_goes_around_any_network(which: int) -> None:
    network, size = networks()[which]
    net, image = Balanced(network, size, CLASSES, Balancing(anchors=2)).train(), torch.randn(3, 1, 16, 16)
    out = net(image)
    assert out["anchors"].shape == (CLASSES, 2, size)
    assert out["distance"].shape == (3, CLASSES, 2)
    (out["logits"] * torch.randn(3, CLASSES)).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())
    with torch.no_grad():
        plain, whole = network.eval()(image), net.eval()(image)
        singles = torch.cat([net(image[k : k + 1])["logits"] for k in range(3)])
    assert set(whole) == {"logits", "embedding"}
    assert torch.equal(whole["embedding"], plain["embedding"])
    assert torch.allclose(whole["logits"], net.reliability(plain["logits"], plain["embedding"])["logits"])
    assert torch.allclose(singles, whole["logits"], atol=1e-4)


@pytest.mark.parametrize("name", balancing.TRUNKS)
def test_trunk_and_head_make_a_network(name: str) -> None:
    net = Headed(trunk(name), mlp((24, 12, CLASSES)), nn.Linear(512, 24)).eval()
    with torch.no_grad():
        out = net(torch.randn(2, 1, 32, 32))
    assert {key: tuple(value.shape) for key, value in out.items()} == {"logits": (2, CLASSES), "embedding": (2, 24)}
    assert torch.equal(net.head(out["embedding"]), out["logits"])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean geometric"):
        Balancing(correct="geometry")
    with pytest.raises(InputError, match="anchors is 0"):
        Balancing(anchors=0)
    with pytest.raises(InputError, match="delta above 0"):
        Balancing(delta=0)
    with pytest.raises(InputError, match="length is -1"):
        Balancing(length=-1)
    with pytest.raises(InputError, match="8 segments with 4 heads"):
        Reliability(40, 3)
    with pytest.raises(InputError, match="unknown backbone"):
        trunk("resnet50")
