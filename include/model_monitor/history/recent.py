"""What came of the newest windows of each schedule? Rows of the history as JSON values, for terminals and machines.

Of a window: its counts, what it violates, what drifted (distances from the baseline, the furthest first), and the
numbers that were judged.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from model_monitor.core.distances import is_closeness
from model_monitor.core.window import iso
from model_monitor.history import queries
from model_monitor.history.tables import Baseline, Finding, Metric, Schedule

Entry = dict[str, Any]

BOUND = ("threshold_low", "threshold_high", "noise_floor", "outcome")
ABOUT_FINDING = ("check_name", "measure", "column_name", "segment", "distance", "observed", *BOUND)
ABOUT_METRIC = ("name", "column_name", "segment", "value", "low", "high", *BOUND)
RENAMED = {"check_name": "check", "column_name": "column", "name": "metric"}


def schedules(
    session: Session, endpoint: str | None, schedule: str | None, since: datetime | None, limit: int
) -> list[Entry]:
    """The schedules of an endpoint (None: of all), by name, each with its newest ``limit`` windows, the first first."""
    statement = sa.select(Schedule).where(Schedule.id.in_(queries.keys_of(session, endpoint, schedule)))
    found = session.scalars(statement.order_by(Schedule.endpoint, Schedule.name))
    return [
        {
            "endpoint": one.endpoint,
            "variant": one.variant,
            "schedule": one.name,
            "monitor": one.monitor,
            "baseline": baseline(session, one.id),
            "windows": windows(session, one, since, limit),
        }
        for one in found
    ]


def baseline(session: Session, schedule: int) -> Entry | None:
    """The version in force; None if there is none, or the schedule names files."""
    in_force = sa.select(Baseline).where(Baseline.schedule_id == schedule, Baseline.in_force)
    if (version := session.scalars(in_force).first()) is None:
        return None
    return {"version": version.version, "rows": version.judged, "metrics": []}


def windows(session: Session, schedule: Schedule, since: datetime | None, limit: int) -> list[Entry]:
    rows = queries.windows(session, schedule.endpoint, schedule.name, since, limit=limit)[::-1]
    keys = [row["id"] for row in rows]
    violated, drifted, measured = violations(session, keys), drift(session, keys), metrics(session, keys)
    return [
        window(row) | {"violated": violated[key], "drift": drifted[key], "metrics": measured[key]}
        for key, row in zip(keys, rows, strict=True)
    ]


def window(row: sa.RowMapping) -> Entry:
    labels = {"state": row["label_state"], "coverage": row["label_coverage"], "as_of": moment_of(row["labels_as_of"])}
    return {
        "start": iso(row["window_start"]),
        "end": iso(row["window_end"]),
        **{name: row[name] for name in ("status", "reason")},
        "rows": row["judged"],
        "set_aside": row["rejected"] + row["unusable"],
        **{name: row[name] for name in ("violations", "undefined", "baseline", "report")},
        "labels": labels if row["label_state"] else None,
    }


def violations(session: Session, executions: list[int]) -> dict[int, list[Entry]]:
    """The findings that windows violate, in the reports' order."""
    return findings(session, executions, Finding.outcome == "violated")


def drift(session: Session, executions: list[int]) -> dict[int, list[Entry]]:
    """The distances from the baseline that were observed in windows, the furthest first."""
    found = findings(session, executions, Finding.distance.is_not(None), Finding.observed.is_not(None))
    return defaultdict(list, {key: sorted(entries, key=nearness) for key, entries in found.items()})


def findings(session: Session, executions: list[int], *which: sa.ColumnElement[bool]) -> dict[int, list[Entry]]:
    statement = sa.select(*columns_of(Finding, ABOUT_FINDING)).where(Finding.execution_id.in_(executions), *which)
    return by_execution(session, statement.order_by(Finding.execution_id, Finding.position))


def nearness(found: Entry) -> float:
    """The smaller the further away from the baseline; distances of different kinds are compared as they are."""
    return float(found["observed"]) * (1 if is_closeness(found["distance"]) else -1)


def metrics(session: Session, executions: list[int]) -> dict[int, list[Entry]]:
    """The numbers of windows that were judged, in the reports' order; not what ``drift`` has."""
    is_of_finding = (
        sa.select(Finding.position)
        .where(Finding.execution_id == Metric.execution_id, Finding.check_name == Metric.name)
        .correlate(Metric)
        .exists()
    )
    statement = sa.select(*columns_of(Metric, ABOUT_METRIC)).where(
        Metric.execution_id.in_(executions), Metric.outcome.is_not(None), ~is_of_finding
    )
    return by_execution(session, statement.order_by(Metric.execution_id, Metric.position))


def by_execution(session: Session, statement: sa.Select[Any]) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = defaultdict(list)
    for row in session.execute(statement).mappings():
        found[row["execution_id"]].append(entry(row))
    return found


def columns_of(table: Any, names: tuple[str, ...]) -> Iterator[Any]:
    yield from (getattr(table, name) for name in ("execution_id", *names))


def entry(row: sa.RowMapping) -> Entry:
    """A row under the names that reports have, its segment as an object."""
    values = {RENAMED.get(name, name): value for name, value in row.items() if name != "execution_id"}
    return values | {"segment": segment_of(values["segment"])}


def segment_of(text: str | None) -> Entry:
    """A segment as an object; one whose text was too long for the history, as that text.

    >>> segment_of('{"country": "AT"}'), segment_of(None)
    ({'country': 'AT'}, {})
    """
    try:
        return dict(json.loads(text)) if text else {}
    except ValueError:
        return {"segment": text}


def moment_of(time: datetime | None) -> str | None:
    return iso(time) if time else None
