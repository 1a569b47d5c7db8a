"""What a run leaves behind: rows, annotated pictures and videos, a report. Files are valid at every moment it may stop."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import ExitStack
from fractions import Fraction
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .errors import InputError
from .media.source import Item
from .types import Frame

ANNOTATED = "annotated"  # folder of the pictures and videos drawn
SUFFIX = {"csv": ".csv", "jsonl": ".jsonl", "parquet": ".parquet"}


def set_aside(folder: Path) -> Path | None:
    """Move what an earlier run left in a folder into ``before-1``, ``before-2`` ... inside it, so that no row is lost.

    Returns:
        Where it went; None when there was nothing.

    Raises:
        InputError: it cannot be moved.
    """
    rows = [f"faces{suffix}" for suffix in SUFFIX.values()]
    names = [*rows, *[f"{name}.schema.json" for name in rows], "report.html", ANNOTATED]
    old = [folder / name for name in names if (folder / name).exists()]
    if not old:
        return None
    target = next(path for k in count(1) if not (path := folder / f"before-{k}").exists())
    try:
        target.mkdir()
        for path in old:
            path.rename(target / path.name)
    except OSError as error:
        raise InputError(
            f"{folder}: {error.strerror or error}", "a folder that can be written", "choose another with --out"
        ) from error
    return target


class Outputs:
    """The files of one run, in one folder.

    Args:
        folder: made when it is not there.
        format: csv, jsonl or parquet; None writes no rows.
        annotate: write annotated pictures and videos.
        report: write report.html.
        mesh: put the 478 points into the rows.
        settings: how the values are made.

    Raises:
        InputError: the folder cannot be made or is a file.
    """

    def __init__(
        self, folder: Path, format: str | None, annotate: bool, report: bool, mesh: bool, settings: Mapping[str, Any]
    ) -> None:
        self.folder, self.annotate = folder, annotate
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{folder}: {error.strerror or error}", "a folder that can be written", "choose another with --out"
            ) from error
        self.rows_path = folder / f"faces{SUFFIX[format]}" if format else None
        self.report_path = folder / "report.html" if report else None
        self.annotated: list[Path] = []
        self.before: Path | None = None  # where the results of an earlier run went
        self._stack = ExitStack()
        self._writer: Any = None
        self._video: Any = None
        self._item: Item | None = None
        self._names: set[str] = set()
        self._mesh, self._settings = mesh, settings
        self._report: Any = None

    def __enter__(self) -> Self:
        self.before = set_aside(self.folder)
        if self.rows_path:
            from .tables.writer import open_writer

            self._writer = self._stack.enter_context(open_writer(self.rows_path, mesh=self._mesh, settings=self._settings))
        if self.report_path:
            from .report import Report

            self._report = Report("Faces", dict(self._settings))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._end_video()
        finally:
            self._stack.close()
            if self._report is not None:
                self._report.write(self.report_path)

    def write(self, item: Item, frame: Frame) -> None:
        """Take the next frame of an item."""
        if self._writer is not None:
            self._writer.write(frame)
        if self._report is not None:
            self._report.add(frame)
        if self.annotate and frame.image is not None:
            self._draw(item, frame)

    def _draw(self, item: Item, frame: Frame) -> None:
        from .media.draw import annotate

        picture = annotate(frame)
        if item.kind == "image":
            from .media.image import write_image

            path = self._path(item, ".jpg")
            write_image(path, picture)
            self.annotated.append(path)
            return
        if item is not self._item:
            self._end_video()
            self._item, self._video = item, self._open_video(item, picture.shape[1], picture.shape[0])
        if picture.shape[1::-1] == self._video.size:
            self._video.write(picture, frame.time)

    def _open_video(self, item: Item, width: int, height: int) -> Any:
        from .media.video import video_info
        from .media.writer import VideoWriter

        rate, sound = Fraction(25), None
        if isinstance(item.payload, str) and item.kind == "video":
            info = video_info(item.payload)
            rate = Fraction(info.rate).limit_denominator(1001) if info.rate else rate
            sound = (
                item.payload
                if info.has_audio and self._settings.get("every", 1) == 1 and not self._settings.get("start")
                else None
            )
        path = self._path(item, ".mp4")
        self.annotated.append(path)
        return VideoWriter(path, (width, height), rate, sound).__enter__()

    def _end_video(self) -> None:
        if self._video is not None:
            video, self._video = self._video, None
            video.__exit__(None, None, None)

    def _path(self, item: Item, suffix: str) -> Path:
        """A name of its own for each item: two files of one name in two folders must not meet."""
        stem = re.sub(r"[^\w.-]+", "_", Path(item.name).stem).strip("._")[:80] or "source"
        name, k = stem + suffix, 1
        while name in self._names:
            k += 1
            name = f"{stem}-{k}{suffix}"
        self._names.add(name)
        folder = self.folder / ANNOTATED
        folder.mkdir(exist_ok=True)
        return folder / name
