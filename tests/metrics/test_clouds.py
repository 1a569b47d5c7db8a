"""Clouds against scipy's tree, and against what the formulas give by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import cKDTree

from mien.errors import InputError
from mien.metrics.clouds import chamfer, d1_psnr, d2_psnr, hausdorff, nearest, normals, peak, psnr, ssim, to_planes, to_points

# whole numbers, so that many points are equal and many equally near
CLOUDS = st.integers(1, 300).flatmap(lambda n: arrays(np.float64, (n, 3), elements=st.integers(-4, 4)))


def plane(n: int = 400, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(0, 10, (n, 2)), np.zeros(n)])


class TestNearest:
    @pytest.mark.parametrize(("n", "m", "count"), [(1, 1, 1), (700, 900, 1), (500, 1300, 7), (3, 2000, 2000 // 100)])
    def test_as_the_tree_of_scipy(self, n: int, m: int, count: int) -> None:
        rng = np.random.default_rng(n)
        a, b = rng.normal(size=(n, 3)) * (1, 5, 0.1), rng.normal(size=(m, 3))
        squared, place = nearest(a, b, count)
        wanted, where = cKDTree(b).query(a, k=[*range(1, count + 1)])
        assert np.allclose(np.sqrt(squared), wanted, rtol=1e-12, atol=0)
        assert np.array_equal(place, where)

    @settings(max_examples=30, deadline=None)
    @given(CLOUDS, CLOUDS)
    def test_points_that_lie_on_a_grid(self, a: np.ndarray, b: np.ndarray) -> None:
        squared, place = nearest(a, b)
        assert np.array_equal(squared[:, 0], ((a - b[place[:, 0]]) ** 2).sum(1))
        assert np.allclose(squared[:, 0], cKDTree(b).query(a)[0] ** 2)

    @pytest.mark.parametrize(
        ("a", "b", "count", "words"),
        [
            (np.zeros((2, 2)), np.zeros((2, 3)), 1, r"points has shape \(2, 2\)"),
            (np.zeros((2, 3)), np.zeros((0, 3)), 1, "at least one point"),
            (np.full((2, 3), np.nan), np.zeros((2, 3)), 1, "NaN or infinite"),
            (np.zeros((2, 3)), np.zeros((2, 3)), 3, "count is 3; wanted 1 to 2"),
        ],
    )
    def test_wrong_clouds(self, a: np.ndarray, b: np.ndarray, count: int, words: str) -> None:
        with pytest.raises(InputError, match=words):
            nearest(a, b, count)


class TestPointToPoint:
    @settings(max_examples=20, deadline=None)
    @given(CLOUDS)
    def test_equal_clouds_in_any_order(self, a: np.ndarray) -> None:
        mixed = np.random.default_rng(0).permutation(a)
        assert to_points(a, mixed) == chamfer(a, mixed) == hausdorff(a, mixed) == 0
        assert d1_psnr(a, mixed, 1) == math.inf

    def test_a_shift_costs_its_square_at_most(self) -> None:
        a = np.random.default_rng(1).normal(size=(500, 3))
        for delta in (1e-3, 0.1, 1.0):
            assert to_points(a, a + (delta, 0, 0)) <= delta**2 * (1 + 1e-9)
        # far smaller than the gaps between points, it costs exactly that
        assert to_points(a, a + (1e-6, 0, 0)) == pytest.approx(1e-12, rel=1e-6)

    def test_the_worse_of_both_ways_counts(self) -> None:
        a, b = [[0, 0, 0]], [[0, 0, 0], [0, 0, 2]]
        assert (to_points(a, b), to_points(b, a)) == (0, 2)
        assert d1_psnr(a, b, 7) == pytest.approx(10 * math.log10(3 * 49 / 2))
        assert chamfer(a, b) == chamfer(b, a) == 2
        assert hausdorff(a, b) == hausdorff(b, a) == 2

    def test_the_peak(self) -> None:
        assert peak([[0, 0, 0], [1, -4, 2]]) == 4
        with pytest.raises(InputError, match="peak is 0"):
            d1_psnr([[0, 0, 0]], [[0, 0, 1]], peak([[0, 0, 0]]))


class TestPointToPlane:
    def test_normals_of_a_plane_and_of_a_ball(self) -> None:
        assert np.allclose(np.abs(normals(plane())), [0, 0, 1], atol=1e-7)
        ball = np.random.default_rng(0).normal(size=(3000, 3))
        ball /= np.linalg.norm(ball, axis=1, keepdims=True)
        assert np.abs((normals(ball) * ball).sum(1)).mean() > 0.99
        with pytest.raises(InputError, match="3 or more"):
            normals(ball, 2)

    def test_a_shift_along_the_plane_costs_nothing_and_across_it_all(self) -> None:
        a = plane()
        # estimated normals of a plane are exact but for rounding
        assert to_planes(a + (0.3, 0.2, 0), a, normals(a)) == pytest.approx(0, abs=1e-20)
        assert to_planes(a + (0, 0, 0.5), a, normals(a)) == pytest.approx(0.25)
        assert d2_psnr(a + (0, 0, 0.5), a, 10) == pytest.approx(10 * math.log10(300 / 0.25))
        up = np.tile([0.0, 0, 1], (len(a), 1))
        assert d2_psnr(a + (0.3, 0.2, 0), a, 10, up, up) == math.inf

    def test_never_more_than_point_to_point(self) -> None:
        rng = np.random.default_rng(2)
        a, b = rng.normal(size=(300, 3)), rng.normal(size=(400, 3))
        assert to_planes(a, b, normals(b)) <= to_points(a, b)

    def test_normals_must_fit(self) -> None:
        with pytest.raises(InputError, match="one unit vector for each"):
            to_planes([[0, 0, 0]], [[0, 0, 1]], [[0, 0, 2]])


class TestPictures:
    def test_psnr_by_hand_and_under_a_mask(self) -> None:
        rng = np.random.default_rng(0)
        a = rng.integers(0, 200, (20, 30, 3), np.uint8)
        mask = np.zeros((20, 30), bool)
        mask[:10, :15] = True
        b = np.where(mask[..., None], a + np.uint8(10), a)
        assert psnr(a, b, mask) == pytest.approx(20 * math.log10(25.5))
        # a quarter of the pixels differ: the error is a quarter, 10 log10 4 more
        assert psnr(a, b) == pytest.approx(psnr(a, b, mask) + 10 * math.log10(4))
        assert psnr(a, b, ~mask) == psnr(a, a) == math.inf

    def test_ssim_of_equal_flat_and_unlike_pictures(self) -> None:
        rng = np.random.default_rng(0)
        a = rng.integers(0, 256, (24, 32, 3), np.uint8)
        assert ssim(a, a) == pytest.approx(1)
        flat, other = np.full((16, 16, 3), 100, np.uint8), np.full((16, 16, 3), 150, np.uint8)
        c = 2.55**2
        assert ssim(flat, other) == pytest.approx((2 * 100 * 150 + c) / (100**2 + 150**2 + c))
        assert ssim(a, 255 - a) < 0 < ssim(a, (a // 2 + 60).astype(np.uint8))

    def test_ssim_as_the_sum_over_windows(self) -> None:
        """One window, worked out from the definition."""
        rng = np.random.default_rng(1)
        x, y = rng.integers(0, 256, (2, 11, 11)).astype(np.uint8)
        g = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
        w = np.outer(g, g) / np.outer(g, g).sum()
        mx, my = (w * x).sum(), (w * y).sum()
        vx, vy, xy = (w * (x - mx) ** 2).sum(), (w * (y - my) ** 2).sum(), (w * (x - mx) * (y - my)).sum()
        c, d = 2.55**2, 7.65**2
        wanted = (2 * mx * my + c) * (2 * xy + d) / ((mx**2 + my**2 + c) * (vx + vy + d))
        assert ssim(*(np.repeat(v[..., None], 3, 2) for v in (x, y))) == pytest.approx(wanted, rel=1e-6)

    def test_what_does_not_go_together(self) -> None:
        a = np.zeros((12, 12, 3), np.uint8)
        for wrong in (np.zeros((12, 13, 3), np.uint8), np.zeros((12, 12, 3))):
            with pytest.raises(InputError, match="of one size"):
                psnr(a, wrong)
        with pytest.raises(InputError, match="at least one pixel"):
            psnr(a, a, np.zeros((12, 12), bool))
        with pytest.raises(InputError, match="11 pixels or more"):
            ssim(a[:8], a[:8])
