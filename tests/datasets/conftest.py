"""Tiny data sets with the layout of the real ones, made once for all tests."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mien.datasets import source
from mien.datasets.sample import Sample

Made = Callable[[str], Path]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The folder of a fake data set by name; do not write to it."""
    found: dict[str, Path] = {}

    def make(name: str) -> Path:
        for module in source(name).modules:
            if module != "h5py":  # only files of Matlab 7.3 need it, which the fakes are not
                pytest.importorskip(module, reason=f"{module} is not installed: pip install 'mien[torch]'")
        if name not in found:
            found[name] = tmp_path_factory.mktemp(name)
            importlib.import_module(source(name).module).fake(found[name], 0)
        return found[name]

    return make


@pytest.fixture
def copied(made: Made, tmp_path: Path) -> Made:
    """A copy of a fake data set, which a test may damage."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(made(name), tmp_path / name))

    return copy


def read(name: str, root: Path, split: str, **options: Any) -> list[Sample]:
    """All samples of a split."""
    return list(importlib.import_module(source(name).module).read(root, split, **options))
