"""Dependence of features on a response of any kind, from the distances between responses alone.

The response may be a number, a class, a distribution, a shape: what has a distance. Features are plain vectors. Every measure
here is tr(V' G V) with the centred features V and a matrix G that the responses alone decide.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import InputError, unknown_name

DISTANCES = {
    "hellinger": "distributions: sqrt(sum (sqrt p - sqrt q)^2 / 2)",
    "total variation": "distributions: sum |p - q| / 2",
    "wasserstein": "distributions over classes with an order: sum of |P - Q| over their running sums",
    "euclidean": "vectors",
    "same": "classes, or any rows: 0 where they are equal, else 1",
}


def distances(response: Tensor, kind: str) -> Tensor:
    """How far the responses of a batch lie apart.

    Args:
        response: (n, k), or (n,) of numbers or classes.
        kind: one of :data:`DISTANCES`.

    Returns:
        (n, n), symmetric, 0 on the diagonal.

    Raises:
        InputError: an unknown kind, or another number of dimensions.

    Example:
        >>> distances(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), "hellinger")[0].tolist()
        [0.0, 1.0]
    """
    if kind not in DISTANCES:
        raise unknown_name("distance", kind, DISTANCES)
    if response.ndim not in (1, 2):
        raise InputError(f"responses of shape {tuple(response.shape)}", "(n, k) or (n,)")
    points = response[:, None] if response.ndim == 1 else response
    if kind == "same":
        return (points[:, None] != points).any(2).to(torch.get_default_dtype())
    if kind == "hellinger":
        points = points.clamp_min(0).sqrt()
    elif kind == "wasserstein":
        points = points.cumsum(1)
    gap = points[:, None] - points
    if kind in ("hellinger", "euclidean"):
        return (gap.square().sum(2) / (2 if kind == "hellinger" else 1)).sqrt()
    return gap.abs().sum(2) / (2 if kind == "total variation" else 1)


def cumulative_covariance(features: Tensor, distance: Tensor) -> Tensor:
    """The Fréchet cumulative covariance of features with a response, a number of 0 or more.

    (1/n^2) sum_jk |C_jk|^2 with C_jk = (1/n) sum_i v_i [d_ij <= d_kj], v the centred features: how the features go with lying
    in the ball around response j on whose edge response k lies. Only the order of the distances from each response enters, so
    no response can pull harder by lying far out. It is 0 in the limit only where the features' means do not depend on the
    response; on n independent samples it is about 1/n of the variance.

    Source: Yuan, Wang and Yu (2025), arXiv:2502.15374; whether the ball is closed there is not known to us. Sorting each row of
    distances once, running sums give all C_jk in O(n^2 (log n + d)).

    Args:
        features: (n, d).
        distance: (n, n) with d_ij at row j, column i; without gradient.

    Returns:
        () with a gradient for the features. A shift or a turn of the features changes nothing, a factor s comes out as s^2.

    Raises:
        InputError: shapes that do not go together.

    Example:
        >>> x = torch.tensor([[0.0], [1.0]])
        >>> cumulative_covariance(x, distances(x, "euclidean")).item()
        0.03125
    """
    _check(features, distance)
    count = len(features)
    ordered, order = distance.detach().sort(1)
    # of equal distances each has the sum up to the last of them
    last = torch.searchsorted(ordered, ordered, right=True) - 1
    running = (features - features.mean(0))[order].cumsum(1)
    reached = running.gather(1, last[:, :, None].expand_as(running))
    return reached.square().sum() / count**4


def cumulative_gram(distance: Tensor) -> Tensor:
    """The matrix G with which :func:`cumulative_covariance` is tr(V' G V): G_il = n^-4 sum_jk [d_ij <= d_kj] [d_lj <= d_kj].

    Both brackets hold for the k that lie at least as far from j as the farther of i and l, so with c_ij, how many lie at least
    as far as i, it is n^-4 sum_j min(c_ij, c_lj). For closed forms and tests; O(n^3).

    Args:
        distance: (n, n).

    Returns:
        (n, n), symmetric, without negative eigenvalues.
    """
    count = len(distance)
    ordered = distance.sort(1)[0]
    beyond = count - torch.searchsorted(ordered, distance.contiguous())  # of each row j: how many at least as far as i
    total = torch.zeros_like(distance)
    for row in beyond.to(distance.dtype):
        total += torch.minimum(row[:, None], row)
    return total / count**4


def distance_covariance(features: Tensor, distance: Tensor) -> Tensor:
    """The same with the distances themselves in place of their order: - sum_il v_i'v_l d_il / n^2.

    What far outliers dominate; the rival of :func:`cumulative_covariance`. Not negative where the distances are of negative
    type, as all of :data:`DISTANCES` are.

    Source: the martingale difference divergence of the features given the response, Shao and Zhang (2014), JASA 109.

    Args:
        features: (n, d).
        distance: (n, n).
    """
    _check(features, distance)
    centred = features - features.mean(0)
    return -((distance.detach() @ centred) * centred).sum() / len(features) ** 2


def spread(features: Tensor) -> Tensor:
    """|Cov - I|^2, the squared Frobenius norm; sums of the covariance are divided by n.

    Args:
        features: (n, d).
    """
    centred = features - features.mean(0)
    eye = torch.eye(features.shape[1], dtype=features.dtype, device=features.device)
    return (centred.T @ centred / len(features) - eye).square().sum()


def _check(features: Tensor, distance: Tensor) -> None:
    if features.ndim != 2 or distance.shape != (len(features), len(features)):
        got = f"features of {tuple(features.shape)} and distances of {tuple(distance.shape)}"
        raise InputError(got, "(n, d) and (n, n)")
