"""Since when is a model ill, and what of it? Its schedules, and one of them by columns and metrics over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from model_monitor.config import Endpoint as Configured
from model_monitor.dashboard.controls import Control, control_of
from model_monitor.dashboard.glances import rank, readable_alerts
from model_monitor.dashboard.health import Condition, Tick, condition_of, tick_of
from model_monitor.dashboard.owners import Owners
from model_monitor.dashboard.page import Name, Shown
from model_monitor.dashboard.visit import NoSuchPage, Visit
from model_monitor.history import last_windows, overviews, queries
from model_monitor.history.incidents import Session

WINDOWS = 60  # of the time line
COLUMNS, METRICS, ALERTS = 14, 10, 6  # at most so many rows
LEVELS = 4  # of how near an effect is to what is allowed; the last is beyond


class Schedule(Shown):
    """A schedule in a word, with its last windows."""

    name: str
    monitor: str
    cron: str | None
    condition: Condition
    ticks: tuple[Tick, ...]


class Column(Shown):
    """A column over the windows: the outcome on each ("" where it was not judged), and its effect in ``LEVELS``.

    ``segment`` is None, or the one to look at of a column that is judged in segments alone.
    """

    column: str
    segment: str | None
    outcomes: tuple[str, ...]
    levels: tuple[int, ...]
    violated: int
    since: datetime | None


class Metric(Shown):
    """A number over the windows, with what the newest one is compared with."""

    name: str
    column: str | None
    segment: str | None
    values: tuple[float | None, ...]
    outcomes: tuple[str | None, ...]
    value: float | None
    outcome: str | None
    low: float | None
    high: float | None
    noise_floor: float | None


class Alert(Shown):
    """An incident, open or closed."""

    id: int
    severity: str
    kind: str
    sentence: str
    since: datetime
    closed: datetime | None
    schedules: tuple[str, ...]


class Endpoint(Shown):
    """An endpoint with one of its schedules in detail; ``windows`` are those of its columns and metrics. ``control``:
    what the viewer may have Airflow do with that schedule."""

    endpoint: str
    variant: str
    owner: str | None
    tags: tuple[str, ...]
    risk: str
    schedules: tuple[Schedule, ...]
    schedule: str
    monitor: str
    condition: Condition
    windows: tuple[Tick, ...]
    traffic: tuple[int, ...]
    columns: tuple[Column, ...]
    metrics: tuple[Metric, ...]
    alerts: tuple[Alert, ...]
    remembered: bool
    control: Control | None


def endpoint(visit: Visit, endpoint: Name, schedule: Name = "", variant: Name = "") -> Endpoint:
    """An endpoint, and one of its schedules: the worst one if none is named."""
    known = chosen(visit, endpoint, schedule, variant)
    with visit.reading(known) as session:
        alerts = alerts_of(visit, known, session)
        listed = schedules_of(known, alerts, session)
        name = schedule or min(listed, key=lambda s: rank(s.condition.health)).name
        rows = list(reversed(queries.windows(session, known.endpoint, name, limit=WINDOWS))) if session else []
        columns = columns_of(session, rows) if session and rows else ()
        metrics = metrics_of(session, rows) if session and rows else ()
    shown = next(entry for entry in listed if entry.name == name)
    owners = Owners()
    return Endpoint(
        endpoint=known.endpoint,
        variant=known.variant,
        owner=owners.owner(known),
        tags=known.tags,
        risk=owners.risk(known),
        schedules=tuple(sorted(listed, key=lambda s: rank(s.condition.health))),
        schedule=name,
        monitor=shown.monitor,
        condition=shown.condition,
        windows=tuple(map(tick_of, rows)),
        traffic=tuple(row["records"] for row in rows),
        columns=columns,
        metrics=metrics,
        alerts=tuple(map(alert_of, alerts[:ALERTS])),
        remembered=session is not None,
        control=control_of(visit, known, known.schedule(name), rows[-1]["window_start"] if rows else None),
    )


def chosen(visit: Visit, name: str, schedule: str, variant: str) -> Configured:
    """The endpoint that has the schedule, or the variant, if one is named. Raises NoSuchPage."""
    for known in visit.endpoints:
        names = {entry.name for entry in known.schedules}
        if known.endpoint == name and variant in ("", known.variant) and (not schedule or schedule in names):
            return known
    raise NoSuchPage(f"there is no endpoint {name} with such a schedule, or you may not see it")


def alerts_of(visit: Visit, known: Configured, session: Session | None) -> list[Mapping[Any, Any]]:
    if session is None:
        return []
    return readable_alerts(visit, overviews.incidents_of(session, known.endpoint, known.variant, 10 * ALERTS))


def schedules_of(known: Configured, alerts: Sequence[Mapping[Any, Any]], session: Session | None) -> list[Schedule]:
    """The schedules of an endpoint with their last windows."""
    names = {entry.name for entry in known.schedules}
    ticks: dict[str, list[Tick]] = {name: [] for name in names}
    if session is not None:
        rows = queries.schedules(session)
        keys = {r["id"]: r["name"] for r in rows if r["endpoint"] == known.endpoint and r["name"] in names}
        for row in last_windows.strips(session, list(keys), WINDOWS):
            ticks[keys[row["schedule_id"]]].append(tick_of(row))
    open_now = [row for row in alerts if row["closed"] is None]
    return [
        Schedule(
            name=entry.name,
            monitor=entry.monitor.replace("-", "_"),
            cron=entry.timetable,
            condition=condition_of(
                [(tick.health, tick.start) for tick in ticks[entry.name]],
                [row for row in open_now if entry.name in queries.schedules_in(row)],
            ),
            ticks=tuple(ticks[entry.name]),
        )
        for entry in known.schedules
    ]


def columns_of(session: Session, rows: Sequence[Mapping[Any, Any]]) -> tuple[Column, ...]:
    """The worst columns over some windows."""
    place = {row["id"]: i for i, row in enumerate(rows)}
    names = overviews.worst_columns(session, list(place), COLUMNS)
    cells: dict[str, dict[int, tuple[str, int]]] = {name: {} for name in names}
    segments: dict[str, list[tuple[bool, bool, str]]] = {name: [] for name in names}
    for row in overviews.findings_of_columns(session, list(place), names):
        cell = row["outcome"], level_of(row)
        whole = row["segment"] is None
        segments[row["column_name"]].append((not whole, row["outcome"] != "violated", row["segment"] or ""))
        before = cells[row["column_name"]].get(place[row["execution_id"]], ("", 0))
        cells[row["column_name"]][place[row["execution_id"]]] = max(before, cell, key=weight)
    return tuple(
        column_of(name, min(segments[name])[2] or None, [cells[name].get(i, ("", 0)) for i in range(len(rows))], rows)
        for name in names
    )


def weight(cell: tuple[str, int]) -> tuple[int, int]:
    return ("", "undefined", "holds", "violated").index(cell[0]), cell[1]


def column_of(
    name: str, segment: str | None, cells: Sequence[tuple[str, int]], rows: Sequence[Mapping[Any, Any]]
) -> Column:
    outcomes = tuple(outcome for outcome, _ in cells)
    violated = [row["window_start"] for row, outcome in zip(rows, outcomes, strict=True) if outcome == "violated"]
    return Column(
        column=name,
        segment=segment,
        outcomes=outcomes,
        levels=tuple(level for _, level in cells),
        violated=len(violated),
        since=violated[0] if violated else None,
    )


def level_of(row: Mapping[Any, Any]) -> int:
    """How near a finding's effect is to what is allowed: 0 (far) to 3 (at it, or beyond)."""
    observed, high = row["observed"], row["threshold_high"]
    if row["outcome"] == "violated":
        return LEVELS - 1
    if observed is None or not high or high < 0:
        return 0
    return max(0, min(LEVELS - 2, int(observed / high * (LEVELS - 1))))


def metrics_of(session: Session, rows: Sequence[Mapping[Any, Any]]) -> tuple[Metric, ...]:
    """The numbers of the newest window that a bound is about, the violated ones first, with their course."""
    place = {row["id"]: i for i, row in enumerate(rows)}
    series: dict[int, list[Mapping[Any, Any] | None]] = {}
    for row in overviews.judged_metrics(session, list(place), rows[-1]["id"], METRICS):
        series.setdefault(row["series"], [None] * len(rows))[place[row["execution_id"]]] = row
    return tuple(map(metric_of, series.values()))


def metric_of(course: Sequence[Mapping[Any, Any] | None]) -> Metric:
    newest = next(row for row in reversed(course) if row)
    return Metric(
        name=newest["name"],
        column=newest["column_name"],
        segment=newest["segment"],
        values=tuple(row and row["value"] for row in course),
        outcomes=tuple(row and row["outcome"] for row in course),
        value=newest["value"],
        outcome=newest["outcome"],
        low=newest["threshold_low"],
        high=newest["threshold_high"],
        noise_floor=newest["noise_floor"],
    )


def alert_of(row: Mapping[Any, Any]) -> Alert:
    return Alert(
        id=row["id"],
        severity=row["severity"],
        kind=row["kind"],
        sentence=row["sentence"] or row["cause"],
        since=row["since"],
        closed=row["closed"],
        schedules=tuple(queries.schedules_in(row)),
    )
