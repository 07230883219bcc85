"""How do rows become a State, and how is it found again? From one verb to the next it is a file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from model_monitor import store
from model_monitor.core.monitor import Monitor
from model_monitor.core.observed import Counting, Observed
from model_monitor.core.states import load
from model_monitor.engines import local
from model_monitor.errors import DataError, StoreError
from model_monitor.jobs.partitions import check_rejected, found
from model_monitor.results.documents import Document, decode
from model_monitor.rows.select import Selection
from model_monitor.rows.sources.datasets import Dataset


def observe_dataset(
    monitor: Monitor[Any], dataset: Dataset, selection: Selection, max_rejected: float
) -> tuple[Observed, Document]:
    """The State of a dataset's rows, and what was set aside. Raises DataError beyond a share of unreadable ones."""
    observed = observe(monitor, dataset.pieces(), dataset.rows, selection)
    return observed, read(dataset, observed.rows, max_rejected)


def read_through(dataset: Dataset, max_rejected: float) -> Document:
    """What is in a dataset, before some of its rows are explained. Raises DataError as ``observe_dataset`` does."""
    rows = sum(batch.num_rows for piece in dataset.pieces() for batch in dataset.rows(piece))
    return read(dataset, rows, max_rejected)


def read(dataset: Dataset, rows: int, max_rejected: float) -> Document:
    """What was found in a dataset that was read once, and had so many rows. Raises DataError."""
    summary = dataset.summary
    summary.rows, summary.records = rows, rows + summary.rejected
    collected = found({"": summary})
    check_rejected(collected, max_rejected)
    return collected


def observe(
    monitor: Monitor[Any], pieces: Iterable[Any], rows: Callable[[Any], Iterable[Any]], selection: Selection
) -> Observed:
    """The State of what is selected of some pieces, and how many rows that were."""
    return local.fold(Counting(monitor), pieces, lambda piece: selection.of(rows(piece)))


def state_at(address: str, monitor: Monitor[Any], digest: str | None = None) -> Observed:
    """A saved State, of a digest (SHA-256) if one is given.

    Raises DataError if it is not there or not of this monitor, StoreError if it has another digest.
    """
    try:
        content = store.read(address)
        observed = load(content, Observed(0, monitor.empty))
    except FileNotFoundError as error:
        raise DataError(f"there is no {address}; run the task before this one first") from error
    except ValueError as error:
        raise DataError(
            f"{address} is not a State of this monitor: {error}; run the task before this one again"
        ) from error
    if digest and hashlib.sha256(content).hexdigest() != digest:
        raise StoreError(f"{address} was computed again at this moment; the next try reads the new one")
    return observed


def document_of(address: str) -> Document:
    """A JSON file that another verb wrote. Raises DataError if it is not there."""
    try:
        return decode(store.read(address), address)
    except FileNotFoundError as error:
        raise DataError(f"there is no {address}; run the task before this one first") from error
