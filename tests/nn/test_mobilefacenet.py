"""MobileFaceNet: published size, the three maps, the formula of a block, gradients."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.nn.mobilefacenet import MAPS, Bottleneck, MobileFaceNet, MobileFaceTrunk  # noqa: E402

from .work import multiplied  # noqa: E402

pytestmark = pytest.mark.torch


def test_the_published_size() -> None:
    parameters, billions = multiplied(MobileFaceNet, 3, 112, 112)
    assert parameters / 1e6 == pytest.approx(0.99, rel=0.015)  # and two numbers for each channel of a batch norm
    assert billions == pytest.approx(0.221, rel=0.01)
    assert multiplied(lambda: MobileFaceNet(136), 3, 112, 112)[0] == 1_007_248


@pytest.mark.parametrize(("size", "sides"), [(112, (28, 14, 7)), (64, (16, 8, 4)), (50, (13, 7, 4))])
def test_maps_of_three_sizes(size: int, sides: tuple[int, ...]) -> None:
    with torch.no_grad():
        maps = MobileFaceTrunk()(torch.randn(2, 3, size, size))
    assert [tuple(m.shape) for m in maps] == [(2, c, s, s) for c, s in zip(MAPS, sides)]
    assert all(0.1 < float(m.std()) < 10 for m in maps)


@pytest.mark.parametrize(("outputs", "stride"), [(6, 1), (6, 2), (8, 1)])
def test_a_block_is_its_formula(outputs: int, stride: int) -> None:
    torch.manual_seed(0)
    block, x = Bottleneck(6, outputs, stride, 2).eval(), torch.randn(2, 6, 9, 7)
    up, first, depthwise, second, down = block.body
    y = torch.einsum("oi,nihw->nohw", up[0].weight[:, :, 0, 0], x) / (1 + 1e-5) ** 0.5
    y = torch.where(y > 0, y, first.weight.view(-1, 1, 1) * y)
    kernel = depthwise[0].weight[:, 0]
    padded = torch.nn.functional.pad(y, (1, 1, 1, 1))
    y = sum(kernel[:, i, j, None, None] * padded[:, :, i : i + 9, j : j + 7] for i in range(3) for j in range(3))
    y = y[:, :, ::stride, ::stride] / (1 + 1e-5) ** 0.5
    y = torch.where(y > 0, y, second.weight.view(-1, 1, 1) * y)
    y = torch.einsum("oi,nihw->nohw", down[0].weight[:, :, 0, 0], y) / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(block(x), x + y if (outputs, stride) == (6, 1) else y)


def test_a_gradient_reaches_every_parameter() -> None:
    torch.manual_seed(0)
    net = MobileFaceNet(8, side=2).train()
    (net(torch.randn(4, 3, 32, 32))["embedding"] * torch.randn(4, 8)).sum().backward()
    assert not [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
