"""Readers of attributes and of identities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.datasets import celeba, ijb_b, lfw, lfw_pack
from mien.datasets.drawing import lines
from mien.datasets.utkface import truth_of
from mien.errors import InputError

from .conftest import Made, read
from .test_expression import rewrite


class TestFairFace:
    def test_ages_that_a_spreadsheet_has_changed(self, tmp_path: Path) -> None:
        (tmp_path / "val").mkdir()
        ages = {"03-Sep": "3-9", "Oct-19": "10-19", "more than 70": "70+", "20-29": "20-29"}
        lines(
            tmp_path / "fairface_label_val.csv",
            ["file,age,gender,race,service_test", *(f"val/{i}.jpg,{age},Female,East Asian,True" for i, age in enumerate(ages))],
        )
        truths = [sample.truth for sample in read("fairface", tmp_path, "val")]
        assert [t.age_range and t.age_range.name for t in truths] == list(ages.values())
        assert truths[0].gender is not None
        assert truths[0].race is not None
        assert (truths[0].gender.name, truths[0].race.name) == ("female", "East Asian")
        rewrite(tmp_path / "fairface_label_val.csv", "20-29", "200")
        with pytest.raises(InputError, match="line 5: age is '200'"):
            read("fairface", tmp_path, "val")

    def test_the_archive_of_128_pixels_has_no_boxes(self, made: Made) -> None:
        found = read("fairface_pack", made("fairface_pack"), "train")
        assert found[0].truth.boxes is None  # nothing was detected
        assert found[1].truth.landmarks is not None
        small = read("fairface_pack", made("fairface_pack"), "train", size=128)
        assert all(sample.truth.boxes is None for sample in small)
        assert (found[0].read().shape, small[0].read().shape) == ((224, 224, 3), (128, 128, 3))


class TestUtkFace:
    @pytest.mark.parametrize(
        ("name", "known"),
        [
            ("100_0_4_20170112213500903.jpg.chip.jpg", {"age": 100, "gender": "male", "race": "Others"}),
            ("61_1_20170109150557335.jpg.chip.jpg", {"age": 61, "gender": "female"}),
            ("39_1_20170116174525125.jpg", {"age": 39, "gender": "female"}),
            ("24_3_4_20170112213500903.jpg", {"age": 24, "race": "Others"}),
        ],
    )
    def test_names(self, name: str, known: dict[str, object]) -> None:
        truth = truth_of(name)
        found = {key: getattr(truth, key) for key in truth.known}
        assert {key: getattr(value, "name", value) for key, value in found.items()} == known

    @pytest.mark.parametrize("name", ["117_0_0_20170112213500903.jpg", "photo.jpg", "20170112213500903.jpg"])
    def test_what_has_no_age_is_refused(self, name: str) -> None:
        with pytest.raises(InputError, match="age from 0 to 116"):
            truth_of(name)


class TestCelebA:
    def test_attributes_subjects_and_points(self, made: Made) -> None:
        root = made("celeba")
        row = (root / "list_attr_celeba.txt").read_text("utf-8").splitlines()[2].split()
        first = read("celeba", root, "train")[0]
        assert first.id == row[0]
        values = first.truth.attributes
        assert values is not None
        assert values.values.tolist() == [int(int(cell) > 0) for cell in row[1:]]
        assert float(values["Male"]) == float(int(row[1 + 20]) > 0)
        assert [s.subject for s in read("celeba", root, "val")] == ["2", "3", "3"]
        assert first.truth.landmarks is not None

    def test_optional_lists_may_be_missing(self, copied: Made) -> None:
        root = copied("celeba")
        (root / "identity_CelebA.txt").unlink()
        (root / "list_landmarks_align_celeba.txt").unlink()
        sample = read("celeba", root, "test")[0]
        assert sample.subject is None
        assert sample.truth.known == ("attributes",)

    def test_lists_that_do_not_go_together_are_refused(self, copied: Made) -> None:
        root = copied("celeba")
        rewrite(root / "list_eval_partition.txt", "000002.jpg", "000003.jpg")
        with pytest.raises(InputError, match=r"image is 000003\.jpg; wanted 000002\.jpg"):
            read("celeba", root, "train")
        rewrite(root / "list_attr_celeba.txt", "Smiling", "Smile")
        with pytest.raises(InputError, match="40 attributes of CelebA in their order"):
            next(celeba.read(root, "train"))


class TestPairs:
    def test_lfw(self, made: Made) -> None:
        found = lfw.pairs(made("lfw"))
        assert [(p.first, p.second, p.same, p.fold) for p in found] == [
            ("Some_Body_a_0001", "Some_Body_a_0002", True, 0),
            ("Some_Body_a_0002", "Some_Body_b_0001", False, 0),
            ("Some_Body_c_0001", "Some_Body_c_0002", True, 1),
            ("Some_Body_c_0002", "Some_Body_d_0001", False, 1),
        ]
        ids = {sample.id: sample.subject for sample in read("lfw", made("lfw"), "all")}
        assert all((ids[p.first] == ids[p.second]) == p.same for p in found)

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("2\t1", "10\t300", "4 pairs; wanted 6000"),
            ("2\t1", "two", "number of folds"),
            ("\t1\t2", "\tx\t2", "a name and two numbers"),
        ],
    )
    def test_a_wrong_list_is_refused(self, copied: Made, old: str, new: str, words: str) -> None:
        root = copied("lfw")
        rewrite(root / "pairs.txt", old, new)
        with pytest.raises(InputError, match=words):
            lfw.pairs(root)

    def test_persons_of_the_two_views(self, made: Made) -> None:
        people = [{s.subject for s in read("lfw", made("lfw"), split)} for split in ("train", "test")]
        assert not people[0] & people[1]

    def test_packed_lfw(self, made: Made) -> None:
        samples = {sample.id: sample for sample in read("lfw_pack", made("lfw_pack"), "all")}
        for pair in lfw_pack.pairs(made("lfw_pack")):
            assert (samples[pair.first].subject == samples[pair.second].subject) == pair.same
        assert [s.id for s in samples.values() if s.truth.expression is None] == ["Some_Body_d_0002.jpg"]

    def test_templates(self, copied: Made) -> None:
        root = copied("ijb_b")
        found = read("ijb_b", root, "all")
        assert [(s.id, s.session, s.clip) for s in found[:3]] == [
            ("1.jpg", "1", "1001"),
            ("2.jpg", "1", "1002"),
            ("3.jpg", "2", "1003"),
        ]
        line = (root / "meta/ijbb_name_5pts_score.txt").read_text("utf-8").split()
        assert found[0].truth.landmarks is not None
        assert np.allclose(found[0].truth.landmarks.ravel(), np.array(line[1:11], float))
        assert [(p.first, p.second, p.same) for p in ijb_b.pairs(root)] == [("1", "2", True), ("1", "3", False)]
        rewrite(root / "meta/ijbb_name_5pts_score.txt", "2.jpg", "9.jpg")
        with pytest.raises(InputError, match=r"image is 9\.jpg"):
            read("ijb_b", root, "all")
