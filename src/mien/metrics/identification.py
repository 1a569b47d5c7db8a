"""One-to-many comparison in a closed set: who of the gallery is it? Rank-k identification and the CMC curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .inputs import Floats, Ints, known, numbers


def mate_ranks(similarity: ArrayLike, probes: ArrayLike, gallery: ArrayLike) -> Ints:
    """The rank of each probe's own person: 1 + how many other entries of the gallery are as alike as the best mate, or more.

    A tie counts against the system, so a constant similarity puts every mate last.

    Args:
        similarity: (p, g), larger for more alike.
        probes: (p,) person of each probe.
        gallery: (g,) person of each entry; a person may have several.

    Returns:
        (p,) from 1 up.

    Raises:
        InputError: shapes that do not fit, a NaN, or a probe whose person is not in the gallery.

    Example:
        >>> mate_ranks([[0.9, 0.2], [0.8, 0.3]], ["ann", "bob"], ["ann", "bob"]).tolist()
        [1, 2]
    """
    table = known("similarity", numbers("similarity", similarity, 2), infinite=True)
    rows, columns = np.asarray(probes), np.asarray(gallery)
    if rows.shape != table.shape[:1] or columns.shape != table.shape[1:]:
        raise InputError(
            f"similarity has shape {table.shape}, probes {rows.shape}, gallery {columns.shape}", "(p, g), (p,) and (g,)"
        )
    mates = rows[:, None] == columns[None]
    lonely = int(np.count_nonzero(~mates.any(1)))
    if lonely:
        raise InputError(f"{lonely} of {len(rows)} probes have no mate in the gallery", "a closed set", "leave them out")
    best = np.where(mates, table, -np.inf).max(1, initial=-np.inf)
    return np.asarray(1 + np.count_nonzero(~mates & (table >= best[:, None]), axis=1), np.int64)


def rank_k(similarity: ArrayLike, probes: ArrayLike, gallery: ArrayLike, k: int = 1) -> float:
    """Share of probes whose own person is among the k most alike entries of the gallery, in [0, 1].

    Source: Grother and Phillips (2004), "Models of large population recognition performance"; closed set.

    Args:
        similarity: (p, g), larger for more alike.
        probes: (p,) person of each probe.
        gallery: (g,) person of each entry.
        k: how many entries are looked at, from 1 up.

    Returns:
        The rate; NaN without probes.

    Raises:
        InputError: shapes that do not fit, a NaN, a probe without a mate, or k below 1.

    Example:
        >>> rank_k([[0.9, 0.2], [0.8, 0.3]], [1, 2], [1, 2]), rank_k([[0.9, 0.2], [0.8, 0.3]], [1, 2], [1, 2], k=2)
        (0.5, 1.0)
    """
    if k < 1:
        raise InputError(f"k is {k}", "1 or more")
    ranks = mate_ranks(similarity, probes, gallery)
    return float(np.mean(ranks <= k)) if len(ranks) else float("nan")


def cmc(similarity: ArrayLike, probes: ArrayLike, gallery: ArrayLike) -> Floats:
    """The cumulative match characteristic: rank-k identification for k = 1 .. g.

    Args:
        similarity: (p, g), larger for more alike.
        probes: (p,) person of each probe.
        gallery: (g,) person of each entry.

    Returns:
        (g,) shares in [0, 1] that never fall; NaN without probes.

    Raises:
        InputError: shapes that do not fit, a NaN, or a probe without a mate.

    Example:
        >>> cmc([[0.9, 0.2], [0.8, 0.3]], [1, 2], [1, 2]).tolist()
        [0.5, 1.0]
    """
    ranks, size = mate_ranks(similarity, probes, gallery), np.asarray(gallery).shape[0]
    if not len(ranks):
        return np.full(size, np.nan)
    return np.asarray(np.mean(ranks[:, None] <= np.arange(1, size + 1), axis=0), np.float64)
