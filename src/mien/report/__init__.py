"""The report: one HTML file that says what was seen, how sure that is, and how to read it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import atomic
from ..types import Frame
from .page import page
from .sources import Sources
from .words import sentence

__all__ = ["Report", "sentence", "write_report"]


class Report:
    """Collects frames as they pass and writes one HTML file at the end.

    What it keeps does not grow with the length of a video: time series of at most 600 points and a few small pictures for
    each face. The file needs nothing beside it: no network, no script, no font.

    Args:
        title: heading of the page.
        settings: how the frames were made (names, hashes, options); shown at the end of the page.

    Example:
        >>> import numpy as np, tempfile
        >>> from mien.types import Faces
        >>> report = Report("Two photos")
        >>> report.add(Frame(None, 0.0, 0, Faces.none(), "a.jpg", "no_face"))
        >>> report.add(Frame(None, 0.0, 0, Faces.none(), "b.jpg", "unreadable", "b.jpg: 0 bytes; wanted a picture"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report.write(f"{folder}/report.html")
        ...     "One photo was read, one could not be." in Path(f"{folder}/report.html").read_text("utf-8")
        True
    """

    def __init__(self, title: str = "What the faces show", settings: Mapping[str, Any] | None = None) -> None:
        self.title = title
        self.settings = dict(settings or {})
        self._sources = Sources()

    def add(self, frame: Frame) -> None:
        """Take the next frame: photos one by one, videos frame by frame in the order of time; several may be mixed.

        Raises:
            InputError: the expression labels change within a source.
        """
        self._sources.add(frame)

    def html(self) -> str:
        """The page so far."""
        self._sources.settle()
        return page(self.title, self._sources, self.settings)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the page so far; an older file of that name is replaced only when the new one is complete.

        Raises:
            InputError: the folder does not exist.
        """
        folder = Path(path).parent
        if not folder.is_dir():
            raise InputError(f"{path}: the folder does not exist", "an existing folder", "make the folder first")
        with atomic(path) as stream:
            stream.write(self.html())


def write_report(
    path: str | os.PathLike[str],
    frames: Iterable[Frame],
    title: str = "What the faces show",
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write the report of frames, which are read once, in order.

    Args:
        path: the HTML file.
        frames: of photos and videos.
        title: heading of the page.
        settings: how the frames were made.

    Raises:
        InputError: the folder does not exist, or the expression labels change within a source.
    """
    report = Report(title, settings)
    for frame in frames:
        report.add(frame)
    report.write(path)
