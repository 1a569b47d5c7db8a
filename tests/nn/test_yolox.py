"""YOLOX: the sizes of its parts, and where its boxes lie."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.nn.yolox import STRIDES, CspDarknet, CspLayer, DecoupledHead, Focus, decoded, places  # noqa: E402

pytestmark = pytest.mark.torch


def count(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_the_published_sizes() -> None:
    with torch.device("meta"):
        assert count(CspDarknet(0.5, 0.33)) == 4_212_672
        assert count(DecoupledHead((128, 256, 512), 128, 7)) == 1_892_644
        # two halves of 64, one bottleneck: 1x1 128 64 twice, 1x1 and 3x3 of 64, 1x1 128 128, and their norms
        assert count(CspLayer(128, 128)) == 2 * 128 * 64 + 64 * 64 * 10 + 128 * 128 + 2 * (4 * 64 + 128)


def test_the_backbone_gives_maps_of_strides_8_16_32() -> None:
    net = CspDarknet(0.125).eval()
    with torch.no_grad():
        maps = net(torch.zeros(2, 3, 64, 96))
    assert [tuple(x.shape) for x in maps] == [
        (2, width, 64 // stride, 96 // stride) for width, stride in zip((32, 64, 128), STRIDES)
    ]
    assert net.widths == (32, 64, 128)


def test_focus_loses_no_pixel() -> None:
    seen: list[torch.Tensor] = []
    net = Focus(1, 4)
    net.conv = torch.nn.Identity()  # type: ignore[assignment]
    seen.append(net(torch.arange(16.0).view(1, 1, 4, 4)))
    assert seen[0].shape == (1, 4, 2, 2)
    assert sorted(seen[0].flatten().tolist()) == list(range(16))
    assert seen[0][0, :, 0, 0].tolist() == [0, 4, 1, 5]


def test_places_are_the_middles_of_the_cells() -> None:
    centres, strides = places(64, 32)
    assert len(centres) == 8 * 4 + 4 * 2 + 2 * 1
    assert centres[0].tolist() == [4, 4]
    assert centres[5].tolist() == [12, 12]  # second row, second cell
    assert centres[-1].tolist() == [16, 48]
    assert strides.unique(return_counts=True)[1].tolist() == [32, 8, 2]


def test_boxes_by_hand() -> None:
    centres, strides = torch.tensor([[12.0, 4.0]]), torch.tensor([8.0])
    # the corner of the cell, one stride to each side
    assert decoded(torch.zeros(1, 4), centres, strides).tolist() == [[4, -4, 12, 4]]
    raw = torch.tensor([[0.5, 0.5, torch.log(torch.tensor(2.0)), torch.log(torch.tensor(4.0))]])
    assert decoded(raw, centres, strides)[0].tolist() == pytest.approx([4, -12, 20, 20])
    assert torch.isfinite(decoded(torch.full((1, 4), 1e4), centres, strides)).all()


def test_the_head_gives_shares_of_the_picture_in_the_order_of_the_places() -> None:
    head = DecoupledHead((4, 4, 4), 8, 3).eval()
    for branch in head.branches:
        for name in ("boxes", "objectness", "scores"):
            layer = getattr(branch, name)
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
    height, width = 64, 32
    with torch.no_grad():
        out = head([torch.randn(2, 4, height // s, width // s) for s in STRIDES])
    centres, strides = places(height, width)
    assert {name: tuple(value.shape) for name, value in out.items()} == {
        "boxes": (2, 42, 4), "objectness": (2, 42), "scores": (2, 42, 3),
    }  # fmt: skip
    middle = (out["boxes"][..., :2] + out["boxes"][..., 2:]) / 2 * torch.tensor([width, height])
    assert torch.allclose(middle[1], centres - strides[:, None] / 2)
    side = (out["boxes"][..., 2:] - out["boxes"][..., :2]) * torch.tensor([width, height])
    assert torch.allclose(side[0], strides[:, None].expand(-1, 2), rtol=1e-4)


def test_a_new_head_takes_few_places_for_a_face() -> None:
    head = DecoupledHead((4, 4, 4), 8, 3)
    for branch in head.branches:
        assert branch.objectness.bias.sigmoid().tolist() == pytest.approx([0.01])
        assert branch.scores.bias.sigmoid().tolist() == pytest.approx([0.01] * 3)
