"""Folds keep subjects apart; UF1 and UAR add up over the folds before they divide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.model_selection import LeaveOneGroupOut

from mien.errors import InputError
from mien.metrics import folds as f

quick = settings(deadline=None, max_examples=40)
subjects = st.lists(st.integers(0, 9), min_size=2, max_size=60).filter(lambda names: len(set(names)) > 1)


@quick
@given(st.integers(2, 12), st.integers(0, 40))
def test_contiguous_folds_are_even_and_in_order(folds: int, more: int) -> None:
    found = f.contiguous_folds(folds + more, folds)
    sizes = np.bincount(found, minlength=folds)
    assert len(found) == folds + more
    assert (np.diff(found) >= 0).all()
    assert np.ptp(sizes) <= 1
    assert (np.diff(sizes) <= 0).all()


@quick
@given(subjects, st.integers(2, 5))
def test_no_subject_is_in_two_folds_and_no_fold_is_empty(names: list[int], folds: int) -> None:
    if folds > len(set(names)):
        with pytest.raises(InputError, match="folds of"):
            f.subject_folds(names, folds)
        return
    found = f.subject_folds(names, folds)
    assert all(len(set(found[np.array(names) == name])) == 1 for name in names)
    sizes = np.bincount(found, minlength=folds)
    assert sizes.min() > 0
    assert np.ptp(sizes) <= max(names.count(name) for name in names)


@quick
@given(subjects)
def test_leaving_one_subject_out_agrees_with_scikit_learn(names: list[int]) -> None:
    ours = {name: (np.flatnonzero(train).tolist(), np.flatnonzero(test).tolist()) for name, train, test in
            f.leave_one_subject_out(names)}  # fmt: skip
    theirs = {names[test[0]]: (train.tolist(), test.tolist()) for train, test in LeaveOneGroupOut().split(names, groups=names)}
    assert ours == theirs
    assert list(ours) == list(dict.fromkeys(names))


def test_one_subject_leaves_nobody_to_train_on() -> None:
    with pytest.raises(InputError, match="nobody to train on"):
        next(f.leave_one_subject_out(["a", "a"]))
    with pytest.raises(InputError, match="shape"):
        next(f.leave_one_subject_out([["a", "b"]]))


FOLDS = {
    "casme2/01": ([0, 0, 0], [0, 0, 1]),
    "casme2/02": ([1, 1], [1, 0]),
    "samm/01": ([2], [2]),
    "smic/01": ([0, 2], [0, 0]),
}


def test_uf1_and_uar_worked_by_hand() -> None:
    # class 0: TP 3, FN 1, FP 2; class 1: TP 1, FN 1, FP 1; class 2: TP 1, FN 1, FP 0
    assert f.pooled_uf1(FOLDS, 3) == pytest.approx((6 / 9 + 2 / 4 + 2 / 3) / 3)
    assert f.pooled_uar(FOLDS, 3) == pytest.approx((3 / 4 + 1 / 2 + 1 / 2) / 3)


def test_uf1_and_uar_agree_with_scikit_learn_on_the_joined_folds() -> None:
    rng = np.random.default_rng(0)
    parts = {str(k): tuple(rng.integers(3, size=(2, rng.integers(1, 9)))) for k in range(20)}
    truth, predicted = (np.concatenate([part[i] for part in parts.values()]) for i in (0, 1))
    assert f.pooled_uf1(parts, 3) == pytest.approx(sk.f1_score(truth, predicted, average="macro"))
    assert f.pooled_uar(parts, 3) == pytest.approx(sk.balanced_accuracy_score(truth, predicted))


def test_pooling_is_not_averaging_the_folds() -> None:
    mean = np.mean([sk.f1_score(*part, average="macro") for part in FOLDS.values()])
    assert abs(f.pooled_uf1(FOLDS, 3) - mean) > 0.03


def test_empty_folds_and_unequal_lengths() -> None:
    assert np.isnan(f.pooled_uf1({}, 3))
    assert np.isnan(f.pooled_uar({"a": ([], [])}, 3))
    with pytest.raises(InputError, match="truth of a has 1 rows, predicted of a has 2 rows"):
        f.pooled({"a": ([0], [0, 1])})
    with pytest.raises(InputError, match="label 3"):
        f.pooled_uf1({"a": ([3], [0])}, 3)
