"""``mien eval``: from weights to the figures of a protocol, over seeds and folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import nn

from ..datasets.sample import Folder, Sample
from ..errors import InputError
from ..metrics.table import Table
from ..protocols import Protocol, averaged, groups, judge, pairs, samples, targets, views
from .answer import answers
from .build import System, facts_of, restore
from .pictures import Pictures
from .run import HERE, SILENT, Listener, Machine, part, source_of


@dataclass(frozen=True)
class Question:
    """On what weights are judged.

    Args:
        data: root of the data set.
        part: "test" or "tune"; None takes "test" where the protocol has one.
        source: name of the data set; None finds out.
        protocol: name of another protocol of the same task than that of the training.
    """

    data: Path
    part: str | None = None
    source: str | None = None
    protocol: str | None = None


@dataclass(frozen=True)
class Answered:
    """What a network answered on one view of a part, and what it was to answer."""

    truth: NDArray[np.float64]
    answers: Mapping[str, NDArray[np.float32]]
    train: NDArray[np.float64]
    groups: NDArray[Any] | None


@dataclass
class Judged:
    """One file of weights: the name of the data set, its answers on each view ("" for the plain one), its seed and fold."""

    protocol: Protocol
    source: str
    title: str
    seed: int
    fold: int | None
    views: dict[str, Answered] = field(default_factory=dict)
    device: str = ""

    def tables(self) -> list[Table]:
        """The figures, a table for each view."""
        return [self._table(view, found) for view, found in self.views.items()]

    def _table(self, view: str, found: Answered) -> Table:
        return judge(self.protocol, found.truth, found.answers, found.train, found.groups, titled(self.title, view))


def titled(title: str, view: str) -> str:
    """Name of the table of a view."""
    return f"{title}, {view}" if view else title


def evaluate(
    weights: Path, question: Question, name: str | None = None, machine: Machine = HERE, listener: Listener = SILENT
) -> Judged:
    """Let the network of a file answer on a part of a data set, and on each further view of it.

    Args:
        weights: a file of ``mien train``.
        question: on what.
        name: the system that is expected; None takes any.

    Raises:
        InputError: the weights do not fit, or the data set lacks the part.
    """
    built, network = restore(weights, name)
    fold, seed = facts_of(weights).get("fold"), built.recipe.seed
    if question.protocol is not None:
        built, fold = _under(built, question.protocol), None
    protocol = built.protocol
    asked = question.part or ("test" if "test" in protocol.parts else "tune")
    source = source_of(protocol, question.data, question.source)
    fabric = machine.fabric(built.recipe.precision)
    fabric.to_device(network)
    result = Judged(protocol, source.card.name, f"{protocol.name}, {asked} part of {source.card.short}", seed, fold)
    result.device = machine.words(fabric)
    if protocol.target[0] == "pairs":
        ask = partial(_embedded, built=built, network=network, fabric=fabric, listener=listener)
        result.views[""] = _compared(protocol, source, asked, ask)
        return result
    train = np.zeros(0)
    if "train" in protocol.parts:
        train = np.asarray(targets(protocol, samples(protocol, source, "train", fold=fold, seed=seed)), np.float64)
    for view in ("", *views(protocol, source)):
        found = samples(protocol, source, asked, view, fold, seed)
        tested = part(built, found, f"the {asked} part{f' ({view})' if view else ''}", listener, False)
        tick = listener.begin("judging", len(found))
        answered = answers(network, tested.pictures, built.recipe, built.task, fabric, tick)
        result.views[view] = Answered(tested.truth, answered, train, tested.groups)
    return result


def _under(built: System, name: str) -> System:
    other = replace(built, recipe=replace(built.recipe, protocol=name))
    if other.protocol.task != built.protocol.task:
        got = f"{name} asks for the task {other.protocol.task}"
        raise InputError(got, f"a protocol of the task {built.protocol.task}, for which the weights were trained")
    return other


def _embedded(found: list[Sample], built: System, network: nn.Module, fabric: Fabric, listener: Listener) -> NDArray[np.float32]:
    tick = listener.begin("reading pictures", len(found))
    pictures = Pictures(found, built.recipe.image, progress=tick)
    tick = listener.begin("judging", len(found))
    return answers(network, pictures, built.recipe, built.task, fabric, tick)["embedding"]


def _compared(protocol: Protocol, source: Folder, asked: str, ask: Callable[[list[Sample]], NDArray[np.float32]]) -> Answered:
    """The similarity of each pair: the cosine of embeddings, of templates with several pictures of their mean."""
    several = list(pairs(protocol, source))
    wanted = {name for pair in several for name in (pair.first, pair.second)}
    found = [s for s in samples(protocol, source, asked) if s.id in wanted or s.session in wanted]
    vectors: dict[str, list[NDArray[np.float32]]] = {}
    for sample, vector in zip(found, ask(found)):
        vectors.setdefault(sample.id if sample.id in wanted else str(sample.session), []).append(vector)
    missing = sorted(wanted - set(vectors))
    if missing:
        raise InputError(f"{len(missing)} pictures of pairs are not there, {missing[0]} the first", "all that the list names")
    mean = {name: np.mean(rows, 0) for name, rows in vectors.items()}
    unit = {name: vector / max(float(np.linalg.norm(vector)), 1e-12) for name, vector in mean.items()}
    similarity = np.array([unit[pair.first] @ unit[pair.second] for pair in several], np.float32)
    truth = np.asarray(targets(protocol, several), np.float64)
    return Answered(truth, {"similarity": similarity}, np.zeros(0), groups(protocol, several))


def folded(judged: Sequence[Judged]) -> list[list[Table]]:
    """The tables of each seed: of protocols with folds one for all folds together, as the protocol joins them.

    Raises:
        InputError: weights of several protocols, or a seed without all folds that the others have.
    """
    first = judged[0]
    if any(one.protocol.name != first.protocol.name or one.title != first.title for one in judged):
        names = ", ".join(sorted({one.title for one in judged}))
        raise InputError(f"weights of {names}", "weights of one protocol", "judge them apart")
    if first.protocol.folds in ("none", "pairs"):
        return [one.tables() for one in judged]
    seeds = sorted({one.seed for one in judged})
    wanted = sorted({one.fold or 0 for one in judged})
    result = []
    for seed in seeds:
        own = sorted((one for one in judged if one.seed == seed), key=lambda one: one.fold or 0)
        if [one.fold for one in own] != wanted:
            got = f"seed {seed} with folds {[one.fold for one in own]}"
            raise InputError(got, f"the folds {wanted}, each once", "train the others with --fold")
        result.append([_joined(own, view) for view in own[0].views])
    return result


def _joined(own: Sequence[Judged], view: str) -> Table:
    first, parts = own[0], [one.views[view] for one in own]
    numbers = ", ".join(str(one.fold) for one in own)
    title = titled(f"{first.title}, folds {numbers}", view)
    if first.protocol.aggregate != "pooled":
        return averaged([one._table(view, found) for one, found in zip(own, parts)], title)
    together = {name: np.concatenate([found.answers[name] for found in parts]) for name in parts[0].answers}
    groups = None if parts[0].groups is None else np.concatenate([found.groups for found in parts if found.groups is not None])
    train = np.concatenate([found.train for found in parts])
    return judge(first.protocol, np.concatenate([found.truth for found in parts]), together, train, groups, title)


def summary(seeds: Sequence[Sequence[Table]]) -> list[dict[str, Any]]:
    """Mean and spread over seeds: one row for each metric of each table.

    Args:
        seeds: the tables of each seed, alike.

    Returns:
        Rows with protocol, metric, value, n, low, high and constant as in a table; with several seeds value is the mean, ``std``
        the deviation over seeds (n - 1), ``values`` each of them, and the interval the mean of theirs.
    """
    rows = []
    for tables in zip(*seeds):
        for several in zip(*(table.records() for table in tables)):
            row: dict[str, Any] = dict(several[0])
            if len(several) > 1:
                values = [_number(record["value"]) for record in several]
                row |= {"value": _cell(np.mean(values)), "std": _cell(np.std(values, ddof=1)), "values": list(map(_cell, values))}
                row |= {end: _cell(np.mean([_number(record[end]) for record in several])) for end in ("low", "high")}
            rows.append(row)
    return rows


def _number(cell: Any) -> float:
    return float("nan") if cell is None else float(cell)


def _cell(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
