"""Readers of action units and of micro-expressions."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from mien.datasets.drawing import lines
from mien.datasets.micro import facs, number_of
from mien.datasets.sheet import cells, write_sheet
from mien.errors import InputError

from .conftest import Made, read
from .test_expression import rewrite


class TestDisfa:
    def test_a_video_has_an_intensity_for_each_frame(self, copied: Made) -> None:
        root = copied("disfa")
        lines(root / "ActionUnit_Labels/SN002/SN002_au12.txt", ["1,0", "2,5", "3,1"])
        videos = read("disfa", root, "all")
        truth = videos[1].truth.intensity
        assert truth is not None
        assert truth["AU12"].tolist() == [0, 5, 1]
        assert len(list(videos[1].frames or ())) == len(truth.values) == 3
        frames = read("disfa", root, "all", by_frame=True)
        assert [s.id for s in frames[3:6]] == ["SN002/0", "SN002/1", "SN002/2"]
        assert [float(s.truth.intensity["AU12"]) for s in frames[3:6] if s.truth.intensity] == [0, 5, 1]
        assert {s.subject for s in frames} == {"SN001", "SN002", "SN003"}

    def test_both_names_of_the_folder_of_videos_are_found(self, copied: Made) -> None:
        root = copied("disfa")
        (root / "Video_LeftCamera").rename(root / "Videos_LeftCamera")
        assert len(read("disfa", root, "all")) == 3

    def test_lists_that_are_missing_wrong_or_of_unequal_length(self, copied: Made) -> None:
        root = copied("disfa")
        path = root / "ActionUnit_Labels/SN001/SN001_au4.txt"
        for content, words in ((["1,6", "2,0", "3,0"], "intensity is 6; wanted 0 to 5"), (["1,0"], "differ in length")):
            lines(path, content)
            with pytest.raises(InputError, match=words):
                read("disfa", root, "all")
        path.unlink()
        with pytest.raises(InputError, match=r"no SN001_au4\.txt"):
            read("disfa", root, "all")


class TestBp4d:
    def test_columns_are_found_by_their_numbers_and_nine_is_missing(self, copied: Made) -> None:
        root = copied("bp4d")
        # AU05 and AU09 are coded, but no part of the twelve; the pictures have four digits
        head = "0,2,1,4,5,6,7,9,10,12,14,15,17,23,24"
        lines(root / "AUCoding/AU_OCC/F001_T1.csv", [head, "11,1,0,0,1,0,0,1,0,9,0,0,0,0,1"])
        lines(root / "AUCoding/AU_INT/AU12/F001_T1_AU12.csv", ["11,4"])
        lines(root / "AUCoding/AU_INT/AU06/F001_T1_AU06.csv", ["11,9"])
        sample = next(s for s in read("bp4d", root, "all") if s.clip == "F001_T1")
        assert sample.image == root / "2D+3D/F001/T1/0011.jpg"
        units, strong = sample.truth.units, sample.truth.intensity
        assert units is not None
        assert strong is not None
        assert [name for name in units.labels if units[name] == 1] == ["AU02", "AU24"]
        assert [name for name in units.labels if not units.known[units.labels.index(name)]] == ["AU12"]
        assert float(strong["AU12"]) == 4
        assert np.isnan(strong["AU06"])
        assert (sample.subject, sample.session) == ("F001", "T1")

    def test_a_picture_or_column_that_is_missing_is_named(self, copied: Made) -> None:
        root = copied("bp4d")
        (root / "2D+3D/F001/T1/0011.jpg").unlink()
        with pytest.raises(InputError, match="no picture of frame 11"):
            read("bp4d", root, "all")
        rewrite(root / "AUCoding/AU_OCC/F001_T1.csv", "0,1,2", "0,1,3")
        with pytest.raises(InputError, match="the numbers of the action units"):
            read("bp4d", root, "all")


class TestFacs:
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("4", "AU04 AU04L AU04R"),
            ("4+L14", "AU04 AU04L AU04R AU14 AU14L"),
            ("R12B + AU25", "AU12 AU12R AU25"),
            ("12B+25C", "AU12 AU12L AU12R AU25"),
            ("L12A + R12", "AU12 AU12L AU12R"),
            ("38+1", "AU01 AU01L AU01R"),
        ],
    )
    def test_codes(self, text: str, names: str) -> None:
        found = facs(text)
        assert found is not None
        assert [name for name in found.labels if found[name] == 1] == names.split()

    @pytest.mark.parametrize("text", ["", "?", "R12 or R15"])
    def test_what_leaves_a_choice_is_missing(self, text: str) -> None:
        assert facs(text) is None

    def test_unit_and_picture_numbers(self, made: Made) -> None:
        assert number_of(made("casme2") / "reg_img46.jpg") == 46
        assert number_of(made("casme2") / "cover.jpg") == -1


class TestMicro:
    def test_clips_go_from_onset_to_offset(self, made: Made) -> None:
        for cropped, stem in ((True, "reg_img"), (False, "img")):
            found = read("casme2", made("casme2"), "all", cropped=cropped)
            frames = found[1].frames
            assert frames is not None
            assert [path.name for path in frames.paths] == [f"{stem}{n}.jpg" for n in (9, 10, 11)]
            assert frames.apex == 1
            assert found[0].frames is not None
            assert found[0].frames.apex is None
            assert {s.subject for s in found} == {"sub01", "sub02", "sub03"}

    def test_an_offset_before_the_onset_goes_to_the_end(self, copied: Made, caplog: pytest.LogCaptureFixture) -> None:
        root = copied("casme2")
        sheet = root / "CASME2-coding-20140508.xlsx"
        table = [row for _, row in cells(sheet)]
        table[1][5] = "3"
        write_sheet(sheet, table)
        with caplog.at_level(logging.WARNING):
            frames = read("casme2", root, "all")[0].frames
        assert frames is not None
        assert [path.name for path in frames.paths] == [f"reg_img{n}.jpg" for n in (9, 10, 11, 12)]
        assert "offset 3 lies before onset 9" in caplog.text
        table[1][3] = "99"
        table[1][5] = "120"
        write_sheet(sheet, table)
        with pytest.raises(InputError, match="frames 8 to 12; wanted frames 99 to 120"):
            read("casme2", root, "all")

    def test_samm(self, made: Made) -> None:
        found = read("samm", made("samm"), "all")
        first = found[0]
        assert (first.subject, first.id) == ("006", "006_0_1")
        assert first.frames is not None
        assert [path.name for path in first.frames.paths] == [f"006_0{n}.jpg" for n in (5562, 5563, 5564)]
        assert first.frames.apex == 1
        words = [s.truth.expression.name for s in found if s.truth.expression]
        assert words.count("other") == 2

    def test_smic_frames_are_in_order(self, made: Made) -> None:
        frames = read("smic", made("smic"), "all")[0].frames
        assert frames is not None
        assert [path.name for path in frames.paths] == ["reg_image8.bmp", "reg_image9.bmp", "reg_image10.bmp"]
        assert len(read("smic", made("smic"), "all", camera="NIR")) == 18
        with pytest.raises(InputError, match="HS, VIS, NIR"):
            read("smic", made("smic"), "all", camera="RGB")
