"""mien: read, explain and animate facial expression, offline.

    >>> import mien
    >>> for frame in mien.analyze("photo.jpg"):  # doctest: +SKIP
    ...     for face in frame.faces:
    ...         print(face.box, face.top, face.units["AU12"])

Importing this loads no network and no array library: everything heavy comes with the first call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    from .analysis import Analysis
    from .cards import Card
    from .tables.table import Table

__version__ = "0.1.0"
__all__ = ["__version__", "analyze", "card", "load", "read_table", "systems"]


def analyze(source: Any, **options: Any) -> Analysis:
    """Read the faces of pictures, videos, folders, arrays, bytes, a camera or a stream.

    Args:
        source: a path, a pattern, a folder, "-" (standard input), bytes, an (h, w, 3) RGB array, a camera number, an address,
            or a list of these; see :func:`mien.media.source.items`.
        **options: ``every``, ``start``, ``end`` (seconds), ``max_faces``, ``threshold``, ``smooth``, ``threads``; see
            :class:`mien.pipelines.Options`.

    Returns:
        An :class:`mien.analysis.Analysis`: iterate over it for frames, or call ``.table()``.

    Raises:
        InputError: the source does not exist, or an option is wrong. What cannot be read inside a folder or list does not
            raise: it gives a frame whose ``status`` and ``reason`` say so.
    """
    from .analysis import Analysis

    return Analysis(source, **options)


def read_table(path: Any) -> Table:
    """Read rows that mien wrote (CSV, JSON lines or Parquet)."""
    from .tables.table import Table

    return Table.read(path)


def systems() -> tuple[Card, ...]:
    """The cards of all published systems, sorted by number."""
    from .cards import systems as found

    return found()


def card(name: str | int) -> Card:
    """The card of one published system.

    Raises:
        InputError: there is none of that name or number; the message lists the nearest.

    Example:
        >>> card("AdaFace").year
        2022
    """
    from .cards import card as found

    return found(name)


def load(name: str | int) -> ModuleType:
    """The module of a published system: ``model()``, and where it has them ``objective()``, ``recipe()``, ``evaluate()``.

    Raises:
        InputError: there is none of that name, or it is only planned.
        MissingExtra: a package that it needs is not installed.

    Example:
        >>> load("humanlike_xai").__name__
        'mien.systems.explain.humanlike_xai'
    """
    from .cards import module_of

    return module_of(card(name))
