"""Judge past windows again, by other settings or another baseline. Nothing is written, and no row is read."""

from __future__ import annotations

from datetime import timedelta

from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import EVER, Window
from model_monitor.jobs.earlier_windows import all_odds, side_of
from model_monitor.jobs.past_windows import executions_within, observed_executions, past_of
from model_monitor.jobs.spans import baseline_of
from model_monitor.store.ahead import AT_ONCE, ahead
from model_monitor.verdicts.recalled import Recalled, Side
from model_monitor.verdicts.replay import Known, Replay, replay

WINDOWS = 30  # where no span is named


def replay_windows(now: Assignment, then: Assignment, span: Window | None = None, version: str | None = None) -> Replay:
    """How the windows in a span, newest first, are judged by a schedule as it is ``now`` and as it would be ``then``,
    by a ``version`` of the baseline or the one in force; without a span, the last windows. Raises ConfigError,
    DataError."""
    return judged_twice(now, side_of(now, baseline_of(now)), side_of(then, baseline_of(then, version)), span)


def judged_twice(
    assignment: Assignment, before: Side, after: Side, span: Window | None = None, last: int = WINDOWS
) -> Replay:
    """The windows in a span, newest first, judged in two ways; without a span, the ``last`` ones."""
    recalled = Recalled(all_odds(assignment))
    needs_states = bool(before.also or after.also or assignment.schedule.expectations)

    def needed(execution: Execution) -> Known:
        odds = recalled.by_window.get(execution.window)
        if odds is None or needs_states or not (before.knows(odds) and after.knows(odds)):
            return past_of(execution)
        return odds

    if not span:
        return replay(before, after, ahead(needed, observed_executions(assignment), AT_ONCE), last, recalled)
    count = sum(1 for _ in executions_within(assignment, span))
    longest = max((*before.also, *after.also), default=timedelta(0))
    wider = Window(max(span.start, EVER.start + longest) - longest, span.end)
    return replay(before, after, ahead(needed, executions_within(assignment, wider), AT_ONCE), count, recalled)
