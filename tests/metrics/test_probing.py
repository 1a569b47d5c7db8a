"""Simple classifiers against those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from mien.errors import InputError
from mien.metrics.probing import PROBES, few_shot, logistic, nearest, ridge, scaled

sklearn = pytest.importorskip("sklearn")
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.neighbors import KNeighborsClassifier  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402


def made(n: int = 60, size: int = 5, classes: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % classes
    return rng.normal(size=(n, size)) + 2 * np.eye(size)[labels % size] + 7, labels, rng.normal(size=(20, size)) + 7


@pytest.mark.parametrize(("n", "size"), [(60, 5), (12, 40)])
def test_ridge_is_that_of_scikit_learn(n: int, size: int) -> None:
    train, labels, test = made(n, size)
    wanted = Ridge(alpha=2.5).fit(train, np.eye(3)[labels]).predict(test)
    assert np.allclose(ridge(train, labels, test, 3, 2.5), wanted, atol=1e-8)


@pytest.mark.parametrize(("n", "size"), [(60, 5), (12, 40)])
@pytest.mark.parametrize("penalty", [0.1, 3.0])
def test_logistic_is_that_of_scikit_learn(n: int, size: int, penalty: float) -> None:
    train, labels, test = made(n, size)
    found = logistic(train, labels, test, 3, penalty)
    for k in range(3):
        model = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=5000).fit(train, labels == k)
        assert np.allclose(found[:, k], model.decision_function(test), atol=2e-4)


def test_nearest_is_that_of_scikit_learn() -> None:
    train, labels, test = made()
    model = KNeighborsClassifier(7, metric="cosine", algorithm="brute").fit(train - 7, labels)
    assert np.allclose(nearest(train - 7, labels, test - 7, 3, 7), model.predict_proba(test - 7))


def test_scaling_is_that_of_scikit_learn() -> None:
    train, _, test = made()
    train[:, 2] = 4.0
    model = StandardScaler().fit(train)
    a, b = scaled(train, test)
    assert np.allclose(a, model.transform(train))
    assert np.allclose(b, model.transform(test))


def test_separable_classes_end() -> None:
    train = np.concatenate([np.full((5, 2), -1.0), np.full((5, 2), 1.0)])
    found = logistic(train, [0] * 5 + [1] * 5, train, 2, 1e-3)
    assert np.isfinite(found).all()
    assert (found.argmax(1) == [0] * 5 + [1] * 5).all()


@pytest.mark.parametrize("name", PROBES)
def test_a_class_without_labels_never_wins(name: str) -> None:
    train, labels, test = made()
    found = PROBES[name](train, labels, test, 4)
    assert found.shape == (20, 4)
    assert (found.argmax(1) < 3).all()


@pytest.mark.parametrize("name", PROBES)
@pytest.mark.parametrize(
    ("train", "labels", "test"),
    [
        (np.zeros((2, 3)), [0, 1, 1], np.zeros((1, 3))),
        (np.zeros((2, 3)), [0, 1], np.zeros((1, 4))),
        (np.zeros((2, 3)), [0, 2], np.zeros((1, 3))),
        (np.full((2, 3), np.nan), [0, 1], np.zeros((1, 3))),
        (np.zeros((0, 3)), [], np.zeros((1, 3))),
    ],
)
def test_what_does_not_fit_is_refused(name: str, train: np.ndarray, labels: list[int], test: np.ndarray) -> None:
    with pytest.raises(InputError):
        PROBES[name](train, labels, test, 2)


@pytest.mark.parametrize("probe", [ridge, logistic])
def test_a_penalty_is_above_0(probe: object) -> None:
    with pytest.raises(InputError, match="penalty"):
        probe(*made(), 3, 0.0)  # type: ignore[operator]


def test_few_shot_fits_each_part_by_itself() -> None:
    train, labels, _ = made(90)
    test, wanted = train[60:], labels[60:]
    parts = [np.arange(60), np.array([0, 1, 2]), np.array([0, 3, 6])]
    found = few_shot((train, labels), (test, wanted), parts, ridge, 3)
    assert found.shape == (3,)
    assert found[0] > 0.6
    assert found[2] == pytest.approx(np.mean(wanted == 0))  # only the first class was ever named


def test_few_labels_ask_fewer_neighbours() -> None:
    train = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    assert nearest(train, [0, 0, 1], [[0.1, 1.0]], 2, count=3).tolist() == [[0.0, 1.0]]
