"""Observe a window's rows, or a dataset's: rows become a State."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from model_monitor import store
from model_monitor.config.execution import Execution, Observation
from model_monitor.core.monitor import Monitor
from model_monitor.core.observed import Counting, Observed
from model_monitor.core.states import dump, load
from model_monitor.core.window import moment
from model_monitor.engines import local
from model_monitor.errors import DataError, StoreError
from model_monitor.jobs.collect_window import are_current, collect_window, collected_of
from model_monitor.jobs.merge_ground_truth import merge_ground_truth
from model_monitor.jobs.reporting import reported
from model_monitor.results.handover import Collected, Evidence, Explained, Merged
from model_monitor.rows.select import Selection
from model_monitor.rows.sources.datasets import Dataset, row_group, row_groups_of
from model_monitor.verdicts.baseline import Baseline

if TYPE_CHECKING:
    import pyarrow as pa


def compute_metrics(execution: Execution) -> str:
    """The State of a window's rows; its address. Raises StoreError if the rows change while they are read."""
    evidence = evidence_of(execution)
    if not are_current(evidence.partitions):
        rebuild(execution, evidence)
        evidence = evidence_of(execution)
    with reported(execution):
        selection = selection_of(execution)
        pieces = row_groups_of(evidence.partitions)
        observed = observe(execution.monitor, pieces, lambda piece: row_group(*piece), selection)
    if not are_current(evidence.partitions):
        raise StoreError(
            f"the rows of {execution.window} were rebuilt while being read; the retry will read the new ones"
        )
    return save(execution.observation, observed, evidence)


def evidence_of(execution: Execution) -> Evidence:
    """What the tasks before this one left."""
    files, schedule = execution.observation, execution.schedule
    return Evidence(
        collected=Collected.read(files.collected),
        merged=Merged.read(files.merged) if schedule.ground_truth else None,
        explained=Explained.read(files.explained) if schedule.explain else None,
    )


def rebuild(execution: Execution, evidence: Evidence) -> None:
    """Make the rows again that another run replaced."""
    if evidence.explained:
        raise StoreError(
            f"the explained rows of {execution.window} were rebuilt by another run; the retry will read the new ones"
        )
    if evidence.merged:
        until = evidence.merged.until
        merge_ground_truth(execution, moment(until) if until else None)
    else:
        collect_window(execution)


def selection_of(execution: Execution) -> Selection:
    """The rows and columns of a window that its schedule judges, under the baseline's names."""
    names, by_position = Baseline.of(execution).column_names(execution.monitor)
    exclude = execution.endpoint.columns.exclude
    return Selection(execution.window, execution.schedule.sampling, exclude, names, by_position)


def observe_dataset(monitor: Monitor[Any], dataset: Dataset, selection: Selection) -> tuple[Observed, Collected]:
    """The State of a dataset's rows, and what was read of it."""
    observed = observe(monitor, dataset.pieces(), dataset.rows, selection)
    return observed, read_of(dataset, observed.rows)


def read_through(dataset: Dataset) -> Collected:
    """What is in a dataset, before some of its rows are explained."""
    return read_of(dataset, sum(batch.num_rows for piece in dataset.pieces() for batch in dataset.rows(piece)))


def read_of(dataset: Dataset, rows: int) -> Collected:
    """What was read of a dataset that was read once, and had so many rows."""
    summary = dataset.summary
    summary.rows, summary.records = rows, rows + summary.rejected
    return collected_of({"": summary})


def observe(
    monitor: Monitor[Any],
    pieces: Iterable[Any],
    rows: Callable[[Any], Iterable[pa.RecordBatch]],
    selection: Selection,
) -> Observed:
    """The State of the selected rows of some pieces, and how many rows that were."""
    return local.fold(Counting(monitor), pieces, lambda piece: selection.of(rows(piece)))


def save(files: Observation, observed: Observed, evidence: Evidence) -> str:
    """Write a State and what it was made from; the State's address."""
    content = dump(observed)
    digest = hashlib.sha256(content).hexdigest()
    Evidence(collected=evidence.collected, merged=evidence.merged, explained=evidence.explained, state=digest).write(
        files.evidence
    )
    return store.write(files.state, content)


def load_state(address: str, monitor: Monitor[Any], digest: str | None = None) -> Observed:
    """A saved State; with ``digest``, its SHA-256, only that one.

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
        raise StoreError(f"{address} was computed again in this moment; the retry will read the new one")
    return observed
