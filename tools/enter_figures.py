"""Enter figures of a run record into a card, as rows ``by = "ours"``: no figure of ours is typed by hand.

    python tools/enter_figures.py NAME benchmarks/runs/RECORD.json [--row TABLE METRIC PROTOCOL ARM ...]

Without ``--row`` every figure of the record goes in whose table and metric are the protocol and metric of a published figure of
the card. With ``--row`` the figure METRIC of the table TABLE goes in under PROTOCOL and ARM ("" for none); a published figure of
that protocol, metric and arm gives its unit, else shares stay shares. Older rows of the same run are replaced.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

from mien.cards import Card, card
from mien.errors import InputError
from mien.files import PACKAGE, atomic

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Entry:
    """Which figure of a record goes where."""

    table: str
    metric: str
    protocol: str
    arm: str


def asked(entry: Card, figures: list[dict], rows: list[list[str]]) -> list[Entry]:
    """What goes in: the rows that were named, or all that have a published figure beside them."""
    if rows:
        return [Entry(*row) for row in rows]
    known: dict[tuple[str, str], list[str]] = {}
    for published in (f for f in entry.figures if f.by != "ours"):
        known.setdefault((published.protocol, published.metric), []).append(published.arm)
    found = [(f["protocol"], f["metric"]) for f in figures if (f["protocol"], f["metric"]) in known]
    if not found:
        raise InputError(
            f"no figure of the record has a published one of {entry.short} beside it", "--row TABLE METRIC PROTOCOL ARM"
        )
    return [Entry(table, metric, table, _arm(table, metric, known[table, metric])) for table, metric in found]


def _arm(table: str, metric: str, arms: list[str]) -> str:
    """The system as published, or the only one there is."""
    if len(arms) > 1 and "" not in arms:
        raise InputError(f"{metric} of {table} was published for {', '.join(arms)}", "one of them", "name it with --row")
    return "" if "" in arms else arms[0]


def line(entry: Card, chosen: Entry, figures: list[dict], record: dict, run: str) -> str:
    """The row of the card."""
    found = [f for f in figures if f["protocol"] == chosen.table and f["metric"] == chosen.metric]
    if len(found) != 1:
        tables = sorted({f["protocol"] for f in figures})
        raise InputError(f"{len(found)} figures {chosen.metric!r} in {chosen.table!r}", f"one; tables are {tables}")
    published = [
        f for f in entry.figures if f.by != "ours" and f.key[:2] + f.key[3:] == (chosen.protocol, chosen.metric, chosen.arm)
    ]
    unit = published[0].unit if published else ""
    factor = 100 if unit == "%" else 1
    digits = _digits(published[0].value) if published else 4
    digits = max(digits, 2 if unit == "%" else 4)
    cells = [f'protocol = "{chosen.protocol}"', f'metric = "{chosen.metric}"', f"value = {found[0]['value'] * factor:.{digits}f}"]
    cells += [f'unit = "{unit}"'] if unit else []
    cells += ['by = "ours"'] + ([f'arm = "{chosen.arm}"'] if chosen.arm else []) + [f'run = "{run}"']
    if len(record["seeds"]) > 1 and found[0].get("std") is not None:
        cells += [f"seeds = {len(record['seeds'])}", f"std = {found[0]['std'] * factor:.{digits}f}"]
    return "  { " + ", ".join(cells) + " },"


def _digits(value: float) -> int:
    text = f"{value:.10f}".rstrip("0")
    return len(text.partition(".")[2]) if math.isfinite(value) else 4


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("name")
    words.add_argument("record", type=Path)
    words.add_argument("--row", nargs=4, action="append", default=[], metavar=("TABLE", "METRIC", "PROTOCOL", "ARM"))
    given = words.parse_args()
    entry, record = card(given.name), json.loads(given.record.read_text("utf-8"))
    run = given.record.resolve().relative_to(ROOT).as_posix()
    rows = [line(entry, chosen, record["figures"], record, run) for chosen in asked(entry, record["figures"], given.row)]
    path = PACKAGE / "systems" / entry.family / f"{entry.name}.toml"
    text = path.read_text("utf-8").splitlines()
    first = text.index("figures = [")
    last = text.index("]", first)
    heads = {row.partition(", value")[0] + row.partition("by = ")[2].partition(", run")[0] for row in rows}
    kept = [
        old
        for old in text[first + 1 : last]
        if 'by = "ours"' not in old or old.partition(", value")[0] + old.partition("by = ")[2].partition(", run")[0] not in heads
    ]
    text[first + 1 : last] = [*kept, *rows]
    with atomic(path) as stream:
        stream.write("\n".join(text) + "\n")
    print(f"{path.name}: {len(rows)} figures of {run}")


if __name__ == "__main__":
    main()
