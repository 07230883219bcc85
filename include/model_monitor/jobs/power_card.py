"""What does a schedule see at its usual window size, and with day sums? No row is read, and nothing is written."""

from __future__ import annotations

from statistics import median

from model_monitor.config.execution import Assignment
from model_monitor.core.window import DAY, HOUR
from model_monitor.errors import ConfigError
from model_monitor.jobs.earlier_windows import earlier_windows
from model_monitor.jobs.past_windows import past_windows
from model_monitor.jobs.spans import baseline_of
from model_monitor.verdicts.earlier import NOTHING
from model_monitor.verdicts.power import Card, card_of
from model_monitor.verdicts.power_words import rows_of
from model_monitor.verdicts.verdict import Judge

__all__ = ["power_card", "rows_of"]

WINDOWS = 24  # whose median size is the usual one
MEASURES = 200  # of a card


def power_card(
    assignment: Assignment, rows: int | None = None, most: int = MEASURES, version: str | None = None
) -> Card:
    """The card of a schedule's baseline in force, or of a version of it, for windows of so many ``rows``: without, the
    usual number. Raises ConfigError, also if there is no baseline, or no window yet."""
    baseline = baseline_of(assignment, version)
    if not baseline.exists:
        raise ConfigError("there is no baseline yet to judge by")
    past = list(past_windows(assignment, WINDOWS))
    sizes = [observed.rows for _, observed, _ in past if observed.rows]
    if rows is None and not sizes:
        raise ConfigError("no past window tells how many rows are usual; give --rows")
    rows = rows or round(median(sizes))
    length = past[0][0].length if past else assignment.schedule.length or HOUR
    earlier = earlier_windows(assignment.on(past[0][0]), baseline) if past else NOTHING
    also, twice = assignment.schedule.also, earlier.judges_twice
    own = Judge.of(assignment.monitor, baseline, also, twice)
    day = Judge.of(assignment.monitor, baseline, also if DAY in also else (DAY,), twice).also[DAY]
    day_rows = round(rows * (DAY / length)) if length < DAY else None
    return card_of(own.learned, day.learned, rows, day_rows, most, earlier.noise, earlier.over(DAY))
