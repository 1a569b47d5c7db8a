"""Imports point down: each module may import only modules of its own layer or below; torch stays to the right of the bar."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "mien"
LAYERS = {
    "types": 0, "labels": 0, "errors": 0, "extras": 0, "files": 0, "settings": 0,
    "geometry": 1, "metrics": 1, "media": 1, "tables": 1, "cards": 1, "record": 1,
    "runtime": 2, "nn": 2,
    "stages": 3, "datasets": 3, "losses": 3, "attribution": 3,
    "pipelines": 4, "protocols": 4, "tasks": 4,
    "systems": 5,
    "train": 6,
    "report": 7, "outputs": 7, "analysis": 7, "run": 7, "doctor": 7, "catalogue": 7, "training": 7, "predicting": 7,
    "explaining": 7, "cli": 7,
    "__init__": 0, "__version__": 0,
}  # fmt: skip
TORCH = {"nn", "losses", "tasks", "systems", "train"}


def module_imports(path: Path) -> list[tuple[str, int]]:
    """Names imported when the module is, with the line; what stands inside functions or TYPE_CHECKING does not count."""
    package = ("mien", *path.relative_to(SOURCE).parts[:-1])
    found: list[tuple[str, int]] = []
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join([*base, *(node.module.split(".") if node.module else [])])
            found += [(f"{name}.{alias.name}" if name == "mien" else name, node.lineno) for alias in node.names]
    return found


FILES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=[str(p.relative_to(SOURCE)) for p in FILES])
def test_imports_point_down(path: Path) -> None:
    own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert own in LAYERS, f"give {own} a layer"
    for name, line in module_imports(path):
        root, _, rest = name.partition(".")
        if root == "mien":
            other = rest.split(".")[0] if rest else "__init__"
            assert LAYERS[other] <= LAYERS[own], f"{path.name}:{line} imports {name}, which lies above it"
        if root in ("torch", "torchvision", "timm", "lightning", "lightning_fabric"):
            assert own in TORCH, f"{path.name}:{line} imports {name} where torch is not wanted"


def test_no_system_imports_another() -> None:
    for path in (SOURCE / "systems").rglob("*.py"):
        for name, line in module_imports(path):
            assert not name.startswith("mien.systems"), f"{path.name}:{line} imports {name}: move what both need down a layer"


def test_the_reader_of_imports_sees_relative_and_absolute_ones(tmp_path: Path) -> None:
    names = [name for name, _ in module_imports(SOURCE / "pipelines.py")]
    assert "mien.stages.track" in names
    assert "mien.errors" in names


def test_files_are_short() -> None:
    long = {str(p.relative_to(SOURCE)): len(p.read_text("utf-8").splitlines()) for p in FILES}
    assert not {name: n for name, n in long.items() if n > 400}
