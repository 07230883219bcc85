"""How did a number go over time, what must it keep to, and could it be chance?"""

from __future__ import annotations

from model_monitor.config.execution import Assignment
from model_monitor.core.constraints import Between, Constraint
from model_monitor.core.measures import Estimate, Share, Subject
from model_monitor.core.window import Window
from model_monitor.dashboard.courses import Point, Series, Standing, chosen, points_of, series_of, standing_of
from model_monitor.dashboard.page import Name, Shown
from model_monitor.dashboard.spans import (
    BASELINE,
    Number,
    Side,
    SpanQuery,
    Spans,
    learned,
    number_of,
    spans_of,
    subject_in,
    summed,
    version_for,
)
from model_monitor.dashboard.visit import NoSuchPage, Visit
from model_monitor.errors import ConfigError, DataError, StoreError
from model_monitor.jobs.spans import baseline_of


class Comparison(Shown):
    """The number in a span (``after``) and before, each from the rows of the whole span."""

    before: Side
    after: Side
    number: Number


class Metric(Shown):
    """A metric of a schedule over its newest windows. ``baseline``: the baseline's own number, None where its
    constraints do not tell it."""

    endpoint: str
    schedule: str
    monitor: str
    metric: str
    column: str
    segment: str
    metrics: tuple[str, ...]
    columns: tuple[str, ...]
    segments: tuple[str, ...]
    points: tuple[Point, ...]
    standing: Standing
    baseline: float | None
    window: str
    compare: str
    comparison: Comparison | None
    problem: str | None


def metric(
    visit: Visit,
    endpoint: Name,
    schedule: Name = "",
    metric: Name = "",
    column: Name = "",
    segment: Name = "",
    window: Name = "",
    since: Name = "",
    until: Name = "",
    compare: Name = BASELINE,
    compare_since: Name = "",
    compare_until: Name = "",
) -> Metric:
    """A metric over time, and one of its windows, or a span (``since``, ``until``), compared with the baseline, with a
    version of it, with the span before (``previous``), or with any other span.

    window: its start, or START/END; the newest violated one if absent.
    segment: a JSON object as the history has it.
    """
    assignment = visit.assignment(endpoint, schedule or visit.endpoint(endpoint).schedules[0].name)
    name = assignment.schedule.name
    with visit.reading(assignment.endpoint) as session:
        listed = series_of(session, endpoint, name) if session else []
        if not listed:
            raise NoSuchPage(f"no window of {name} has a number yet")
        series = chosen(listed, metric, column, segment) if metric else listed[0]
        points = points_of(session, endpoint, name, series) if session else []
    query = SpanQuery(window, since, until, compare, compare_since, compare_until)
    spans = spans_of(query, points, assignment)
    comparison, baseline, problem = looked_at(assignment, series, spans, points)
    alike = [other for other in listed if other.metric == series.metric]
    return Metric(
        endpoint=endpoint,
        schedule=name,
        monitor=assignment.schedule.monitor,
        metric=series.metric,
        column=series.column or "",
        segment=series.segment or "",
        metrics=tuple(dict.fromkeys(other.metric for other in listed)),
        columns=tuple(dict.fromkeys(other.column for other in alike if other.column)),
        segments=tuple(dict.fromkeys(s.segment for s in alike if s.segment and s.column == series.column)),
        points=tuple(points),
        standing=standing_of(points),
        baseline=baseline,
        window=str(spans.span or ""),
        compare=spans.words,
        comparison=comparison,
        problem=problem,
    )


def looked_at(
    assignment: Assignment, series: Series, spans: Spans, points: list[Point]
) -> tuple[Comparison | None, float | None, str | None]:
    """The number in both spans, the baseline's own, and why either is missing."""
    baseline = None
    try:
        baseline = baseline_number(assignment, series)
        if spans.span and spans.base:
            return compare_spans(assignment, series, spans.span, spans.base, points), baseline, None
    except (ConfigError, DataError, StoreError) as error:
        return None, baseline, str(error)
    return None, baseline, None


def baseline_number(assignment: Assignment, wanted: Series) -> float | None:
    """The baseline's own number, as its constraints remember it. Raises ConfigError, DataError."""
    constraints = baseline_of(assignment).constraints(assignment.monitor)
    subject = subject_in({(c.subject, c.measure): None for c in constraints}, wanted.column, wanted.segment)
    drawn = learned(constraints, subject, wanted.metric)
    return drawn.value if isinstance(drawn, Share | Estimate) else None


def compare_spans(
    assignment: Assignment, wanted: Series, span: Window, base: Window | str, points: list[Point]
) -> Comparison | None:
    """The number in a span and before; None of a number that States do not hold. Raises ConfigError, DataError."""
    version = version_for(assignment, base, span, points) if isinstance(base, str) else None
    after, verdict = summed(assignment, span, version)
    subject = subject_in(verdict.measures, wanted.column, wanted.segment)
    if isinstance(base, str):
        side = Side(words=f"baseline {version}" if version else "the baseline in force", version=version)
        earlier = None
    else:
        side, earlier = summed(assignment, base)
    finding = next((f for f in verdict.findings if is_on(f.constraint, subject, wanted.metric)), None)
    if (subject, wanted.metric) in verdict.measures:
        key = (subject, wanted.metric)
        was = earlier.measures.get(key) if earlier else learned(verdict.constraints, *key)
        number = number_of(wanted.metric, was, verdict.measures[key], finding)
        return Comparison(before=side, after=after, number=number)
    if finding is None:
        return None
    others = earlier.findings if earlier else ()
    old = next((f.observed for f in others if is_on(f.constraint, subject, wanted.metric)), None)
    return Comparison(before=side, after=after, number=number_of(wanted.metric, old, finding.observed, finding))


def is_on(constraint: Constraint, subject: Subject, metric: str) -> bool:
    """Whether a constraint is about a number: by its measure or, of a distance, by its check, as in the history."""
    name = constraint.measure if isinstance(constraint.bound, Between) else constraint.check
    return (constraint.subject, name) == (subject, metric)
