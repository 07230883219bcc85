"""Which of my models are ill, now? One row for each endpoint, the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from model_monitor.dashboard.glances import WINDOWS, Glance, glances, rank
from model_monitor.dashboard.health import ILL, WORDS, Condition, Tick, condition, tick_of
from model_monitor.dashboard.page import Name, Number, Shown
from model_monitor.dashboard.visit import Visit, open_for_reading
from model_monitor.history import last_windows
from model_monitor.history.database import History

MONITORS = ("data_quality", "model_quality", "bias", "attribution", "traffic")  # each endpoint should have them
MOST = 100  # rows of a page
MOST_WAITING = 5  # baselines that are named


class Monitor(Shown):
    """How a kind of monitor is on an endpoint: the worst of its schedules."""

    monitor: str
    schedule: str | None
    condition: Condition


class Model(Shown):
    """An endpoint at a glance.

    ``strip`` are the last windows of ``schedule``, the worst one. ``traffic``: records of each of the last windows of
    one schedule; ``coverage``: the share of its requests with a label. ``waiting``: the schedules of which a version of
    the baseline waits for a decision.
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
    waiting: tuple[str, ...]
    remembered: bool


class Waiting(Shown):
    """A schedule of which a version of the baseline waits for a decision."""

    endpoint: str
    schedule: str


class Models(Shown):
    """The endpoints that were asked for, those of one page; how many there are in each state, and what they can be
    filtered by. ``fitting``: how many were asked for; ``next`` is the number of the next page, None at the end.
    ``waiting``: baselines of all endpoints that wait, the first of them; ``more_waiting``: how many more."""

    models: tuple[Model, ...]
    fitting: int
    page: int
    next: int | None
    total: int
    ill: int
    waiting: tuple[Waiting, ...]
    more_waiting: int
    counts: dict[str, int]
    columns: tuple[str, ...]
    owners: tuple[str, ...]
    tags: tuple[str, ...]
    owner: str
    tag: str
    state: str


@dataclass
class Seen:
    """What the history has of a schedule: its last windows, and when the baseline in force was made."""

    rows: list[Mapping[Any, Any]] = field(default_factory=list)
    baseline: datetime | None = None


def models(
    visit: Visit, owner: Name = "", tag: Name = "", state: Name = "", page: Number = 1, limit: Number = MOST
) -> Models:
    """All endpoints that a viewer may read, or those of an owner, with a tag, in a state; ``limit`` on a page."""
    everything = glances(visit)
    chosen = [
        one
        for one in everything
        if owner in ("", one.owner) and (not tag or tag in one.endpoint.tags) and state in ("", one.condition.health)
    ]
    waiting = [Waiting(endpoint=one.endpoint.endpoint, schedule=name) for one in everything for name in one.waiting]
    kinds = {schedule.monitor.replace("-", "_") for one in everything for schedule in one.endpoint.schedules}
    return Models(
        models=tuple(detailed(visit, chosen[(page - 1) * limit : page * limit])),
        fitting=len(chosen),
        page=page,
        next=page + 1 if len(chosen) > page * limit else None,
        total=len(everything),
        waiting=tuple(waiting[:MOST_WAITING]),
        more_waiting=max(0, len(waiting) - MOST_WAITING),
        ill=sum(one.condition.health in ILL for one in everything),
        counts={h: n for h in WORDS if (n := sum(one.condition.health == h for one in everything))},
        columns=(*MONITORS, *sorted(kinds - {*MONITORS})),
        owners=tuple(sorted({one.owner for one in everything if one.owner})),
        tags=tuple(sorted({tag for one in everything for tag in one.endpoint.tags})),
        owner=owner,
        tag=tag,
        state=state,
    )


def detailed(visit: Visit, chosen: Sequence[Glance]) -> Iterator[Model]:
    """The rows of some endpoints."""
    seen: dict[tuple[History | None, int], Seen] = {}
    for history in dict.fromkeys(glance.history for glance in chosen):
        keys = [key for glance in chosen if glance.history is history for key in glance.keys.values()]
        seen |= {(history, key): Seen() for key in keys}
        with open_for_reading(history) as session:
            if session is None:
                continue
            for window in last_windows.strips(session, keys, WINDOWS):
                seen[history, window["schedule_id"]].rows.append(window)
            for baseline in last_windows.baselines_in_force(session, keys):
                seen[history, baseline["schedule_id"]].baseline = baseline["created"]
    for glance in chosen:
        yield model_of(visit, glance, {name: seen[glance.history, key] for name, key in glance.keys.items()})


def model_of(visit: Visit, glance: Glance, seen: Mapping[str, Seen]) -> Model:
    """An endpoint's row."""
    endpoint, worst_of_all = glance.endpoint, glance.alerts[0] if glance.alerts else None
    created = min((entry.baseline for entry in seen.values() if entry.baseline), default=None)
    return Model(
        endpoint=endpoint.endpoint,
        variant=endpoint.variant,
        owner=glance.owner,
        tags=endpoint.tags,
        risk=glance.risk,
        condition=glance.condition,
        monitors=tuple(monitors_of(glance)),
        schedule=glance.schedule,
        strip=tuple(map(tick_of, seen.get(glance.schedule, Seen()).rows)),
        open_alerts=len(glance.alerts),
        severity=worst_of_all["severity"] if worst_of_all else None,
        sentence=(worst_of_all["sentence"] or worst_of_all["cause"]) if worst_of_all else None,
        traffic=traffic_of(seen.values()),
        coverage=coverage_of(seen.values()),
        baseline_created=created,
        baseline_age_days=(visit.now - created).days if created else None,
        waiting=glance.waiting,
        remembered=glance.history is not None,
    )


def monitors_of(glance: Glance) -> Iterable[Monitor]:
    """Each kind of monitor with the worst of its schedules; the usual five also where an endpoint lacks them."""
    kinds: dict[str, list[str]] = {name: [] for name in MONITORS}
    for schedule in glance.endpoint.schedules:
        kinds.setdefault(schedule.monitor.replace("-", "_"), []).append(schedule.name)
    for monitor, names in kinds.items():
        worst_name = min(names, key=lambda name: rank(glance.conditions[name].health), default=None)
        yield Monitor(
            monitor=monitor,
            schedule=worst_name,
            condition=glance.conditions[worst_name] if worst_name else condition("none", None),
        )


def traffic_of(seen: Iterable[Seen]) -> tuple[int, ...]:
    """Records of the last windows, of the schedule with the most of them."""
    longest = max((entry.rows for entry in seen), key=len, default=[])
    return tuple(row["records"] for row in longest)


def coverage_of(seen: Iterable[Seen]) -> tuple[float | None, ...]:
    """Shares of requests with a label, of the schedule with the most windows that need labels."""
    labelled = [tuple(row["label_coverage"] for row in entry.rows if row["label_state"]) for entry in seen]
    return max(labelled, key=len, default=())
