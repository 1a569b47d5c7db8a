from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.datasets.corruptions import label_noise, label_of, long_tail, thinned
from mien.datasets.labels import FERPLUS_10
from mien.datasets.sample import Category, Sample, Truth, Values
from mien.errors import InputError
from mien.labels import FER_7, FERPLUS_8

NAMES = FERPLUS_8.names
quick = settings(deadline=None, max_examples=30)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def listed(codes: list[int]) -> list[Sample]:
    """Samples with an expression, and with ten votes of which the same class leads."""
    found = []
    for number, code in enumerate(codes):
        cast = np.random.default_rng(number).multinomial(3, np.full(10, 0.1)).astype(np.float32)
        cast[code] += 4
        votes = Values(cast, FERPLUS_10)
        found.append(Sample(f"{number:05d}", truth=Truth(Category(code % 7, FER_7), votes, age=float(number))))
    return found


def labels(samples: list[Sample], field: str = "expression") -> list[str | None]:
    return [label_of(sample, FER_7.names if field == "expression" else NAMES, field) for sample in samples]


class TestLabelNoise:
    @quick
    @given(st.lists(st.integers(0, 7), min_size=1, max_size=80), st.floats(0, 1), st.integers(0, 99), st.booleans())
    def test_as_many_labels_as_asked_are_wrong(self, codes: list[int], share: float, seed: int, symmetric: bool) -> None:
        for field, names in (("expression", FER_7.names), ("votes", NAMES)):
            clean = listed(codes)
            found = label_noise(clean, share, rng(seed), names, field, symmetric)
            wrong = sum(a != b for a, b in zip(labels(clean, field), labels(found, field)))
            assert wrong == round(share * len(clean))
            assert [sample.id for sample in found] == [sample.id for sample in clean]
            assert all(sample.truth.age == other.truth.age for sample, other in zip(found, clean))

    def test_the_wrong_classes_are_equally_likely(self) -> None:
        found = label_noise(listed([2] * 1400), 1.0, rng(), FER_7.names)
        count = Counter(labels(found))
        assert count["fear"] == 0
        # 1400 / 6 each; four standard deviations of the binomial
        assert all(abs(count[name] - 1400 / 6) < 4 * (1400 * 5 / 36) ** 0.5 for name in FER_7.names if name != "fear")

    def test_of_the_other_kind_each_class_has_one_wrong_class(self) -> None:
        found = label_noise(listed(list(range(7)) * 3), 1.0, rng(), FER_7.names, symmetric=False)
        assert labels(found) == [FER_7.names[(k + 1) % 7] for k in range(7)] * 3

    def test_the_seed_decides_and_not_the_order(self) -> None:
        clean = listed([k % 8 for k in range(60)])
        first = {s.id: label_of(s, NAMES, "votes") for s in label_noise(clean, 0.4, rng(3), NAMES, "votes")}
        again = {s.id: label_of(s, NAMES, "votes") for s in label_noise(clean[::-1], 0.4, rng(3), NAMES, "votes")}
        other = {s.id: label_of(s, NAMES, "votes") for s in label_noise(clean, 0.4, rng(4), NAMES, "votes")}
        assert first == again
        assert first != other

    def test_a_smaller_share_is_a_part_of_a_larger_one(self) -> None:
        clean = listed([k % 7 for k in range(60)])
        less, more = (labels(label_noise(clean, share, rng(5), FER_7.names)) for share in (0.2, 0.5))
        moved = [k for k, name in enumerate(labels(clean)) if less[k] != name]
        assert len(moved) == 12
        assert all(less[k] == more[k] for k in moved)

    def test_votes_change_places_and_stay_as_clear_as_they_were(self) -> None:
        clean = listed([0] * 20)
        for before, after in zip(clean, label_noise(clean, 1.0, rng(), NAMES, "votes")):
            assert before.truth.votes is not None
            assert after.truth.votes is not None
            a, b = before.truth.votes.values, after.truth.votes.values
            assert sorted(a) == sorted(b)
            assert np.count_nonzero(a != b) == 2
            assert after.truth.expression is before.truth.expression
            assert b[8:].tolist() == a[8:].tolist()  # "unknown" and "no face" are not classes

    def test_ties_turn_into_something_else_and_even_votes_into_nothing(self) -> None:
        tie, even = np.zeros(10), np.ones(10)
        tie[:2] = 5
        clean = [Sample(str(k), truth=Truth(votes=Values(v, FERPLUS_10))) for k, v in enumerate((tie, even))]
        for seed in range(10):
            found = label_noise(clean, 1.0, rng(seed), NAMES, "votes")
            assert found[0].truth.votes is not None
            assert found[0].truth.votes.values[0] == 0
            assert found[1] is clean[1]

    def test_samples_without_a_class_of_the_task_stay_and_do_not_count(self) -> None:
        votes = np.zeros(10)
        votes[8] = 10
        odd = [Sample("a", truth=Truth(votes=Values(votes, FERPLUS_10))), Sample("b")]
        found = label_noise([*odd, *listed([0] * 10)], 0.5, rng(), NAMES, "votes")
        assert found[:2] == odd
        assert sum(name != "neutral" for name in labels(found[2:], "votes")) == 5

    def test_what_does_not_fit_is_refused(self) -> None:
        with pytest.raises(InputError, match="from 0 to 1"):
            label_noise([], 1.2, rng(), NAMES)
        with pytest.raises(InputError, match="different classes"):
            label_noise([], 0.2, rng(), ["neutral"])
        with pytest.raises(InputError, match="did you mean votes"):
            label_noise(listed([0]), 0.2, rng(), NAMES, "vote")


class TestRareClasses:
    def test_the_profile_is_exponential(self) -> None:
        found = long_tail(listed([k % 7 for k in range(700)]), 0.01, rng(), FER_7.names)
        count = sorted(Counter(labels(found)).values(), reverse=True)
        assert count == [round(100 * 0.01 ** (k / 6)) for k in range(7)]

    def test_common_classes_stay_common_and_rare_ones_whole(self) -> None:
        codes = [0] * 10 + [1] * 40 + [2] * 200 + [3] * 2
        found = long_tail(listed(codes), 0.05, rng(), FER_7.names[:4])
        assert Counter(labels(found)) == {"fear": 200, "disgust": 40, "anger": 10, "happiness": 2}
        assert len(long_tail(listed(codes), 0.01, rng(), FER_7.names[:4])) < len(found)

    def test_samples_stay_in_order_whatever_theirs_is(self) -> None:
        clean = listed([k % 7 for k in range(140)])
        found = long_tail(clean, 0.1, rng(1), FER_7.names)
        assert [s.id for s in found] == sorted(s.id for s in found)
        assert {s.id for s in long_tail(clean[::-1], 0.1, rng(1), FER_7.names)} == {s.id for s in found}
        assert {s.id for s in found} <= {s.id for s in long_tail(clean, 0.5, rng(1), FER_7.names)}
        assert long_tail(clean, 1.0, rng(1), FER_7.names) == clean

    def test_thinned_classes_keep_their_share(self) -> None:
        clean = listed([k % 7 for k in range(140)])
        count = Counter(labels(thinned(clean, {"fear": 0.1, "anger": 0.0}, rng(), FER_7.names)))
        assert count == {name: 20 for name in FER_7.names if name not in ("fear", "anger")} | {"fear": 2}

    def test_what_has_no_class_stays(self) -> None:
        odd = Sample("z")
        assert thinned([odd, *listed([0] * 4)], {"anger": 0}, rng(), FER_7.names) == [odd]
        assert odd in long_tail([odd, *listed([0] * 4)], 0.1, rng(), FER_7.names)

    def test_what_does_not_fit_is_refused(self) -> None:
        with pytest.raises(InputError, match="above 0"):
            long_tail([], 0, rng(), NAMES)
        with pytest.raises(InputError, match="did you mean fear"):
            thinned([], {"fea": 0.1}, rng(), NAMES)
        with pytest.raises(InputError, match="share of fear is 2"):
            thinned([], {"fear": 2}, rng(), NAMES)
