"""LIME and superpixels against their formulas."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from mien.attribution.lime import Lime, nearness, paint, relevance, weighted_ridge
from mien.attribution.superpixels import slic
from mien.errors import InputError


def quarters(side: int = 40) -> np.ndarray:
    return (np.arange(side) // (side // 2))[:, None] * 2 + np.arange(side)[None] // (side // 2)


def test_the_kernel_by_hand() -> None:
    shown = [[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]]
    wanted = [math.sqrt(math.exp(-((1 - math.sqrt(s)) ** 2) / 0.0625)) for s in (1, 0.5, 0)]
    assert nearness(shown) == pytest.approx(wanted)


def test_ridge_is_the_least_of_its_objective() -> None:
    rng = np.random.default_rng(0)
    x, y, w = rng.integers(0, 2, (50, 6)), rng.random(50), rng.random(50) + 0.1
    found, offset = weighted_ridge(x, y, w, 0.7)

    def cost(a: np.ndarray, b: float) -> float:
        return float((w * (y - b - x @ a) ** 2).sum() + 0.7 * (a**2).sum())

    for step in rng.normal(0, 1e-3, (30, 7)):
        assert cost(found, offset) < cost(found + step[:6], offset + step[6])
    linear = pytest.importorskip("sklearn.linear_model")
    theirs = linear.Ridge(alpha=0.7).fit(x, y, w)
    assert found == pytest.approx(theirs.coef_)
    assert offset == pytest.approx(theirs.intercept_)


def test_patches_get_back_the_weights_of_a_sum() -> None:
    image = np.full((40, 40, 3), 200, np.uint8)
    truth = np.array([0.5, 0.0, -0.2, 0.1])

    def predict(images: np.ndarray) -> np.ndarray:
        shown = np.stack([(images[..., 0] * (quarters() == k)).sum((1, 2)) / (200 * 400) for k in range(4)], 1)
        return np.stack([1 - shown @ truth, shown @ truth], 1)

    found = relevance(image, quarters(), predict, 1, np.random.default_rng(0), Lime(samples=400, penalty=1e-6))
    assert found == pytest.approx(truth, abs=1e-6)
    other = relevance(image, quarters(), predict, 0, np.random.default_rng(0), Lime(samples=400, penalty=1e-6))
    assert other == pytest.approx(-truth, abs=1e-6)
    painted = paint(found, quarters())
    assert painted.min() == 0  # what speaks against is not painted
    assert painted[0, 0] == pytest.approx(0.5, abs=1e-5)


def test_the_whole_picture_is_among_the_mixtures_and_batches_do_not_matter() -> None:
    image = np.random.default_rng(1).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    seen: list[np.ndarray] = []

    def predict(images: np.ndarray) -> np.ndarray:
        seen.extend(images)
        return images.reshape(len(images), -1)[:, :2] / 255

    runs = [
        relevance(image, quarters(), predict, 0, np.random.default_rng(3), Lime(samples=33, batch=batch)) for batch in (4, 33)
    ]
    assert runs[0].tolist() == runs[1].tolist()
    assert (seen[0] == image).all()
    assert len(seen) == 66
    assert all((one[quarters() == 0] == 0).all() or (one == image)[quarters() == 0].all() for one in seen)


def test_a_classifier_that_gives_something_else_is_refused() -> None:
    image, rng = np.zeros((40, 40, 3), np.uint8), np.random.default_rng(0)
    with pytest.raises(InputError, match="classifier gave"):
        relevance(image, quarters(), lambda images: np.zeros(len(images)), 0, rng)
    with pytest.raises(InputError, match="classifier gave"):
        relevance(image, quarters(), lambda images: np.zeros((len(images), 2)), 2, rng)
    with pytest.raises(InputError, match="height and width"):
        relevance(image[:20], quarters(), lambda images: np.zeros((len(images), 2)), 0, rng)


def test_a_plain_picture_falls_into_a_grid() -> None:
    found = slic(np.full((60, 90, 3), 128, np.uint8), count=6)
    assert np.bincount(found.ravel()).tolist() == pytest.approx([900] * 6, abs=90)


def test_patches_follow_colour_and_are_connected() -> None:
    image = np.random.default_rng(0).integers(90, 110, (100, 100, 3)).astype(np.uint8)
    image[30:71, 20:55] = [230, 40, 40]
    square = np.zeros((100, 100), bool)
    square[30:71, 20:55] = True

    def astray(compactness: float) -> float:
        """Share of pixels in patches most of which lie on the other side of the border."""
        found = slic(image, count=25, compactness=compactness)
        patches = [found == label for label in range(found.max() + 1)]
        assert 15 <= len(patches) <= 40
        assert all(cv2.connectedComponents(patch.astype(np.uint8), connectivity=4)[0] == 2 for patch in patches)
        return float(sum(min((patch & square).sum(), (patch & ~square).sum()) for patch in patches)) / square.size

    assert astray(10) < 0.01
    assert astray(10_000) > 0.03  # squares do not look at colour


def test_noise_leaves_no_crumbs() -> None:
    image = np.random.default_rng(5).integers(0, 256, (80, 80, 3)).astype(np.uint8)
    found = slic(image, count=16, compactness=1)
    assert np.bincount(found.ravel()).min() >= 80 * 80 / 16 / 4
    assert set(np.unique(found)) == set(range(found.max() + 1))


def test_no_picture_no_patches() -> None:
    with pytest.raises(InputError, match="uint8 RGB"):
        slic(np.zeros((10, 10), np.uint8))
    with pytest.raises(InputError, match="patches"):
        slic(np.zeros((4, 4, 3), np.uint8), count=17)
