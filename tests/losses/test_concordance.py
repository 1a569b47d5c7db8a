"""Concordance and correlation in torch against the same in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.errors import InputError  # noqa: E402
from mien.losses.concordance import Agreement, concordance, pearson  # noqa: E402
from mien.metrics import concordance as judged  # noqa: E402

pytestmark = pytest.mark.torch


def series(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth with holes, in another unit than the prediction."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0.3, 2, (40, 3))
    predicted = 0.5 * truth + rng.normal(-1, 0.7, (40, 3))
    truth[rng.random((40, 3)) < 0.2] = np.nan
    return predicted, truth


@pytest.mark.parametrize("ddof", [0, 1])
def test_columns_are_as_the_figures_say(ddof: int) -> None:
    predicted, truth = series()
    found = concordance(torch.from_numpy(predicted), torch.from_numpy(truth), ddof)
    wanted = [judged.ccc(truth[:, k], predicted[:, k], ddof=ddof, aggregate="concatenated") for k in range(3)]
    assert found.tolist() == pytest.approx(wanted, abs=1e-12)
    wanted = [judged.pcc(truth[:, k], predicted[:, k]) for k in range(3)]
    assert pearson(torch.from_numpy(predicted), torch.from_numpy(truth)).tolist() == pytest.approx(wanted, abs=1e-12)


def test_limits() -> None:
    t = torch.tensor([[1.0], [2.0], [4.0]])
    assert concordance(t, t, 0).item() == concordance(t, t, 1).item() == pytest.approx(1)
    assert concordance(-t + 2 * t.mean(), t, 0).item() == pytest.approx(-1)
    assert concordance(torch.ones(3, 1), t, 0).item() == 0
    assert pearson(torch.ones(3, 1), t).item() == 0
    assert concordance(t, torch.full((3, 1), math.nan), 0).item() == 0
    # a shift counts, and so does a scale; a correlation sees neither
    assert pearson(3 * t + 5, t).item() == pytest.approx(1)
    assert concordance(t + 1, t, 0).item() < 0.9


@pytest.mark.parametrize("start", [torch.zeros(6, 2), torch.full((6, 2), 1e-9), torch.arange(12.0).view(6, 2)])
def test_gradients_are_finite_even_for_a_constant(start: torch.Tensor) -> None:
    predicted, truth = start.clone().requires_grad_(), torch.randn(6, 2, generator=torch.Generator().manual_seed(0))
    truth[0, 0] = math.nan
    Agreement(squared=1, correlation=1)({"values": predicted}, {"values": truth})["loss"].backward()
    assert predicted.grad is not None
    assert torch.isfinite(predicted.grad).all()
    assert predicted.grad.abs().max() < 1e3
    assert predicted.grad[0, 0] == 0
    assert predicted.grad[:, 1].any()


def test_the_gradient_is_that_of_the_formula() -> None:
    predicted, truth = (torch.from_numpy(values[:8]) for values in series(1))
    predicted.requires_grad_()
    loss = Agreement(ddof=1, squared=0.3, correlation=0.2, concordance=0.5)
    assert torch.autograd.gradcheck(lambda p: loss({"values": p}, {"values": truth})["loss"], predicted)


def test_the_weighted_sum() -> None:
    predicted, truth = series(2)
    out, batch = {"values": torch.from_numpy(predicted)}, {"values": torch.from_numpy(truth)}
    mse = np.nanmean((predicted - truth) ** 2, 0).mean()
    pcc = np.mean([judged.pcc(truth[:, k], predicted[:, k]) for k in range(3)])
    ccc = np.mean([judged.ccc(truth[:, k], predicted[:, k], ddof=0, aggregate="concatenated") for k in range(3)])
    found = Agreement(squared=2, correlation=0.5, concordance=0.25)(out, batch)["loss"].item()
    assert found == pytest.approx(2 * mse + 0.5 * (1 - pcc) + 0.25 * (1 - ccc))


def test_a_column_of_which_nothing_is_known_counts_nowhere() -> None:
    predicted, truth = (torch.from_numpy(values) for values in series(3))
    hidden = truth.clone()
    hidden[:, 2] = math.nan
    loss = Agreement(squared=1, correlation=1)
    both = loss({"values": predicted}, {"values": hidden})["loss"]
    assert both.item() == pytest.approx(loss({"values": predicted[:, :2]}, {"values": truth[:, :2]})["loss"].item())
    assert loss({"values": predicted}, {"values": torch.full_like(truth, math.nan)})["loss"].item() == 0


def test_what_does_not_fit() -> None:
    with pytest.raises(InputError, match="ddof is 2"):
        concordance(torch.zeros(2, 1), torch.zeros(2, 1), 2)
    with pytest.raises(InputError, match="shapes"):
        pearson(torch.zeros(2, 1), torch.zeros(2))
