"""Decode ahead: a thread that keeps a few frames ready while the one before is looked at."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
_END = object()


def ahead(values: Iterable[T], depth: int = 4) -> Iterator[T]:
    """The same values in the same order, up to ``depth`` of them made ahead in another thread.

    An exception of ``values`` comes out here, after the values before it. When the reader stops early (break, Ctrl-C), the
    thread ends at its next value and ``values`` is closed in it.

    Args:
        values: an iterator that takes time; it is used by the other thread alone.
        depth: how many values wait at most, at least 1.

    Example:
        >>> list(ahead(iter(range(3))))
        [0, 1, 2]
    """
    waiting: queue.Queue[Any] = queue.Queue(maxsize=depth)
    stop = threading.Event()
    thread = threading.Thread(target=_fill, args=(values, waiting, stop), daemon=True)
    thread.start()
    try:
        while True:
            kind, value = waiting.get()
            if kind is _END:
                if value is not None:
                    raise value
                return
            yield value
    finally:
        stop.set()
        while thread.is_alive():  # make room, in case the thread waits for it
            try:
                waiting.get_nowait()
            except queue.Empty:
                thread.join(0.01)


def _fill(values: Iterable[Any], waiting: queue.Queue[Any], stop: threading.Event) -> None:
    error: BaseException | None = None
    try:
        for value in values:
            waiting.put((None, value))
            if stop.is_set():
                break
    except BaseException as caught:  # it belongs to the reader
        error = caught
    finally:
        close = getattr(values, "close", None)
        if close is not None:
            close()
        waiting.put((_END, error))
