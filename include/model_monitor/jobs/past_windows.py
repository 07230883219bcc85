"""Which windows of a schedule were observed? Read from their States; no row is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from model_monitor import store
from model_monitor.config.execution import Assignment, Execution, hour_path
from model_monitor.core.window import Window
from model_monitor.errors import DataError, StoreError
from model_monitor.jobs.compute_metrics import load_state
from model_monitor.jobs.retention.trees import HOUR_OR_RUN, tick_in, window_start
from model_monitor.results.handover import Evidence
from model_monitor.store.ahead import AT_ONCE, ahead
from model_monitor.store.folders import Folder, folder_at
from model_monitor.verdicts.replay import Past

STATE = "state.mms"
MOST = 1000  # windows of a span that a person looks at,
MOST_SUMMED = 10_000  # and of one that is judged with a window


def past_windows(assignment: Assignment, count: int) -> Iterator[Past]:
    """The last windows with a State that can be read, newest first: of a schedule with ticks only its own windows."""
    found = 0
    for execution in observed_executions(assignment):
        if found == count:
            return
        if past := past_of(execution):
            found += 1
            yield past


def past_of(execution: Execution) -> Past | None:
    """A window with its State; None if that can't be read: deleted in this moment, of another version, or of other
    options."""
    files = execution.observation
    try:
        evidence = Evidence.read(files.evidence)
        observed = load_state(files.state, execution.monitor, evidence.state)
    except (DataError, StoreError):
        return None
    return execution.window, observed, evidence.labels


def observed_executions(assignment: Assignment, until: datetime | None = None) -> Iterator[Execution]:
    """The executions that have a State, newest first; with ``until`` only those whose tick is not later."""
    folder = folder_at(assignment.states)
    for path in in_time(folder, STATE, None, hour_path(until) if until else None, is_rising=False):
        match = HOUR_OR_RUN.fullmatch(path)
        if match is None or (match["since"] and assignment.schedule.timetable):
            continue
        try:
            start = window_start(assignment.schedule, match)
            execution = assignment.on(Window(start, tick_in(match) - assignment.schedule.lag))
        except (ValueError, OverflowError):
            continue
        if execution.observation.state == store.join(assignment.states, path):
            yield execution


def states_within(assignment: Assignment, span: Window, most: int = MOST) -> list[Past]:
    """The States of the last windows that lie whole in a span and do not overlap, oldest first."""
    states = ahead(past_of, apart(executions_within(assignment, span), most), AT_ONCE)
    return list(filter(None, states))[::-1]


def executions_within(assignment: Assignment, span: Window) -> Iterator[Execution]:
    """The executions with a State whose windows lie whole in a span, newest first."""
    for execution in observed_executions(assignment, span.end + assignment.schedule.lag):
        if execution.window.end <= span.start:
            return  # their ticks fall, and so do their ends
        if span.start <= execution.window.start and execution.window.end <= span.end:
            yield execution


def apart(executions: Iterable[Execution], most: int) -> Iterator[Execution]:
    """As many of the executions, newest first, as have no row in common: no row is to be counted twice."""
    taken: list[Window] = []
    for execution in executions:
        window = execution.window
        if len(taken) == most:
            return
        if not taken or window.end <= taken[-1].start:
            taken.append(window)
            yield execution


def in_time(
    folder: Folder, name: str, first: str | None = None, last: str | None = None, path: str = "", is_rising: bool = True
) -> Iterator[str]:
    """The files of a name below a folder of hours, oldest first (``is_rising``) or newest first, from one hour's folder
    to another's. Only what is asked for is listed."""
    entries = folder.inside(path)
    files = (entry.path for entry in entries if entry.path.endswith(f"/{name}"))
    if is_rising:
        yield from files  # minutes after the hour are later than it
    for entry in entries if is_rising else reversed(entries):
        is_later = last is not None and entry.path[: len(last)] > last[: len(entry.path)]
        is_earlier = first is not None and entry.path[: len(first)] < first[: len(entry.path)]
        if entry.kind == "folder" and not is_later and not is_earlier:
            yield from in_time(folder, name, first, last, entry.path, is_rising)
    if not is_rising:
        yield from files
