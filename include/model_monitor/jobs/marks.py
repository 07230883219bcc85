"""Say of windows that they are bad, or healthy: whether later windows are measured by them. No verdict changes."""

from __future__ import annotations

from collections.abc import Sequence

from model_monitor.config.endpoint import Endpoint
from model_monitor.config.execution import Assignment
from model_monitor.core.window import Window, iso
from model_monitor.errors import ConfigError
from model_monitor.jobs.people import Act, acts_of, keep
from model_monitor.results.marks import Mark, Marks

MARK = "mark"


def mark_windows(endpoint: Endpoint, schedules: Sequence[str], done: Mark, at: str) -> str:
    """Keep a mark of all windows of some schedules that have a part in its span; the address of its file. It counts for
    what is judged from then on. Raises ConfigError if none of the schedules learns from windows."""
    learning = [name for name in schedules if endpoint.schedule(name).learns_from_windows]
    if not learning:
        raise ConfigError(f"{', '.join(schedules)}: not judged beside past windows, so there is nothing to mark")
    act = Act(
        kind=MARK,
        at=at,
        by=done.by,
        why=done.why,
        says=done.says,
        schedules=tuple(learning),
        window_start=iso(done.span.start),
        window_end=iso(done.span.end),
    )
    return keep(endpoint, act)


def marks_of(assignment: Assignment) -> Marks:
    """What people said of a schedule's windows. Raises DataError if a file is damaged."""
    acts = [
        act for act in acts_of(assignment.endpoint) if act.kind == MARK and assignment.schedule.name in act.schedules
    ]
    return Marks([Mark(Window.of(act.window_start, act.window_end), act.says, act.by, act.why) for act in acts])
