"""Transformers on patches: counts, cutting and its inverse, places, attention by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from mien.errors import InputError  # noqa: E402
from mien.nn.vit import SIZES, Attention, Block, Size, ViT, ViTClassifier, cut, joined, sine, sine_grid  # noqa: E402

pytestmark = pytest.mark.torch


def test_vit_b_16_has_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        net = ViTClassifier(ViT(), 1000)
    assert sum(p.numel() for p in net.parameters()) == 86_567_656


def test_a_block_without_bias_of_keys_has_its_count() -> None:
    width = 8
    assert sum(p.numel() for p in Block(width, 2).parameters()) == 12 * width**2 + 13 * width
    assert sum(p.numel() for p in Block(width, 2, key_bias=False).parameters()) == 12 * width**2 + 12 * width


def test_cutting_puts_time_rows_columns_and_colours_in_order() -> None:
    clip = torch.arange(2 * 3 * 4 * 4 * 6).float().view(2, 3, 4, 4, 6)
    tokens = cut(clip, 2, 2)
    assert tokens.shape == (2, 2 * 2 * 3, 2 * 2 * 2 * 3)
    # token (time 1, row 0, column 2), its value (frame 1, row 1, column 0, colour 2)
    assert tokens[1, 1 * 6 + 0 * 3 + 2, ((1 * 2 + 1) * 2 + 0) * 3 + 2] == clip[1, 2, 2 + 1, 1, 4]


def test_joining_is_the_inverse_of_cutting() -> None:
    torch.manual_seed(0)
    clip = torch.randn(2, 3, 4, 8, 12)
    assert torch.equal(joined(cut(clip, 2, 4), (2, 2, 3), 2, 4), clip)


def test_what_is_no_multiple_is_refused() -> None:
    with pytest.raises(InputError, match="multiples"):
        cut(torch.zeros(1, 3, 1, 15, 16), 1, 16)


def test_places_follow_the_formula() -> None:
    found = sine(torch.arange(5), 6)
    for p in range(5):
        for i in range(3):
            angle = p / 10000 ** (2 * i / 6)
            assert found[p, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert found[p, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_places_of_a_picture_tell_row_and_column_apart() -> None:
    found = sine_grid(2, 3, 8).view(2, 3, 8)
    assert torch.equal(found[0, :, :4], found[0, :1, :4].expand(3, 4))  # one row: the first half is the same
    assert torch.equal(found[:, 1, 4:], found[:1, 1, 4:].expand(2, 4))
    assert len(found.flatten(0, 1).unique(dim=0)) == 6


@pytest.mark.parametrize("key_bias", [True, False])
def test_attention_by_hand(key_bias: bool) -> None:
    torch.manual_seed(0)
    net, x = Attention(4, 2, key_bias), torch.randn(1, 3, 4)
    if net.bias is not None:
        torch.nn.init.normal_(net.bias)
    qkv = x[0] @ net.qkv.weight.T
    qkv = qkv + (net.qkv.bias if net.bias is None else torch.cat([net.bias[0], torch.zeros(4), net.bias[1]]))
    q, k, v = qkv.split(4, 1)
    heads = []
    for own in (slice(0, 2), slice(2, 4)):
        share = (q[:, own] @ k[:, own].T / math.sqrt(2)).softmax(1)
        heads.append(share @ v[:, own])
    assert torch.allclose(net(x)[0], net.out(torch.cat(heads, 1)), atol=1e-6)


def test_heads_divide_the_width() -> None:
    with pytest.raises(InputError, match="5 heads"):
        Attention(12, 5)


def test_the_classifier_gives_logits_and_passes_gradients() -> None:
    torch.manual_seed(0)
    net = ViTClassifier(ViT(Size(8, 2, 2), 32, 16), 5)
    out = net(torch.randn(2, 3, 32, 32))
    assert out["logits"].shape == (2, 5)
    assert out["embedding"].shape == (2, 8)
    out["logits"].square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())
    assert SIZES["L"] == Size(1024, 24, 16)
