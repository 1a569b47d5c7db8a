"""Any number of labels at once, such as action units: the network gives ``logits`` (n, labels)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ..datasets.sample import Sample
from ..errors import InputError
from ..losses.masked import Presence
from ..protocols import columns, targets
from .recipe import Recipe

if TYPE_CHECKING:
    from ..protocols import Protocol

Arrays = dict[str, NDArray[np.generic]]


def arrays(protocol: Protocol, samples: Sequence[Sample], recipe: Recipe) -> Arrays:
    """``present`` (n, labels): 0, 1 or NaN where nobody said.

    Raises:
        InputError: the recipe mixes or smooths, which would blur what is missing.
    """
    if recipe.augment.mixup or recipe.smoothing:
        raise InputError("mixup or smoothing for several labels at once", "augment.mixup=0 and smoothing=0")
    return {"present": np.asarray(targets(protocol, samples), np.float32)}


def given(protocol: Protocol, arrays: Arrays) -> dict[str, int]:
    """What a loss of a system is told: ``classes``, the number of labels."""
    return {"classes": len(columns(protocol))}


def objective(protocol: Protocol, arrays: Arrays, recipe: Recipe) -> nn.Module:
    """Binary cross-entropy; with ``balance`` b, the positive side of a label weighs (negatives / positives)^b."""
    if not recipe.balance:
        return Presence()
    present = np.asarray(arrays["present"], np.float64)
    positive, negative = np.nansum(present, 0), np.nansum(1 - present, 0)
    return Presence(((np.maximum(negative, 1) / np.maximum(positive, 1)) ** recipe.balance).tolist())


def answers(out: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``probabilities`` (n, labels)."""
    return {"probabilities": out["logits"].float().sigmoid()}
