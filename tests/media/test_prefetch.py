"""Decoding ahead: same values, same errors, no thread left behind."""

from __future__ import annotations

import threading
import time

import pytest

from mien.media.prefetch import ahead


def test_same_values_in_the_same_order() -> None:
    assert list(ahead(iter(range(100)), depth=3)) == list(range(100))


def test_values_are_made_while_the_reader_works_but_not_too_many() -> None:
    made: list[int] = []

    def slow():
        for k in range(20):
            made.append(k)
            yield k

    reader = ahead(slow(), depth=2)
    next(reader)
    time.sleep(0.1)
    assert 2 <= len(made) <= 4
    reader.close()


def test_an_error_comes_after_the_values_before_it() -> None:
    def broken():
        yield 1
        yield 2
        raise OSError("the disk went away")

    seen: list[int] = []
    with pytest.raises(OSError, match="the disk went away"):
        seen.extend(ahead(broken()))
    assert seen == [1, 2]


def test_stopping_early_closes_the_source_and_ends_the_thread() -> None:
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    before = threading.active_count()
    for k, _ in enumerate(ahead(endless())):
        if k == 5:
            break
    assert closed.wait(2)
    deadline = time.monotonic() + 2
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before
