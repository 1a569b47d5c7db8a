"""Cards of data sets: what each holds, in which order of classes, who may have it, and how its files lie on disk."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from ..cards import identifier
from ..cards.reading import Test, checked
from ..errors import InputError, unknown_name
from ..files import PACKAGE
from .labels import label_set

FOLDER = PACKAGE / "datasets"
ACCESS = {
    "open": "anyone may download it",
    "request": "asked for by form or mail",
    "agreement": "a signed agreement is asked for",
    "own": "files of the user",
}
# what a label set of a card is for: the fields of Truth that carry one
LABELLED = ("expression", "votes", "units", "intensity", "box_values", "age_range", "gender", "race", "attributes")
HOLDS = (*LABELLED, "affect", "boxes", "landmarks", "visible", "pose", "age")


@dataclass(frozen=True)
class SourceCard:
    """What is known of one data set; the fields are those of its TOML file.

    Args:
        name: identifier, the stem of its files.
        short: what the field calls it ("RAF-DB").
        title: title of the paper, or a description where there is none.
        access: one of :data:`ACCESS`.
        layout: how the files lie on disk; what could not be confirmed is marked ``[inferred]``.
        files: files or folders that the reader looks for, relative to the root.
        how: how to get it.
        splits: names that :func:`read` takes.
        holds: fields of :class:`~mien.datasets.sample.Truth` that its samples can have.
        paper: where it was published; empty when not known.
        url: its page; empty when not known.
        year: of publication.
        licence: terms of use, as far as known.
        facts: where the counts come from.
        subjects: how many persons.
        counts: samples by split, where known.
        labels: field of ``Truth`` -> name of its label set.
        modules: optional packages that its reader needs.
    """

    name: str
    short: str
    title: str
    access: str
    layout: str
    files: tuple[str, ...]
    how: str
    splits: tuple[str, ...]
    holds: tuple[str, ...]
    paper: str = ""
    url: str = ""
    year: int | None = None
    licence: str = ""
    facts: str = ""
    subjects: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """Import path of its reader, a module with ``read(root, split)`` and ``fake(root, seed)``."""
        return f"mien.datasets.{self.name}"

    @property
    def confirmed(self) -> bool:
        """Whether the whole layout was confirmed at a source."""
        return "[inferred]" not in self.layout


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


# words for the error, and the test
_TEXT: Test = ("a text that is not empty", _text)
_COUNT: Test = ("a whole number above 0", _count)
_LIST: Test = ("a list of words", lambda v: isinstance(v, list) and all(_text(w) for w in v))
_TEXTS: Test = ("a table of texts", lambda v: isinstance(v, dict) and all(_text(w) for w in v.values()))
_COUNTS: Test = ("a table of whole numbers above 0", lambda v: isinstance(v, dict) and all(_count(n) for n in v.values()))
_KEYS: dict[str, Test] = {
    **dict.fromkeys(
        ("name", "short", "title", "access", "layout", "how", "paper", "url", "licence", "facts"),
        _TEXT,
    ),
    **dict.fromkeys(("year", "subjects"), _COUNT),
    **dict.fromkeys(("files", "splits", "holds", "modules"), _LIST),
    "labels": _TEXTS,
    "counts": _COUNTS,
}
_REQUIRED = ("name", "short", "title", "access", "layout", "files", "how", "splits", "holds")


def read_card(path: Path) -> SourceCard:
    """Read one card.

    Args:
        path: ``<name>.toml``, beside the module ``<name>.py``.

    Raises:
        InputError: a key, access, split, field or label set is unknown (the message lists the nearest names), a value has
            another type, or name and place of the file do not fit.
    """
    place = path.name
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{place}: {error}", "a TOML file in UTF-8") from error
    card = SourceCard(**checked(table, _KEYS, _REQUIRED, place))
    if card.access not in ACCESS:
        raise unknown_name(f"access in {place}", card.access, ACCESS)
    for key in card.holds:
        if key not in HOLDS:
            raise unknown_name(f"holds in {place}", key, HOLDS)
    for split in card.counts:
        if split not in card.splits:
            raise unknown_name(f"split in {place}: counts", split, card.splits)
    for key, labels in card.labels.items():
        if key not in LABELLED or key not in card.holds:
            raise unknown_name(f"field in {place}: labels", key, [k for k in LABELLED if k in card.holds])
        label_set(labels)
    if card.name != path.stem or card.name != identifier(card.name):
        raise InputError(f"{place}: name is {card.name!r}", f"{path.stem!r}, the name of the file, in lower case")
    return card


def load_cards(folder: Path = FOLDER) -> tuple[SourceCard, ...]:
    """All cards of a folder, sorted by name."""
    return tuple(read_card(path) for path in sorted(folder.glob("*.toml")))
