"""CluP: labels and purity of clusters against their definition, the choice of samples, and the paper's claim on drawn points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.cards import card  # noqa: E402
from mien.datasets.clustering import kmeans  # noqa: E402
from mien.datasets.labels import RAF_7  # noqa: E402
from mien.datasets.sample import Category, Sample, Truth  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.labels import FER_7, LabelSet  # noqa: E402
from mien.protocols import protocol  # noqa: E402
from mien.systems.expression import clup  # noqa: E402

from ...nn.counting import counted, dead  # noqa: E402

pytestmark = pytest.mark.torch


def drawn(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 6)), rng.integers(0, 7, count)


class TestAssign:
    @given(st.integers(0, 1000), st.integers(1, 60))
    @settings(max_examples=30, deadline=None)
    def test_it_is_the_definition(self, seed: int, clusters: int) -> None:
        embedding, predicted = drawn(seed)
        labels, purity = clup.assign(embedding, predicted, clusters, np.random.default_rng(seed))
        ones = np.column_stack([embedding, np.ones(60)])
        cluster = kmeans(ones / np.linalg.norm(ones, axis=1)[:, None], clusters, np.random.default_rng(seed))[0]
        for k in np.unique(cluster):
            count = np.bincount(predicted[cluster == k], minlength=7)
            assert (purity[cluster == k] == count.max() / count.sum()).all()
            winner = np.unique(labels[cluster == k])
            assert len(winner) == 1
            assert count[winner[0]] == count.max()
        assert purity.min() >= 1 / 7
        assert purity.max() <= 1

    def test_as_many_clusters_as_pictures_give_the_classes_of_the_source_model(self) -> None:
        embedding, predicted = drawn(0)
        labels, purity = clup.assign(embedding, predicted, 60, np.random.default_rng(0))
        np.testing.assert_array_equal(labels, predicted)
        assert (purity == 1).all()

    def test_one_cluster_gives_one_class(self) -> None:
        embedding, predicted = drawn(1)
        labels, purity = clup.assign(embedding, predicted, 1, np.random.default_rng(0))
        assert (labels == np.bincount(predicted).argmax()).all()
        assert (purity == np.bincount(predicted).max() / 60).all()

    def test_purity_is_1_everywhere_only_where_clusters_agree(self) -> None:
        embedding, _ = drawn(2)
        ones = np.column_stack([embedding, np.ones(60)])
        cluster = kmeans(ones / np.linalg.norm(ones, axis=1)[:, None], 10, np.random.default_rng(3))[0]
        assert (clup.assign(embedding, cluster % 7, 10, np.random.default_rng(3))[1] == 1).all()
        mixed = cluster % 7
        mixed[np.flatnonzero(cluster == np.bincount(cluster).argmax())[0]] += 1
        assert clup.assign(embedding, mixed, 10, np.random.default_rng(3))[1].min() < 1

    @given(st.integers(0, 1000), st.permutations(range(7)))
    @settings(max_examples=30, deadline=None)
    def test_other_numbers_of_the_classes_give_the_same_clusters_of_classes(self, seed: int, order: list[int]) -> None:
        embedding, predicted = drawn(seed)
        labels, purity = clup.assign(embedding, predicted, 20, np.random.default_rng(0))
        moved = clup.assign(embedding, np.array(order)[predicted], 20, np.random.default_rng(0))
        np.testing.assert_array_equal(moved[0], np.array(order)[labels])
        np.testing.assert_array_equal(moved[1], purity)

    def test_the_constant_parts_short_embeddings_from_long_ones_of_the_same_direction(self) -> None:
        embedding = np.outer(np.repeat([0.1, 10.0], 5), [0.6, 0.8])
        labels, _ = clup.assign(embedding, np.repeat([2, 5], 5), 2, np.random.default_rng(0))
        assert labels.tolist() == [2] * 5 + [5] * 5

    @pytest.mark.parametrize(
        ("embedding", "predicted"), [(np.zeros((3, 2)), [0, 1]), (np.zeros(3), [0, 1, 2]), (np.zeros((2, 2)), [0.0, 1.0])]
    )
    def test_other_shapes_are_refused(self, embedding: np.ndarray, predicted: list[int]) -> None:
        with pytest.raises(InputError, match=r"\(n, d\) and \(n,\) whole numbers"):
            clup.assign(embedding, predicted, 1, np.random.default_rng(0))


class TestSelect:
    @given(st.integers(0, 1000), st.floats(0, 1))
    @settings(max_examples=50, deadline=None)
    def test_each_class_gives_its_share_of_the_purest(self, seed: int, share: float) -> None:
        rng = np.random.default_rng(seed)
        purity, labels = rng.integers(1, 8, 80) / 7, rng.integers(0, 5, 80)
        chosen = clup.select(purity, labels, share)
        assert (np.diff(chosen) > 0).all()
        for name in np.unique(labels):
            members = np.flatnonzero(labels == name)
            taken, left = np.intersect1d(members, chosen), np.setdiff1d(members, chosen)
            assert len(taken) == int(share * len(members) + 1e-9)
            assert not len(taken) or not len(left) or purity[taken].min() >= purity[left].max()

    def test_rounding_error_takes_no_sample_away(self) -> None:
        assert int(0.29 * 100) == 28
        assert len(clup.select(np.ones(100), np.zeros(100, int), 0.29)) == 29

    def test_too_small_a_class_gives_nothing(self) -> None:
        assert clup.select([1.0] * 9, [3] * 9, 0.1).tolist() == []

    def test_what_does_not_fit_is_refused(self) -> None:
        with pytest.raises(InputError, match="0 to 1"):
            clup.select([1.0], [0], 1.1)
        with pytest.raises(InputError, match="of both"):
            clup.select([1.0], [0, 1], 0.5)


class Teacher:
    """Answers with fixed rows, whatever the pictures are."""

    def __init__(self, probabilities: np.ndarray, embedding: np.ndarray) -> None:
        self.out = {"probabilities": probabilities, "embedding": embedding}

    def __call__(self, samples: Sequence[Sample]) -> dict[str, np.ndarray]:
        return self.out


def pictures(count: int, labels: LabelSet | None = None) -> list[Sample]:
    truth = Truth(age=30.0) if labels is None else Truth(Category(0, labels), age=30.0)
    return [Sample(f"s{k}", truth=truth) for k in range(count)]


def teacher(seed: int = 0, count: int = 200) -> Teacher:
    rng = np.random.default_rng(seed)
    return Teacher(rng.dirichlet(np.ones(7), count), rng.normal(size=(count, 4)))


class TestRelabel:
    @pytest.mark.parametrize("by", ["purity", "confidence"])
    def test_only_chosen_samples_with_new_labels_and_no_other_truth_come_back(self, by: str) -> None:
        found = clup.relabel(pictures(200, RAF_7), teacher(), np.random.default_rng(0), clusters=20, share=0.3, by=by)
        assert 50 < len(found) <= 60
        assert len({sample.id for sample in found}) == len(found)
        assert all(sample.truth.known == ("expression",) for sample in found)
        assert {sample.truth.expression.labels for sample in found if sample.truth.expression} == {RAF_7}

    def test_by_confidence_are_the_surest_of_each_class_of_the_source_model(self) -> None:
        source = teacher(1)
        best = source.out["probabilities"].argmax(1)
        found = clup.relabel(pictures(200), source, np.random.default_rng(0), share=0.1, by="confidence")
        for name in range(7):
            members = np.flatnonzero(best == name)
            surest = members[np.argsort(-source.out["probabilities"][members, name])[: int(0.1 * len(members))]]
            assert {s.id for s in found if s.truth.expression == Category(name, FER_7)} == {f"s{k}" for k in surest}

    def test_by_purity_is_assign_and_select(self) -> None:
        source = teacher(2)
        found = clup.relabel(pictures(200), source, np.random.default_rng(5), clusters=15, share=0.2)
        predicted = source.out["probabilities"].argmax(1)
        labels, purity = clup.assign(source.out["embedding"], predicted, 15, np.random.default_rng(5))
        wanted = [(f"s{k}", int(labels[k])) for k in clup.select(purity, labels, 0.2)]
        assert [(s.id, s.truth.expression.index) for s in found if s.truth.expression] == wanted

    def test_what_does_not_fit_is_refused(self) -> None:
        rng = np.random.default_rng(0)
        with pytest.raises(InputError, match="did you mean purity"):
            clup.relabel(pictures(200), teacher(), rng, by="pure")
        with pytest.raises(InputError, match=r"\(199, 7\)"):
            clup.relabel(pictures(199), teacher(), rng)
        with pytest.raises(InputError, match="fer-7, raf-7"):
            clup.relabel(pictures(100, RAF_7) + pictures(100, FER_7), teacher(), rng)


def right(seed: int) -> tuple[float, float, float, float]:
    """Share of right labels by: source model, clusters, its surest fifth, the purest fifth.

    Seven Gaussian classes in 32 dimensions, all moved away from the source; the source model's means have noise.
    """
    rng = np.random.default_rng(seed)
    means = 0.6 * rng.normal(size=(7, 32))
    truth = rng.integers(7, size=1400)
    x = means[truth] + rng.normal(size=(1400, 32)) + 0.5 * rng.normal(size=32)
    head = means + rng.normal(size=means.shape)
    logits = x @ head.T - (head**2).sum(1) / 2
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    predicted = probabilities.argmax(1)
    labels, purity = clup.assign(x, predicted, 80, rng)
    sure, pure = clup.select(probabilities.max(1), predicted, 0.2), clup.select(purity, labels, 0.2)
    share = [np.mean(a == truth[b]) for a, b in ((predicted, slice(None)), (labels, slice(None)))]
    return (*map(float, share), float(np.mean(predicted[sure] == truth[sure])), float(np.mean(labels[pure] == truth[pure])))


def test_the_claim_purity_beats_confidence_beats_all() -> None:
    source, clusters, sure, pure = np.mean([right(seed) for seed in range(20)], 0)
    assert 0.4 < source < 0.55
    assert clusters > source + 0.02
    assert sure > source + 0.15
    assert pure > sure + 0.03


def test_the_network_is_as_large_as_the_card_says() -> None:
    parameters, billions = counted(clup.model, 3, 160, 160)
    entry = card("clup").parameters
    assert parameters == entry.ours == 11_180_103
    assert entry.code is not None
    assert parameters == pytest.approx(entry.code, rel=0.005)
    assert billions == pytest.approx(0.93, abs=0.006)


def test_the_network_gives_the_ports_of_the_card_and_passes_gradients() -> None:
    torch.manual_seed(0)
    net = clup.model()
    assert not dead(net, torch.randn(4, 3, 64, 64))
    with torch.no_grad():
        out = net.eval()(torch.randn(2, 3, 64, 64))
    assert {port.name: port.shape[1:] for port in card("clup").output} == {k: tuple(v.shape[1:]) for k, v in out.items()}


def test_the_recipe_is_the_papers() -> None:
    recipe = clup.recipe()
    assert protocol(recipe.protocol).labels == FER_7.name == card("clup").output[0].labels
    assert (recipe.epochs, recipe.batch, recipe.image.size, recipe.augment.mixup) == (50, 32, 160, 0.2)
    assert (recipe.optim.rate, recipe.optim.momentum, recipe.optim.nesterov, recipe.optim.decay) == (0.1, 0.9, True, 5e-4)
    assert recipe.smoothing == recipe.average == 0
