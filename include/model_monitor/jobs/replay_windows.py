"""Judge past windows again, by other settings or another baseline. Nothing is written, and no row is read."""

from __future__ import annotations

from itertools import islice

from model_monitor.config.execution import Assignment
from model_monitor.core.window import Window
from model_monitor.jobs.past_windows import observed_executions, past_of
from model_monitor.jobs.spans import baseline_of, executions_within
from model_monitor.store.ahead import AT_ONCE, ahead
from model_monitor.verdicts.replay import Replay, replay
from model_monitor.verdicts.verdict import Judge

WINDOWS = 30  # where no span is named


def replay_windows(now: Assignment, then: Assignment, span: Window | None = None, version: str | None = None) -> Replay:
    """How the windows in a span, newest first, are judged by a schedule as it is ``now`` and as it would be ``then``,
    by a ``version`` of the baseline or the one in force; without a span, the last windows. Raises ConfigError,
    DataError."""
    before = Judge.of(now.monitor, baseline_of(now))
    after = Judge.of(then.monitor, baseline_of(then, version))
    found = executions_within(now, span) if span else islice(observed_executions(now), WINDOWS)
    return replay(before, after, ahead(past_of, found, AT_ONCE))
