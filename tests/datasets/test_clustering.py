"""k-means: it finds what is there, keeps its promises at the ends, and never makes the distances larger."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.datasets import clustering
from mien.datasets.clustering import kmeans
from mien.errors import InputError


def spent(points: np.ndarray, labels: np.ndarray, centres: np.ndarray) -> float:
    return float(((points - centres[labels]) ** 2).sum())


def test_separate_groups_are_found() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(6), 50)
    points = 100 * rng.normal(size=(6, 8))[truth] + rng.normal(size=(300, 8)) + 1000
    labels, centres = kmeans(points, 6, rng)
    assert len(np.unique(labels)) == 6
    assert all(len(np.unique(labels[truth == k])) == 1 for k in range(6))
    for k in range(6):
        np.testing.assert_allclose(centres[labels[50 * k]], points[truth == k].mean(0), rtol=1e-5)


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_it_ends_where_lloyd_stands_still(seed: int, count: int, clusters: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 3)).astype(np.float32)
    clusters = min(clusters, count)
    labels, centres = kmeans(points, clusters, rng)
    distance = ((points[:, None] - centres) ** 2).sum(2)
    assert (distance[np.arange(count), labels] <= distance.min(1) + 1e-4).all()
    assert set(labels) == set(range(clusters))  # distinct points leave no cluster empty
    for k in range(clusters):
        np.testing.assert_allclose(centres[k], points[labels == k].mean(0), atol=1e-4)


def test_as_many_clusters_as_points_part_them_all_and_one_takes_all() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, 5))
    assert len(np.unique(kmeans(points, 60, rng)[0])) == 60
    labels, centres = kmeans(points, 1, rng)
    assert not labels.any()
    np.testing.assert_allclose(centres[0], points.mean(0), atol=1e-6)


def test_more_rounds_never_cost_more() -> None:
    points = np.random.default_rng(1).normal(size=(500, 4))
    costs = [spent(points, *kmeans(points, 20, np.random.default_rng(2), rounds)) for rounds in (0, 1, 2, 5, 100)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 0.9 * costs[0]


def test_first_centres_are_drawn_far_apart() -> None:
    # nine points in ten lie together: drawn evenly, three centres would mostly miss one of the two small groups
    points = np.repeat([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]], [180, 10, 10], axis=0)
    points += np.random.default_rng(0).normal(size=points.shape)
    hits = [len(np.unique(kmeans(points, 3, np.random.default_rng(k), rounds=0)[0][[0, 185, 195]])) == 3 for k in range(30)]
    assert np.mean(hits) > 0.9


def test_an_empty_cluster_moves_to_the_farthest_point() -> None:
    x = np.array([[0.0], [1.0], [9.0]], np.float32)
    centres = clustering._means(x, np.array([0, 0, 0]), np.array([1.0, 2.0, 30.0], np.float32), 2)
    np.testing.assert_allclose(centres[:, 0], [10 / 3, 9])


def test_points_that_coincide_are_no_obstacle() -> None:
    points = np.ones((10, 2))
    labels, centres = kmeans(points, 4, np.random.default_rng(0))
    assert len(np.unique(labels)) == 1
    np.testing.assert_allclose(centres, 1)


def test_parts_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).normal(size=(200, 4))
    whole = kmeans(points, 9, np.random.default_rng(0))[0]
    monkeypatch.setattr(clustering, "ROWS", 7)
    np.testing.assert_array_equal(kmeans(points, 9, np.random.default_rng(0))[0], whole)


@pytest.mark.parametrize(
    ("points", "clusters", "message"),
    [
        (np.zeros(4), 1, r"\(n, d\)"),
        (np.array([[0.0], [np.nan]]), 1, "NaN"),
        (np.zeros((3, 2)), 4, "4 clusters of 3 points"),
        (np.zeros((3, 2)), 0, "0 clusters of 3 points"),
    ],
)
def test_what_cannot_be_clustered_is_refused(points: np.ndarray, clusters: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        kmeans(points, clusters, np.random.default_rng(0))
