"""The command explain: what a network's answer for a face rests on, as a picture, as numbers and in a sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .attribution.ways import Method
from .cards import Card, card
from .errors import InputError
from .extras import need
from .files import atomic

if TYPE_CHECKING:
    from .attribution.methods import Explanation, Network, View
    from .media.rgb import RGB
    from .media.source import Item
    from .types import Frame

OUT = Path("mien-explained")
NOTE = "What the face shows and what the network answers to, not what a person feels."
SHOWN, PAD, TEXT = 384, 10, 15  # pixels: side of each of the two pictures of a face, rim and size of the text


def explain_command(
    sources: Annotated[list[str], typer.Argument(help="Pictures, folders, patterns.", show_default=False)],
    method: Annotated[
        Method,
        typer.Option(
            help="occlusion: which places the score needs. au: which action units are seen. counterfactual: which parts of the "
            "face would have to be missing for another label. gradcam: which features speak for it (needs --system)."
        ),
    ] = Method.occlusion,
    out: Annotated[Path, typer.Option(help="Folder for the pictures and the numbers.")] = OUT,
    system: Annotated[
        str | None, typer.Option(help="Explain this system.", show_default="the expression network of the package")
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Its weights: .safetensors, or .onnx.", show_default=False)] = None,
    layer: Annotated[str, typer.Option(help="Layer of gradcam.", show_default="the last with a map")] = "",
    threads: Annotated[int, typer.Option(help="Threads of each network.", min=1)] = 1,
) -> None:
    """Explain the expression that is read in each face of SOURCES: a heat map, numbers, and a sentence.

    Each map is judged by how the score falls while the places that it names are hidden (deletion) and rises while they are shown
    (insertion), beside maps of chance. Exit code: 0 when a face was explained, 2 when none could be.
    """
    from .attribution.methods import check
    from .media.source import items
    from .pipelines import Options, analyze_items

    network = _network(system, weights, layer, threads, method)
    check(network, method)
    found = list(items(sources, on_missing="item"))
    videos = [item.name for item in found if item.kind != "image"]
    if videos:
        raise InputError(f"{videos[0]} is a {found[0].kind if len(found) == 1 else 'video'}", "pictures", "save a frame of it")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: {error.strerror}", "a folder that can be written", "choose another with --out") from error
    rows: list[dict[str, Any]] = []
    for item, frame in analyze_items(found, Options(threads=threads)):
        if not len(frame.faces):
            typer.echo(f"{item.name}: {frame.reason or frame.status}", err=True)
        for row in explained(network, method, item, frame, out, {row["picture"] for row in rows}):
            rows.append(row)
            typer.echo(f"{item.name}, face {row['face']}: {row['sentence']}")
    if not rows:
        raise InputError("no face in any picture", "a picture with a face", "see what mien analyze says of it")
    path = out / f"{method.value}.json"
    with atomic(path) as stream:
        stream.write(json.dumps({"note": NOTE, "network": network.name, "faces": rows}, indent=1) + "\n")
    typer.echo(f"{NOTE}\n{path} and {len(rows)} pictures beside it")


def _network(system: str | None, weights: Path | None, layer: str, threads: int, method: Method) -> Network:
    from .attribution.networks import embedded, of_system

    if system is None:
        if weights is not None or layer:
            raise InputError("--weights or --layer without --system", "the name of the system that they belong to")
        return embedded(threads)
    entry = card(system)
    if weights is None:
        remedy = f"train them: mien train {entry.name} --data DATA"
        raise InputError(f"--system {entry.name} without --weights", "its weights", remedy)
    if method is Method.gradcam:
        need("torch", "train", "--method gradcam")
    return of_system(entry, _runner(entry, weights, threads), layer)


def _runner(entry: Card, weights: Path, threads: int) -> Any:
    from .predicting import runner_of

    return runner_of(entry, weights, threads)


def explained(
    network: Network, method: Method, item: Item, frame: Frame, folder: Path, taken: set[str]
) -> Iterator[dict[str, Any]]:
    """Explain all faces of a frame: a picture in the folder and a row of facts for each."""
    from .attribution.methods import explain, view
    from .media.image import write_image

    stem = re.sub(r"[^\w.-]+", "_", Path(item.name).stem).strip("._")[:80] or "source"
    for k in range(len(frame.faces)):
        seen = view(network, frame, k)
        found = explain(seen, method)
        name = _free(f"{stem}-face{k}-{method.value}", taken)
        write_image(folder / name, drawn(seen, found, frame))
        box = [round(float(v), 1) for v in frame.faces.boxes[k]]
        head = {"source": item.name, "face": k, "box": box, "method": method.value, "label": found.label}
        yield head | {"score": round(found.score, 4), "sentence": found.sentence, "picture": name} | found.facts


def _free(name: str, taken: set[str]) -> str:
    """A name of its own for each face: two files of one name in two folders must not meet."""
    k, free = 1, f"{name}.png"
    while free in taken:
        k += 1
        free = f"{name}-{k}.png"
    taken.add(free)
    return free


def drawn(seen: View, found: Explanation, frame: Frame) -> RGB:
    """The face as it is, beside it the face under the map, and below both what was found. -> (h, 2 SHOWN, 3)"""
    import numpy as np

    from .attribution.gradient import overlay
    from .geometry import align
    from .media.ink import blend, letters

    assert frame.image is not None
    grown = seen.transform * (SHOWN / len(seen.crop))
    # pixel centres lie at whole coordinates
    grown[:, 2] += (SHOWN / len(seen.crop) - 1) / 2
    face = align.warp(frame.image, grown, SHOWN)
    lines = [*_wrapped(found.sentence, 2 * SHOWN - 2 * PAD), *_judged(found.facts["faithfulness"])]
    masks = [letters(line, TEXT) for line in lines]
    height = sum(mask.shape[0] for mask in masks) + 2 * PAD
    sheet: RGB = np.full((SHOWN + height, 2 * SHOWN, 3), 24, np.uint8)
    sheet[:SHOWN, :SHOWN], sheet[:SHOWN, SHOWN:] = face, overlay(face, found.heat)
    y = SHOWN + PAD
    for mask in masks:
        blend(sheet, mask, PAD, y, (235, 235, 235))
        y += mask.shape[0]
    return sheet


def _judged(faithful: dict[str, Any] | None) -> list[str]:
    if faithful is None:
        return []
    both = [f"{name} {faithful[name]:.2f} (chance {faithful['random_' + name]:.2f})" for name in ("deletion", "insertion")]
    return [f"hiding what the map names, then showing it: {both[0]}, {both[1]}"]


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most that many pixels."""
    from .media.ink import letters

    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and letters(longer, TEXT).shape[1] > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
