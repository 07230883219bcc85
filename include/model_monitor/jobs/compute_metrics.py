"""Observe a window's rows, or a dataset's: rows become a State."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from model_monitor import store
from model_monitor.config.execution import Assignment, Execution, Observation
from model_monitor.core.batch import columns
from model_monitor.core.monitor import Monitor
from model_monitor.core.observed import Counting, Observed
from model_monitor.core.states import dump, load
from model_monitor.core.window import EVER, Window, moment
from model_monitor.engines.engine import Engine
from model_monitor.engines.local import LOCAL
from model_monitor.errors import DataError, StoreError, printable
from model_monitor.jobs.collect_window import are_current, check_rejected, collect_window, collected_of
from model_monitor.jobs.engines import engine_of
from model_monitor.jobs.explain_window import explained_dataset
from model_monitor.jobs.late_labels import reported
from model_monitor.jobs.logged import say
from model_monitor.jobs.merge_ground_truth import merge_ground_truth
from model_monitor.monitors.columns import observe as observe_column
from model_monitor.monitors.expectations import Joined
from model_monitor.monitors.expectations.joined import Both
from model_monitor.results.execution import counted
from model_monitor.results.handover import Collected, Evidence, Explained, Merged
from model_monitor.results.sealed import digest_of
from model_monitor.rows.select import Selection
from model_monitor.rows.sources.datasets import Dataset
from model_monitor.rows.sources.row_groups import row_group, row_groups_of
from model_monitor.verdicts.baseline import Baseline

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

NOTHING = Collected()


def compute_metrics(execution: Execution) -> str:
    """The State of a window's rows; its address. Raises StoreError if the rows change while they are read."""
    evidence = evidence_of(execution)
    if not are_current(evidence.partitions):
        rebuild(execution, evidence)
        evidence = evidence_of(execution)
    with reported(execution):
        observed = observe_window(execution, evidence)
    window = None if execution.window == EVER else execution.window
    observed = kept(execution.monitor, watched(execution.monitor, observed, evidence, window))
    if not are_current(evidence.partitions):
        raise StoreError(f"the rows of {execution.window} were rebuilt while being read; the retry reads the new ones")
    state = save(execution.observation, observed, evidence)
    say(f"{execution.window}: {counted(observed.rows, 'row')} observed", f"State: {state}")
    return state


def observe_window(execution: Execution, evidence: Evidence) -> Observed:
    """The State of a window's rows. Where these are explanations, expectations judge the rows that were explained."""
    monitor, selection = execution.monitor, selection_of(execution, evidence.collected)
    engine = engine_of(execution)
    if not (evidence.explained and isinstance(monitor, Joined)):
        return observe_rows(monitor, evidence.partitions, selection, engine)
    own = observe_rows(monitor.own, evidence.partitions, selection, engine)
    rules = observe_rows(monitor.rules, evidence.collected.partitions, replace(selection, names=()), engine)
    return Observed(own.rows, Both(own.state, rules.state))


def kept(monitor: Monitor[Any], observed: Observed) -> Observed:
    """What is stored of the State of a window, or of a baseline."""
    return replace(observed, state=monitor.kept(observed.state))


def watched(monitor: Monitor[Any], observed: Observed, evidence: Evidence, window: Window | None = None) -> Observed:
    """With what is known beside the rows, for a monitor that judges silence; ``window`` is None of a dataset."""
    if not monitor.traits.judges_silence:
        return observed
    collected = evidence.collected
    return observed + Observed(0, monitor.watch(window, collected.records, collected.rejected))


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
        raise StoreError(f"the explained rows of {execution.window} were rebuilt by another run; the retry reads them")
    if evidence.merged:
        until = evidence.merged.until
        merge_ground_truth(execution, moment(until) if until else None)
    else:
        collect_window(execution)


def selection_of(execution: Execution, collected: Collected = NOTHING) -> Selection:
    """The rows and columns of a window that its schedule judges, under the baseline's names."""
    names, by_position = Baseline.of(execution).column_names(execution.monitor)
    declared = execution.endpoint.columns
    outputs, inputs = [max(0, width) for width in collected.shape] or (0, 0)
    first = inputs if declared.outputs_last else 0
    return Selection(
        execution.window,
        execution.schedule.sampling,
        declared.exclude,
        names,
        by_position,
        range(first, first + outputs),
        outputs + inputs,
    )


def observe_dataset(
    assignment: Assignment,
    monitor: Monitor[Any],
    dataset: Dataset,
    selection: Selection,
    headers: Mapping[str, str] | None = None,
) -> tuple[Observed, Evidence]:
    """The State of a dataset's rows, or of explanations of a sample of them, and what was read. Raises DataError."""
    schedule, engine = assignment.schedule, engine_of(assignment)
    if not schedule.explain:
        observed = observe(monitor, dataset.pieces(), dataset.rows, selection, engine)
        evidence = Evidence(collected=read_of(dataset, observed.rows, schedule.max_rejected, selection))
        return watched(monitor, observed, evidence), evidence
    rows = sum(batch.num_rows for batch in dataset.batches())
    collected = read_of(dataset, rows, schedule.max_rejected, selection)
    explained = explained_dataset(assignment, dataset.unread(), headers)
    if not isinstance(monitor, Joined):
        observed = observe_rows(monitor, [explained], selection, engine)
    else:
        own = observe_rows(monitor.own, [explained], selection, engine)
        plain = dataset.unread()
        rules = observe(monitor.rules, plain.pieces(), plain.rows, replace(selection, names=()), engine)
        observed = Observed(own.rows, Both(own.state, rules.state))
    return observed, Evidence(collected=collected, explained=Explained(rows=observed.rows, of=collected.rows))


def read_of(dataset: Dataset, rows: int, max_rejected: float, selection: Selection) -> Collected:
    """What was read of a dataset that was read once, and had so many rows. Raises DataError."""
    for notice in dataset.notices:
        log.warning("%s", printable(notice))
    summary = dataset.summary
    summary.rows, summary.records = rows, rows + summary.rejected
    collected = collected_of({"": summary})
    check_rejected(collected, max_rejected)
    first = next(selection.of(dataset.unread().batches()), None)
    return msgspec.structs.replace(collected, columns={} if first is None else types_of(first))


def types_of(batch: pa.RecordBatch) -> dict[str, str]:
    """The judged columns of some rows, each with the type of most of its values."""
    return {name: observe_column(batch.column(name), as_written=False).prevailing_type for name in columns(batch)}


def observe(
    monitor: Monitor[Any],
    pieces: Iterable[Any],
    rows: Callable[[Any], Iterable[pa.RecordBatch]],
    selection: Selection,
    engine: Engine = LOCAL,
) -> Observed:
    """The State of the selected rows of some pieces, and how many rows that were."""
    return engine.fold(Counting(monitor), pieces, lambda piece: selection.of(rows(piece)))


def observe_rows(
    monitor: Monitor[Any], addresses: Iterable[str], selection: Selection, engine: Engine = LOCAL
) -> Observed:
    """The same of some files of collected rows."""
    return observe(monitor, row_groups_of(addresses), lambda piece: row_group(*piece), selection, engine)


def save(files: Observation, observed: Observed, evidence: Evidence) -> str:
    """Write a State and what it was made from; the State's address."""
    content = dump(observed)
    msgspec.structs.replace(evidence, state=digest_of(content)).write(files.evidence)
    return store.write(files.state, content)


def load_state(address: str, monitor: Monitor[Any], digest: str | None = None) -> Observed:
    """A saved State; with ``digest``, its SHA-256, only that one. Raises DataError, StoreError."""
    try:
        content = store.read(address)
        observed = load(content, Observed(0, monitor.empty))
    except FileNotFoundError as error:
        raise DataError(f"there is no {address}; run the task before this one first") from error
    except ValueError as error:
        raise DataError(f"{address} is no State of this monitor: {error}; run the task before again") from error
    if digest and digest_of(content) != digest:
        raise StoreError(f"{address} was computed again in this moment; the retry will read the new one")
    return observed
