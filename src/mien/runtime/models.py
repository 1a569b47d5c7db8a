"""The embedded networks: cards beside the files, hashes, sessions."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError, unknown_name
from ..files import PACKAGE, sha256
from .onnx import OnnxRunner

FOLDER = PACKAGE / "models"


@dataclass(frozen=True)
class ModelCard:
    """What is known of an embedded network; the fields are those of the TOML file beside it.

    Args:
        name: short name, the stem of the files.
        task: what it does, in one line.
        sha256: hash of the .onnx file.
        licence: licence of the weights.
        parameters: how many numbers were trained.
        input: name, size, colour, mean and scale of the input tensor.
        data: what it was trained on, with the grade of each source.
        figures: rows of metric, value, unit, data, n and run record.
        limits: what it cannot do.
    """

    name: str
    task: str
    sha256: str
    licence: str
    parameters: int
    input: dict[str, Any]
    data: tuple[str, ...]
    limits: tuple[str, ...]
    figures: tuple[dict[str, Any], ...] = ()
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The .onnx file."""
        return FOLDER / f"{self.name}.onnx"

    @property
    def bytes(self) -> int:
        """Size of the file."""
        return self.path.stat().st_size

    def verify(self) -> bool:
        """Whether the file is the one that the card speaks of."""
        return self.path.exists() and sha256(self.path) == self.sha256


def names() -> list[str]:
    """Names of the embedded networks."""
    return sorted(p.stem for p in FOLDER.glob("*.toml"))


@cache
def card(name: str) -> ModelCard:
    """The card of an embedded network.

    Raises:
        InputError: there is none of that name; the message lists those that exist.
    """
    path = FOLDER / f"{name}.toml"
    if name not in names():
        raise unknown_name("network", name, names())
    content = tomllib.loads(path.read_text("utf-8"))
    known: dict[str, Any] = {key: content.pop(key) for key in ("name", "task", "sha256", "licence", "parameters", "input")}
    lists: dict[str, Any] = {key: tuple(content.pop(key, ())) for key in ("data", "limits", "figures")}
    return ModelCard(**known, **lists, more=content)


@cache
def runner(name: str, threads: int = 1) -> OnnxRunner:
    """A loaded network, shared by everything in this process that asks for it."""
    wanted = card(name)
    if not wanted.path.exists():
        raise ModelError(f"{wanted.path.name} is missing from the package; reinstall mien")
    return OnnxRunner(wanted.path, threads)


@cache
def face_data() -> dict[str, NDArray[Any]]:
    """The canonical face: ``canonical`` (478, 3) cm, ``rigidity`` (478,), ``mirror`` (478,), ``triangles`` (k, 3)."""
    with np.load(FOLDER / "face.npz") as data:
        return {key: data[key] for key in data.files}
