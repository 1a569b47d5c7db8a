"""The dependence measure against its definition, its exact invariances and a closed form."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.errors import InputError  # noqa: E402
from mien.losses.covariance import (  # noqa: E402
    DISTANCES,
    cumulative_covariance,
    cumulative_gram,
    distance_covariance,
    distances,
    spread,
)

pytestmark = pytest.mark.torch


def draw(n: int = 30, d: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Features, and distances between responses that depend on the first of them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    y = np.stack([x[:, 0] + 0.1 * rng.normal(size=n), rng.normal(size=n)], 1)
    return torch.from_numpy(x), distances(torch.from_numpy(y), "euclidean")


def by_definition(v: np.ndarray, d: np.ndarray) -> float:
    """The threefold sum."""
    n, v, total = len(v), v - v.mean(0), 0.0
    for j in range(n):
        for k in range(n):
            c = sum((v[i] for i in range(n) if d[i, j] <= d[k, j]), np.zeros(v.shape[1])) / n
            total += c @ c
    return total / n**2


def test_the_sorted_form_is_the_definition() -> None:
    v, d = draw(12)
    assert cumulative_covariance(v, d).item() == pytest.approx(by_definition(v.numpy(), d.numpy()), rel=1e-12)


def test_and_so_it_is_with_ties() -> None:
    v, _ = draw(12)
    d = distances(torch.tensor([0, 1, 1, 2, 0, 0, 2, 2, 1, 0, 0, 1]), "same").double()
    assert cumulative_covariance(v, d).item() == pytest.approx(by_definition(v.numpy(), d.numpy()), rel=1e-12)
    grid = distances((torch.arange(12) % 4).double(), "euclidean")
    assert cumulative_covariance(v, grid).item() == pytest.approx(by_definition(v.numpy(), grid.numpy()), rel=1e-12)


@pytest.mark.parametrize("tied", [False, True])
def test_the_matrix_form_is_the_same_and_has_no_negative_side(tied: bool) -> None:
    v, d = draw(40)
    d = d.round() if tied else d
    gram, centred = cumulative_gram(d), v - v.mean(0)
    assert torch.einsum("id,il,ld->", centred, gram, centred).item() == pytest.approx(
        cumulative_covariance(v, d).item(), rel=1e-10
    )
    assert torch.linalg.eigvalsh(gram).min() > -1e-15
    assert torch.equal(gram, gram.T)


class TestInvariance:
    v, d = draw(50)
    value = cumulative_covariance(v, d)

    def test_a_shift_of_the_features(self) -> None:
        assert abs(cumulative_covariance(self.v + torch.tensor([3.0, -70.0, 500.0]), self.d) - self.value) < 1e-12

    def test_a_turn_of_the_features(self) -> None:
        turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0]
        assert cumulative_covariance(self.v @ turn, self.d).item() == pytest.approx(self.value.item(), rel=1e-12)

    def test_a_factor_comes_out_squared(self) -> None:
        assert cumulative_covariance(2 * self.v, self.d).item() == pytest.approx(4 * self.value.item(), rel=1e-12)

    @pytest.mark.parametrize("grown", [torch.square, torch.exp, lambda d: 5 * d, lambda d: d / (1 + d)])
    def test_any_rising_function_of_the_distance_to_the_bit(self, grown: object) -> None:
        assert torch.equal(cumulative_covariance(self.v, grown(self.d)), self.value)  # type: ignore[operator]

    def test_samples_in_another_order(self) -> None:
        p = torch.randperm(50)
        assert cumulative_covariance(self.v[p], self.d[p][:, p]).item() == pytest.approx(self.value.item(), rel=1e-12)

    def test_distances_that_are_all_the_same(self) -> None:
        assert cumulative_covariance(self.v, torch.zeros(50, 50).double()).item() == pytest.approx(0, abs=1e-25)


def test_it_tells_dependence_from_none() -> None:
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(200, 2)))
    d = distances(x[:, 0] + 0.1 * torch.from_numpy(rng.normal(size=200)), "euclidean")
    seen, other = cumulative_covariance(x[:, :1], d).item(), cumulative_covariance(x[:, 1:], d).item()
    assert 0.03 < seen < 0.06
    assert other < 0.003


def test_outliers_among_the_responses_change_it_little_and_its_rival_much() -> None:
    rng = np.random.default_rng(1)
    x = torch.from_numpy(rng.normal(size=(200, 1)))
    y = x[:, 0] + 0.1 * torch.from_numpy(rng.normal(size=200))
    far = y.clone()
    far[:10] = torch.from_numpy(rng.normal(size=10)) * 1e4
    ratios = [
        f(x, distances(far, "euclidean")) / f(x, distances(y, "euclidean")) for f in (cumulative_covariance, distance_covariance)
    ]
    assert 0.8 < ratios[0] < 1.1
    assert not 0.2 < ratios[1] < 5


def test_the_best_linear_direction_is_found_by_climbing() -> None:
    # with Cov = I the best direction is the first eigenvector of cov^-1/2 X' G X cov^-1/2
    rng = np.random.default_rng(2)
    x = torch.from_numpy(rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4)))
    d = distances(x @ torch.tensor([1.0, -1.0, 0.5, 0.0]).double(), "euclidean")
    x = x - x.mean(0)
    values, vectors = torch.linalg.eigh(x.T @ x / 60)
    root = vectors / values.sqrt() @ vectors.T
    best = root @ torch.linalg.eigh(root @ x.T @ cumulative_gram(d) @ x @ root)[1][:, -1]
    w = torch.nn.Parameter(0.1 * torch.ones(4, 1, dtype=torch.float64))
    climb = torch.optim.LBFGS([w], max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        climb.zero_grad()
        value = spread(x @ w) - cumulative_covariance(x @ w, d)
        value.backward()
        return value

    climb.step(loss)
    found = (x @ w.detach())[:, 0]
    assert abs(float(torch.corrcoef(torch.stack([found, x @ best]))[0, 1])) > 0.9999


def test_gradients() -> None:
    v, d = draw(9)
    v.requires_grad_()
    for measure in (cumulative_covariance, distance_covariance):
        assert torch.autograd.gradcheck(lambda f, m=measure: m(f, d), v)
    assert torch.autograd.gradcheck(spread, v)


def test_distances_by_hand() -> None:
    p, q = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.0, 0.5, 0.5])
    wanted = {"hellinger": 0.5**0.5, "total variation": 0.5, "wasserstein": 1.0, "euclidean": 0.5**0.5, "same": 1.0}
    assert set(wanted) == set(DISTANCES)
    for kind, value in wanted.items():
        found = distances(torch.stack([p, q, p]), kind)
        assert found.flatten().tolist() == pytest.approx([0, value, 0, value, 0, value, 0, value, 0], abs=1e-6)


def test_the_rival_is_its_definition() -> None:
    v, d = draw(10)
    c = (v - v.mean(0)).numpy()
    wanted = -sum(c[i] @ c[k] * d[i, k].item() for i in range(10) for k in range(10)) / 100
    assert distance_covariance(v, d).item() == pytest.approx(wanted)
    assert wanted > 0


def test_the_spread() -> None:
    v = torch.tensor([[1.0, 2.0], [-1.0, -2.0]])
    assert spread(v).item() == pytest.approx(0 + 2 * 2**2 + 3**2)


def test_what_does_not_fit() -> None:
    with pytest.raises(InputError, match="hellinger"):
        distances(torch.zeros(2), "helinger")
    with pytest.raises(InputError, match=r"\(n, k\)"):
        distances(torch.zeros(2, 2, 2), "same")
    with pytest.raises(InputError, match=r"\(3, 3\)"):
        cumulative_covariance(torch.zeros(2, 1), torch.zeros(3, 3))
