"""FER-YOLO-Mamba: sizes, the split block, and what the network can learn."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.cards import card  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.losses.assignment import YoloxLoss  # noqa: E402
from mien.protocols import classes, protocol  # noqa: E402
from mien.systems.expression import fer_yolo_mamba  # noqa: E402
from mien.systems.expression.fer_yolo_mamba import ChannelAttention, SplitBlock  # noqa: E402

pytestmark = pytest.mark.torch
TINY = {"width": 0.125, "directions": 4, "states": 2}


def count(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_the_sizes_of_the_released_network() -> None:
    with torch.device("meta"):
        net = fer_yolo_mamba.model()
        assert count(SplitBlock(256)) == 319_888
        assert count(SplitBlock(512)) == 1_066_816
        assert count(ChannelAttention(64)) == 64 * 4 + 4 * 4 + 4 * 64
    # 4.21, 4.15 and 1.89 million, 10.26 together
    assert [count(part) for part in (net.backbone, net.neck, net.head)] == [4_212_672, 4_151_456, 1_892_644]
    parameters = card("fer_yolo_mamba").parameters
    assert count(net) == parameters.ours
    assert parameters.code == pytest.approx(count(net), rel=0.001)


def test_attention_scales_channels_by_what_their_mean_says() -> None:
    torch.manual_seed(0)
    net, x = ChannelAttention(8), torch.randn(2, 8, 3, 5)
    first, second, last = (layer.weight for layer in net.layers)
    share = torch.sigmoid(torch.relu(torch.relu(x.mean((2, 3)) @ first.T) @ second.T) @ last.T)
    assert torch.allclose(net(x), x * share[:, :, None, None], atol=1e-6)
    # moving what a channel shows does not change its share
    assert torch.allclose(net(x.flip(3)), net(x).flip(3), atol=1e-6)


def test_the_block_keeps_its_input_and_its_halves_do_not_mix_before_the_end() -> None:
    torch.manual_seed(0)
    block = SplitBlock(32, 8, 4).eval()
    x = torch.randn(1, 32, 4, 6)
    assert block(x).shape == x.shape
    with torch.no_grad():
        block.join.weight[:, :16] = 0
        before = block(x)
        changed = x.clone()
        changed[:, :16] += 1
        after = block(changed)
    # nothing of the left half is joined: only the residual sees it
    assert torch.allclose(after - before, changed - x, atol=1e-5)
    torch.nn.init.zeros_(block.join.weight)
    torch.nn.init.zeros_(block.join.bias)
    assert torch.equal(block(x), x)


def test_the_scan_half_looks_far_and_the_convolutions_of_the_other_do_not() -> None:
    torch.manual_seed(0)
    block = SplitBlock(32, 8, 4).eval()
    torch.nn.init.zeros_(block.local[3].layers[2].weight)  # attention that weighs all alike, whatever it sees
    reached = []
    for half in (slice(0, 16), slice(16, 32)):
        x = torch.randn(1, 32, 6, 6, requires_grad=True)
        (block(x) - x)[0, :, 0, 0].sum().backward()
        assert x.grad is not None
        reached.append(x.grad[0, half, 5, 5].abs().sum().item())
    assert reached[0] == 0
    assert reached[1] > 0


@pytest.mark.parametrize("neck", ["scan", "csp"])
def test_places_of_strides_8_16_32_for_any_multiple_of_32(neck: str) -> None:
    net = fer_yolo_mamba.model(classes=3, neck=neck, **TINY).eval()
    with torch.no_grad():
        out = net(torch.randn(2, 3, 64, 96))
    cells = 8 * 12 + 4 * 6 + 2 * 3
    assert {name: tuple(value.shape) for name, value in out.items()} == {
        "boxes": (2, cells, 4), "objectness": (2, cells), "scores": (2, cells, 3),
    }  # fmt: skip
    assert (out["boxes"][..., 2:] > out["boxes"][..., :2]).all()


def test_it_learns_one_picture() -> None:
    torch.manual_seed(0)
    net, loss = fer_yolo_mamba.model(classes=2, **TINY), YoloxLoss()
    image = torch.rand(2, 3, 64, 64)
    batch = {
        "image": image,
        "boxes": torch.tensor([[[0.1, 0.1, 0.5, 0.6]], [[0.4, 0.3, 0.9, 0.9]]]),
        "label": torch.tensor([[0], [1]]),
        "held": torch.ones(2, 1, dtype=torch.bool),
    }
    steps = torch.optim.Adam(net.parameters(), 5e-3)
    values = []
    for _ in range(20):
        steps.zero_grad()
        value = loss(net(image), batch)["loss"]
        value.backward()
        steps.step()
        values.append(value.item())
    assert values[-1] < 0.7 * values[0]


def test_the_recipe_moves_nothing_and_has_the_classes_of_the_card() -> None:
    recipe = fer_yolo_mamba.recipe()
    assert (recipe.image.size, recipe.batch, recipe.epochs, recipe.optim.momentum) == (320, 16, 300, 0.937)
    assert recipe.optim.rate == pytest.approx(0.01 * recipe.batch / 64)
    assert [getattr(recipe.augment, name) for name in ("flip", "scale", "rotate", "shift")] == [0] * 4
    assert len(classes(protocol(recipe.protocol))) == 7


def test_another_neck_or_width_is_refused() -> None:
    with pytest.raises(InputError, match="unknown neck"):
        fer_yolo_mamba.model(neck="vss")
    for width in (0.0, 0.1, -0.5):
        with pytest.raises(InputError, match=r"multiple of 0\.0625"):
            fer_yolo_mamba.model(width=width)
