"""Fixtures that all tests share."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))


def _data() -> Path | None:
    folder = Path(os.environ.get("MIEN_DATA", ROOT.parent / "shared" / "data"))
    return folder if folder.is_dir() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    data, torch = _data(), importlib.util.find_spec("torch")
    for item in items:
        if data is None and item.get_closest_marker("data"):
            item.add_marker(pytest.mark.skip(reason="the private test data is not here (MIEN_DATA)"))
        if torch is None and item.get_closest_marker("torch"):
            item.add_marker(pytest.mark.skip(reason="torch is not installed: pip install 'mien[train]'"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of private test data; tests that use it carry the mark ``data``."""
    folder = _data()
    if folder is None:
        pytest.skip("the private test data is not here (MIEN_DATA)")
    return folder


@pytest.fixture(scope="session")
def astronaut_path() -> Path:
    """A public-domain portrait that lies in the repository."""
    return ROOT / "examples" / "media" / "astronaut.jpg"


@pytest.fixture(scope="session")
def astronaut(astronaut_path: Path) -> np.ndarray:
    """That portrait, (512, 512, 3) uint8 RGB."""
    from mien.media.image import read_image

    return read_image(astronaut_path)
