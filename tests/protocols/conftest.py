"""Tiny data sets, made once, with as many persons as the protocols need."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.datasets import source
from mien.datasets.sample import Folder

Made = Callable[[str], Folder]
PERSONS = {"bp4d": 8, "disfa": 6, "lfw_pack": 6, "lfw": 6}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A fake data set by name; do not write to it."""
    found: dict[str, Path] = {}

    def make(name: str) -> Folder:
        for module in source(name).modules:
            if module != "h5py":  # only files of Matlab 7.3 need it, which the fakes are not
                pytest.importorskip(module, reason=f"{module} is not installed: pip install 'mien[torch]'")
        if name not in found:
            found[name] = tmp_path_factory.mktemp(name)
            options = {"count": PERSONS[name]} if name in PERSONS else {}
            importlib.import_module(source(name).module).fake(found[name], 0, **options)
        return Folder(name, found[name])

    return make
