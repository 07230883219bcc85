"""How does one process use all its cores, within bounded memory?"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import reduce
from operator import add
from typing import Any, TypeVar

from model_monitor.core.monitor import Observer, S

T = TypeVar("T")
R = TypeVar("R")

CORES = max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def ahead(work: Callable[[T], R], items: Iterable[T], workers: int = CORES) -> Iterator[R]:
    """Results in the order of the items, worked on by threads; at most ``workers`` + 1 are under way or waiting."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def fold(monitor: Observer[S], pieces: Iterable[T], rows: Callable[[T], Iterable[Any]]) -> S:
    """The State of all rows of all pieces, e.g. of row groups of files; ``rows`` reads a piece as batches.

    Reading and observing runs on threads, adding is done in the order of the pieces: the same pieces give the same
    State, bit for bit, on any number of cores.
    """
    observed = ahead(lambda piece: list(map(monitor.observe, rows(piece))), pieces)
    return reduce(add, (state for states in observed for state in states), monitor.empty)
