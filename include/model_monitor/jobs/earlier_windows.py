"""What do the windows before one say of it? Read from what was found of them, and from their States; no row is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from model_monitor import store
from model_monitor.config.endpoint import Schedule
from model_monitor.config.execution import ODDS, Assignment, Execution, hour_path
from model_monitor.core.constraints import Finding
from model_monitor.core.window import Window, moment
from model_monitor.jobs.marks import marks_of
from model_monitor.jobs.past_windows import MOST_SUMMED, in_time, past_of, states_within
from model_monitor.results.documents.protocol import Document, encode
from model_monitor.results.marks import Marks
from model_monitor.results.odds import Odds
from model_monitor.results.past_windows import learned
from model_monitor.results.sealed import digest_of
from model_monitor.store.ahead import AT_ONCE, ahead
from model_monitor.store.folders import folder_at
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.earlier import BY_ROWS, NOTHING, Earlier, Learning, apart, earlier_of
from model_monitor.verdicts.noise import FEWEST, MOST
from model_monitor.verdicts.recalled import Side
from model_monitor.verdicts.trailing import Part
from model_monitor.verdicts.versions import names_of

LINES = ("false_alarm_budget", "effect_threshold")  # options that only say from where on a difference counts
READ = 4 * MOST  # files that are looked through for windows of one version of the baseline


def earlier_windows(execution: Execution, baseline: Baseline) -> Earlier:
    """What a schedule's earlier windows say of one of its own: nothing of a window that its timetable does not have."""
    schedule = execution.schedule
    if not schedule.learns_from_windows or not execution.is_scheduled:
        return NOTHING
    return earlier_of(execution.window, learning_of(schedule), Stored(execution, baseline))


def learned_from(execution: Execution, earlier: Earlier, findings: Iterable[Finding]) -> Document:
    """How many past windows tell what chance does, as ``execution.json`` says it; empty where none are asked."""
    weighs = execution.is_scheduled and learning_of(execution.schedule).weighs_history
    if not weighs or all(finding.z is None for finding in findings):
        return {}
    return learned(earlier.noise.most, FEWEST, earlier.noise.is_required)


def learning_of(schedule: Schedule) -> Learning:
    """What a schedule learns from its windows."""
    if not schedule.learns_from_windows:
        return BY_ROWS
    return Learning(schedule.noise, schedule.reference, schedule.trailing, schedule.also)


def side_of(assignment: Assignment, baseline: Baseline) -> Side:
    """How a schedule judges by a baseline."""
    schedule = assignment.schedule
    return Side(assignment.monitor, baseline, schedule.also, learning_of(schedule), comparing(schedule))


def comparing(schedule: Schedule) -> str:
    """A digest of what decides what is compared, and how: all but where a verdict draws the line."""
    options = {name: value for name, value in schedule.options.items() if name not in LINES}
    return digest_of(encode({"options": options, "segments": schedule.segments}))


def all_odds(assignment: Assignment) -> list[Odds]:
    """Of all the windows that a schedule has itself, oldest first."""
    return list(odds_at(assignment, in_time(folder_at(assignment.all_odds), ODDS), marks_of(assignment)))


def odds_at(assignment: Assignment, paths: Iterable[str], marks: Marks) -> Iterator[Odds]:
    """The odds of the windows that the schedule has itself, as far as they can be read."""
    own = (store.join(assignment.all_odds, path) for path in paths if "/since-" not in path)
    return map(marks.on, filter(None, ahead(Odds.readable, own, AT_ONCE)))


@dataclass(frozen=True)
class Stored:
    """The windows before an execution's, as the store has them."""

    execution: Execution
    baseline: Baseline

    @cached_property
    def marks(self) -> Marks:
        return marks_of(self.execution.past)

    def first(self) -> Iterator[Odds]:
        assignment, window, learned = self.execution.past, self.execution.window, self.baseline.learned
        start = moment(learned) if learned else None
        if start and (start >= window.start or len(names_of(assignment)) < 2):
            start = None  # windows before its first baseline was learned are judged by it as well
        later = self.odds(hour_path(start) if start else None, is_rising=True)
        return apart((odds for odds in later if odds.by == self.baseline.identity), window)

    def last(self) -> Iterator[Odds]:
        return apart(self.odds(None, is_rising=False), self.execution.window)

    def odds(self, first: str | None, is_rising: bool) -> Iterator[Odds]:
        """From an hour's folder on."""
        folder = folder_at(self.execution.past.all_odds)
        paths = in_time(folder, ODDS, first, hour_path(self.execution.tick), is_rising=is_rising)
        return odds_at(self.execution.past, islice(paths, READ), self.marks)

    def found(self, windows: Sequence[Window]) -> list[Odds | None]:
        """Of these windows, as far as they were judged by the same baseline and are not called bad."""
        every = ahead(Odds.readable, (self.execution.past.on(window).odds for window in windows), AT_ONCE)
        return [
            odds if odds and odds.by == self.baseline.identity and not self.marks.is_bad(odds.of_window) else None
            for odds in every
        ]

    def at(self, windows: Sequence[Window]) -> Iterable[Part]:
        healthy = (window for window in windows if not self.marks.is_bad(window))
        states = filter(None, ahead(past_of, map(self.execution.past.on, healthy), AT_ONCE))
        return [
            (window, observed)
            for window, observed, labels in states
            if observed.rows and not (labels and labels.is_pending)
        ]

    def within(self, span: Window) -> Iterable[Part]:
        states = states_within(self.execution.past, span, MOST_SUMMED)
        return [(window, observed) for window, observed, _ in states if not self.marks.is_bad(window)]

    def stood_out(self, window: Window) -> bool:
        odds = Odds.readable(self.execution.past.on(window).odds)
        return odds is not None and self.marks.on(odds).stand_out
