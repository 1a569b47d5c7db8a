"""Pages are fresh, the README's code runs, its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.cli import app

ROOT = Path(__file__).resolve().parent.parent


def test_rendered_pages_are_fresh() -> None:
    done = subprocess.run([sys.executable, "tools/render_docs.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)


def test_the_first_lines_of_python_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = blocks("README.md", "python")
    first = code.split('mien.analyze("clip.mp4")')[0]
    exec(compile(first, "README.md", "exec"), {})
    assert "happiness" in capsys.readouterr().out


COMMANDS = {command.name for command in app.registered_commands} | {"analyze", "doctor", "models"}


def test_every_option_that_the_readme_shows_exists() -> None:
    lines = [line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if line.startswith("mien ")]
    commands = {command for line in lines if (command := line.split()[1]) in COMMANDS}
    assert commands == {"analyze", "explain", "doctor", "train", "eval", "predict", "export"}
    for command in commands:
        found = CliRunner().invoke(app, [command, "--help"]).output
        shown = {word for line in lines if line.split()[1] == command for word in re.findall(r"(--[a-z][a-z-]+)", line)}
        assert not [option for option in shown if option not in found], command


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_no_page_or_source_names_a_machine() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    texts = [f for f in files if f.endswith((".py", ".md", ".toml", ".json", ".txt"))]
    wrong = [f for f in texts if re.search(r"/(work|farm|root|home)/", (ROOT / f).read_text("utf-8", errors="ignore"))]
    assert not [f for f in wrong if f != "tests/test_docs.py"]
