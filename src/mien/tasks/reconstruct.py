"""What was hidden of a picture: nobody labels anything, the network is given a picture and rebuilds what it was not shown.

While it is trained, the network gives ``reconstruction`` and ``wanted`` (n, tokens, values) and ``mask`` (n, tokens), 1 where a
token was hidden: it knows best what it hid, and of which picture after all chance changes. When it is judged, it gives ``error``
(n,), the share of the hidden values' variance that is not explained (:func:`mien.nn.masked.unexplained`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ..datasets.sample import Sample
from ..errors import InputError
from ..nn.masked import hidden_error
from .recipe import Recipe

if TYPE_CHECKING:
    from ..protocols import Protocol

Arrays = dict[str, NDArray[np.generic]]


class HiddenError(nn.Module):
    """Mean squared error over what was hidden."""

    def forward(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``reconstruction`` against ``wanted`` where ``mask`` is 1, all of ``out``; nothing of ``batch`` is read."""
        return {"loss": hidden_error(out["reconstruction"], out["wanted"], out["mask"])}


def arrays(protocol: Protocol, samples: Sequence[Sample], recipe: Recipe) -> Arrays:
    """Nothing: the picture is all.

    Raises:
        InputError: the recipe mixes or smooths labels, of which there are none.
    """
    if recipe.augment.mixup or recipe.smoothing:
        raise InputError("mixup or smoothing without labels", "augment.mixup=0 and smoothing=0")
    return {}


def given(protocol: Protocol, arrays: Arrays) -> dict[str, int]:
    """Nothing is told to a loss of a system."""
    return {}


def objective(protocol: Protocol, arrays: Arrays, recipe: Recipe) -> nn.Module:
    """Mean squared error over what was hidden."""
    return HiddenError()


def answers(out: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``error`` (n,), and ``embedding`` where the network gives one."""
    found = {"error": out["error"].float()}
    if "embedding" in out:
        found["embedding"] = out["embedding"].float()
    return found
