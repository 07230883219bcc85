"""What were a schedule's rows like over any span of time? The sum of its windows' States; no row is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.observed import Observed
from model_monitor.core.states import total
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError
from model_monitor.jobs.past_windows import MOST_SUMMED, states_within
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.replay import Past
from model_monitor.verdicts.trailing import Days, Part, Trailing, trailing
from model_monitor.verdicts.verdict import Verdict, judge
from model_monitor.verdicts.versions import Version, names_of


@dataclass(frozen=True)
class Total:
    """The rows of some windows as one State; ``windows`` are those that it is the sum of, oldest first."""

    windows: tuple[Window, ...]
    observed: Observed


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
    parts = list(states)
    nothing = Observed(0, assignment.monitor.empty)
    return Total(tuple(window for window, _, _ in parts), total([nothing, *(observed for _, observed, _ in parts)]))


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
