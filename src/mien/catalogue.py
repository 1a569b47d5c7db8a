"""The catalogue of systems for people: a table of all, a page for each, and the commands that show them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cards import FAMILIES, FIDELITIES, KINDS, TASKS, Card, Figure, card, systems
from .errors import unknown_name

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 110
NO_FIGURE = "None of these is measured here yet: there is no figure of ours."
LISTED = ("number", "name", "short", "title", "family", "kind", "task", "year", "paper", "fidelity", "extras")


@dataclass(frozen=True)
class Compared:
    """A published figure and ours of the same thing; either may be missing, not both."""

    published: Figure | None
    ours: Figure | None

    @property
    def shown(self) -> Figure:
        """The one that names protocol, metric, unit and arm."""
        figure = self.published or self.ours
        assert figure is not None
        return figure


def chosen(family: str | None = None, task: str | None = None, fidelity: str | None = None) -> list[Card]:
    """The cards of a family, task and level; None stands for all, and a comma separates several: ``"expression,explain"``.

    Raises:
        InputError: there is no such family, task or level; the message lists the nearest.
    """
    wanted = {"family": (family, FAMILIES), "task": (task, TASKS), "fidelity": (fidelity, FIDELITIES)}
    several = {kind: [v.strip() for v in value.split(",")] for kind, (value, _) in wanted.items() if value is not None}
    for kind, values in several.items():
        for value in values:
            if value not in wanted[kind][1]:
                raise unknown_name(kind, value, wanted[kind][1])
    return [entry for entry in systems() if all(getattr(entry, kind) in values for kind, values in several.items())]


def listed(cards: Iterable[Card]) -> list[dict[str, Any]]:
    """One row of facts for each card, as JSON takes them."""
    return [
        {key: getattr(entry, key) for key in LISTED} | {"figures_ours": sum(f.by == "ours" for f in entry.figures)}
        for entry in cards
    ]


def levels(cards: Iterable[Card]) -> dict[str, int]:
    """How many cards stand at each level, lowest first."""
    counts = dict.fromkeys(FIDELITIES, 0)
    for entry in cards:
        counts[entry.fidelity] += 1
    return counts


def systems_table(family: str | None = None, task: str | None = None, fidelity: str | None = None, titles: bool = True) -> Table:
    """The catalogue as a rich table, with a count of the levels below it; without titles it fits 80 columns."""
    from rich.table import Table
    from rich.text import Text

    cards = chosen(family, task, fidelity)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("no", justify="right", no_wrap=True)
    fields = ("name", "family", "kind", "task", "fidelity", "year")
    for name in fields:
        table.add_column(name, no_wrap=True)
    if titles:
        # of all columns only this one may be cut, when the others leave too little
        table.expand = True
        table.add_column("title", no_wrap=True, overflow="ellipsis", ratio=1)
    for entry in cards:
        cells = [str(entry.number), *(str(getattr(entry, name) or "") for name in fields), *([entry.title] if titles else [])]
        table.add_row(*map(Text, cells))
    counts = ", ".join(f"{n} {level}" for level, n in levels(cards).items() if n)
    table.caption = Text(f"{len(cards)} systems: {counts}" if cards else "no system is like that")
    table.caption_justify = "left"
    return table


# One system -----------------------------------------------------------------------------------------------------------
def compared(entry: Card) -> list[Compared]:
    """Published figures with ours beside them, in the order of the card; those that only we have come last."""

    ours = {figure.key: figure for figure in entry.figures if figure.by == "ours"}
    published = [figure for figure in entry.figures if figure.by != "ours"]
    rows = [Compared(figure, ours.pop(figure.key, None)) for figure in published]
    return rows + [Compared(None, figure) for figure in ours.values()]


def quantity(figure: Figure | None) -> str:
    """A figure as text: value, unit, spread, and what one has to know of where it stands."""
    if figure is None:
        return "-"
    spread = f" ± {figure.std:g}" if figure.std is not None else ""
    seeds = f"{figure.seeds} seeds" if figure.seeds else ""
    by = "by its authors" if figure.by == "authors" else ""
    notes = ", ".join(filter(None, (figure.tag, by, figure.where, seeds)))
    return f"{figure.value:g}{spread} {figure.unit}".rstrip() + (f" ({notes})" if notes else "")


def kinds(entry: Card) -> list[tuple[str, str]]:
    """What sort of thing it is: family, kind and task with their meaning."""
    return [
        (name, f"{value}: {known[value]}")
        for name, value, known in (
            ("family", entry.family, FAMILIES),
            ("kind", entry.kind, KINDS),
            ("task", entry.task, TASKS),
        )
    ]


def needs(entry: Card) -> list[tuple[str, str]]:
    """What it needs and gives: extras, inputs, outputs, parameters, licences; what is not known is left out."""
    lines = []
    if entry.extras:
        lines.append(("extras", ", ".join(entry.extras) + (" (once it is built)" if entry.fidelity == "planned" else "")))
    for name, ports in (("input", entry.input), ("output", entry.output)):
        lines += [(name, f"{port.name}: {port.text}") for port in ports]
    counted = entry.parameters
    named = (("printed in the paper", counted.paper), ("on the authors' code", counted.code), ("ours", counted.ours))
    counts = [f"{count:,} {words}" for words, count in named if count is not None]
    if counts or counted.note:
        lines.append(("parameters", "; ".join(filter(None, (*counts, counted.note)))))
    return lines + [("licence", f"{of}: {text}") for of, text in entry.licences.items()]


def proven(entry: Card) -> list[str]:
    """What is proven of it, and where ours departs from the paper."""
    lines = [f"{entry.fidelity}: {FIDELITIES[entry.fidelity]}."]
    if entry.fidelity != "planned":
        lines += [f"Differs: {line}" for line in entry.differs] or ["Differs: nothing is declared."]
    return lines


def figure_words(entry: Card) -> str:
    """The plain sentence on figures that are missing; empty when some of ours are there."""
    if any(figure.by == "ours" for figure in entry.figures):
        return ""
    return NO_FIGURE if entry.figures else "The card holds no published figure, and there is no figure of ours."


def card_page(entry: Card) -> str:
    """A page to read in a terminal: what it is, what it needs, what is proven, figures of the paper beside ours.

    Example:
        >>> print(card_page(card("adaface")).splitlines()[0])
        AdaFace (adaface, no. 78)
    """
    head = [f"{entry.short} ({entry.name}, no. {entry.number})", entry.title]
    head += [text for text in (entry.paper or (str(entry.year) if entry.year else ""),) if text]
    page = [*head, "", *textwrap.wrap(entry.point, WIDTH), "", *_pairs(kinds(entry))]
    if lines := needs(entry):
        page += ["", "What it needs", *_pairs(lines)]
    page += ["", "What is proven", *(f"  {line}" for line in proven(entry))]
    page += ["", "Figures"]
    if rows := compared(entry):
        cells = [(row.shown.protocol, row.shown.metric, row.shown.arm) for row in rows]
        values = [(quantity(row.published), quantity(row.ours)) for row in rows]
        page += _columns([("protocol", "metric", "of", "published", "ours"), *(a + b for a, b in zip(cells, values))])
    if words := figure_words(entry):
        page.append(f"  {words}")
    return "\n".join(page)


def _pairs(lines: Sequence[tuple[str, str]]) -> Iterator[str]:
    indent = 2 + max(len(name) for name, _ in lines) + 2
    for name, text in lines:
        yield from textwrap.wrap(text, WIDTH, initial_indent=f"  {name}".ljust(indent), subsequent_indent=" " * indent)


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        yield ("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths))).rstrip()


# Commands -------------------------------------------------------------------------------------------------------------
def systems_command(
    family: Annotated[
        str | None, typer.Option(help=f"Only these families, a comma between: {', '.join(FAMILIES)}.", show_default="all")
    ] = None,
    task: Annotated[str | None, typer.Option(help=f"Only these tasks: {', '.join(TASKS)}.", show_default="all")] = None,
    fidelity: Annotated[str | None, typer.Option(help=f"Only these levels: {', '.join(FIDELITIES)}.", show_default="all")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """List the published systems of the catalogue: what they are, and how far each is built and proven."""
    if as_json:
        typer.echo(json.dumps(listed(chosen(family, task, fidelity)), indent=1))
        return
    from rich.console import Console

    console = Console()
    if not console.is_terminal:  # a pipe or file has no width of its own
        console = Console(width=160)
    console.print(systems_table(family, task, fidelity, titles=console.width >= 110))


def card_command(
    name: Annotated[str, typer.Argument(help="Name or number of a system.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show the card of one system: what it is, what it needs, what is proven, its figures."""
    entry = card(name)
    typer.echo(json.dumps(asdict(entry), indent=1) if as_json else card_page(entry))
