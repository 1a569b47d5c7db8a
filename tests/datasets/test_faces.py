"""Readers of boxes, landmarks and pose, and the table of the user."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.datasets.aflw2000 import pose_of
from mien.datasets.drawing import lines
from mien.datasets.ibug_300w import read_points
from mien.datasets.table import Columns
from mien.errors import InputError
from mien.geometry.pose import direction, matrix
from mien.labels import FER_7, LabelSet

from .conftest import Made, read
from .test_expression import rewrite


class TestWiderFace:
    def listed(self, folder: Path, content: list[str]) -> list:  # type: ignore[type-arg]
        (folder / "WIDER_val/images").mkdir(parents=True, exist_ok=True)
        lines(folder / "wider_face_split/wider_face_val_bbx_gt.txt", content)
        return read("wider_face", folder, "val")

    def test_boxes_and_notes(self, tmp_path: Path) -> None:
        content = [
            "0--Parade/a.jpg",
            "2",
            "10 20 30 40 2 0 1 0 1 0",
            "1 2 3 4 0 1 0 1 2 1",
            "1--Rally/b.jpg",
            "1",
            "5 5 1 1 0 0 0 0 0 0",
        ]
        first, second = self.listed(tmp_path, content)
        assert first.truth.boxes.tolist() == [[10, 20, 40, 60], [1, 2, 4, 6]]
        notes = first.truth.box_values
        assert notes["blur"].tolist() == [2, 0]
        assert notes["occlusion"].tolist() == [1, 2]
        assert notes["invalid"].tolist() == [0, 1]
        assert (second.session, second.image) == ("1--Rally", tmp_path / "WIDER_val/images/1--Rally/b.jpg")

    @pytest.mark.parametrize("zeros", [[], ["0 0 0 0 0 0 0 0 0 0"]])
    def test_a_picture_without_faces_with_and_without_its_line_of_zeros(self, tmp_path: Path, zeros: list[str]) -> None:
        for last in ([], ["0--Parade/b.jpg", "1", "5 5 1 1 0 0 0 0 0 0"]):
            found = self.listed(tmp_path, ["0--Parade/a.jpg", "0", *zeros, *last])
            assert [len(sample.truth.boxes) for sample in found] == [0, 1][: 1 + len(last) // 3]

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (["a.jpg", "2", "1 2 3 4 0 0 0 0 0 0"], "line 3: 1 boxes; wanted 2"),
            (["a.jpg", "1", "1 2 3"], "line 3"),
            (["1 2 3 4"], "line 1.*the name of a picture"),
        ],
    )
    def test_wrong_lists(self, tmp_path: Path, content: list[str], words: str) -> None:
        with pytest.raises(InputError, match=words):
            self.listed(tmp_path, content)

    def test_the_test_part_has_no_boxes(self, made: Made) -> None:
        assert all(sample.truth.known == () for sample in read("wider_face", made("wider_face"), "test"))


class TestLandmarks:
    def test_pts_count_from_one(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.pts", ["version: 1", "n_points:  2", "{", "1.0 1.0", "20.5 30.25", "}"])
        assert read_points(tmp_path / "a.pts").tolist() == [[0, 0], [19.5, 29.25]]
        rewrite(tmp_path / "a.pts", "n_points:  2", "n_points:  68")
        with pytest.raises(InputError, match="holds 2 points; wanted 68"):
            read_points(tmp_path / "a.pts")

    def test_the_parts_of_300w(self, made: Made) -> None:
        root = made("ibug_300w")
        parts = {split: {s.id for s in read("ibug_300w", root, split)} for split in ("train", "test", "common", "challenging")}
        assert parts["test"] == parts["common"] | parts["challenging"]
        assert not parts["train"] & parts["test"]
        assert {s.session for s in read("ibug_300w", root, "challenging")} == {"ibug"}
        assert all(s.truth.landmarks is not None and s.truth.landmarks.shape == (68, 2) for s in read("ibug_300w", root, "train"))

    def test_wflw(self, tmp_path: Path) -> None:
        (tmp_path / "WFLW_images").mkdir()
        numbers = [*range(196), 5, 6, 90, 91, 1, 0, 0, 0, 1, 0]
        path = tmp_path / "WFLW_annotations/list_98pt_rect_attr_train_test/list_98pt_rect_attr_test.txt"
        lines(path, [(*numbers, "3--Riot/a.jpg")])
        (sample,) = read("wflw", tmp_path, "test")
        truth = sample.truth
        assert truth.landmarks is not None
        assert truth.landmarks[97].tolist() == [194, 195]
        assert truth.box is not None
        assert truth.box.tolist() == [5, 6, 90, 91]
        assert truth.attributes is not None
        assert [name for name in truth.attributes.labels if truth.attributes[name]] == ["pose", "occlusion"]
        assert sample.clip == "3--Riot/a.jpg"

    def test_cofw(self, made: Made) -> None:
        io = pytest.importorskip("scipy.io")
        stored = io.loadmat(made("cofw") / "COFW_train_color.mat")
        for number, sample in enumerate(read("cofw", made("cofw"), "train")):
            row = stored["phisTr"][number]
            assert sample.truth.landmarks is not None
            assert sample.truth.visible is not None
            assert np.allclose(sample.truth.landmarks[3], [row[3], row[32]], atol=1e-3)
            assert sample.truth.visible.tolist() == [hidden == 0 for hidden in row[58:]]
            assert sample.truth.box is not None
            assert sample.truth.box.tolist() == [4, 5, 54, 57]
            assert sample.read().shape == (64 + number, 64 + number, 3)

    def test_cofw_of_matlab_7_3(self, tmp_path: Path) -> None:
        h5py = pytest.importorskip("h5py")
        image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
        with h5py.File(tmp_path / "COFW_test_color.mat", "w", userblock_size=512) as opened:
            opened["stored"] = image.T
            cell = opened.create_dataset("IsT", (1, 1), h5py.ref_dtype)
            cell[0, 0] = opened["stored"].ref
            opened["phisT"] = np.arange(87.0)[:, None]
            opened["bboxesT"] = np.array([[1.0, 2.0, 3.0, 4.0]]).T
        with open(tmp_path / "COFW_test_color.mat", "r+b") as stream:
            stream.write(b"MATLAB 7.3 MAT-file")
        (sample,) = read("cofw", tmp_path, "test")
        assert np.array_equal(sample.read(), image)
        assert sample.truth.landmarks is not None
        assert sample.truth.landmarks[1].tolist() == [1, 30]


class TestPose:
    """Signs and order of the angles: 3DDFA, which fitted the data set, against mien."""

    @pytest.mark.parametrize(
        ("angles", "where"),
        [((0.5, 0, 0), [0, -1]), ((-0.5, 0, 0), [0, 1]), ((0, 0.5, 0), [-1, 0]), ((0, -0.5, 0), [1, 0])],
    )
    def test_where_the_face_points(self, angles: tuple[float, float, float], where: list[int]) -> None:
        # a face of 3DDFA with positive pitch looks up, with positive yaw to the left of the picture
        x, y, _ = direction(pose_of(np.array(angles))[None, :2])[0]
        assert np.sign(np.round([x, y], 6)).tolist() == where

    def test_roll_is_clockwise_in_both(self) -> None:
        assert pose_of(np.array([0, 0, 0.3])).round(5).tolist() == [0, 0, pytest.approx(0.3, abs=1e-5)]

    def test_points_of_the_model_fall_where_3ddfa_puts_them(self) -> None:
        """x = R X in axes with y up, then y = height - y: so a picture by mien's matrix is the same."""
        rng = np.random.default_rng(0)
        for _ in range(20):
            a, b, c = rng.uniform(-1.2, 1.2, 3)
            about_x = [[1, 0, 0], [0, np.cos(a), np.sin(a)], [0, -np.sin(a), np.cos(a)]]
            about_y = [[np.cos(b), 0, -np.sin(b)], [0, 1, 0], [np.sin(b), 0, np.cos(b)]]
            about_z = [[np.cos(c), np.sin(c), 0], [-np.sin(c), np.cos(c), 0], [0, 0, 1]]
            turned = np.array(about_x) @ about_y @ about_z
            points = rng.normal(size=(5, 3))
            theirs = points @ turned.T * [1, -1, -1]
            ours = points * [1, -1, -1] @ matrix(pose_of(np.array([a, b, c]))[None])[0].T
            assert np.allclose(ours, theirs, atol=1e-5)

    def test_a_file_without_pose_is_refused(self, copied: Made) -> None:
        io = pytest.importorskip("scipy.io")
        root = copied("aflw2000")
        io.savemat(root / "AFLW2000/image00002.mat", {"pt3d_68": np.zeros((3, 68))})
        with pytest.raises(InputError, match="Pose_Para"):
            read("aflw2000", root, "test")


class TestTable:
    def test_columns(self, made: Made) -> None:
        columns = Columns(
            expression="expression", valence="valence", arousal="arousal", subject="subject", split="split", age="age",
            box=("x1", "y1", "x2", "y2"),
        )  # fmt: skip
        found = read("table", made("table"), "all", columns=columns, labels=FER_7)
        first, last = found[0], found[-1]
        assert first.truth.known == ("expression", "affect", "boxes", "age")
        assert first.truth.box is not None
        assert (first.truth.age, first.truth.box.tolist(), first.subject) == (20, [4, 5, 40, 44], "s0")
        assert last.truth.known == ()
        assert last.subject is None

    def test_classes_as_numbers_from_one(self, tmp_path: Path) -> None:
        lines(tmp_path / "mine.csv", ["path,code", "a.jpg,1", "b.jpg,2.0", "c.jpg,"])
        two = LabelSet("two", ("off", "on"))
        columns = Columns(image="path", expression="code", first=1)
        found = read("table", tmp_path, "all", columns=columns, labels=two, file="mine.csv")
        assert [s.truth.expression and s.truth.expression.name for s in found] == ["off", "on", None]
        with pytest.raises(InputError, match="a class from 0 to 1"):
            read("table", tmp_path, "all", columns=Columns("path", "code"), labels=two, file="mine.csv")

    def test_what_is_missing_is_named(self, made: Made) -> None:
        with pytest.raises(InputError, match="without a label set"):
            read("table", made("table"), "all", columns=Columns(expression="expression"))
        with pytest.raises(InputError, match=r"unknown column of labels\.csv 'emotion'"):
            read("table", made("table"), "all", columns=Columns(expression="emotion"), labels=FER_7)
        with pytest.raises(InputError, match="a column of splits"):
            read("table", made("table"), "train")
