"""Small labelled parts: so many of each class, the same again for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.datasets.fewshot import draws, each_class, each_share
from mien.errors import InputError

LABELS = np.array([0] * 40 + [1] * 10 + [2] * 3)


@given(count=st.integers(1, 3), seed=st.integers(0, 20))
def test_so_many_of_each_class_and_none_twice(count: int, seed: int) -> None:
    found = each_class(LABELS, count, np.random.default_rng(seed))
    assert np.bincount(LABELS[found]).tolist() == [count] * 3
    assert len(set(found.tolist())) == len(found)


@given(share=st.floats(0.001, 1), seed=st.integers(0, 20))
def test_a_share_of_each_class_and_at_least_one(share: float, seed: int) -> None:
    found = each_share(LABELS, share, np.random.default_rng(seed))
    assert np.bincount(LABELS[found]).tolist() == [max(1, round(share * n)) for n in (40, 10, 3)]


def test_a_seed_draws_the_same_and_more_draws_change_no_earlier_one() -> None:
    five = [found.tolist() for found in draws(LABELS, 2, 5, seed=3)]
    assert [found.tolist() for found in draws(LABELS, 2, 2, seed=3)] == five[:2]
    assert len({tuple(found) for found in five}) > 1
    assert [found.tolist() for found in draws(LABELS, 2, 5, seed=4)] != five
    assert [len(found) for found in draws(LABELS, 0.1, 2)] == [4 + 1 + 1] * 2


def test_what_has_no_label_is_never_drawn() -> None:
    labels = np.where(np.arange(53) < 30, np.nan, LABELS)
    assert all((found >= 30).all() for found in draws(labels, 3, 20))


@pytest.mark.parametrize(("labels", "amount"), [(LABELS, 4), (LABELS, 1.5), (LABELS, 0.0), ([], 1), ([np.nan], 1)])
def test_what_cannot_be_drawn_is_refused(labels: object, amount: float) -> None:
    with pytest.raises(InputError):
        next(draws(labels, amount))
