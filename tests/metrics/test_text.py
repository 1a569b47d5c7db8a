"""Word and character error rates: hand-worked, and against the recursive definition of the edit distance."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.metrics.text import cer, edit_distance, wer

quick = settings(deadline=None, max_examples=60)
word = st.text("abc", max_size=7)


@cache
def by_definition(a: str, b: str) -> int:
    if not a or not b:
        return len(a) + len(b)
    if a[0] == b[0]:
        return by_definition(a[1:], b[1:])
    return 1 + min(by_definition(a[1:], b), by_definition(a, b[1:]), by_definition(a[1:], b[1:]))


@quick
@given(word, word)
def test_distance_agrees_with_its_definition(a: str, b: str) -> None:
    assert edit_distance(a, b) == by_definition(a, b)


@quick
@given(word, word, word)
def test_distance_is_a_distance(a: str, b: str, c: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) == edit_distance(a[::-1], b[::-1])
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


def test_wer_worked_by_hand() -> None:
    # one substitution (sat -> sit), one deletion (the), one insertion (now) over 6 + 1 words
    said, heard = ["the cat sat on the mat", "hello"], ["the cat sit on mat", "hello now"]
    assert wer(said, heard) == pytest.approx(3 / 7)
    assert wer(said, said) == 0


def test_wer_is_pooled_and_not_the_mean_of_utterances() -> None:
    assert wer(["a b c d e f g h i", "x"], ["a b c d e f g h i", "y"]) == pytest.approx(1 / 10)


def test_wer_can_exceed_1_and_is_1_when_nothing_was_heard() -> None:
    assert wer(["one"], ["two three four"]) == 3
    assert wer(["one two", "three"], ["", ""]) == 1


def test_white_space_parts_words_and_case_counts() -> None:
    assert wer(["one  two\n"], ["one two"]) == 0
    assert wer(["One two"], ["one two"]) == 0.5


def test_cer_counts_characters() -> None:
    assert cer(["kitten"], ["sitting"]) == pytest.approx(3 / 6)
    assert cer(["a b"], ["ab"]) == pytest.approx(1 / 3)


def test_without_words_the_rate_cannot_be_told() -> None:
    assert np.isnan(wer([], []))
    assert np.isnan(wer([" "], ["something"]))
    assert np.isnan(cer([""], ["x"]))
