"""Judging: targets and answers of one part to a table of figures, each beside what a constant predictor reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, unknown_name
from ..metrics.bootstrap import bootstrap
from ..metrics.detection import box_ap, class_box_ap, given_rows
from ..metrics.inputs import Floats, known, known_mean, numbers
from ..metrics.intervals import wilson
from ..metrics.table import NAN, Row, Table
from ..metrics.wider import wider_ap
from .measures import Metric, Names, Word, codes, metric, parsed
from .reading import Protocol, columns

# what is judged -> name of the answer and its number of dimensions
ANSWERS = {
    "classes": ("probabilities", 2),
    "units": ("probabilities", 2),
    "numbers": ("values", 2),
    "pairs": ("similarity", 1),
    "landmarks": ("landmarks", 3),
    "pixels": ("error", 1),
}
# drawing rows again for an interval reads about so many labels, in so many draws at least and at most
LABELS, DRAWS = 2_000_000, (40, 200)
# what one draw costs besides, for each column
BESIDES = 1000
# with more labels than this a draw takes too long
MOST = 500_000


def judge(
    protocol: Protocol,
    truth: NDArray[Any],
    outputs: Mapping[str, Any],
    train: NDArray[Any] | None = None,
    groups: Any = None,
    name: str = "",
) -> Table:
    """The figures of a protocol from targets and answers.

    Intervals are of 95 %: Wilson's for shares of single rows, else from drawing rows again (whole groups where ``groups`` are
    given); NaN where neither makes sense, and for more than 500,000 labels.

    Args:
        protocol: what is asked.
        truth: what :func:`~mien.protocols.targets` gives for the judged samples.
        outputs: the answers in the same order: "probabilities" (n, classes) of classes, units and attributes; "values" (n, k);
            "similarity" (n,) of pairs, or "embedding" (n, d) of persons; "landmarks" (n, k, 2); "error" (n,) of pixels;
            "boxes", for each picture (k, 5) x1 y1 x2 y2 score, and of faces (k, 6) with the class last, rows of NaN for
            none. Other names are not looked at. A row of NaN in probabilities of classes or in landmarks means "could not
            tell" and is wrong.
        train: targets of the training part, from which the constant predictor is made; None takes ``truth``, which makes it
            a little better than it is.
        groups: (n,) what :func:`~mien.protocols.groups` gives: folds of pairs, videos, persons. For boxes subset to (for each
            picture) (m,) flags of the boxes that count; the subset "all" needs none.
        name: of the table; empty takes that of the protocol.

    Returns:
        One row for each metric, in the order of the protocol.

    Raises:
        InputError: an answer is missing, has another shape or a value that cannot be judged, or a metric needs groups.

    Example:
        >>> from mien.protocols import protocol
        >>> table = judge(protocol("raf-db/6"), np.array([0.0, 1, 0]), {"probabilities": np.eye(6)[[0, 1, 1]]})
        >>> round(table["accuracy"].value, 3), table["UAR"].value, round(table["accuracy"].constant, 3)
        (0.667, 0.75, 0.667)
    """
    wanted = [metric(protocol.kind, word, columns(protocol)) for word in protocol.metrics]
    if protocol.kind == "boxes":
        return Table(name or protocol.name, _boxes(wanted, truth, _answer(protocol, outputs, "boxes"), groups or {}))
    if protocol.kind == "faces":
        words = [parsed(protocol.kind, entry.word, columns(protocol)) for entry in wanted]
        return Table(name or protocol.name, _faces(words, truth, _answer(protocol, outputs, "boxes")))
    if protocol.target[0] == "identity":
        truth, predicted = _compared(truth, _answer(protocol, outputs, "embedding"))
        train = None
    else:
        truth, predicted = _fitting(protocol, truth, outputs)
    names = None if groups is None else np.asarray(groups)
    if names is not None and names.shape != truth.shape[:1]:
        raise InputError(f"{protocol.name}: groups have shape {names.shape}", f"({len(truth)},), one for each row")
    source = truth if train is None or not len(train) else np.asarray(train, np.float64)
    alone = protocol.target[0] != "identity"  # pairs that share a picture are not independent
    rows = [_row(entry, truth, predicted, names, source, protocol.kind if alone else "") for entry in wanted]
    return Table(name or protocol.name, tuple(rows))


def _answer(protocol: Protocol, outputs: Mapping[str, Any], name: str) -> Any:
    if name not in outputs:
        raise unknown_name(f"answer of {protocol.name}", ", ".join(outputs) or "none", [name])
    return outputs[name]


def _fitting(protocol: Protocol, truth: NDArray[Any], outputs: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """Targets and answers as numbers of shapes that go together."""
    name, dimensions = ANSWERS[protocol.kind]
    predicted = numbers(name, _answer(protocol, outputs, name), dimensions)
    target = np.asarray(truth, np.float64)
    wide = len(columns(protocol))
    shape = (len(target), wide) if wide else target.shape
    if predicted.shape != shape or not len(target):
        raise InputError(f"{protocol.name}: {name} has shape {predicted.shape}", f"{shape}, a row for each of the targets")
    if target.shape not in (predicted.shape, predicted.shape[:1]):
        raise InputError(f"{protocol.name}: the targets have shape {target.shape}", f"{predicted.shape} or {predicted.shape[:1]}")
    return target, predicted


def _compared(people: NDArray[Any], embedding: ArrayLike) -> tuple[Floats, Floats]:
    """Whether each two samples show one person, and the cosine of their embeddings."""
    rows, codes = known("embedding", numbers("embedding", embedding, 2)), np.asarray(people)
    if len(rows) != len(codes):
        raise InputError(f"embedding has {len(rows)} rows", f"{len(codes)}, one for each sample")
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / np.where(length > 0, length, 1)
    first, second = np.triu_indices(len(rows), 1)
    return (codes[first] == codes[second]).astype(np.float64), (unit @ unit.T)[first, second]


def _row(entry: Metric, truth: Floats, predicted: Floats, groups: Names, train: Floats, kind: str) -> Row:
    if entry.grouped and groups is None:
        raise InputError(f"{entry.word} without groups", "the group of each row", "pass groups=mien.protocols.groups(...)")
    value, constant = entry.value(truth, predicted, groups), NAN
    if entry.constant is not None:
        row = entry.constant(train, predicted.shape[-1])
        constant = entry.value(truth, np.broadcast_to(row, predicted.shape).copy(), groups)
    judged = codes(truth) if kind == "classes" else truth
    told = ~np.isnan(judged.reshape(len(judged), -1)).all(1)
    low, high = _interval(entry, truth, predicted, groups, kind) if np.isfinite(value) else (NAN, NAN)
    return Row(entry.word, value, int(told.sum()), constant, low, high)


def _interval(entry: Metric, truth: Floats, predicted: Floats, groups: Names, kind: str) -> tuple[float, float]:
    # the groups of pairs are folds, which do not belong together
    clusters = None if kind == "pairs" else groups
    if not kind or (entry.hits is None and not entry.drawn):
        return NAN, NAN
    if entry.hits is not None and clusters is None:
        return wilson(*entry.hits(truth, predicted, groups))
    if truth.size > MOST:
        return NAN, NAN
    draws = int(np.clip(LABELS // (truth.size + BESIDES * truth.size // len(truth)), *DRAWS))

    def drawn(rows: Any, _: Any) -> float:
        return entry.value(truth[rows], predicted[rows], None if groups is None else groups[rows])

    index = np.arange(len(truth))
    return bootstrap(drawn, index, index, np.random.default_rng(0), clusters, draws)


def _boxes(
    wanted: Sequence[Metric], truth: NDArray[Any], found: Sequence[ArrayLike], subsets: Mapping[str, Sequence[ArrayLike]]
) -> tuple[Row, ...]:
    """Average precision of each subset; what finds nothing, the constant one, has 0."""
    faces = [np.asarray(rows, np.float64).reshape(-1, 5) for rows in truth]
    given: dict[str, Sequence[ArrayLike]] = {"all": [rows[:, 4] for rows in faces], **subsets}
    names = [entry.word.removeprefix("AP(").removesuffix(")") for entry in wanted]
    there = {name: given[name] for name in names if name in given}
    values = wider_ap([rows[:, :4] for rows in faces], found, there)
    rows = []
    for entry, name in zip(wanted, names):
        # which faces are in a subset is never guessed: without its flags nothing can be told
        count = sum(int(np.count_nonzero(kept)) for kept in there[name]) if name in there else 0
        rows.append(Row(entry.word, values.get(name, NAN), count, 0.0 if count else NAN))
    return tuple(rows)


def _faces(words: Sequence[Word], truth: Any, found: Any) -> tuple[Row, ...]:
    """Average precision of faces, of a class or the mean over those that occur; what finds nothing, the constant one, has 0."""
    wanted, answered = given_rows(truth), given_rows(found)
    kinds = np.concatenate([np.zeros(0), *(faces[:, 4] for faces in wanted)])
    rows = []
    for word in words:
        iou = word.number("IoU")
        if word.name == "face AP":
            value = box_ap([faces[:, :4] for faces in wanted], [boxes[:, :5] for boxes in answered], iou)
        else:
            each = class_box_ap(wanted, answered, iou)
            value = each.get(word.column, NAN) if word.column >= 0 else known_mean(list(each.values()))
        about = kinds == word.column if word.column >= 0 else ~np.isnan(kinds) | (word.name == "face AP")
        count = int(np.count_nonzero(about))
        rows.append(Row(word.text, value, count, 0.0 if count else NAN))
    return tuple(rows)


def averaged(tables: Sequence[Table], name: str = "") -> Table:
    """The mean over folds of their tables, each fold weighing the same.

    Args:
        tables: one for each fold, with the same metrics.
        name: of the table; empty takes that of the first.

    Returns:
        Rows with the mean value and constant and all rows counted; a fold whose figure is NaN is left out of the mean. There is
        no interval: the folds share their training samples.

    Raises:
        InputError: no tables, or tables with other metrics.

    Example:
        >>> folds = [Table("dfew/5-fold", (Row("UAR", value, 10, constant=0.2),)) for value in (0.5, 0.7)]
        >>> row = averaged(folds)["UAR"]
        >>> round(row.value, 3), row.n
        (0.6, 20)
    """
    if not tables:
        raise InputError("no tables to average", "one for each fold")
    words = [row.metric for row in tables[0].rows]
    if any([row.metric for row in table.rows] != words for table in tables):
        raise InputError("the tables of the folds have other metrics", ", ".join(words))
    rows = []
    for word in words:
        folds = [table[word] for table in tables]
        value, constant = (known_mean([getattr(row, cell) for row in folds]) for cell in ("value", "constant"))
        rows.append(Row(word, value, sum(row.n for row in folds), constant))
    return Table(name or tables[0].protocol, tuple(rows))
