"""One run of ``mien analyze``: sources in, files out, progress and plain sentences on the way."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import InputError
from .media.source import Item, items
from .outputs import ANNOTATED, SUFFIX, Outputs
from .pipelines import Options, analyze_items, settings, threads_default
from .types import Frame


@dataclass(frozen=True)
class Request:
    """What the command line asked for; ``out`` None writes no files."""

    sources: list[str]
    out: Path | None
    format: str
    annotate: bool
    report: bool
    mesh: bool
    quiet: bool
    as_json: bool
    options: dict[str, Any]


@dataclass
class Tally:
    """What a run has seen so far."""

    frames: int = 0
    faces: int = 0
    read: set[str] = field(default_factory=set)
    failed: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def run(request: Request) -> int:
    """Run it; returns the exit code."""
    chosen = dict(request.options)
    chosen["threads"] = threads_default() if chosen["threads"] is None else chosen["threads"]
    options, tally, start = Options(**chosen), Tally(), time.perf_counter()
    found = _found(request.sources)
    if request.out is not None:
        found = [item for item in found if not _drawn_by_mien(item, request.sources)]
    outputs: AbstractContextManager[Any] = nullcontext()
    if request.out is not None:
        outputs = Outputs(request.out, request.format, request.annotate, request.report, request.mesh, settings(options))
    stopped = False
    with ExitStack() as stack:
        files = stack.enter_context(outputs)
        progress = stack.enter_context(Progress(len(found), request.quiet or request.as_json))
        try:
            for item, frame in analyze_items(found, options):
                _take(frame, tally, request)
                if files is not None:
                    files.write(item, frame)
                progress.step(item, frame)
        except KeyboardInterrupt:
            stopped = True
    tally.seconds = time.perf_counter() - start
    _close(request, tally, files, stopped)
    if stopped:
        return 130
    return 0 if tally.read else 2


def _found(sources: list[str]) -> list[Item]:
    """All items of all sources; one that is not there becomes an item that says so."""
    out: list[Item] = []
    for source in sources:
        out += items(source, on_missing="item")
    return out


def _drawn_by_mien(item: Item, sources: list[str]) -> bool:
    """Whether a folder that is read holds this picture only because an earlier run drew it there."""
    if not isinstance(item.payload, str) or item.name in sources:
        return False
    path = Path(item.payload)
    rows = any((path.parent.parent / f"faces{suffix}").exists() for suffix in SUFFIX.values())
    return path.parent.name == ANNOTATED and rows and str(path.parent) not in sources


def _take(frame: Frame, tally: Tally, request: Request) -> None:
    tally.frames += frame.image is not None
    tally.faces += len(frame.faces)
    if frame.status in ("unreadable", "damaged"):
        tally.failed += 1
        print(f"mien: {frame.reason}", file=sys.stderr)
    if frame.image is not None:
        tally.read.add(frame.source)
    if frame.faces.status is not None:
        tally.statuses.update(frame.faces.status.tolist())
    if request.as_json:
        _print_rows(frame, request.mesh)


def _print_rows(frame: Frame, mesh: bool) -> None:
    from .tables.rows import Rows
    from .tables.sinks import records

    rows = Rows(mesh)
    rows.add(frame)
    for row in records(rows.columns(), rows.schema):
        print(json.dumps(row, ensure_ascii=False), flush=True)


class Progress:
    """A bar with the time left on the standard error, shown once a run has taken two seconds."""

    def __init__(self, count: int, quiet: bool) -> None:
        self.count, self.quiet = count, quiet or not sys.stderr.isatty()
        self.start = time.monotonic()
        self.bar: Any = None
        self.item: Item | None = None
        self.task: Any = None
        self.done = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def step(self, item: Item, frame: Frame) -> None:
        """Count one more frame."""
        if self.quiet:
            return
        if item is not self.item:
            self.item, self.done = item, self.done + 1
            if self.bar is not None:
                self._begin_item(item)
        if self.bar is None:
            if time.monotonic() - self.start < 2:
                return
            self._begin()
            self._begin_item(item)
        self.bar.update(self.task, completed=frame.time if item.kind != "image" else self.done)

    def _begin(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        parts = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self.bar = Bar(*parts, console=Console(stderr=True), transient=True)
        self.bar.start()

    def _begin_item(self, item: Item) -> None:
        name = Path(item.name).name[:40]
        if item.kind == "image":
            if self.task is None or self.bar.tasks[-1].description != "pictures":
                self.task = self.bar.add_task("pictures", total=self.count)
            return
        self.task = self.bar.add_task(name, total=_length(item))


def _length(item: Item) -> float | None:
    """Seconds of a video, where its file says."""
    if item.kind != "video" or not isinstance(item.payload, str):
        return None
    from .media.video import video_info

    try:
        return video_info(item.payload).duration
    except InputError:
        return None


def _close(request: Request, tally: Tally, files: Outputs | None, stopped: bool) -> None:
    if request.quiet or request.as_json:
        return
    rate = f", {tally.frames / tally.seconds:.0f} frames a second" if tally.frames > 20 else ""
    print(f"{_many(len(tally.read), 'source')} read, {_many(tally.frames, 'frame')}, {_many(tally.faces, 'face')}{rate}")
    withheld = {k: n for k, n in tally.statuses.items() if k != "ok"}
    if withheld:
        print("not ok: " + ", ".join(f"{n} {k}" for k, n in sorted(withheld.items(), key=lambda kv: -kv[1])))
    if tally.failed:
        print(f"{tally.failed} unreadable or damaged: see the rows with that status")
    if stopped:
        print("stopped; the files hold what was done so far")
    if files is not None:
        if files.before is not None:
            print(f"earlier results of that folder: {files.before}")
        for path in (files.rows_path, files.report_path):
            if path is not None and path.exists():
                print(f"{'rows' if path == files.rows_path else 'report'}: {path}")
        if files.annotated:
            print(f"annotated: {files.annotated[0] if len(files.annotated) == 1 else files.folder / 'annotated'}")


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
