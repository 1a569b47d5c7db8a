"""The alignment of attention with a map: its bounds, what it does not see, and who counts."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.losses.alignment import MapAlignment, channel_mean, map_cosine  # noqa: E402

pytestmark = pytest.mark.torch
LEFT = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
MAPS = torch.stack([LEFT, LEFT.flip(1), torch.zeros(2, 2)])  # the third class has none


def loss(attention: torch.Tensor, *label: int) -> float:
    return float(MapAlignment(MAPS)(attention.expand(len(label), 1, 2, 2), torch.tensor(label)))


def test_nothing_where_alike_one_where_apart_two_where_opposite() -> None:
    assert loss(3 * LEFT, 0) == pytest.approx(0, abs=1e-6)
    assert loss(LEFT, 1) == pytest.approx(1)
    assert loss(-LEFT, 0) == pytest.approx(2)


def test_scaling_changes_nothing_but_adding_does() -> None:
    torch.manual_seed(0)
    attention = torch.rand(1, 1, 2, 2)
    assert loss(5 * attention, 0) == pytest.approx(loss(attention, 0), abs=1e-6)
    assert loss(attention + 1, 0) != pytest.approx(loss(attention, 0), abs=1e-3)


def test_a_constant_has_the_mean_over_the_root_of_the_mean_square() -> None:
    torch.manual_seed(0)
    maps = torch.rand(4, 1, 5, 5)
    found = map_cosine(torch.full((4, 1, 5, 5), 0.3), maps)
    assert torch.allclose(found, maps.mean((1, 2, 3)) / (maps**2).mean((1, 2, 3)).sqrt())


def test_the_mean_is_over_those_whose_class_has_a_map() -> None:
    assert loss(LEFT, 0, 1, 2) == pytest.approx((0 + 1) / 2)


def test_without_a_map_there_is_neither_loss_nor_slope() -> None:
    attention = torch.rand(2, 1, 2, 2, requires_grad=True)
    found = MapAlignment(MAPS)(attention, torch.tensor([2, 2]))
    found.backward()
    assert float(found.detach()) == 0
    assert not attention.grad.any()


def test_an_attention_of_nothing_has_a_finite_slope() -> None:
    attention = torch.zeros(2, 1, 2, 2, requires_grad=True)
    MapAlignment(MAPS)(attention, torch.tensor([0, 2])).backward()
    assert torch.isfinite(attention.grad).all()


def test_maps_are_averaged_down_to_the_attention() -> None:
    big = LEFT.repeat_interleave(8, 0).repeat_interleave(8, 1)[None, None]
    # the slope of the triangle leaves a little on the other side
    assert float(map_cosine(LEFT[None, None], big)) > 0.97


def test_attention_is_the_mean_over_channels() -> None:
    torch.manual_seed(0)
    features = torch.rand(2, 6, 3, 3)
    assert torch.allclose(channel_mean(features)[:, 0], features.sum(1) / 6)


def test_maps_are_not_kept_with_the_weights() -> None:
    assert not MapAlignment(MAPS).state_dict()
