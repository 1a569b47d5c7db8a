"""Render docs/systems (a catalogue and a page for each system) and the status table of README.md from the cards.

    python tools/render.py [--check] [--root FOLDER]

--check writes nothing; it lists the files that are not what would be written, and exits with 1 when there are any.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from mien.cards import FAMILIES, FIDELITIES, KINDS, TASKS, Card, load
from mien.catalogue import compared, figure_words, kinds, levels, needs, proven, quantity
from mien.errors import InputError
from mien.files import atomic

ROOT = Path(__file__).resolve().parent.parent
PAGES = Path("docs/systems")
README = Path("README.md")
START, END = "<!-- systems -->", "<!-- /systems -->"
MADE = "<!-- made by tools/render.py: edit the card, not this page -->"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def index_page(cards: Sequence[Card]) -> str:
    lines = [MADE, "", "# Systems", "", f"{len(cards)} published systems. What the levels mean:", ""]
    lines += table(("level", "earned when", "systems"), [(k, FIDELITIES[k], str(n)) for k, n in levels(cards).items()])
    for family, meaning in FAMILIES.items():
        members = [entry for entry in cards if entry.family == family]
        lines += ["", f"## {family}", "", f"{meaning[0].upper()}{meaning[1:]}.", ""]
        rows = [
            (str(e.number), f"[{e.short}]({e.name}.md)", e.title, e.kind, e.task, str(e.year or ""), e.fidelity) for e in members
        ]
        lines += table(("no.", "system", "title", "kind", "task", "year", "level"), rows)
    for title, words in (("Kinds", KINDS), ("Tasks", TASKS)):
        lines += ["", f"## {title}", "", *table((title.lower()[:-1], "meaning"), list(words.items()))]
    return "\n".join(lines) + "\n"


def system_page(entry: Card) -> str:
    lines = [MADE, "", f"# {entry.short}", "", f"*{entry.title}*", ""]
    if entry.paper:
        lines += [f"{entry.paper}.", ""]
    lines += [entry.point, ""]
    lines += [f"- {name}: {text}" for name, text in [("number", str(entry.number)), ("name", f"`{entry.name}`"), *kinds(entry)]]
    if described := needs(entry):
        lines += ["", "## What it needs", "", *(f"- {name}: {text}" for name, text in described)]
    lines += ["", "## What is proven", "", *(f"- {line}" for line in proven(entry)), "", "## Figures", ""]
    if rows := compared(entry):
        cells = [
            (row.shown.protocol, row.shown.metric, row.shown.arm, quantity(row.published), quantity(row.ours), _record(row.ours))
            for row in rows
        ]
        lines += [*table(("protocol", "metric", "of", "published", "ours", "record"), cells), ""]
    if words := figure_words(entry):
        lines += [words, ""]
    lines += ["[All systems](index.md)"]
    return "\n".join(lines) + "\n"


def _record(figure: object) -> str:
    run = getattr(figure, "run", "")
    return f"[{Path(run).stem}](../../{run})" if run else ""


def status(cards: Sequence[Card]) -> str:
    """The count of systems by family and level."""
    rows = []
    for family in FAMILIES:
        counts = levels(entry for entry in cards if entry.family == family)
        rows.append((family, *(str(n or "") for n in counts.values()), str(sum(counts.values()))))
    rows.append(("all", *(str(n or "") for n in levels(cards).values()), str(len(cards))))
    return "\n".join(table(("family", *FIDELITIES, "all"), rows))


def with_status(readme: str, cards: Sequence[Card]) -> str:
    """The README with a fresh status table between its markers.

    Raises:
        InputError: the markers are not there once each and in order.
    """
    if readme.count(START) != 1 or readme.count(END) != 1 or readme.index(START) > readme.index(END):
        raise InputError(f"{README} lacks the markers of the status table", f"{START} and {END}, once each", "add them")
    before, _, rest = readme.partition(START)
    return f"{before}{START}\n{status(cards)}\n{END}{rest.partition(END)[2]}"


def pages(cards: Sequence[Card]) -> dict[Path, str]:
    """Path and text of every page below docs/systems."""
    return {PAGES / "index.md": index_page(cards)} | {PAGES / f"{entry.name}.md": system_page(entry) for entry in cards}


def differing(root: Path, wanted: dict[Path, str]) -> list[Path]:
    """Files that are missing or not as wanted, and pages in docs/systems that no card stands behind."""
    known = {path for path, text in wanted.items() if not _same(root / path, text)}
    found = {path.relative_to(root) for path in (root / PAGES).glob("*.md")}
    return sorted(known | (found - set(wanted)))


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == text


def write(root: Path, path: Path, text: str | None) -> None:
    """Write a page, or remove it where no card stands behind it; a page of another hand is left alone."""
    target = root / path
    if text is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic(target) as stream:
            stream.write(text)
    elif target.read_text("utf-8").startswith(MADE):
        target.unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, list what is stale")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    options = parser.parse_args(arguments)
    root = options.root
    fault = ""
    try:
        cards = load(root / "src/mien/systems", root)
        wanted = pages(cards)
        try:
            wanted[README] = with_status((root / README).read_text("utf-8"), cards)
        except InputError as error:
            fault = str(error)  # the pages can be made all the same
    except InputError as error:
        print(f"render: {error}", file=sys.stderr)
        return 1
    stale = differing(root, wanted)
    if options.check and stale:
        print(f"stale: {', '.join(map(str, stale))}; run python tools/render.py", file=sys.stderr)
    if not options.check:
        for path in stale:
            write(root, path, wanted.get(path))
    if fault:
        print(f"render: {fault}", file=sys.stderr)
    return 1 if fault or (options.check and stale) else 0


if __name__ == "__main__":
    sys.exit(main())
