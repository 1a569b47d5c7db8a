"""What is asked of a network, and how a training of it goes: recipes, and the step of training for each kind of output.

A task is a module found by its name, with four functions: ``arrays`` (what a sample is to give), ``given``
(what a loss of a system is told of the data), ``objective`` (the loss of a
recipe that names no other) and ``answers`` (what is judged, from what the network gives).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import unknown_name

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..datasets.sample import Sample
    from ..protocols import Protocol as EvalProtocol
    from .recipe import Recipe

Arrays = dict[str, NDArray[np.generic]]


class Task(Protocol):
    """What the module of a task gives."""

    def arrays(self, protocol: EvalProtocol, samples: Sequence[Sample], recipe: Recipe) -> Arrays:
        """One row for each sample, by the names that the objective reads from a batch."""

    def given(self, protocol: EvalProtocol, arrays: Arrays) -> dict[str, int]:
        """What the loss of a system is told of the data, for those of its arguments that have no default."""

    def objective(self, protocol: EvalProtocol, arrays: Arrays, recipe: Recipe) -> nn.Module:
        """The loss of this task; ``arrays`` are those of the training part."""

    def answers(self, out: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What is judged, by the names that :func:`mien.protocols.judge` reads."""


def task(name: str) -> Task:
    """The task of that name.

    Raises:
        InputError: nothing of that kind can be trained here yet; the message lists what can.

    Example:
        >>> task("classify").__name__
        'mien.tasks.classify'
    """
    here = Path(__file__).parent
    known = sorted(path.stem for path in here.glob("*.py") if path.stem not in ("__init__", "recipe"))
    if name not in known:
        raise unknown_name("task", name, known)
    return cast(Task, importlib.import_module(f"{__name__}.{name}"))
