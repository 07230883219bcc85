"""Close an incident by hand: a person says that it is over."""

from __future__ import annotations

import json
from functools import partial

from model_monitor.alerts.following import replayed, same, settle
from model_monitor.alerts.machine import Incident as Computed
from model_monitor.alerts.machine import restart
from model_monitor.alerts.news import News, in_general
from model_monitor.alerts.telling import name_of, tell
from model_monitor.config import alerts_of
from model_monitor.config.endpoint import Endpoint
from model_monitor.core.window import Window, iso, moment
from model_monitor.errors import ConfigError
from model_monitor.history import incidents
from model_monitor.history.incidents import Place, Session
from model_monitor.history.tables import Incident
from model_monitor.jobs.acts import history_of
from model_monitor.jobs.people import Act, closings_of, keep, rules_of


def close(endpoint: Endpoint, number: int, by: str, at: str, why: str = "") -> str:
    """Close an open incident with the last window that was judged, and write down a message to those who were told of
    it. It is kept as a file first. Windows after it open another incident if they are bad. A line about it.

    Raises ConfigError if there is no such incident, or it is closed.
    """
    history, place = history_of(endpoint)
    with history.session() as session:
        incidents.lock(session, place)
        row = incidents.incident(session, place, number)
        if row is None:
            raise ConfigError(f"{endpoint.endpoint} has no such incident; see alerts list")
        if row.closed is not None:
            raise ConfigError(f"#{number} is closed already")
        start = restart(incidents.spans(session, place), row.opened)
        keep(endpoint, act_on(session, endpoint, row, Act(kind="close", at=at, by=by, why=why)))
        computed = replayed(session, place, rules_of(endpoint), start, closings_of(endpoint))
        pairs = settle(session, place, computed, start, moment(at), partial(in_general, place))
        found = next((incident for other, incident in pairs if other is row), None)
        if any(step.told for step in incidents.transitions_of(session, row)):
            news = news_of(endpoint, row, place, last_window(session, place, row))
            tell(session, row, found, news, rules_of(endpoint), moment(at))
        return f"#{number} closed"


def act_on(session: Session, endpoint: Endpoint, row: Incident, done: Act) -> Act:
    """The act with what it is about: the alerts that the incident has now, and the last window that they judged."""
    place = Place(row.endpoint, row.variant)
    start = restart(incidents.spans(session, place), row.opened)
    computed = replayed(session, place, rules_of(endpoint), start, closings_of(endpoint))
    found: Computed | None = next((incident for incident in computed if same(incident, [row]) is row), None)
    window = last_window(session, place, row)
    return Act(
        kind=done.kind,
        at=done.at,
        by=done.by,
        why=done.why,
        incident=name_of(row),
        trouble=row.kind,
        schedules=tuple(sorted(found.active)) if found else tuple(json.loads(row.schedules)),
        window_start=iso(window.start),
        window_end=iso(window.end),
    )


def last_window(session: Session, place: Place, row: Incident) -> Window:
    """The last window that an incident's schedules judged."""
    schedules = json.loads(row.schedules)
    found = [o for o in incidents.outcomes_from(session, place, row.opened) if o.schedule in schedules]
    start, end = max(
        ((o.window_start, o.window_end) for o in found), key=lambda w: (w[1], w[0]), default=(row.since, row.last)
    )
    return Window(start, end)


def news_of(endpoint: Endpoint, row: Incident, place: Place, window: Window) -> News:
    """What a message is about that no window brought."""
    settings = {schedule.name: alerts_of(endpoint, schedule) for schedule in endpoint.schedules}
    alerts = settings.get(row.schedule)
    about = {
        "endpoint": place.endpoint,
        "variant": place.variant,
        "schedule": row.schedule,
        "window": {"start": iso(window.start), "end": iso(window.end)},
        "status": "closed",
    }
    return News(row.schedule, window, None, about, owner=row.owner, quiet=alerts.quiet_hours if alerts else None)
