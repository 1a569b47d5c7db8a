"""Numbers, such as valence and arousal: the network gives ``values`` (n, k)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ..datasets.sample import Sample
from ..datasets.splits import keys
from ..errors import InputError
from ..losses.masked import Numbers
from ..protocols import targets
from .recipe import Recipe

if TYPE_CHECKING:
    from ..protocols import Protocol

Arrays = dict[str, NDArray[np.generic]]


def arrays(protocol: Protocol, samples: Sequence[Sample], recipe: Recipe) -> Arrays:
    """``values`` (n, k), NaN where not known; ``identity`` (n,) number of the person, where the data set names persons.

    A sample without a name counts as a person of its own.

    Raises:
        InputError: the recipe mixes or smooths, which is for classes.
    """
    if recipe.augment.mixup or recipe.smoothing:
        raise InputError("mixup or smoothing for numbers", "augment.mixup=0 and smoothing=0")
    found = np.asarray(targets(protocol, samples), np.float32)
    known: Arrays = {"values": found.reshape(len(found), -1)}
    if any(sample.subject is not None for sample in samples):
        known["identity"] = np.unique(keys(samples, missing="own"), return_inverse=True)[1].astype(np.int64)
    return known


def given(protocol: Protocol, arrays: Arrays) -> dict[str, int]:
    """What a loss of a system is told: ``size``, how many numbers."""
    return {"size": int(arrays["values"].shape[1])}


def objective(protocol: Protocol, arrays: Arrays, recipe: Recipe) -> nn.Module:
    """Mean squared error over what is known."""
    return Numbers()


def answers(out: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``values`` (n, k)."""
    return {"values": out["values"].float()}
