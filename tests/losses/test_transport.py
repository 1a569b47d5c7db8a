"""Transport against its conditions, a plain iteration in numpy, and the assignment of least cost."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from scipy.optimize import linear_sum_assignment  # noqa: E402

from mien.errors import InputError  # noqa: E402
from mien.losses.transport import sets, sinkhorn  # noqa: E402

pytestmark = pytest.mark.torch


def problem(seed: int, *shape: int, dtype: object = torch.float32) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Costs in [0, 2] and masses of total 1 of a batch."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.uniform(0.1, 1, shape[:-1]), rng.uniform(0.1, 1, (*shape[:-2], shape[-1]))
    made = (rng.uniform(0, 2, shape), rows / rows.sum(-1, keepdims=True), columns / columns.sum(-1, keepdims=True))
    return tuple(torch.from_numpy(values).to(dtype) for values in made)  # type: ignore[return-value]


@pytest.mark.parametrize("epsilon", [0.02, 0.2, 5.0])
def test_both_sums_are_exact(epsilon: float) -> None:
    cost, rows, columns = problem(0, 3, 5, 7)
    plan = sinkhorn(cost, rows, columns, epsilon, iterations=5000)
    assert (plan >= 0).all()
    assert torch.allclose(plan.sum(2), rows, rtol=0, atol=1e-5)
    assert torch.allclose(plan.sum(1), columns, rtol=0, atol=1e-5)


def test_each_of_a_batch_is_what_plain_scaling_in_numpy_gives() -> None:
    cost, rows, columns = problem(1, 4, 6, 3, dtype=torch.float64)
    plan = sinkhorn(cost, rows, columns, 0.2, tolerance=1e-13)
    for m, a, b, found in zip(cost.numpy(), rows.numpy(), columns.numpy(), plan.numpy()):
        kernel, v = np.exp(-m / 0.2), np.ones(3)
        for _ in range(3000):
            u = a / (kernel @ v)
            v = b / (kernel.T @ u)
        assert found == pytest.approx(u[:, None] * kernel * v, abs=1e-10)


def test_with_little_entropy_equal_masses_give_the_assignment_of_least_cost() -> None:
    cost, _, _ = problem(2, 5, 6, 6, dtype=torch.float64)
    mass = torch.full((5, 6), 1 / 6, dtype=torch.float64)
    plan = sinkhorn(cost, mass, mass, 0.004, iterations=4000, tolerance=1e-5)
    for m, found in zip(cost.numpy(), plan.numpy()):
        rows, columns = linear_sum_assignment(m)
        assert found.argmax(1).tolist() == columns.tolist()
        # the entropy of a plan is at most log(6 x 6), so its cost is at most that much above the least
        assert m[rows, columns].mean() - 1e-4 <= (found * m).sum() <= m[rows, columns].mean() + 0.004 * np.log(36)
        assert np.abs(found[rows, columns] - 1 / 6).max() < 0.04


def test_with_all_entropy_the_plan_is_the_product_of_the_masses() -> None:
    cost, rows, columns = problem(3, 2, 4, 5)
    assert torch.allclose(sinkhorn(cost, rows, columns, 1e4), rows[:, :, None] * columns[:, None], atol=1e-5)


def test_mixed_points_give_the_mixed_plan() -> None:
    cost, rows, columns = problem(4, 1, 6, 5, dtype=torch.float64)
    p, q = torch.randperm(6), torch.randperm(5)
    plan = sinkhorn(cost, rows, columns, 0.1)
    mixed = sinkhorn(cost[:, p][:, :, q], rows[:, p], columns[:, q], 0.1)
    assert torch.allclose(mixed, plan[:, p][:, :, q], rtol=0, atol=1e-6)


def test_points_without_mass_change_nothing() -> None:
    cost, rows, columns = problem(5, 2, 4, 3)
    wide = torch.nn.functional.pad(cost, (0, 2, 0, 1), value=0.0)
    padded = sinkhorn(wide, torch.nn.functional.pad(rows, (0, 1)), torch.nn.functional.pad(columns, (0, 2)), 0.2)
    assert torch.allclose(padded[:, :4, :3], sinkhorn(cost, rows, columns, 0.2), atol=1e-6)
    assert not padded[:, 4:].any()
    assert not padded[:, :, 3:].any()
    nothing = sinkhorn(cost, torch.zeros(2, 4), torch.zeros(2, 3), 0.2)
    assert not nothing.any()


def test_gradients_of_a_loss_on_the_plan() -> None:
    cost, rows, columns = problem(6, 1, 3, 3, dtype=torch.float64)
    weight = torch.randn(1, 3, 3, dtype=torch.float64)
    cost.requires_grad_()
    assert torch.autograd.gradcheck(lambda m: (weight * sinkhorn(m, rows, columns, 0.5, tolerance=0, iterations=60)).sum(), cost)


def test_a_tiny_epsilon_stays_in_the_range_of_numbers() -> None:
    cost, rows, columns = problem(7, 1, 4, 4)
    assert torch.isfinite(sinkhorn(50 * cost, rows, columns, 1e-3)).all()


def test_what_has_no_plan_is_refused() -> None:
    cost, rows, columns = problem(8, 2, 3, 4)
    with pytest.raises(InputError, match="same total"):
        sinkhorn(cost, 2 * rows, columns, 0.1)
    with pytest.raises(InputError, match="masses of 0 or more"):
        sinkhorn(cost, rows - rows.mean(1, keepdim=True) * 4, columns - columns.mean(1, keepdim=True) * 4, 0.1)
    with pytest.raises(InputError, match="above 0"):
        sinkhorn(cost, rows, columns, 0.0)
    with pytest.raises(InputError, match=r"\(2, 3, 4\)"):
        sinkhorn(cost, columns, rows, 0.1)


def test_sets_of_unequal_size_are_filled_up() -> None:
    torch.manual_seed(0)
    names = torch.tensor([5, 2, 9, 5, 2, 5, 4])
    rows, there = sets(names, 8)
    kept = [r[t].tolist() for r, t in zip(rows, there)]
    assert sorted(kept) == [[0, 3, 5], [1, 4]]
    assert len(sets(names, 1)[0]) == 1
    assert {sets(names, 1)[0].shape[1] for _ in range(20)} == {2, 3}  # drawn by chance
    assert sets(torch.arange(4), 8)[0].shape[0] == 0
