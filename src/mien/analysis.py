"""The result of :func:`mien.analyze`: frames as they come, or all of them as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .errors import InputError, unknown_name
from .media.source import Item, items
from .pipelines import Options, analyze_items, settings
from .types import Frame

if TYPE_CHECKING:
    from .tables.table import Table


class Analysis:
    """An analysis that runs while it is iterated over; nothing of a video is kept.

    Args:
        source: see :func:`mien.media.source.items`.
        on_missing: "raise" for a source that does not exist, or "item" for a frame that says so.
        **options: see :class:`mien.pipelines.Options`.

    Example:
        >>> import numpy as np
        >>> from mien.analysis import Analysis
        >>> [frame.status for frame in Analysis(np.zeros((64, 64, 3), np.uint8))]
        ['no_face']
    """

    def __init__(self, source: Any, *, on_missing: str = "raise", **options: Any) -> None:
        known = Options.__dataclass_fields__
        for name in options:
            if name not in known:
                raise unknown_name("option", name, known)
        self.options = Options(**options)
        self.items: Iterator[Item] = items(source, on_missing=on_missing)
        self._begun = False

    @property
    def settings(self) -> dict[str, Any]:
        """How the values are made: version, networks, options; carried by every table."""
        return settings(self.options)

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order, each decoded once.

        Raises:
            InputError: the analysis was iterated over before (a stream cannot be read twice).
        """
        if self._begun:
            raise InputError(
                "an analysis that has run already", "a new one", "call mien.analyze again, or keep the frames in a list"
            )
        self._begun = True
        return (frame for _, frame in analyze_items(self.items, self.options))

    def table(self, mesh: bool = False) -> Table:
        """Run to the end and return one row for each face; ``mesh`` adds the 478 points."""
        from .tables.table import Table

        return Table.from_frames(self, mesh=mesh, settings=self.settings)
