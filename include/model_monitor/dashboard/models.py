"""Which of my models are ill, now? One row for each endpoint, the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from model_monitor.config import Endpoint
from model_monitor.config.alerts import SEVERITIES
from model_monitor.dashboard.health import (
    ILL,
    WORDS,
    WORST_FIRST,
    Condition,
    Health,
    Tick,
    condition,
    condition_of,
    spans_of,
    tick_of,
    worst,
)
from model_monitor.dashboard.owners import Owners
from model_monitor.dashboard.page import Name, Number, Shown
from model_monitor.dashboard.visit import Visit, open_for_reading
from model_monitor.history import queries

MONITORS = ("data_quality", "model_quality", "bias", "attribution", "traffic")  # each endpoint should have them
WINDOWS = 20  # of a strip
MOST = 100  # rows of a page


class Monitor(Shown):
    """How a kind of monitor is on an endpoint: the worst of its schedules."""

    monitor: str
    schedule: str | None
    condition: Condition


class Model(Shown):
    """An endpoint at a glance.

    ``strip`` are the last windows of ``schedule``, the worst one. ``traffic``: records of each of the last windows of
    one schedule; ``coverage``: the share of its requests with a label.
    """

    endpoint: str
    variant: str
    owner: str | None
    tags: tuple[str, ...]
    risk: str
    condition: Condition
    monitors: tuple[Monitor, ...]
    schedule: str | None
    strip: tuple[Tick, ...]
    open_alerts: int
    severity: str | None
    sentence: str | None
    traffic: tuple[int, ...]
    coverage: tuple[float | None, ...]
    baseline_created: datetime | None
    baseline_age_days: int | None
    remembered: bool


class Models(Shown):
    """The endpoints that were asked for, those of one page; how many there are in each state, and what they can be
    filtered by. ``fitting``: how many were asked for; ``next`` is the number of the next page, None at the end."""

    models: tuple[Model, ...]
    fitting: int
    page: int
    next: int | None
    total: int
    ill: int
    counts: dict[str, int]
    columns: tuple[str, ...]
    owners: tuple[str, ...]
    tags: tuple[str, ...]
    owner: str
    tag: str
    state: str


@dataclass
class Seen:
    """What the history has of a schedule."""

    rows: list[Mapping[Any, Any]] = field(default_factory=list)
    baseline: datetime | None = None


@dataclass
class Known:
    """What a history has of all schedules and endpoints that the viewer may read."""

    schedules: dict[tuple[str, str], Seen]  # by endpoint and name
    alerts: dict[tuple[str, str], list[Mapping[Any, Any]]]  # by endpoint and variant; the worst first


def models(
    visit: Visit, owner: Name = "", tag: Name = "", state: Name = "", page: Number = 1, limit: Number = MOST
) -> Models:
    """All endpoints that a viewer may read, or those of an owner, with a tag, in a state; ``limit`` on a page."""
    rows = sorted(everything(visit), key=urgency)
    chosen = [
        model
        for model in rows
        if owner in ("", model.owner) and (not tag or tag in model.tags) and state in ("", model.condition.health)
    ]
    kinds = {monitor.monitor for model in rows for monitor in model.monitors}
    return Models(
        models=tuple(chosen[(page - 1) * limit : page * limit]),
        fitting=len(chosen),
        page=page,
        next=page + 1 if len(chosen) > page * limit else None,
        total=len(rows),
        ill=sum(model.condition.health in ILL for model in rows),
        counts={h: n for h in WORDS if (n := sum(m.condition.health == h for m in rows))},
        columns=(*MONITORS, *sorted(kinds - {*MONITORS})),
        owners=tuple(sorted({model.owner for model in rows if model.owner})),
        tags=tuple(sorted({tag for model in rows for tag in model.tags})),
        owner=owner,
        tag=tag,
        state=state,
    )


def everything(visit: Visit) -> Iterable[Model]:
    owners = Owners()
    for history, endpoints in visit.groups:
        known = known_of(visit, history)
        for endpoint in endpoints:
            yield model_of(visit, endpoint, known, owners, remembered=history is not None)


def known_of(visit: Visit, history: Any) -> Known:
    """What a history has of what a viewer may read."""
    known = Known({}, {})
    with open_for_reading(history) as session:
        if session is None:
            return known
        named = {row["id"]: row for row in queries.schedules(session) if row["name"] in visit.schedules}
        seen = {key: Seen() for key in named}
        for window in queries.strips(session, list(named), WINDOWS):
            seen[window["schedule_id"]].rows.append(window)
        for baseline in queries.baselines_in_force(session, list(named)):
            seen[baseline["schedule_id"]].baseline = baseline["created"]
        known.schedules = {(named[key]["endpoint"], named[key]["name"]): entry for key, entry in seen.items()}
        for alert in readable_alerts(visit, queries.open_alerts(session)):
            known.alerts.setdefault((alert["endpoint"], alert["variant"]), []).append(alert)
    return known


def readable_alerts(visit: Visit, rows: Iterable[Mapping[Any, Any]]) -> list[Mapping[Any, Any]]:
    """The alerts all of whose schedules a viewer may read: their sentences may name any of them."""
    return [row for row in rows if visit.may_read_all(queries.schedules_in(row))]


def model_of(visit: Visit, endpoint: Endpoint, known: Known, owners: Owners, remembered: bool) -> Model:
    """An endpoint's row."""
    alerts = known.alerts.get((endpoint.endpoint, endpoint.variant), [])
    seen = {s.name: known.schedules.get((endpoint.endpoint, s.name), Seen()) for s in endpoint.schedules}
    conditions = {
        name: condition_of(spans_of(entry.rows), [row for row in alerts if name in queries.schedules_in(row)])
        for name, entry in seen.items()
    }
    overall = worst([(entry.health, entry.since) for entry in conditions.values()])
    worst_name = min(conditions, key=lambda name: rank(conditions[name].health))
    created = min((entry.baseline for entry in seen.values() if entry.baseline), default=None)
    return Model(
        endpoint=endpoint.endpoint,
        variant=endpoint.variant,
        owner=owners.owner(endpoint),
        tags=endpoint.tags,
        risk=owners.risk(endpoint),
        condition=overall,
        monitors=tuple(monitors_of(endpoint, conditions)),
        schedule=worst_name,
        strip=tuple(map(tick_of, seen[worst_name].rows)),
        open_alerts=len(alerts),
        severity=alerts[0]["severity"] if alerts else None,
        sentence=(alerts[0]["sentence"] or alerts[0]["cause"]) if alerts else None,
        traffic=traffic_of(seen.values()),
        coverage=coverage_of(seen.values()),
        baseline_created=created,
        baseline_age_days=(visit.now - created).days if created else None,
        remembered=remembered,
    )


def monitors_of(endpoint: Endpoint, conditions: Mapping[str, Condition]) -> Iterable[Monitor]:
    """Each kind of monitor with the worst of its schedules; the usual five also where an endpoint lacks them."""
    kinds: dict[str, list[str]] = {name: [] for name in MONITORS}
    for schedule in endpoint.schedules:
        kinds.setdefault(schedule.monitor.replace("-", "_"), []).append(schedule.name)
    for monitor, names in kinds.items():
        worst_name = min(names, key=lambda name: rank(conditions[name].health), default=None)
        yield Monitor(
            monitor=monitor,
            schedule=worst_name,
            condition=conditions[worst_name] if worst_name else condition("none", None),
        )


def traffic_of(seen: Iterable[Seen]) -> tuple[int, ...]:
    """Records of the last windows, of the schedule with the most of them."""
    longest = max((entry.rows for entry in seen), key=len, default=[])
    return tuple(row["records"] for row in longest)


def coverage_of(seen: Iterable[Seen]) -> tuple[float | None, ...]:
    """Shares of requests with a label, of the schedule with the most windows that need labels."""
    labelled = [tuple(row["label_coverage"] for row in entry.rows if row["label_state"]) for entry in seen]
    return max(labelled, key=len, default=())


def rank(health: Health) -> int:
    return WORST_FIRST.index(health)


def urgency(model: Model) -> tuple[Any, ...]:
    """By what the rows are sorted: state, severity of the worst alert, risk, and for how long."""
    severity = SEVERITIES.index(model.severity) if model.severity in SEVERITIES else -1
    since = model.condition.since.timestamp() if model.condition.since else 0.0
    return rank(model.condition.health), -severity, -SEVERITIES.index(model.risk), since, model.endpoint, model.variant
