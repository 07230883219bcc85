"""Which incidents are open, or were; who did what about them, and when?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from model_monitor.config import Endpoint
from model_monitor.dashboard.page import Name, Shown
from model_monitor.dashboard.visit import NoSuchPage, Visit, open_for_reading
from model_monitor.history import incidents, queries
from model_monitor.history.incidents import Place, Session

MOST = 200  # incidents on a page
State = Literal["open", "closed"]


class Step(Shown):
    """What became of an incident, or what a person did about it."""

    kind: str
    at: datetime
    by: str
    sentence: str


class Alert(Shown):
    """An incident. ``column``: what it is about, if that is one column or metric alone; ``snoozed_until`` is None if
    that is over. ``may_edit``: whether the viewer may act on it."""

    number: int
    endpoint: str
    variant: str
    severity: str
    kind: str
    cause: str
    sentence: str
    owner: str | None
    schedules: tuple[str, ...]
    subjects: tuple[str, ...]
    since: datetime
    last: datetime
    closed: datetime | None
    snoozed_until: datetime | None
    muted: bool
    steps: tuple[Step, ...]
    may_edit: bool

    @property
    def column(self) -> str:
        return self.subjects[0] if len(self.subjects) == 1 else ""


class Alerts(Shown):
    """The incidents that were asked for, ``more`` of which there are beside them; and the endpoints to choose from."""

    alerts: tuple[Alert, ...]
    more: int
    open: int
    endpoints: tuple[str, ...]
    endpoint: str
    state: State


def alerts(visit: Visit, endpoint: Name = "", state: State = "open") -> Alerts:
    """The incidents of all endpoints that a viewer may read, or of one."""
    opened = list(alerts_in(visit, "open"))
    incidents = [
        one for one in (opened if state == "open" else alerts_in(visit, "closed")) if endpoint in ("", one.endpoint)
    ]
    return Alerts(
        alerts=tuple(incidents[:MOST]),
        more=max(0, len(incidents) - MOST),
        open=len(opened),
        endpoints=tuple(sorted({known.endpoint for known in visit.endpoints})),
        endpoint=endpoint,
        state=state,
    )


def alerts_in(visit: Visit, state: State) -> Iterator[Alert]:
    """The incidents of all histories that concern only schedules that the viewer may read."""
    rows = queries.open_alerts if state == "open" else queries.closed_alerts
    for history, members in visit.groups:
        places = {(endpoint.endpoint, endpoint.variant) for endpoint in members}
        with open_for_reading(history) as session:
            if session is None:
                continue
            incidents = [
                row
                for row in rows(session)
                if visit.may_read_all(queries.schedules_in(row)) and (row["endpoint"], row["variant"]) in places
            ]
            yield from drawn(visit, session, incidents)


def drawn(visit: Visit, session: Session, rows: Sequence[Mapping[Any, Any]]) -> Iterator[Alert]:
    steps: dict[int, list[Step]] = {}
    for step in queries.steps_of(session, [row["id"] for row in rows[:MOST]]):
        one = Step(kind=step["kind"], at=step["at"], by=step["made_by"], sentence=step["sentence"])
        steps.setdefault(step["incident_id"], []).append(one)
    names = ("endpoint", "variant", "severity", "kind", "cause", "owner", "since", "last", "closed", "muted")
    for row in rows:
        schedules = tuple(queries.schedules_in(row))
        snoozed = row["snoozed_until"]
        yield Alert(
            number=row["id"],
            sentence=row["sentence"] or row["cause"],
            schedules=schedules,
            subjects=tuple(json.loads(row["subjects"])),
            snoozed_until=snoozed if snoozed and snoozed > visit.now else None,
            steps=tuple(steps.get(row["id"], ())),
            may_edit=all(map(visit.viewer.may_edit, schedules)),
            **{name: row[name] for name in names},
        )


def whole(visit: Visit, endpoint: str, variant: str) -> Endpoint:
    """An endpoint with all of its schedules, also those that the viewer may not read: what an act does depends on
    them. Raises NoSuchPage."""
    return visit.files[visit.file_of(visit.endpoint(endpoint, variant))]


def schedules_of(visit: Visit, endpoint: str, variant: str, number: int) -> list[str]:
    """The schedules of an incident. Raises NoSuchPage."""
    known = visit.endpoint(endpoint, variant)
    with visit.reading(known) as session:
        row = session and incidents.incident(session, Place(endpoint, variant), number)
        if not row:
            raise NoSuchPage(f"there is no incident {number} of {endpoint}, or you may not see it")
        return [str(name) for name in json.loads(row.schedules)]
