"""AU cues against the paper: the network's size, its maps, the loss with and without its second part."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.attribution.unit_maps import class_maps, template  # noqa: E402
from mien.cards import card  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.labels import FER_7, label_set  # noqa: E402
from mien.losses.classification import CrossEntropy  # noqa: E402
from mien.protocols import classes, protocol  # noqa: E402
from mien.systems.explain import au_cues  # noqa: E402

from ...nn.counting import counted, dead  # noqa: E402

pytestmark = pytest.mark.torch


def batch(*label: int) -> dict[str, torch.Tensor]:
    codes = torch.tensor(label)
    return {"label": codes, "target": torch.nn.functional.one_hot(codes, 7).float()}


def given(count: int = 2) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {"logits": torch.randn(count, 7, requires_grad=True), "attention": torch.rand(count, 1, 8, 8, requires_grad=True)}


def test_the_size_is_the_papers() -> None:
    with torch.device("meta"):
        net = au_cues.model()
        out = net(torch.zeros(1, 3, 224, 224))
    assert sum(p.numel() for p in net.parameters()) == card("au_cues").parameters.ours == pytest.approx(23.5e6, rel=0.002)
    assert out["attention"].shape == (1, 1, 28, 28)
    assert out["cam"].shape == (1, 7, 28, 28)


def test_the_multiplications_with_large_maps() -> None:
    # 19.08 G at 224 pixels is what was measured on the authors' network; at 64 the maps have (64 / 224)^2 of the cells
    assert counted(au_cues.model, 3, 64, 64)[1] == pytest.approx(19.08 * (64 / 224) ** 2, rel=0.01)


def test_small_maps_are_those_of_the_plain_network() -> None:
    with torch.device("meta"):
        out = au_cues.model(depth=18, large=False)(torch.zeros(1, 3, 64, 64))
    assert out["attention"].shape == (1, 1, 2, 2)


@pytest.mark.parametrize(("layer", "side"), [(1, 32), (2, 16), (3, 8), (4, 8), (5, 8)])
def test_layers_are_counted_from_the_stem(layer: int, side: int) -> None:
    with torch.device("meta"):
        out = au_cues.model(depth=18, layer=layer)(torch.zeros(1, 3, 64, 64))
    assert out["attention"].shape == (1, 1, side, side)
    assert out["cam"].shape == (1, 7, 8, 8)


def test_the_mean_of_the_class_maps_is_the_logits_without_their_offset() -> None:
    torch.manual_seed(0)
    net = au_cues.model(depth=18).eval()
    with torch.no_grad():
        out = net(torch.randn(2, 3, 32, 32))
        wanted = net.trunk(torch.zeros(1, 3, 32, 32))["embedding"]
    assert torch.allclose(out["cam"].mean((2, 3)) + net.head.bias, out["logits"], atol=1e-4)
    assert wanted.shape == (1, 512)
    assert out["attention"].min() >= 0


def test_the_loss_is_the_sum_of_its_parts() -> None:
    out, wanted = given(), batch(3, 0)
    found = au_cues.objective(7, weight=4.0)(out, wanted)
    plain = CrossEntropy()(out, wanted)["loss"]
    maps = au_cues.unit_maps()[[3, 0], None]
    small = torch.nn.functional.interpolate(maps, (8, 8), mode="bilinear", antialias=True).flatten(1)
    cosine = torch.nn.functional.cosine_similarity(small, out["attention"].flatten(1))
    assert float(found["alignment"].detach()) == pytest.approx(float((1 - cosine).mean().detach()), abs=1e-6)
    assert float(found["loss"].detach()) == pytest.approx(float((plain + 4 * found["alignment"]).detach()), abs=1e-5)


def test_without_weight_it_is_cross_entropy_to_the_bit() -> None:
    out, wanted = given(), batch(3, 0)
    found = au_cues.objective(7, weight=0.0)(out, wanted)
    assert torch.equal(found["loss"], CrossEntropy()(out, wanted)["loss"])
    assert 0 < float(found["alignment"].detach()) < 1
    found["loss"].backward()
    assert out["attention"].grad is None


def test_neutral_faces_are_left_out() -> None:
    out, neutral = given(), FER_7.index("neutral")
    found = au_cues.objective(7)(out, batch(neutral, neutral))
    found["loss"].backward()
    assert float(found["alignment"].detach()) == 0
    assert not out["attention"].grad.any()


def test_a_few_steps_draw_the_attention_to_the_map() -> None:
    torch.manual_seed(0)
    attention = torch.rand(1, 1, 8, 8, requires_grad=True)
    loss, optimiser = au_cues.objective(7), torch.optim.SGD([attention], 1.0)
    before = after = 0.0
    for step in range(30):
        optimiser.zero_grad()
        found = loss({"logits": torch.zeros(1, 7), "attention": attention}, batch(3))
        found["loss"].backward()
        optimiser.step()
        before, after = (float(found["alignment"].detach()) if not step else before), float(found["alignment"].detach())
    assert before > 0.4
    assert after < 0.05


def test_the_maps_are_in_the_order_of_the_protocols() -> None:
    drawn = class_maps(FER_7.names, template(224, 224), 224, 224)
    assert np.array_equal(au_cues.unit_maps().numpy(), drawn)
    assert tuple(classes(protocol("fer2013/7"))) == FER_7.names
    assert tuple(classes(protocol("ferplus/votes"))) == label_set("ferplus-8").names
    assert not torch.equal(au_cues.unit_maps(codebook="figure")[1], au_cues.unit_maps()[1])


def test_eight_classes_need_their_label_set() -> None:
    assert au_cues.objective(8, labels="ferplus-8").align.maps.shape[0] == 8
    with pytest.raises(InputError, match="8 classes for the label set fer-7"):
        au_cues.objective(8)
    with pytest.raises(InputError, match="1 \\(the stem\\) to 5"):
        au_cues.model(layer=6)


def test_a_gradient_reaches_every_parameter() -> None:
    torch.manual_seed(0)
    assert not dead(au_cues.model(depth=18), torch.randn(3, 3, 32, 32))
