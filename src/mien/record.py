"""Run records: what ran, on what, with which result. A figure without one does not exist."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import InputError
from .files import PACKAGE, atomic

WHOLE = 8 << 30  # bytes of a data set that are read to the end; of more than that each file gives its size and its ends
ENDS = 1 << 16
VERSIONED = ("numpy", "torch", "lightning-fabric", "onnxruntime", "opencv-python-headless")


@dataclass(frozen=True)
class DataHash:
    """What a data set was, so that a later run can tell whether it saw the same.

    Args:
        sha256: over names and contents, in the order of the names.
        files: how many.
        bytes: of all of them.
        how: "contents", or "sizes and ends" of a data set that is too large to be read whole.
    """

    sha256: str
    files: int
    bytes: int
    how: str


def data_hash(root: str | os.PathLike[str], whole: int = WHOLE) -> DataHash:
    """The hash of a folder or file.

    Args:
        root: the data set.
        whole: highest number of bytes that are read to the end.

    Raises:
        InputError: there is nothing at that place.
    """
    place = Path(root)
    if not place.exists():
        raise InputError(f"there is nothing at {place}", "a folder or file of data")
    files = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file() and not p.name.startswith("."))
    size = sum(p.stat().st_size for p in files)
    total = hashlib.sha256()
    for path in files:
        name = path.name if place.is_file() else path.relative_to(place).as_posix()
        total.update(f"{name}\0{path.stat().st_size}\0".encode())
        for block in _blocks(path, size <= whole):
            total.update(block)
    return DataHash(total.hexdigest(), len(files), size, "contents" if size <= whole else "sizes and ends")


def _blocks(path: Path, whole: bool) -> Iterable[bytes]:
    with open(path, "rb") as stream:
        if whole:
            while block := stream.read(1 << 22):
                yield block
            return
        yield stream.read(ENDS)
        stream.seek(max(0, path.stat().st_size - ENDS))
        yield stream.read(ENDS)


def command_line(words: Iterable[str] | None = None) -> str:
    """The command as anybody could give it: folders of this machine are replaced by the name of their option in capitals."""
    given = list(sys.argv if words is None else words)
    out = [Path(given[0]).name] if given else []
    for word in given[1:]:
        option, equals, value = word.partition("=")
        if out and out[-1].startswith("--") and _is_place(word):
            out.append(out[-1].lstrip("-").upper())
        elif option.startswith("--") and equals and _is_place(value):
            out.append(f"{option}={option.lstrip('-').upper()}")
        else:
            out.append(Path(word).name if _is_place(word) else word)
    return " ".join(out)


def _is_place(word: str) -> bool:
    return os.sep in word and (word.startswith((os.sep, ".", "~")) or Path(word).exists())


def commit() -> str:
    """The commit of the checkout that runs, with ``+`` when files differ from it; empty for an installed package."""
    root = PACKAGE.parent.parent
    if not (root / ".git").exists():
        return ""
    try:
        found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True, check=True)
        changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "src"], cwd=root, check=False).returncode
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip() + ("+" if changed else "")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a figure may depend on, as far as they are installed."""
    found = {"python": platform.python_version()}
    for name in VERSIONED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class Run:
    """One run.

    Args:
        name: what ran ("lonkar_cnn").
        figures: rows of tables, from :meth:`mien.metrics.table.Table.records`.
        data: name of each data set and its hash.
        device: what it ran on.
        seeds: all of them.
        seconds: wall time.
        command: as anybody could give it.
        more: whatever else decides the figure: recipe, weights, selection.
    """

    name: str
    figures: list[dict[str, Any]]
    data: Mapping[str, DataHash]
    device: str
    seeds: tuple[int, ...]
    seconds: float
    command: str
    more: Mapping[str, Any]

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write it as JSON, with date, commit and versions; gives the path."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "name": self.name,
            "date": time.strftime("%Y-%m-%d"),
            "commit": commit(),
            "command": self.command,
            "data": {name: vars(found) for name, found in self.data.items()},
            "device": self.device,
            "versions": versions(),
            "seeds": list(self.seeds),
            "seconds": round(self.seconds, 1),
            "figures": self.figures,
            **self.more,
        }
        with atomic(target) as stream:
            stream.write(json.dumps(content, indent=1) + "\n")
        return target
