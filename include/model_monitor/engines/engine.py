"""What every engine does: the loops over what there is to read, and nothing else.

What is done with a block, a piece or a row is the same function for all of them. It must not matter to the function
where it runs: it gets addresses and small values, and what it returns may travel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, Self, TypeVar

import numpy as np
import pyarrow as pa

from model_monitor.core.monitor import Observer, S
from model_monitor.store.ahead import Loop

T = TypeVar("T")
B = TypeVar("B")
R = TypeVar("R")

KEY = "key"  # the column of a key, a hash as int64

Wanted = Callable[[np.ndarray], np.ndarray]  # hashes of ids -> which of them matter


class Part(Protocol):
    """A part of what is found in files: rows with keys, and something beside them."""

    def rows(self) -> pa.Table:
        """The rows as columns, of which one is ``KEY``."""
        ...

    def without_rows(self) -> Self: ...

    def holding(self, rows: pa.Table) -> Self:
        """A part with nothing but rows, in any order."""
        ...


Found = TypeVar("Found", bound=Part)


class Engine(Loop, Protocol):
    """Runs loops. Results come in the order of the items, however many are in progress."""

    def blocks(
        self, read: Callable[[Sequence[T]], Iterable[B]], groups: Iterable[Sequence[T]], work: Callable[[B], R]
    ) -> Iterator[R]:
        """What work makes of each block that ``read`` finds in groups of files."""
        ...

    def fold(self, monitor: Observer[S], pieces: Iterable[T], rows: Callable[[T], Iterable[Any]]) -> S:
        """The State of all rows of all pieces, e.g. of row groups of files; ``rows`` reads a piece as batches."""
        ...

    def matching(
        self,
        read: Callable[[Sequence[T], Wanted], Iterable[Found]],
        groups: Sequence[Sequence[T]],
        keys: Callable[[str], np.ndarray],
        addresses: Sequence[str],
        form: pa.Schema,
    ) -> Iterator[Found]:
        """What ``read`` finds in groups of files. It wants ids whose hashes are among the ``keys`` of the files at some
        addresses. ``form``: of the rows of a part."""
        ...
