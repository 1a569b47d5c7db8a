"""What a frozen embedding holds: simple classifiers on it, fitted to few labels and judged on others.

All take ``train`` (n, d) and ``labels`` (n,) codes from 0, and score ``test`` (m, d). Features are used as they are: scale them
with :func:`scaled` first where a penalty is to weigh all alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .inputs import Floats, Ints, known, numbers

# train, labels, test, classes -> (m, classes) scores, the largest wins
Probe = Callable[[ArrayLike, ArrayLike, ArrayLike, int], Floats]


def _checked(train: ArrayLike, labels: ArrayLike, test: ArrayLike, classes: int) -> tuple[Floats, Ints, Floats]:
    a, b = known("train", numbers("train", train, 2)), known("test", numbers("test", test, 2))
    codes = known("labels", numbers("labels", labels, 1))
    if len(a) != len(codes) or not len(a) or a.shape[1] != b.shape[1]:
        raise InputError(f"train {a.shape}, labels {codes.shape}, test {b.shape}", "(n, d), (n,) and (m, d), n above 0")
    if (codes != np.floor(codes)).any() or codes.min() < 0 or codes.max() >= classes:
        raise InputError(f"labels from {codes.min():g} to {codes.max():g}", f"whole numbers from 0 to {classes - 1}")
    return a, codes.astype(np.int64), b


def scaled(train: ArrayLike, test: ArrayLike) -> tuple[Floats, Floats]:
    """Both less the mean of ``train``, divided by its deviation (by n); a feature that does not vary is only centred.

    Example:
        >>> a, b = scaled([[0.0], [2.0]], [[3.0]])
        >>> a.tolist(), b.tolist()
        ([[-1.0], [1.0]], [[2.0]])
    """
    a, b = numbers("train", train, 2), numbers("test", test, 2)
    mean, deviation = a.mean(0), a.std(0)
    deviation = np.where(deviation > 1e-12 * np.abs(mean).clip(1), deviation, 1)
    return (a - mean) / deviation, (b - mean) / deviation


def ridge(train: ArrayLike, labels: ArrayLike, test: ArrayLike, classes: int, penalty: float = 1.0) -> Floats:
    """Linear regression of each class, 1 for its samples and 0 for others, with a penalty on the weights and none on the offset.

    Solves min |X W + b - Y|^2 + penalty |W|^2 in closed form, by samples where there are fewer of them than features.

    Source: Hoerl and Kennard (1970), "Ridge Regression", Eq. 2.1.

    Returns:
        (m, classes) scores; of a class without labels 0.

    Raises:
        InputError: shapes that do not fit, values that are not finite, labels that are no codes, or a penalty not above 0.

    Example:
        >>> ridge([[0.0], [1.0]], [0, 1], [[2.0]], 2, 1e-9).round(3).tolist()
        [[-1.0, 2.0]]
    """
    a, codes, b = _checked(train, labels, test, classes)
    if penalty <= 0:
        raise InputError(f"penalty is {penalty}", "a number above 0")
    wanted = np.eye(classes)[codes]
    middle, level = a.mean(0), wanted.mean(0)
    x, y = a - middle, wanted - level
    if len(x) < x.shape[1]:
        weights = x.T @ np.linalg.solve(x @ x.T + penalty * np.eye(len(x)), y)
    else:
        weights = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y)
    return np.asarray((b - middle) @ weights + level, np.float64)


def logistic(train: ArrayLike, labels: ArrayLike, test: ArrayLike, classes: int, penalty: float = 1.0) -> Floats:
    """Logistic regression of each class against the others, with a penalty on the weights and none on the offset.

    Minimises sum_i log(1 + exp(-s_i (w x_i + b))) + penalty / 2 |w|^2 for each class, s_i = 1 for its samples and -1 for others,
    by Newton's method with halved steps. It works in the space that the samples span, so that many features cost little.

    Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2nd edition, sections 4.4.1 and 18.3.5.

    Returns:
        (m, classes) logits; of a class without labels, or with all of them, minus or plus infinity.

    Raises:
        InputError: as for :func:`ridge`.
    """
    a, codes, b = _checked(train, labels, test, classes)
    if penalty <= 0:
        raise InputError(f"penalty is {penalty}", "a number above 0")
    middle = a.mean(0)
    _, _, turn = np.linalg.svd(a - middle, full_matrices=False)
    x, z = (a - middle) @ turn.T, (b - middle) @ turn.T
    x, z = (np.column_stack([values, np.ones(len(values))]) for values in (x, z))
    scores = np.empty((len(z), classes))
    for k in range(classes):
        own = codes == k
        scores[:, k] = z @ _newton(x, own, penalty) if own.any() and not own.all() else (np.inf if own.all() else -np.inf)
    return scores


def _newton(x: Floats, own: np.ndarray, penalty: float) -> Floats:
    """Weights of one class; the last column of ``x`` is 1 and its weight is free."""
    sign, free = np.where(own, 1.0, -1.0), np.append(np.full(x.shape[1] - 1, penalty), 0.0)
    weights = np.zeros(x.shape[1])

    def cost(w: Floats) -> float:
        return float(np.logaddexp(0, -sign * (x @ w)).sum() + 0.5 * (free * w * w).sum())

    before = cost(weights)
    for _ in range(100):
        chance = 0.5 * (1 + np.tanh(0.5 * (x @ weights)))
        slope = x.T @ (chance - own) + free * weights
        bend = (x * (chance * (1 - chance))[:, None]).T @ x + np.diag(free + 1e-10)
        step, size = np.linalg.solve(bend, slope), 1.0
        while cost(weights - size * step) > before and size > 1e-8:
            size /= 2
        weights = weights - size * step
        after = cost(weights)
        if before - after <= 1e-10 * (1 + abs(before)):
            break
        before = after
    return weights


def nearest(train: ArrayLike, labels: ArrayLike, test: ArrayLike, classes: int, count: int = 5) -> Floats:
    """The share of each class among the ``count`` samples with the largest cosine.

    Where a class has fewer labels, so many are asked as the smallest one has: else classes would win by their number alone.

    Source: Cover and Hart (1967), "Nearest Neighbor Pattern Classification". Of equally near ones the first comes first.

    Returns:
        (m, classes) shares that sum to 1.

    Raises:
        InputError: shapes that do not fit, values that are not finite, labels that are no codes, or a count below 1.

    Example:
        >>> nearest([[1, 0], [0, 1]], [0, 1], [[2, 1]], 2, 1).tolist()
        [[1.0, 0.0]]
    """
    a, codes, b = _checked(train, labels, test, classes)
    if count < 1:
        raise InputError(f"count is {count}", "1 or more")
    a, b = (values / np.linalg.norm(values, axis=1, keepdims=True).clip(1e-12) for values in (a, b))
    least = int(np.unique(codes, return_counts=True)[1].min())
    near = np.argsort(-(b @ a.T), axis=1, kind="stable")[:, : min(count, least)]
    return np.asarray(np.eye(classes)[codes[near]].mean(1), np.float64)


PROBES: dict[str, Probe] = {"ridge": ridge, "logistic": logistic, "nearest": nearest}


def few_shot(
    train: tuple[ArrayLike, ArrayLike], test: tuple[ArrayLike, ArrayLike], draws: Iterable[ArrayLike], probe: Probe, classes: int
) -> Floats:
    """Accuracy of a probe that is fitted anew to each of several small parts of the labels.

    Args:
        train: (n, d) features and (n,) labels.
        test: (m, d) features and (m,) labels.
        draws: positions in ``train`` of each part.
        probe: one of :data:`PROBES`, or what takes the same and gives the same.
        classes: how many.

    Returns:
        (draws,) accuracies in [0, 1]; features are scaled by those of the part.
    """
    features, labels = numbers("train", train[0], 2), np.asarray(train[1])
    judged, wanted = numbers("test", test[0], 2), np.asarray(test[1])
    found = []
    for index in draws:
        rows = np.asarray(index, np.int64)
        a, b = scaled(features[rows], judged)
        found.append(float(np.mean(probe(a, labels[rows], b, classes).argmax(1) == wanted)))
    return np.array(found, np.float64)
