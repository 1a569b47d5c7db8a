"""The command line: analyze, doctor, models, systems, card, train, eval, predict, export, explain."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from .catalogue import card_command, systems_command
from .errors import MienError
from .explaining import explain_command
from .predicting import export_command, predict_command
from .training import eval_command, train_command

app = typer.Typer(
    name="mien",
    help="Read the faces in pictures and videos: mesh, pose, gaze, blendshapes, action units and expression. Works offline.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Format(StrEnum):
    """Formats of the rows."""

    csv = "csv"
    jsonl = "jsonl"
    parquet = "parquet"


def _version(wanted: bool) -> None:
    if wanted:
        from . import __version__

        typer.echo(f"mien {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    pass


@app.command()
def analyze(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, videos, folders, patterns, - (standard input), 0 (camera) or addresses.", show_default=False
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for rows, pictures and report.", show_default="mien-out")] = None,
    format: Annotated[Format, typer.Option(help="Format of the rows.")] = Format.csv,
    annotate: Annotated[bool, typer.Option("--annotate", help="Write annotated pictures and videos.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Write a report as one HTML page.")] = False,
    mesh: Annotated[bool, typer.Option("--mesh", help="Put the 478 mesh points into the rows.")] = False,
    max_faces: Annotated[int | None, typer.Option(help="Keep the largest faces only.", show_default="all")] = None,
    every: Annotated[int, typer.Option(help="Look at every n-th frame of a video.")] = 1,
    start: Annotated[float, typer.Option(help="Start of the part of a video that is read, seconds.")] = 0.0,
    end: Annotated[float | None, typer.Option(help="End of that part, seconds.", show_default="the end")] = None,
    smooth: Annotated[bool, typer.Option("--smooth", help="Smooth the values of each track over time.")] = False,
    threshold: Annotated[
        float | None, typer.Option(help="Lowest confidence of a face, 0 to 1.", show_default="of the detector")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of the networks.", show_default="cores, at most 4")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the rows as JSON lines to the standard output, and nothing else there.")
    ] = False,
) -> None:
    """Read the faces in SOURCES and write a table with one row for each face in each frame.

    Exit code: 0 when something was read, 2 when nothing could be or an option is wrong, 130 after Ctrl-C (the files are
    valid up to there).
    """
    from .run import Request, run

    options: dict[str, Any] = {
        "every": every,
        "start": start,
        "end": end,
        "max_faces": max_faces,
        "smooth": smooth,
        "threshold": threshold,
        "threads": threads,
    }
    wanted = None if as_json and out is None and not (annotate or report) else out or Path("mien-out")
    raise typer.Exit(run(Request(sources, wanted, format.value, annotate, report, mesh, quiet, as_json, options)))


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """Check the installation: versions, threads, providers, the networks and their hashes."""
    from .doctor import examine

    found = examine()
    if as_json:
        typer.echo(json.dumps(found.facts, indent=1))
    else:
        for line in found.lines():
            typer.echo(line)
    raise typer.Exit(0 if found.well else 1)


@app.command()
def models(as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """List the embedded networks: what they do, their size, licence, figures and limits."""
    from .runtime.models import card, names

    cards = [card(name) for name in names()]
    if as_json:
        typer.echo(json.dumps([_facts(c) for c in cards], indent=1))
        return
    for c in cards:
        for line in _described(c):
            typer.echo(line)


app.command("systems")(systems_command)
app.command("card")(card_command)
app.command("train")(train_command)
app.command("eval")(eval_command)
app.command("predict")(predict_command)
app.command("export")(export_command)
app.command("explain")(explain_command)


def _facts(c: Any) -> dict[str, Any]:
    keys = ("name", "task", "sha256", "licence", "parameters", "bytes", "input", "data", "figures", "limits")
    return {key: getattr(c, key) for key in keys} | c.more


def _described(c: Any) -> Iterator[str]:
    yield f"{c.name}: {c.task}"
    yield f"  {c.bytes / 1e6:.2f} MB, {c.parameters / 1e6:.2f} M parameters, {c.licence}, sha256 {c.sha256[:12]}"
    for row in c.figures:
        extra = f" (n = {row['n']})" if "n" in row else ""
        yield f"  {row['metric']}: {row['value']:g} {row.get('unit', '')} on {row['data']}{extra}".replace("  on", " on")
    for limit in c.limits:
        yield f"  limit: {limit}"
    yield ""


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Entry point of the command ``mien``."""
    try:
        # what a batch system or `timeout` sends ends a run as Ctrl-C does: files closed, rows kept
        signal.signal(signal.SIGTERM, _interrupt)
        app()
    except MienError as error:
        typer.echo(f"mien: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        # the reader of our output went away, as in `mien analyze ... --json | head`
        sys.stdout = None
        sys.exit(0)


if __name__ == "__main__":
    main()
