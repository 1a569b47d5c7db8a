from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.datasets.drawing import face
from mien.datasets.duplicates import THRESHOLD, dct_hash, difference_hash, leaks, near
from mien.datasets.sample import Sample
from mien.errors import InputError

from .conftest import Made, read

HASHES = [dct_hash, difference_hash]


def distance(a: np.uint64, b: np.uint64) -> int:
    return int(np.bitwise_count(a ^ b))


def changed(image: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """The same picture as another upload would show it."""
    bright = np.clip(image * 0.8 + 40, 0, 255).astype(np.uint8)
    coded = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)
    return {"brighter": bright, "smaller": cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA), "compressed": coded}


class TestHashes:
    @pytest.mark.parametrize("hashed", HASHES)
    def test_a_changed_copy_is_near(self, hashed: object, astronaut: NDArray[np.uint8]) -> None:
        assert callable(hashed)
        for name, copy in changed(astronaut).items():
            assert distance(hashed(astronaut), hashed(copy)) <= 2, name

    @pytest.mark.parametrize("hashed", HASHES)
    def test_another_picture_is_far(self, hashed: object, astronaut: NDArray[np.uint8]) -> None:
        assert callable(hashed)
        assert distance(hashed(astronaut), hashed(astronaut[:, ::-1])) > 16
        assert distance(hashed(astronaut), hashed(face(np.random.default_rng(0), "fear", 128))) > 16

    def test_the_formula(self) -> None:
        """The DCT by its sum, not by a matrix: Y[u, v] = sum_xy X[x, y] C[u, x] C[v, y]."""
        small = np.random.default_rng(0).integers(0, 256, (32, 32)).astype(np.uint8)
        n = np.arange(32)
        wave = {k: np.sqrt(2 / 32) * np.cos(np.pi * (2 * n + 1) * k / 64) for k in range(1, 9)}
        low = np.array([[(small * np.outer(wave[u], wave[v])).sum() for v in range(1, 9)] for u in range(1, 9)])
        bits = (low > np.median(low)).ravel()
        assert int(dct_hash(small)) == sum(1 << i for i in range(64) if bits[i])
        assert bits.sum() == 32

    def test_the_difference_hash_looks_to_the_right(self) -> None:
        image = np.zeros((8, 9), np.uint8)
        image[2, 5] = 200  # darker neighbour to its left: bit 2 * 8 + 4
        assert int(difference_hash(image)) == 1 << 20

    def test_a_flat_picture_has_no_bits_to_fail_on(self) -> None:
        flat = np.full((50, 40, 3), 77, np.uint8)
        assert difference_hash(flat) == 0
        assert dct_hash(flat) == 0


class TestNear:
    @settings(deadline=None, max_examples=40)
    @given(
        st.lists(st.integers(0, 2**64 - 1), min_size=0, max_size=12),
        st.lists(st.integers(0, 2**64 - 1), min_size=0, max_size=12),
        st.integers(0, 64),
    )
    def test_it_is_every_pair_within_the_threshold(self, first: list[int], second: list[int], threshold: int) -> None:
        found = set(near(np.array(first, np.uint64), np.array(second, np.uint64), threshold))
        want = {(i, j, (a ^ b).bit_count()) for i, a in enumerate(first) for j, b in enumerate(second)}
        assert found == {pair for pair in want if pair[2] <= threshold}

    def test_blocks_do_not_change_the_result(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hashes = np.random.default_rng(0).integers(0, 2**63, 50).astype(np.uint64)
        whole = list(near(hashes, hashes, 24))
        monkeypatch.setattr("mien.datasets.duplicates._BLOCK", 7)
        assert list(near(hashes, hashes, 24)) == whole

    def test_a_threshold_that_is_no_distance(self) -> None:
        with pytest.raises(InputError, match="0 to 64"):
            list(near(np.zeros(1, np.uint64), np.zeros(1, np.uint64), 65))


class TestLeaks:
    def test_a_picture_in_two_parts_is_found(self, made: Made) -> None:
        parts = {split: read("fer_mosaics", made("fer_mosaics"), split) for split in ("train", "val", "test")}
        found = leaks(parts, threshold=2)
        assert [(leak.kind, leak.parts, leak.ids) for leak in found if leak.kind == "clip"] == [
            ("clip", ("train", "val"), ("duplicate-1", "duplicate-1"))
        ]
        assert ("0000000", "0000014") in {leak.ids for leak in found if leak.kind == "picture" and leak.distance == 0}
        clean = leaks(parts | {"val": read("fer_mosaics", made("fer_mosaics"), "val", clean=True)}, threshold=0)
        assert [leak for leak in clean if leak.parts == ("train", "val")] == []

    def test_persons_on_both_sides_are_found_without_reading_pictures(self) -> None:
        parts = {
            "train": [Sample("1", subject="ann"), Sample("2", subject="bob"), Sample("3")],
            "test": [Sample("4", subject="bob"), Sample("5")],
        }
        found = leaks(parts, pictures=False)
        assert [(leak.kind, leak.parts, leak.ids) for leak in found] == [("subject", ("train", "test"), ("bob", "bob"))]

    def test_the_threshold_is_the_one_that_was_measured(self) -> None:
        assert THRESHOLD == 8
