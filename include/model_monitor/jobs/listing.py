"""What is open, and which messages wait, for what?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from model_monitor.config.alerts import Destination
from model_monitor.config.endpoint import Endpoint
from model_monitor.core.window import iso
from model_monitor.history import incidents, queries
from model_monitor.history.incidents import SENDING, Place, Session
from model_monitor.history.tables import Delivery
from model_monitor.jobs.acts import history_of


def listed(endpoint: Endpoint) -> Iterator[str]:
    """The open incidents, the worst first, and the messages that wait: some lines for each. Raises ConfigError."""
    history, place = history_of(endpoint)
    with history.reading() as session:
        now = incidents.clock(session)
        for row in queries.open_alerts(session, place.endpoint):
            if row["variant"] == place.variant:
                yield from incident_lines(session, place, row, now)
        ahead = set[tuple[int, str]]()  # incidents and destinations with an earlier message
        for delivery in incidents.waiting(session, place):
            way = delivery.transition.incident_id, delivery.destination
            yield message_line(delivery, now, is_behind=way in ahead)
            ahead.add(way)


def incident_lines(session: Session, place: Place, row: Mapping[Any, Any], now: datetime) -> Iterator[str]:
    """An incident: what is wrong, with whom, what a person did about it last, and where to look."""
    schedules = json.loads(row["schedules"])
    is_snoozed = row["snoozed_until"] and row["snoozed_until"] > now
    marks = f", snoozed until {iso(row['snoozed_until'])}" if is_snoozed else ""
    marks += ", muted" if row["muted"] else ""
    owner = f", {row['owner']}" if row["owner"] else ""
    yield f"#{row['id']} {row['severity']} {row['kind']}{owner}, since {iso(row['since'])}{marks}"
    yield f"    {row['sentence'] or row['cause']}"
    yield f"    schedules: {', '.join(schedules)}"
    if row["last_transition"] in ("snoozed", "muted"):
        yield f"    {row['made_by']}, {iso(row['last_transition_at'])}: {row['last_sentence']}"
    for report in incidents.reports(session, place, schedules, row["last"]):
        yield f"    report: {report}"


def message_line(delivery: Delivery, now: datetime, is_behind: bool) -> str:
    """A message that was not sent: about what, how long it waits, and why."""
    step, who = delivery.transition, Destination.of(delivery.destination)
    about = f"message '{step.kind}' of #{step.incident_id} to {who}"
    return f"{about}, {delivery.state} for {duration(now - step.at)}: {why_waiting(delivery, now, is_behind)}"


def why_waiting(delivery: Delivery, now: datetime, is_behind: bool) -> str:
    times = "once" if delivery.attempts == 1 else f"{delivery.attempts} times"
    due = f", again from {iso(delivery.next_at)} on" if delivery.next_at else ""
    if delivery.state == SENDING:
        return "a worker sends it now"
    if delivery.error:
        return f"tried {times}{due}: {delivery.error}"
    if is_behind:
        return "behind an earlier one of its incident"
    if delivery.next_at and delivery.next_at > now:
        return f"quiet hours, until {iso(delivery.next_at)}"
    return "not tried yet; the DAG deliveries sends it"


def duration(time: timedelta) -> str:
    """A length of time in its largest unit, rounded down.

    >>> [duration(timedelta(minutes=m)) for m in (0, 59, 60, 3000)]
    ['0 min', '59 min', '1 h', '2 days']
    """
    minutes = max(int(time.total_seconds()), 0) // 60
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
