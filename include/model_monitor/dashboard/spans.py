"""Spans of time that a person compares: what a query says, and what the States of a span hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from model_monitor.config.execution import Assignment
from model_monitor.core.constraints import Between, Constraint, Finding
from model_monitor.core.measures import Estimate, Measure, Measures, Share, Subject, Undefined
from model_monitor.core.window import Window, moment
from model_monitor.dashboard.courses import Point, stored
from model_monitor.dashboard.page import Shown
from model_monitor.errors import ConfigError
from model_monitor.history.rows import segment_text
from model_monitor.jobs import spans
from model_monitor.jobs.past_windows import past_windows, states_within
from model_monitor.results.measured import written

BASELINE, PREVIOUS = "baseline", "previous"


class Side(Shown):
    """One side of a comparison: a span of windows, or the baseline (``start`` is None)."""

    words: str
    start: datetime | None = None
    end: datetime | None = None
    windows: int = 0
    rows: int | None = None
    version: str | None = None


class Number(Shown):
    """A number on both sides, each with its 95 % interval; None where there is none."""

    metric: str
    before: float | None
    before_low: float | None
    before_high: float | None
    after: float | None
    after_low: float | None
    after_high: float | None
    outcome: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class SpanQuery:
    """What a query says of spans, as texts; "" for what it leaves out. The ends of a span count before ``window`` and
    ``compare``."""

    window: str
    since: str
    until: str
    compare: str
    compare_since: str
    compare_until: str


@dataclass(frozen=True)
class Spans:
    """What a person compares: a span, with another one, or with a baseline by name; None without a window. ``words``
    are for the next query."""

    span: Window | None
    base: Window | str | None
    words: str


def spans_of(query: SpanQuery, points: Sequence[Point], assignment: Assignment) -> Spans:
    """What a query asks for. Raises ConfigError."""
    other = span_of(query.compare_since, query.compare_until)
    own = span_of(query.since, query.until) or chosen_window(query.window, points, assignment)
    base = before(own, query.compare, other) if own else None
    return Spans(own, base, str(other) if other else query.compare)


def span_of(since: str, until: str) -> Window | None:
    """The span between two texts in ISO 8601, each a day or a time; None if both are empty. A day as the end is
    included. Raises ConfigError."""
    if not since and not until:
        return None
    try:
        end = moment(until)
        end += timedelta(days=1) if len(until) == len("2026-01-31") else timedelta()
        return Window(moment(since), end)
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"'{since:.40}' to '{until:.40}' is no span: write two days or times, the first one first, e.g. 2026-01-31"
        ) from error


def chosen_window(text: str, points: Sequence[Point], assignment: Assignment) -> Window | None:
    """The window that was asked for: by its start, or as START/END; without a text the newest violated one, or else the
    newest. None if there is none. Raises ConfigError."""
    if "/" in text:
        return span_of(*text.split("/", 1))
    if text:
        try:
            start = moment(text)
        except ValueError as error:
            raise ConfigError(f"'{text:.40}' is no time; write e.g. 2026-01-31T00:00:00Z") from error
        ends = [point.end for point in points if point.start == start]
        return Window(start, ends[0] if ends else start + (assignment.schedule.length or timedelta(days=1)))
    judged = [point for point in points if point.outcome == "violated"] or list(points)
    if judged:
        return Window(judged[-1].start, judged[-1].end)
    return next((window for window, *_ in past_windows(assignment, 1)), None)


def before(window: Window, compare: str, own: Window | None) -> Window | str:
    """What a window is compared with: a span, or the baseline, or a version of it, by name."""
    if own:
        return own
    if "/" in compare:
        span = span_of(*compare.split("/", 1))
        assert span
        return span
    if compare == PREVIOUS:
        return Window(window.start - window.length, window.start)
    return compare or BASELINE


def version_for(assignment: Assignment, compare: str, window: Window, points: Sequence[Point]) -> str | None:
    """The version of the baseline that a window is compared with: the named one, or the one that judged it; None: the
    one in force."""
    if compare != BASELINE:
        return compare
    judged = [point.baseline for point in points if (point.start, point.end) == (window.start, window.end)]
    return judged[0] if judged and judged[0] and spans.has_version(assignment, judged[0]) else None


def summed(assignment: Assignment, span: Window, version: str | None = None) -> tuple[Side, Any]:
    """A span's rows as one window, and the verdict on them. Raises ConfigError, DataError, StoreError."""
    total = spans.total_of(assignment, states_within(assignment, span))
    verdict = spans.judge_total(assignment, total, version)
    count = len(total.windows)
    first, last = (total.windows[0].start, total.windows[-1].end) if count else (span.start, span.end)
    words = f"{count} window{'' if count == 1 else 's'}"
    return Side(words=words, start=first, end=last, windows=count, rows=total.observed.rows), verdict


def subject_in(measures: Measures, column: str | None, segment: str | None) -> Subject:
    """The column in a segment, by the names that the history has: of long ones these lack the middle."""
    for subject in dict.fromkeys(subject for subject, _ in measures):
        name = stored(subject.column) if subject.column else None
        pairs = segment_text(dict(subject.segment))
        is_same = subject.column == column or name == (stored(column) if column else None)
        if is_same and (stored(pairs) if pairs else None) == (stored(segment) if segment else None):
            return subject
    return Subject(column)


def number_of(name: str, old: Measure, new: Measure, finding: Finding | None = None) -> Number:
    """A measure on both sides."""
    sides = [written(m) if isinstance(m, int | float | Share | Estimate | Undefined) else {} for m in (old, new)]
    return Number(
        metric=name,
        before=sides[0].get("value"),
        before_low=sides[0].get("low"),
        before_high=sides[0].get("high"),
        after=sides[1].get("value"),
        after_low=sides[1].get("low"),
        after_high=sides[1].get("high"),
        outcome=finding.outcome if finding else None,
        reason=(finding.reason or None) if finding else sides[1].get("reason"),
    )


def learned(constraints: Sequence[Constraint], subject: Subject, measure: str) -> Measure:
    """The baseline's own number, as far as its constraints remember it."""
    for constraint in constraints:
        bound = constraint.bound
        if (constraint.subject, constraint.measure) == (subject, measure) and isinstance(bound, Between):
            return bound.drawn
    return None
