"""Read and write what alerts remember: outcomes of windows, incidents, their transitions, and messages that are due."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select, text, update
from sqlalchemy.orm import Session as Session
from sqlalchemy.orm import aliased, joinedload

from model_monitor.config.alerts import UNJUDGED
from model_monitor.core.window import Window
from model_monitor.history.rows import segment_text
from model_monitor.history.tables import Delivery, Execution, Finding, Incident, Metric, Outcome, Schedule, Transition
from model_monitor.results.charts import Point, Span, chance_of
from model_monitor.results.handover import PROVISIONAL

WAITING, SENDING, SENT, DROPPED = "waiting", "sending", "sent", "dropped"
COURSE = 60  # windows in a chart
TEST = "test"  # the kind of what is no incident, but a test of messages


class Place(NamedTuple):
    """Whose windows: an endpoint and its variant."""

    endpoint: str
    variant: str


def lock(session: Session, place: Place) -> None:
    """Wait until no other transaction follows the same endpoint. SQLite's transactions have the lock already."""
    if session.get_bind().dialect.name == "postgresql":
        name = f"alerts of {place.endpoint}/{place.variant}"
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def clock(session: Session) -> datetime:
    """The database's time, the same for all workers however their clocks go."""
    now: datetime | str = session.execute(select(func.now())).scalar_one()
    found = datetime.fromisoformat(now) if isinstance(now, str) else now
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def put(session: Session, outcome: Outcome) -> None:
    """The outcome of a window, instead of an earlier one."""
    session.merge(outcome)


def forget(session: Session, place: Place, schedule: str, window: Window) -> None:
    """A window of which nothing can be told any more."""
    session.execute(
        delete(Outcome).where(
            *of(Outcome, place),
            Outcome.schedule == schedule,
            Outcome.window_start == window.start,
            Outcome.window_end == window.end,
        )
    )


def of(table: type[Outcome] | type[Incident], place: Place) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.endpoint == place.endpoint, table.variant == place.variant


def real(place: Place) -> tuple[ColumnElement[bool], ...]:
    """The incidents of an endpoint, without tests of messages."""
    return *of(Incident, place), Incident.kind != TEST


def spans(session: Session, place: Place) -> list[tuple[datetime, datetime | None]]:
    """The ends of the windows with which each incident opened and closed."""
    found = session.execute(select(Incident.opened, Incident.closed).where(*real(place)))
    return [(opened, closed) for opened, closed in found]


def outcomes_from(session: Session, place: Place, start: datetime | None = None) -> list[Outcome]:
    """The outcomes of windows that end at a moment or later; all without one."""
    later = [Outcome.window_end >= start] if start else []
    return list(session.scalars(select(Outcome).where(*of(Outcome, place), *later)))


def outcomes_before(
    session: Session, place: Place, schedule: str, start: datetime, troubles: Collection[str], count: int
) -> list[Outcome]:
    """The last outcomes of a schedule before a moment, of these kinds of trouble."""
    chosen = select(Outcome).where(
        *of(Outcome, place),
        Outcome.schedule == schedule,
        Outcome.window_end < start,
        Outcome.trouble.in_(troubles),
    )
    newest = chosen.order_by(Outcome.window_end.desc(), Outcome.window_start.desc()).limit(count)
    return list(session.scalars(newest))


def is_newest(session: Session, place: Place, schedule: str, window: Window) -> bool:
    """Whether a schedule has no outcome of a later window that was judged."""
    later = select(Outcome.window_end).where(
        *of(Outcome, place),
        Outcome.schedule == schedule,
        Outcome.window_end > window.end,
        Outcome.trouble != UNJUDGED,
    )
    return session.execute(later.limit(1)).first() is None


def incidents_from(session: Session, place: Place, start: datetime | None = None) -> list[Incident]:
    """The incidents that opened with windows that end at a moment or later, in their order; all without one."""
    later = [Incident.opened >= start] if start else []
    return list(session.scalars(select(Incident).where(*real(place), *later).order_by(Incident.opened, Incident.id)))


def open_incidents(session: Session, place: Place) -> list[Incident]:
    ordered = select(Incident).where(*real(place), Incident.closed.is_(None)).order_by(Incident.opened)
    return list(session.scalars(ordered))


def transitions_of(session: Session, incident: Incident) -> list[Transition]:
    """All steps of an incident, in the order in which they were recorded."""
    return list(
        session.scalars(select(Transition).where(Transition.incident_id == incident.id).order_by(Transition.id))
    )


def deliveries_of(session: Session, transition: Transition) -> list[Delivery]:
    return list(session.scalars(select(Delivery).where(Delivery.transition_id == transition.id).order_by(Delivery.id)))


def claim(
    session: Session, place: Place, now: datetime, lease: timedelta, skip: Sequence[int]
) -> tuple[Delivery, bool] | None:
    """A message that is due, now marked as being sent, and whether it was so already; None if there is none.

    Due is one that waits and whose time has come, and one whose sender's time is over, as it must have died. Messages
    of an incident go to a destination in their order.
    """
    lock(session, place)
    earlier, earlier_transition = aliased(Delivery), aliased(Transition)
    is_blocked = (
        select(earlier.id)
        .join(earlier_transition, earlier.transition_id == earlier_transition.id)
        .where(
            earlier_transition.incident_id == Transition.incident_id,
            earlier.destination == Delivery.destination,
            earlier.id < Delivery.id,
            earlier.state.in_([WAITING, SENDING]),
        )
        .exists()
    )
    due = and_(Delivery.state.in_([WAITING, SENDING]), or_(Delivery.next_at.is_(None), Delivery.next_at <= now))
    found = session.scalars(
        select(Delivery)
        .join(Delivery.transition)
        .join(Transition.incident)
        .where(*of(Incident, place), due, ~is_blocked, Delivery.id.not_in(skip))
        .options(joinedload(Delivery.transition).joinedload(Transition.incident))
        .order_by(Delivery.id)
        .limit(1)
    ).first()
    if found is None:
        return None
    was_sending = found.state == SENDING
    found.state, found.attempts, found.next_at = SENDING, found.attempts + 1, now + lease
    return found, was_sending


def settle(
    session: Session, delivery: int, attempt: int, state: str, next_at: datetime | None, error: str | None
) -> bool:
    """What came of an attempt; False if another worker has claimed the message meanwhile."""
    result = session.execute(
        update(Delivery)
        .where(Delivery.id == delivery, Delivery.state == SENDING, Delivery.attempts == attempt)
        .values(state=state, next_at=next_at, error=error)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def incident(session: Session, place: Place, number: int) -> Incident | None:
    """The incident with a number; None if the endpoint has none."""
    return session.scalars(select(Incident).where(*real(place), Incident.id == number)).first()


def waiting(session: Session, place: Place) -> Iterator[Delivery]:
    """Messages that have not been sent, the oldest first."""
    yield from session.scalars(
        select(Delivery)
        .join(Delivery.transition)
        .join(Transition.incident)
        .where(*of(Incident, place), Delivery.state.in_([WAITING, SENDING]))
        .options(joinedload(Delivery.transition).joinedload(Transition.incident))
        .order_by(Delivery.id)
    )


def reports(session: Session, place: Place, schedules: Collection[str], end: datetime) -> list[str]:
    """The addresses of the reports of these schedules on their windows with an end, by the schedule's name."""
    chosen = (
        select(Execution.report)
        .join(Execution.schedule)
        .where(Schedule.endpoint == place.endpoint, Schedule.variant == place.variant, Schedule.name.in_(schedules))
        .where(Execution.window_end == end)
        .order_by(Schedule.name, Execution.window_start)
    )
    return list(session.scalars(chosen))


def course(session: Session, place: Place, schedule: str, finding: Mapping[str, Any], until: datetime) -> list[Point]:
    """What a finding's constraint found on the last windows until a moment, in the order of time, each with its 95 %
    interval and with what chance alone reaches."""
    windows = (
        select(Execution.id, Execution.window_start, Execution.label_state)
        .join(Execution.schedule)
        .where(Schedule.endpoint == place.endpoint, Schedule.name == schedule, Execution.window_end <= until)
        .order_by(Execution.window_start.desc())
        .limit(COURSE)
        .subquery()
    )
    segment = segment_text(finding["segment"])
    in_segment = Finding.segment.is_(None) if segment is None else Finding.segment == segment
    its_number = and_(
        Metric.execution_id == Finding.execution_id,
        Metric.name == case((Finding.distance.is_(None), Finding.measure), else_=Finding.check_name),
        Metric.column_name.is_not_distinct_from(Finding.column_name),
        Metric.segment.is_not_distinct_from(Finding.segment),
    )
    chosen = (
        select(windows.c.window_start, windows.c.label_state, Finding, Metric.low, Metric.high)
        .join(windows, windows.c.id == Finding.execution_id)
        .join(Metric, its_number, isouter=True)
        .where(Finding.check_name == finding["check"], Finding.measure == finding["measure"])
        .where(Finding.column_name == finding["column"], in_segment)
        .order_by(windows.c.window_start)
    )
    return [point_of(*row) for row in session.execute(chosen)]


def point_of(start: datetime, labels: str | None, found: Finding, low: float | None, high: float | None) -> Point:
    limits = found.threshold_low, found.threshold_high
    chance = chance_of(found.noise_floor, *limits, is_distance=found.distance is not None)
    interval = None if low is None or high is None else (low, high)
    return Point(start, found.observed, *limits, found.outcome, chance, labels == PROVISIONAL, interval)


def open_while(session: Session, place: Place, schedule: str, kind: str, cause: str) -> list[Span]:
    """While incidents of a schedule with this cause were open: from the start of the first bad window on."""
    alike = select(Incident).where(*of(Incident, place), Incident.kind == kind, Incident.cause == cause)
    found = session.scalars(alike.order_by(Incident.opened))
    return [Span(one.since, one.closed) for one in found if schedule in json.loads(one.schedules)]
