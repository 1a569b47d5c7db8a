"""Pages made from the cards: fresh in the repository, and stale as soon as a card changes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = str(ROOT / "tools")
if TOOLS not in sys.path:
    sys.path.insert(0, TOOLS)

import render  # noqa: E402
from mien.cards import FAMILIES, load, systems  # noqa: E402
from mien.errors import InputError  # noqa: E402

README = f"# title\n\nbefore\n\n{render.START}\nold\n{render.END}\n\nafter\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small repository: a few cards, a README with markers, pages rendered."""
    for name in ("identity/adaface", "identity/facenet", "shape3d/mica"):
        target = tmp_path / f"src/mien/systems/{name}.toml"
        target.parent.mkdir(parents=True, exist_ok=True)
        # whatever level the card has earned meanwhile, it begins here without one
        text = (ROOT / f"src/mien/systems/{name}.toml").read_text("utf-8")
        target.write_text(re.sub(r'fidelity = "\w+"', 'fidelity = "planned"', text), "utf-8")
    (tmp_path / "README.md").write_text(README, "utf-8")
    assert render.main(["--root", str(tmp_path)]) == 0
    return tmp_path


def check(root: Path) -> int:
    return render.main(["--check", "--root", str(root)])


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_pages_of_the_repository_are_fresh() -> None:
    assert not render.differing(ROOT, render.pages(systems()))


def test_the_readme_of_the_repository_is_fresh() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert readme == render.with_status(readme, systems())


def test_what_was_rendered_passes_the_check(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(root) == 0
    assert capsys.readouterr().err == ""
    assert {p.name for p in (root / "docs/systems").iterdir()} == {"index.md", "adaface.md", "facenet.md", "mica.md"}


def test_a_changed_card_makes_its_page_stale(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(root / "src/mien/systems/identity/adaface.toml", "99.82", "99.83")
    assert check(root) == 1
    said = capsys.readouterr().err
    assert "docs/systems/adaface.md" in said
    assert "facenet" not in said
    assert "README" not in said
    assert render.main(["--root", str(root)]) == 0
    assert check(root) == 0
    assert "99.83 %" in (root / "docs/systems/adaface.md").read_text("utf-8")


def test_a_new_level_makes_index_page_and_readme_stale(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(root / "src/mien/systems/identity/adaface.toml", '"planned"', '"built"')
    (root / "src/mien/systems/identity/adaface.py").touch()
    assert check(root) == 1
    said = capsys.readouterr().err
    assert all(name in said for name in ("README.md", "docs/systems/index.md", "docs/systems/adaface.md"))


def test_check_writes_nothing(root: Path) -> None:
    edit(root / "src/mien/systems/identity/adaface.toml", "99.82", "99.83")
    before = (root / "docs/systems/adaface.md").read_text("utf-8")
    check(root)
    assert (root / "docs/systems/adaface.md").read_text("utf-8") == before


def test_a_missing_and_a_left_over_page_are_stale(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "docs/systems/mica.md").unlink()
    (root / "docs/systems/gone.md").write_text(render.MADE + "\n", "utf-8")
    assert check(root) == 1
    said = capsys.readouterr().err
    assert "mica.md" in said
    assert "gone.md" in said
    assert render.main(["--root", str(root)]) == 0
    assert not (root / "docs/systems/gone.md").exists()
    assert (root / "docs/systems/mica.md").exists()


def test_a_page_of_another_hand_is_not_removed(root: Path) -> None:
    (root / "docs/systems/notes.md").write_text("# mine\n", "utf-8")
    render.main(["--root", str(root)])
    assert (root / "docs/systems/notes.md").exists()


@pytest.mark.parametrize(
    "readme",
    ["no markers", render.START, f"{render.END} {render.START}", f"{render.START}{render.END}{render.START}"],
)
def test_a_readme_without_markers_fails_clearly(root: Path, readme: str, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "README.md").write_text(readme, "utf-8")
    for arguments in (["--root", str(root)], ["--check", "--root", str(root)]):
        assert render.main(arguments) == 1
        assert "README.md lacks the markers" in capsys.readouterr().err
    assert (root / "README.md").read_text("utf-8") == readme
    with pytest.raises(InputError, match="once each"):
        render.with_status(readme, ())


def test_a_wrong_card_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(root / "src/mien/systems/identity/adaface.toml", '"loss"', '"los"')
    assert check(root) == 1
    assert "unknown kind in adaface.toml 'los'" in capsys.readouterr().err


def test_the_status_table_counts_and_leaves_the_rest_alone(root: Path) -> None:
    text = (root / "README.md").read_text("utf-8")
    assert text.startswith("# title\n\nbefore\n\n")
    assert text.endswith("\n\nafter\n")
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    rows = {line[0]: line[1:] for line in lines}
    assert rows["identity"] == ["2", "", "", "", "", "2"]
    assert rows["all"] == ["3", "", "", "", "", "3"]
    assert list(rows)[2:-1] == list(FAMILIES)


def test_pages_say_what_is_known_and_what_is_not() -> None:
    made = render.pages(systems())
    page = made[render.PAGES / "adaface.md"]
    assert "| lfw/10-fold | accuracy | R100, MS1MV2 | 99.82 % | - |" in page
    assert "there is no figure of ours" in page
    assert "(recall)" in made[render.PAGES / "mica.md"]
    index = made[render.PAGES / "index.md"]
    for entry in systems():
        assert index.count(f"]({entry.name}.md)") == 1
        assert render.PAGES / f"{entry.name}.md" in made


def test_a_figure_of_ours_links_its_record(root: Path) -> None:
    path = root / "src/mien/systems/identity/adaface.toml"
    row = '{ protocol = "lfw/10-fold", metric = "accuracy", value = 99.5, by = "ours", run = "benchmarks/runs/a.json" },'
    edit(path, "figures = [\n", f"figures = [\n  {row}\n")
    (root / "benchmarks/runs").mkdir(parents=True)
    (root / "benchmarks/runs/a.json").write_text("{}", "utf-8")
    page = render.pages(load(root / "src/mien/systems", root))[render.PAGES / "adaface.md"]
    assert "[a](../../benchmarks/runs/a.json)" in page
    assert (root / "docs/systems" / "../../benchmarks/runs/a.json").exists()
    assert "there is no figure of ours" not in page


def test_a_bar_in_a_cell_does_not_break_the_table() -> None:
    assert list(render.table(("a",), [("x|y",)]))[-1] == "| x\\|y |"
