"""What pages with all schedules ask of the history: their last windows, and their baselines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from model_monitor.history.baselines import PROPOSED
from model_monitor.history.queries import Rows, newest_window, values_of
from model_monitor.history.tables import Baseline, Execution, Moment, Schedule

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)  # before any window
AT_A_GLANCE = (
    "schedule_id",
    "window_start",
    "window_end",
    "status",
    "records",
    "judged",
    "violations",
    "label_state",
    "label_coverage",
)


def strips(session: Session, keys: Sequence[int], count: int) -> Rows:
    """The last ``count`` windows of each schedule, by schedule, the first first."""
    windows = last_of_each if session.get_bind().dialect.name == "postgresql" else from_a_start_each
    return session.execute(windows(keys, count)).mappings().all()


def last_of_each(keys: Sequence[int], count: int) -> Any:
    """The question for PostgreSQL, which else takes a window's start for no reason to use the index."""
    own = aliased(Execution)
    last = (
        sa.select(*(getattr(own, name) for name in AT_A_GLANCE))
        .where(own.schedule_id == Schedule.id)
        .order_by(own.window_start.desc(), own.window_end.desc())
        .limit(count)
        .lateral()
    )
    statement = sa.select(last).select_from(Schedule).join(last, sa.true()).where(Schedule.id.in_(keys))
    return statement.order_by(last.c.schedule_id, last.c.window_start, last.c.window_end)


def from_a_start_each(keys: Sequence[int], count: int) -> Any:
    """The same for SQLite, which has no LATERAL."""
    other = aliased(Execution)
    start = (
        sa.select(other.window_start)
        .where(other.schedule_id == Schedule.id)
        .order_by(other.window_start.desc(), other.window_end.desc())
        .limit(1)
        .correlate(Schedule)
    )
    earliest = sa.func.coalesce(start.offset(count - 1).scalar_subquery(), sa.literal(EARLIEST, Moment()))
    first = sa.select(Schedule.id, earliest.label("start")).where(Schedule.id.in_(keys)).subquery()
    return (
        sa.select(*(getattr(Execution, name) for name in AT_A_GLANCE))
        .join(first, sa.and_(Execution.schedule_id == first.c.id, Execution.window_start >= first.c.start))
        .order_by(Execution.schedule_id, Execution.window_start, Execution.window_end)
    )


def newest(session: Session, keys: Sequence[int]) -> Rows:
    """The newest window of each schedule that has one."""
    statement = (
        sa.select(*(getattr(Execution, name) for name in AT_A_GLANCE))
        .select_from(Schedule)
        .join(Execution, Execution.id == newest_window())
        .where(Schedule.id.in_(keys))
    )
    return session.execute(statement).mappings().all()


def baselines_in_force(session: Session, keys: Sequence[int]) -> Rows:
    """The version in force of each schedule that has one."""
    statement = sa.select(*values_of(Baseline)).where(Baseline.schedule_id.in_(keys), Baseline.in_force)
    return session.execute(statement).mappings().all()


def baselines_that_wait(session: Session, keys: Sequence[int]) -> Rows:
    """The newest version of each schedule, where nobody has decided on it. An edit is not learned, so it has no
    ``created``, but a decision."""
    later = aliased(Baseline)
    is_later = sa.or_(later.created > Baseline.created, later.decided_at > Baseline.created)
    newer = sa.exists().where(later.schedule_id == Baseline.schedule_id, is_later)
    wanted = Baseline.schedule_id.in_(keys), Baseline.state == PROPOSED, ~Baseline.in_force, ~newer
    return session.execute(sa.select(*values_of(Baseline)).where(*wanted)).mappings().all()
