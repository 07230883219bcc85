"""What pages, tables and charts ask of the history; each question has the index that it needs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from model_monitor.config.alerts import SEVERITIES
from model_monitor.history.incidents import TEST
from model_monitor.history.rows import series_of
from model_monitor.history.tables import (
    Execution,
    Finding,
    Incident,
    Metric,
    Schedule,
    Transition,
)

Rows = Sequence[sa.RowMapping]

CAUSAL = ("opened", "escalated")  # transitions whose sentence says what is wrong
STRIP = 500  # windows at most
RECENT = 10  # windows that tell which metrics a schedule has
COURSE = (
    "window_start",
    "window_end",
    "value",
    "low",
    "high",
    "row_count",
    "threshold_low",
    "threshold_high",
    "noise_floor",
    "outcome",
    "reason",
)
WORST_LAST = {name: index for index, name in enumerate(SEVERITIES)}


def newest_window() -> Any:
    """The id of the newest window of a schedule, for a statement that selects from schedules."""
    other = aliased(Execution)
    return (
        sa.select(other.id)
        .where(other.schedule_id == Schedule.id)
        .order_by(other.window_start.desc(), other.window_end.desc())
        .limit(1)
        .correlate(Schedule)
        .scalar_subquery()
    )


def health(session: Session, endpoint: str | None = None) -> Rows:
    """Each schedule with its newest window, by endpoint and name; all of one endpoint if it is named."""
    newest = newest_window()
    about = (Schedule.endpoint, Schedule.variant, Schedule.name.label("schedule"), Schedule.monitor)
    statement = (
        sa.select(*about, *values_of(Execution))
        .select_from(Schedule)
        .join(Execution, Execution.id == newest, isouter=True)
        .order_by(Schedule.endpoint, Schedule.name)
    )
    if endpoint is not None:
        statement = statement.where(Schedule.endpoint == endpoint)
    return session.execute(statement).mappings().all()


def windows(
    session: Session,
    endpoint: str | None = None,
    schedule: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = STRIP,
) -> Rows:
    """The newest windows that start from ``since`` on and before ``until``, the last first."""
    statement = sa.select(Schedule.endpoint, Schedule.name.label("schedule"), *values_of(Execution)).join(
        Schedule, Schedule.id == Execution.schedule_id
    )
    keys = keys_of(session, endpoint, schedule)
    if endpoint is not None or schedule is not None:
        statement = statement.where(Execution.schedule_id.in_(keys))
    statement = within(statement, Execution.window_start, since, until)
    order = (Execution.window_start.desc(), Execution.window_end.desc(), Execution.schedule_id)
    return session.execute(statement.order_by(*order).limit(limit)).mappings().all()


def metric(
    session: Session,
    endpoint: str,
    schedule: str,
    name: str,
    column: str | None = None,
    segment: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Rows:
    """A metric over a schedule's windows, the first first: value, interval, threshold, noise floor, outcome.

    ``segment`` is a JSON object as ``rows.segment_text`` writes it.
    """
    statement = (
        sa.select(*(getattr(Metric, name) for name in COURSE))
        .where(Metric.schedule_id.in_(keys_of(session, endpoint, schedule)))
        .where(Metric.series == series_of(name, column, segment))
    )
    statement = within(statement, Metric.window_start, since, until)
    return session.execute(statement.order_by(Metric.window_start, Metric.window_end)).mappings().all()


def course(
    session: Session,
    endpoint: str,
    schedule: str,
    number: int,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = STRIP,
) -> Rows:
    """A series, by its number, over the newest windows of a schedule, the first first, as ``metric`` gives it, each
    with its window's ``status``, ``label_state``, ``baseline`` and ``report``."""
    of_window = (
        Execution.status,
        Execution.label_state,
        Execution.label_coverage,
        Execution.baseline,
        Execution.report,
    )
    statement = (
        sa.select(*(getattr(Metric, column) for column in COURSE), *of_window)
        .join(Execution, Execution.id == Metric.execution_id)
        .where(Metric.schedule_id.in_(keys_of(session, endpoint, schedule)))
        .where(Metric.series == number)
    )
    statement = within(statement, Metric.window_start, since, until)
    order = (Metric.window_start.desc(), Metric.window_end.desc())
    return session.execute(statement.order_by(*order).limit(limit)).mappings().all()[::-1]


def series(session: Session, endpoint: str, schedule: str, **about: str) -> Rows:
    """The metrics of a schedule's newest windows, in their order: ``series``, its number, and ``name``,
    ``column_name``, ``segment``, which the history may have shortened.

    about: only those with this ``name`` or ``column_name``.
    """
    keys = keys_of(session, endpoint, schedule)
    newest = (
        sa.select(Execution.id)
        .where(Execution.schedule_id.in_(keys))
        .order_by(Execution.window_start.desc(), Execution.window_end.desc())
        .limit(RECENT)
    )
    named = (Metric.series, Metric.name, Metric.column_name, Metric.segment)
    statement = sa.select(*named, sa.func.min(Metric.position).label("place"))
    statement = statement.where(Metric.execution_id.in_(list(session.scalars(newest))))
    for column, value in about.items():
        statement = statement.where(getattr(Metric, column) == value)
    statement = statement.group_by(*named)
    return session.execute(statement.order_by("place", Metric.name)).mappings().all()


def columns_of(
    session: Session,
    column: str,
    endpoint: str | None = None,
    schedule: str | None = None,
    since: datetime | None = None,
    limit: int = STRIP,
) -> Rows:
    """All numbers of a column in the newest windows, the last window first."""
    found = windows(session, endpoint, schedule, since, limit=limit)
    keys = [row["id"] for row in found]
    about = (Schedule.endpoint, Schedule.name.label("schedule"), *values_of(Metric))
    statement = (
        sa.select(*about)
        .join(Schedule, Schedule.id == Metric.schedule_id)
        .where(Metric.execution_id.in_(keys), Metric.column_name == column)
        .order_by(Metric.window_start.desc(), Schedule.endpoint, Schedule.name, Metric.position)
    )
    return session.execute(statement).mappings().all()


def findings(session: Session, endpoint: str, schedule: str, start: datetime, end: datetime) -> Rows:
    """The findings of a window, in the report's order."""
    statement = (
        sa.select(*values_of(Finding))
        .join(Execution, Execution.id == Finding.execution_id)
        .where(Execution.schedule_id.in_(keys_of(session, endpoint, schedule)))
        .where(Execution.window_start == start, Execution.window_end == end)
        .order_by(Finding.position)
    )
    return session.execute(statement).mappings().all()


def open_alerts(session: Session, endpoint: str | None = None) -> Rows:
    """The incidents that are open, the worst and then the oldest first, each with its cause in words
    (``sentence``) and its last transition."""
    order = (sa.case(WORST_LAST, value=Incident.severity, else_=0).desc(), Incident.opened, Incident.id)
    return alerts(session, endpoint, sa.select().where(Incident.closed.is_(None)).order_by(*order))


def closed_alerts(session: Session, endpoint: str | None = None, limit: int = STRIP) -> Rows:
    """The same of those that are closed, the newest first."""
    real = Incident.closed.is_not(None), Incident.kind != TEST
    return alerts(session, endpoint, sa.select().where(*real).order_by(Incident.id.desc()).limit(limit))


def steps_of(session: Session, incidents: Sequence[int]) -> Rows:
    """The transitions of some incidents, in the order in which they were recorded."""
    columns = [column for column in values_of(Transition) if column.name != "message"]
    statement = sa.select(*columns).where(Transition.incident_id.in_(incidents)).order_by(Transition.id)
    return session.execute(statement).mappings().all()


def alerts(session: Session, endpoint: str | None, chosen: sa.Select[Any]) -> Rows:
    """Chosen incidents with their cause in words and their last transition."""
    newest = sa.select(sa.func.max(Transition.id)).where(Transition.incident_id == Incident.id).correlate(Incident)
    causal = newest.where(Transition.kind.in_(CAUSAL), Transition.sentence != "")
    told, last = aliased(Transition), aliased(Transition)
    steps = (
        told.sentence,
        last.kind.label("last_transition"),
        last.at.label("last_transition_at"),
        last.made_by,
        last.sentence.label("last_sentence"),
    )
    statement = (
        chosen.add_columns(*values_of(Incident), *steps)
        .select_from(Incident)
        .join(told, told.id == causal.scalar_subquery(), isouter=True)
        .join(last, last.id == newest.scalar_subquery(), isouter=True)
    )
    if endpoint is not None:
        statement = statement.where(Incident.endpoint == endpoint)
    return session.execute(statement).mappings().all()


def schedules(session: Session) -> Rows:
    """All schedules: their key, endpoint, variant, name and monitor."""
    return session.execute(sa.select(*values_of(Schedule))).mappings().all()


def schedules_in(alert: Mapping[Any, Any]) -> list[str]:
    """The names of the schedules that an alert concerns."""
    return list(map(str, json.loads(alert["schedules"])))


def keys_of(session: Session, endpoint: str | None, schedule: str | None) -> list[int]:
    """The keys of the schedules of an endpoint, or of that name. They are looked up first, so that the database knows
    how few they are."""
    statement = sa.select(Schedule.id)
    for column, value in ((Schedule.endpoint, endpoint), (Schedule.name, schedule)):
        statement = statement if value is None else statement.where(column == value)
    return list(session.scalars(statement))


def within(statement: Any, column: Any, since: datetime | None, until: datetime | None) -> Any:
    statement = statement if since is None else statement.where(column >= since)
    return statement if until is None else statement.where(column < until)


def values_of(table: Any) -> list[Any]:
    """The columns of a table."""
    return list(table.__table__.columns)
