"""Labels that are missing: several at once, and numbers."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402

from mien.datasets.labels import DISFA_12  # noqa: E402
from mien.datasets.sample import Sample, Truth, Values  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.losses.masked import Numbers, Presence  # noqa: E402
from mien.protocols import columns, protocol  # noqa: E402
from mien.settings import override  # noqa: E402
from mien.tasks import task  # noqa: E402
from mien.tasks.recipe import Augment, Recipe  # noqa: E402

pytestmark = pytest.mark.torch
NAN = math.nan


def test_presence_is_the_mean_over_what_is_known() -> None:
    logits, wanted = torch.tensor([[0.0, 2.0], [-1.0, 5.0]]), torch.tensor([[1.0, 0.0], [0.0, NAN]])
    by_hand = [-math.log(0.5), -math.log(1 - 1 / (1 + math.exp(-2))), -math.log(1 - 1 / (1 + math.exp(1)))]
    found = Presence()({"logits": logits}, {"present": wanted})["loss"]
    assert found.item() == pytest.approx(sum(by_hand) / 3, rel=1e-6)
    weighed = Presence([3.0, 1.0])({"logits": logits}, {"present": wanted})["loss"]
    assert weighed.item() == pytest.approx((3 * by_hand[0] + by_hand[1] + by_hand[2]) / 3, rel=1e-6)


def test_nothing_known_gives_no_loss_and_no_gradient() -> None:
    logits = torch.zeros(2, 2, requires_grad=True)
    loss = Presence()({"logits": logits}, {"present": torch.full((2, 2), NAN)})["loss"]
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_numbers_are_squared_where_known() -> None:
    out, batch = {"values": torch.tensor([[1.0, 9.0], [0.0, 0.5]])}, {"values": torch.tensor([[0.0, NAN], [0.0, 0.0]])}
    assert Numbers()(out, batch)["loss"].item() == pytest.approx((1 + 0 + 0.25) / 3)


def test_units_of_a_protocol() -> None:
    asked, units = protocol("disfa/3-fold"), task("multilabel")
    levels = np.zeros((3, 12), np.float32)
    levels[0, DISFA_12.index("AU12")] = 3
    levels[1, DISFA_12.index("AU12")] = NAN
    samples = [Sample(str(k), truth=Truth(intensity=Values(row, DISFA_12)), subject="a") for k, row in enumerate(levels)]
    found = units.arrays(asked, samples, Recipe(asked.name, 1))["present"]
    column = columns(asked).index("AU12")
    assert found[0, column] == 1
    assert np.isnan(found[1, column])
    assert found[2].sum() == 0
    assert units.given(asked, {}) == {"classes": 8}
    balanced = units.objective(asked, {"present": found}, Recipe(asked.name, 1, balance=1.0))
    assert balanced.weight[column].item() == pytest.approx(1.0)  # one of each
    assert balanced.weight[0].item() == pytest.approx(3.0)  # none against three: at least one is counted
    answers = units.answers({"logits": torch.zeros(1, 8)})
    assert answers["probabilities"].tolist() == [[0.5] * 8]


def test_numbers_of_a_protocol() -> None:
    asked, affect = protocol("affectnet/va"), task("regress")
    samples = [Sample("a", truth=Truth(affect=np.array([0.5, -0.25])))]
    found = affect.arrays(asked, samples, Recipe(asked.name, 1))
    assert found["values"].tolist() == [[0.5, -0.25]]
    assert affect.given(asked, found) == {"size": 2}
    assert "identity" not in found  # nobody is named


def test_persons_of_numbers_are_told_where_they_are_known() -> None:
    samples = [
        Sample(str(k), truth=Truth(affect=np.zeros(2)), subject=name) for k, name in enumerate(("b", None, "a", "b", None))
    ]
    asked = protocol("aff-wild2/va")
    first, unknown, other, again, unknown_too = task("regress").arrays(asked, samples, Recipe(asked.name, 1))["identity"]
    assert first == again
    assert len({first, unknown, other, unknown_too}) == 4  # who is not named is a person of their own


@pytest.mark.parametrize("name", ["multilabel", "regress"])
def test_what_would_blur_missing_labels_is_refused(name: str) -> None:
    recipe = Recipe("disfa/3-fold", 1, augment=Augment(mixup=0.2))
    with pytest.raises(InputError, match="mixup"):
        task(name).arrays(protocol("disfa/3-fold"), [], recipe)
    with pytest.raises(InputError, match="smoothing"):
        task(name).arrays(protocol("disfa/3-fold"), [], override(recipe, ["augment.mixup=0", "smoothing=0.1"]))
