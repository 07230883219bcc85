"""The tables of the history: what was judged, by which baseline, what came of it, and who was told.

Texts come from reports, in which columns have the names that callers gave them, so ``Text`` bounds them. A moment
is aware and in UTC on the way in and out; SQLite keeps it as text, ``2026-01-05 03:00:00.000000``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from model_monitor.errors import printable, without_middle

REVISION = "0001"  # the newest migration
LONGEST = 2000  # characters of a text
LONGEST_KEY = 400  # of one in an index: PostgreSQL takes 2,704 bytes

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """A point in time with a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC).replace(tzinfo=None) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Text(TypeDecorator[str]):
    """A text in one line of at most ``longest`` characters: a longer one lacks its middle; control characters are
    escaped."""

    impl = String
    cache_ok = True

    def __init__(self, longest: int = LONGEST) -> None:
        super().__init__()
        self.longest = longest

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else without_middle(printable(value), self.longest)


class Table(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {str: Text(), datetime: Moment(), int: Integer()}  # noqa: RUF012

    def content(self) -> dict[str, Any]:
        """The values of a row, without keys that another database would number otherwise."""
        keys = {c.name for c in self.__table__.columns if c.name == "id" or c.foreign_keys}
        return {c.name: getattr(self, c.name) for c in self.__table__.columns if c.name not in keys}


Key = BigInteger().with_variant(Integer(), "sqlite")


def key() -> Any:
    return mapped_column(Key, primary_key=True)


def to(table: str, **options: Any) -> Any:
    """A reference to a row, with which this one is deleted."""
    return mapped_column(Key, ForeignKey(f"{table}.id", ondelete="CASCADE"), **options)


class Schedule(Table):
    """A schedule of an endpoint."""

    __tablename__ = "schedules"
    __table_args__ = (UniqueConstraint("endpoint", "name"),)

    id: Mapped[int] = key()
    endpoint: Mapped[str]
    variant: Mapped[str]
    name: Mapped[str]
    monitor: Mapped[str]


class Execution(Table):
    """What came of a schedule on a window, by its newest report.

    ``judged``: rows that were looked at, None if it did not come to that; ``rejected`` and ``unusable`` were set aside.
    ``digest`` is the SHA-256 of ``execution.json``.
    """

    __tablename__ = "executions"
    __table_args__ = (UniqueConstraint("schedule_id", "window_start", "window_end"), Index(None, "window_start"))

    id: Mapped[int] = key()
    schedule_id: Mapped[int] = to("schedules")
    window_start: Mapped[datetime]
    window_end: Mapped[datetime]
    status: Mapped[str]
    reason: Mapped[str]
    records: Mapped[int] = mapped_column(BigInteger)
    duplicates: Mapped[int] = mapped_column(BigInteger)
    rejected: Mapped[int] = mapped_column(BigInteger)
    judged: Mapped[int | None] = mapped_column(BigInteger)
    unusable: Mapped[int] = mapped_column(BigInteger)
    violations: Mapped[int]
    undefined: Mapped[int]
    label_state: Mapped[str | None]  # pending, provisional, final; None where none are needed
    label_coverage: Mapped[float | None]
    labels_as_of: Mapped[datetime | None]  # how far label files had come
    baseline: Mapped[str | None]  # the version, or the address of a file that the schedule names
    report: Mapped[str]  # the address of its folder
    digest: Mapped[str]

    schedule: Mapped[Schedule] = relationship()


class Verdict(Table):
    """What was found on a window by how far its labels had come; each stays when a later one replaces it."""

    __tablename__ = "verdicts"

    execution_id: Mapped[int] = to("executions", primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)  # the name of its folder
    labels_as_of: Mapped[datetime | None]
    label_state: Mapped[str | None]
    label_coverage: Mapped[float | None]
    status: Mapped[str]
    reason: Mapped[str]
    violations: Mapped[int]


class Metric(Table):
    """A number of a window, with its interval, and what it was compared with.

    ``segment`` is a JSON object, None for all rows. ``series`` numbers the metric's name, column and segment
    (``series_of``), so that one index finds a metric over windows however long its names are.
    """

    __tablename__ = "metrics"
    __table_args__ = (Index(None, "schedule_id", "series", "window_start"),)

    execution_id: Mapped[int] = to("executions", primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = to("schedules")
    window_start: Mapped[datetime]  # of the execution, as is the end: charts need no join
    window_end: Mapped[datetime]
    series: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    column_name: Mapped[str | None]
    segment: Mapped[str | None]
    value: Mapped[float | None]
    low: Mapped[float | None]  # of the 95 % interval
    high: Mapped[float | None]
    row_count: Mapped[int | None] = mapped_column(BigInteger)
    threshold_low: Mapped[float | None]
    threshold_high: Mapped[float | None]
    noise_floor: Mapped[float | None]
    outcome: Mapped[str | None]  # of the finding on it: holds, violated, undefined; None if nothing was asked
    reason: Mapped[str | None]  # why there is no value


class Finding(Table):
    """What came of a constraint on a window."""

    __tablename__ = "findings"

    execution_id: Mapped[int] = to("executions", primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    check_name: Mapped[str]
    measure: Mapped[str]
    column_name: Mapped[str | None]
    segment: Mapped[str | None]
    outcome: Mapped[str]
    observed: Mapped[float | None]
    threshold_low: Mapped[float | None]
    threshold_high: Mapped[float | None]
    noise_floor: Mapped[float | None]
    distance: Mapped[str | None]  # the name of the distance that was measured
    reason: Mapped[str]


class Baseline(Table):
    """A version of a schedule's baseline, and what was decided about it."""

    __tablename__ = "baselines"
    __table_args__ = (UniqueConstraint("schedule_id", "version"),)

    id: Mapped[int] = key()
    schedule_id: Mapped[int] = to("schedules")
    version: Mapped[str]
    created: Mapped[datetime | None]
    judged: Mapped[int | None] = mapped_column(BigInteger)  # rows that it was learned from
    state: Mapped[str]  # proposed, approved, rejected
    automatic: Mapped[bool | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    why: Mapped[str | None]
    in_force: Mapped[bool]


class Outcome(Table):
    """What a window means for people: its kind of ``trouble``, "" if all is well. Incidents follow from these rows.

    ``subjects`` is a JSON list of columns and metrics; ``severity`` 0 (info) to 2 (critical).
    """

    __tablename__ = "outcomes"
    __table_args__ = (Index(None, "endpoint", "variant", "window_end"),)

    endpoint: Mapped[str] = mapped_column(Text(LONGEST_KEY), primary_key=True)
    variant: Mapped[str] = mapped_column(Text(LONGEST_KEY), primary_key=True)
    schedule: Mapped[str] = mapped_column(Text(LONGEST_KEY), primary_key=True)
    window_end: Mapped[datetime] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    trouble: Mapped[str]
    cause: Mapped[str]
    subjects: Mapped[str] = mapped_column(String)
    severity: Mapped[int]


class Incident(Table):
    """One cause that a person is told of: it opens, stays and closes.

    ``kind``: violations, no_data, labels_pending, failed, stale_baseline. ``cause`` is the same for the same cause.
    ``schedules`` and ``subjects`` are JSON lists of names; ``schedule`` is the one that opened it. ``since`` is the
    start of the first bad window; ``opened``, ``last`` and ``closed`` are ends of windows.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        Index(None, "endpoint", "variant", "opened"),
        Index(
            "ix_incidents_open",
            "endpoint",
            sqlite_where=text("closed IS NULL"),
            postgresql_where=text("closed IS NULL"),
        ),
    )

    id: Mapped[int] = key()
    endpoint: Mapped[str]
    variant: Mapped[str]
    kind: Mapped[str]
    cause: Mapped[str] = mapped_column(Text(LONGEST_KEY))
    severity: Mapped[str]
    owner: Mapped[str | None]
    schedule: Mapped[str]
    schedules: Mapped[str] = mapped_column(String)
    subjects: Mapped[str] = mapped_column(String)
    since: Mapped[datetime]
    opened: Mapped[datetime]
    last: Mapped[datetime]
    closed: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    muted: Mapped[bool]


class Transition(Table):
    """A step in an incident's life: opened, joined, escalated, closed, snoozed, muted. ``told``: a message was due,
    which is ``message``, a JSON object."""

    __tablename__ = "transitions"

    id: Mapped[int] = key()
    incident_id: Mapped[int] = to("incidents", index=True)
    kind: Mapped[str]
    severity: Mapped[str]
    window_start: Mapped[datetime | None]
    window_end: Mapped[datetime | None]
    at: Mapped[datetime]
    made_by: Mapped[str]
    sentence: Mapped[str]
    told: Mapped[bool]
    message: Mapped[str | None] = mapped_column(String)

    incident: Mapped[Incident] = relationship()


class Delivery(Table):
    """A message about a transition to one destination: a connection's id or a URL's name, never a secret.

    ``state``: waiting, sending, sent, dropped. ``next_at`` is when a waiting one is due, and until when a worker that
    sends has time.
    """

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("transition_id", "destination"), Index(None, "state", "next_at"))

    id: Mapped[int] = key()
    transition_id: Mapped[int] = to("transitions")
    destination: Mapped[str] = mapped_column(Text(LONGEST_KEY))
    state: Mapped[str]
    attempts: Mapped[int]
    next_at: Mapped[datetime | None]
    error: Mapped[str | None]

    transition: Mapped[Transition] = relationship()
