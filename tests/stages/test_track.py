"""The tracker in a world that is known: faces are drawn, detector and mesh read them from the drawing's list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.stages.mesh import Fit
from mien.stages.track import FIVE, Follow, mesh_boxes
from mien.types import Faces

from .faces import posed


@dataclass
class Spot:
    """A face: centre, scale (pixels per cm), and the seed of its texture."""

    x: float
    y: float
    look: int
    scale: float = 5.0

    @property
    def mesh(self) -> np.ndarray:
        return posed(centre=(self.x, self.y), scale=self.scale)[0]


class World:
    """Draws the spots, later ones in front, and stands in for both networks."""

    def __init__(self, background: int = 0) -> None:
        self.spots: list[Spot] = []
        self.detections = 0
        self.fits = 0
        self.background = background

    def image(self) -> np.ndarray:
        out = np.full((480, 640, 3), self.background, np.uint8)
        for spot in self.spots:
            texture = np.random.default_rng(spot.look).integers(60, 255, (12, 12, 3)).astype(np.uint8)
            size = int(spot.scale * 20)
            patch = np.kron(texture, np.ones((size // 12 + 1, size // 12 + 1, 1), np.uint8))[:size, :size]
            x, y = int(spot.x - size / 2), int(spot.y - size / 2)
            x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + size, 640), min(y + size, 480)
            if x1 > x0 and y1 > y0:
                out[y0:y1, x0:x1] = patch[y0 - y : y1 - y, x0 - x : x1 - x]
        return out

    def visible(self) -> list[Spot]:
        """Spots whose centre no later spot covers."""
        out = []
        for k, spot in enumerate(self.spots):
            hidden = any(abs(o.x - spot.x) < 4 * o.scale and abs(o.y - spot.y) < 4 * o.scale for o in self.spots[k + 1 :])
            if not hidden:
                out.append(spot)
        return out

    def find(self, image: np.ndarray) -> Faces:
        self.detections += 1
        meshes = np.array([s.mesh for s in self.visible()], np.float32).reshape(-1, 478, 3)
        return Faces(mesh_boxes(meshes), np.full(len(meshes), 0.9), meshes[:, FIVE, :2])

    def fit_crops(self, image: np.ndarray, transforms: np.ndarray) -> Fit:
        """The visible face nearest to the middle of the crop, if it lies within it."""
        self.fits += len(transforms)
        meshes, presence = [], []
        for m in transforms:
            centre = np.linalg.solve(m[:, :2], np.array([63.5, 63.5]) - m[:, 2])
            side = 128 / np.hypot(m[0, 0], m[1, 0])
            near = sorted(self.visible(), key=lambda s: np.hypot(s.x - centre[0], s.y - centre[1]))
            there = bool(near) and np.hypot(near[0].x - centre[0], near[0].y - centre[1]) < 0.5 * side
            meshes.append(near[0].mesh if there else posed(centre=tuple(centre), scale=side / 20)[0])
            presence.append(0.99 if there else 0.01)
        return Fit(np.array(meshes, np.float32), np.array(presence, np.float32), np.zeros(len(meshes), np.float32))


def tracker(world: World, **options: object) -> Follow:
    return Follow(world, world, **options)


def run(
    world: World, follow: Follow, steps: int, move: object, start: int = 0, rate: float = 25.0
) -> list[dict[int, tuple[float, float]]]:
    """Play: ``move(k)`` sets the world; -> per frame the place of each track."""
    out = []
    for k in range(start, start + steps):
        move(k)
        faces, _ = follow(world.image(), k / rate)
        centres = faces.mesh[:, :, :2].mean(1) if len(faces) else np.zeros((0, 2))
        out.append({int(t): (float(c[0]), float(c[1])) for t, c in zip(faces.track if len(faces) else [], centres)})
    return out


def test_one_face_is_one_track_and_is_seldom_looked_for() -> None:
    world = World()
    follow = tracker(world, every=0.4)

    def move(k: int) -> None:
        world.spots = [Spot(100 + 4 * k, 200 + 2 * np.sin(k), 1)]

    rows = run(world, follow, 100, move)
    assert all(list(r) == [0] for r in rows)
    assert world.detections <= 12  # 4 seconds at one look in 0.4 s
    assert abs(rows[-1][0][0] - (100 + 4 * 99)) < 6


def test_several_faces_keep_their_numbers() -> None:
    world = World()

    def move(k: int) -> None:
        world.spots = [Spot(100 + k, 120, 1), Spot(300, 120 + k, 2), Spot(500 - k, 300, 3)]

    rows = run(world, tracker(world), 60, move)
    assert all(sorted(r) == [0, 1, 2] for r in rows)


def test_faces_that_cross_keep_their_numbers() -> None:
    world = World()

    def move(k: int) -> None:
        # the second passes in front of the first
        world.spots = [Spot(120 + 5 * k, 240, 1), Spot(520 - 5 * k, 240, 2)]

    rows = run(world, tracker(world), 80, move)
    first, last = rows[0], rows[-1]
    left = min(first, key=lambda t: first[t][0])
    right = max(first, key=lambda t: first[t][0])
    assert set(last) == {left, right}
    assert last[left][0] > last[right][0]


def test_a_short_gap_keeps_the_number_and_a_long_one_does_not() -> None:
    world = World()

    def move(k: int) -> None:
        hidden = 20 <= k < 40 or 60 <= k < 160  # 0.8 s, then 4 s
        world.spots = [] if hidden else [Spot(200, 200, 1)]

    rows = run(world, tracker(world), 200, move)
    assert list(rows[10]) == list(rows[50]) == [0]
    assert list(rows[-1]) == [1]
    assert not rows[30]


def test_after_a_cut_and_back_the_same_person_has_the_same_number() -> None:
    world = World()

    def move(k: int) -> None:
        other = 20 <= k < 45
        world.background = 230 if other else 10
        world.spots = [Spot(420, 260, 8, 6.0)] if other else [Spot(150, 180, 5)]

    rows = run(world, tracker(world), 70, move)
    assert list(rows[10]) == [0]
    assert list(rows[30]) == [1]
    assert list(rows[-1]) == [0]


def test_a_newcomer_is_found_within_the_interval() -> None:
    world = World()

    def move(k: int) -> None:
        world.spots = [Spot(150, 200, 1)] + ([Spot(450, 200, 2)] if k >= 11 else [])

    rows = run(world, tracker(world, every=0.4), 40, move)
    assert 1 in rows[11 + 11]
    assert all(1 not in r for r in rows[:11])


def test_at_most_so_many_faces_the_largest() -> None:
    world = World()

    def move(k: int) -> None:
        world.spots = [Spot(120, 200, 1, 3), Spot(300, 200, 2, 6), Spot(500, 200, 3, 4)]

    rows = run(world, tracker(world, max_faces=2), 10, move)
    assert all(len(r) == 2 for r in rows)
    assert all(min(abs(x - 120) for x, _ in r.values()) > 50 for r in rows)


def test_a_mesh_that_holds_on_to_nothing_is_let_go() -> None:
    class Ghost(World):
        """The mesh is sure of a face where the detector sees none."""

        def find(self, image: np.ndarray) -> Faces:
            found = super().find(image)
            return found if self.detections < 2 else found[:0]

    world = Ghost()

    def move(k: int) -> None:
        world.spots = [Spot(200, 200, 1)]

    rows = run(world, tracker(world, every=0.2), 40, move)
    assert rows[3]
    assert not rows[-1]


def test_a_clock_that_jumps_back_begins_anew() -> None:
    world = World()
    follow = tracker(world)
    world.spots = [Spot(200, 200, 1)]
    follow(world.image(), 5.0)
    faces, _ = follow(world.image(), 0.0)
    assert len(faces) == 1


def test_what_is_kept_does_not_grow() -> None:
    world = World()
    follow = tracker(world, gap=1.0)

    def move(k: int) -> None:
        world.spots = [Spot(60 + (37 * k) % 500, 60 + (91 * k) % 350, k)] if k % 5 < 3 else []

    run(world, follow, 400, move)
    assert len(follow.lost) + len(follow.people) < 40


def test_the_first_frame_after_a_cut_and_every_empty_one_is_looked_at() -> None:
    world = World()
    follow = Follow(world, world)
    for k in range(20):  # a slide show: every frame is another picture with somebody in it
        world.background = 250 * (k % 2)
        world.spots = [Spot(200 + 100 * (k % 3), 240, look=k)]
        faces, _ = follow(world.image(), k * 0.1)
        assert len(faces) == 1, k
    world.spots = []
    for k in range(20, 40):
        before = world.detections
        follow(world.image(), k * 0.1)
        assert world.detections == before + 1 or k == 20
