"""How is each endpoint, in short? By the newest window of each schedule and by open alerts; enough to sort a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from model_monitor.config import Endpoint
from model_monitor.config.alerts import SEVERITIES, Severity
from model_monitor.dashboard.health import WORST_FIRST, Condition, Health, condition_of, spans_of, worst
from model_monitor.dashboard.owners import Owners
from model_monitor.dashboard.visit import Visit, open_for_reading
from model_monitor.history import last_windows, queries
from model_monitor.history.database import History
from model_monitor.history.incidents import Session

WINDOWS = 20  # of a strip

Row = Mapping[Any, Any]
Span = tuple[Health, datetime]  # how a window was, and its start


@dataclass(frozen=True)
class Glance:
    """An endpoint with the conditions of its schedules, by name. ``keys``: its schedules in the history, by name;
    ``alerts``: those that are open, the worst first; ``waiting``: schedules whose newest baseline waits."""

    endpoint: Endpoint
    history: History | None
    keys: Mapping[str, int]
    conditions: Mapping[str, Condition]
    alerts: Sequence[Row]
    owner: str | None
    risk: Severity
    waiting: tuple[str, ...] = ()

    @cached_property
    def condition(self) -> Condition:
        return worst([(entry.health, entry.since) for entry in self.conditions.values()])

    @property
    def schedule(self) -> str:
        """The worst schedule."""
        return min(self.conditions, key=lambda name: rank(self.conditions[name].health))

    @property
    def urgency(self) -> tuple[Any, ...]:
        """By what endpoints are sorted: state, severity of the worst alert, risk, and for how long."""
        severity = self.alerts[0]["severity"] if self.alerts else None
        worse = SEVERITIES.index(severity) if severity in SEVERITIES else -1
        since = self.condition.since.timestamp() if self.condition.since else 0.0
        names = self.endpoint.endpoint, self.endpoint.variant
        return rank(self.condition.health), -worse, -SEVERITIES.index(self.risk), since, *names


def glances(visit: Visit) -> list[Glance]:
    """All endpoints that a viewer may read, the worst first."""
    owners = Owners()
    found = (glance for history, members in visit.groups for glance in glances_in(visit, history, members, owners))
    return sorted(found, key=lambda glance: glance.urgency)


def glances_in(visit: Visit, history: History | None, members: Sequence[Endpoint], owners: Owners) -> Iterator[Glance]:
    keys: dict[tuple[str, str], int] = {}
    spans: Mapping[int, Sequence[Span]] = {}
    alerts: dict[tuple[str, str], list[Row]] = {}
    waits: set[int] = set()
    with open_for_reading(history) as session:
        if session is not None:
            rows = [row for row in queries.schedules(session) if row["name"] in visit.schedules]
            keys = {(row["endpoint"], row["name"]): row["id"] for row in rows}
            spans = spans_at_end(session, list(keys.values()))
            waits = {row["schedule_id"] for row in last_windows.baselines_that_wait(session, list(keys.values()))}
            for alert in readable_alerts(visit, queries.open_alerts(session)):
                alerts.setdefault((alert["endpoint"], alert["variant"]), []).append(alert)
    for endpoint in members:
        own = {
            s.name: keys[endpoint.endpoint, s.name] for s in endpoint.schedules if (endpoint.endpoint, s.name) in keys
        }
        about = alerts.get((endpoint.endpoint, endpoint.variant), [])
        conditions = {
            s.name: condition_of(
                spans.get(own.get(s.name, -1), ()), [row for row in about if s.name in queries.schedules_in(row)]
            )
            for s in endpoint.schedules
        }
        waiting = tuple(name for name, key in own.items() if key in waits)
        owner, risk = owners.owner(endpoint), owners.risk(endpoint)
        yield Glance(endpoint, history, own, conditions, about, owner, risk, waiting)


def spans_at_end(session: Session, keys: Sequence[int]) -> Mapping[int, Sequence[Span]]:
    """How the newest window of each schedule was; where that is not healthy also those before, as it may have begun
    there."""
    spans: dict[int, Sequence[Span]] = {
        row["schedule_id"]: spans_of([row]) for row in last_windows.newest(session, keys)
    }
    unwell: dict[int, list[Row]] = {key: [] for key, windows in spans.items() if windows[-1][0] != "healthy"}
    for row in last_windows.strips(session, list(unwell), WINDOWS):
        unwell[row["schedule_id"]].append(row)
    return spans | {key: spans_of(rows) for key, rows in unwell.items()}


def readable_alerts(visit: Visit, rows: Iterable[Row]) -> list[Row]:
    """The alerts all of whose schedules a viewer may read: their sentences may name any of them."""
    return [row for row in rows if visit.may_read_all(queries.schedules_in(row))]


def rank(health: Health) -> int:
    return WORST_FIRST.index(health)
