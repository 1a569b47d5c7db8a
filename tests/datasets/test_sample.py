from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.datasets.drawing import picture, video
from mien.datasets.sample import Category, Frames, Sample, Truth, Values
from mien.errors import InputError
from mien.labels import FER_7


class TestValues:
    def test_a_missing_value_is_masked_and_shares_leave_it_out(self) -> None:
        values = Values(np.array([6, np.nan, 0, 2, 0, 0, 0]), FER_7)
        assert values.known.tolist() == [True, False, True, True, True, True, True]
        assert values.shares().values[[0, 3]].tolist() == [0.75, 0.25]
        assert np.isnan(Values(np.zeros(7), FER_7).shares().values).all()

    def test_rows_of_frames_keep_their_axis(self) -> None:
        values = Values(np.arange(14).reshape(2, 7), FER_7)
        assert values["disgust"].tolist() == [1, 8]
        with pytest.raises(InputError, match="did you mean disgust"):
            values["disgusted"]

    @pytest.mark.parametrize("shape", [(6,), (2, 6), (1, 2, 7)])
    def test_another_shape_is_refused(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(InputError, match=r"\(7,\) or \(n, 7\)"):
            Values(np.zeros(shape), FER_7)


class TestTruth:
    def test_what_is_not_given_is_absent(self) -> None:
        truth = Truth(Category(3, FER_7), affect=np.array([0.5, np.nan]))
        assert truth.known == ("expression", "affect")
        assert truth.box is None

    @pytest.mark.parametrize(
        ("field", "value"),
        [("affect", np.zeros(3)), ("boxes", np.zeros(4)), ("landmarks", np.zeros((5, 3))), ("pose", np.zeros((1, 3)))],
    )
    def test_another_shape_is_refused(self, field: str, value: np.ndarray) -> None:
        with pytest.raises(InputError, match=rf"Truth\.{field} has shape"):
            Truth(**{field: value})

    @pytest.mark.parametrize("index", [-1, 7])
    def test_a_class_outside_the_set_is_refused(self, index: int) -> None:
        with pytest.raises(InputError, match="0 to 6"):
            Category(index, FER_7)

    def test_only_one_box_is_the_box(self) -> None:
        assert Truth(boxes=np.array([[1, 2, 3, 4]])).box is not None
        assert Truth(boxes=np.zeros((2, 4))).box is None


class TestPictures:
    def test_nothing_is_read_before_it_is_asked_for(self, tmp_path: Path) -> None:
        sample = Sample("a", tmp_path / "later.png")
        with pytest.raises(InputError, match=r"later\.png"):
            sample.read()
        picture(tmp_path / "later.png", np.random.default_rng(0), "fear")
        assert sample.read()[0, 0].tolist() == [140, 140, 140]

    def test_a_sample_without_picture_says_so(self) -> None:
        with pytest.raises(InputError, match="a has no picture"):
            Sample("a").read()

    def test_a_part_of_a_video_keeps_its_numbers(self, tmp_path: Path) -> None:
        video(tmp_path / "v.mp4", np.random.default_rng(0), frames=6)
        every = [image for _, image in Frames(video=tmp_path / "v.mp4").numbered()]
        part = list(Frames(video=tmp_path / "v.mp4", first=2, stop=5).numbered())
        assert len(every) == 6
        assert [number for number, _ in part] == [0, 1, 2]
        assert all(np.array_equal(image, every[number + 2]) for number, image in part)

    def test_a_video_that_cannot_be_read_raises(self, tmp_path: Path) -> None:
        (tmp_path / "v.avi").write_bytes(b"no video")
        with pytest.raises(InputError, match=r"v\.avi"):
            list(Frames(video=tmp_path / "v.avi"))

    def test_pictures_or_a_video_but_not_both_or_neither(self, tmp_path: Path) -> None:
        for bad in ({}, {"paths": (tmp_path,), "video": tmp_path}):
            with pytest.raises(InputError, match="one of them"):
                Frames(**bad)
