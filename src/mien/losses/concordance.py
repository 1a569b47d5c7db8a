"""Agreement of numbers as a loss: Pearson's correlation and Lin's concordance, for each column of what is known."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..errors import InputError

LEAST = 1e-12  # a product of variances below this is that of a constant


def moments(predicted: Tensor, truth: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Count, squared gap of the means, and sums of squares of truth, of prediction and of both, each (k,).

    Args:
        predicted: (n, k), finite.
        truth: (n, k), NaN where not known: the place is left out of both.

    Raises:
        InputError: the shapes differ.
    """
    if predicted.shape != truth.shape or predicted.ndim != 2:
        raise InputError(f"shapes {tuple(predicted.shape)} and {tuple(truth.shape)}", "(n, k) of both")
    known = ~truth.isnan()
    count, truth = known.sum(0).clamp_min(1), truth.nan_to_num()
    means = [torch.where(known, x, 0).sum(0) / count for x in (truth, predicted)]
    t, p = (torch.where(known, x - mean, 0) for x, mean in zip((truth, predicted), means))
    return known.sum(0), (means[0] - means[1]) ** 2, (t * t).sum(0), (p * p).sum(0), (t * p).sum(0)


def pearson(predicted: Tensor, truth: Tensor) -> Tensor:
    """Pearson's correlation of each column, as :func:`mien.metrics.concordance.pcc`; 0 without gradient where one is constant.

    Args:
        predicted: (n, k).
        truth: (n, k), NaN where not known.

    Returns:
        (k,) in [-1, 1].

    Example:
        >>> round(pearson(torch.tensor([[1.0], [3.0], [2.0], [4.0]]), torch.tensor([[1.0], [2.0], [3.0], [4.0]])).item(), 3)
        0.8
    """
    count, _, truths, predictions, both = moments(predicted, truth)
    product, size = truths * predictions, count.clamp_min(1) ** 2
    alive = product > LEAST * size
    # the root has no slope at 0: it is never asked there, not even for a value that is thrown away
    return torch.where(alive, both / torch.where(alive, product, torch.ones_like(product)).sqrt(), torch.zeros_like(both))


def concordance(predicted: Tensor, truth: Tensor, ddof: int) -> Tensor:
    """Lin's concordance correlation coefficient of each column: 2 cov / (var + var + (mean - mean)^2).

    The same as :func:`mien.metrics.concordance.ccc`, whose source it shares, but 0 where that is NaN.

    Args:
        predicted: (n, k).
        truth: (n, k), NaN where not known.
        ddof: 0 divides the sums by n (Lin; most challenges), 1 by n - 1.

    Returns:
        (k,) in [-1, 1].

    Raises:
        InputError: ddof is not 0 or 1.

    Example:
        >>> t, p = torch.tensor([[1.0], [2.0], [3.0], [4.0]]), torch.tensor([[2.0], [2.0], [4.0], [4.0]])
        >>> round(concordance(p, t, 0).item(), 3), round(concordance(p, t, 1).item(), 3)
        (0.8, 0.821)
    """
    if ddof not in (0, 1):
        raise InputError(f"ddof is {ddof!r}", "0 (divide by n) or 1 (divide by n - 1)")
    count, gap, truths, predictions, both = moments(predicted, truth)
    divisor = (count - ddof).clamp_min(1)
    whole = (truths + predictions) / divisor + gap
    return 2 * both / divisor / torch.where(whole > 0, whole, torch.ones_like(whole))


class Agreement(nn.Module):
    """squared x MSE + correlation x (1 - PCC) + concordance x (1 - CCC), each the mean over the columns.

    A column of which fewer than two values are known counts in none of the correlations.

    Args:
        ddof: of the CCC.
        squared, correlation, concordance: weights of the three.
    """

    def __init__(self, ddof: int = 0, squared: float = 0.0, correlation: float = 0.0, concordance: float = 1.0) -> None:
        super().__init__()
        self.ddof, self.squared, self.correlation, self.concordance = ddof, squared, correlation, concordance

    def forward(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``values`` (n, k) of ``out`` against ``values`` (n, k) of ``batch``, NaN where not known."""
        found, wanted = out["values"], batch["values"]
        known = ~wanted.isnan()
        told = known.sum(0) > 1
        off = torch.where(known, found - wanted.nan_to_num(), 0)
        mse = ((off * off).sum(0) / known.sum(0).clamp_min(1)).sum() / known.any(0).sum().clamp_min(1)
        lost = [((1 - each) * told).sum() / told.sum().clamp_min(1) for each in self._each(found, wanted)]
        loss = self.squared * mse + self.correlation * lost[0] + self.concordance * lost[1]
        return {"loss": loss, "mse": mse, "1 - pcc": lost[0], "1 - ccc": lost[1]}

    def _each(self, found: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        return pearson(found, wanted), concordance(found, wanted, self.ddof)
