"""Figures worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mien.errors import InputError
from mien.metrics.intervals import wilson
from mien.protocols import judge, protocol
from mien.protocols.measures import metric

RAF = replace(protocol("raf-db/7"), metrics=("accuracy", "UAR", "macro-F1", "ECE(bins=15)"))
NAN = float("nan")


def sure(*codes: int, classes: int = 7) -> np.ndarray:
    return np.eye(classes)[list(codes)]


class TestClasses:
    def test_by_hand(self) -> None:
        # 3 of 5 right; recalls 2/3, 0, 1
        table = judge(RAF, np.array([0.0, 0, 0, 1, 2]), {"probabilities": sure(0, 0, 2, 0, 2)}, train=np.array([1.0, 1, 0]))
        assert table.protocol == "raf-db/7"
        assert table["accuracy"].value == 0.6
        assert (table["accuracy"].low, table["accuracy"].high) == wilson(3, 5)
        assert table["accuracy"].constant == 0.2  # always class 1
        assert table["accuracy"].n == 5
        assert table["UAR"].value == pytest.approx((2 / 3 + 0 + 1) / 3)
        assert table["UAR"].constant == pytest.approx(1 / 3)
        assert table["UAR"].low <= table["UAR"].value <= table["UAR"].high
        # F1: class 0 2*2/(3+3), class 1 0, class 2 2/(1+2)
        assert table["macro-F1"].value == pytest.approx((4 / 6 + 0 + 2 / 3) / 3)
        # always sure, 3 of 5 right
        assert table["ECE(bins=15)"].value == pytest.approx(0.4)
        # class 1 has 2/3 in training and 1/5 here
        assert table["ECE(bins=15)"].constant == pytest.approx(2 / 3 - 0.2)
        assert math.isnan(table["ECE(bins=15)"].low)

    def test_could_not_tell_is_wrong_and_unlabelled_is_left_out(self) -> None:
        answers = sure(1, 0, 2)
        answers[1] = NAN
        table = judge(RAF, np.array([1, 0, NAN]), {"probabilities": answers}, name="raf-db/7 (clean)")
        assert table.protocol == "raf-db/7 (clean)"
        assert table["accuracy"].value == 0.5
        assert table["accuracy"].n == 2
        assert math.isnan(table["ECE(bins=15)"].value)

    def test_votes_are_judged_by_what_leads(self) -> None:
        entry = replace(protocol("ferplus/votes"), metrics=("accuracy",))
        truth = np.zeros((3, 8))
        truth[0, :2], truth[1, :2], truth[2, 3] = (0.6, 0.4), (0.5, 0.5), 1
        row = judge(entry, truth, {"probabilities": sure(0, 0, 0, classes=8)})["accuracy"]
        assert row.value == 0.5  # the second face is a tie
        assert row.n == 2

    def test_frames_of_one_video_make_the_interval_wider(self) -> None:
        entry = replace(protocol("aff-wild2/expr"), metrics=("accuracy",), select="accuracy")
        truth, answers = np.zeros(400), sure(*np.repeat([0, 1, 0, 1], 100), classes=8)
        alone = judge(entry, truth, {"probabilities": answers})["accuracy"]
        videos = judge(entry, truth, {"probabilities": answers}, groups=np.repeat(list("abcd"), 100))["accuracy"]
        assert videos.high - videos.low > 3 * (alone.high - alone.low)

    def test_all_metrics_of_classes(self) -> None:
        words = ("WAR", "UF1", "weighted-F1", "kappa", "0.67 macro-F1 + 0.33 accuracy")
        table = judge(replace(RAF, metrics=words), np.array([0.0, 0, 1]), {"probabilities": sure(0, 1, 1)})
        assert [row.value for row in table.rows] == pytest.approx([2 / 3, 2 / 3, 2 / 3, 0.4, 2 / 3])


class TestUnits:
    ENTRY = replace(
        protocol("aff-wild2/au"),
        classes=("AU01", "AU02"),
        metrics=("F1(threshold=0.5)", "F1 AU02(threshold=0.5)", "mean accuracy(threshold=0.5)", "mAP", "AUC"),
    )

    def test_by_hand(self) -> None:
        truth = np.array([[1, 0], [1, 1], [0, NAN]])
        scores = np.array([[0.9, 0.6], [0.2, 0.8], [0.6, 0.1]])
        table = judge(self.ENTRY, truth, {"probabilities": scores}, train=np.array([[1, 0], [1, 0], [0, 1]]))
        # AU01: 1 hit, 1 false, 1 missed -> 0.5; AU02: 1 hit, 1 false -> 2/3
        assert table["F1(threshold=0.5)"].value == pytest.approx((0.5 + 2 / 3) / 2)
        assert table["F1 AU02(threshold=0.5)"].value == pytest.approx(2 / 3)
        # all present: AU01 2*2/3 / (1 + 2/3) = 0.8, AU02 2/3
        assert table["F1(threshold=0.5)"].constant == pytest.approx((0.8 + 2 / 3) / 2)
        assert table["mean accuracy(threshold=0.5)"].value == pytest.approx((1 / 3 + 1 / 2) / 2)
        # AU01 always present: 2 of 3, AU02 never: 1 of 2
        assert table["mean accuracy(threshold=0.5)"].constant == pytest.approx((2 / 3 + 1 / 2) / 2)
        # AU01 is ranked 0.9+ 0.6- 0.2+: AP (1 + 2/3) / 2, AUC 1/2; AU02 0.8+ 0.6-: 1, 1
        assert table["mAP"].value == pytest.approx((5 / 6 + 1) / 2)
        assert table["AUC"].value == pytest.approx(0.75)
        assert table["AUC"].constant == 0.5


class TestNumbers:
    def test_affect(self) -> None:
        words = ("CCC(ddof=0, concatenated)", "CCC valence(ddof=0, concatenated)", "RMSE arousal", "SAGR valence")
        entry = replace(protocol("affectnet/va"), metrics=words)
        truth = np.array([[1, 0], [2, 0], [3, 3], [4, 3]]) / 4
        given = np.array([[2, 0], [2, 0], [4, 3], [4, 0]]) / 4
        table = judge(entry, truth, {"values": given}, train=np.array([[0.5, 0.5]]))
        assert table[words[1]].value == pytest.approx(0.8)  # the example of the metric, scaled
        assert table[words[2]].value == pytest.approx(0.375)
        assert table[words[3]].value == 1
        assert table[words[0]].constant == 0

    def test_pose_in_degrees(self) -> None:
        entry = protocol("aflw2000-3d")
        table = judge(entry, np.zeros((2, 3)), {"values": np.radians([[3, 0, 0], [0, 6, 0]])}, train=np.radians([[2, 2, 2.0]]))
        assert table["MAE(degrees)"].value == pytest.approx(1.5)
        assert table["MAE yaw(degrees)"].value == pytest.approx(3)
        assert table["MAE(degrees)"].constant == pytest.approx(2)

    def test_per_group_needs_groups(self) -> None:
        entry = protocol("aff-wild2/va")
        truth = np.tile([[0.1, 0.2], [0.3, 0.1]], (3, 1))
        table = judge(entry, truth, {"values": truth}, groups=list("aabbcc"))
        assert table["CCC(ddof=0, per group)"].value == 1
        with pytest.raises(InputError, match=r"per group.* without groups"):
            judge(entry, truth, {"values": truth})

    def test_intensity(self) -> None:
        entry = replace(protocol("disfa/intensity"), classes=("AU01", "AU12"), metrics=("ICC(3,1)", "MAE(as labelled)"))
        truth = np.array([[1.0, 0], [2, 0], [3, 0], [4, 1]])
        given = np.array([[1.0, 1], [2, 1], [4, 1], [3, 2]])
        table = judge(entry, truth, {"values": given})
        assert table["ICC(3,1)"].value == pytest.approx((0.8 + 1) / 2)
        assert table["MAE(as labelled)"].value == pytest.approx((0.5 + 1) / 2)


class TestPairs:
    def test_folds(self) -> None:
        truth, alike = np.array([1.0, 0, 1, 0]), np.array([0.9, 0.2, 0.7, 0.4])
        table = judge(protocol("lfw/10-fold"), truth, {"similarity": alike}, groups=np.array([0, 0, 1, 1]))
        row = table["accuracy(threshold of the other folds)"]
        assert row.value == 1
        assert (row.low, row.high) == wilson(4, 4)
        assert row.constant == 0.5
        assert table["EER"].value == 0
        assert math.isnan(table["TAR@FAR=1e-3"].value)  # two pairs of two persons cannot tell
        assert math.isnan(table["TAR@FAR=1e-3"].low)
        with pytest.raises(InputError, match="without groups"):
            judge(protocol("lfw/10-fold"), truth, {"similarity": alike})

    def test_tar_counts_pairs_of_one_person(self) -> None:
        entry = replace(protocol("ijb-c/1:1"), metrics=("TAR@FAR=0.5",))
        row = judge(entry, np.array([1.0, 1, 0, 0]), {"similarity": np.array([0.9, 0.05, 0.6, 0.1])})["TAR@FAR=0.5"]
        assert row.value == 0.5
        assert (row.low, row.high) == wilson(1, 2)

    def test_persons(self) -> None:
        entry = replace(protocol("lfw/people"), metrics=("EER", "AUC"))
        embedding = np.array([[1, 0], [2, 0.1], [0, 1]])
        table = judge(entry, np.array([0.0, 0, 1]), {"embedding": embedding}, train=np.array([7.0]))
        assert table["AUC"].value == 1
        assert table["AUC"].n == 3
        assert table["AUC"].constant == 0.5
        assert math.isnan(table["AUC"].low)


class TestLandmarks:
    def test_by_hand(self) -> None:
        truth = np.zeros((4, 68, 2))
        truth[:, 45, 0] = 100
        given = truth + np.array([3, 12, 5, 0])[:, None, None] * [1, 0]
        given[3, 0] = NAN  # not found
        table = judge(protocol("300w/full"), truth[:3], {"landmarks": given[:3]})
        assert table["NME(inter-ocular)"].value == pytest.approx(0.2 / 3)
        assert table["FR@0.10(inter-ocular)"].value == pytest.approx(1 / 3)
        assert (table["FR@0.10(inter-ocular)"].low, table["FR@0.10(inter-ocular)"].high) == wilson(1, 3)
        assert table["AUC@0.10(inter-ocular)"].value == pytest.approx((0.7 + 0 + 0.5) / 3)
        assert table["AUC@0.08(inter-ocular)"].value == pytest.approx((5 / 8 + 0 + 3 / 8) / 3)
        assert math.isnan(table["NME(inter-ocular)"].constant)
        table = judge(protocol("300w/full"), truth, {"landmarks": given})
        assert table["NME(inter-ocular)"].value == math.inf
        assert math.isnan(table["NME(inter-ocular)"].low)
        assert table["FR@0.10(inter-ocular)"].value == 0.5

    def test_the_mean_of_three_ranges(self) -> None:
        truth = np.zeros((4, 68, 2))
        truth[:, 0] = 100  # a box of 100 x 100
        given = truth + np.array([1, 3, 8, 20])[:, None, None] * [1, 0]
        # the last one is turned by more than 90 degrees and in no range
        table = judge(protocol("aflw2000-3d/landmarks"), truth, {"landmarks": given}, groups=["0-30", "0-30", "60-90", ""])
        assert table["NME(face size)"].value == pytest.approx(0.08)
        assert table["NME(face size, mean over groups)"].value == pytest.approx(0.05)


def test_boxes() -> None:
    truth = np.empty(2, object)
    truth[0] = np.array([[0, 0, 10, 10, 1], [20, 20, 30, 30, 0]])
    truth[1] = np.array([[0, 0, 10, 10, 1]])
    found = [np.array([[0, 0, 10, 10, 0.9], [20, 20, 30, 30, 0.8]]), np.array([[50, 50, 60, 60, 0.7]])]
    table = judge(protocol("wider-face/val"), truth, {"boxes": found}, groups={"easy": [[1, 0], [0]]})
    assert table["AP(all)"].value == 0.5  # the box that does not count changes nothing
    assert table["AP(all)"].n == 2
    assert table["AP(all)"].constant == 0
    assert table["AP(easy)"].value == 1
    assert table["AP(easy)"].n == 1
    assert math.isnan(table["AP(hard)"].value)
    assert table["AP(hard)"].n == 0


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({}, "unknown answer of raf-db/7 'none'"),
        ({"logits": np.eye(7)}, "unknown answer of raf-db/7 'logits'.*probabilities"),
        ({"probabilities": np.eye(7)[:2]}, r"shape \(2, 7\).*\(3, 7\)"),
        ({"probabilities": np.eye(8)[:3]}, r"shape \(3, 8\).*\(3, 7\)"),
        ({"probabilities": np.zeros(3)}, "2 dimensions"),
    ],
)
def test_wrong_answers(answers: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        judge(RAF, np.zeros(3), answers)


def test_wrong_groups_targets_and_nothing() -> None:
    with pytest.raises(InputError, match="groups have shape"):
        judge(RAF, np.zeros(3), {"probabilities": np.eye(7)[:3]}, groups=["a"])
    with pytest.raises(InputError, match="the targets have shape"):
        judge(RAF, np.zeros((3, 2)), {"probabilities": np.eye(7)[:3]})
    with pytest.raises(InputError, match="a row for each"):
        judge(RAF, np.zeros(0), {"probabilities": np.zeros((0, 7))})


@pytest.mark.parametrize(
    ("kind", "word", "message"),
    [
        ("classes", "acuracy", "unknown metric of classes 'acuracy'.*accuracy"),
        ("classes", "ECE", r"ECE\(bins=<number>\)"),
        ("classes", "ECE(bins=many)", r"ECE\(bins=<number>\)"),
        ("classes", "UAR(classes=7)", "metric 'UAR"),
        ("units", "F1", r"F1\(threshold=<number>\)"),
        ("units", "F1 AU99(threshold=0.5)", "unknown metric of units"),
        ("numbers", "CCC", "concatenated"),
        ("numbers", "CCC(concatenated)", r"ddof=<number>"),
        ("numbers", "CCC(ddof=0, together)", "concatenated"),
        ("numbers", "MAE", r"MAE\(degrees or years or as labelled\)"),
        ("numbers", "ICC(2,1)", "3"),
        ("pairs", "accuracy", "threshold of the other folds"),
        ("pairs", "TAR@FAR", "a limit"),
        ("pairs", "EER=1e-4", "a limit"),
        ("landmarks", "NME", "inter-ocular"),
        ("landmarks", "NME(inter-eye)", "inter-ocular"),
        ("landmarks", "FR(inter-ocular)", "unknown metric of landmarks"),
        ("boxes", "AP", r"AP\(all\)"),
    ],
)
def test_words_that_do_not_decide(kind: str, word: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        metric(kind, word, ("AU01", "AU12"))


class TestPixels:
    def test_by_hand(self) -> None:
        entry = protocol("fairface/pixels")
        row = judge(entry, np.zeros(3), {"error": np.array([0.2, 0.4, 0.9])}, train=np.zeros(5))["R2(hidden)"]
        assert row.value == pytest.approx(1 - 0.5)
        assert row.constant == 0  # the mean of the hidden values explains nothing of them
        assert row.n == 3
        assert row.low <= row.value <= row.high

    def test_an_error_for_each_picture(self) -> None:
        with pytest.raises(InputError, match="error has shape"):
            judge(protocol("fairface/pixels"), np.zeros(3), {"error": np.zeros(2)})

    def test_the_brackets_say_of_what(self) -> None:
        with pytest.raises(InputError, match=r"R2\(hidden\)"):
            metric("pixels", "R2(seen)")
