"""Protocols as data: which samples are trained, tuned and tested on, what is asked of them, and how the answers are judged."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

from ..cards import TASKS
from ..cards.reading import Test, checked
from ..datasets import HOLDS, LABELLED, SourceCard, source
from ..datasets.labels import label_set
from ..datasets.splits import BY
from ..errors import InputError, unknown_name
from ..files import PACKAGE
from .measures import metric

FOLDER = PACKAGE / "protocols"
PARTS = ("train", "tune", "test")
FOLDS = {
    "none": "one division into parts",
    "listed": "the data set's own folds, which its read() takes as fold",
    "subject": "folds in which no person stands on both sides: as listed here, or else of similar size",
    "loso": "each subject in turn is the test part",
    "pairs": "folds of pairs; the threshold of each is chosen on the others",
}
AGGREGATES = ("single", "mean over folds", "pooled")
# field of the target -> what is judged
KINDS = {
    **dict.fromkeys(("expression", "majority", "votes", "gender", "race", "age_range"), "classes"),
    **dict.fromkeys(("units", "attributes"), "units"),
    **dict.fromkeys(("affect", "age", "pose", "intensity"), "numbers"),
    **dict.fromkeys(("identity", "pairs"), "pairs"),
    "landmarks": "landmarks",
    "boxes": "boxes",
    "pixels": "pixels",
    "faces": "faces",
}
# what is judged -> tasks of a card that give it
JUDGED = {
    "classes": ("classify", "sequence"),
    "units": ("multilabel", "sequence"),
    "numbers": ("regress", "sequence"),
    "pairs": ("embed",),
    "landmarks": ("landmarks",),
    "boxes": ("detect",),
    "pixels": ("reconstruct",),
    "faces": ("detect",),
}
COLUMNS = {"affect": ("valence", "arousal"), "age": ("age",), "pose": ("pitch", "yaw", "roll")}
# limits that a field can have, and what is judged then
LIMITS = {("intensity", ">="): "units", ("pose", "<="): "numbers"}
# what a view can say besides options of read()
VIEWS = ("split", "where")


@dataclass(frozen=True)
class Part:
    """Which samples a part reads.

    Args:
        split: split of the source; several with + between.
        options: what the source's ``read`` takes besides, such as ``{"clean": True}``.
        hold: share of the groups of the split that is held out: for the part that is trained on all that it leaves out, for a
            part with ``held`` what it takes.
        held: whether the part takes its share instead of leaving it out.
        by: what stays together when holding out: "subject", "clip" or "session". A sample without that name is a group of its
            own.
    """

    split: str
    options: dict[str, Any] = default(default_factory=dict)
    hold: float = 0.0
    held: bool = False
    by: str = "clip"

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that it reads, one after the other."""
        return tuple(name.strip() for name in self.split.split("+"))


@dataclass(frozen=True)
class Protocol:
    """How systems are compared on a data set; the fields are those of its TOML file.

    Args:
        name: such as "fer2013/7"; its file has _ for / and :.
        title: in words.
        sources: data sets that can feed it, each by itself.
        task: a key of :data:`mien.cards.TASKS`.
        parts: "train", "tune" and "test". Network, threshold and temperature are chosen on "tune" alone, never on "test".
        metrics: each with all that decides its number.
        select: the one of them that chooses on "tune".
        crop: what of the picture the system gets, in words.
        field: field of ``Truth`` that is the target; or "majority" (the class that most raters chose), "identity" (who is seen),
            "pairs", "pixels" (the picture itself, without a label), "faces" (the boxes of a picture with their expressions);
            "intensity >= 2" is presence, "pose <= 99" leaves out faces with a larger angle, in degrees.
        labels: label set; empty where the target has no classes.
        classes: those that count, in the order of the protocol; empty takes the whole set.
        merge: class of the data set -> class of the protocol, where they differ.
        views: further readings of the tested part, reported beside it: options of ``read``, ``split`` (another one), or
            ``where`` ("attributes blur": has it; "yaw 30 60": from 30 to below 60 degrees to either side).
        folds: one of :data:`FOLDS`.
        count: how many folds; 0 where there are none, or where the data decides.
        lists: the subjects of each fold; empty where nobody published them.
        aggregate: "single", "mean over folds" or "pooled" (all folds judged at once).
        groups: what belongs together when judging: "", "subject", "clip", "session", or "yaw" (three ranges of 30 degrees).
        published_on: what papers do that is not done here.
        paper: where the protocol comes from.
        note: what is to be known; what could not be confirmed is marked ``[inferred]`` or ``[recall]``.
    """

    name: str
    title: str
    sources: tuple[str, ...]
    task: str
    parts: dict[str, Part]
    metrics: tuple[str, ...]
    select: str
    crop: str
    field: str = "expression"
    labels: str = ""
    classes: tuple[str, ...] = ()
    merge: dict[str, str] = default(default_factory=dict)
    views: dict[str, dict[str, Any]] = default(default_factory=dict)
    folds: str = "none"
    count: int = 0
    lists: tuple[tuple[str, ...], ...] = ()
    aggregate: str = "single"
    groups: str = ""
    published_on: str = ""
    paper: str = ""
    note: str = ""

    @property
    def target(self) -> tuple[str, str, float]:
        """The field without its limit, and the limit: ("intensity", ">=", 2.0), or ("expression", "", 0.0)."""
        name, _, limit = self.field.partition(" ")
        sign, _, number = limit.partition(" ")
        return name, sign, float(number) if number else 0.0

    @property
    def kind(self) -> str:
        """What is judged: classes, units, numbers, pairs, landmarks, boxes, faces or pixels."""
        name, sign, _ = self.target
        return LIMITS[name, sign] if sign else KINDS[name]


def columns(entry: Protocol) -> tuple[str, ...]:
    """The names of the classes, units or numbers that a target holds, in order; empty where there are none.

    Example:
        >>> columns(protocol("affectnet/va")), columns(protocol("disfa/3-fold"))[:2]
        (('valence', 'arousal'), ('AU01', 'AU02'))
    """
    if entry.target[0] in COLUMNS:
        return COLUMNS[entry.target[0]]
    return entry.classes or (label_set(entry.labels).names if entry.labels else ())


def classes(entry: Protocol) -> tuple[str, ...]:
    """The classes or units of a protocol in its order; empty where its targets are something else.

    Example:
        >>> classes(protocol("fer2013/6"))
        ('happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear')
    """
    return columns(entry) if entry.kind in ("classes", "units", "faces") else ()


def _words(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) and v.strip() for v in value)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TEXT: Test = ("a text that is not empty", lambda v: isinstance(v, str) and bool(v.strip()))
_LIST: Test = ("a list of words", _words)
_LISTS: Test = ("a list of lists of words", lambda v: isinstance(v, list) and all(_words(row) for row in v))
_COUNT: Test = ("a whole number above 1", lambda v: isinstance(v, int) and not isinstance(v, bool) and v > 1)
_SHARE: Test = ("a share above 0 and below 1", lambda v: isinstance(v, float) and 0 < v < 1)
_FLAG: Test = ("true or false", lambda v: isinstance(v, bool))
_TABLE: Test = ("a table", lambda v: isinstance(v, dict))
_TABLES: Test = ("a table of tables", lambda v: isinstance(v, dict) and all(isinstance(row, dict) and row for row in v.values()))
_TEXTS: Test = ("a table of words", lambda v: isinstance(v, dict) and all(isinstance(w, str) and w for w in v.values()))
_KEYS: dict[str, Test] = {
    **dict.fromkeys(
        ("name", "title", "task", "field", "labels", "folds", "aggregate", "groups", "select", "crop", "published_on", "paper"),
        _TEXT,
    ),
    **dict.fromkeys(("sources", "classes", "metrics"), _LIST),
    **dict.fromkeys(("parts", "views"), _TABLES),
    "merge": _TEXTS,
    "lists": _LISTS,
    "count": _COUNT,
    "note": _TEXT,
}
_REQUIRED = ("name", "title", "sources", "task", "parts", "metrics", "select", "crop")
_PART: dict[str, Test] = {"split": _TEXT, "options": _TABLE, "hold": _SHARE, "held": _FLAG, "by": _TEXT}


def _one_of(kind: str, value: str, known: object, place: str) -> None:
    if value not in known:  # type: ignore[operator]
        raise unknown_name(f"{kind} in {place}", value, known)  # type: ignore[arg-type]


def read(path: Path) -> Protocol:
    """Read one protocol.

    Args:
        path: its TOML file.

    Raises:
        InputError: a key, data set, split, field, label set, class, task or metric is unknown (the message lists the nearest
            names), a value has another type, parts do not go together, or name and place of the file do not fit.
    """
    place = path.name
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{place}: {error}", "a TOML file in UTF-8") from error
    content = checked(table, _KEYS, _REQUIRED, place)
    parts = {}
    for name, row in content["parts"].items():
        _one_of("part", name, PARTS, place)
        parts[name] = Part(**checked(row, _PART, ("split",), f"{place}: parts.{name}"))
    content["parts"] = {name: parts[name] for name in PARTS if name in parts}
    content["lists"] = tuple(tuple(row) for row in content.get("lists", ()))
    entry = Protocol(**content)
    if entry.name.replace("/", "_").replace(":", "_") != path.stem:
        raise InputError(f"{place}: name is {entry.name!r}", f"{path.stem!r}, with / or : for _")
    _asked(entry, place)
    _folds(entry, place)
    _parts(entry, place)
    _judged(entry, place)
    return entry


def _asked(entry: Protocol, place: str) -> None:
    """Whether the target is one that the sources have, with its classes."""
    name, _, limit = entry.field.partition(" ")
    _one_of("field", name, KINDS, place)
    sign, _, number = limit.partition(" ")
    if limit and ((name, sign) not in LIMITS or not number.replace(".", "", 1).isdecimal()):
        raise InputError(f"{place}: field is {entry.field!r}", "a field such as 'intensity >= 2' or 'pose <= 99'")
    _one_of("task", entry.task, TASKS, place)
    if entry.task not in JUDGED[entry.kind]:
        raise InputError(
            f"{place}: task is {entry.task!r} with field {entry.field!r}", f"one of: {', '.join(JUDGED[entry.kind])}"
        )
    wanted = {"majority": "votes", "faces": "expression"}.get(name, name)
    for card in _sources(entry, place):
        for needed in (wanted, "boxes") if name == "faces" else (wanted,):
            if needed in HOLDS and needed not in card.holds:
                raise InputError(f"{place}: {card.short} has no {needed}", f"one of: {', '.join(card.holds)}")
    if bool(entry.labels) != (wanted in LABELLED):
        state = "there" if entry.labels else "missing"
        raise InputError(f"{place}: labels are {state} with field {entry.field!r}", "a label set with classes, and only there")
    if entry.labels:
        known = {*label_set(entry.labels).names, *entry.merge.values()}
        for label in entry.classes:
            _one_of("class", label, known, place)
    for label in entry.merge.values():
        _one_of("class in merge", label, columns(entry), place)
    if len(set(columns(entry))) != len(columns(entry)):
        raise InputError(f"{place}: a class stands twice", "each once")


def _sources(entry: Protocol, place: str) -> list[SourceCard]:
    cards = [source(name) for name in entry.sources]
    for card, name in zip(cards, entry.sources):
        if card.name != name:
            raise InputError(f"{place}: source {name!r}", f"{card.name!r}")
    return cards


def _parts(entry: Protocol, place: str) -> None:
    """Whether the splits exist, and the shares that are held out add up."""
    if "test" not in entry.parts:
        raise InputError(f"{place} has no part test", "what is judged")
    for name, part in entry.parts.items():
        _one_of(f"by in parts.{name}", part.by, BY, place)
        _splits(entry, part.splits, f"{place}: parts.{name}")
        if part.held and not part.hold:
            raise InputError(f"{place}: parts.{name} is held without a share", "hold = 0.1, or the like")
        others = [other for other in entry.parts.values() if other.held and other.split == part.split]
        kept = [other for other in entry.parts.values() if not other.held and other.hold and other.split == part.split]
        if part.hold and (len(kept) != 1 or abs(sum(other.hold for other in others) - kept[0].hold) > 1e-9):
            raise InputError(
                f"{place}: the shares held out of {part.split} do not go together",
                "one part that leaves out the sum of what the others take",
                "give the held parts held = true, and the one that is left the sum of their shares as hold",
            )
        if part.hold and any((other.by, other.options) != (part.by, part.options) for other in (*others, *kept)):
            raise InputError(f"{place}: the parts of {part.split} differ in by or options", "the same in all of them")
    _apart(entry, place)
    for name, view in entry.views.items():
        if "split" in view:
            _splits(entry, (str(view["split"]),), f"{place}: views.{name}")


def _apart(entry: Protocol, place: str) -> None:
    """Whether no two parts read the same samples: what they share is held out, or divided by the folds."""
    by_person = entry.folds in ("subject", "loso")
    for (first, a), (second, b) in combinations(entry.parts.items(), 2):
        held = a.split == b.split and a.hold and b.hold
        folded = by_person and second == "test" and not b.hold
        if set(a.splits) & set(b.splits) and not held and not folded:
            raise InputError(
                f"{place}: {first} and {second} both read {b.split}", "parts that share no sample", "hold a share out"
            )


def _splits(entry: Protocol, names: tuple[str, ...], place: str) -> None:
    for card in _sources(entry, place):
        for split in names:
            _one_of(f"split of {card.short}", split, card.splits, place)


def _folds(entry: Protocol, place: str) -> None:
    _one_of("folds", entry.folds, FOLDS, place)
    _one_of("aggregate", entry.aggregate, AGGREGATES, place)
    _one_of("groups", entry.groups, ("", "yaw", *BY), place)
    if (entry.folds == "none") != (entry.aggregate == "single"):
        raise InputError(
            f"{place}: folds are {entry.folds!r}, aggregate {entry.aggregate!r}", "'none' with 'single' and only there"
        )
    if bool(entry.count) != (entry.folds in ("listed", "subject", "pairs")):
        raise InputError(f"{place}: count is {entry.count} with folds {entry.folds!r}", "a count for listed, subject and pairs")
    names = [name for row in entry.lists for name in row]
    if names and (entry.folds != "subject" or len(entry.lists) != entry.count or len(set(names)) != len(names)):
        raise InputError(f"{place}: {len(entry.lists)} lists of subjects", "with folds 'subject' one for each, nobody in two")


def _judged(entry: Protocol, place: str) -> None:
    for word in entry.metrics:
        try:
            metric(entry.kind, word, columns(entry))
        except InputError as error:
            raise InputError(f"{place}: {error.got}", error.wanted, error.remedy) from error
    _one_of("metric to select", entry.select, entry.metrics, place)


def load(folder: Path = FOLDER) -> tuple[Protocol, ...]:
    """All protocols of a folder, sorted by name."""
    return tuple(sorted((read(path) for path in folder.glob("*.toml")), key=lambda entry: entry.name))


@cache
def protocols() -> tuple[Protocol, ...]:
    """All protocols, sorted by name, read once.

    Example:
        >>> [entry.name for entry in protocols() if "fer2013" in entry.sources][:2]
        ['fer2013/3', 'fer2013/6']
    """
    return load()


def protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        InputError: there is none; the message lists the nearest.

    Example:
        >>> protocol("raf-db/7").parts["test"].split
        'test'
    """
    known: Mapping[str, Protocol] = {entry.name: entry for entry in protocols()}
    if name not in known:
        raise unknown_name("protocol", name, known)
    return known[name]
