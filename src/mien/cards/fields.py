"""What a card holds: frozen dataclasses, and the rule that makes names."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError


@dataclass(frozen=True)
class Figure:
    """One number, with what it measures and who says so.

    Args:
        protocol: data set and way to judge ("dfew/5-fold", "ijb-c/1:1").
        metric: the field's name of it ("WAR", "NME", "TAR@FAR=1e-4").
        value: the number, in ``unit``.
        by: "paper", "authors" or "ours".
        unit: "%", "mm", "degrees" ...; empty for a ratio or a score without unit.
        arm: which variant or rival it belongs to; empty for the system as published.
        where: place in the source, when known ("table 3", "abstract").
        run: run record of a figure of ours, relative to the repository.
        seeds: how many seeds it is the mean of.
        std: standard deviation over them, in ``unit``.
        tolerance: how far ours may lie from a published figure to count as reproduced, in ``unit``.
        tag: why to doubt it, one of :data:`mien.cards.TAGS`; empty when it was read at its source.
    """

    protocol: str
    metric: str
    value: float
    by: str
    unit: str = ""
    arm: str = ""
    where: str = ""
    run: str = ""
    seeds: int | None = None
    std: float | None = None
    tolerance: float | None = None
    tag: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it measures: figures with the same key can be compared."""
        return (self.protocol, self.metric, self.unit, self.arm)


@dataclass(frozen=True)
class Port:
    """One named input or output: a line of text, and for runnable systems how to make or read the tensor."""

    name: str
    text: str
    shape: tuple[int | str, ...] = ()
    colour: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    crop: str = ""
    labels: str = ""
    activation: str = ""
    decoder: str = ""


@dataclass(frozen=True)
class Parameters:
    """How many numbers are trained: as printed in the paper, counted on the authors' code, counted on ours."""

    paper: int | None = None
    code: int | None = None
    ours: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Weights:
    """A file of trained weights that can be had."""

    file: str
    sha256: str
    licence: str
    by: str


@dataclass(frozen=True)
class Card:
    """What is known of one published system; the fields are those of its TOML file.

    Args:
        number: its number in the catalogue.
        name: identifier, the stem of its files; :func:`identifier` of ``short``.
        short: what its paper calls it ("POSTER++").
        title: title of the paper.
        family, kind, task, fidelity: one of :data:`mien.cards.FAMILIES`, ``KINDS``, ``TASKS``, ``FIDELITIES``.
        point: what is new, in one or two sentences.
        paper: where it was published; empty when not known.
        year: of publication, or of the preprint; None when not known.
        extras: optional parts of mien that it needs.
        licences: of code, weights and data, as far as known.
        parameters: how many numbers are trained.
        differs: where ours departs from the paper, one line each.
        input, output: named tensors or texts.
        weights: files of weights.
        figures: published figures and ours.
        small: settings of the network with which tests build it, where the published one is too large for that.
        xfail: promise of the conformance suite -> why it is not kept.
    """

    number: int
    name: str
    short: str
    title: str
    family: str
    kind: str
    task: str
    fidelity: str
    point: str
    paper: str = ""
    year: int | None = None
    extras: tuple[str, ...] = ()
    licences: dict[str, str] = field(default_factory=dict)
    parameters: Parameters = Parameters()
    differs: tuple[str, ...] = ()
    input: tuple[Port, ...] = ()
    output: tuple[Port, ...] = ()
    weights: tuple[Weights, ...] = ()
    figures: tuple[Figure, ...] = ()
    small: dict[str, Any] = field(default_factory=dict)
    xfail: dict[str, str] = field(default_factory=dict)

    @property
    def module(self) -> str:
        """Import path of the system, which exists from the level "built" on."""
        return f"mien.systems.{self.family}.{self.name}"


def identifier(short: str) -> str:
    """The name that a paper's own name becomes: lower case, ``+`` as ``p``, everything else that is no letter as ``_``.

    Raises:
        InputError: nothing that Python can import is left.

    Example:
        >>> identifier("POSTER++"), identifier("AdaFace"), identifier("Hyp-OC")
        ('poster_pp', 'adaface', 'hyp_oc')
    """
    plain = unicodedata.normalize("NFKD", short).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"\++", lambda found: "_" + "p" * len(found[0]), plain)
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not name.isidentifier():
        raise InputError(f"{short!r} gives the name {name!r}", "a name that Python can import", "give the card a short name")
    return name
