"""What are people told of an incident? Whatever differs from what they were told before."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from model_monitor.alerts import machine
from model_monitor.alerts.machine import SEVERITIES
from model_monitor.alerts.messages import Message
from model_monitor.alerts.news import News, message_about
from model_monitor.core.window import Window, iso
from model_monitor.history import incidents as kept
from model_monitor.history.incidents import WAITING, Session
from model_monitor.history.tables import Delivery, Incident, Transition

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_monitor.config.alerts import QuietHours, Rule

EVENTS = ("opened", "escalated", "closed")
DAY = timedelta(days=1)


def tell(
    session: Session,
    row: Incident,
    incident: machine.Incident | None,
    news: News,
    rules: Callable[[str, str], Rule],
    now: datetime,
) -> None:
    """Write down a message to everyone concerned, if there is something to tell them.

    ``incident`` is None if there is none any more: what people were told was not so.
    """
    if row.muted or (row.snoozed_until and row.snoozed_until > now):
        return
    steps = kept.transitions_of(session, row)
    told = next((step for step in reversed(steps) if step.told and step.kind in EVENTS), None)
    to = sorted({d.text for schedule in json.loads(row.schedules) for d in rules(schedule, row.kind).to})
    event = due(row, told, news.window)
    step = told if event is None and told and told.kind == "opened" and has_joined(steps, news) else None
    if event is not None and to:
        step = step_of(session, row, steps, event, news, now)
        step.message = json.dumps(message_of(row, incident, event, news))
        if event == "closed" or news.found or not step.sentence:  # else it has the numbers of the window that had them
            step.sentence = json.loads(step.message)["sentence"]
        step.told = True
        for other in steps:
            other.told = other.told or (event == "opened" and other.kind == "closed" and row.closed == other.window_end)
    if step is None:
        return
    known = {delivery.destination for delivery in kept.deliveries_of(session, step)}
    waits = quiet_until(news.quiet, row.severity, now)
    for destination in to:
        if destination not in known:
            session.add(
                Delivery(
                    transition_id=step.id, destination=destination, state=WAITING, attempts=0, next_at=waits, error=None
                )
            )
    session.flush()


def due(row: Incident, told: Transition | None, window: Window) -> str | None:
    """What people have to be told; None if they know it. An incident that was over before anyone was told is only told
    of by one of its own windows, which was judged again."""
    is_open = row.closed is None
    if told is None or told.kind == "closed":
        was_own = told is None and row.since <= window.start and window.end <= row.last
        return "opened" if is_open or was_own else None
    if not is_open:
        return "closed"
    return "escalated" if SEVERITIES.index(row.severity) > SEVERITIES.index(told.severity) else None


def has_joined(steps: list[Transition], news: News) -> bool:
    """Whether a schedule, which may tell others, joined with this window."""
    window = news.window
    return any((s.kind, s.window_start, s.window_end) == ("joined", window.start, window.end) for s in steps)


def step_of(
    session: Session, row: Incident, steps: list[Transition], event: str, news: News, now: datetime
) -> Transition:
    """The transition to tell: the latest of its kind that was not told, or a new one."""
    found = next((step for step in reversed(steps) if step.kind == event and not step.told), None)
    if found is None:
        found = Transition(
            incident_id=row.id,
            kind=event,
            window_start=news.window.start,
            window_end=news.window.end,
            at=now,
            made_by="model-monitor",
        )
        session.add(found)
    found.severity, found.sentence, found.told = row.severity, found.sentence or "", False
    session.flush()
    return found


def message_of(row: Incident, incident: machine.Incident | None, event: str, news: News) -> Message:
    """The message of an event. Of an incident that is no more it says so; of one that is over already, since when."""
    message = message_about(news, event, incident or machine_incident(row), name_of(row))
    if incident is None:
        message["sentence"] += " Judged again, its windows are as they should be."
    elif event == "opened" and row.closed is not None:
        message["sentence"] += " It is over by now."
    return message


def machine_incident(row: Incident) -> machine.Incident:
    """What a row still knows of an incident."""
    span, schedules = Window(row.since, row.last), frozenset(json.loads(row.schedules))
    subjects, severity = frozenset(json.loads(row.subjects)), SEVERITIES.index(row.severity)
    return machine.Incident(row.kind, row.cause, span, span, severity, subjects, schedules, frozenset())


def name_of(row: Incident) -> str:
    """What an incident is called in messages; the same in every database."""
    return f"{row.endpoint}/{row.variant}/{row.schedule}/{row.kind}/{iso(row.opened)}"


def key_of(delivery: Delivery) -> str:
    """What tells a message from every other one, for receivers that take each only once."""
    message = json.loads(delivery.transition.message or "{}")
    parts = message.get("incident"), message.get("event"), message.get("window"), delivery.destination
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def quiet_until(quiet: QuietHours | None, severity: str, now: datetime) -> datetime | None:
    """When a message may go out; None for now."""
    if quiet is None or (quiet.unless != "never" and SEVERITIES.index(severity) >= SEVERITIES.index(quiet.unless)):
        return None
    local = now.astimezone(quiet.zone)
    for day in (local.date() - DAY, local.date()):
        start = datetime.combine(day, quiet.start, quiet.zone)
        end = datetime.combine(day if quiet.end > quiet.start else day + DAY, quiet.end, quiet.zone)
        if start <= local < end:
            return end.astimezone(now.tzinfo)
    return None
