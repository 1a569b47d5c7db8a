"""SE-SwinT against the equations of its parts."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from torch.nn import functional as F  # noqa: E402

from mien.cards import card  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.nn.swin import Swin  # noqa: E402
from mien.systems.expression import se_swint  # noqa: E402
from mien.train.optim import Sam  # noqa: E402

from ...nn.work import multiplied  # noqa: E402

pytestmark = pytest.mark.torch


def small(ratio: int = 8) -> se_swint.SeSwin:
    torch.manual_seed(0)
    return se_swint.SeSwin(Swin(32, (2, 1), window=4, size=32, drop=0.0), ratio, 5).eval()


def test_the_gate_adds_its_parameters_to_swin_t() -> None:
    parameters, billions = multiplied(se_swint.model, 3, 224, 224)
    assert parameters == card("se_swint").parameters.ours
    # Swin-T with 1000 classes, 8 of which are kept, and 2 d^2 / r + d + d / r
    assert parameters == 28_288_354 - 992 * 769 + 2 * 768 * 48 + 768 + 48
    assert billions == pytest.approx(4.49, rel=0.01)
    assert multiplied(lambda: se_swint.model(ratio=0), 3, 224, 224)[0] == parameters - 74_544


def test_the_equations() -> None:
    net, image = small(), torch.randn(3, 3, 32, 32)
    x = net.trunk(image)["features"]
    z = x.sum(1) / x.shape[1]
    s = torch.sigmoid(torch.relu(z @ net.gate.squeeze.weight.T + net.gate.squeeze.bias) @ net.gate.excite.weight.T)
    assert ((s > 0) & (s < 1)).all()
    torch.nn.init.zeros_(net.gate.excite.bias)
    s = torch.sigmoid(torch.relu(F.linear(z, net.gate.squeeze.weight, net.gate.squeeze.bias)) @ net.gate.excite.weight.T)
    out = net(image)
    torch.testing.assert_close(out["embedding"], (s[:, None] * x).mean(1))
    torch.testing.assert_close(out["logits"], F.linear(out["embedding"], net.head.weight, net.head.bias))
    # the mean of weighted tokens is the weighted mean
    torch.testing.assert_close(out["embedding"], s * z)


def test_a_gate_of_ones_is_swin_and_one_of_halves_ranks_the_classes_alike() -> None:
    net, plain, image = small(), small(0), torch.randn(3, 3, 32, 32)
    plain.load_state_dict({name: value for name, value in net.state_dict().items() if not name.startswith("gate.")})
    torch.nn.init.zeros_(net.gate.excite.weight)
    torch.nn.init.constant_(net.gate.excite.bias, 30.0)
    torch.testing.assert_close(net(image)["logits"], plain(image)["logits"])
    torch.nn.init.zeros_(net.gate.excite.bias)
    torch.testing.assert_close(net(image)["logits"], plain(image)["logits"] / 2)


def test_sharpness_aware_minimisation_is_its_formula_and_the_recipe_takes_it() -> None:
    assert se_swint.recipe().optim.name == "sam"
    matrix, start, radius = torch.tensor([[3.0, 1.0], [1.0, 2.0]]), torch.tensor([1.0, -2.0]), 0.05
    w = torch.nn.Parameter(start.clone())
    optimiser = Sam([w], 0.1, 0.0, False, radius)

    def closure() -> None:
        w.grad = matrix @ w.detach()

    closure()
    optimiser.step(closure)
    g = matrix @ start
    torch.testing.assert_close(w.detach(), start - 0.1 * (matrix @ (start + radius * g / g.norm())))


def test_another_variant_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean tiny"):
        se_swint.model(variant="tinny")
