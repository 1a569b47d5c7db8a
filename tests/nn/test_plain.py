"""Plain networks: the formula of a block, dropout where it belongs, published sizes."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from mien.errors import InputError  # noqa: E402
from mien.nn.plain import PlainBlock, PlainNet, dense, plain_blocks  # noqa: E402

from .counting import counted, dead  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("shared", [False, True])
def test_a_block_is_its_formula(shared: bool) -> None:
    torch.manual_seed(0)
    block, x = PlainBlock(3, 5, 2, shared, dropout=0.5), torch.randn(4, 3, 9, 8)
    for norm in block.norms:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    block.eval()
    y = x
    for k, conv in enumerate(block.convs):
        norm = block.norms[0 if shared else k]
        y = F.conv2d(y, conv.weight, conv.bias, padding=1)
        scale = (norm.weight / (norm.running_var + norm.eps).sqrt())[:, None, None]
        y = ((y - norm.running_mean[:, None, None]) * scale + norm.bias[:, None, None]).clamp_min(0)
    y = torch.stack([y[:, :, i:8:2, j:8:2] for i in (0, 1) for j in (0, 1)]).amax(0)
    torch.testing.assert_close(block(x), y)
    assert len(block.norms) == (1 if shared else 2)


def test_dropout_follows_every_block_but_the_last() -> None:
    blocks = plain_blocks(1, (4, 6, 8), dropout=0.2)
    assert [block.drop.p for block in blocks] == [0.2, 0.2, 0.0]
    y = blocks[0].train()(torch.rand(8, 1, 16, 16))
    assert float((y == 0).float().mean()) > 0.1


def test_linear_layers_have_relu_and_dropout_between_them() -> None:
    kinds = [type(layer).__name__ for layer in dense((4, 8, 6, 2), (0.5, 0.0))]
    assert kinds == ["Linear", "ReLU", "Dropout", "Linear", "ReLU", "Linear"]
    assert [type(layer).__name__ for layer in dense((4, 2))] == ["Linear"]
    with pytest.raises(InputError, match="1 dropouts for 2 hidden layers"):
        dense((4, 8, 6, 2), (0.5,))


def test_pairs_of_convolutions_for_fer2013_have_the_known_size() -> None:
    # four pairs to 512 channels, two layers of 4096, on crops of 40 pixels: 29.9 M parameters, 0.351 G multiplications
    def make() -> nn.Module:
        return PlainNet(plain_blocks(1, (64, 128, 256, 512), convs=2), dense((2048, 4096, 4096, 7), (0.2, 0.2)), side=2)

    parameters, billions = counted(make, 1, 40, 40)
    assert parameters / 1e6 == pytest.approx(29.9, abs=0.05)
    assert billions == pytest.approx(0.351, abs=0.0006)


@pytest.mark.parametrize("size", [16, 17, 40])
def test_any_size_fits_the_head(size: int) -> None:
    net = PlainNet(plain_blocks(1, (4, 8)), dense((32, 5)), side=2).eval()
    out = net(torch.randn(3, 1, size, size))
    assert (out["logits"].shape, out["embedding"].shape) == ((3, 5), (3, 32))


def test_a_gradient_reaches_every_parameter() -> None:
    torch.manual_seed(0)
    net = PlainNet(plain_blocks(1, (8, 16), 2, True, 0.2), dense((16, 8, 5), (0.5,)))
    assert not dead(net, torch.randn(8, 1, 16, 16))
