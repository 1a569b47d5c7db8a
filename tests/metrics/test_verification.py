"""Verification, anti-spoofing and identification against scikit-learn, scipy, exhaustive search and hand-worked cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn import metrics as sk

from mien.metrics import identification as ident
from mien.metrics import spoofing
from mien.metrics import verification as v

NAN = float("nan")
quick = settings(deadline=None, max_examples=30)


def drawn(seed: int, rows: int = 200, digits: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    same = rng.random(rows) < 0.4
    return same, np.round(rng.normal(np.where(same, 0.6, 0.2), 0.25), digits)


@pytest.mark.parametrize("seed", range(3))
def test_the_curve_agrees_with_scikit_learn(seed: int) -> None:
    same, scores = drawn(seed, digits=1 + seed)
    for ours, theirs in zip(v.roc(same, scores), sk.roc_curve(same, scores, drop_intermediate=False)):
        np.testing.assert_allclose(ours, theirs)


@pytest.mark.parametrize("seed", range(6))
def test_eer_agrees_with_the_root_on_the_curve(seed: int) -> None:
    same, scores = drawn(seed, digits=1 + seed % 3)
    far, tar, _ = sk.roc_curve(same, scores)
    assert v.eer(same, scores) == pytest.approx(brentq(lambda x: 1 - x - interp1d(far, tar)(x), 0, 1), abs=1e-9)


def test_eer_worked_by_hand() -> None:
    # from 0.7 on: FAR 1/4, FRR 1/2; from 0.5 on: FAR 1/4, FRR 1/4
    same, scores = [1, 1, 1, 1, 0, 0, 0, 0], [0.9, 0.8, 0.5, 0.2, 0.7, 0.4, 0.3, 0.1]
    assert v.eer(same, scores) == 0.25
    assert v.eer_threshold(same, scores) == 0.5
    assert v.error_rates(same, scores, 0.7) == (0.25, 0.5)
    assert v.hter(same, scores, 0.7) == 0.375


@pytest.mark.parametrize("far", [0.0, 0.01, 0.1, 0.25, 1.0])
def test_tar_at_far_is_the_best_of_all_thresholds(far: float) -> None:
    same, scores = drawn(1, digits=2)
    best = max(np.mean(scores[same] >= cut) for cut in [*np.unique(scores), np.inf] if np.mean(scores[~same] >= cut) <= far)
    assert v.tar_at_far(same, scores, far) == pytest.approx(best)


def test_a_far_too_small_for_the_number_of_pairs_cannot_be_told() -> None:
    same, scores = [1] * 5 + [0] * 10, np.linspace(1, 0, 15)
    assert v.tar_at_far(same, scores, 0.1) == 1
    assert np.isnan(v.tar_at_far(same, scores, 0.09))
    assert v.tar_at_far(same, scores, 0) == 1


@quick
@given(st.integers(0, 1000))
def test_order_and_rising_functions_do_not_matter_and_the_mirror_image_has_the_same_eer(seed: int) -> None:
    same, scores = drawn(seed, 60, 1)
    order = np.random.default_rng(seed).permutation(60)
    for metric in (v.eer, lambda a, b: v.tar_at_far(a, b, 0.2)):
        assert metric(same[order], scores[order]) == pytest.approx(metric(same, scores))
        assert metric(same, np.exp(scores)) == pytest.approx(metric(same, scores))
    assert v.eer(~same, -scores) == pytest.approx(v.eer(same, scores))
    assert 0 <= v.eer(same, scores) <= 1


def test_perfect_reversed_constant_and_missing_kinds() -> None:
    same, scores = [1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1]
    assert v.eer(same, scores) == 0
    assert v.eer(same, [-s for s in scores]) == 1
    assert v.eer(same, [0.5] * 4) == 0.5
    assert v.hter(same, [0.5] * 4, 0.5) == v.hter(same, [0.5] * 4, 0.6) == 0.5
    for only in ([1, 1], [0, 0], []):
        scores = [0.1, 0.2][: len(only)]
        assert np.isnan(v.eer(only, scores))
        assert np.isnan(v.eer_threshold(only, scores))
        assert np.isnan(v.hter(only, scores, 0.1))
        assert np.isnan(v.tar_at_far(only, scores, 0.5))


@pytest.mark.parametrize("seed", range(3))
def test_fold_accuracy_chooses_the_threshold_on_the_other_folds(seed: int) -> None:
    same, scores = drawn(seed, 120, 2)
    fold = np.repeat(np.arange(10), 12)
    values, cuts = v.fold_accuracy(same, scores)
    for k in range(10):
        rest = fold != k
        tried = [-np.inf, *(np.unique(scores) - 1e-6), np.inf]
        best = max(np.mean((scores[rest] >= cut) == same[rest]) for cut in tried)
        assert np.mean((scores[rest] >= cuts[k]) == same[rest]) == pytest.approx(best)
        assert values[k] == pytest.approx(np.mean((scores[~rest] >= cuts[k]) == same[~rest]))
    again, _ = v.fold_accuracy(same, scores, fold)
    np.testing.assert_array_equal(values, again)


def test_a_fold_does_not_see_its_own_threshold() -> None:
    # each half is perfect by itself, at thresholds that fail on the other half
    same, scores = [1, 1, 0, 0, 1, 1, 0, 0], [9, 8, 7, 6, 4, 3, 2, 1]
    values, cuts = v.fold_accuracy(same, scores, 2)
    assert cuts.tolist() == [2.5, 7.5]
    assert values.tolist() == [0.5, 0.5]


def test_of_equally_good_thresholds_the_lowest_is_taken() -> None:
    # accepting one or three of the four is right three times
    _, cuts = v.fold_accuracy([1, 0, 1, 0] * 2, [4, 3, 2, 1] * 2, 2)
    assert cuts.tolist() == [1.5, 1.5]


def test_fold_accuracy_of_a_constant_score_is_the_commoner_kind() -> None:
    values, cuts = v.fold_accuracy([1, 0, 0, 1, 0, 0], [0.5] * 6, 2)
    np.testing.assert_allclose(values, [2 / 3, 2 / 3])
    assert (cuts == np.inf).all()
    values, cuts = v.fold_accuracy([1, 1, 1, 1], [0.5] * 4, 2)
    assert values.tolist() == [1, 1]
    assert (cuts == -np.inf).all()


KINDS = ["live", "live", "live", "live", "print", "print", "replay", "replay", "replay", "replay"]
LIVENESS = [0.9, 0.8, 0.7, 0.2, 0.6, 0.1, 0.9, 0.1, 0.1, 0.1]


def test_acer_takes_the_worst_kind_of_attack() -> None:
    assert spoofing.apcer(KINDS, LIVENESS, 0.5) == {"print": 0.5, "replay": 0.25}
    assert spoofing.bpcer(KINDS, LIVENESS, 0.5) == 0.25
    assert spoofing.acer(KINDS, LIVENESS, 0.5) == pytest.approx((0.5 + 0.25) / 2)
    # pooled attacks would give (2 / 6 + 1 / 4) / 2, which is the HTER
    live = [kind == "live" for kind in KINDS]
    assert v.hter(live, LIVENESS, 0.5) == pytest.approx((2 / 6 + 1 / 4) / 2)


def test_acer_of_one_kind_is_the_hter_and_a_score_at_the_threshold_is_live() -> None:
    kinds = ["live" if kind == "live" else "attack" for kind in KINDS]
    assert spoofing.acer(kinds, LIVENESS, 0.3) == pytest.approx(v.hter([k == "live" for k in kinds], LIVENESS, 0.3))
    assert spoofing.apcer(["print"], [0.5], 0.5) == {"print": 1}
    assert spoofing.bpcer(["live"], [0.5], 0.5) == 0


def test_acer_without_attacks_or_without_live_faces_cannot_be_told() -> None:
    assert np.isnan(spoofing.acer(["live"], [0.9], 0.5))
    assert np.isnan(spoofing.acer(["print"], [0.9], 0.5))
    assert spoofing.apcer([], [], 0.5) == {}


def test_ranks_worked_by_hand() -> None:
    gallery = ["ann", "bob", "ann", "cid"]
    similarity = [
        [0.1, 0.5, 0.9, 0.2],  # ann: her second entry is first
        [0.7, 0.6, 0.1, 0.8],  # bob: behind cid and ann
        [0.4, 0.3, 0.4, 0.3],  # cid: behind both of ann, and tied with bob
    ]
    probes = ["ann", "bob", "cid"]
    assert ident.mate_ranks(similarity, probes, gallery).tolist() == [1, 3, 4]
    np.testing.assert_allclose(ident.cmc(similarity, probes, gallery), [1 / 3, 1 / 3, 2 / 3, 1])
    assert ident.rank_k(similarity, probes, gallery, 3) == pytest.approx(2 / 3)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_rank_k_agrees_with_top_k_accuracy_of_scikit_learn(k: int) -> None:
    rng = np.random.default_rng(k)
    probes, similarity = rng.integers(8, size=100), rng.random((100, 8))
    other = sk.top_k_accuracy_score(probes, similarity, k=k, labels=range(8))
    assert ident.rank_k(similarity, probes, range(8), k) == pytest.approx(other)


def test_rank_of_perfect_constant_and_no_probes() -> None:
    assert ident.rank_k(np.eye(4), range(4), range(4)) == 1
    assert ident.rank_k(np.ones((4, 4)), range(4), range(4), 3) == 0
    assert ident.rank_k(np.ones((4, 4)), range(4), range(4), 4) == 1
    assert np.isnan(ident.rank_k(np.zeros((0, 3)), [], [1, 2, 3]))
    assert np.isnan(ident.cmc(np.zeros((0, 3)), [], [1, 2, 3])).all()
