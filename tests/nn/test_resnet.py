"""Residual networks: published sizes, shapes, the formula of a block, gradients."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.errors import InputError  # noqa: E402
from mien.nn.resnet import Basic, Bottleneck, ResNet, ResNetClassifier  # noqa: E402

from .counting import counted, dead  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(("depth", "published", "work"), [(18, 11_689_512, 1.81), (34, 21_797_672, 3.66), (50, 25_557_032, 4.09)])
def test_a_thousand_classes_take_the_published_parameters_and_multiplications(depth: int, published: int, work: float) -> None:
    parameters, billions = counted(lambda: ResNetClassifier(ResNet(depth), 1000), 3, 224, 224)
    assert parameters == published
    assert billions == pytest.approx(work, abs=0.006)


@pytest.mark.parametrize(
    ("kernel", "pool", "size", "side"),
    [(7, True, 64, 2), (7, False, 64, 4), (3, False, 32, 4), (3, True, 32, 2), (7, True, 70, 3)],
)
@pytest.mark.parametrize("count", [1, 3])
def test_shapes(kernel: int, pool: bool, size: int, side: int, count: int) -> None:
    net = ResNet(18, kernel, pool, channels=1).eval()
    with torch.no_grad():
        out = net(torch.randn(count, 1, size, size))
    assert out["features"].shape == (count, 512, side, side)
    assert out["embedding"].shape == (count, net.size) == (count, 512)
    torch.testing.assert_close(out["embedding"], out["features"].flatten(2).mean(2))


def test_fifty_layers_give_a_longer_embedding() -> None:
    net = ResNet(50).eval()
    with torch.no_grad():
        assert net(torch.zeros(2, 3, 32, 32))["embedding"].shape == (2, 2048)
    assert net.size == 2048


def test_the_small_stem_has_a_smaller_first_kernel_only() -> None:
    sizes = [counted(lambda kernel=kernel: ResNet(18, kernel), 3, 32, 32)[0] for kernel in (7, 3)]
    assert sizes[0] - sizes[1] == 3 * 64 * (49 - 9)


@pytest.mark.parametrize("unit", [Basic, Bottleneck])
def test_a_block_is_its_formula(unit: type[Basic] | type[Bottleneck]) -> None:
    torch.manual_seed(0)
    block, x = unit(8, 6, 2).eval(), torch.randn(2, 8, 9, 7)
    convs = [part for part in block.body if not isinstance(part, torch.nn.ReLU)]
    y = x
    for k, part in enumerate(convs):
        y = part[1](torch.nn.functional.conv2d(y, part[0].weight, stride=part[0].stride, padding=part[0].padding))
        y = torch.relu(y) if k < len(convs) - 1 else y
    conv, norm = block.shortcut
    torch.testing.assert_close(block(x), torch.relu(y + norm(conv(x))))
    assert y.shape == (2, 6 * unit.GROWTH, 5, 4)
    assert isinstance(unit(6 * unit.GROWTH, 6, 1).shortcut, torch.nn.Identity)


def test_a_gradient_reaches_every_parameter() -> None:
    torch.manual_seed(0)
    net = ResNetClassifier(ResNet(18), 7)
    assert not dead(net, torch.randn(4, 3, 64, 64))


def test_a_batch_equals_its_singles() -> None:
    torch.manual_seed(1)
    net, x = ResNetClassifier(ResNet(18, 3, False, 1), 7).eval(), torch.randn(3, 1, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(net(x)["logits"], torch.cat([net(row[None])["logits"] for row in x]), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("wrong", [{"depth": 20}, {"kernel": 5}])
def test_other_depths_and_kernels_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match="wanted"):
        ResNet(**wrong)
