"""A vector that can be compared: the network gives ``embedding`` (n, size), the loss knows the persons of the training part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ..datasets.sample import Sample
from ..errors import InputError
from ..losses.margin import MarginSoftmax
from ..protocols import targets
from .recipe import Recipe

if TYPE_CHECKING:
    from ..protocols import Protocol

Arrays = dict[str, NDArray[np.generic]]


def arrays(protocol: Protocol, samples: Sequence[Sample], recipe: Recipe) -> Arrays:
    """``identity`` (n,): the person's number in the part, from 0 in the order of the names.

    Raises:
        InputError: the recipe mixes pictures, of which none shows one person.
    """
    if recipe.augment.mixup or recipe.smoothing:
        raise InputError("mixup or smoothing for embeddings", "augment.mixup=0 and smoothing=0")
    return {"identity": np.asarray(targets(protocol, samples), np.int64)}


def given(protocol: Protocol, arrays: Arrays) -> dict[str, int]:
    """What a loss of a system is told: ``classes``, the number of persons."""
    return {"classes": int(arrays["identity"].astype(int).max()) + 1}


def objective(protocol: Protocol, arrays: Arrays, recipe: Recipe) -> nn.Module:
    """CosFace with its published values, for a system that names no loss."""
    return MarginSoftmax(**given(protocol, arrays))


def answers(out: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``embedding`` (n, size) of length 1, so that the mean over views weighs them alike."""
    return {"embedding": nn.functional.normalize(out["embedding"].float())}
