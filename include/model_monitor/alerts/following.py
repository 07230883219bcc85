"""What changes with a window? Its outcome is remembered, incidents follow, and messages that are due are written down.

All of it is one transaction, of which an endpoint has one at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from model_monitor.alerts import machine
from model_monitor.alerts.machine import GOOD, SEVERITIES
from model_monitor.alerts.news import News, describe
from model_monitor.alerts.telling import tell
from model_monitor.core.window import Window
from model_monitor.history import incidents as kept
from model_monitor.history.incidents import Place, Session
from model_monitor.history.tables import Incident, Outcome, Transition

if TYPE_CHECKING:
    from model_monitor.config.alerts import Rule

MACHINE = "model-monitor"  # who made a transition that no person did
Rules = Callable[[str, str], "Rule"]  # of a schedule and a kind of trouble


def follow(session: Session, news: News, rules: Rules, now: datetime, closings: Sequence[machine.Closing] = ()) -> None:
    """Remember a window, bring incidents up to date, and write down what is due."""
    kept.lock(session, news.place)
    remember(session, news.place, news.schedule, news.window, news.outcome)
    session.flush()
    start = machine.restart(kept.spans(session, news.place), news.window.end)
    computed = replayed(session, news.place, rules, start, closings)
    for row, incident in settle(session, news.place, computed, start, now, partial(describe, news)):
        row.owner = news.owner if incident and news.schedule in incident.schedules else row.owner
        if news.tells and news.schedule in json.loads(row.schedules):
            tell(session, row, incident, news, rules, now)


def remember(session: Session, place: Place, schedule: str, window: Window, outcome: machine.Outcome | None) -> None:
    """Keep the outcome of a window, or forget an earlier one."""
    if outcome is None:
        kept.forget(session, place, schedule, window)
        return
    kept.put(
        session,
        Outcome(
            endpoint=place.endpoint,
            variant=place.variant,
            schedule=schedule,
            window_start=window.start,
            window_end=window.end,
            trouble=outcome.trouble,
            cause=outcome.cause,
            subjects=json.dumps(sorted(outcome.subjects)),
            severity=outcome.severity,
        ),
    )


def replayed(
    session: Session, place: Place, rules: Rules, start: datetime | None, closings: Sequence[machine.Closing] = ()
) -> list[machine.Incident]:
    """The incidents that open from a moment on."""
    rows = kept.outcomes_from(session, place, start)
    if start is not None:
        rows += earlier(session, place, rules, start, sorted({row.schedule for row in rows}))
    return machine.replay(map(outcome_in, rows), lambda schedule, kind: opening(rules(schedule, kind)), start, closings)


def earlier(session: Session, place: Place, rules: Rules, start: datetime, schedules: Sequence[str]) -> list[Outcome]:
    """As many outcomes before a moment as M of N needs."""
    rows: list[Outcome] = []
    for schedule in schedules:
        for kind, good in GOOD.items():
            rule = opening(rules(schedule, kind))
            count = max(rule.evaluation_windows, rule.closing_windows) - 1
            rows += kept.outcomes_before(session, place, schedule, start, [*good, kind], count) if count else []
    return rows


def opening(rule: Rule) -> machine.Opening:
    return machine.Opening(rule.datapoints, rule.evaluation_windows, rule.closing_windows)


def outcome_in(row: Outcome) -> machine.Outcome:
    window = Window(row.window_start, row.window_end)
    return machine.Outcome(
        row.schedule, window, row.trouble, row.cause, frozenset(json.loads(row.subjects)), row.severity
    )


Words = Callable[[machine.Incident, machine.Change], str]
Pair = tuple[Incident, machine.Incident | None]  # as it is written down, and as it is; None if it is no more


def settle(
    session: Session,
    place: Place,
    incidents: Sequence[machine.Incident],
    start: datetime | None,
    now: datetime | None,
    words: Words,
) -> list[Pair]:
    """Write incidents down. Those that were written down and are no more come last: closed, or deleted if nobody heard
    of them. ``now`` is when they changed; None for the ends of their windows."""
    rows = kept.incidents_from(session, place, start)
    pairs: list[Pair] = []
    for incident in incidents:
        row = same(incident, rows)
        if row is None:
            row = Incident(endpoint=place.endpoint, variant=place.variant, muted=False)
            session.add(row)
        else:
            rows.remove(row)
        update(session, row, incident, now, words)
        pairs.append((row, incident))
    for row in rows:
        if any(step.told for step in kept.transitions_of(session, row)):
            row.closed = row.opened
            pairs.append((row, None))
        else:
            session.delete(row)
    session.flush()
    return pairs


def same(incident: machine.Incident, rows: Sequence[Incident]) -> Incident | None:
    """The row of an incident, perhaps of when less was known of it: of its kind, a schedule and its time."""
    opened = incident.opened
    exact = [r for r in rows if (r.kind, r.opened, r.schedule) == (incident.kind, opened.end, opened.schedule)]
    alike = [
        row
        for row in rows
        if row.kind == incident.kind
        and incident.schedules & set(json.loads(row.schedules))
        and row.since < incident.last.end
        and incident.since.start < row.last
    ]
    return next(iter(exact + alike), None)


def update(session: Session, row: Incident, incident: machine.Incident, now: datetime | None, words: Words) -> None:
    """Bring a row up to date, with a transition for each change."""
    row.kind, row.cause, row.severity = incident.kind, incident.cause, SEVERITIES[incident.severity]
    row.schedule, row.schedules = incident.opened.schedule, json.dumps(sorted(incident.schedules))
    row.subjects = json.dumps(sorted(incident.subjects))
    row.since, row.opened, row.last = incident.since.start, incident.opened.end, incident.last.end
    row.closed = incident.closed.end if incident.closed else None
    session.flush()
    steps = {(step.kind, step.window_start, step.window_end): step for step in kept.transitions_of(session, row)}
    changes = {(change.kind, change.key.start, change.key.end): change for change in incident.changes}
    for key, step in steps.items():
        if key not in changes and step.made_by == MACHINE and not step.told:
            session.delete(step)  # an earlier window has come, with which it happened before
    for (_, start, end), change in changes.items():
        if (change.kind, start, end) not in steps:
            session.add(
                Transition(
                    incident_id=row.id,
                    kind=change.kind,
                    severity=SEVERITIES[change.severity],
                    window_start=start,
                    window_end=end,
                    at=change.closing.at if change.closing else now or end,
                    made_by=change.closing.by if change.closing else MACHINE,
                    sentence=words(incident, change),
                    told=False,
                )
            )
    session.flush()
