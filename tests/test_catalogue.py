"""The catalogue for people: table, page and the two commands."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from mien import catalogue
from mien.cards import FAMILIES, Card, Figure, card, systems
from mien.catalogue import NO_FIGURE, card_page, chosen, compared, levels, listed, quantity, systems_table
from mien.errors import InputError

RUN = "benchmarks/runs/a.json"


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    made = typer.Typer(rich_markup_mode=None)
    made.command("systems")(catalogue.systems_command)
    made.command("card")(catalogue.card_command)
    return made


def ask(app: typer.Typer, *words: str) -> str:
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def proven_card() -> Card:
    paper = Figure("lfw/10-fold", "accuracy", 99.82, "paper", unit="%", arm="R100")
    ours = Figure("lfw/10-fold", "accuracy", 99.5, "ours", unit="%", arm="R100", run=RUN, seeds=3, std=0.1)
    only_ours = Figure("lfw/blurred", "accuracy", 91.0, "ours", unit="%", run=RUN)
    return replace(card("adaface"), fidelity="effect", differs=("smaller batch",), figures=(paper, ours, only_ours))


class TestChoice:
    def test_filters_meet(self) -> None:
        assert len(chosen()) == len(systems())
        some = chosen(family="identity", task="embed")
        assert {(c.family, c.task) for c in some} == {("identity", "embed")}
        assert "adaface" in {c.name for c in some}
        assert sum(len(chosen(family=family)) for family in FAMILIES) == len(systems())

    @pytest.mark.parametrize(
        ("family", "task", "fidelity", "words"),
        [
            ("identty", None, None, "unknown family 'identty'.*did you mean identity"),
            (None, "embedd", None, "unknown task.*did you mean embed"),
            (None, None, "plan", "unknown fidelity.*did you mean planned"),
        ],
    )
    def test_an_unknown_filter_lists_the_nearest(
        self, family: str | None, task: str | None, fidelity: str | None, words: str
    ) -> None:
        with pytest.raises(InputError, match=words):
            chosen(family, task, fidelity)

    def test_levels_are_counted_from_the_cards(self, proven_card: Card) -> None:
        assert levels([proven_card, card("facenet"), card("mica")]) == {
            "planned": 2,
            "built": 0,
            "runs": 0,
            "effect": 1,
            "figure": 0,
        }


class TestTable:
    def test_it_has_a_row_for_each_card_and_says_how_many(self) -> None:
        table = systems_table(family="identity")
        assert table.row_count == len(chosen("identity"))
        assert str(table.caption).startswith(f"{table.row_count} systems: ")

    @pytest.mark.parametrize(("width", "titles"), [(80, False), (110, True), (160, True)])
    def test_no_name_or_number_is_cut(self, width: int, titles: bool) -> None:
        text = io.StringIO()
        Console(width=width, file=text).print(systems_table(titles=titles))
        lines = text.getvalue().splitlines()
        for entry in systems():
            assert any(line.split()[:2] == [str(entry.number), entry.name] for line in lines), entry.name

    def test_no_match_is_said(self) -> None:
        assert "no system" in str(systems_table(family="pretrain", task="detect").caption)


class TestPage:
    def test_the_page_of_adaface_holds_its_claim_and_figures(self) -> None:
        entry = replace(card("adaface"), fidelity="planned", figures=tuple(f for f in card("adaface").figures if f.by != "ours"))
        page = card_page(entry)
        assert " ".join(entry.point.split()) in " ".join(page.split())
        for figure in entry.figures:
            row = [line for line in page.splitlines() if figure.arm in line and f"{figure.value:g} %" in line]
            assert row, figure
            assert all(line.endswith("  -") for line in row)
        assert NO_FIGURE in page
        assert "MIT: mk-minchul/AdaFace" in page
        assert "planned: " in page
        assert "once it is built" in page

    def test_ours_stands_beside_the_published_one(self, proven_card: Card) -> None:
        rows = compared(proven_card)
        assert [(row.published is None, row.ours is None) for row in rows] == [(False, False), (True, False)]
        page = card_page(proven_card)
        (line,) = [line for line in page.splitlines() if "99.82 %" in line]
        assert line.endswith("99.5 ± 0.1 % (3 seeds)")
        assert "lfw/blurred" in page
        assert NO_FIGURE not in page
        assert "Differs: smaller batch" in page
        assert "once it is built" not in page

    def test_a_figure_of_another_arm_is_not_put_beside(self, proven_card: Card) -> None:
        paper, ours, _ = proven_card.figures
        rows = compared(replace(proven_card, figures=(paper, replace(ours, arm="R50"))))
        assert [(row.published is None, row.ours is None) for row in rows] == [(False, True), (True, False)]

    def test_doubt_and_source_are_said_with_a_figure(self) -> None:
        assert quantity(Figure("now", "distance", 0.9, "paper", unit="mm", tag="recall")) == "0.9 mm (recall)"
        assert quantity(Figure("a", "F1", 0.5, "authors", where="README")) == "0.5 (by its authors, README)"
        assert quantity(None) == "-"
        assert "(recall)" in card_page(card("mica"))

    def test_a_card_without_figures_says_so(self) -> None:
        assert "no published figure, and there is no figure of ours" in card_page(card("gafet"))

    @pytest.mark.parametrize("entry", systems(), ids=lambda entry: entry.name)
    def test_every_page_can_be_made(self, entry: Card) -> None:
        page = card_page(entry)
        assert page.startswith(f"{entry.short} ({entry.name}, no. {entry.number})\n{entry.title}\n")
        assert "What is proven" in page


class TestCommands:
    def test_systems_lists_all(self, app: typer.Typer) -> None:
        text = ask(app, "systems")
        assert f"{len(systems())} systems: " in text
        assert "poster_pp" in text

    def test_systems_as_json(self, app: typer.Typer) -> None:
        rows = json.loads(ask(app, "systems", "--json"))
        assert len(rows) == len(systems())
        (row,) = [row for row in rows if row["name"] == "adaface"]
        assert {key: row[key] for key in ("number", "family", "task", "fidelity", "figures_ours")} == {
            "number": 78,
            "family": "identity",
            "task": "embed",
            "fidelity": card("adaface").fidelity,
            "figures_ours": listed([card("adaface")])[0]["figures_ours"],
        }
        some = json.loads(ask(app, "systems", "--family", "face", "--task", "detect", "--json"))
        assert {row["name"] for row in some} == {"mos", "retinaface", "wider_face"}

    def test_card_by_name_and_number(self, app: typer.Typer) -> None:
        assert ask(app, "card", "adaface") == ask(app, "card", "78") == card_page(card(78)) + "\n"

    def test_card_as_json(self, app: typer.Typer) -> None:
        facts = json.loads(ask(app, "card", "POSTER++", "--json"))
        assert facts["number"] == 3
        assert facts["figures"][0]["value"] == card(3).figures[0].value
        assert facts["input"][0]["name"] == "image"

    def test_an_unknown_name_is_an_error_of_mien(self, app: typer.Typer) -> None:
        with pytest.raises(InputError, match="did you mean"):
            ask(app, "card", "faces")
        with pytest.raises(InputError, match="unknown family"):
            ask(app, "systems", "--family", "faces")


def test_a_comma_chooses_several() -> None:
    both = chosen("identity, face")
    assert {entry.family for entry in both} == {"identity", "face"}
    assert len(both) == len(chosen("identity")) + len(chosen("face"))
