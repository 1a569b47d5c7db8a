"""GiMeFive and its rivals against the published sizes, and what the recipe says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.attribution.gradient import grad_cam  # noqa: E402
from mien.cards import card  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.protocols import protocol  # noqa: E402
from mien.systems.expression import gimefive  # noqa: E402

from ...nn.counting import counted, dead  # noqa: E402

pytestmark = pytest.mark.torch
# published parameters, and 10^9 multiplications at 64 pixels where they are known
PUBLISHED: list[tuple[dict[str, Any], int, float | None]] = [
    ({}, 10_478_086, 0.313),
    ({"dropout": False}, 10_478_086, 0.313),
    ({"blocks": 4}, 2_606_086, 0.235),
    ({"blocks": 6}, 41_950_726, None),
    ({"variant": "vgg"}, 72_460_742, 0.68),
    ({"variant": "resnet18"}, 11_179_590, 0.56),
    ({"variant": "resnet34"}, 21_287_750, 1.17),
]


@pytest.mark.parametrize(("options", "parameters", "billions"), PUBLISHED, ids=[str(row[0]) for row in PUBLISHED])
def test_the_published_sizes(options: dict[str, Any], parameters: int, billions: float | None) -> None:
    found = counted(lambda: gimefive.model(**options), 3, 64, 64)
    assert found[0] == parameters
    if billions is not None:
        assert found[1] == pytest.approx(billions, abs=0.005 if billions > 0.5 else 0.0006)


def test_the_card_has_the_count() -> None:
    parameters = card("gimefive").parameters
    assert parameters.ours == parameters.paper == counted(gimefive.model, 3, 64, 64)[0]


def test_any_size_from_32_pixels_gives_the_ports_of_the_card() -> None:
    net, entry = gimefive.model().eval(), card("gimefive")
    for size in (32, 48, 64):
        with torch.no_grad():
            out = net(torch.zeros(3, 3, size, size))
        assert {port.name: port.shape[1:] for port in entry.output} == {k: tuple(v.shape[1:]) for k, v in out.items()}


def test_dropout_follows_each_pooling_but_the_last_and_can_be_left_out() -> None:
    with torch.device("meta"):
        net, bare = gimefive.model(), gimefive.model(dropout=False)
    assert [block.drop.p for block in net.blocks] == [0.2, 0.2, 0.2, 0.2, 0.0]
    assert [layer.p for layer in net.head if isinstance(layer, torch.nn.Dropout)] == [0.5]
    assert not any(m.p for m in bare.modules() if isinstance(m, torch.nn.Dropout))


def test_a_gradient_reaches_every_parameter() -> None:
    torch.manual_seed(0)
    assert not dead(gimefive.model(), torch.randn(4, 3, 32, 32))


def test_maps_of_the_last_blocks() -> None:
    torch.manual_seed(0)
    net, image = gimefive.model(blocks=3).eval(), torch.randn(2, 3, 64, 64)
    for layer in ("blocks.2", "blocks.1", "blocks.2.convs.0"):
        maps = grad_cam(net, image, layer)
        assert maps.shape == (2, 64, 64)
        assert np.isfinite(maps).all()


def test_the_recipe_is_the_papers() -> None:
    recipe = gimefive.recipe()
    assert ", ".join(protocol(recipe.protocol).classes) == card("gimefive").output[0].text
    assert (recipe.protocol, recipe.epochs, recipe.batch, recipe.patience, recipe.image.size) == ("fer2013/6", 80, 16, 15, 64)
    assert (recipe.optim.name, recipe.optim.rate, recipe.optim.decay, recipe.optim.nesterov) == ("sgd", 1e-3, 1e-4, False)
    assert recipe.smoothing == recipe.average == recipe.augment.mixup == 0


def test_another_variant_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean vgg"):
        gimefive.model(variant="vgg16")
    with pytest.raises(InputError, match="1 or more"):
        gimefive.model(blocks=0)
