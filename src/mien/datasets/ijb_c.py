"""IJB-C: templates of stills and video frames."""

from __future__ import annotations

from collections.abc import Iterator

from .ijb import draw_crops, read_crops, read_pairs
from .layout import Place
from .sample import Pair, Sample


def read(root: Place, split: str) -> Iterator[Sample]:
    """Samples of IJB-C: a loose crop with five points; the template is the ``session``, its medium the ``clip``.

    Args:
        root: folder of ``loose_crop`` and ``meta``.
        split: "all".

    Raises:
        InputError: a list is missing or a line is wrong, or the lists do not go together.
    """
    return read_crops("ijb_c", root, split)


def pairs(root: Place) -> Iterator[Pair]:
    """Pairs of templates of the 1:1 protocol.

    Raises:
        InputError: the list is missing or a line is wrong.
    """
    return read_pairs("ijb_c", root)


def fake(root: Place, seed: int = 0, count: int = 3) -> None:
    """Write a tiny IJB-C: ``count`` templates of two media, and a pair of each kind."""
    draw_crops("ijb_c", root, seed, count)
