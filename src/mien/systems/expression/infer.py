"""InFER: what a data set of Indian faces holds, how even it is, whether its folds leak, and a network as its baseline.

"InFER: A Multi-Ethnic Indian Facial Expression Recognition Dataset", ICAART 2023, arXiv:2310.00287. 600 persons pose seven
expressions (4,200 pictures and as many clips) and 6,000 pictures come from the internet; published networks are compared by the
mean accuracy of ten folds. :func:`evaluate` computes from the files what has to be known before such a figure means anything:
shares of the classes, evenness of the groups H(p) / log k, their association with the expression (Cramér's V = sqrt(chi^2 /
(n min(r - 1, c - 1)))), the constant predictor under the folds, and what the folds share when they are made by person, or at
random. :func:`by_group` judges answers of any system for each group.

Simplified: a ResNet-18 from scratch stands for the networks compared, whose list and recipes could not be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from ...datasets.duplicates import leaks
from ...datasets.infer import read
from ...datasets.layout import Place, rows
from ...datasets.sample import Folder, Sample
from ...datasets.splits import folds as balanced
from ...datasets.splits import keys
from ...errors import unknown_name
from ...labels import FER_7
from ...metrics.classification import accuracy, macro_f1, uar
from ...metrics.constant import constant_class
from ...metrics.table import NAN, Row, Table, share_row
from ...nn.resnet import ResNet, ResNetClassifier
from ...protocols import averaged, folds, groups, judge, protocol, samples, targets
from ...tasks.recipe import Augment, Image, Optim, Recipe, Schedule

FIELDS = {"gender": "gender", "age group": "age_range", "region": "race"}
PROTOCOL = "infer/10-fold"


def model(depth: int = 18, classes: int = 7) -> nn.Module:
    """A residual network: (n, 3, h, w) from 32 pixels on -> ``logits`` (n, classes), ``embedding`` (n, 512)."""
    return ResNetClassifier(ResNet(depth, pool=False), classes)


def recipe() -> Recipe:
    """A training from scratch; the paper says only that its networks learn for at least 50 epochs.

    Command: ``mien train infer --data ROOT``; the published protocol is one training for each of ten folds, ``--set
    protocol=infer/10-fold --fold K``. Estimated from the operations: minutes on a GPU, half a day on two CPU cores. Expected:
    below the 78.75 % of the pretrained network that the paper found best.
    """
    return Recipe(
        "infer/held-out",
        epochs=50,
        batch=64,
        image=Image(64, 3, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        optim=Optim("sgd", rate=0.05, momentum=0.9, decay=5e-4),
        schedule=Schedule("cosine", warm=2.0),
        augment=Augment(flip=0.5, scale=0.08, rotate=0.1, shift=0.05, erase=0.25),
        smoothing=0.1,
    )


def evaluate(root: Place, pictures: bool = True, answers: Place | None = None, seed: int = 0) -> list[Table]:
    """What the data set holds and what its folds share, without a network.

    Args:
        root: folder of ``infer.csv``.
        pictures: whether to read all pictures for near copies.
        answers: CSV of ``path,label`` from any system, to be judged by group as well.
        seed: of the folds at random.

    Returns:
        Tables of classes, groups, the constant predictor under "infer/10-fold", and leaks; with answers a fifth one.
    """
    found = list(read(root, "all", single=True))
    posed = {sample.id for sample in read(root, "posed")}
    shared = Table("infer/leaks", tuple(_leaks(root, found, pictures, seed)))
    tables = [_classes(found, posed, sum(1 for _ in read(root, "clips"))), _groups(found), _constant(root), shared]
    return tables if answers is None else [*tables, by_group(found, _answers(answers, found), posed)]


def _codes(found: Sequence[Sample], field: str) -> NDArray[np.int64]:
    """(n,) class codes of a field of the truth, -1 where it is not told."""
    return np.array([-1 if (v := getattr(sample.truth, field)) is None else v.index for sample in found], np.int64)


def _names(found: Sequence[Sample], field: str) -> tuple[str, ...]:
    return next((value.labels.names for s in found if (value := getattr(s.truth, field)) is not None), ())


def _classes(found: Sequence[Sample], posed: set[str], clips: int) -> Table:
    codes, acted = _codes(found, "expression"), np.array([sample.id in posed for sample in found])
    table = [share_row("share(posed)", int(acted.sum()), len(found), NAN), Row("clips", clips, clips, NAN)]
    for words, chosen in (("", acted | True), (", posed", acted), (", web", ~acted)):
        count = np.bincount(codes[chosen], minlength=len(FER_7))
        table += [share_row(f"share({name}{words})", int(n), int(count.sum()), 1 / 7) for name, n in zip(FER_7, count)]
    return Table("infer/classes", tuple(table))


def evenness(count: ArrayLike) -> float:
    """How even the numbers of k groups are: -sum p log p / log k, 1 when all are alike; NaN for fewer than two groups.

    Source: Pielou (1966), "The measurement of diversity in different types of biological collections".
    """
    n = np.asarray(count, np.float64)
    p = n[n > 0] / n.sum()
    return float(-(p * np.log(p)).sum() / np.log(len(n))) if len(n) > 1 else NAN


def association(first: ArrayLike, second: ArrayLike) -> float:
    """Cramér's V of two lists of codes, 0 (independent) to 1; NaN when either has one value only."""
    a, b = (np.unique(np.asarray(codes), return_inverse=True)[1] for codes in (first, second))
    if not len(a) or min(a.max(), b.max()) < 1:
        return NAN
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    return float(np.sqrt(((table - expected) ** 2 / expected).sum() / (table.sum() * (min(table.shape) - 1))))


def _groups(found: Sequence[Sample]) -> Table:
    expression, table = _codes(found, "expression"), []
    for name, field in FIELDS.items():
        codes, labels = _codes(found, field), _names(found, field)
        told = codes >= 0
        count = np.bincount(codes[told], minlength=len(labels))
        known = int(told.sum())
        table.append(share_row(f"told({name})", known, len(found), NAN))
        table.append(Row(f"evenness({name})", evenness(count), known, 1.0))
        table.append(Row(f"V({name}, expression)", association(codes[told], expression[told]), known, 0.0))
        table += [share_row(f"share({name} {word})", int(n), known, 1 / len(labels)) for word, n in zip(labels, count)]
    return Table("infer/groups", tuple(table))


def _constant(root: Place) -> Table:
    """Always the most frequent class of the training folds, judged under the protocol."""
    asked, source, tables = protocol(PROTOCOL), Folder("infer", root), []
    for fold in folds(asked, source):
        test, train = (samples(asked, source, part, fold=fold) for part in ("test", "train"))
        learned = targets(asked, train)
        usual = np.bincount(learned.astype(int), minlength=7) / len(learned)
        answer = {"probabilities": np.tile(usual, (len(test), 1))}
        tables.append(judge(asked, targets(asked, test), answer, train=learned, groups=groups(asked, test)))
    return averaged(tables, f"{PROTOCOL}, constant predictor")


def _leaks(root: Place, found: Sequence[Sample], pictures: bool, seed: int) -> Iterable[Row]:
    """What folds share: those of the protocol, folds by person evened out over classes, and folds at random."""
    asked, source, place = protocol(PROTOCOL), Folder("infer", root), {sample.id: k for k, sample in enumerate(found)}
    rng, kinds, listed = np.random.default_rng(seed), _codes(found, "expression"), np.zeros(len(found), np.int64)
    for fold in folds(asked, source):
        listed[[place[sample.id] for sample in samples(asked, source, "test", fold=fold)]] = fold - 1
    even = balanced(keys(found), asked.count, rng, kinds)
    repeated = int((np.unique(keys(found), return_counts=True)[1] > 1).sum())
    divisions = {"protocol": listed, "evened": even, "at random": rng.permutation(np.arange(len(found)) % asked.count)}
    for name, fold_of in divisions.items():
        parts = {str(k): [s for s, own in zip(found, fold_of) if own == k] for k in range(asked.count)}
        read_too = pictures and name == "protocol"
        shared = leaks(parts, pictures=read_too)
        several = len({leak.ids[0] for leak in shared if leak.kind == "subject"})
        yield share_row(f"persons in several folds({name})", several, repeated, 0.0)
        if read_too:
            copies = {one for leak in shared if leak.kind == "picture" for one in leak.ids}
            yield share_row(f"pictures nearly alike in another fold({name})", len(copies), len(found), NAN)
        counts = np.array([np.bincount(kinds[fold_of == k], minlength=7) for k in range(asked.count)], np.float64)
        off = np.abs(counts / counts.sum(1, keepdims=True) - counts.sum(0) / counts.sum()).max()
        yield Row(f"largest deviation of a class's share({name})", float(off), len(found), 0.0)


def _answers(path: Place, found: Sequence[Sample]) -> NDArray[np.float64]:
    given = {row.text("path"): row for row in rows(Path(path))}
    known = {sample.id for sample in found}
    if strange := set(given) - known:
        raise unknown_name("picture in the answers", min(strange), known)
    return np.array([given[s.id].word("label", FER_7).index if s.id in given else NAN for s in found])


def by_group(found: Sequence[Sample], predicted: ArrayLike, posed: set[str]) -> Table:
    """Accuracy, UAR and macro-F1 of answers, their accuracy for each group, and how far the groups lie apart.

    ``predicted`` holds (n,) class codes of "fer-7", NaN where the system could not tell; ``posed`` the ids of posed pictures.
    """
    truth, given = _codes(found, "expression").astype(float), np.asarray(predicted, np.float64)
    metrics = {"accuracy": accuracy, "UAR": uar, "macro-F1": macro_f1}
    table = [Row(name, f(truth, given, 7), len(truth), constant_class(f, truth, 7)) for name, f in metrics.items()]
    source = np.array([0 if sample.id in posed else 1 for sample in found])
    divisions = {name: (_codes(found, field), _names(found, field)) for name, field in FIELDS.items()}
    for name, (codes, labels) in {"source": (source, ("posed", "web")), **divisions}.items():
        own = []
        for k, label in enumerate(labels):
            chosen = codes == k
            right, n = int((truth[chosen] == given[chosen]).sum()), int(chosen.sum())
            constant = constant_class(accuracy, truth[chosen], 7, truth) if n else NAN
            own.append(share_row(f"accuracy({name} {label})", right, n, constant))
        values = [row.value for row in own if row.n]
        table += [*own, Row(f"gap({name})", max(values) - min(values) if len(values) > 1 else NAN, len(truth), 0.0)]
    return Table("infer/answers by group", tuple(table))
