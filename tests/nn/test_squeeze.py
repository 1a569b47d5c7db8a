"""Squeeze-and-excitation against its equations."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.errors import InputError  # noqa: E402
from mien.nn.squeeze import SqueezeExcite  # noqa: E402

pytestmark = pytest.mark.torch


def test_the_gate_is_its_formula_for_vectors_tokens_and_maps() -> None:
    torch.manual_seed(0)
    block, x = SqueezeExcite(8, 2), torch.randn(3, 8, 4, 5)
    z = x.sum((2, 3)) / 20
    hidden = (z @ block.squeeze.weight.T + block.squeeze.bias).clamp_min(0)
    gate = 1 / (1 + torch.exp(-(hidden @ block.excite.weight.T + block.excite.bias)))
    assert block.squeeze.out_features == 4
    assert ((gate > 0) & (gate < 1)).all()
    torch.testing.assert_close(block.gate(x), gate)
    torch.testing.assert_close(block(x), x * gate.view(3, 8, 1, 1))
    torch.testing.assert_close(block(x.flatten(2).transpose(1, 2)), block(x).flatten(2).transpose(1, 2))
    torch.testing.assert_close(block(z), z * gate)


def test_without_excitation_every_channel_is_halved() -> None:
    block, x = SqueezeExcite(8, 2, bias=False), torch.randn(3, 8)
    torch.nn.init.zeros_(block.excite.weight)
    torch.testing.assert_close(block(x), x / 2)


@pytest.mark.parametrize(("bias", "count"), [(False, 73_728), (True, 73_728 + 816)])
def test_the_count_for_768_channels_and_a_ratio_of_16(bias: bool, count: int) -> None:
    assert sum(p.numel() for p in SqueezeExcite(768, 16, bias).parameters()) == count


def test_wrong_shapes_and_ratios_are_refused() -> None:
    with pytest.raises(InputError, match="5 axes"):
        SqueezeExcite(4, 2)(torch.zeros(1, 4, 1, 1, 1))
    with pytest.raises(InputError, match="ratio of 8 for 4"):
        SqueezeExcite(4, 8)
