"""The networks: shapes, gradients, determinism, a batch equals its singles; the torch and numpy decoders agree."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.nn.blocks import FusedBlock, InvertedBlock  # noqa: E402
from mien.nn.detector import DetectorNet, decode, places  # noqa: E402
from mien.nn.expression import ExpressionNet  # noqa: E402
from mien.nn.mesh import MeshNet  # noqa: E402
from mien.nn.shapes import FEATURES, ShapeNet  # noqa: E402
from mien.stages.detect import Detect, _places  # noqa: E402

pytestmark = pytest.mark.torch
NETS = {
    "detector": (DetectorNet, (3, 64, 96), {"scores": (126,), "boxes": (126, 4), "points": (126, 10)}),
    "mesh": (MeshNet, (3, 128, 128), {"points": (478, 3), "presence": (), "tongue": ()}),
    "shapes": (ShapeNet, (FEATURES,), {"scores": (52,)}),
    "expression": (ExpressionNet, (1, 64, 64), {"ferplus": (8,), "fer": (7,)}),
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("count", [1, 3])
def test_outputs_have_the_shapes_that_the_docstring_names(name: str, count: int) -> None:
    make, shape, outputs = NETS[name]
    found = make().eval()(torch.randn(count, *shape))
    assert {k: tuple(v.shape) for k, v in found.items()} == {k: (count, *v) for k, v in outputs.items()}


@pytest.mark.parametrize("name", NETS)
def test_a_gradient_reaches_every_parameter(name: str) -> None:
    make, shape, _ = NETS[name]
    torch.manual_seed(0)
    net = make().train()
    out = net(torch.randn(4, *shape))
    sum((v.float() * torch.randn_like(v.float())).sum() for v in out.values()).backward()
    dead = [n for n, p in net.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all() or p.grad.abs().max() == 0]
    assert not dead


@pytest.mark.parametrize("name", NETS)
def test_a_batch_equals_its_singles(name: str) -> None:
    make, shape, _ = NETS[name]
    torch.manual_seed(1)
    net, x = make().eval(), torch.randn(3, *shape)
    with torch.no_grad():
        whole, parts = net(x), [net(x[k : k + 1]) for k in range(3)]
    for key, value in whole.items():
        torch.testing.assert_close(value, torch.cat([p[key] for p in parts]), atol=1e-4, rtol=1e-4)


def test_the_fused_block_is_its_formula() -> None:
    torch.manual_seed(2)
    block, x = FusedBlock(6, 6).eval(), torch.randn(2, 6, 9, 7)
    grow, shrink = block.grow, block.shrink
    expected = x + shrink[1](
        torch.nn.functional.conv2d(
            torch.relu(grow[1](torch.nn.functional.conv2d(x, grow[0].weight, padding=1))), shrink[0].weight
        )
    )
    torch.testing.assert_close(block(x), expected)


def test_blocks_halve_only_when_asked() -> None:
    x = torch.randn(1, 8, 16, 16)
    assert FusedBlock(8, 12, 2)(x).shape == (1, 12, 8, 8)
    assert InvertedBlock(8, 8)(x).shape == x.shape
    assert not FusedBlock(8, 12, 2).residual


def test_torch_and_numpy_know_the_same_places() -> None:
    centres, strides = places(96, 160)
    ours = _places(96, 160)
    np.testing.assert_array_equal(centres.numpy(), ours[0])
    np.testing.assert_array_equal(strides.numpy(), ours[1])


def test_the_stage_decodes_boxes_as_the_training_does() -> None:
    rng = np.random.default_rng(3)
    centres, strides = places(64, 64)
    raw = rng.normal(0, 0.5, (1, len(centres), 4)).astype(np.float32)
    scores = np.full((1, len(centres)), -9.0, np.float32)
    scores[0, [5, 70, 82]] = 5

    class Fixed:
        def run(self, inputs: dict) -> dict:
            return {"scores": scores, "boxes": raw, "points": np.zeros((1, len(centres), 10), np.float32)}

    rows = Detect(Fixed())._run(np.zeros((64, 64, 3), np.uint8))
    expected = decode(torch.from_numpy(raw[0]), centres, strides)[[5, 70, 82]].numpy()
    np.testing.assert_allclose(rows[:, :4], expected, rtol=1e-4, atol=1e-3)
