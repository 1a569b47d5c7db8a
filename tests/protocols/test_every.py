"""What every protocol promises, on the fake of each of its data sets."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.datasets.sample import Folder, Sample
from mien.datasets.splits import keys
from mien.errors import InputError
from mien.protocols import (
    Protocol,
    averaged,
    classes,
    columns,
    folds,
    groups,
    judge,
    pairs,
    protocol,
    protocols,
    samples,
    targets,
    views,
)
from mien.protocols.measures import parsed
from mien.protocols.reading import load

from .conftest import Made

EACH = [pytest.param(entry, name, id=f"{entry.name}-{name}") for entry in protocols() for name in entry.sources]


def some(entry: Protocol, source: Folder) -> tuple[int | None, ...]:
    """A few folds, or None where there are none."""
    found = folds(entry, source)
    return (found[0], found[-1]) if found else (None,)


def asked(entry: Protocol, source: Folder, part: str, fold: int | None) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Targets and groups of a part."""
    found = samples(entry, source, part, fold=fold)
    compared: Any = list(pairs(entry, source)) if entry.field == "pairs" else found
    return targets(entry, compared), groups(entry, compared)


def constants(entry: Protocol, word: str, train: NDArray[Any], n: int) -> dict[str, Any] | None:
    """What a system answers that does not look: written anew, not taken from the code that is tested."""
    if entry.kind == "boxes":
        return {"boxes": [np.zeros((0, 5))] * n}
    if entry.kind == "faces":
        return {"boxes": np.full((n, 2, 6), np.nan)}
    if entry.kind == "landmarks":
        return None
    if entry.kind == "classes":
        count = np.array([np.sum(train == k) for k in range(len(classes(entry)))]) if train.ndim == 1 else train.sum(0)
        return {"probabilities": np.tile(count / count.sum(), (n, 1))}
    if entry.kind == "units":
        usual = (np.nanmean(train, 0) > 0.5) if word.startswith("mean accuracy") else np.ones(train.shape[1])
        return {"probabilities": np.tile(usual, (n, 1)).astype(float)}
    if entry.kind == "numbers":
        middle = np.nanmedian(train, 0) if word.startswith("MAE") else np.nanmean(train, 0)
        return {"values": np.tile(middle, (n, 1))}
    if entry.kind == "pixels":
        return {"error": np.ones(n)}
    return {"embedding": np.zeros((n, 4))} if entry.field == "identity" else {"similarity": np.zeros(n)}


@pytest.mark.parametrize(("entry", "name"), EACH)
class TestEach:
    def test_a_constant_predictor_gives_the_constant_column(self, entry: Protocol, name: str, made: Made) -> None:
        source = made(name)
        for fold in some(entry, source):
            truth, grouped = asked(entry, source, "test", fold)
            train = asked(entry, source, "train", fold)[0] if "train" in entry.parts else truth
            for word in entry.metrics:
                answer = constants(entry, word, train, len(truth))
                if answer is None:
                    continue
                alone = replace(entry, metrics=(word,), select=word)
                table = judge(alone, truth, answer, train=train, groups=None if entry.kind == "boxes" else grouped)
                row = table[word]
                assert row.value == row.constant or (math.isnan(row.value) and math.isnan(row.constant)), word
                told = word not in ("AP(hard)", "AP(medium)", "AP(easy)")  # their lists are no part of the data set
                assert not told or row.n == len(truth) or entry.field in ("identity", "boxes", "faces")

    def test_a_perfect_answer_is_better_than_the_constant(self, entry: Protocol, name: str, made: Made) -> None:
        source = made(name)
        fold = some(entry, source)[0]
        truth, grouped = asked(entry, source, "test", fold)
        right: dict[str, Any] = {
            "classes": lambda: {"probabilities": truth if truth.ndim == 2 else np.eye(len(classes(entry)))[truth.astype(int)]},
            "units": lambda: {"probabilities": np.nan_to_num(truth)},
            "numbers": lambda: {"values": np.nan_to_num(truth)},
            "pairs": lambda: {"similarity": truth, "embedding": np.eye(len(truth))[truth.astype(int)]},
            "landmarks": lambda: {"landmarks": truth},
            "pixels": lambda: {"error": np.zeros(len(truth))},
            "faces": lambda: {"boxes": np.insert(truth, 4, 1.0, 2)},
            "boxes": lambda: {"boxes": [np.column_stack([rows[:, :4], rows[:, 4]]) for rows in truth]},
        }[entry.kind]()
        table = judge(entry, truth, right, groups=None if entry.kind == "boxes" else grouped)
        assert [row.metric for row in table.rows] == list(entry.metrics)
        row = table[entry.select]
        lower = entry.select.startswith(("MAE", "NME", "RMSE", "EER"))
        if not math.isnan(row.value):
            assert row.value == pytest.approx(0 if lower else 1)
            assert math.isnan(row.constant) or -1e-9 < row.constant < 1e9

    def test_parts_share_no_sample_and_no_group(self, entry: Protocol, name: str, made: Made) -> None:
        source = made(name)
        for fold in some(entry, source):
            parts = {part: samples(entry, source, part, fold=fold) for part in entry.parts}
            ids = [sample.id for part in parts.values() for sample in part]
            # of some data sets the ids of two splits are the same names, so the pictures count
            files = [str(s.image or s.frames) if entry.sources[0] != "fer2013" else s.id for part in parts.values() for s in part]
            assert len(set(zip(ids, files))) == len(ids)
            held = {part: found for part, found in parts.items() if entry.parts[part].hold}
            for part, found in held.items():
                rest = [sample for other, samples_ in held.items() if other != part for sample in samples_]
                by = entry.parts[part].by
                assert not set(keys(found, by, "own")) & set(keys(rest, by, "own"))
            if entry.folds in ("subject", "loso"):
                people = set(keys(parts["test"]))
                assert not people & set(keys([*parts["train"], *parts["tune"]]))

    def test_the_folds_hold_everything_once(self, entry: Protocol, name: str, made: Made) -> None:
        if entry.folds not in ("subject", "loso"):
            return
        source = made(name)
        tested = [sample.id for fold in folds(entry, source) for sample in samples(entry, source, "test", fold=fold)]
        assert len(tested) == len(set(tested))
        first = folds(entry, source)[0]
        every = [sample.id for part in entry.parts for sample in samples(entry, source, part, fold=first)]
        assert sorted(every) == sorted(tested)

    def test_its_views_can_be_read(self, entry: Protocol, name: str, made: Made) -> None:
        source = made(name)
        for view in views(entry, source):
            if "where" in entry.views[view]:  # a fake is too small to have every kind
                continue
            seen = samples(entry, source, "test", view)
            assert len(targets(entry, seen)) == len(seen)
        with pytest.raises(InputError, match="unknown view"):
            samples(entry, source, "test", "no such view")


@pytest.mark.parametrize("entry", protocols(), ids=lambda entry: entry.name)
def test_the_words_say_what_decides(entry: Protocol) -> None:
    for word in entry.metrics:
        assert parsed(entry.kind, word, columns(entry)).text == word
    assert entry.select in entry.metrics
    assert entry.crop
    # what was not confirmed is marked in one of two ways only
    assert entry.note.count("[") == entry.note.count("[recall]") + entry.note.count("[inferred]")


def test_names_are_found_and_slips_are_answered() -> None:
    assert protocols() == load()
    assert protocol("fer2013/7").sources == ("fer2013", "fer_mosaics")
    with pytest.raises(InputError, match=r"unknown protocol 'fer2013-7'.*did you mean fer2013/7"):
        protocol("fer2013-7")


def test_averaged_folds(made: Made) -> None:
    entry, tables = protocol("disfa/3-fold"), []
    source = made("disfa")
    for fold in (1, 2, 3):
        truth, grouped = asked(entry, source, "test", fold)
        tables.append(judge(entry, truth, {"probabilities": np.nan_to_num(truth)}, groups=grouped))
    table = averaged(tables, "all")
    assert table.protocol == "all"
    word = "F1(threshold=0.5)"
    assert table[word].value == 1
    assert table[word].n == 18
    assert table[word].constant == pytest.approx(np.mean([one[word].constant for one in tables]))
    assert math.isnan(table[word].low)
    with pytest.raises(InputError, match="other metrics"):
        averaged([tables[0], judge(protocol("raf-db/6"), np.zeros(3), {"probabilities": np.eye(6)[:3]})])
    with pytest.raises(InputError, match="no tables"):
        averaged([])


def test_samples_are_samples(made: Made) -> None:
    assert all(isinstance(sample, Sample) for sample in samples(protocol("lfw/10-fold"), made("lfw"), "test"))
