"""Stages: one step of inference each, from frames to frames with one more thing known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..types import Frame


class Stage(Protocol):
    """One step. ``needs`` and ``adds`` name fields of Faces and are checked when a pipeline is built."""

    needs: frozenset[str]
    adds: frozenset[str]

    def __call__(self, frames: Sequence[Frame]) -> list[Frame]:
        """The frames with the fields of ``adds`` filled."""
        ...
