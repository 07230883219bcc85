"""What has run, and what came of it? The windows of all schedules, the newest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from model_monitor.dashboard.health import OF_STATUS, WORDS, Health, health_of
from model_monitor.dashboard.page import Moment, Name, Number, Shown
from model_monitor.dashboard.visit import Visit, open_for_reading
from model_monitor.history import overviews, queries

MOST = 100  # rows of a page


class Row(Shown):
    """An execution. ``judged``: rows that were looked at; None if it did not come to that."""

    endpoint: str
    schedule: str
    monitor: str
    start: datetime
    end: datetime
    health: Health
    words: str
    status: str
    reason: str
    records: int
    judged: int | None
    violations: int
    undefined: int
    label_state: str | None
    label_coverage: float | None


class Executions(Shown):
    """Windows that start before ``before``; ``older`` is the number of the next page, None at the end."""

    rows: tuple[Row, ...]
    endpoint: str
    schedule: str
    status: str
    before: datetime | None
    page: int
    older: int | None
    endpoints: tuple[str, ...]
    schedules: tuple[str, ...]
    statuses: dict[str, str]


def executions(
    visit: Visit,
    endpoint: Name = "",
    schedule: Name = "",
    status: Name = "",
    before: Moment | None = None,
    page: Number = 1,
) -> Executions:
    """The newest windows, or those of an endpoint, of a schedule, in a state, before a moment."""
    newest = rows_of(visit, endpoint, schedule, status, before, page * MOST + 1)
    listed = sorted(newest, key=lambda row: (row.start, row.end, row.schedule), reverse=True)
    chosen = [e for e in visit.endpoints if endpoint in ("", e.endpoint)]
    return Executions(
        rows=tuple(listed[(page - 1) * MOST : page * MOST]),
        endpoint=endpoint,
        schedule=schedule,
        status=status,
        before=before,
        page=page,
        older=page + 1 if len(listed) > page * MOST else None,
        endpoints=tuple(sorted({e.endpoint for e in visit.endpoints})),
        schedules=tuple(sorted(s.name for e in chosen for s in e.schedules)),
        statuses={health: WORDS[health] for health in OF_STATUS.values()},
    )


def rows_of(
    visit: Visit, endpoint: str, schedule: str, status: str, before: datetime | None, limit: int
) -> Iterator[Row]:
    statuses = [name for name, health in OF_STATUS.items() if health == status]
    if status and not statuses:
        return
    for history, _ in visit.groups:
        with open_for_reading(history) as session:
            if session is None:
                continue
            named = {
                row["id"]: row
                for row in queries.schedules(session)
                if row["name"] in visit.schedules
                and endpoint in ("", row["endpoint"])
                and schedule in ("", row["name"])
            }
            for row in overviews.executions(session, list(named), statuses, before, limit):
                yield row_of(row, named[row["schedule_id"]])


def row_of(row: Mapping[Any, Any], schedule: Mapping[Any, Any]) -> Row:
    health = health_of(row["status"])
    return Row(
        endpoint=schedule["endpoint"],
        schedule=schedule["name"],
        monitor=schedule["monitor"],
        start=row["window_start"],
        end=row["window_end"],
        health=health,
        words=WORDS[health],
        **{name: row[name] for name in ("status", "reason", "records", "judged", "violations", "undefined")},
        label_state=row["label_state"],
        label_coverage=row["label_coverage"],
    )
