"""Leaks between the parts of a data set: the same person, the same recording, or nearly the same picture in two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..media.rgb import RGB
from .sample import Sample

Hashes = NDArray[np.uint64]

SIDE = 32  # of the small picture whose DCT is taken
THRESHOLD = 8  # bits of 64 in which near-duplicates may differ at most, for :func:`dct_hash`
_BLOCK = 2048  # rows compared at once: 2048 x 32,768 distances are 64 MiB of bytes


def _dct_matrix(size: int) -> NDArray[np.float32]:
    """The orthonormal DCT-II: C[k, n] = sqrt(2 / N) cos(pi (2 n + 1) k / (2 N)), row 0 divided by sqrt(2)."""
    k, n = np.arange(size)[:, None], np.arange(size)[None]
    matrix = np.sqrt(2 / size) * np.cos(np.pi * (2 * n + 1) * k / (2 * size))
    matrix[0] /= np.sqrt(2)
    return matrix.astype(np.float32)


_DCT = _dct_matrix(SIDE)[1:9]  # frequencies 1 to 8; 0 is the mean, which light changes
_BITS = (np.uint64(1) << np.arange(64, dtype=np.uint64)).astype(np.uint64)


def _small(image: RGB, width: int, height: int) -> NDArray[np.float32]:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    small = cv2.resize(grey.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    # floats keep what bytes would round away; their own last digits must not decide bits of flat pictures
    return np.asarray(np.round(small, 2), np.float32)


def dct_hash(image: RGB) -> np.uint64:
    """64 bits that nearly equal pictures share: which low frequencies of the picture lie above their median.

    The picture is made grey, shrunk to 32 x 32, and Y = C X C^T taken with the orthonormal DCT-II; the 64 numbers of
    frequencies 1 to 8 both ways are compared with their median. Source: Zauner (2010), "Implementation and Benchmarking of
    Perceptual Image Hash Functions", section 3.2.1. Light, contrast, size and compression hardly change it; mirroring, turning
    and another crop do.

    Args:
        image: (h, w, 3) RGB or (h, w) grey, uint8.

    Example:
        >>> ramp = np.tile(np.arange(64, dtype=np.uint8) * 2, (64, 1))
        >>> int(dct_hash(ramp) ^ dct_hash(ramp // 2 + 90))  # half the contrast, and brighter
        0
    """
    low = np.round(_DCT @ _small(image, SIDE, SIDE) @ _DCT.T, 2)
    return _packed((low > np.median(low)).ravel())


def difference_hash(image: RGB) -> np.uint64:
    """64 bits: whether each pixel of the picture at 9 x 8 is darker than its neighbour to the right.

    Cheaper than :func:`dct_hash` and less sure of faces that were cut alike, which share the course of their light.

    Args:
        image: (h, w, 3) RGB or (h, w) grey, uint8.
    """
    small = _small(image, 9, 8)
    return _packed((small[:, 1:] > small[:, :-1]).ravel())


def _packed(bits: NDArray[np.bool_]) -> np.uint64:
    return np.uint64(np.bitwise_or.reduce(_BITS[bits]) if bits.any() else 0)


def near(first: Hashes, second: Hashes, threshold: int = THRESHOLD) -> Iterator[tuple[int, int, int]]:
    """Pairs of hashes that differ in at most ``threshold`` of 64 bits.

    Args:
        first, second: (n,) and (m,) hashes; every one is compared with every other.
        threshold: the largest Hamming distance, 0 to 64.

    Yields:
        Position in ``first``, position in ``second``, distance.

    Raises:
        InputError: the threshold is no distance of 64 bits.

    Example:
        >>> list(near(np.array([0b111], np.uint64), np.array([0b100, 2**60], np.uint64), threshold=2))
        [(0, 0, 2)]
    """
    if not 0 <= threshold <= 64:
        raise InputError(f"threshold is {threshold}", "0 to 64 bits")
    first, second = np.asarray(first, np.uint64), np.asarray(second, np.uint64)
    for start in range(0, len(first), _BLOCK):
        block = np.bitwise_count(first[start : start + _BLOCK, None] ^ second[None])
        for i, j in zip(*np.nonzero(block <= threshold)):
            yield start + int(i), int(j), int(block[i, j])


@dataclass(frozen=True)
class Leak:
    """Something that two parts share.

    Args:
        kind: "subject", "clip" or "picture".
        parts: names of the two parts.
        ids: for "picture" the two samples; for the others the shared name, twice.
        distance: for "picture", bits of 64 in which they differ; 0 for the others.
    """

    kind: str
    parts: tuple[str, str]
    ids: tuple[str, str]
    distance: int = 0


def leaks(
    parts: Mapping[str, Iterable[Sample]],
    threshold: int = THRESHOLD,
    pictures: bool = True,
    hashed: Callable[[RGB], Any] = dct_hash,
) -> tuple[Leak, ...]:
    """What each two parts of a data set share: subjects, clips, and pictures that are nearly the same.

    The default threshold was set on FER2013, where 919 of 3,579 faces of the second part are known to show a photograph of the
    first: at 8 bits, 57 % of them are found, and 96 % of the faces reported are among them (10 bits: 65 % and 77 %; 12 bits:
    74 % and 50 %). What is missed was cut or shifted otherwise, so no leak found does not mean that there is none.

    Args:
        parts: name of the part ("train") to its samples. All pictures are read once; of a clip the first frame counts.
        threshold: largest distance of two pictures, in bits of 64.
        pictures: False compares names only, and reads nothing.
        hashed: the hash to compare by.

    Raises:
        InputError: a picture cannot be read.
    """
    lists = {name: list(samples) for name, samples in parts.items()}
    hashes = {
        name: np.array([hashed(sample.read()) for sample in samples], np.uint64) if pictures else np.zeros(0, np.uint64)
        for name, samples in lists.items()
    }
    found: list[Leak] = []
    for a, b in combinations(lists, 2):
        for kind in ("subject", "clip"):
            shared = _names(lists[a], kind) & _names(lists[b], kind)
            found += [Leak(kind, (a, b), (name, name)) for name in sorted(shared)]
        close = near(hashes[a], hashes[b], threshold)
        found += [Leak("picture", (a, b), (lists[a][i].id, lists[b][j].id), distance) for i, j, distance in close]
    return tuple(found)


def _names(samples: Sequence[Sample], kind: str) -> set[str]:
    return {name for sample in samples if (name := getattr(sample, kind)) is not None}
