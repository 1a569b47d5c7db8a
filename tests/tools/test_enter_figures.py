"""Figures of a run record go into the right rows of a card, and nothing else of it changes."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import enter_figures
from mien.cards import Card, Figure, card
from mien.errors import InputError

HEAD = 'name = "some"\nfigures = [\n'
PAPER = '  { protocol = "raf-db/6", metric = "accuracy", value = 86.5, unit = "%", by = "paper" },\n'
ARM = '  { protocol = "raf-db/6", metric = "accuracy", value = 83.1, unit = "%", by = "paper", arm = "without dropout" },\n'
RATIO = '  { protocol = "wider-face/val", metric = "AP(easy)", value = 0.9512, by = "paper", arm = "large" },\n'
TAIL = "]\n\n[parameters]\nours = 3 # counted\n"


class Place:
    """A repository with one card and one record."""

    def __init__(self, root: Path) -> None:
        self.root, self.card = root, root / "mien" / "systems" / "expression" / "some.toml"
        self.card.parent.mkdir(parents=True)
        self.card.write_text(HEAD + PAPER + ARM + RATIO + TAIL)

    def entry(self) -> Card:
        figures = tuple(Figure(**row) for row in tomllib.loads(self.card.read_text())["figures"])
        return replace(card("gimefive"), name="some", figures=figures)

    def ours(self) -> list[str]:
        return [line for line in self.card.read_text().splitlines() if 'by = "ours"' in line]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(tmp_path)
    monkeypatch.setattr(enter_figures, "ROOT", tmp_path)
    monkeypatch.setattr(enter_figures, "PACKAGE", tmp_path / "mien")
    monkeypatch.setattr(enter_figures, "card", lambda _: made.entry())
    return made


def enter(
    place: Place, monkeypatch: pytest.MonkeyPatch, figures: list[dict], *words: str, seeds: int = 1, run: str = "r"
) -> None:
    record = place.root / f"{run}.json"
    record.write_text(json.dumps({"figures": figures, "seeds": list(range(seeds))}))
    monkeypatch.setattr("sys.argv", ["enter_figures.py", "some", str(record), *words])
    enter_figures.main()


def figure(protocol: str, value: float, metric: str = "accuracy", **more: object) -> dict:
    return {"protocol": protocol, "metric": metric, "value": value, "n": 9, **more}


def test_a_figure_goes_beside_the_published_one_of_the_system_itself(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    before = place.card.read_text()
    enter(place, monkeypatch, [figure("raf-db/6", 0.85678), figure("raf-db/6", 0.5, "UAR")])
    line = '  { protocol = "raf-db/6", metric = "accuracy", value = 85.68, unit = "%", by = "ours", run = "r.json" },'
    assert place.ours() == [line]
    assert place.card.read_text().replace(line + "\n", "") == before


def test_the_only_published_arm_is_taken(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(place, monkeypatch, [figure("wider-face/val", 0.123456, "AP(easy)")])
    (line,) = place.ours()
    assert 'value = 0.1235, by = "ours", arm = "large"' in line


def test_one_of_several_arms_must_be_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.card.write_text(HEAD + ARM + ARM.replace("without dropout", "VGG") + TAIL)
    with pytest.raises(InputError, match="was published for without dropout, VGG; wanted one of them; name it with --row"):
        enter(place, monkeypatch, [figure("raf-db/6", 0.8)])
    enter(place, monkeypatch, [figure("raf-db/6", 0.8)], "--row", "raf-db/6", "accuracy", "raf-db/6", "VGG")
    assert 'arm = "VGG"' in place.ours()[0]


def test_a_table_of_another_name_goes_under_the_protocol_that_is_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    title = "raf-db/6, test part of RAF-DB"
    with pytest.raises(InputError, match=r"no figure of the record .*--row"):
        enter(place, monkeypatch, [figure(title, 0.8)])
    enter(place, monkeypatch, [figure(title, 0.8)], "--row", title, "accuracy", "raf-db/6", "")
    assert place.ours()[0].startswith('  { protocol = "raf-db/6", metric = "accuracy", value = 80.00, unit = "%"')


def test_several_seeds_bring_their_spread(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(place, monkeypatch, [figure("raf-db/6", 0.8, std=0.0123)], seeds=3)
    assert 'run = "r.json", seeds = 3, std = 1.23' in place.ours()[0]


def test_a_later_run_takes_the_place_of_an_earlier_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    both = [figure("raf-db/6", 0.8), figure("wider-face/val", 0.9, "AP(easy)")]
    enter(place, monkeypatch, both)
    enter(place, monkeypatch, [figure("raf-db/6", 0.7)], run="later")
    assert ["later" in line for line in place.ours()] == [False, True]
    assert "value = 70.00" in place.ours()[1]


def test_a_figure_that_is_not_in_the_record_is_said(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"0 figures 'UAR' in 'raf-db/6'; wanted one; tables are \['raf-db/6'\]"):
        enter(place, monkeypatch, [figure("raf-db/6", 0.8)], "--row", "raf-db/6", "UAR", "raf-db/6", "")
