"""Observe on the cores of one process, within bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from operator import add
from typing import Any, TypeVar

from model_monitor.core.monitor import Observer, S
from model_monitor.store.ahead import ahead

T = TypeVar("T")


def fold(monitor: Observer[S], pieces: Iterable[T], rows: Callable[[T], Iterable[Any]]) -> S:
    """The State of all rows of all pieces, e.g. of row groups of files; ``rows`` reads a piece as batches.

    Batches are observed on threads, those of one piece too; States are added in the order of the batches: the same
    pieces give the same State, bit for bit, on any number of cores.
    """
    batches = (batch for piece in pieces for batch in rows(piece))
    return reduce(add, ahead(monitor.observe, batches), monitor.empty)
