"""Cards of published systems: what each claims, eats, gives and weighs, and what is proven of it so far.

A system is a file ``systems/<family>/<name>.toml`` and, once it is built, a module of the same name beside it. Listing,
documentation and reports read cards only, so this needs neither torch nor any system module.
"""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from functools import cache
from types import ModuleType

from ..errors import InputError, unknown_name
from ..extras import need
from ..files import PACKAGE
from .fields import Card, Figure, Parameters, Port, Weights, identifier
from .reading import load, read
from .words import COLOURS, CROPS, EXTRAS, FAMILIES, FIDELITIES, KINDS, LICENSED, SOURCES, TAGS, TASKS

__all__ = [
    "COLOURS", "CROPS", "EXTRAS", "FAMILIES", "FIDELITIES", "KINDS", "LICENSED", "SOURCES", "TAGS", "TASKS",
    "Card", "Figure", "Parameters", "Port", "Weights", "card", "identifier", "load", "module_of", "read",
    "systems",
]  # fmt: skip

FOLDER = PACKAGE / "systems"
CHECKOUT = PACKAGE.parent.parent


@cache
def systems() -> tuple[Card, ...]:
    """All systems of the catalogue, sorted by number. Only cards are read, once.

    Example:
        >>> systems()[0].short
        'ExpLLM'
    """
    # an installed package has no run records; whoever changes a card has the repository
    return load(FOLDER, CHECKOUT if (CHECKOUT / "pyproject.toml").is_file() else None)


def card(name: str | int) -> Card:
    """The card of one system.

    Args:
        name: its name, number, the paper's own name, or a spelling close to one system only.

    Raises:
        InputError: there is none; the message lists the three nearest.

    Example:
        >>> card("POSTER++").name, card(78).name, card("retina face").name
        ('poster_pp', 'adaface', 'retinaface')
    """
    known = {entry.name: entry for entry in systems()}
    asked = str(name).strip()
    if asked.isdecimal():
        found = [entry for entry in systems() if entry.number == int(asked)]
        if not found:
            numbers = f"one of {min(e.number for e in systems())} to {max(e.number for e in systems())}"
            raise InputError(f"no system has the number {asked}", numbers)
        return found[0]
    try:
        plain = identifier(asked)
    except InputError:
        raise unknown_name("system", asked, known) from None
    joined = {entry.name.replace("_", ""): entry for entry in systems()}
    if plain in known:
        return known[plain]
    if (squeezed := plain.replace("_", "")) in joined:
        return joined[squeezed]
    # a slip of the pen is forgiven only where it can mean one system
    near = get_close_matches(squeezed, joined, n=2, cutoff=0.85)
    if len(near) == 1:
        return joined[near[0]]
    raise unknown_name("system", asked, known)


def module_of(entry: Card, wanted: str = "") -> ModuleType:
    """The module of a system that is built.

    Args:
        entry: its card.
        wanted: a function that the module must have; empty for any.

    Raises:
        InputError: the system is only planned, or has no such function.
        MissingExtra: a package that it needs is not installed.

    Example:
        >>> module_of(card("humanlike_xai"), "evaluate").__name__
        'mien.systems.explain.humanlike_xai'
    """
    if entry.fidelity == "planned":
        raise InputError(f"{entry.short} is planned: there is only its card", "a system that is built", "see: mien systems")
    if {"torch", "train"} & set(entry.extras):
        need("torch", "train", entry.short)
    module = importlib.import_module(entry.module)
    if wanted and not hasattr(module, wanted):
        got = f"{entry.short} is a {entry.kind} without {wanted}()"
        raise InputError(got, f"a system with {wanted}()", f"see: mien card {entry.name}")
    return module
