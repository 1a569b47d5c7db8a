"""Samples, targets and groups by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.datasets import SourceCard, source
from mien.datasets.labels import DISFA_12, FERPLUS_10, WIDER_6
from mien.datasets.sample import Category, Folder, Pair, Sample, Truth, Values
from mien.errors import InputError
from mien.labels import FER_7
from mien.protocols import Part, Protocol, classes, folds, groups, pairs, protocol, samples, targets, views

from .conftest import Made


class Held:
    """Samples in memory, under the name of a data set."""

    def __init__(self, name: str, **splits: list[Sample]) -> None:
        self._card, self.splits = source(name), splits

    @property
    def card(self) -> SourceCard:
        return self._card

    def samples(self, split: str) -> Iterator[Sample]:
        return iter(self.splits.get(split, []))


def face(number: int, label: str | None = "anger", **more: Any) -> Sample:
    truth = Truth(None if label is None else Category(FER_7.index(label), FER_7))
    return Sample(f"{number:03d}", Path("a.png"), truth=truth, **more)


class TestSamples:
    def test_a_class_that_does_not_count_and_a_face_without_label_are_left_out(self) -> None:
        held = Held("fer2013", val=[face(1), face(2, "neutral"), face(3, None)], test=[face(4, "happiness")])
        found = samples(protocol("fer2013/6"), held, "test")
        assert [sample.id for sample in found] == ["001", "004"]
        assert targets(protocol("fer2013/6"), found).tolist() == [3, 0]

    def test_the_share_held_out_keeps_groups_and_follows_the_seed(self) -> None:
        held = Held("fer2013", train=[face(k, FER_7.names[k % 6], clip=f"c{k // 2}") for k in range(200)])
        entry = protocol("fer2013/6")
        both = [{part: {s.id for s in samples(entry, held, part, seed=seed)} for part in ("train", "tune")} for seed in (0, 0, 1)]
        assert both[0] == both[1]
        assert both[0]["tune"] != both[2]["tune"]
        assert both[0]["train"] | both[0]["tune"] == {f"{k:03d}" for k in range(200)}
        assert 16 <= len(both[0]["tune"]) <= 24
        assert all((f"{k:03d}" in both[0]["tune"]) == (f"{k + 1:03d}" in both[0]["tune"]) for k in range(0, 200, 2))

    def test_three_parts_of_one_split(self) -> None:
        held = Held("expw", all=[face(k, FER_7.names[k % 7], clip=f"c{k // 3}") for k in range(210)])
        found = {part: samples(protocol("expw/7"), held, part) for part in ("train", "tune", "test")}
        assert {part: len(seen) for part, seen in found.items()} == {"train": 147, "tune": 21, "test": 42}
        clips = [{sample.clip for sample in seen} for seen in found.values()]
        assert not clips[0] & clips[1]
        assert not (clips[0] | clips[1]) & clips[2]

    def test_equal_shares_are_two_shares(self) -> None:
        shares = {
            "train": Part("all", hold=0.4),
            "tune": Part("all", hold=0.2, held=True),
            "test": Part("all", hold=0.2, held=True),
        }
        entry = replace(protocol("expw/7"), parts=shares)
        held = Held("expw", all=[face(k, FER_7.names[k % 7]) for k in range(70)])
        ids = [{sample.id for sample in samples(entry, held, part)} for part in shares]
        assert [len(part) for part in ids] == [42, 14, 14]
        assert len(set.union(*ids)) == 70

    def test_clean_leaves_out_the_leaked_face_and_tune_can_be_judged(self, made: Made) -> None:
        entry, mosaics = protocol("fer2013/7"), made("fer_mosaics")
        plain, clean = (samples(entry, mosaics, "tune", view) for view in ("", "clean"))
        assert len(plain) == len(clean) + 1
        assert {sample.id for sample in clean} < {sample.id for sample in plain}
        assert views(entry, made("fer2013")) == ()
        with pytest.raises(InputError, match="unknown option of FER2013 'clean'"):
            samples(entry, made("fer2013"), "test", "clean")

    def test_an_empty_test_part_says_what_to_do(self) -> None:
        with pytest.raises(InputError, match=r"FER2013 mosaics has no sample in test.*judge on tune"):
            samples(protocol("fer2013/7"), Held("fer_mosaics", val=[face(1)]), "test")

    def test_a_view_of_a_held_part_stays_in_it(self, made: Made) -> None:
        entry = replace(protocol("fer2013/6"), parts={"train": Part("val", hold=0.5), "tune": Part("val", hold=0.5, held=True)})
        source = made("fer_mosaics")
        seen = {part: {s.id for s in samples(entry, source, part, "clean")} for part in ("train", "tune")}
        plain = {part: {s.id for s in samples(entry, source, part)} for part in ("train", "tune")}
        assert all(seen[part] <= plain[part] for part in seen)
        assert len(plain["train"] | plain["tune"]) - len(seen["train"] | seen["tune"]) == 1

    def test_splits_as_views(self, made: Made) -> None:
        pytest.importorskip("cv2")
        entry, source = protocol("300w/full"), made("ibug_300w")
        full, common, hard = (samples(entry, source, "test", view) for view in ("", "common", "challenging"))
        assert {s.id for s in common} | {s.id for s in hard} == {s.id for s in full}

    def test_a_subset_by_a_note_and_by_yaw(self) -> None:
        faces = [Sample(str(k), Path("a"), truth=turned(yaw)) for k, yaw in enumerate((-10, 35, -61, 100))]
        held = Held("aflw2000", test=faces)
        entry = protocol("aflw2000-3d/landmarks")
        assert [s.id for s in samples(entry, held, "test", "yaw 30-60")] == ["1"]
        assert [s.id for s in samples(entry, held, "test", "yaw 60-90")] == ["2"]
        assert groups(entry, faces).tolist() == ["0-30", "30-60", "60-90", ""]  # type: ignore[union-attr]
        assert [s.id for s in samples(protocol("aflw2000-3d"), held, "test")] == ["0", "1", "2"]

    @pytest.mark.parametrize(
        ("part", "fold", "message"),
        [("dev", None, "unknown part"), ("test", 1, "no fold: it is judged at once")],
    )
    def test_wrong_asking(self, part: str, fold: int | None, message: str) -> None:
        with pytest.raises(InputError, match=message):
            samples(protocol("fer2013/7"), Held("fer2013", test=[face(1)]), part, fold=fold)

    def test_another_source(self) -> None:
        with pytest.raises(InputError, match="unknown source of fer2013/7 'expw'"):
            samples(protocol("fer2013/7"), Held("expw"), "test")

    def test_options_need_a_data_set_on_disk(self) -> None:
        with pytest.raises(InputError, match="AffectNet with classes; wanted a data set on disk"):
            samples(protocol("affectnet/7"), Held("affectnet"), "test")


class TestFolds:
    @pytest.mark.parametrize("fold", [None, 0, 4])
    def test_out_of_range(self, made: Made, fold: int | None) -> None:
        with pytest.raises(InputError, match=f"fold {fold} of disfa/3-fold; wanted 1 to 3"):
            samples(protocol("disfa/3-fold"), made("disfa"), "test", fold=fold)

    def test_the_published_lists(self, made: Made) -> None:
        found = [sorted({s.subject for s in samples(protocol("disfa/3-fold"), made("disfa"), "test", fold=k)}) for k in (1, 2, 3)]
        assert found == [["SN001", "SN002"], ["SN006"], ["SN003", "SN004", "SN005"]]
        lists = protocol("disfa/3-fold").lists
        assert [len(row) for row in lists] == [9, 9, 9]
        assert [len(row) for row in protocol("bp4d/3-fold").lists] == [14, 14, 13]

    def test_somebody_in_no_list(self) -> None:
        stranger = Sample("1", Path("a"), truth=Truth(intensity=Values(np.zeros(12), DISFA_12)), subject="SN099")
        entry = replace(protocol("disfa/3-fold"), parts={"test": Part("all")})
        with pytest.raises(InputError, match="subject SN099 is in no fold"):
            samples(entry, Held("disfa", all=[stranger]), "test", fold=1)

    def test_folds_without_lists_are_made(self) -> None:
        faces = [face(k, subject=f"p{k // 2}") for k in range(12)]
        entry = replace(protocol("fer2013/7"), folds="subject", count=3, parts={"train": Part("all"), "test": Part("all")})
        held = Held("fer2013", all=faces)
        tested = [{s.subject for s in samples(entry, held, "test", fold=k)} for k in (1, 2, 3)]
        assert [len(people) for people in tested] == [2, 2, 2]
        assert len(set.union(*tested)) == 6  # type: ignore[arg-type]

    def test_one_for_each_subject(self, made: Made) -> None:
        entry, source = protocol("casme2/loso"), made("casme2")
        assert folds(entry, source) == (1, 2, 3)
        assert {s.subject for s in samples(entry, source, "test", fold=2)} == {"sub02"}

    def test_the_lists_of_the_data_set(self, made: Made) -> None:
        assert folds(protocol("dfew/5-fold"), made("dfew")) == (1, 2, 3, 4, 5)
        seen = samples(protocol("dfew/5-fold"), made("dfew"), "test", fold=5)
        assert len(seen) == 7


def turned(yaw: float) -> Truth:
    return Truth(pose=np.radians([0, yaw, 0]), landmarks=np.zeros((68, 2)))


class TestTargets:
    def test_classes_in_the_order_of_the_protocol(self) -> None:
        entry = protocol("fer2013/6")
        faces = [face(1, name) for name in (*classes(entry), "neutral")]
        assert np.array_equal(targets(entry, faces), [0, 1, 2, 3, 4, 5, np.nan], equal_nan=True)

    def test_merged_classes(self) -> None:
        entry = protocol("fer2013/3")
        faces = [face(1, name) for name in ("happiness", "fear", "neutral", "sadness")]
        assert targets(entry, faces).tolist() == [0, 1, 1, 2]

    def test_votes(self) -> None:
        table = {
            "clear": [8, 0, 0, 0, 0, 0, 0, 0, 2, 0],
            "tie": [4, 4, 0, 0, 0, 0, 0, 0, 2, 0],
            "unknown leads": [3, 0, 0, 0, 0, 0, 0, 0, 7, 0],
        }
        faces = [Sample(name, Path("a"), truth=Truth(votes=Values(np.array(row), FERPLUS_10))) for name, row in table.items()]
        codes = targets(protocol("ferplus/majority"), faces)
        assert np.array_equal(codes, [0, np.nan, np.nan], equal_nan=True)
        shares = targets(protocol("ferplus/votes"), faces)
        assert shares.shape == (3, 8)
        assert shares[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
        assert shares[1, :2].tolist() == [0.5, 0.5]
        assert np.isnan(shares[2]).all()

    def test_presence_from_intensity(self) -> None:
        values = np.array([0, 1, 2, 3, 4, 5, np.nan, 0, 0, 0, 2, 1], np.float32)
        faces = [Sample("1", Path("a"), truth=Truth(intensity=Values(values, DISFA_12)))]
        # AU01 02 04 06 09 12 25 26 stand at 0 1 2 4 5 6 10 11
        wanted = [[0, 0, 1, 1, 1, np.nan, 1, 0]]
        assert np.array_equal(targets(protocol("disfa/3-fold"), faces), wanted, equal_nan=True)
        assert np.array_equal(targets(protocol("disfa/intensity"), faces), values[None], equal_nan=True)

    def test_labels_for_each_frame_of_a_clip_are_refused(self) -> None:
        clip = Sample("1", Path("a"), truth=Truth(intensity=Values(np.zeros((4, 12)), DISFA_12)))
        with pytest.raises(InputError, match="for each frame"):
            targets(protocol("disfa/3-fold"), [clip])

    def test_numbers(self) -> None:
        faces = [Sample("1", Path("a"), truth=Truth(affect=np.array([0.5, np.nan]))), Sample("2", Path("a"))]
        assert np.array_equal(targets(protocol("affectnet/va"), faces), [[0.5, np.nan], [np.nan, np.nan]], equal_nan=True)
        assert targets(protocol("utkface/age"), [Sample("1", Path("a"), truth=Truth(age=31))]).tolist() == [[31]]

    def test_a_pose_beyond_the_limit_is_none(self) -> None:
        found = targets(protocol("aflw2000-3d"), [Sample("1", Path("a"), truth=turned(yaw)) for yaw in (98, 100)])
        assert np.isnan(found).all(1).tolist() == [False, True]

    def test_landmarks(self) -> None:
        faces = [Sample("1", Path("a"), truth=Truth(landmarks=np.ones((k, 2)))) for k in (68, 68)]
        assert targets(protocol("300w/full"), [*faces, Sample("2", Path("a"))]).shape == (3, 68, 2)
        with pytest.raises(InputError, match="one shape"):
            targets(protocol("300w/full"), [*faces, Sample("2", Path("a"), truth=Truth(landmarks=np.ones((5, 2))))])

    def test_boxes_and_those_that_do_not_count(self) -> None:
        notes = Values(np.array([[0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0]]), WIDER_6)
        truth = Truth(boxes=np.array([[1, 2, 3, 4], [5, 6, 7, 8]]), box_values=notes)
        found = targets(protocol("wider-face/val"), [Sample("1", Path("a"), truth=truth)])
        assert found.dtype == object
        assert found[0].tolist() == [[1, 2, 3, 4, 1], [5, 6, 7, 8, 0]]

    def test_identity_and_pairs(self, made: Made) -> None:
        faces = [Sample(str(k), Path("a"), subject=name) for k, name in enumerate(("bob", "ann", "bob"))]
        assert targets(protocol("lfw/people"), faces).tolist() == [1, 0, 1]
        entry = protocol("lfw/10-fold")
        found = list(pairs(entry, made("lfw_pack")))
        assert targets(entry, found).tolist() == [1, 0]
        assert groups(entry, found).tolist() == [0, 1]  # type: ignore[union-attr]
        with pytest.raises(InputError, match="wanted pairs"):
            targets(entry, faces)
        with pytest.raises(InputError, match="wanted samples"):
            targets(protocol("lfw/people"), [Pair("a", "b", True)])
        with pytest.raises(InputError, match="a protocol with pairs"):
            next(pairs(protocol("raf-db/7"), made("lfw_pack")))

    def test_groups(self) -> None:
        faces = [Sample("1", Path("a"), session="x"), Sample("2", Path("a"))]
        assert groups(protocol("aff-wild2/expr"), faces).tolist() == ["x", "sample 2"]  # type: ignore[union-attr]
        assert groups(protocol("raf-db/7"), faces) is None
        assert groups(protocol("ijb-b/1:1"), [Pair("1", "2", True)]) is None


def test_a_users_own_options_stay(made: Made) -> None:
    own = Folder("smic", made("smic")._root, camera="VIS")
    entry: Protocol = replace(protocol("smic/loso"), parts={"test": Part("all", {"camera": "NIR"})})
    assert "VIS" in str(samples(replace(entry, parts={"test": Part("all")}), own, "test", fold=1)[0].frames)
    assert "NIR" in str(samples(entry, own, "test", fold=1)[0].frames)
