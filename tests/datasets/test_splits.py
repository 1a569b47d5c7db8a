from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.datasets.sample import Sample
from mien.datasets.sampling import evenly, group_batches
from mien.datasets.splits import folds, keys, leave_one_subject_out, parts
from mien.errors import InputError

# samples as pairs of group and class
samples = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=120)
shares = st.lists(st.integers(1, 9), min_size=2, max_size=5).map(lambda n: [v / sum(n) for v in n])


quick = settings(deadline=None, max_examples=40)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


class TestParts:
    @quick
    @given(samples, shares, st.integers(0, 5))
    def test_no_group_crosses_and_every_sample_is_in_one_part(
        self, found: list[tuple[int, int]], wanted: list[float], seed: int
    ) -> None:
        groups, classes = (np.array(column) for column in zip(*found))
        if len(set(groups)) < len(wanted):
            with pytest.raises(InputError, match="a group for each part"):
                parts(groups, wanted, rng(seed), classes)
            return
        part = parts(groups, wanted, rng(seed), classes)
        assert part.shape == groups.shape
        assert set(part) == set(range(len(wanted)))  # none is empty
        for group in set(groups):
            assert len(set(part[groups == group])) == 1

    @quick
    @given(st.lists(st.integers(0, 12), min_size=2, max_size=120), st.integers(2, 5), st.integers(0, 5))
    def test_folds_differ_by_the_largest_group_at_most(self, groups: list[int], count: int, seed: int) -> None:
        if len(set(groups)) < count:
            return
        size = np.bincount(folds(groups, count, rng(seed)), minlength=count)
        assert size.max() - size.min() <= np.bincount(groups).max()

    @quick
    @given(st.lists(st.integers(0, 3), min_size=8, max_size=80), st.integers(2, 4), st.integers(0, 5))
    def test_classes_are_spread_evenly_where_every_sample_is_a_group(self, classes: list[int], count: int, seed: int) -> None:
        fold = folds(np.arange(len(classes)), count, rng(seed), classes)
        for kind in set(classes):
            number = np.bincount(fold[np.array(classes) == kind], minlength=count)
            assert number.max() - number.min() <= 1

    def test_classes_are_balanced_better_than_by_size_alone(self) -> None:
        """Subjects who show one class each: by size alone, chance decides which classes a fold has."""
        groups = np.repeat(np.arange(40), 10)
        classes = np.repeat(np.arange(40) % 4, 10)
        worst = []
        for kinds in (classes, None):
            spread = 0
            for seed in range(5):
                fold = folds(groups, 5, rng(seed), kinds)
                table = np.array([np.bincount(classes[fold == f], minlength=4) for f in range(5)])
                spread = max(spread, int((table.max(0) - table.min(0)).max()))
            worst.append(spread)
        assert worst[0] == 0 < worst[1]

    def test_shares_are_met(self) -> None:
        groups = np.repeat(np.arange(200), rng().integers(1, 9, 200))
        part = parts(groups, (0.8, 0.1, 0.1), rng())
        assert np.allclose(np.bincount(part) / len(part), (0.8, 0.1, 0.1), atol=0.01)

    def test_chance_comes_from_the_generator_alone(self) -> None:
        groups = np.arange(60)
        assert np.array_equal(folds(groups, 3, rng(1)), folds(groups, 3, rng(1)))
        assert not np.array_equal(folds(groups, 3, rng(1)), folds(groups, 3, rng(2)))

    @pytest.mark.parametrize("wanted", [(1.0,), (0.5, 0.6), (1.0, 0.0), (1.5, -0.5)])
    def test_wrong_shares(self, wanted: tuple[float, ...]) -> None:
        with pytest.raises(InputError, match="sum to 1"):
            parts([1, 2, 3], wanted, rng())

    def test_wrong_folds_and_lengths(self) -> None:
        with pytest.raises(InputError, match="at least two"):
            folds([1, 2], 1, rng())
        with pytest.raises(InputError, match="one for each sample"):
            folds([1, 2], 2, rng(), [1, 2, 3])

    def test_one_subject_is_left_out_at_a_time(self) -> None:
        names = keys([Sample(str(i), subject=f"s{i % 3}") for i in range(9)])
        seen = np.zeros(9, int)
        for name, train, test in leave_one_subject_out(names):
            assert set(names[test]) == {name}
            assert not set(names[train]) & set(names[test])
            seen += test
        assert seen.tolist() == [1] * 9


class TestKeys:
    def test_a_sample_without_subject_is_never_put_with_others(self) -> None:
        found = [Sample("1"), Sample("2"), Sample("3", subject="ann", clip="c")]
        with pytest.raises(InputError, match="sample 1 has no subject"):
            keys(found)
        assert len(set(keys(found, missing="own"))) == 3
        assert keys(found[2:], by="clip").tolist() == ["c"]

    @pytest.mark.parametrize("options", [{"by": "person"}, {"missing": "skip"}])
    def test_other_words_are_refused(self, options: dict[str, str]) -> None:
        with pytest.raises(InputError, match="by one of subject, clip, session"):
            keys([], **options)


class TestSampling:
    @quick
    @given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(0, 100), st.integers(0, 5))
    def test_every_class_comes_equally_often_and_no_sample_twice_before_all_once(
        self, names: list[int], size: int, seed: int
    ) -> None:
        found = evenly(names, size, rng(seed))
        assert found.shape == (size,)
        kinds = sorted(set(names))
        drawn = np.array(names)[found] if size else np.zeros(0, int)
        counts = [int((drawn == kind).sum()) for kind in kinds]
        assert max(counts) - min(counts) <= 1
        times = np.bincount(found, minlength=len(names)) if size else np.zeros(len(names), int)
        for kind in kinds:
            of_kind = times[np.array(names) == kind]
            assert of_kind.max() - of_kind.min() <= 1

    @quick
    @given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(1, 4), st.integers(1, 5), st.integers(0, 5))
    def test_batches_hold_different_groups(self, names: list[int], groups: int, each: int, seed: int) -> None:
        if groups > len(set(names)):
            with pytest.raises(InputError, match="groups, at least one sample of each"):
                group_batches(names, groups, each, rng(seed))
            return
        batches = group_batches(names, groups, each, rng(seed))
        seen: list[int] = []
        for _ in range(6):
            batch = np.array(names)[next(batches)].reshape(groups, each)
            assert (batch == batch[:, :1]).all()
            assert len(set(batch[:, 0])) == groups
            seen += batch.ravel().tolist()
        counts = [seen.count(name) // each for name in set(names)]
        assert max(counts) - min(counts) <= 1  # every group once before any again

    def test_a_large_group_does_not_repeat_within_a_batch(self) -> None:
        batch = next(group_batches([0] * 9 + [1] * 2, 2, 4, rng()))
        big, small = sorted((batch[:4], batch[4:]), key=lambda part: -len(set(part)))
        assert (len(set(big)), len(set(small))) == (4, 2)

    def test_nothing_to_draw_from(self) -> None:
        for call in (lambda: evenly([], 3, rng()), lambda: evenly([1], -1, rng())):
            with pytest.raises(InputError):
                call()
