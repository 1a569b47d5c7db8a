"""HEADSET: posed expressions in a volumetric studio, with and without a head-mounted display."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..files import atomic
from ..labels import LabelSet
from .drawing import lines, picture
from .labels import term
from .layout import Layout, Place, pictures, rows, subfolders
from .sample import Category, Sample, Truth

KINDS = ("plain", "hmd")
Floats = NDArray[np.float64]
# numbers of a PLY file -> numpy's
TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4", "double": "f8",
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8",
}  # fmt: skip
ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass(frozen=True)
class Scan:
    """One point cloud: ``id`` is "person/kind/expression/frame", ``path`` its PLY file."""

    id: str
    path: Path


def read(root: Place, split: str) -> Iterator[Sample]:
    """Pictures of HEADSET, one for each camera and frame. ``clip`` is the recording, which all cameras share.

    Args:
        root: folder with a folder for each person.
        split: "plain", "hmd" (with the display) or "all".

    Raises:
        InputError: there is no recording, or a line of ``eyes.csv`` is wrong.
    """
    layout = Layout("headset", root)
    takes = _takes(layout, layout.split(split))
    names = sorted({term(folder.name) for folder in takes})
    eyes, path = {}, layout.root / "eyes.csv"
    if path.is_file():
        for row in rows(path):
            eyes[row.text("id")] = np.array([row.real(key) for key in ("x1", "y1", "x2", "y2")], np.float32).reshape(2, 2)
    return _samples(layout, takes, LabelSet("headset folders", tuple(names)), eyes)


def _takes(layout: Layout, split: str) -> list[Path]:
    kinds = KINDS if split == "all" else (split,)
    folders = [person / kind for person in subfolders(layout.root) for kind in kinds]
    found = [take for folder in folders if folder.is_dir() for take in subfolders(folder)]
    if not found:
        raise layout.missing("folder", *(f"P01/{kind}/happiness" for kind in kinds))
    return found


def _samples(layout: Layout, takes: list[Path], labels: LabelSet, eyes: dict[str, NDArray[np.float32]]) -> Iterator[Sample]:
    for take in takes:
        name, subject = take.relative_to(layout.root).as_posix(), take.parent.parent.name
        expression = Category(labels.index(term(take.name)), labels)
        for camera in subfolders(take / "rgb") if (take / "rgb").is_dir() else ():
            for path in pictures(camera):
                own = f"{name}/{camera.name}/{path.stem}"
                yield Sample(own, path, truth=Truth(expression, landmarks=eyes.get(own)), subject=subject, clip=name)


def scans(root: Place, split: str = "plain") -> Iterator[Scan]:
    """The point clouds of a split, person by person.

    Raises:
        InputError: there is no recording.
    """
    layout = Layout("headset", root)
    for take in _takes(layout, layout.split(split)):
        for path in sorted((take / "clouds").glob("*.ply")):
            yield Scan(f"{take.relative_to(layout.root).as_posix()}/{path.stem}", path)


def read_ply(path: Place) -> tuple[Floats, Floats | None]:
    """Points and normals of a PLY file, of its vertices only: (n, 3) and (n, 3), or None where it has no normals.

    Source: Turk (1994), "The PLY polygon file format". Text and both binary orders are read.

    Raises:
        InputError: no such file, another format, vertices that do not come first, hold lists or have no x, y and z, or are cut.
    """
    path = Path(path)
    head, mark, body = path.read_bytes().partition(b"end_header\n") if path.is_file() else (b"", b"", b"")
    words = [line.split() for line in head.decode("ascii", "replace").splitlines()]
    kind, count, columns = _header(words)
    if not mark or words[:1] != [["ply"]] or kind not in ORDERS or count < 1 or not {"x", "y", "z"} <= dict(columns).keys():
        raise InputError(f"{path} is no cloud", "a PLY file whose first element is vertex, of plain numbers with x, y and z")
    try:
        if kind == "ascii":
            rows_ = [line.split()[: len(columns)] for line in body.decode("ascii").splitlines()[:count]]
            table = dict(zip((name for name, _ in columns), np.array(rows_, np.float64).reshape(count, len(columns)).T))
        else:
            found = np.frombuffer(body, np.dtype([(name, ORDERS[kind] + form) for name, form in columns]), count)
            table = {name: found[name].astype(np.float64) for name, _ in columns}
    except ValueError as error:
        raise InputError(f"{path}: {error}", f"{count} vertices, as its head says", "get the file anew") from error
    points = np.stack([table[axis] for axis in "xyz"], 1)
    return points, np.stack([table[f"n{axis}"] for axis in "xyz"], 1) if {"nx", "ny", "nz"} <= table.keys() else None


def _header(words: list[list[str]]) -> tuple[str, int, list[tuple[str, str]]]:
    """Format, number of vertices (0 where they do not come first or hold lists), and their columns."""
    kind = next((line[1] for line in words if line[:1] == ["format"] and len(line) > 1), "")
    places = [k for k, line in enumerate(words) if line[:1] == ["element"]]
    if not places or len(words[places[0]]) != 3 or words[places[0]][1] != "vertex" or not words[places[0]][2].isdecimal():
        return kind, 0, []
    own = [line for line in words[places[0] : places[1] if len(places) > 1 else None] if line[:1] == ["property"]]
    if any(len(line) != 3 or line[1] not in TYPES for line in own):
        return kind, 0, []
    return kind, int(words[places[0]][2]), [(line[2], TYPES[line[1]]) for line in own]


def write_ply(path: Place, points: Floats, directions: Floats | None = None) -> None:
    """Write a cloud as binary PLY of float32: points (n, 3) and, if given, normals (n, 3)."""
    names = ["x", "y", "z", *(() if directions is None else ("nx", "ny", "nz"))]
    table = points if directions is None else np.concatenate([points, directions], 1)
    head = ["ply", "format binary_little_endian 1.0", f"element vertex {len(table)}", *(f"property float {n}" for n in names)]
    with atomic(path, "wb") as stream:
        stream.write("\n".join([*head, "end_header", ""]).encode("ascii") + np.asarray(table, "<f4").tobytes())


def fake(root: Place, seed: int = 0, count: int = 3) -> None:
    """Write a tiny HEADSET: ``count`` persons, the first with a display too, two expressions, two cameras, two frames, clouds."""
    rng, folder = np.random.default_rng(seed), Path(root)
    table = ["id,x1,y1,x2,y2"]
    for person in range(count):
        for kind in KINDS if person == 0 else KINDS[:1]:
            for name in ("happiness", "sadness"):
                take = f"P{person + 1:02d}/{kind}/{name}"
                for camera in ("cam00", "cam01"):
                    for frame in ("00000", "00001"):
                        picture(folder / take / "rgb" / camera / f"{frame}.png", rng, name, 64)
                        table.append(f"{take}/{camera}/{frame},20,25,44,27")
                (folder / take / "clouds").mkdir()
                ball = rng.normal(size=(300, 3))
                ball /= np.linalg.norm(ball, axis=1, keepdims=True)
                write_ply(folder / take / "clouds" / "00000.ply", ball * (8, 11, 9), ball)
    lines(folder / "eyes.csv", table)
