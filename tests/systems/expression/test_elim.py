"""ELIM: the shift by identity, the features without it, the loss, and what is left at test time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.cards import card  # noqa: E402
from mien.datasets import aff_wild2  # noqa: E402
from mien.losses.concordance import Agreement  # noqa: E402
from mien.systems.expression import elim  # noqa: E402

from ...nn.counting import counted  # noqa: E402

pytestmark = pytest.mark.torch


def features(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).abs()


# Network --------------------------------------------------------------------------------------------------------------
def test_the_sizes_of_the_authors_networks() -> None:
    found = counted(elim.model, 3, 224, 224)
    assert found[0] == 10_255_938 == card("elim").parameters.ours
    assert found[1] == pytest.approx(0.66, abs=0.01)
    with torch.device("meta"):
        assert sum(p.numel() for p in elim.model(encoder="resnet18").parameters()) == pytest.approx(17.76e6, abs=5e3)


def test_the_loss_asks_the_same_regressor() -> None:
    torch.manual_seed(0)
    g, z = elim.Regressor(6, 2), features(9, 6)
    assert torch.allclose(elim.regress(z, dict(g.named_parameters())), g.train()(z), atol=1e-6)


def test_judged_values_lie_in_their_range_and_need_no_persons() -> None:
    net = elim.model(size=8).eval()
    net.regressor.read.weight.data *= 1e4
    with torch.no_grad():
        out = net(torch.randn(2, 3, 224, 224))
    assert set(out) == {"values", "embedding"}
    assert out["values"].abs().max() == 1


# Matching -------------------------------------------------------------------------------------------------------------
def by_hand(reference: np.ndarray, other: np.ndarray) -> np.ndarray:
    """mu of one person, from the paper's formulas with plain scaling."""
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (reference, other)]
    cost = 1 - unit[0] @ unit[1].T
    a, b = np.maximum(reference @ other.mean(0), 0), np.maximum(other @ reference.mean(0), 0)
    a, b = a / a.sum() * len(other), b / b.sum() * len(other)
    kernel, v = np.exp(-5 * cost), np.ones(len(other))
    for _ in range(2000):
        u = a / (kernel @ v)
        v = b / (kernel.T @ u)
    return (u[:, None] * kernel * v * cost).sum(0)


def test_shifts_of_several_persons_are_those_of_each_by_hand() -> None:
    reference, others = features(5, 7), features(3, 4, 7, seed=1)
    there = torch.tensor([[True] * 4, [True] * 3 + [False], [True] * 2 + [False] * 2])
    found = elim.shifts(reference, others, there)
    for k, count in enumerate((4, 3, 2)):
        wanted = by_hand(reference.double().numpy(), others[k, :count].double().numpy())
        assert found[k, :count].tolist() == pytest.approx(wanted.tolist(), abs=1e-5)
    assert not found[~there].any()


def test_each_sample_has_its_own_shift() -> None:
    reference, others, there = features(5, 7), features(1, 4, 7, seed=1), torch.ones(1, 4, dtype=torch.bool)
    found = elim.shifts(reference, others, there)[0]
    assert len({round(v, 5) for v in found.tolist()}) == 4
    p = torch.tensor([2, 0, 3, 1])
    assert torch.allclose(elim.shifts(reference, others[:, p], there)[0], found[p], atol=1e-5)


def test_features_in_one_direction_have_no_shift() -> None:
    one = features(1, 7).expand(4, 7)
    assert elim.shifts(one, 2 * one[None], torch.ones(1, 4, dtype=torch.bool)).abs().max() < 1e-6
    # and features that are all 0 have no direction, but still numbers
    assert torch.isfinite(elim.shifts(one, 0 * one[None], torch.ones(1, 4, dtype=torch.bool))).all()


def test_without_shift_all_features_have_one_length() -> None:
    z, mu = features(5, 3, 16), torch.rand(5, 3)
    moved = elim.shifted(z, mu)
    assert torch.allclose(moved.square().sum(-1), torch.full((5, 3), 16.0), rtol=1e-4)
    assert torch.allclose(elim.shifted(z + 2.5, mu + 2.5), moved, atol=1e-5)
    assert torch.allclose(elim.shifted(z, torch.zeros(5, 3)), z / z.square().mean(-1, keepdim=True).sqrt(), atol=1e-4)


# Loss -----------------------------------------------------------------------------------------------------------------
def batch(count: int = 9) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    torch.manual_seed(3)
    g, z = elim.Regressor(6, 2), features(count, 6).requires_grad_()
    wanted = torch.rand(count, 2) * 2 - 1
    wanted[1, 0] = torch.nan
    out = {"values": g(z), "embedding": z} | dict(g.named_parameters())
    return out, {"values": wanted, "identity": torch.tensor([4, 4, 4, 4, 8, 8, 8, 2, 1])[:count]}


def test_without_matching_the_loss_is_the_weighted_agreement() -> None:
    out, wanted = batch()
    plain = Agreement(squared=2, correlation=0.5, concordance=0.5)(out, wanted)["loss"]
    assert torch.equal(elim.objective(match=False)(out, wanted)["loss"], plain)


def test_the_matched_part_is_the_sum_over_persons() -> None:
    out, wanted = batch()
    torch.manual_seed(0)
    found = elim.objective().matched(out, wanted)  # type: ignore[operator]
    values, z = [], out["embedding"].detach()
    for first, other in ((slice(0, 4), slice(4, 7)), (slice(4, 7), slice(0, 4))):  # either may be the reference
        mu = torch.from_numpy(by_hand(z[first].double().numpy(), z[other].double().numpy())).float()
        x = z.clone()
        x[other] = elim.shifted(z[other], mu)
        error = (elim.regress(x[:7], out) - wanted["values"][:7]).square().detach()
        values.append(float(error[:4].nanmean() + error[4:7].nanmean()))
    assert min(abs(found.item() - v) for v in values) < 1e-4


def test_the_weight_of_the_matching_rises_from_0_to_1() -> None:
    out, wanted = batch()
    loss, seen = elim.objective(warm=(2, 4)), []
    plain = elim.objective(match=False)(out, wanted)["loss"]
    for _ in range(6):
        found = loss(out, wanted)
        seen.append(float(((found["loss"] - plain) / (0.5 * found["matched"])).detach()))
    assert seen == pytest.approx([0, 0, 0.5, 0.75, 1, 1], abs=1e-3)
    assert loss.state_dict()["step"] == 6  # a training that was stopped goes on with the same weight


def test_gradients_reach_features_and_regressor_but_not_through_the_shift() -> None:
    out, wanted = batch()
    elim.objective().matched(out, wanted).backward()  # type: ignore[operator]
    assert torch.isfinite(out["embedding"].grad).all()
    assert out["embedding"].grad[:7].abs().sum(1).gt(0).all()
    assert not out["embedding"].grad[7:].any()  # persons of whom there is one sample
    assert all(out[name].grad is not None for name in ("expand.weight", "norm.weight", "read.bias"))


def test_a_batch_without_two_persons_is_trained_on_as_it_is() -> None:
    out, wanted = batch(4)
    found = elim.objective(warm=(0, 1))(out, wanted)
    assert found["matched"] == 0
    found["loss"].backward()


# Training -------------------------------------------------------------------------------------------------------------
def test_it_trains_with_persons_in_a_batch_and_goes_on_to_the_bit(tmp_path: Path) -> None:
    pytest.importorskip("lightning_fabric")
    from mien.train.run import LOG, Listener, Machine, Order, train

    from ...train.runs import same

    aff_wild2.fake(tmp_path / "data", 0, 3)
    words = ("model.size=8", "epochs=3", "batch=16", "groups=4", "objective.warm=0,3", "precision=float32")
    words += ("image.size=96", "image.cache=true")
    machine = Machine("cpu", threads=1)

    def crash(done: int) -> None:
        if done == 2 and (tmp_path / "cut" / "last.ckpt").exists():
            raise RuntimeError("crash")

    with pytest.raises(RuntimeError, match="crash"):
        train(Order("elim", tmp_path / "data", tmp_path / "cut", words), machine, Listener(tick=crash))
    cut, whole = (train(Order("elim", tmp_path / "data", tmp_path / name, words), machine) for name in ("cut", "whole"))
    assert same(cut, whole)
    lines = (tmp_path / "whole" / LOG).read_text().splitlines()
    column = lines[0].split(",").index("train matched")
    assert len(lines) == 4
    assert all(float(line.split(",")[column]) > 0 for line in lines[1:])
