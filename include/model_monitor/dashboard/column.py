"""What changed in a column, from what to what, since when, and could it be chance?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from model_monitor.config.execution import Assignment
from model_monitor.core.distributions import Numbers
from model_monitor.core.window import Window
from model_monitor.dashboard.column_spans import WITHOUT_VALUES, Comparison, compare_spans, hidden
from model_monitor.dashboard.courses import Point, Series, Standing, chosen, points_of, series_of, standing_of, stored
from model_monitor.dashboard.page import Name, Shown
from model_monitor.dashboard.spans import (
    BASELINE,
    SpanQuery,
    Spans,
    spans_of,
    subject_in,
)
from model_monitor.dashboard.visit import NoSuchPage, Visit
from model_monitor.errors import ConfigError, DataError, StoreError
from model_monitor.history.incidents import Session
from model_monitor.jobs.past_windows import states_within
from model_monitor.results import changes
from model_monitor.results.execution import UNJUDGED
from model_monitor.results.reading import Report
from model_monitor.results.sentences import quantiles

DRIFT = "baseline_drift_check"
COURSE = 60  # windows whose quantiles are read from their States


class Line(Shown):
    """A number of the column: how its newest window is, and how it came to that."""

    series: Series
    last: Point | None
    standing: Standing


class Quantiles(Shown):
    """Of a window, in the column's unit."""

    start: datetime
    low: float
    median: float
    high: float


class Column(Shown):
    """A column of an endpoint, by one of the schedules that judge it. ``unjudged``: why its drift was not judged in the
    newest window, None if it was."""

    endpoint: str
    column: str
    schedule: str
    monitor: str
    schedules: tuple[str, ...]
    segment: str
    segments: tuple[str, ...]
    private: bool
    metric: str
    lines: tuple[Line, ...]
    points: tuple[Point, ...]
    standing: Standing
    quantiles: tuple[Quantiles, ...]
    window: str
    compare: str
    comparison: Comparison | None
    problem: str | None
    unjudged: str | None


def column(
    visit: Visit,
    endpoint: Name,
    column: Name = "",
    schedule: Name = "",
    segment: Name = "",
    metric: Name = "",
    window: Name = "",
    since: Name = "",
    until: Name = "",
    compare: Name = BASELINE,
    compare_since: Name = "",
    compare_until: Name = "",
) -> Column:
    """A column over time, and one of its windows, or a span (``since``, ``until``), compared with the baseline, with a
    version of it, with the span before (``previous``), or with any other span.

    window: its start, or START/END; the newest violated one if absent.
    segment: a JSON object as the history has it.
    """
    assignment, schedules, listed = judged_by(visit, endpoint, column, schedule)
    in_segment = [series for series in listed if series.segment == (stored(segment) or None)]
    if not in_segment:
        raise NoSuchPage(f"no window of {schedules[0]} has a number of this column, or of this segment of it")
    courses = courses_of(visit, assignment, in_segment)
    series = chosen(in_segment, metric, column, segment) if metric else main(in_segment)
    points = courses[in_segment.index(series)]
    query = SpanQuery(window, since, until, compare, compare_since, compare_until)
    spans = spans_of(query, points, assignment)
    comparison, course, problem = looked_at(assignment, column, segment, spans, points)
    is_private = hidden(assignment, column)
    lines = map(line_of, in_segment, courses)
    return Column(
        endpoint=endpoint,
        column=column,
        schedule=assignment.schedule.name,
        monitor=assignment.schedule.monitor,
        schedules=tuple(schedules),
        segment=segment,
        segments=tuple(dict.fromkeys(series.segment for series in listed if series.segment)),
        private=is_private,
        metric=series.metric,
        lines=tuple(line for line in lines if not (is_private and line.series.metric in WITHOUT_VALUES)),
        points=tuple(points),
        standing=standing_of(points),
        quantiles=course,
        window=str(spans.span or ""),
        compare=spans.words,
        comparison=comparison,
        problem=problem,
        unjudged=unjudged_in(assignment, column, points) if not segment else None,
    )


def courses_of(visit: Visit, assignment: Assignment, listed: Sequence[Series]) -> list[list[Point]]:
    """Each of these series over windows."""
    with visit.reading(assignment.endpoint) as session:
        assert session is not None  # there are numbers of it
        return [points_of(session, assignment.endpoint.endpoint, assignment.schedule.name, s) for s in listed]


def unjudged_in(assignment: Assignment, column: str, points: Sequence[Point]) -> str | None:
    """Why drift was not judged in the newest window; None if it was."""
    if not points:
        return None
    report = Report.find(assignment.on(Window(points[-1].start, points[-1].end)).report)
    return report.execution.get(UNJUDGED, {}).get(column) if report else None


def line_of(series: Series, course: Sequence[Point]) -> Line:
    return Line(series=series, last=course[-1] if course else None, standing=standing_of(course))


def looked_at(
    assignment: Assignment, column: str, segment: str, spans: Spans, points: Sequence[Point]
) -> tuple[Comparison | None, tuple[Quantiles, ...], str | None]:
    """The column in both spans, its quantiles over windows if they may be shown, and why there is no comparison."""
    if not (spans.span and spans.base):
        return None, (), None
    comparison = None
    try:
        comparison = compare_spans(assignment, column, segment, spans.span, spans.base, points)
        has_quantiles = any(change.name == "median" for change in comparison.changes)
        return comparison, course_of_quantiles(assignment, column, segment, points) if has_quantiles else (), None
    except (ConfigError, DataError, StoreError) as error:
        return comparison, (), str(error)


def judged_by(visit: Visit, endpoint: str, column: str, schedule: str) -> tuple[Assignment, list[str], list[Series]]:
    """The schedule that was asked for, or the first that judges the column's values; the names of all that know the
    column; and what the first has of it. Raises NoSuchPage."""
    by_schedule: dict[str, tuple[Assignment, list[Series]]] = {}
    for candidate in visit.endpoints:
        if candidate.endpoint != endpoint:
            continue
        with visit.reading(candidate) as session:
            for own in candidate.schedules if session else ():
                if series := columns_in(session, endpoint, own.name, column):
                    by_schedule.setdefault(own.name, (Assignment(candidate, own), series))
    visit.endpoint(endpoint)  # to tell what is not there from what nobody has judged
    names = sorted(by_schedule, key=lambda name: not any(series.metric == DRIFT for series in by_schedule[name][1]))
    if not names or (schedule and schedule not in by_schedule):
        raise NoSuchPage("no window has a number of this column, or you may not see it")
    assignment, series = by_schedule[schedule or names[0]]
    return assignment, names, series


def columns_in(session: Session | None, endpoint: str, schedule: str, column: str) -> list[Series]:
    return series_of(session, endpoint, schedule, column_name=stored(column)) if session else []


def main(listed: Sequence[Series]) -> Series:
    """The series that a page begins with: how far the column moved, if that is measured."""
    return next((series for series in listed if series.metric == DRIFT), listed[0])


def course_of_quantiles(
    assignment: Assignment, column: str, segment: str, points: Sequence[Point]
) -> tuple[Quantiles, ...]:
    """The quantiles of the newest windows, in the column's unit; () of a column without numbers."""
    if not points:
        return ()
    course = []
    for window, observed, _ in states_within(assignment, Window(points[0].start, points[-1].end), COURSE):
        measures: Any = assignment.monitor.measure(observed.state)
        spread = changes.Side.of(measures, subject_in(measures, column, segment)).spread
        if isinstance(spread, Numbers) and spread.n:
            low, median, high = map(float, quantiles(spread, [0.1, 0.5, 0.9]))
            course.append(Quantiles(start=window.start, low=low, median=median, high=high))
    return tuple(course)
