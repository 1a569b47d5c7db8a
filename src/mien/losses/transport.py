"""Entropic optimal transport between two sets of weighted points, many pairs of sets at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import InputError

EVERY = 10  # iterations between two looks at the error: each look waits for the device


def sinkhorn(
    cost: Tensor, rows: Tensor, columns: Tensor, epsilon: float, iterations: int = 1000, tolerance: float = 1e-6
) -> Tensor:
    """The plan T >= 0 that minimises sum T C + epsilon sum T (log T - 1) with the row sums and column sums that are asked for.

    T_ij = exp((f_i + g_j - C_ij) / epsilon), where f and g are adjusted in turn until both sums hold; the logarithms keep small
    epsilons from running out of the range of numbers. With epsilon -> 0 the plan becomes one of least cost (with equal masses
    an assignment), with epsilon -> infinity the product of the masses. A mass of 0 leaves a point out, so sets of unequal size
    go together when the shorter ones are filled up.

    Source: Cuturi (2013), arXiv:1306.0895; in the log domain Peyré and Cuturi, arXiv:1803.00567, section 4.4.

    Args:
        cost: (..., n, m), finite.
        rows: (..., n) masses, 0 or more.
        columns: (..., m) masses, of the same total.
        epsilon: weight of the entropy, in the unit of the cost, above 0.
        iterations: the most that are done.
        tolerance: largest error of a row sum at which to stop; columns are exact to rounding.

    Returns:
        (..., n, m) plan. Gradients flow through it to the cost and to masses above 0.

    Raises:
        InputError: shapes or totals that do not go together, a mass below 0, or epsilon not above 0.

    Example:
        >>> half = torch.tensor([0.5, 0.5])
        >>> sinkhorn(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), half, half, 0.05).round(decimals=3).tolist()
        [[0.5, 0.0], [0.0, 0.5]]
    """
    _check(cost, rows, columns, epsilon)
    score, least = -cost / epsilon, torch.tensor(-math.inf, dtype=cost.dtype, device=cost.device)
    log_rows, log_columns = rows.log(), columns.log()
    f, g = torch.zeros_like(rows), torch.where(columns > 0, torch.zeros_like(columns), least)
    for done in range(iterations):
        reached = (score + g.unsqueeze(-2)).logsumexp(-1)
        if done and done % EVERY == 0 and bool(((f + reached).exp() - rows).abs().max() <= tolerance):
            break
        # a point without mass reaches nothing; its logarithm must not meet another infinity
        f = torch.where(rows > 0, log_rows - reached, least)
        g = torch.where(columns > 0, log_columns - (score + f.unsqueeze(-1)).logsumexp(-2), least)
    return (score + f.unsqueeze(-1) + g.unsqueeze(-2)).exp()


def _check(cost: Tensor, rows: Tensor, columns: Tensor, epsilon: float) -> None:
    if rows.shape != cost.shape[:-1] or columns.shape != (*cost.shape[:-2], cost.shape[-1]):
        got = f"a cost of {tuple(cost.shape)} with masses of {tuple(rows.shape)} and {tuple(columns.shape)}"
        raise InputError(got, "(..., n, m), (..., n) and (..., m)")
    if not epsilon > 0:
        raise InputError(f"epsilon is {epsilon}", "above 0")
    first, second = rows.sum(-1), columns.sum(-1)
    # one question to the device for all that can be wrong
    if not bool(((rows >= 0).all() & (columns >= 0).all() & torch.isclose(first, second, 1e-4, 1e-7).all()).item()):
        got = f"masses from {float(min(rows.min(), columns.min()))} up, totals apart by {float((first - second).abs().max()):.3g}"
        raise InputError(got, "masses of 0 or more with the same total", "divide both by their sums")


def sets(names: Tensor, most: int, least: int = 2) -> tuple[Tensor, Tensor]:
    """The rows of a batch by name, names in mixed order, filled up to one width so that all pairs of sets go together.

    Args:
        names: (n,) whole numbers: the person of each row.
        most: names that are taken at most, by chance.
        least: rows that a name must have to be taken.

    Returns:
        (k, w) rows of each name, rising, and (k, w) which of these count; the others are rows of other names.

    Example:
        >>> rows, there = sets(torch.tensor([7, 3, 7, 7]), 5)
        >>> rows.tolist(), there.tolist()
        ([[0, 2, 3]], [[True, True, True]])
    """
    found, count = torch.unique(names, return_counts=True)
    chosen = found[count >= least]
    chosen = chosen[torch.randperm(len(chosen)).to(chosen.device)][:most]
    member = names == chosen[:, None]
    width = int(member.sum(1).max()) if len(chosen) else 0
    there, rows = member.int().sort(dim=1, descending=True, stable=True)
    return rows[:, :width], there[:, :width] > 0
