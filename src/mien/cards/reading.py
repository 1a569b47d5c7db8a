"""Reading cards: TOML to dataclasses, with every key, type, name and level checked."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError, unknown_name
from ..labels import label_set
from .fields import Card, Figure, Parameters, Port, Weights, identifier
from .words import COLOURS, CROPS, EXTRAS, FAMILIES, FIDELITIES, KINDS, LICENSED, PROVEN_BY_RUNS, SOURCES, TAGS, TASKS


def _words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) and v for v in value)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


# what a value may be: words for the error, and the test
Test = tuple[str, Callable[[object], bool]]
_TEXT: Test = ("a text that is not empty", lambda v: isinstance(v, str) and bool(v.strip()))
_COUNT: Test = ("a whole number above 0", lambda v: isinstance(v, int) and not isinstance(v, bool) and v > 0)
_REAL: Test = ("a finite number", _number)
_LIST: Test = ("a list of words", _words)
_TABLE: Test = ("a table", lambda v: isinstance(v, dict))
_TABLES: Test = ("a list of tables", lambda v: isinstance(v, list) and all(isinstance(row, dict) for row in v))
_REALS: Test = ("a list of finite numbers", lambda v: isinstance(v, list) and all(_number(n) for n in v))
_SHAPE: Test = (
    "a list of whole numbers and letters",
    lambda v: isinstance(v, list) and all(isinstance(n, str) or _COUNT[1](n) for n in v),
)
_CARD_KEYS = {
    **dict.fromkeys(("name", "short", "title", "family", "kind", "task", "fidelity", "point", "paper"), _TEXT),
    **dict.fromkeys(("number", "year"), _COUNT),
    **dict.fromkeys(("extras", "differs"), _LIST),
    **dict.fromkeys(("licences", "parameters", "input", "output", "small", "xfail"), _TABLE),
    **dict.fromkeys(("weights", "figures"), _TABLES),
}
_FIGURE_KEYS = {
    **dict.fromkeys(("protocol", "metric", "by", "unit", "arm", "where", "run", "tag"), _TEXT),
    **dict.fromkeys(("value", "std", "tolerance"), _REAL),
    "seeds": _COUNT,
}
_PORT_KEYS = {
    **dict.fromkeys(("text", "colour", "crop", "labels", "activation", "decoder"), _TEXT),
    **dict.fromkeys(("mean", "std"), _REALS),
    "shape": _SHAPE,
}
_PARAMETER_KEYS = {**dict.fromkeys(("paper", "code", "ours"), _COUNT), "note": _TEXT}
_WEIGHT_KEYS = dict.fromkeys(("file", "sha256", "licence", "by"), _TEXT)


def checked(table: Mapping[str, Any], keys: Mapping[str, Test], required: Iterable[str], place: str) -> dict[str, Any]:
    """The content of a TOML table whose keys and types are known; lists become tuples.

    Args:
        table: as it was read.
        keys: for each key that may stand there, what is wanted in words and whether a value is that.
        required: keys that must stand there.
        place: file and table, for the messages.

    Raises:
        InputError: an unknown key (with the nearest), a value of another type, or a key that is missing.
    """
    for key, value in table.items():
        if key not in keys:
            raise unknown_name(f"key in {place}", key, keys)
        words, fits = keys[key]
        if not fits(value):
            raise InputError(f"{place}: {key} is {value!r}", words)
    missing = [key for key in required if key not in table]
    if missing:
        raise InputError(f"{place} has no {', '.join(missing)}", "that key", "add it")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _one_of(kind: str, value: str, known: Iterable[str], place: str) -> None:
    if value not in known:
        raise unknown_name(f"{kind} in {place}", value, known)


def _figure(row: Mapping[str, Any], place: str, root: Path | None) -> Figure:
    content = checked(row, _FIGURE_KEYS, ("protocol", "metric", "value", "by"), place)
    _one_of("by", content["by"], SOURCES, place)
    _one_of("tag", content.get("tag", ""), TAGS, place)
    for key in ("value", "std", "tolerance"):
        if key in content:
            content[key] = float(content[key])
    figure = Figure(**content)
    if figure.by != "ours" and figure.run:
        raise InputError(f"{place}: a figure by {figure.by} names the run {figure.run}", "a run for figures by ours only")
    if figure.by == "ours" and not figure.run:
        raise InputError(
            f"{place}: a figure by ours names no run", "the file of its run record", 'add run = "benchmarks/runs/..."'
        )
    if figure.run and root is not None and not (root / figure.run).is_file():
        raise InputError(f"{place}: there is no {figure.run}", "the file of a run record", "measure it, or take the figure out")
    return figure


def _ports(table: Mapping[str, Any], place: str) -> tuple[Port, ...]:
    ports = []
    for name, value in table.items():
        row = {"text": value} if isinstance(value, str) else value
        if not isinstance(row, dict):
            raise InputError(f"{place}: {name} is {value!r}", "a text or a table")
        content = checked(row, _PORT_KEYS, ("text",), f"{place}.{name}")
        if "labels" in content:
            label_set(content["labels"])
        for key, known in (("crop", CROPS), ("colour", COLOURS)):
            if key in content:
                _one_of(key, content[key], known, f"{place}.{name}")
        ports.append(Port(name, **content))
    return tuple(ports)


def _inner(content: dict[str, Any], place: str, root: Path | None) -> None:
    """Turn the tables inside a card into what they stand for, in place."""
    for key in ("input", "output"):
        content[key] = _ports(content.get(key, {}), f"{place}: {key}")
    content["licences"] = checked(content.get("licences", {}), dict.fromkeys(LICENSED, _TEXT), (), f"{place}: licences")
    content["parameters"] = Parameters(**checked(content.get("parameters", {}), _PARAMETER_KEYS, (), f"{place}: parameters"))
    content["figures"] = tuple(_figure(row, f"{place}: figure {i}", root) for i, row in enumerate(content.get("figures", ()), 1))
    weights = []
    for i, row in enumerate(content.get("weights", ()), 1):
        known = checked(row, _WEIGHT_KEYS, _WEIGHT_KEYS, f"{place}: weights {i}")
        _one_of("by", known["by"], SOURCES, f"{place}: weights {i}")
        weights.append(Weights(**known))
    content["weights"] = tuple(weights)


def read(path: Path, root: Path | None = None) -> Card:
    """Read one card.

    Args:
        path: ``<family>/<name>.toml``.
        root: the repository, where run records are looked for; None where there is none, as in an installed package.

    Raises:
        InputError: a key, type, family, kind, task, level, extra, source or label set is unknown (the message lists the
            nearest names), name and place of the file do not fit, or a level or figure lacks what earns it.
    """
    place = path.name
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{place}: {error}", "a TOML file in UTF-8") from error
    required = ("number", "name", "short", "title", "family", "kind", "task", "fidelity", "point")
    content = checked(table, _CARD_KEYS, required, place)
    for key, known in {"family": FAMILIES, "kind": KINDS, "task": TASKS, "fidelity": FIDELITIES}.items():
        _one_of(key, content[key], known, place)
    for extra in content.get("extras", ()):
        _one_of("extra", extra, EXTRAS, place)
    _inner(content, place, root)
    card = Card(**content)
    _placed(card, path)
    return card


def _placed(card: Card, path: Path) -> None:
    """Whether name, folder and level of a card are what its file says."""
    if card.name != path.stem or card.name != identifier(card.short):
        wanted = f"{identifier(card.short)!r}, from its short name {card.short!r}, in a file of that name"
        raise InputError(f"{path.name}: name is {card.name!r}", wanted)
    if card.family != path.parent.name:
        raise InputError(f"{path.name}: family is {card.family!r}, folder {path.parent.name!r}", "the same in both")
    if card.fidelity != "planned" and not path.with_suffix(".py").is_file():
        raise InputError(f"{path.name}: fidelity is {card.fidelity!r}", f"{card.name}.py beside it", "or the level 'planned'")
    if card.fidelity in PROVEN_BY_RUNS and not any(figure.by == "ours" for figure in card.figures):
        raise InputError(f"{path.name}: fidelity is {card.fidelity!r}", "a figure by ours that shows it", "or a lower level")
    if card.fidelity == "figure" and not _reproduced(card):
        wanted = "a figure by ours within the tolerance of a published one (same protocol, metric, unit and arm)"
        raise InputError(f"{path.name}: fidelity is 'figure'", wanted, "or a lower level")


def _reproduced(card: Card) -> bool:
    published = {f.key: f for f in card.figures if f.by != "ours" and f.tolerance is not None}
    pairs = [(f, published[f.key]) for f in card.figures if f.by == "ours" and f.key in published]
    return any(abs(ours.value - theirs.value) <= (theirs.tolerance or 0.0) for ours, theirs in pairs)


def load(folder: Path, root: Path | None = None) -> tuple[Card, ...]:
    """All cards below a folder, sorted by number.

    Raises:
        InputError: a card is wrong (see :func:`read`), or two share a number or a name.
    """
    cards = sorted((read(path, root) for path in folder.glob("*/*.toml")), key=lambda card: card.number)
    for key in ("number", "name"):
        seen: dict[object, Card] = {}
        for card in cards:
            other = seen.setdefault(getattr(card, key), card)
            if other is not card:
                raise InputError(f"{other.short} and {card.short} share the {key} {getattr(card, key)!r}", "one for each")
    return tuple(cards)
