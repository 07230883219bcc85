"""Run blocking work ahead of its consumer, in order, on a bounded number of threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")

CORES = max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
AT_ONCE = 8  # threads for requests to a store; most of the time is waiting for it


def ahead(work: Callable[[T], R], items: Iterable[T], workers: int = CORES) -> Iterator[R]:
    """Results in the order of the items, from threads; at most ``workers`` + 1 are in progress or waiting.

    Whoever takes no more of them waits for nothing: the garbage collector may end the generator in a thread that just
    starts, and holds what the end of another thread needs.
    """
    pool, waiting, is_left = ThreadPoolExecutor(workers), deque[Future[R]](), False
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except GeneratorExit:
        is_left = True
        raise
    finally:
        pool.shutdown(wait=not is_left, cancel_futures=True)


class Loop(Protocol):
    """Something that does work on items: threads of this process, or other machines."""

    is_remote: bool  # whether work is done elsewhere, where items should be addresses and not what they hold

    def each(self, work: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
        """Results in the order of the items."""
        ...


class Threads(Loop):
    """Does work on a number of threads of this process."""

    def __init__(self, workers: int = CORES) -> None:
        self.workers = workers
        self.is_remote = False

    def each(self, work: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
        return ahead(work, items, self.workers)


HERE = Threads()
