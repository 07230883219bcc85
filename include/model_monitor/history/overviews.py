"""What the pages about an endpoint, and about its windows, ask of the history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from model_monitor.history.queries import Rows, keys_of, values_of, within
from model_monitor.history.tables import Execution, Finding, Incident, Metric, Transition, Verdict


def executions(
    session: Session, keys: Sequence[int], statuses: Sequence[str], until: datetime | None, limit: int
) -> Rows:
    """The newest windows of schedules that start before a moment, the last first; of all statuses if none is named."""
    statement = sa.select(*values_of(Execution)).where(Execution.schedule_id.in_(keys))
    if statuses:
        statement = statement.where(Execution.status.in_(statuses))
    statement = within(statement, Execution.window_start, None, until)
    order = (Execution.window_start.desc(), Execution.window_end.desc(), Execution.schedule_id)
    return session.execute(statement.order_by(*order).limit(limit)).mappings().all()


def worst_columns(session: Session, executions: Sequence[int], count: int) -> list[str]:
    """The columns with the most violations on some windows; of equals those nearest to what is allowed."""
    violated = sa.func.sum(sa.case((Finding.outcome == "violated", 1), else_=0))
    nearest = sa.func.max(Finding.observed / sa.func.nullif(Finding.threshold_high, 0.0))
    statement = (
        sa.select(Finding.column_name)
        .where(Finding.execution_id.in_(executions), Finding.column_name.is_not(None))
        .group_by(Finding.column_name)
        .order_by(violated.desc(), sa.func.coalesce(nearest, 0.0).desc(), Finding.column_name)
        .limit(count)
    )
    return [str(name) for name in session.scalars(statement)]


def findings_of_columns(session: Session, executions: Sequence[int], columns: Sequence[str]) -> Rows:
    """What was found of some columns on some windows."""
    chosen = Finding.execution_id.in_(executions), Finding.column_name.in_(columns)
    return session.execute(sa.select(*values_of(Finding)).where(*chosen)).mappings().all()


def judged_metrics(session: Session, executions: Sequence[int], newest: int, count: int) -> Rows:
    """The numbers of windows that a bound is about, of the series that the newest window has such a number of: the
    violated ones first, at most ``count`` series; each series in the order of time."""
    about = Metric.execution_id == newest, Metric.outcome.is_not(None), Metric.value.is_not(None)
    order = sa.case((Metric.outcome == "violated", 0), else_=1), Metric.column_name.is_not(None), Metric.position
    series = list(session.scalars(sa.select(Metric.series).where(*about).order_by(*order).limit(count)))
    chosen = Metric.execution_id.in_(executions), Metric.series.in_(series)
    rows = session.execute(sa.select(*values_of(Metric)).where(*chosen).order_by(Metric.window_start)).mappings().all()
    return sorted(rows, key=lambda row: series.index(row["series"]))


def incidents_of(session: Session, endpoint: str, variant: str, limit: int) -> Rows:
    """The newest incidents of an endpoint, open or closed, each with the words that it opened with."""
    first = sa.select(sa.func.min(Transition.id)).where(
        Transition.incident_id == Incident.id, Transition.sentence != ""
    )
    statement = (
        sa.select(*values_of(Incident), Transition.sentence)
        .join(Transition, Transition.id == first.correlate(Incident).scalar_subquery(), isouter=True)
        .where(Incident.endpoint == endpoint, Incident.variant == variant)
        .order_by(Incident.opened.desc(), Incident.id.desc())
        .limit(limit)
    )
    return session.execute(statement).mappings().all()


def window_between(
    session: Session, endpoint: str, schedule: str, start: datetime, end: datetime
) -> tuple[sa.RowMapping | None, sa.RowMapping | None, sa.RowMapping | None]:
    """A window, the last one that starts before it, and the first one that starts after it; None for what is not."""
    own = sa.select(*values_of(Execution)).where(Execution.schedule_id.in_(keys_of(session, endpoint, schedule)))
    itself = own.where(Execution.window_start == start, Execution.window_end == end)
    before = own.where(Execution.window_start < start).order_by(Execution.window_start.desc()).limit(1)
    after = own.where(Execution.window_start > start).order_by(Execution.window_start).limit(1)
    found = [session.execute(statement).mappings().first() for statement in (itself, before, after)]
    return found[0], found[1], found[2]


def verdicts_of(session: Session, execution: int) -> Rows:
    """The verdicts on a window by how far its labels had come, the first first."""
    statement = sa.select(*values_of(Verdict)).where(Verdict.execution_id == execution)
    return session.execute(statement.order_by(Verdict.labels_as_of, Verdict.version)).mappings().all()
