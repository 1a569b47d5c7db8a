"""Readers of pictures with an expression: what each line of a list becomes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from mien.datasets.drawing import lines
from mien.datasets.fer2013 import majority
from mien.datasets.image_folder import found_labels
from mien.errors import InputError
from mien.labels import LabelSet

from .conftest import Made, read


def rewrite(path: Path, old: str, new: str) -> None:
    """Change the first place of a list."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


class TestFer2013:
    def test_codes_and_pixels(self, tmp_path: Path) -> None:
        pixels = [0] * 2304
        pixels[49] = 255  # second row, second column
        lines(tmp_path / "fer2013.csv", ["emotion,pixels,Usage", f"3,{' '.join(map(str, pixels))},PublicTest"])
        (sample,) = read("fer2013", tmp_path, "val")
        assert sample.truth.expression is not None
        assert sample.truth.expression.name == "happiness"
        assert sample.truth.votes is None
        assert np.argwhere(sample.read()[..., 0]).tolist() == [[1, 1]]
        assert read("fer2013", tmp_path, "train") == []

    def test_votes_are_those_of_the_same_row(self, made: Made) -> None:
        for split in ("train", "val", "test"):
            for sample in read("fer2013", made("fer2013"), split):
                assert sample.truth.votes is not None
                found = majority(sample.truth.votes)
                assert found is not None
                assert sample.truth.expression is not None
                assert found.name == sample.truth.expression.name

    def test_a_vote_without_winner_has_no_majority(self, made: Made) -> None:
        votes = read("fer2013", made("fer2013"), "train")[0].truth.votes
        assert votes is not None
        tie = type(votes)(np.array([5, 5, 0, 0, 0, 0, 0, 0, 0, 0]), votes.labels)
        unknown = type(votes)(np.array([1, 2, 0, 0, 0, 0, 0, 0, 7, 0]), votes.labels)
        assert majority(tie) is None
        assert majority(unknown) is None

    def test_tables_that_do_not_go_together_are_refused(self, copied: Made) -> None:
        root = copied("fer2013")
        votes = (root / "fer2013new.csv").read_text("utf-8").splitlines()
        lines(root / "fer2013new.csv", [votes[0], *votes[2:]])
        with pytest.raises(InputError, match="same faces in the same order"):
            read("fer2013", root, "train")

    @pytest.mark.parametrize(("old", "new", "words"), [("\n0,", "\n7,", "from 0 to 6"), (" ", " 999 ", "2304 numbers")])
    def test_wrong_lines(self, copied: Made, old: str, new: str, words: str) -> None:
        root = copied("fer2013")
        rewrite(root / "fer2013.csv", old, new)
        with pytest.raises(InputError, match=words):
            read("fer2013", root, "train")


class TestMosaics:
    def test_clean_leaves_out_photographs_of_the_training_part(self, made: Made) -> None:
        every, clean = (read("fer_mosaics", made("fer_mosaics"), "val", clean=c) for c in (False, True))
        assert [s.id for s in every if s.id not in {c.id for c in clean}] == ["0000014"]
        assert every[0].clip == read("fer_mosaics", made("fer_mosaics"), "train")[0].clip == "duplicate-1"
        assert every[1].clip is None

    def test_a_slot_outside_the_mosaic_is_refused(self, copied: Made) -> None:
        root = copied("fer_mosaics")
        rewrite(root / "labels.csv", "\n0,0,0,", "\n0,0,1024,")
        with pytest.raises(InputError, match="no slot 1024"):
            read("fer_mosaics", root, "train")[0].read()


class TestRafDb:
    def test_codes_of_the_readme(self, made: Made) -> None:
        listed = (made("raf_db") / "basic/EmoLabel/list_patition_label.txt").read_text("utf-8")
        words = dict(zip("1234567", ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"]))
        want = {name.removesuffix(".jpg"): words[code] for name, code in re.findall(r"(\S+) (\d)", listed)}
        found = {s.id: s.truth.expression for split in ("train", "test") for s in read("raf_db", made("raf_db"), split)}
        assert {key: value and value.name for key, value in found.items()} == want

    def test_annotations(self, copied: Made) -> None:
        root = copied("raf_db")
        points = [f"{x}.5\t{x + 1}" for x in range(10, 60, 10)]
        manual = root / "basic/Annotation/manual/test_0001_manu_attri.txt"
        lines(manual, [*points, "2", "2", "4"])
        first = read("raf_db", root, "test", aligned=False)[0]
        assert first.truth.gender is None  # unsure
        assert first.truth.race is not None
        assert first.truth.age_range is not None
        assert (first.truth.race.name, first.truth.age_range.name) == ("Asian", "70+")
        assert first.truth.landmarks is not None
        assert first.truth.landmarks[4].tolist() == [50.5, 51]
        assert first.truth.box is not None
        assert first.truth.box.tolist() == [10.5, 12.5, 100.25, 110.75]
        # points and boxes belong to the original pictures
        assert read("raf_db", root, "test")[1].truth.known[0] == "expression"
        assert read("raf_db", root, "test")[0].truth.known == ("expression", "age_range", "race")
        lines(manual, points)
        with pytest.raises(InputError, match="holds 10 numbers; wanted 13"):
            read("raf_db", root, "test")


class TestAffectNet:
    HEAD = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"

    def one(self, folder: Path, code: int, affect: str, **options: object) -> list:  # type: ignore[type-arg]
        (folder / "Manually_Annotated").mkdir(exist_ok=True)
        lines(folder / "training.csv", [self.HEAD, f"1/a.jpg,10,20,30,40,1;2;3;4,{code},{affect}"])
        return read("affectnet", folder, "train", **options)

    def test_a_line(self, tmp_path: Path) -> None:
        (sample,) = self.one(tmp_path, 3, "0.25,-0.5")
        truth = sample.truth
        assert (truth.expression.name, truth.affect.tolist()) == ("surprise", [0.25, -0.5])
        assert (truth.box.tolist(), truth.landmarks.tolist()) == ([10, 20, 40, 60], [[1, 2], [3, 4]])
        assert sample.image == tmp_path / "Manually_Annotated/1/a.jpg"

    def test_minus_two_is_missing(self, tmp_path: Path) -> None:
        assert self.one(tmp_path, 3, "-2,-2")[0].truth.affect is None
        half = self.one(tmp_path, 3, "-2,0.5")[0].truth.affect
        assert np.isnan(half[0])
        assert half[1] == 0.5

    @pytest.mark.parametrize(
        ("code", "classes", "clear"), [(6, 7, True), (7, 7, False), (7, 8, True), (8, 8, False), (10, 8, False)]
    )
    def test_classes_and_what_is_unclear(self, tmp_path: Path, code: int, classes: int, clear: bool) -> None:
        assert len(self.one(tmp_path, code, "0,0", classes=classes)) == int(clear)
        (sample,) = self.one(tmp_path, code, "0,0", classes=classes, unclear=True)
        assert (sample.truth.expression is not None) == clear

    def test_the_list_without_first_line_loses_no_sample(self, made: Made) -> None:
        found = read("affectnet", made("affectnet"), "val", unclear=True)
        assert len(found) == 22
        assert found[0].id == "1/val0000.jpg"

    def test_other_numbers_of_classes_and_codes_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"7 \(without contempt\) or 8"):
            self.one(tmp_path, 1, "0,0", classes=6)
        with pytest.raises(InputError, match="0 to 10"):
            self.one(tmp_path, 11, "0,0")

    def test_npy(self, copied: Made) -> None:
        root = copied("affectnet_npy")
        found = {sample.id: sample.truth for sample in read("affectnet_npy", root, "train")}
        affect = found["1"].affect
        assert affect is not None
        assert np.isnan(affect).tolist() == [True, False]
        assert found["14"].expression is not None
        assert found["14"].expression.name == "contempt"
        assert len(read("affectnet_npy", root, "train", classes=7)) == 14
        (root / "train_set/annotations/3_val.npy").unlink()
        with pytest.raises(InputError, match=r"no 3_val\.npy"):
            read("affectnet_npy", root, "train")


class TestFolders:
    def test_the_label_set_is_that_of_the_folders_or_of_the_user(self, made: Made) -> None:
        found = read("image_folder", made("image_folder"), "train")
        assert found[0].truth.expression is not None
        assert found[0].truth.expression.labels.names == ("anger", "happiness", "neutral")
        mine = LabelSet("mine", ("neutral", "Angry", "happiness"))
        names = {
            s.truth.expression.name for s in read("image_folder", made("image_folder"), "val", labels=mine) if s.truth.expression
        }
        assert names == set(mine.names)

    def test_an_unknown_folder_is_refused(self, made: Made, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="folder Happy"):
            read("image_folder", made("image_folder"), "train", labels=LabelSet("two", ("anger", "neutral")))
        for name in ("Happy", "happiness"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "a.jpg").touch()
        with pytest.raises(InputError, match="two folders of one class"):
            found_labels(tmp_path)

    def test_scenes_of_sfew(self, made: Made) -> None:
        sample = read("sfew", made("sfew"), "train")[0]
        assert sample.session == "Film0"
        assert re.fullmatch(r"Film0_\d{9}", sample.clip or "")

    def test_faces_of_a_picture_of_expw(self, made: Made) -> None:
        found = read("expw", made("expw"), "all")
        assert found[0].clip == found[-1].clip
        assert found[0].truth.box is not None
        assert found[0].truth.box.tolist() == [8, 5, 50, 55]  # the list has top before left
        assert found[-1].truth.expression is not None
        assert found[-1].truth.expression.name == "neutral"
