"""Swin Transformer: published sizes, the formula of a block, what a cell sees, merging, gradients."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from mien.errors import InputError  # noqa: E402
from mien.nn.swin import Merge, Swin, SwinBlock  # noqa: E402
from mien.nn.windows import Windows  # noqa: E402

from .work import multiplied  # noqa: E402

pytestmark = pytest.mark.torch
DEEP = (2, 2, 18, 2)


class Classifier(nn.Module):
    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.trunk = Swin(**settings)
        self.head = nn.Linear(self.trunk.width, 1000)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head(self.trunk(image)["embedding"])


@pytest.mark.parametrize(
    ("settings", "published", "work"),
    [({}, 28_288_354, 4.49), ({"depths": DEEP}, 49_606_258, 8.74), ({"width": 128, "depths": DEEP}, 87_768_224, 15.43)],
    ids=["T", "S", "B"],
)
def test_a_thousand_classes_take_the_published_parameters_and_multiplications(
    settings: dict[str, Any], published: int, work: float
) -> None:
    parameters, billions = multiplied(lambda: Classifier(**settings), 3, 224, 224)
    assert parameters == published
    assert billions == pytest.approx(work, abs=0.005)


@pytest.mark.parametrize(("size", "sides"), [(112, [28, 14, 7, 4]), (36, [9, 5, 3, 2]), (224, [56, 28, 14, 7])])
def test_maps_halve_and_channels_double(size: int, sides: list[int]) -> None:
    net = Swin(32, (1, 1, 1, 1), size=size).eval()
    with torch.no_grad():
        maps, out = net.maps(torch.randn(2, 3, size, size)), net(torch.randn(2, 3, size, size))
    assert [tuple(m.shape) for m in maps] == [(2, s, s, 32 * 2**k) for k, s in enumerate(sides)]
    assert out["features"].shape == (2, sides[-1] ** 2, 256)
    torch.testing.assert_close(out["embedding"], out["features"].mean(1))
    assert net.width == 256


def test_every_second_block_shifts_where_there_is_more_than_one_window() -> None:
    with torch.device("meta"):
        net = Swin()
    shifts = [[m.windows.shift for m in stage if isinstance(m, SwinBlock)] for stage in net.stages]
    assert shifts == [[0, 3], [0, 3], [0, 3] * 3, [0, 0]]
    heads = [stage[-1].attention.heads for stage in net.stages]
    assert heads == [3, 6, 12, 24]
    drops = [m.path.share for stage in net.stages for m in stage if isinstance(m, SwinBlock)]
    assert drops == pytest.approx([0.2 * k / 11 for k in range(12)])


def test_a_block_whose_window_is_the_map_is_a_plain_transformer_block() -> None:
    torch.manual_seed(0)
    block, x = SwinBlock(Windows(4, 4, 4), 64).eval(), torch.randn(2, 4, 4, 64)
    tokens = x.reshape(2, 16, 64)
    q, k, v = (t.view(2, 16, 2, 32).transpose(1, 2) for t in block.attention.project(F.layer_norm(tokens, (64,))).split(64, 2))
    found = F.scaled_dot_product_attention(q, k, v, attn_mask=block.attention.bias()).transpose(1, 2).reshape(2, 16, 64)
    y = tokens + block.attention.out(found)
    wanted = y + block.mlp[2](F.gelu(block.mlp[0](F.layer_norm(y, (64,)))))
    torch.testing.assert_close(block(x), wanted.view(2, 4, 4, 64))


def test_two_blocks_connect_neighbouring_windows_but_not_opposite_borders() -> None:
    torch.manual_seed(1)
    net = Swin(32, (2,), window=4, size=32, drop=0.0).eval()
    x = torch.randn(1, 3, 32, 32, requires_grad=True)
    net.maps(x)[0][0, 0, 0].sum().backward()
    # the corner sees its own window, and by the shift no more: its quarter of the shifted window lies inside
    seen = x.grad[0].abs().sum(0).view(8, 4, 8, 4).sum((1, 3)) > 0
    assert torch.equal(seen, F.pad(torch.ones(4, 4), (0, 4, 0, 4)).bool())
    x.grad = None
    net.maps(x)[0][0, 3, 3].sum().backward()
    assert (x.grad[0].abs().sum(0).view(8, 4, 8, 4).sum((1, 3)) > 0).all()


def test_merging_joins_two_by_two_cells() -> None:
    torch.manual_seed(2)
    merge, x = Merge(3), torch.randn(2, 4, 6, 3)
    cells = torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], 3)
    torch.testing.assert_close(merge(x), F.layer_norm(cells, (12,)) @ merge.reduce.weight.T)
    assert merge.reduce.bias is None
    odd = torch.randn(1, 3, 5, 3)
    torch.testing.assert_close(merge(odd), merge(F.pad(odd, (0, 0, 0, 1, 0, 1))))


def test_a_gradient_reaches_every_parameter() -> None:
    torch.manual_seed(3)
    net = Swin(32, (2, 1), window=3, size=32).train()
    (net(torch.randn(3, 3, 32, 32))["embedding"] * torch.randn(3, 64)).sum().backward()
    assert not [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]


def test_other_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="multiples of 32 and of 4"):
        Swin(40)
    with pytest.raises(InputError, match="multiples of 32 and of 4"):
        Swin(32, (1,), size=30)
    with pytest.raises(InputError, match="48 x 32 pixels; wanted 32 x 32"):
        Swin(32, (1,), size=32)(torch.zeros(1, 3, 48, 32))
