"""FCCov-Net: the objective, what flows where, and that directions of a response are found in spite of outliers."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.cards import card  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.losses.covariance import cumulative_covariance, cumulative_gram, distance_covariance, distances, spread  # noqa: E402
from mien.systems.expression import fccov_net  # noqa: E402

pytestmark = pytest.mark.torch


def batch(count: int = 12) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    shapes = {"embedding": (count, 3), "weight": (4, 3), "bias": (4,)}
    out = {name: torch.randn(shape, requires_grad=True) for name, shape in shapes.items()}
    return out, {"target": torch.rand(count, 4).softmax(1)}


def test_the_count() -> None:
    with torch.device("meta"):
        net = fccov_net.model()
    # the trunk of 3 x 3 x 1 x 64 in its stem, 512 x 8 directions without bias, 8 x 8 + 8 of the classifier
    assert sum(p.numel() for p in net.directions.parameters()) == 4096
    assert sum(p.numel() for p in net.read.parameters()) == 72
    assert sum(p.numel() for p in net.parameters()) == card("fccov_net").parameters.ours


def test_the_loss_is_the_formula_and_the_classifier_beside_it() -> None:
    out, wanted = batch()
    found = fccov_net.objective(penalty=0.7)(out, wanted)
    v, target = out["embedding"], wanted["target"]
    fccov = cumulative_covariance(v, distances(target, "hellinger"))
    error = -(target * (v @ out["weight"].T + out["bias"]).log_softmax(1)).sum() / len(v)
    assert found["loss"].item() == pytest.approx((0.7 * spread(v) - fccov + error).item(), rel=1e-5)
    rival = fccov_net.objective("distances", "wasserstein")(out, wanted)["dependence"]
    assert rival.item() == pytest.approx(distance_covariance(v, distances(target, "wasserstein")).item())
    assert fccov_net.objective("none")(out, wanted)["dependence"] == 0


def test_the_classifier_sends_nothing_into_the_directions_unless_it_is_the_rival() -> None:
    grads = {}
    for measure in ("none", "labels"):
        out, wanted = batch()
        fccov_net.objective(measure, penalty=0.0)(out, wanted)["loss"].backward()
        grads[measure] = out["embedding"].grad
        assert out["weight"].grad.any()
        assert out["bias"].grad.any()
    assert not grads["none"].any()
    assert grads["labels"].any()


def test_training_gives_what_the_loss_needs_and_judging_the_same_classifier() -> None:
    torch.manual_seed(0)
    net, image = fccov_net.model(size=3, classes=5), torch.randn(2, 1, 32, 32)
    assert set(net.train()(image)) == {"embedding", "weight", "bias"}
    with torch.no_grad():
        out = net.eval()(image)
    assert torch.allclose(out["logits"], out["embedding"] @ net.read.weight.T + net.read.bias, atol=1e-5)


def test_unknown_words() -> None:
    with pytest.raises(InputError, match="order"):
        fccov_net.objective("ordre")
    with pytest.raises(InputError, match="hellinger"):
        fccov_net.objective(distance="hellingr")


def directions(seed: int, order: bool, outliers: float) -> float:
    """Smallest canonical correlation of the two best linear directions of a measure with the two that make the response.

    The response is a normal distribution, of which mean and logarithm of the deviation are linear in the predictors; its
    distance is Wasserstein's, sqrt((m - m')^2 + (s - s')^2). Under Cov = I the best directions are eigenvectors.
    """
    rng, n = np.random.default_rng(seed), 120
    x = rng.normal(size=(n, 6))
    x -= x.mean(0)
    y = np.stack([x[:, 0] + 0.1 * rng.normal(size=n), np.exp(0.7 * x[:, 1])], 1)
    wild = rng.random(n) < outliers
    y[wild] += 100 * rng.standard_t(1, size=(int(wild.sum()), 2))
    d = distances(torch.from_numpy(y), "euclidean")
    gram = (cumulative_gram(d) if order else -d).numpy()
    values, vectors = np.linalg.eigh(x.T @ x / n)
    root = vectors / np.sqrt(values) @ vectors.T
    found = x @ root @ np.linalg.eigh(root @ x.T @ gram @ x @ root)[1][:, -2:]
    return float(np.linalg.svd(np.linalg.qr(found)[0].T @ np.linalg.qr(x[:, :2])[0])[1].min())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_directions_of_a_distribution_are_found_in_spite_of_outliers(seed: int) -> None:
    assert directions(seed, True, 0.0) > 0.95
    assert directions(seed, False, 0.0) > 0.95
    assert directions(seed, True, 0.1) > 0.95
    assert directions(seed, False, 0.1) < 0.75
