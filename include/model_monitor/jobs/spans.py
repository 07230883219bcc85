"""What were a schedule's rows like over any span of time? The sum of its windows' States; no row is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add

from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.observed import Observed
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError
from model_monitor.jobs.past_windows import observed_executions, past_of
from model_monitor.store.ahead import AT_ONCE, ahead
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.replay import Past
from model_monitor.verdicts.trailing import Days, Part, Trailing, trailing
from model_monitor.verdicts.verdict import Verdict, judge
from model_monitor.verdicts.versions import Version, names_of

MOST = 1000  # windows of a span that a person looks at,
MOST_SUMMED = 10_000  # and of one that is judged with a window


@dataclass(frozen=True)
class Total:
    """The rows of some windows as one State; ``windows`` are those that it is the sum of, oldest first."""

    windows: tuple[Window, ...]
    observed: Observed

    def __add__(self, other: Total) -> Total:
        return Total((*self.windows, *other.windows), self.observed + other.observed)


def states_within(assignment: Assignment, span: Window, most: int = MOST) -> list[Past]:
    """The States of the last windows that lie whole in a span and do not overlap, oldest first."""
    found = ahead(past_of, apart(executions_within(assignment, span), most), AT_ONCE)
    return list(filter(None, found))[::-1]


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


def trailing_spans(execution: Execution, observed: Observed) -> list[Trailing]:
    """The spans that a schedule judges with a window: of the States of earlier windows that there are now."""
    also, window = execution.schedule.also, execution.window
    if not also or not observed.rows or window.end - max(also) >= window.start:
        return []
    past = states_within(execution.past, Window(window.end - max(also), window.start), MOST_SUMMED)
    earlier: list[Part] = [(before, state) for before, state, _ in past][::-1]
    days: Days = {}
    return [trailing(length, window, observed, earlier, days) for length in also]


def total_of(assignment: Assignment, states: Iterable[Past]) -> Total:
    """The sum of some windows' States, in their order."""
    nothing = Total((), Observed(0, assignment.monitor.empty))
    return reduce(add, (Total((window,), observed) for window, observed, _ in states), nothing)


def judge_total(assignment: Assignment, total: Total, version: str | None = None) -> Verdict:
    """The verdict on a span's rows as on one window, by the baseline in force or a version of it. Raises ConfigError,
    DataError."""
    return judge(assignment.monitor, baseline_of(assignment, version), total.observed)


def baseline_of(assignment: Assignment, version: str | None = None) -> Baseline:
    """The baseline in force, or a version of it. Raises ConfigError if there is no such version, DataError."""
    if version is None:
        return Baseline.of(assignment)
    if not has_version(assignment, version):
        raise ConfigError(f"'{assignment.schedule.name}' has no baseline of this version")
    return Version.read(assignment, version).baseline(assignment)


def has_version(assignment: Assignment, name: str) -> bool:
    """Whether a text is the name of a version of a schedule's baseline."""
    return name in names_of(assignment)
