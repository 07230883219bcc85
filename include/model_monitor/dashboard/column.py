"""What changed in a column, from what to what, since when, and could it be chance?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from model_monitor.config.execution import Assignment
from model_monitor.core.distributions import Categories, Numbers
from model_monitor.core.importances import Importances
from model_monitor.core.measures import Subject, Undefined
from model_monitor.core.window import Window
from model_monitor.dashboard.courses import Point, Series, Standing, chosen, points_of, series_of, standing_of, stored
from model_monitor.dashboard.page import Name, Shown
from model_monitor.dashboard.spans import (
    BASELINE,
    Number,
    Side,
    asked,
    learned,
    number_of,
    subject_in,
    summed,
    version_for,
)
from model_monitor.dashboard.visit import NoSuchPage, Visit
from model_monitor.errors import ConfigError, DataError, StoreError
from model_monitor.history.incidents import Session
from model_monitor.jobs.spans import states_within
from model_monitor.results import changes
from model_monitor.results.anonymous import Anonymity
from model_monitor.results.charts import bins_of, categories_of
from model_monitor.results.sentences import quantiles

DRIFT = "baseline_drift_check"
NO_NUMBERS = (Numbers, Categories, Importances, Undefined, type(None))
COURSE = 60  # windows whose quantiles are read from their States
WITHOUT_VALUES = frozenset({"minimum"})  # measures that a private column does not show


class Line(Shown):
    """A number of the column: how its newest window is, and how it came to that."""

    series: Series
    last: Point | None
    standing: Standing


class Bin(Shown):
    """Numbers from ``low`` to ``high``, or a value ``name``, and the share of either side's rows."""

    low: float | None = None
    high: float | None = None
    name: str | None = None
    before: float
    after: float
    is_new: bool = False


class Quantiles(Shown):
    """Of a window, in the column's unit."""

    start: datetime
    low: float
    median: float
    high: float


class Change(Shown):
    """A number of the column on both sides, as text in its unit."""

    name: str
    before: str
    after: str


class Comparison(Shown):
    """The column in a span (``after``) and before: what changed in ``words`` ([]: nothing beyond chance), its values as
    shares (``bins``), its quantiles, other numbers, and how far it moved."""

    before: Side
    after: Side
    words: tuple[str, ...]
    changes: tuple[Change, ...]
    bins: tuple[Bin, ...]
    numbers: tuple[Number, ...]
    distance: float | None
    noise_floor: float | None
    threshold: float | None
    outcome: str | None


class Column(Shown):
    """A column of an endpoint, by one of the schedules that judge it."""

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
    assignment, judging, listed = judged_by(visit, endpoint, column, schedule)
    in_segment = [series for series in listed if series.segment == (stored(segment) or None)]
    if not in_segment:
        raise NoSuchPage(f"no window of {judging[0]} has a number of this column, or of this segment of it")
    with visit.reading(assignment.endpoint) as session:
        assert session is not None  # there are numbers of it
        courses = [points_of(session, assignment.endpoint.endpoint, assignment.schedule.name, s) for s in in_segment]
    wanted = chosen(in_segment, metric, column, segment) if metric else main(in_segment)
    points = courses[in_segment.index(wanted)]
    about = asked(points, assignment, window, (since, until), compare, (compare_since, compare_until))
    compared, problem = None, None
    many: tuple[Quantiles, ...] = ()
    is_private = hidden(assignment, column)
    if about.span and about.base:
        try:
            compared = compare_spans(assignment, column, segment, about.span, about.base, points)
            if not is_private and any(change.name == "median" for change in compared.changes):
                many = course_of_quantiles(assignment, column, segment, points)
        except (ConfigError, DataError, StoreError) as error:
            problem = str(error)
    lines = [
        Line(series=s, last=course[-1] if course else None, standing=standing_of(course))
        for s, course in zip(in_segment, courses, strict=True)
    ]
    return Column(
        endpoint=endpoint,
        column=column,
        schedule=assignment.schedule.name,
        monitor=assignment.schedule.monitor,
        schedules=tuple(judging),
        segment=segment,
        segments=tuple(dict.fromkeys(series.segment for series in listed if series.segment)),
        private=is_private,
        metric=wanted.metric,
        lines=tuple(line for line in lines if not (is_private and line.series.metric in WITHOUT_VALUES)),
        points=tuple(points),
        standing=standing_of(points),
        quantiles=many,
        window=str(about.span or ""),
        compare=about.words,
        comparison=compared,
        problem=problem,
    )


def judged_by(visit: Visit, endpoint: str, column: str, schedule: str) -> tuple[Assignment, list[str], list[Series]]:
    """The schedule that was asked for, or the first that judges the column's values; the names of all that know the
    column; and what the first has of it. Raises NoSuchPage."""
    by_schedule: dict[str, tuple[Assignment, list[Series]]] = {}
    for known in visit.endpoints:
        if known.endpoint != endpoint:
            continue
        with visit.reading(known) as session:
            for own in known.schedules if session else ():
                if series := columns_in(session, endpoint, own.name, column):
                    by_schedule.setdefault(own.name, (Assignment(known, own), series))
    visit.endpoint(endpoint)  # to tell what is not there from what nobody has judged
    names = sorted(by_schedule, key=lambda name: not any(series.metric == DRIFT for series in by_schedule[name][1]))
    if not names or (schedule and schedule not in by_schedule):
        raise NoSuchPage("no window has a number of this column, or you may not see it")
    assignment, series = by_schedule[schedule or names[0]]
    return assignment, names, series


def columns_in(session: Session | None, endpoint: str, schedule: str, column: str) -> list[Series]:
    return series_of(session, endpoint, schedule, column_name=stored(column)) if session else []


def main(found: Sequence[Series]) -> Series:
    """The series that a page begins with: how far the column moved, if that is measured."""
    return next((series for series in found if series.metric == DRIFT), found[0])


def hidden(assignment: Assignment, column: str) -> bool:
    return column in assignment.endpoint.columns.private


def compare_spans(
    assignment: Assignment,
    column: str,
    segment: str,
    span: Window,
    base: Window | str,
    points: Sequence[Point],
) -> Comparison:
    """The column in a span and before. Raises ConfigError, DataError, StoreError."""
    version = version_for(assignment, base, span, points) if isinstance(base, str) else None
    after, verdict = summed(assignment, span, version)
    measures, constraints = verdict.measures, verdict.constraints
    subject = subject_in(measures, column, segment)
    now = changes.Side.of(measures, subject)
    if isinstance(base, str):
        words = f"baseline {version}" if version else "the baseline in force"
        old, earlier = changes.Side.expected(constraints, subject), None
        side = Side(words=words, rows=old.rows, version=version)
    else:
        side, earlier = summed(assignment, base)
        old = changes.Side.of(earlier.measures, subject)
    anonymity = Anonymity(private=assignment.endpoint.columns.private)
    finding = changes.compared(old, now, subject, changes.nearness(constraints, subject))
    is_private = hidden(assignment, column)
    return Comparison(
        before=side,
        after=after,
        words=tuple(changes.in_words(old, now, finding, anonymity)),
        changes=() if is_private else tuple(Change(**change._asdict()) for change in changes.in_unit(old, now)),
        bins=() if is_private else bins_between(old, now, changes.names_shown(old, now, subject, anonymity)),
        numbers=tuple(numbers_of(verdict, earlier, subject, WITHOUT_VALUES if is_private else frozenset())),
        distance=finding.observed if finding else None,
        noise_floor=finding.noise_floor if finding else None,
        threshold=finding.constraint.bound.threshold if finding else None,  # type: ignore[union-attr]
        outcome=finding.outcome if finding else None,
    )


def numbers_of(verdict: Any, earlier: Any, subject: Subject, left_out: Collection[str]) -> Iterator[Number]:
    """The numbers of a column in a verdict and in an ``earlier`` one; None: as the baseline remembers them."""
    outcomes = {(f.constraint.subject, f.constraint.measure): f for f in verdict.findings}
    for (about, name), measure in verdict.measures.items():
        if (
            about != subject
            or name in left_out
            or isinstance(measure, Numbers | Categories | Importances | Undefined | None)
        ):
            continue
        key = about, name
        was = earlier.measures.get(key) if earlier else learned(verdict.constraints, *key)
        yield number_of(name, was, measure, outcomes.get(key))


def bins_between(old: changes.Side, new: changes.Side, nameable: Sequence[str]) -> tuple[Bin, ...]:
    """The values of both sides as shares: a histogram, or the most frequent values that may be named."""
    one, two = old.spread, new.spread
    if isinstance(one, Numbers) and isinstance(two, Numbers):
        return tuple(Bin(low=b.low, high=b.high, before=b.baseline, after=b.window) for b in bins_of(one, two))
    if isinstance(one, Categories) and isinstance(two, Categories):
        listed = categories_of(one, two, nameable=nameable)
        return tuple(Bin(name=c.name, before=c.baseline, after=c.window, is_new=c.is_new) for c in listed)
    return ()


def course_of_quantiles(
    assignment: Assignment, column: str, segment: str, points: Sequence[Point]
) -> tuple[Quantiles, ...]:
    """The quantiles of the newest windows, in the column's unit; () of a column without numbers."""
    if not points:
        return ()
    found = []
    for window, observed, _ in states_within(assignment, Window(points[0].start, points[-1].end), COURSE):
        measures: Any = assignment.monitor.measure(observed.state)
        spread = changes.Side.of(measures, subject_in(measures, column, segment)).spread
        if isinstance(spread, Numbers) and spread.n:
            low, median, high = map(float, quantiles(spread, [0.1, 0.5, 0.9]))
            found.append(Quantiles(start=window.start, low=low, median=median, high=high))
    return tuple(found)
