"""HEADSET: the reader, the drawn display, and the tables on made-up recordings."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mien.datasets import headset as data
from mien.datasets.drawing import lines
from mien.errors import InputError
from mien.systems.expression import headset

EYES = [(20.0, 30.0), (44.0, 30.0)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("headset")
    data.fake(root, 0)
    return root


class TestReading:
    def test_pictures_know_person_recording_and_eyes(self, made: Path) -> None:
        first = next(iter(data.read(made, "hmd")))
        assert (first.id, first.subject, first.clip) == ("P01/hmd/happiness/cam00/00000", "P01", "P01/hmd/happiness")
        assert first.truth.landmarks is not None
        assert first.truth.landmarks.tolist() == [[20, 25], [44, 27]]
        assert {s.subject for s in data.read(made, "plain")} == {"P01", "P02", "P03"}
        assert len({s.clip for s in data.read(made, "all")}) == 8

    def test_clouds(self, made: Path) -> None:
        found = list(data.scans(made, "plain"))
        assert [scan.id for scan in found[:2]] == ["P01/plain/happiness/00000", "P01/plain/sadness/00000"]
        points, directions = data.read_ply(found[0].path)
        assert points.shape == (300, 3)
        assert directions is not None
        assert np.allclose(points / (8, 11, 9), directions, atol=1e-5)

    @pytest.mark.parametrize("kind", ["ascii", "binary_little_endian", "binary_big_endian"])
    def test_ply_in_three_forms_with_more_columns_and_faces(self, tmp_path: Path, kind: str) -> None:
        head = f"ply\nformat {kind} 1.0\ncomment c\nelement vertex 2\nproperty double x\nproperty uchar red\nproperty float y\n"
        head += "property float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
        order = ">" if "big" in kind else "<"
        table = np.array(
            [(1.5, 7, 2, 3), (-4, 255, 5, 6)],
            np.dtype([("x", f"{order}f8"), ("r", "u1"), ("y", f"{order}f4"), ("z", f"{order}f4")]),
        )
        body = b"1.5 7 2 3\n-4 255 5 6\n3 0 1 1\n" if kind == "ascii" else table.tobytes() + b"\x03" + bytes(12)
        (tmp_path / "a.ply").write_bytes(head.encode() + body)
        points, directions = data.read_ply(tmp_path / "a.ply")
        assert points.tolist() == [[1.5, 2, 3], [-4, 5, 6]]
        assert directions is None

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            (b"ply\n", b"plx\n", "is no cloud"),
            (b"vertex 2", b"vertex 3", "3 vertices, as its head says"),
            (b"property float z\n", b"", "is no cloud"),
            (b"float z", b"list uchar int z", "is no cloud"),
            (b"1 2 3\n", b"1 2 x\n", "2 vertices, as its head says"),
            (b"ascii", b"text", "is no cloud"),
            (b"vertex", b"face", "is no cloud"),
        ],
    )
    def test_a_damaged_ply_is_named(self, tmp_path: Path, old: bytes, new: bytes, words: str) -> None:
        columns = b"property float x\nproperty float y\nproperty float z\n"
        text = b"ply\nformat ascii 1.0\nelement vertex 2\n" + columns + b"end_header\n1 2 3\n4 5 6\n"
        (tmp_path / "a.ply").write_bytes(text.replace(old, new))
        with pytest.raises(InputError, match=words):
            data.read_ply(tmp_path / "a.ply")


class TestVisor:
    def test_height_0_leaves_the_picture_as_it_is(self) -> None:
        image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        mask = headset.visor(image.shape, EYES, 0)
        assert not mask.any()
        assert np.array_equal(headset.cover(image, mask), image)

    def test_its_measures(self) -> None:
        mask = headset.visor((640, 640), [(200, 300), (440, 300)], 0.6)
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        # d = 240: 312 wide around x 320, 144 high of which 60 above y 300
        assert (columns[0], columns[-1]) == (320 - 156, 320 + 156)
        assert (rows[0], rows[-1]) == (240, 384)
        assert not mask[240, 164]  # rounded
        assert mask[300, 200]
        assert mask[300, 440]

    def test_it_turns_with_the_head_and_does_not_mind_the_order_of_the_eyes(self) -> None:
        upright = headset.visor((65, 65), [(20, 32), (44, 32)])
        turned = headset.visor((65, 65), [(32, 20), (32, 44)])
        assert np.array_equal(np.rot90(upright, -1), turned)
        assert np.array_equal(upright, headset.visor((65, 65), [(44, 32), (20, 32)]))

    def test_it_grows_with_its_height(self) -> None:
        masks = [headset.visor((64, 64), EYES, height) for height in (0.0, 0.2, 0.4, 0.6)]
        assert all((small <= large).all() and small.sum() < large.sum() for small, large in pairwise(masks))

    @pytest.mark.parametrize(
        ("eyes", "height"), [([(1, 1), (1, 1)], 0.6), ([(1, np.nan), (2, 2)], 0.6), (EYES, -1), ([(1, 1)], 0.6)]
    )
    def test_what_is_no_visor(self, eyes: list[tuple[float, float]], height: float) -> None:
        with pytest.raises(InputError, match="two different points"):
            headset.visor((64, 64), eyes, height)


def test_recall_falls_for_what_is_read_at_the_eyes_alone() -> None:
    rng = np.random.default_rng(0)
    faces, truth = [], rng.integers(0, 2, 20)
    for label in truth:
        image = np.full((64, 64, 3), 120, np.uint8)
        # class 1 is bright at the eyes, class 0 bright at the mouth
        image[28:33, 24:40] = 250 if label else 120
        image[50:55, 24:40] = 120 if label else 250
        faces.append((image, EYES))

    def predict(images: np.ndarray) -> np.ndarray:
        mouth, eyes = images[:, 50:55, 24:40].mean((1, 2, 3)), images[:, 28:33, 24:40].mean((1, 2, 3))
        return np.stack([mouth * 0 + (mouth > eyes) + (eyes < 200) * 0.1, (eyes > 200).astype(float)], 1)

    table = headset.occlusion(predict, faces, truth, ("mouth", "eyes"))
    assert table["accuracy(height 0.0)"].value == 1
    assert table["lost(eyes)"].value == 1
    assert table["lost(mouth)"].value == 0


class TestFigures:
    def test_a_random_division_shares_recordings_and_one_by_person_does_not(self, made: Path) -> None:
        recorded, removal, clouds = headset.evaluate(made)
        name = "test pictures whose recording is trained on({})"
        assert recorded[name.format("at random")].value > 0.5
        assert recorded[name.format("by person")].value == 0
        assert (recorded["persons"].value, recorded["persons with display"].value, recorded["recordings"].value) == (3, 1, 8)
        for way in ("left on", "mean colour", "Telea"):
            assert removal[f"PSNR hidden({way})"].value < removal[f"PSNR({way})"].value
        assert removal["PSNR hidden(Telea)"].value > removal["PSNR hidden(Telea)"].constant
        values = [clouds[f"D1 PSNR({bits} bits)"].value for bits in headset.BITS]
        assert np.allclose(np.diff(values), 2 * 20 * math.log10(2), atol=0.5)  # 6 dB for each bit

    def test_rounding_moves_no_point_by_more_than_half_a_cell(self) -> None:
        points = np.random.default_rng(0).normal(size=(500, 3))
        coded = headset.rounded(points, 6)
        step = headset.peak(points) / 63
        assert headset.hausdorff(points, coded) <= math.sqrt(3) * step / 2 * (1 + 1e-9)
        assert np.array_equal(headset.rounded(np.ones((4, 3)), 6), np.ones((1, 3)))

    def test_answers_from_files(self, made: Path, tmp_path: Path) -> None:
        both = list(data.read(made, "all"))
        lines(tmp_path / "a.csv", ["id,label", *(f"{s.id},happiness" for s in both if "/hmd/" in s.id)])
        for scan in data.scans(made):
            (tmp_path / scan.id).parent.mkdir(parents=True, exist_ok=True)
            data.write_ply(tmp_path / f"{scan.id}.ply", data.read_ply(scan.path)[0] + (0, 0, 1e-3))
        _, _, clouds, expression = headset.evaluate(made, answers=tmp_path / "a.csv", clouds=tmp_path)
        assert clouds["Hausdorff(answers)"].value == pytest.approx(1e-3, rel=1e-3)
        assert (expression["accuracy(plain)"].value, expression["accuracy(hmd)"].value) == (0, 0.5)
        assert expression["recall(happiness, hmd)"].value == 1
        lines(tmp_path / "b.csv", ["id,label", "P09/plain/x/cam00/0,happiness"])
        with pytest.raises(InputError, match="unknown picture in the answers"):
            headset.evaluate(made, answers=tmp_path / "b.csv")
