"""Importing mien is quick, silent and without effects, in a fresh interpreter with warnings as errors."""

from __future__ import annotations

import subprocess
import sys


def fresh(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_import_brings_nothing_heavy() -> None:
    heavy = ["numpy", "cv2", "av", "onnxruntime", "pyarrow", "pandas", "torch", "PIL", "rich", "typer"]
    out = fresh(f"import sys; import mien; print([m for m in {heavy!r} if m in sys.modules])")
    assert out.strip() == "[]"


def test_import_changes_nothing() -> None:
    code = """
import os, sys, logging, warnings, pathlib

def state():
    home = sorted(pathlib.Path.home().iterdir())
    return dict(os.environ), list(warnings.filters), list(logging.getLogger().handlers), home

before = state()
import mien
assert state() == before
"""
    fresh(code)


def test_the_whole_base_package_imports_without_torch_or_warnings() -> None:
    code = """
import sys, pkgutil, importlib
sys.modules["torch"] = None  # as if it were not installed
import mien
for found in pkgutil.walk_packages(mien.__path__, "mien."):
    # these need torch: networks, losses, tasks, training, and the modules of systems (not the packages that hold their cards)
    system = found.name.startswith("mien.systems.") and not found.ispkg
    if not system and not found.name.startswith(("mien.nn", "mien.losses", "mien.tasks.", "mien.train")):
        importlib.import_module(found.name)
"""
    fresh(code)
