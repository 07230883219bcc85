"""Show the history in a terminal: what is open, and a column's numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from model_monitor.errors import ConfigError, printable
from model_monitor.history import queries
from model_monitor.history.tables import Metric, Schedule

Row = RowMapping

MOST = 50  # names in an error
NUMBERS = ("window", "schedule", "metric", "segment", "value", "95 % interval", "allowed", "chance", "outcome")


def alerts(session: Session, endpoint: str | None, schedule: str | None, since: datetime | None) -> list[str]:
    """The open alerts, a line each."""
    return [alert_line(row) for row in queries.open_alerts(session, endpoint) if concerns(row, schedule, since)]


def column(
    session: Session, name: str, endpoint: str | None, schedule: str | None, since: datetime | None, limit: int
) -> str:
    """A column's numbers in the newest windows, the last at the bottom."""
    found = queries.columns_of(session, name, endpoint, schedule, since, limit)
    return "\n".join(table(NUMBERS, [number_cells(row) for row in reversed(found)]))


def concerns(alert: Row, schedule: str | None, since: datetime | None) -> bool:
    """Whether an open alert is of a schedule, and was still seen since then."""
    of_it = schedule is None or schedule == alert["schedule"] or schedule in json.loads(alert["schedules"])
    return of_it and (since is None or alert["last"] >= since)


def refuse_unknown(session: Session, endpoint: str | None, schedule: str | None, column: str | None) -> None:
    """Raise ConfigError for a name that the history does not have, with those that it has."""
    keys = queries.keys_of(session, endpoint, schedule)
    columns = sa.select(Metric.column_name).where(Metric.schedule_id.in_(keys), Metric.column_name.is_not(None))
    for kind, name, known in (
        ("endpoint", endpoint, sa.select(Schedule.endpoint)),
        ("schedule", schedule, sa.select(Schedule.name).where(*[Schedule.endpoint == endpoint] * bool(endpoint))),
        ("column", column, columns),
    ):
        if name is not None and name not in (names := sorted(map(str, session.scalars(known.distinct())))):
            raise ConfigError(f"no such {kind}: {name}; the history has {', '.join(names[:MOST]) or 'none'}")


def alert_line(row: Row) -> str:
    words = row["sentence"] or row["cause"]
    if row["last_transition"] in ("snoozed", "muted"):
        words += f" ({row['last_sentence']}, by {row['made_by']})"
    return printable(f"open {row['severity']} alert of {row['endpoint']} since {minute(row['since'])}: {words}")


def number_cells(row: Row) -> list[str]:
    return [
        minute(row["window_start"]),
        row["schedule"],
        row["name"],
        row["segment"] or "",
        number(row["value"]),
        between(row["low"], row["high"]),
        between(row["threshold_low"], row["threshold_high"]),
        number(row["noise_floor"]),
        row["outcome"] or "",
    ]


def minute(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%MZ}"


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def between(low: float | None, high: float | None) -> str:
    """Both ends of an interval, one of which may be open.

    >>> between(0.8, None), between(None, None)
    ('0.8 ..', '')
    """
    return "" if low is None and high is None else f"{number(low)} .. {number(high)}".strip()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table with aligned columns; none without rows."""
    lines = [head, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines if rows else ():
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
