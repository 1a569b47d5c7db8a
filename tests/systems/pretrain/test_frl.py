"""FRL: codes and loss of SwAV from their formulas, pieces of pictures, and few labels."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

import numpy as np  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from mien.errors import InputError  # noqa: E402
from mien.systems.pretrain import frl  # noqa: E402

pytestmark = pytest.mark.torch


def by_hand(scores: torch.Tensor) -> torch.Tensor:
    """Three rounds of rows and columns, as SwAV writes them: Q is (prototypes, samples)."""
    q = (scores.double() / 0.05).exp().T
    prototypes, samples = q.shape
    for _ in range(3):
        q = q / q.sum(1, keepdim=True) / prototypes
        q = q / q.sum(0, keepdim=True) / samples
    return (q * samples).T


def test_codes_are_those_of_three_rounds() -> None:
    torch.manual_seed(0)
    scores = torch.rand(6, 4) * 2 - 1
    found = frl.codes(scores)
    assert torch.allclose(found.double(), by_hand(scores), atol=1e-6)
    assert torch.allclose(found.sum(1), torch.ones(6), atol=1e-6)
    assert torch.allclose(frl.codes(scores, times=500).sum(0), torch.full((4,), 6 / 4), atol=1e-3)
    assert torch.allclose(frl.codes(scores + 0.7), found, atol=1e-5)


def test_equal_scores_have_even_codes() -> None:
    assert torch.allclose(frl.codes(torch.full((5, 5), 0.3)), torch.full((5, 5), 0.2))


def test_the_loss_is_the_mean_of_fourteen_terms() -> None:
    torch.manual_seed(0)
    scores = torch.rand(8, 6, 4) * 2 - 1
    terms = []
    for a in (0, 1):
        q = by_hand(scores[a]).float()
        for v in range(8):
            if v != a:
                terms.append(-(q * (scores[v] / 0.1).log_softmax(1)).sum(1).mean())
    assert len(terms) == 14
    assert frl.swav(scores).item() == pytest.approx(torch.stack(terms).mean().item(), rel=1e-5)


def test_collapse_shows_as_the_logarithm_of_the_prototypes() -> None:
    assert frl.swav(torch.full((8, 6, 5), 0.4)).item() == pytest.approx(math.log(5), rel=1e-6)


def test_views_that_tell_the_codes_reach_their_entropy() -> None:
    torch.manual_seed(0)
    large = torch.rand(2, 6, 4) * 2 - 1
    large[1] = large[0]
    q = frl.codes(large[0])
    best = (0.1 * q.log()).expand(6, 6, 4)  # softmax(best / 0.1) is q
    scores = torch.cat([large, best])
    entropy = -(q * q.log()).sum(1).mean()
    pair = -(q * (large[0] / 0.1).log_softmax(1)).sum(1).mean()
    assert frl.swav(scores).item() == pytest.approx((6 * entropy + pair).item() / 7, rel=1e-4)


def test_no_gradient_flows_through_the_codes() -> None:
    scores = torch.randn(2, 4, 3, requires_grad=True)
    frl.swav(scores).backward()
    fixed = scores.detach().clone().requires_grad_()
    codes = [by_hand(fixed.detach()[a]).float() for a in (0, 1)]
    log = (fixed / 0.1).log_softmax(2)
    (-((codes[0] * log[1]).sum(1).mean() + (codes[1] * log[0]).sum(1).mean()) / 2).backward()
    assert torch.allclose(scores.grad, fixed.grad, atol=1e-5)


def test_prototypes_stand_still_at_first() -> None:
    torch.manual_seed(0)
    loss, views = frl.SwavLoss(8, prototypes=5, still=2), torch.randn(6, 8, 8)
    for step in range(3):
        loss.zero_grad()
        loss({"views": views}, {})["loss"].backward()
        assert bool(loss.prototypes.grad.any()) == (step == 2)
        assert all(p.grad.any() for name, p in loss.head.named_parameters() if name != "0.bias")
    assert loss.steps == 3
    loss.eval()({"views": views}, {})
    assert loss.steps == 3


# Pieces -------------------------------------------------------------------------------------------------------------------
def test_pieces_have_the_area_that_is_asked_for() -> None:
    torch.manual_seed(0)
    line = torch.linspace(0, 1, 224)
    ramps = torch.stack([line.expand(224, 224), line[:, None].expand(224, 224), torch.ones(224, 224)]).expand(50, 3, 224, 224)
    found = frl.crops(ramps, 4, 32, (0.05, 0.14))
    assert found.shape == (200, 3, 32, 32)
    wide, high = found[:, 0].diff(dim=2).mean((1, 2)) * 32, found[:, 1].diff(dim=1).mean((1, 2)) * 32
    area = wide.abs() * high
    assert area.min() > 0.045
    assert area.max() < 0.145
    assert 60 < (wide < 0).sum() < 140  # half of them are mirrored
    ratio = (wide.abs() / high).log().abs().max()
    assert ratio < math.log(4 / 3) / 2 * 1.1 * 2


def test_views_come_large_first_and_picture_by_picture() -> None:
    net = frl.model(18, 32, 16).train()
    seen: list[tuple[int, ...]] = []
    net.trunk.register_forward_pre_hook(lambda _module, args: seen.append(tuple(args[0].shape)))
    assert net(torch.randn(2, 3, 64, 64))["views"].shape == (2, 8, 512)
    assert seen == [(4, 3, 32, 32), (12, 3, 16, 16)]
    plain = torch.stack([torch.full((3, 64, 64), 0.0), torch.full((3, 64, 64), 1.0)])
    order = frl.crops(plain, 2, 8, frl.LARGE).mean((1, 2, 3))
    assert torch.allclose(order, torch.tensor([0.0, 1.0, 0.0, 1.0]), atol=1e-6)


def test_colours_change_and_stay_in_range() -> None:
    torch.manual_seed(0)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (frl.MEAN, frl.STD))
    values = torch.rand(64, 3, 32, 32)
    found = frl.coloured((values - mean) / std) * std + mean
    assert found.min() > -1e-5
    assert found.max() < 1 + 1e-5
    grey = ((found - found.mean(1, keepdim=True)).abs().amax((1, 2, 3)) < 1e-5).sum()
    assert 4 <= grey <= 26
    rough = found.diff(dim=3).abs().mean((1, 2, 3))
    assert (rough < 0.1).any()  # blurred
    assert (rough > 0.2).any()


def test_the_encoder_has_its_count() -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in frl.model().parameters()) == 23_508_032


def test_a_step_lowers_the_loss() -> None:
    torch.manual_seed(0)
    loss, views = frl.SwavLoss(8, prototypes=6, still=0), torch.randn(16, 1, 8) + 0.1 * torch.randn(16, 8, 8)
    steps = torch.optim.SGD(loss.parameters(), 0.1)
    figures = []
    for _ in range(40):
        steps.zero_grad()
        found = loss({"views": F.normalize(views, dim=2)}, {})["loss"]
        found.backward()
        steps.step()
        figures.append(found.item())
    assert figures[-1] < 0.8 * figures[0]


# Few labels ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("probe", ["ridge", "logistic", "nearest"])
def test_an_encoder_that_knows_carries_farther(tmp_path: Path, probe: str) -> None:
    frl.fake(tmp_path)
    blind, knowing = frl.evaluate(tmp_path, probe)
    assert blind.protocol == "made-up/blind"
    for row in knowing.rows:
        assert row.value > blind[row.metric].value + 0.2
        assert row.low <= row.value <= row.high
        assert row.constant == pytest.approx(1 / 3)
    assert [row.metric.split(",")[0] for row in knowing.rows] == [
        "accuracy(1 of each class", "accuracy(10 of each class", "accuracy(1% of labels", "accuracy(10% of labels",
    ]  # fmt: skip


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="encoder"):
        frl.evaluate(tmp_path)
    (tmp_path / "a").mkdir()
    np.savez(tmp_path / "a" / "b.npz", train=np.zeros((2, 2)))
    with pytest.raises(InputError, match="holds train"):
        frl.evaluate(tmp_path)
    with pytest.raises(InputError, match="probe"):
        frl.evaluate(tmp_path, "svm")
