"""From a protocol and a data set to samples, targets, pairs and groups."""

from __future__ import annotations

import importlib
import inspect
import logging
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets.fer2013 import majority
from ..datasets.labels import label_set
from ..datasets.sample import Category, Folder, Pair, Picture, Sample, Source, Truth, Values
from ..datasets.splits import keys, parts
from ..errors import InputError, unknown_name
from ..metrics.folds import subject_folds
from .reading import VIEWS, Part, Protocol, columns

log = logging.getLogger(__name__)

Target = NDArray[Any]


# Samples --------------------------------------------------------------------------------------------------------------------
def samples(
    protocol: Protocol, source: Source, part: str, view: str = "", fold: int | None = None, seed: int = 0
) -> list[Sample]:
    """The samples of a part that have a target, in the order of the data set.

    Args:
        protocol: what is asked.
        source: one of its data sets.
        part: "train", "tune" or "test".
        view: one of the protocol's further readings; empty for the plain one.
        fold: number of the fold, from 1, where the protocol has folds (:func:`folds`).
        seed: of what is held out; train and tune must be asked for with the same.

    Raises:
        InputError: another data set, an unknown part or view, a fold missing or out of range, an option that the data set does
            not have, or a part without a sample.
    """
    if source.card.name not in protocol.sources:
        raise unknown_name(f"source of {protocol.name}", source.card.name, protocol.sources)
    if part not in protocol.parts:
        raise unknown_name(f"part of {protocol.name}", part, protocol.parts)
    if view and view not in protocol.views:
        raise unknown_name(f"view of {protocol.name}", view, protocol.views)
    chosen, seen = protocol.parts[part], protocol.views.get(view, {})
    options = _fold_option(protocol, source, fold) | chosen.options
    found = _read(protocol, source, chosen.splits, options)
    if protocol.folds in ("subject", "loso"):
        place = _folded(protocol, found)
        found = [sample for sample, k in zip(found, place) if (k == fold) == (part == "test")]
    if chosen.hold:
        found = _held(protocol, part, found, seed)
    if seen:
        found = _seen(protocol, source, chosen, seen, options, found)
    if not found:
        where = f"{protocol.name}: {source.card.short} has no sample in {part}{f' ({view})' if view else ''}"
        remedy = "judge on tune where the data set keeps its test part to itself" if part == "test" else "look at the folder"
        raise InputError(where, f"samples with {protocol.field} in {chosen.split}", remedy)
    return found


def _fold_option(protocol: Protocol, source: Source, fold: int | None) -> dict[str, Any]:
    """The fold as an option of ``read``; only checked where the protocol makes the folds itself."""
    if protocol.folds in ("none", "pairs"):
        if fold is not None:
            raise InputError(f"fold {fold} of {protocol.name}", "no fold: it is judged at once")
        return {}
    known = range(1, protocol.count + 1) if protocol.count else folds(protocol, source)
    if fold not in known:
        raise InputError(f"fold {fold} of {protocol.name}", f"1 to {len(known)}", "loop over mien.protocols.folds(...)")
    return {"fold": fold} if protocol.folds == "listed" else {}


def _opened(source: Source, options: dict[str, Any]) -> Source:
    """The source with these options of its ``read`` on top of its own."""
    if not options:
        return source
    if not isinstance(source, Folder):
        raise InputError(f"{source.card.short} with {', '.join(options)}", "a data set on disk (mien.datasets.sample.Folder)")
    _known_options(source, options)
    return source.with_options(**options)


def _known_options(source: Source, options: dict[str, Any]) -> None:
    known = inspect.signature(importlib.import_module(source.card.module).read).parameters
    for name in options:
        if name not in known:
            raise unknown_name(f"option of {source.card.short}", name, [key for key in known if key not in ("root", "split")])


def _read(protocol: Protocol, source: Source, splits: Sequence[str], options: dict[str, Any]) -> list[Sample]:
    opened = _opened(source, options)
    found = [sample for split in splits for sample in opened.samples(split)]
    if protocol.kind == "faces":
        return pictures(protocol, found)
    if protocol.kind == "pairs" or not found:
        return found
    told = [_told(_target(protocol, sample)) for sample in found]
    lost = len(told) - sum(told)
    if lost:
        log.info("%s: %d of %d samples of %s have no target", protocol.name, lost, len(told), source.card.short)
    return [sample for sample, kept in zip(found, told) if kept]


def _told(target: Target | float | None) -> bool:
    return target is not None and not (np.asarray(target).size and bool(np.isnan(target).all()))


def _folded(protocol: Protocol, found: Sequence[Sample]) -> list[int]:
    """The fold of each sample, from 1, by its subject."""
    people = keys(found).tolist()
    if protocol.folds == "loso":
        order = {name: k for k, name in enumerate(dict.fromkeys(people), 1)}
    elif protocol.lists:
        order = {name: k for k, row in enumerate(protocol.lists, 1) for name in row}
        for name in people:
            if name not in order:
                raise InputError(f"{protocol.name}: subject {name} is in no fold", "one of the published lists", "leave it out")
    else:
        order = dict(zip(people, (subject_folds(people, protocol.count) + 1).tolist()))
    return [order[name] for name in people]


def _held(protocol: Protocol, name: str, found: list[Sample], seed: int) -> list[Sample]:
    """What a part takes of the samples that it shares with others: all groups are dealt once, alike for every part."""
    chosen = protocol.parts[name]
    takers = {key: part.hold for key, part in protocol.parts.items() if part.held and part.split == chosen.split}
    shares = [1 - sum(takers.values()), *takers.values()]
    own = 1 + list(takers).index(name) if chosen.held else 0
    if not found:
        return found
    kinds = np.nan_to_num(targets(protocol, found), nan=-1) if protocol.kind == "classes" else None
    rng = np.random.default_rng([seed, zlib.crc32(b"held out")])
    place = parts(keys(found, chosen.by, "own"), shares, rng, kinds.argmax(1) if kinds is not None and kinds.ndim == 2 else kinds)
    return [sample for sample, k in zip(found, place) if k == own]


def _seen(
    protocol: Protocol, source: Source, chosen: Part, view: dict[str, Any], options: dict[str, Any], plain: list[Sample]
) -> list[Sample]:
    """The samples of a view; of a part that is held out or folded only those that it has anyway."""
    splits = (str(view["split"]),) if "split" in view else chosen.splits
    options = options | {key: value for key, value in view.items() if key not in VIEWS}
    if "split" not in view and "where" in view and len(view) == 1:
        found = plain
    else:
        found = _read(protocol, source, splits, options)
        if chosen.hold or protocol.folds != "none":
            ids = {sample.id for sample in plain}
            found = [sample for sample in found if sample.id in ids]
    return [sample for sample in found if _where(sample, str(view["where"]))] if "where" in view else found


def _where(sample: Sample, words: str) -> bool:
    """Whether a sample fits "attributes blur" or "yaw 30 60"."""
    field, *rest = words.split()
    if field == "attributes" and len(rest) == 1:
        values = sample.truth.attributes
        return values is not None and bool(values[rest[0]] == 1)
    if field == "yaw" and len(rest) == 2:
        pose = sample.truth.pose
        return pose is not None and float(rest[0]) <= abs(np.degrees(pose[1])) < float(rest[1])
    raise InputError(f"where is {words!r}", "'attributes <name>' or 'yaw <from> <to>'")


def views(protocol: Protocol, source: Source) -> tuple[str, ...]:
    """The further readings that a data set can give: those whose options its ``read`` takes.

    Example:
        >>> from mien.protocols import protocol
        >>> from mien.datasets.sample import Folder
        >>> [views(protocol("fer2013/7"), Folder(name, ".")) for name in ("fer2013", "fer_mosaics")]
        [(), ('clean',)]
    """
    known = set(inspect.signature(importlib.import_module(source.card.module).read).parameters) | set(VIEWS)
    return tuple(name for name, view in protocol.views.items() if set(view) <= known)


def folds(protocol: Protocol, source: Source) -> tuple[int, ...]:
    """The numbers of the folds, from 1; empty where a protocol is judged at once.

    Args:
        protocol: what is asked.
        source: one of its data sets; it is read where the data decides how many folds there are (one for each subject).
    """
    if protocol.folds in ("none", "pairs"):
        return ()
    if protocol.folds != "loso":
        return tuple(range(1, protocol.count + 1))
    part = protocol.parts["test"]
    people = keys(_read(protocol, source, part.splits, part.options))
    return tuple(range(1, len(np.unique(people)) + 1))


def pairs(protocol: Protocol, source: Source) -> Iterator[Pair]:
    """The pairs of a protocol of verification, in the order of their list; they name samples, or templates (``session``).

    Raises:
        InputError: the protocol has no pairs, another data set, or the list is missing or wrong.
    """
    if protocol.target[0] != "pairs":
        raise InputError(f"{protocol.name} has field {protocol.field!r}", "a protocol with pairs")
    if source.card.name not in protocol.sources or not isinstance(source, Folder):
        raise unknown_name(f"source of {protocol.name}", source.card.name, protocol.sources)
    yield from importlib.import_module(source.card.module).pairs(source.root)


# Targets --------------------------------------------------------------------------------------------------------------------
def targets(protocol: Protocol, samples: Sequence[Sample] | Sequence[Pair]) -> Target:
    """What is wanted for each sample, in the order and classes of the protocol; NaN where there is no label.

    Args:
        protocol: what is asked.
        samples: from :func:`samples`; of a protocol with pairs the pairs.

    Returns:
        Of classes (n,) codes; of "votes" (n, classes) shares that sum to 1, NaN where "unknown" or another class that does not
        count leads; of units and attributes (n, classes) 0, 1 or NaN; of numbers (n, k), pose in radians; of landmarks
        (n, k, 2) pixels; of "identity" (n,) numbers of persons in the order of their names; of pairs (n,) 1 for the same
        person; of pixels (n,) zeros, the error that is wanted; of boxes (n,) arrays (m, 5): x1 y1 x2 y2 in pixels, and 0 for a
        box that does not count, else 1; of faces (n, m, 5): x1 y1 x2 y2 as shares of the picture's width and height, and the
        class, NaN for one that does not count, with rows of NaN where a picture has fewer than m.

    Raises:
        InputError: a sample has labels by frame, or landmarks of another number than the rest.
    """
    if protocol.target[0] == "pairs":
        return np.array([float(_pair(item).same) for item in samples], np.float64)
    found = [_sample(item) for item in samples]
    if protocol.target[0] == "identity":
        people = keys(found)
        return np.unique(people, return_inverse=True)[1].astype(np.float64)
    rows = [_target(protocol, sample) for sample in found]
    if protocol.kind == "boxes":
        out = np.empty(len(rows), object)
        for place, row in enumerate(rows):
            out[place] = np.zeros((0, 5)) if row is None else row
        return out
    if protocol.kind == "faces":
        most = max((len(row) for row in rows if row is not None), default=0)
        return np.array([np.pad(row, ((0, most - len(row)), (0, 0)), constant_values=np.nan) for row in rows if row is not None])
    shapes = {np.shape(row) for row in rows if row is not None}
    if len(shapes) > 1:
        raise InputError(f"{protocol.name}: targets of the shapes {sorted(shapes)}", "one shape", "leave the others out")
    empty = np.full(next(iter(shapes), ()), np.nan)
    return np.array([empty if row is None else row for row in rows], np.float64)


def _sample(item: Sample | Pair) -> Sample:
    if not isinstance(item, Sample):
        raise InputError("pairs", "samples", "only a protocol with pairs is asked for these")
    return item


def _pair(item: Sample | Pair) -> Pair:
    if not isinstance(item, Pair):
        raise InputError("samples", "pairs, from mien.protocols.pairs(...)")
    return item


def _target(protocol: Protocol, sample: Sample) -> Target | None:
    """The target of one sample; None where there is no label at all."""
    name, sign, limit = protocol.target
    truth = sample.truth
    if name == "faces":
        return _faces(protocol, sample)
    if name == "pixels":
        return np.zeros(())  # the error that is wanted: every picture has it
    if name in ("majority", "votes"):
        return _votes(protocol, truth.votes, name)
    value = getattr(truth, name)
    if value is None:
        return None
    if isinstance(value, Category):
        return _code(protocol, value)
    if isinstance(value, Values):
        if value.values.ndim != 1:
            raise InputError(f"{sample.id} has {name} for each frame", "a sample for each frame", "read it by frame")
        row = np.array([value[label] for label in columns(protocol)], np.float64)
        return np.where(np.isnan(row), np.nan, row >= limit) if sign else row
    if name == "boxes":
        codes = truth.box_values
        invalid = codes["invalid"] if codes is not None and "invalid" in codes.labels else np.zeros(len(value))
        return np.column_stack([value, invalid != 1]).astype(np.float64)
    row = np.atleast_1d(np.asarray(value, np.float64))
    return None if sign and bool(np.any(np.abs(np.degrees(row)) > limit)) else row


def pictures(protocol: Protocol, found: Sequence[Sample]) -> list[Sample]:
    """Samples of single faces joined to samples of pictures: all boxes, and in ``box_values`` 1 for the expression of each.

    The others are as they were; a picture takes the place, the id and the clip of its first face.
    """
    several: dict[Any, list[Sample]] = {}
    for sample in found:
        several.setdefault(sample.image or sample.id, []).append(sample)
    return [_picture(protocol, faces) for faces in several.values()]


def _picture(protocol: Protocol, faces: Sequence[Sample]) -> Sample:
    kinds = [sample.truth.expression for sample in faces]
    names = next((kind.labels for kind in kinds if kind is not None), label_set(protocol.labels))
    boxes, values = [np.zeros((0, 4), np.float32)], [np.zeros((0, len(names)))]
    for sample, kind in zip(faces, kinds):
        if sample.truth.boxes is not None:
            row = np.full(len(names), np.nan) if kind is None else np.eye(len(names))[kind.index]
            boxes.append(sample.truth.boxes)
            values.append(np.tile(row, (len(sample.truth.boxes), 1)))
    truth = Truth(boxes=np.concatenate(boxes), box_values=Values(np.concatenate(values), names))
    return replace(faces[0], truth=truth)


def _faces(protocol: Protocol, sample: Sample) -> Target:
    boxes, values = sample.truth.boxes, sample.truth.box_values
    if boxes is None or values is None or sample.image is None:
        raise InputError(f"{sample.id} has no boxes with classes", "samples of mien.protocols.samples(...)")
    codes = [_code(protocol, Category(int(row.argmax()), values.labels)) if row.max() == 1 else None for row in values.values]
    kinds = np.array([np.nan if code is None else float(code) for code in codes])
    width, height = _size(sample.image)
    return np.column_stack([boxes / (width, height, width, height), kinds])


@lru_cache(maxsize=1 << 20)
def _size(image: Picture) -> tuple[int, int]:
    """Width and height of a picture as it is read, upright; kept, because targets are asked for again and again."""
    height, width = Sample("", image).read().shape[:2]
    return width, height


def _code(protocol: Protocol, value: Category) -> Target | None:
    known = columns(protocol)
    name = protocol.merge.get(value.name, value.name)
    return np.array(float(known.index(name))) if name in known else None


def _votes(protocol: Protocol, votes: Values | None, name: str) -> Target | None:
    if votes is None:
        return None
    lead = np.flatnonzero(votes.values == votes.values.max())
    counts = [label for label in columns(protocol) if label in votes.labels]
    if name == "majority":
        chosen = majority(votes)
        return None if chosen is None else _code(protocol, chosen)
    if not all(votes.labels.names[k] in counts for k in lead):
        return None
    row = np.array([votes[label] for label in counts], np.float64)
    return row / row.sum() if row.sum() > 0 else None


# Groups ---------------------------------------------------------------------------------------------------------------------
def groups(protocol: Protocol, samples: Sequence[Sample] | Sequence[Pair]) -> NDArray[Any] | None:
    """What belongs together when the samples are judged, for :func:`~mien.protocols.judge`; None where nothing does.

    Returns:
        (n,) folds of pairs, persons, clips or sessions; or for faces turned to either side "0-30", "30-60", "60-90" degrees, and
        "" beyond.
    """
    if protocol.target[0] == "pairs":
        numbers = [_pair(item).fold for item in samples]
        return None if None in numbers or not numbers else np.array(numbers, np.int64)
    if not protocol.groups:
        return None
    found = [_sample(item) for item in samples]
    if protocol.groups == "yaw":
        names = [_range(sample) for sample in found]
        return np.array(names, np.str_)
    return keys(found, protocol.groups, "own")


def _range(sample: Sample) -> str:
    pose = sample.truth.pose
    turned = np.inf if pose is None else abs(float(np.degrees(pose[1])))
    return next((f"{low}-{low + 30}" for low in (0, 30, 60) if low <= turned < low + 30), "")
