"""The detector stage with a network that is known: a bright disc is a face."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.stages.detect import Detect, _tiles
from mien.types import Frame

from mien.types import Faces  # isort: skip


class DiscNet:
    """Finds bright discs of 6 to 90 px: one place at stride 8 speaks for each, the five points lie on a cross."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, int]] = []

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        image = inputs["image"]
        height, width = image.shape[2:]
        assert height % 32 == 0
        assert width % 32 == 0
        self.shapes.append((height, width))
        total = sum((height // s) * (width // s) for s in (8, 16, 32))
        scores, boxes, points = np.full((1, total), -9.0), np.zeros((1, total, 4)), np.zeros((1, total, 10))
        _, _, stats, centres = cv2.connectedComponentsWithStats((image[0, 1] > 0.5).astype(np.uint8))
        for (_, _, w, h, _), (x, y) in zip(stats[1:], centres[1:]):
            if not 6 <= max(w, h) <= 90:
                continue
            column, row = min(int(x // 8), width // 8 - 1), min(int(y // 8), height // 8 - 1)
            place = row * (width // 8) + column
            offset = np.array([x / 8 - column - 0.5, y / 8 - row - 0.5])
            scores[0, place] = 4
            boxes[0, place] = [*offset, np.log(w / 8), np.log(h / 8)]
            cross = np.array([[-0.25, -0.25], [0.25, -0.25], [0, 0], [-0.2, 0.25], [0.2, 0.25]]) * w / 8
            points[0, place] = (cross + offset).ravel()
        return {"scores": scores, "boxes": boxes, "points": points}


def discs(height: int, width: int, *spots: tuple[int, int, int]) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    for x, y, radius in spots:
        cv2.circle(image, (x, y), radius, (255, 255, 255), -1)
    return image


def test_a_disc_is_found_where_it_is() -> None:
    faces = Detect(DiscNet()).find(discs(480, 640, (300, 200, 30)))
    np.testing.assert_allclose(faces.boxes, [[270, 170, 330, 230]], atol=1.5)
    np.testing.assert_allclose(faces.landmarks[0, 2], [300, 200], atol=1.5)
    assert faces.confidence[0] == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-3)


def test_a_small_face_in_a_large_picture_is_found_by_a_finer_look() -> None:
    image = discs(1500, 2000, (1805, 1203, 8))
    assert len(Detect(DiscNet(), finest=0.1).find(image)) == 0
    faces = Detect(DiscNet()).find(image)
    np.testing.assert_allclose(faces.boxes, [[1797, 1195, 1813, 1211]], atol=2)


def test_a_face_seen_at_two_scales_and_in_two_tiles_is_one_face() -> None:
    faces = Detect(DiscNet()).find(discs(1500, 2600, (1300, 700, 40), (100, 100, 60)))
    assert len(faces) == 2


def test_tiles_cover_everything_and_overlap() -> None:
    covered = np.zeros((1500, 4000), int)
    for y, x in _tiles(1500, 4000):
        covered[y : y + 1280, x : x + 1280] += 1
    assert covered.min() == 1
    assert _tiles(480, 640) == [(0, 0)]


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_what_is_found_in_a_turned_picture_comes_back_in_place(turn: int) -> None:
    class Picky(DiscNet):
        """Blind until the picture is turned as wanted: a grey mark then lies in the upper left corner."""

        def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            out = super().run(inputs)
            if not inputs["image"][0, 1, 2, 2] > -0.5:
                out["scores"][:] = -9
            return out

    upright = discs(240, 400, (300, 60, 20))
    upright[:10, :10] = 100
    image = np.ascontiguousarray(np.rot90(upright, -turn))
    faces = Detect(Picky(), size=400).find(image)
    expected = np.array([[300, 60]]) if turn == 0 else None
    mark = np.zeros((240, 400), np.uint8)
    mark[60, 300] = 1
    y, x = np.argwhere(np.rot90(mark, -turn))[0]
    expected = np.array([x, y])
    np.testing.assert_allclose((faces.boxes[0, :2] + faces.boxes[0, 2:]) / 2, expected, atol=1.5)
    np.testing.assert_allclose(faces.landmarks[0, 2], expected, atol=1.5)
    # the right eye of the upright face lies to the left; its place turns with the picture
    assert np.linalg.norm(faces.landmarks[0, 0] - faces.landmarks[0, 1]) == pytest.approx(20, abs=2)
    assert not Detect(Picky(), size=400, turned=False).find(image)


def test_faces_below_the_smallest_side_are_dropped() -> None:
    image = discs(320, 320, (100, 100, 8), (200, 200, 20))
    assert len(Detect(DiscNet(), size=320, min_side=30).find(image)) == 1


def test_a_picture_of_an_odd_size_is_padded_not_stretched() -> None:
    net = DiscNet()
    faces = Detect(net, size=320, turned=False).find(discs(199, 311, (290, 180, 15)))
    assert all(h % 32 == 0 and w % 32 == 0 for h, w in net.shapes)
    np.testing.assert_allclose(faces.boxes, [[275, 165, 305, 195]], atol=1.6)


def test_a_frame_without_a_picture_passes() -> None:
    frame = Frame(None, 0.0, 0, Faces.none(), status="unreadable")
    assert Detect(DiscNet())([frame])[0] is frame
