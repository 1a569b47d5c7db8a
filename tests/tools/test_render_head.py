"""The rasteriser on bodies whose picture is known, the head model, and what the pictures of it must show."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("scipy")
TOOLS = str(Path(__file__).resolve().parents[2] / "tools")
if TOOLS not in sys.path:
    sys.path.insert(0, TOOLS)

import head_paint  # noqa: E402
import head_scene  # noqa: E402
import ict_head  # noqa: E402
import rasterise as raster  # noqa: E402
import render_head as rh  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.geometry import pose  # noqa: E402
from mien.labels import ARKIT_52  # noqa: E402

SHAPE = (200, 240)
FOCAL, MIDDLE = 300.0, np.array([120.3, 99.6])


def look_at(vertices: np.ndarray) -> np.ndarray:
    """Pinhole: x right, y up, z towards the viewer; depth is -z."""
    depth = -vertices[:, 2]
    xy = MIDDLE + FOCAL * vertices[:, :2] * [1, -1] / depth[:, None]
    return np.concatenate([xy, depth[:, None]], 1).astype(np.float32)


def sphere(radius: float, distance: float, steps: int = 48) -> tuple[np.ndarray, np.ndarray]:
    polar, around = np.meshgrid(np.linspace(0, np.pi, steps), np.linspace(0, 2 * np.pi, 2 * steps), indexing="ij")
    points = np.stack([np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)], -1).reshape(-1, 3)
    corner = (np.arange(steps - 1)[:, None] * 2 * steps + np.arange(2 * steps - 1)).ravel()
    quads = np.stack([corner, corner + 1, corner + 2 * steps + 1, corner + 2 * steps], 1)
    return (points * radius - [0, 0, distance]).astype(np.float32), raster.triangulate(quads.astype(np.int32))


def cube(turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
    quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]], np.int32)
    return corners @ turn.T - [0, 0, 6], raster.triangulate(quads)


def plane(depth: float, tilt: float = 0.0, half: float = 1.0) -> np.ndarray:
    x, y = np.array([-half, half, half, -half]), np.array([-half, -half, half, half])
    return np.stack([x, y, -depth + tilt * x], 1).astype(np.float32)


SQUARE = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def mask_of(hits: raster.Hits) -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    mask.ravel()[hits.pixel] = 1
    return mask


def holes(mask: np.ndarray) -> int:
    """Pixels inside the outline that are not covered."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(mask)
    cv2.drawContours(filled, outlines, -1, (1,), -1)
    return int((filled & ~mask & 1).sum())


class TestRasterise:
    def test_sphere_has_its_silhouette_its_depth_and_no_holes(self) -> None:
        radius, distance = 1.0, 5.0
        vertices, triangles = sphere(radius, distance)
        hits = raster.rasterise(look_at(vertices), triangles, SHAPE)
        # the outline of a sphere under perspective, seen along the axis: a circle of f r / sqrt(d^2 - r^2)
        area = np.pi * (FOCAL * radius) ** 2 / (distance**2 - radius**2)
        assert len(hits.pixel) == pytest.approx(area, rel=0.02)
        assert holes(mask_of(hits)) == 0
        y, x = np.divmod(hits.pixel, SHAPE[1])
        ray = np.stack([(x - MIDDLE[0]) / FOCAL, -(y - MIDDLE[1]) / FOCAL, -np.ones(len(x))], 1)
        a, b, c = (ray**2).sum(1), distance * np.ones(len(x)), distance**2 - radius**2
        inside = b**2 - a * c > 0.02
        true = ((b - np.sqrt(np.maximum(b**2 - a * c, 0))) / a)[inside]
        np.testing.assert_allclose(hits.depth[inside], true, atol=0.02)

    def test_hit_points_project_back_to_their_pixel(self) -> None:
        vertices, triangles = cube(pose.matrix(np.array([[0.4, 0.6, 0.3]], np.float32))[0])
        hits = raster.rasterise(look_at(vertices), triangles, SHAPE)
        np.testing.assert_allclose(hits.weights.sum(1), 1, atol=1e-4)
        seen = look_at(hits.interpolate(vertices, triangles))
        y, x = np.divmod(hits.pixel, SHAPE[1])
        np.testing.assert_allclose(seen, np.stack([x, y, hits.depth], 1), atol=0.01)

    @pytest.mark.parametrize("angles", [(0.0, 0.0, 0.0), (0.4, 0.6, 0.3), (-1.0, 0.2, 2.0)])
    def test_cube_covers_the_hull_of_its_corners(self, angles: tuple[float, float, float]) -> None:
        vertices, triangles = cube(pose.matrix(np.array([angles], np.float32))[0])
        points = look_at(vertices)
        hits = raster.rasterise(points, triangles, SHAPE)
        area = cv2.contourArea(cv2.convexHull(np.ascontiguousarray(points[:, :2])))
        assert len(hits.pixel) == pytest.approx(area, rel=0.02)
        assert holes(mask_of(hits)) == 0
        both = raster.rasterise(points, triangles, SHAPE, cull=False)
        np.testing.assert_array_equal(both.pixel, hits.pixel)
        np.testing.assert_allclose(both.depth, hits.depth, atol=1e-4)

    def test_the_nearer_surface_wins_whatever_the_order(self) -> None:
        far, near = plane(5.0, half=1.0), plane(4.0, half=0.4)
        for first, second in ((far, near), (near, far)):
            points = look_at(np.concatenate([first, second]))
            hits = raster.rasterise(points, np.concatenate([SQUARE, SQUARE + 4]), SHAPE)
            inner = int((np.abs(hits.depth - 4) < 1e-3).sum())
            assert inner == pytest.approx((FOCAL * 0.8 / 4) ** 2, rel=0.03)
            assert len(hits.pixel) == pytest.approx((FOCAL * 2 / 5) ** 2, rel=0.03)

    def test_surfaces_that_cross_meet_in_a_line(self) -> None:
        points = look_at(np.concatenate([plane(5.0, 1.0), plane(5.0, -1.0)]))
        hits = raster.rasterise(points, np.concatenate([SQUARE, SQUARE + 4]), SHAPE)
        x = hits.pixel % SHAPE[1] - MIDDLE[0]
        assert ((hits.triangle < 2) == (x > 0)).mean() > 0.99

    def test_what_is_behind_the_camera_or_outside_leaves_no_hit(self) -> None:
        for shape in (plane(-3.0), plane(5.0) + np.float32([40, 0, 0])):
            assert len(raster.rasterise(look_at(shape), SQUARE, SHAPE, cull=False).pixel) == 0
        turned_away = SQUARE[:, ::-1]
        assert len(raster.rasterise(look_at(plane(5.0)), turned_away, SHAPE).pixel) == 0

    def test_a_triangle_larger_than_the_picture_fills_it(self) -> None:
        hits = raster.rasterise(look_at(plane(2.0, half=20)), SQUARE, SHAPE)
        assert len(hits.pixel) == SHAPE[0] * SHAPE[1]

    def test_chosen_rows_keep_their_numbers(self) -> None:
        hits = raster.rasterise(look_at(plane(5.0)), SQUARE, SHAPE, rows=np.array([1]))
        assert set(hits.triangle.tolist()) == {1}

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.floats(-30, 70), st.floats(-30, 70)), min_size=3, max_size=3))
    def test_one_triangle_against_its_three_half_planes(self, corners: list[tuple[float, float]]) -> None:
        xy = np.array(corners)
        edges = np.roll(xy, -1, 0) - xy
        if abs(edges[0, 0] * edges[1, 1] - edges[0, 1] * edges[1, 0]) < 1:
            return
        points = np.concatenate([xy, np.full((3, 1), 2.0)], 1).astype(np.float32)
        hits = raster.rasterise(points, np.array([[0, 1, 2]], np.int32), (40, 40), cull=False)
        y, x = np.mgrid[:40, :40]
        side = (
            np.stack([e[0] * (y - p[1]) - e[1] * (x - p[0]) for e, p in zip(edges, xy)])
            / np.linalg.norm(edges, axis=1)[:, None, None]
        )
        found = np.zeros((40, 40), bool)
        found.ravel()[hits.pixel] = True
        sure_in, sure_out = (side > 0.01).all(0) | (side < -0.01).all(0), (side > 0.01).any(0) & (side < -0.01).any(0)
        assert found[sure_in].all()
        assert not found[sure_out].any()


class TestSurface:
    def test_normals_of_a_sphere_point_outwards(self) -> None:
        vertices, triangles = sphere(2.0, 0.0)
        normals = raster.Surface(triangles, len(vertices)).normals(vertices)
        inner = np.abs(vertices[:, 1]) < 1.9
        seam = np.abs(np.arctan2(vertices[:, 2], vertices[:, 0])) < 1e-3
        np.testing.assert_allclose(normals[inner & ~seam], (vertices / 2)[inner & ~seam], atol=0.02)

    def test_smooth_is_the_mean_of_the_neighbours(self) -> None:
        surface = raster.Surface(SQUARE, 4)
        values = np.array([[0.0], [3.0], [6.0], [9.0]], np.float32)
        # 0 and 2 share the diagonal; 1 and 3 do not see each other
        np.testing.assert_allclose(surface.smooth(values)[:, 0], [6, 3, 4, 3], atol=1e-5)


class TestAngles:
    @settings(max_examples=50, deadline=None)
    @given(st.floats(-1.4, 1.4), st.floats(-3, 3), st.floats(-3, 3))
    def test_rotation_turns_the_face_where_the_angles_say(self, pitch: float, yaw: float, roll: float) -> None:
        forward = ict_head.rotation((pitch, yaw, roll)) @ np.float32([0, 0, 1])
        np.testing.assert_allclose(ict_head.pitch_yaw(forward[None])[0], [pitch, yaw], atol=1e-3)

    def test_signs(self) -> None:
        nose, crown = np.float32([[0, 1, 13]]), np.float32([[0, 14, 3]])

        def moved(point: np.ndarray, angles: tuple[float, float, float]) -> np.ndarray:
            still, turned = (rh.project(point, rh.Scene(pose=a), 256)[0, :2] for a in ((0.0, 0.0, 0.0), angles))
            return turned - still

        assert moved(nose, (0.2, 0, 0))[1] < -5  # up in the picture
        assert moved(nose, (0, 0.2, 0))[0] > 5  # to the right
        assert moved(crown, (0, 0, 0.2))[0] > 5  # clockwise

    def test_projection_has_the_pixel_centre_convention(self) -> None:
        middle = rh.project(rh.PIVOT[None], rh.Scene(distance=50), 100)[0]
        np.testing.assert_allclose(middle, [49.5, 49.5, 50], atol=1e-4)


class TestRandom:
    def test_same_seed_same_scene(self) -> None:
        first, second, other = (head_scene.random_scene(np.random.default_rng(s)) for s in (3, 3, 4))
        assert first == second
        assert first != other

    def test_expressions_use_known_names_within_range(self) -> None:
        rng = np.random.default_rng(0)
        seen: set[str] = set()
        for _ in range(400):
            expression = head_scene.random_expression(rng, focus=("jawForward",))
            assert all(0 < v <= 1 for v in expression.values())
            assert not {"jawLeft", "jawRight"} <= set(expression)
            seen |= set(expression)
        assert seen <= set(ARKIT_52)
        assert set(ARKIT_52) - seen == {"tongueOut"}
        tongue = [head_scene.random_expression(rng, focus=("tongueOut",)) for _ in range(40)]
        assert all(e["jawOpen"] > 0.3 for e in tongue if "tongueOut" in e)

    def test_both_eyes_look_the_same_way(self) -> None:
        assert head_scene.gaze_expression(0, ict_head.GAZE_RANGE["Out"] / 2) == pytest.approx(
            {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5}
        )
        assert set(head_scene.gaze_expression(-0.1, -0.1)) == {
            "eyeLookDownLeft",
            "eyeLookDownRight",
            "eyeLookInLeft",
            "eyeLookOutRight",
        }

    def test_skin_darkens_with_melanin(self) -> None:
        tones = np.array([head_paint.skin_albedo(m) for m in (0, 1, 2, 2.8)])
        assert (np.diff(tones, axis=0) < 0).all()
        assert tones[0].mean() > 5 * tones[-1].mean()

    def test_wrinkles_follow_the_expression(self) -> None:
        depth = head_scene.wrinkles({"browDownLeft": 1.0, "browDownRight": 1.0})
        assert depth["glabella"] == pytest.approx(1)
        assert max(v for k, v in depth.items() if k != "glabella") == 0

    def test_degrade_keeps_the_picture_recognisable(self) -> None:
        image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8), (0, 0), 5)
        for seed in range(20):
            worse = head_scene.degrade(np.random.default_rng(seed), image)
            assert worse.shape == image.shape
            assert worse.dtype == np.uint8
            assert np.abs(worse.mean() - image.mean()) < 70


@lru_cache(maxsize=1)
def load(folder: Path) -> rh.Head:
    return rh.Head(folder / "ict_facekit/ict_facekit.npz")


@pytest.fixture
def head(data_dir: Path) -> rh.Head:
    return load(data_dir)


PLAIN = rh.Scene(background=np.full((8, 8, 3), 128, np.uint8))


@pytest.mark.data
class TestHead:
    def test_names(self, head: rh.Head) -> None:
        assert head.names == tuple(ARKIT_52)
        assert {"browInnerUpLeft", "cheekPuffRight", "cheekRaiserLeft"} <= set(head.more_names)

    def test_shapes_add_up(self, head: rh.Head) -> None:
        rest, open_, smile = (head.shape(np.zeros(5), e) for e in ({}, {"jawOpen": 0.5}, {"mouthSmileLeft": 1.0}))
        both = head.shape(np.zeros(5), {"jawOpen": 0.5, "mouthSmileLeft": 1.0})
        np.testing.assert_array_equal(rest, head.neutral)
        np.testing.assert_allclose(both - rest, (open_ - rest) + (smile - rest), atol=1e-4)
        left, right, puff = (head.shape(np.zeros(0), {n: 1.0}) - rest for n in ("cheekPuffLeft", "cheekPuffRight", "cheekPuff"))
        np.testing.assert_allclose(left + right, puff, atol=1e-4)
        moved = np.linalg.norm(smile - rest, axis=1)
        assert head.neutral[moved.argmax(), 0] > 1  # the person's left

    def test_the_tongue_comes_out_between_the_lips(self, head: rh.Head) -> None:
        vertices = head.shape(np.zeros(1), {"tongueOut": 1.0, "jawOpen": 0.5})
        tip = vertices[head.tongue][vertices[head.tongue, 2].argmax()]
        upper, lower = vertices[head.landmarks68[[62, 66]]]
        assert tip[2] > lower[2] + 1
        assert tip[1] < upper[1]

    def test_wrong_input_is_named(self, head: rh.Head) -> None:
        with pytest.raises(InputError, match=r"eyeBlnkLeft.*did you mean eyeBlinkLeft"):
            head.shape(np.zeros(3), {"eyeBlnkLeft": 1.0})
        with pytest.raises(InputError, match=r"k <= 100"):
            head.shape(np.zeros(101), {})

    def test_gaze_is_pose_plus_eyes(self, head: rh.Head) -> None:
        person = rh.random_identity(np.random.default_rng(1))
        vertices = head.shape(person, rh.gaze_expression(0.1, -0.3))
        still = rh.render(head, vertices, PLAIN, 32)
        np.testing.assert_allclose(still.gaze, [[0.1, -0.3]] * 2, atol=2e-3)
        ahead = rh.render(head, head.shape(person, {}), rh.replace(PLAIN, pose=(0.2, -0.4, 0.5)), 32)
        np.testing.assert_allclose(ahead.gaze, [[0.2, -0.4]] * 2, atol=2e-3)

    def test_eyes_turn_about_their_centres(self, head: rh.Head) -> None:
        person = rh.random_identity(np.random.default_rng(2))
        (still, _), (turned, axes) = (head.eyes(head.shape(person, rh.gaze_expression(0.0, yaw))) for yaw in (0.0, 0.5))
        np.testing.assert_allclose(turned, still, atol=1e-3)
        np.testing.assert_allclose(axes, [[np.sin(0.5), 0, np.cos(0.5)]] * 2, atol=1e-3)

    def test_the_lids_follow_the_gaze(self, head: rh.Head) -> None:
        down = head.shape(np.zeros(1), {"eyeLookDownLeft": 1.0}) - head.neutral
        assert down[head.landmarks68[43]][1] < -0.2


@pytest.mark.data
class TestRender:
    def test_truth_fits_the_picture(self, head: rh.Head) -> None:
        scene = rh.replace(PLAIN, pose=(0.1, 0.3, -0.2))
        result = rh.render(head, head.neutral, scene, 128)
        assert result.image.shape == (128, 128, 3)
        assert result.points.shape == (26719, 3)
        regions = list(head.regions)
        for k in (30, 33, 8, 51, 57):  # nose, chin, lips
            x, y = np.round(result.landmarks68[k]).astype(int)
            assert regions[result.region[y, x] - 1] == "face"
            assert result.depth[y, x] == pytest.approx(result.points[head.landmarks68[k], 2], abs=0.4)
        assert np.isnan(result.depth[result.region == 0]).all()
        x1, y1, x2, y2 = result.face_box
        assert x1 < result.box[0] + 3
        assert y1 < result.box[1] - 10
        assert x2 > result.box[2] - 3
        assert y2 > result.box[3] - 3

    def test_the_same_scene_gives_the_same_picture(self, head: rh.Head) -> None:
        rng = np.random.default_rng(5)
        scene, vertices = rh.random_scene(rng), head.shape(rh.random_identity(rng), {"jawOpen": 0.3})
        np.testing.assert_array_equal(rh.render(head, vertices, scene, 64).image, rh.render(head, vertices, scene, 64).image)

    def test_no_holes(self, head: rh.Head) -> None:
        for yaw in (-1.2, 0.0, 0.7):
            result = rh.render(head, head.neutral, rh.replace(PLAIN, pose=(0.0, yaw, 0.0)), 128)
            assert holes((result.region > 0).astype(np.uint8)) <= 2

    def test_a_blink_hides_the_eyeball_and_an_open_jaw_shows_the_mouth(self, head: rh.Head) -> None:
        def count(expression: dict[str, float], *names: str) -> int:
            region = rh.render(head, head.shape(np.zeros(1), expression), rh.replace(PLAIN, focal=3.5), 192).region
            return int(np.isin(region, [1 + list(head.regions).index(n) for n in names]).sum())

        eye, mouth = ("eyeball_l",), ("mouth_socket", "gums_tongue", "teeth")
        assert count({"eyeBlinkLeft": 1.0}, *eye) < 0.1 * count({}, *eye)
        assert count({"jawOpen": 0.8}, *mouth) > 10 * max(count({}, *mouth), 5)

    def test_the_iris_is_where_the_eye_looks(self, head: rh.Head) -> None:
        look = rh.replace(PLAIN.look, marks={**PLAIN.look.marks, "lashes": 0.0})
        scene = rh.replace(PLAIN, focal=4.0, look=look, light=rh.Light(lamps=()))
        for yaw in (-0.3, 0.0, 0.3):
            vertices = head.shape(np.zeros(1), rh.gaze_expression(0.0, yaw))
            result = rh.render(head, vertices, scene, 256)
            centres, axes = head.eyes(vertices)
            white = np.float32([2, 0, 0]) if yaw <= 0 else np.float32([-2, 0, 0])
            for spot, centre in zip(centres + 1.55 * axes, centres):
                beside = centre + np.float32([0, 0, 1.3]) + 0.45 * white
                pixels = np.round(rh.project(np.stack([spot, beside]), scene, 256)[:, :2]).astype(int)
                pupil, sclera = (result.image[y - 1 : y + 2, x - 1 : x + 2].mean() for x, y in pixels)
                assert pupil < 0.6 * sclera

    def test_darker_skin_and_more_light_show(self, head: rh.Head) -> None:
        def level(scene: rh.Scene) -> float:
            result = rh.render(head, head.neutral, scene, 64)
            return float(result.image[result.region == 1].mean())

        dark = rh.replace(PLAIN, look=rh.Look(skin=rh.skin_albedo(2.5)))
        bright = rh.replace(PLAIN, light=rh.replace(PLAIN.light, exposure=2.0))
        assert level(dark) < 0.75 * level(PLAIN) < 0.75 * level(bright)

    def test_detector_and_mesh_take_it_for_a_face(self, head: rh.Head, data_dir: Path) -> None:
        from teach import Teachers, standard_crop

        teachers, rng = Teachers(data_dir), np.random.default_rng(8)
        for _ in range(5):
            expression = rh.random_expression(rng)
            scene = rh.random_scene(rng, spread=(0.1, 0.25, 0.1))
            result = rh.render(head, head.shape(rh.random_identity(rng), expression), scene, 256)
            found = teachers.detect(result.image)[0]
            assert found[14] > 0.7
            mesh, presence, _ = teachers.mesh(result.image, standard_crop(found[:4], found[4:14].reshape(5, 2)))
            assert presence > 0.5
            eyes = result.landmarks68[[36, 45]]
            assert np.linalg.norm(mesh[[33, 263], :2] - eyes, axis=1).max() < 0.12 * np.linalg.norm(eyes[0] - eyes[1])
