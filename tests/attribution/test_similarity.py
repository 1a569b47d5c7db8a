"""Distances between maps and the tree over them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.attribution.similarity import average_linkage, correlation_distance
from mien.errors import InputError


def maps(count: int = 7, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 9, 8)).astype(np.uint8)


def test_distance_is_one_minus_the_correlation() -> None:
    some = maps()
    found = correlation_distance(some)
    assert found == pytest.approx(1 - np.corrcoef(some.reshape(len(some), -1)), abs=1e-12)
    template = cv2.matchTemplate(some[0], some[1], cv2.TM_CCOEFF_NORMED)[0, 0]
    assert found[0, 1] == pytest.approx(1 - template, abs=1e-5)
    assert correlation_distance(np.stack([some[0] * 0.5 + 3, some[0]])) == pytest.approx(0, abs=1e-12)


def test_the_tree_is_scipy_s() -> None:
    hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
    distance = pytest.importorskip("scipy.spatial.distance")
    for seed in range(5):
        matrix = correlation_distance(maps(9, seed))
        steps = average_linkage("abcdefghi", matrix)
        wanted = hierarchy.linkage(distance.squareform(matrix, checks=False), "average")
        assert [s.distance for s in steps] == pytest.approx(wanted[:, 2])
        assert [len(s.names) for s in steps] == wanted[:, 3].tolist()
        flat = hierarchy.fcluster(wanted, 2, "maxclust")
        assert {frozenset(steps[-1].left), frozenset(steps[-1].right)} == {
            frozenset(n for n, c in zip("abcdefghi", flat) if c == k) for k in (1, 2)
        }


def test_groups_are_as_far_apart_as_their_members_on_average() -> None:
    matrix = [[0, 1, 4, 9], [1, 0, 6, 9], [4, 6, 0, 9], [9, 9, 9, 0]]
    steps = average_linkage(["a", "b", "c", "d"], matrix)
    assert [(s.left, s.right, s.distance) for s in steps] == [
        (("a",), ("b",), 1.0), (("c",), ("a", "b"), 5.0), (("d",), ("c", "a", "b"), 9.0),
    ]  # fmt: skip


def test_what_has_no_distance_is_refused() -> None:
    with pytest.raises(InputError, match="map 1 has one value"):
        correlation_distance([[[0, 1]], [[3, 3]]])
    with pytest.raises(InputError, match="finite"):
        correlation_distance([[[0, np.nan]]])
    with pytest.raises(InputError, match="names"):
        average_linkage("aa", [[0, 1], [1, 0]])
