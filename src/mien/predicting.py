"""The commands that use trained systems: predict (on photos and videos) and export (to ONNX)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from .cards import Card, card
from .errors import InputError
from .extras import need
from .files import PACKAGE, atomic
from .runtime.onnx import OnnxRunner, Runner
from .types import Frame


def predict_command(
    sources: Annotated[list[str], typer.Argument(help="Pictures, videos, folders, patterns.", show_default=False)],
    system: Annotated[str, typer.Option(help="Name or number of a system.", show_default=False)],
    weights: Annotated[Path, typer.Option(help="Its weights: .onnx of mien export, or .safetensors of mien train.")],
    out: Annotated[Path | None, typer.Option(help="Write the rows (JSON lines) to this file.", show_default="the screen")] = None,
    every: Annotated[int, typer.Option(help="Look at every n-th frame of a video.", min=1)] = 1,
    threads: Annotated[int, typer.Option(help="Threads of each network.", min=1)] = 1,
) -> None:
    """Find the faces in SOURCES and run a system on each; one JSON row for each face.

    Exit code: 0 when something was read, 2 when nothing could be.
    """
    from .media.source import items
    from .pipelines import Options, analyze_items
    from .stages.predict import Predict

    entry = card(system)
    step = Predict(entry, runner_of(entry, weights, threads))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
    found = items(sources, on_missing="item")
    read = False
    with atomic(out) if out is not None else nullcontext(sys.stdout) as stream:
        for item, frame in analyze_items(found, Options(every=every, threads=threads)):
            read |= frame.status in ("ok", "no_face")
            for row in rows(entry, item.name, step([frame])[0]):
                stream.write(json.dumps(row) + "\n")
    raise typer.Exit(0 if read else 2)


def rows(entry: Card, source: str, frame: Frame) -> Iterator[dict[str, Any]]:
    """What a system said of each face of a frame; a frame without faces gives one row that says why."""
    place = {"system": entry.name, "source": source, "frame": frame.index, "time": round(frame.time, 4)}
    if not len(frame.faces):
        yield place | {"status": frame.status, "reason": frame.reason}
        return
    for k in range(len(frame.faces)):
        row = place | {"face": k, "status": "ok", "box": [round(float(v), 1) for v in frame.faces.boxes[k]]}
        if frame.faces.track is not None:
            row["track"] = int(frame.faces.track[k])
        scores = frame.faces.expression
        if scores is not None and any(port.labels for port in entry.output):
            row |= {"top": scores.top()[k], "scores": {name: round(v, 4) for name, v in scores.row(k).items()}}
        elif frame.faces.embedding is not None:
            row["embedding"] = [round(float(v), 5) for v in frame.faces.embedding[k]]
        yield row


def runner_of(entry: Card, weights: Path, threads: int = 1) -> Runner:
    """What runs the weights of a system: onnxruntime for .onnx, torch for .safetensors.

    Raises:
        InputError: no such file, another kind of file, or weights of another system.
    """
    if not weights.is_file():
        raise InputError(
            f"there is no file {weights}", "weights of the system", f"train them: mien train {entry.name} --data DATA"
        )
    if weights.suffix == ".onnx":
        return _onnx(entry, weights, threads)
    if weights.suffix != ".safetensors":
        raise InputError(f"weights {weights.name}", "a file .onnx or .safetensors")
    need("torch", "train", "weights that are not ONNX")
    from .runtime.torch import TorchRunner
    from .train.build import restore

    built, network = restore(weights, entry.name)
    _as_card(weights, built.unlike_card())
    return TorchRunner(network)


def _as_card(weights: Path, unlike: str) -> None:
    if unlike:
        raise InputError(
            f"{weights.name} was trained with other settings than the card's: {unlike}", "weights of the card's network"
        )


def _onnx(entry: Card, weights: Path, threads: int) -> OnnxRunner:
    runner = OnnxRunner(weights, threads)
    facts = runner.session.get_modelmeta().custom_metadata_map
    of = facts.get("system", "")
    if of != entry.name:
        raise InputError(f"{weights.name} holds {of or 'a network that mien did not export'}", f"weights of {entry.name}")
    _as_card(weights, facts.get("unlike_card", ""))
    return runner


def export_command(
    name: Annotated[str, typer.Argument(help="Name or number of a system.", show_default=False)],
    weights: Annotated[Path, typer.Option(help="Weights of mien train.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="The ONNX file.", show_default="NAME.onnx")] = None,
    full: Annotated[bool, typer.Option("--full", help="Keep weights as float32 instead of float16.")] = False,
    update: Annotated[bool, typer.Option("--card", help="Enter file, hash and licence into the card (in a checkout).")] = False,
    licence: Annotated[str, typer.Option(help="Licence of the weights, for the card.")] = "",
) -> None:
    """Write the ONNX file of trained weights, and beside it a golden input with its output; both are checked."""
    for module in ("torch", "onnx", "safetensors"):
        need(module, "train", "export")
    from .train.export import export

    if update and not licence:
        raise InputError("a card without the licence of the weights", "--licence, such as 'Apache-2.0'")
    entry = card(name)
    target = out or Path(f"{entry.name}.onnx")
    found = export(weights, target, entry.name, half=not full)
    typer.echo(f"{found.onnx} ({found.onnx.stat().st_size / 1e6:.2f} MB, sha256 {found.sha256})")
    typer.echo(f"{found.golden}")
    if update:
        path = PACKAGE / "systems" / entry.family / f"{entry.name}.toml"
        enter_weights(path, {"file": found.onnx.name, "sha256": found.sha256, "licence": licence, "by": "ours"})
        typer.echo(f"{path.name}: weights entered")


def enter_weights(path: Path, row: dict[str, str]) -> None:
    """Put a row of weights into a card, in place of the one with the same file name; the rest of the text stays as it is."""
    line = "  { " + ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in row.items()) + " },"
    lines = path.read_text("utf-8").splitlines()
    if "weights = [" in lines:
        first = lines.index("weights = [")
        last = lines.index("]", first)
        kept = [old for old in lines[first + 1 : last] if f'file = "{row["file"]}"' not in old]
        lines[first + 1 : last] = [*kept, line]
    else:
        # before the first table, for what follows a table's head belongs to it
        head = next((i for i, text in enumerate(lines) if text.startswith("[")), len(lines))
        while head and not lines[head - 1].strip():
            head -= 1
        lines[head:head] = ["weights = [", line, "]"]
    with atomic(path) as stream:
        stream.write("\n".join(lines) + "\n")
