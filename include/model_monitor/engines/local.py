"""Observe on the cores of one process, within bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from itertools import chain
from operator import add
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from model_monitor.core.hashing import among
from model_monitor.core.monitor import Observer, S
from model_monitor.engines.engine import Found, Wanted
from model_monitor.store.ahead import Threads

T = TypeVar("T")
B = TypeVar("B")
R = TypeVar("R")


class Local(Threads):
    """The engine of one process: as many threads as it has cores, or as ``workers`` says."""

    def blocks(
        self, read: Callable[[Sequence[T]], Iterable[B]], groups: Iterable[Sequence[T]], work: Callable[[B], R]
    ) -> Iterator[R]:
        return self.each(work, chain.from_iterable(map(read, groups)))

    def fold(self, monitor: Observer[S], pieces: Iterable[T], rows: Callable[[T], Iterable[Any]]) -> S:
        """Batches are observed on threads, those of one piece too; States are added in the order of the batches: the
        same pieces give the same State, bit for bit, on any number of cores."""
        batches = chain.from_iterable(map(rows, pieces))
        return reduce(add, self.each(monitor.observe, batches), monitor.empty)

    def matching(
        self,
        read: Callable[[Sequence[T], Wanted], Iterable[Found]],
        groups: Sequence[Sequence[T]],
        keys: Callable[[str], np.ndarray],
        addresses: Sequence[str],
        form: pa.Schema,
    ) -> Iterator[Found]:
        own = np.sort(np.concatenate([np.empty(0, np.uint64), *map(keys, addresses)]))
        return chain.from_iterable(read(group, lambda ids: among(ids, own)) for group in groups)


LOCAL = Local()
