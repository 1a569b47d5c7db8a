"""The commands that train, judge and use systems: train, eval, predict, export. torch is imported when one of them runs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cards import Card, card, module_of
from .errors import InputError
from .extras import need
from .record import Run, command_line, data_hash
from .settings import argument, split

if TYPE_CHECKING:
    from .metrics.table import Table
    from .train.judge import Question
    from .train.run import Listener

Name = Annotated[str, typer.Argument(help="Name or number of a system.", show_default=False)]
Data = Annotated[Path, typer.Option(help="Folder of the data set.", show_default=False)]
Set = Annotated[list[str] | None, typer.Option("--set", help="Change a setting: --set optim.rate=3e-5 --set model.blocks=4.")]
SourceName = Annotated[str | None, typer.Option(help="Name of the data set.", show_default="the one that lies there")]
Threads = Annotated[int, typer.Option(help="Threads of the processor; 0 for as many as torch takes.", min=0)]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
Record = Annotated[Path | None, typer.Option(help="Write a run record (JSON) to this file.", show_default=False)]


def _torch() -> None:
    for module in ("torch", "lightning_fabric", "safetensors"):
        need(module, "train", "training and judging networks")


# train ----------------------------------------------------------------------------------------------------------------
def train_command(
    name: Name,
    data: Data,
    out: Annotated[Path | None, typer.Option(help="Folder; a run begun there goes on.", show_default="runs/NAME")] = None,
    settings: Set = None,
    source: SourceName = None,
    teacher: Annotated[Path | None, typer.Option(help="Weights that label the samples.", show_default=False)] = None,
    init: Annotated[Path | None, typer.Option(help="Weights to begin with.", show_default=False)] = None,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
    devices: Annotated[int, typer.Option(help="Devices on each machine.", min=1)] = 1,
    nodes: Annotated[int, typer.Option(help="Machines.", min=1)] = 1,
    fold: Annotated[int | None, typer.Option(help="Number of the fold, from 1, where the protocol has folds.")] = None,
    strategy: Annotated[str, typer.Option(help="auto, ddp, fsdp: how several devices share the work.")] = "auto",
    threads: Threads = 0,
    workers: Annotated[int, typer.Option(help="Processes that read pictures not kept in memory.", min=0)] = 0,
    quiet: Quiet = False,
) -> None:
    """Train a system on a data set. Stopped by Ctrl-C or killed, the same command goes on where it was: to the bit
    on a CPU with the same number of threads."""
    _torch()
    from .train.run import Machine, Order, train

    folder = out or Path("runs") / card(name).name
    order = Order(name, data, folder, tuple(settings or ()), source, teacher, init, fold)
    machine = Machine(accelerator, devices, nodes, strategy, threads, workers)
    try:
        with _progress(quiet) as listener:
            path = train(order, machine, listener)
    except KeyboardInterrupt:
        typer.echo(f"stopped; the same command goes on from {folder}", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"weights: {path}")
    typer.echo(f"judge them with: mien eval {card(name).name} --data DATA --weights {path}")


# eval -----------------------------------------------------------------------------------------------------------------
def eval_command(
    name: Name,
    data: Data,
    weights: Annotated[
        list[Path] | None,
        typer.Option(help="Weights of mien train; of several seeds: mean and spread.", show_default=False),
    ] = None,
    protocol: Annotated[str | None, typer.Option(help="Judge under this protocol.", show_default="that of the training")] = None,
    part: Annotated[str | None, typer.Option(help="test or tune.", show_default="test where the protocol has one")] = None,
    source: SourceName = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="An option of a study: --set limit=100.")] = None,
    record: Record = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    threads: Threads = 0,
    quiet: Quiet = False,
) -> None:
    """Judge a system under its protocol: weights on a data set, or what a benchmark or study computes from its files."""
    start, entry = time.perf_counter(), card(name)
    if weights:
        if settings:
            raise InputError("--set beside --weights", "one of them", "the weights hold the settings of their training")
        _torch()
        from .train.judge import Question

        rows, run = _weighed(entry, Question(data, part, source, protocol), weights, threads, quiet or as_json)
    else:
        rows, run = _computed(entry, data, settings or [])
    if record is not None:
        run = {"seeds": (), "device": "cpu", "more": {}} | run
        hashes = {run.pop("source", data.name): data_hash(data)}
        Run(entry.name, rows, hashes, seconds=time.perf_counter() - start, command=command_line(), **run).write(record)
    typer.echo(json.dumps(rows, indent=1) if as_json else _shown(rows))


def _weighed(
    entry: Card, question: Question, weights: Sequence[Path], threads: int, quiet: bool
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    from .files import sha256
    from .train.build import facts_of
    from .train.judge import evaluate, folded, summary
    from .train.run import Machine

    machine = Machine(threads=threads)
    with _progress(quiet) as listener:
        judged = [evaluate(path, question, entry.name, machine, listener) for path in weights]
    seeds = folded(judged)
    more = {
        "trained": [facts_of(path) | {"sha256": sha256(path)} for path in weights],
        "by_seed": [[table.records() for table in tables] for tables in seeds],
    }
    run = {"seeds": tuple(sorted({one.seed for one in judged})), "device": judged[0].device, "more": more}
    return summary(seeds), run | {"source": judged[0].source}


def _computed(entry: Card, data: Path, settings: Sequence[str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    module = module_of(entry)
    if not hasattr(module, "evaluate"):
        raise InputError(
            f"{entry.short} without --weights", "weights to judge", f"train them: mien train {entry.name} --data DATA"
        )
    tables: list[Table] = module.evaluate(data, **_options(module.evaluate, settings))
    return [row for table in tables for row in table.records()], {}


def _options(function: Any, settings: Sequence[str]) -> dict[str, Any]:
    return {name: argument(function, name, value) for name, value in map(split, settings)}


def _shown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as text, a table for each protocol; shares in their own unit, as the metric gives them."""
    lines: list[str] = []
    for name in dict.fromkeys(str(row["protocol"]) for row in rows):
        own = [row for row in rows if row["protocol"] == name]
        cells = [("metric", "value", "95 % interval", "constant", "n"), *(_cells(row) for row in own)]
        widths = [max(len(row[i]) for row in cells) for i in range(5)]
        lines += [name, *("  " + "  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in cells), ""]
    return "\n".join(lines).rstrip()


def _cells(row: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    def number(key: str) -> str:
        return "" if row.get(key) is None else f"{row[key]:.4f}"

    spread = f" ± {row['std']:.4f}" if row.get("std") is not None else ""
    span = f"{number('low')} to {number('high')}" if row.get("low") is not None else ""
    return str(row["metric"]), number("value") + spread, span, number("constant"), str(row["n"])


# Progress -------------------------------------------------------------------------------------------------------------
@contextmanager
def _progress(quiet: bool) -> Iterator[Listener]:
    """Bars for people, plain lines of the epochs for files, nothing when quiet."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from .train.run import Listener

    console = Console(stderr=True)

    def epoch(figures: Mapping[str, float]) -> None:
        words = ", ".join(f"{key} {value:.4f}" for key, value in figures.items() if key not in ("epoch", "seconds"))
        console.print(f"epoch {figures['epoch']:.0f}: {words} ({figures['seconds']:.0f} s)", highlight=False, soft_wrap=True)

    if quiet or not console.is_terminal:
        yield Listener() if quiet else Listener(epoch=epoch)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: list[Any] = []

        def stage(words: str, length: int) -> None:
            for old in tasks:
                bars.remove_task(old)
            tasks[:] = [bars.add_task(words, total=length)]

        yield Listener(stage, lambda done: bars.update(tasks[0], completed=done), epoch)
