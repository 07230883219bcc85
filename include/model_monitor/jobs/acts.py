"""What people do about incidents: snooze, mute, and test whether messages arrive."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from model_monitor.alerts.telling import name_of
from model_monitor.config import alerts_of
from model_monitor.config.alerts import Destination
from model_monitor.config.endpoint import Endpoint
from model_monitor.core.window import Window, iso, moment
from model_monitor.errors import ConfigError
from model_monitor.history import incidents
from model_monitor.history.database import History
from model_monitor.history.incidents import TEST, WAITING, Place, Session
from model_monitor.history.places import NOTHING, why_none
from model_monitor.history.tables import Delivery, Incident, Transition
from model_monitor.jobs.people import Act, keep

TESTED = timedelta(hours=1)  # the window that a test is about


def history_of(endpoint: Endpoint) -> tuple[History, Place]:
    """Where an endpoint's incidents are; it makes no database. Raises ConfigError if nothing is recorded there."""
    history = History.of(endpoint)
    if history is None:
        raise ConfigError(why_none(endpoint) or "")
    if history.revision is None:
        raise ConfigError(f"{history.name}: {NOTHING}")
    return history, Place(endpoint.endpoint, endpoint.variant)


def act(endpoint: Endpoint, done: Act, number: int | None = None) -> list[str]:
    """Do what a person asks, of one incident or of all open ones; a line for each. It is kept as a file first.

    Raises ConfigError if there is no such incident.
    """
    history, place = history_of(endpoint)
    with history.session() as session:
        incidents.lock(session, place)
        chosen = [incidents.incident(session, place, number)] if number else incidents.open_incidents(session, place)
        rows = [row for row in chosen if row is not None]
        if not rows and (number or done.kind == "snooze"):
            raise ConfigError(f"{endpoint.endpoint} has no {'such' if number else 'open'} incident; see alerts list")
        if done.kind == "mute":
            keep(endpoint, done)
            what = " of ".join(filter(None, [done.check, done.column]))
            noted = [f"#{row.id} muted" for row in rows if apply(session, row, done)]
            return noted or [f"the mute of {what} is recorded; no open incident is about it alone"]
        for row in rows:
            named = Act(kind=done.kind, at=done.at, by=done.by, incident=name_of(row), until=done.until, why=done.why)
            keep(endpoint, named)
            apply(session, row, named)
        return [f"#{row.id} snoozed until {done.until}" for row in rows]


def apply(session: Session, row: Incident, done: Act) -> bool:
    """Note an act on an incident; whether it is about it. The same act twice is one."""
    if done.kind == "snooze" and name_of(row) == done.incident:
        row.snoozed_until = moment(done.until)
        words = f"snoozed until {done.until}"
    elif done.kind == "mute" and not done.check and set(json.loads(row.subjects)) == {done.column}:
        row.muted = True
        words = f"muted: {done.column}"
    else:
        return False
    kind, at = f"{done.kind}d", moment(done.at)
    if all((step.kind, step.at) != (kind, at) for step in incidents.transitions_of(session, row)):
        sentence = words + (f": {done.why}" if done.why else "")
        step = Transition(
            incident_id=row.id,
            kind=kind,
            severity=row.severity,
            window_start=None,
            window_end=None,
            at=at,
            made_by=done.by,
            sentence=sentence,
            told=False,
        )
        session.add(step)
    return True


def ask_for_test(endpoint: Endpoint, by: str, now: datetime | None = None) -> list[int]:
    """Write down a marked message to everyone who may be told; the numbers of these deliveries.

    Raises ConfigError if nobody is told.
    """
    to = sorted({d.text for schedule in endpoint.schedules for d in alerts_of(endpoint, schedule).destinations})
    if not to:
        raise ConfigError(f"nobody is told of {endpoint.endpoint}; set alerts: {{to: [...]}}")
    history, place = history_of(endpoint)
    with history.session() as session:
        present = now or incidents.clock(session)
        row = trial_incident(endpoint, place, present)
        session.add(row)
        session.flush()
        message = trial_message(endpoint, row, by, Window(present - TESTED, present))
        step = Transition(
            incident_id=row.id,
            kind=TEST,
            severity="info",
            at=present,
            made_by=by,
            sentence=message["sentence"],
            told=True,
            message=json.dumps(message),
        )
        session.add(step)
        session.flush()
        deliveries = [
            Delivery(transition_id=step.id, destination=text, state=WAITING, attempts=0, next_at=None, error=None)
            for text in to
        ]
        session.add_all(deliveries)
        session.flush()
        return [delivery.id for delivery in deliveries]


def trial_incident(endpoint: Endpoint, place: Place, now: datetime) -> Incident:
    """What a test is about: an incident that was over as it opened."""
    names = [schedule.name for schedule in endpoint.schedules]
    return Incident(
        **place._asdict(),
        kind=TEST,
        cause=TEST,
        severity="info",
        schedule=names[0],
        schedules=json.dumps(names),
        subjects="[]",
        since=now,
        opened=now,
        last=now,
        closed=now,
        muted=False,
    )


def trial_message(endpoint: Endpoint, row: Incident, by: str, window: Window) -> dict[str, object]:
    return {
        "version": 1,
        "event": TEST,
        "sentence": f"{endpoint.endpoint}: this is a test by {by}. If you read this, alerts arrive here.",
        "severity": "info",
        "kind": TEST,
        "cause": TEST,
        "endpoint": endpoint.endpoint,
        "variant": endpoint.variant,
        "schedule": row.schedule,
        "schedules": json.loads(row.schedules),
        "since": iso(row.since),
        "window": {"start": iso(window.start), "end": iso(window.end)},
        "status": TEST,
        "findings": [],
        "count": 0,
        "incident": name_of(row),
        "owner": None,
        "links": {},
    }


class Progress(NamedTuple):
    """How far a message is."""

    destination: Destination
    state: str
    error: str | None


def progress(endpoint: Endpoint, numbers: Sequence[int]) -> list[Progress]:
    """How far these messages are."""
    history, _ = history_of(endpoint)
    with history.reading() as session:
        found = filter(None, (session.get(Delivery, number) for number in numbers))
        return [Progress(Destination.of(one.destination), one.state, one.error) for one in found]
