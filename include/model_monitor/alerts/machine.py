"""When does an incident open, escalate and close? A pure function of what came of an endpoint's windows.

An alert is about one schedule and one kind of trouble: M of the last N windows open it, some good ones in a row close
it. An incident is what the alerts of an endpoint have in common: one cause.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from model_monitor.config.alerts import UNJUDGED
from model_monitor.core.window import Window

SEVERITIES = ("info", "warning", "critical")
SCHEMA = "schema"  # the cause that is one, whatever columns it is about


class Key(NamedTuple):
    """The order of outcomes: by the window's end, then its start, then the schedule."""

    end: datetime
    start: datetime
    schedule: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one schedule on one window.

    ``trouble`` is its kind of trouble, "" if all is well, UNJUDGED if there are only rows; ``cause`` and
    ``subjects`` say what is wrong, with which columns or metrics. ``severity`` is an index of SEVERITIES.
    """

    schedule: str
    window: Window
    trouble: str = ""
    cause: str = ""
    subjects: frozenset[str] = frozenset()
    severity: int = 0

    @property
    def key(self) -> Key:
        return Key(self.window.end, self.window.start, self.schedule)


class Opening(NamedTuple):
    """M of the last N windows open an alert; so many good ones in a row close it."""

    datapoints: int = 1
    evaluation_windows: int = 1
    closing_windows: int = 1


Openings = Callable[[str, str], Opening]  # of a schedule and a kind of trouble


class Closing(NamedTuple):
    """A person says that a kind of trouble of these schedules is over: what was found until the end of ``window``, the
    last that was judged, counts no more. ``at`` is when they said so."""

    window: Window
    kind: str
    schedules: frozenset[str]
    by: str
    at: datetime
    why: str = ""


class Change(NamedTuple):
    """A transition of an incident: opened, joined by another schedule, escalated, or closed; perhaps by a person."""

    kind: str
    key: Key
    severity: int
    closing: Closing | None = None


@dataclass(frozen=True)
class Incident:
    """One cause: from the window in which it opened until the one with which its last alert closed, if any.

    ``since`` is the first of the violated windows that opened it, ``last`` the latest violated one. ``active`` are the
    schedules whose alerts are open.
    """

    kind: str
    cause: str
    since: Window
    last: Window
    severity: int
    subjects: frozenset[str]
    schedules: frozenset[str]
    active: frozenset[str]
    changes: tuple[Change, ...] = ()

    @property
    def opened(self) -> Key:
        return self.changes[0].key

    @property
    def closed(self) -> Key | None:
        """The window with which it closed; None while it is open."""
        return None if self.active else self.changes[-1].key

    @property
    def closing(self) -> Closing | None:
        """The person's word that closed it; None if it is open, or closed by itself."""
        return self.changes[-1].closing if self.changes else None

    def has_same_cause(self, outcome: Outcome) -> bool:
        """Whether an outcome is wrong for the same reason at the same time. What changed in the schema follows from one
        change; else both must be about the same column or metric."""
        if (self.kind, self.cause) != (outcome.trouble, outcome.cause):
            return False
        is_same_time = outcome.window.start < self.last.end and self.since.start < outcome.window.end
        is_whole = outcome.cause == SCHEMA or not outcome.subjects
        return is_same_time and (is_whole or bool(self.subjects & outcome.subjects))


# Which outcomes say of a kind of trouble that there is none. The others say nothing: an empty window is not healthy.
GOOD: Mapping[str, frozenset[str]] = {
    "violations": frozenset({"", "stale_baseline"}),
    "no_data": frozenset({"", "stale_baseline", "violations", "labels_pending", UNJUDGED}),
    "labels_pending": frozenset({"", "stale_baseline", "violations"}),
    "failed": frozenset({"", "stale_baseline", "violations", "no_data", "labels_pending", UNJUDGED}),
    "stale_baseline": frozenset({""}),
}


@dataclass
class Series:
    """The latest outcomes of a schedule that say something of a kind of trouble, and whether its alert is open."""

    opening: Opening
    recent: list[tuple[bool, Window]] = field(default_factory=list)
    is_open: bool = False

    def see(self, is_bad: bool, window: Window) -> None:
        self.recent.append((is_bad, window))
        del self.recent[: -max(self.opening.evaluation_windows, self.opening.closing_windows)]

    @property
    def bad(self) -> list[Window]:
        """The bad windows among the last N."""
        return [window for is_bad, window in self.recent[-self.opening.evaluation_windows :] if is_bad]

    @property
    def opens(self) -> bool:
        return len(self.bad) >= self.opening.datapoints

    @property
    def closes(self) -> bool:
        last = self.recent[-self.opening.closing_windows :]
        return not self.opens and len(last) == self.opening.closing_windows and not any(is_bad for is_bad, _ in last)


class Machine:
    """The incidents of an endpoint, as its outcomes are seen in their order."""

    def __init__(self, openings: Openings) -> None:
        self.openings = openings
        self.series: dict[tuple[str, str], Series] = {}
        self.incidents: list[Incident] = []

    def see(self, outcome: Outcome, changes: bool = True) -> None:
        """The next outcome; with ``changes=False`` it only counts for those to come."""
        for kind, good in GOOD.items():
            is_bad = outcome.trouble == kind
            if not is_bad and outcome.trouble not in good:
                continue
            series = self.series.get((outcome.schedule, kind))
            if series is None:
                series = Series(self.openings(outcome.schedule, kind))
                self.series[outcome.schedule, kind] = series
            series.see(is_bad, outcome.window)
            if changes:
                self.change(kind, outcome, series, is_bad)

    def change(self, kind: str, outcome: Outcome, series: Series, is_bad: bool) -> None:
        if is_bad and series.is_open:
            self.put(worsened(self.incidents[self.index(kind, outcome.schedule)], outcome), kind, outcome.schedule)
        elif is_bad and series.opens:
            series.is_open = True
            self.open(outcome, min(series.bad, key=lambda window: (window.end, window.start)))
        elif series.is_open and series.closes:
            series.is_open = False
            incident = self.incidents[self.index(kind, outcome.schedule)]
            self.put(left(incident, outcome.key), kind, outcome.schedule)

    def close(self, closing: Closing) -> None:
        """What was seen until now counts no more."""
        for schedule in sorted(closing.schedules):
            series = self.series.pop((schedule, closing.kind), None)
            if series and series.is_open:
                key = Key(closing.window.end, closing.window.start, schedule)
                incident = self.incidents[self.index(closing.kind, schedule)]
                self.put(left(incident, key, closing), closing.kind, schedule)

    def index(self, kind: str, schedule: str) -> int:
        """The place of the open incident that a schedule's alert is part of."""
        return next(i for i, found in enumerate(self.incidents) if found.kind == kind and schedule in found.active)

    def put(self, incident: Incident, kind: str, schedule: str) -> None:
        self.incidents[self.index(kind, schedule)] = incident

    def open(self, outcome: Outcome, since: Window) -> None:
        """Join the incident of the same cause that is open, or open another."""
        for i, incident in enumerate(self.incidents):
            if incident.active and incident.has_same_cause(outcome):
                self.incidents[i] = joined(incident, outcome, since)
                return
        self.incidents.append(
            Incident(
                outcome.trouble,
                outcome.cause,
                since,
                outcome.window,
                outcome.severity,
                outcome.subjects,
                frozenset({outcome.schedule}),
                frozenset({outcome.schedule}),
                (Change("opened", outcome.key, outcome.severity),),
            )
        )


def joined(incident: Incident, outcome: Outcome, since: Window) -> Incident:
    """The incident with the alert of another schedule."""
    change = Change("joined", outcome.key, max(incident.severity, outcome.severity))
    schedules, active = (which | {outcome.schedule} for which in (incident.schedules, incident.active))
    first = min(incident.since, since, key=lambda window: (window.start, window.end))
    grown = replace(incident, schedules=schedules, active=active, since=first, changes=(*incident.changes, change))
    return worsened(grown, outcome)


def worsened(incident: Incident, outcome: Outcome) -> Incident:
    """The incident with another bad window, and a transition if that is more severe."""
    changes = incident.changes
    if outcome.severity > incident.severity:
        changes = (*changes, Change("escalated", outcome.key, outcome.severity))
    return replace(
        incident,
        last=max(incident.last, outcome.window, key=lambda window: (window.end, window.start)),
        severity=max(incident.severity, outcome.severity),
        subjects=incident.subjects | outcome.subjects,
        changes=changes,
    )


def left(incident: Incident, key: Key, closing: Closing | None = None) -> Incident:
    """The incident without the alert of a schedule; it closes with the last."""
    active = incident.active - {key.schedule}
    change = Change("closed", key, incident.severity, closing)
    return replace(incident, active=active, changes=incident.changes if active else (*incident.changes, change))


def replay(
    outcomes: Iterable[Outcome],
    openings: Openings,
    start: datetime | None = None,
    closings: Iterable[Closing] = (),
) -> list[Incident]:
    """The incidents that follow from outcomes and from what people closed, in whatever order; of each schedule and
    window the last outcome counts.

    Windows that end before ``start`` count for later ones, and change nothing by themselves.
    """
    latest = {(outcome.schedule, outcome.window): outcome for outcome in outcomes}
    ahead = deque(sorted(closings, key=lambda closing: (closing.window.end, closing.at)))
    machine = Machine(openings)
    for outcome in sorted(latest.values(), key=lambda outcome: outcome.key):
        while ahead and ahead[0].window.end < outcome.window.end:
            machine.close(ahead.popleft())
        machine.see(outcome, changes=start is None or outcome.window.end >= start)
    for closing in ahead:
        machine.close(closing)
    return machine.incidents


def restart(spans: Sequence[tuple[datetime, datetime | None]], end: datetime) -> datetime:
    """From which window's end on incidents may change with a window that ends at ``end``.

    ``spans`` are the ends of the windows with which incidents opened and closed (None: not yet). At the answer none of
    those that opened before is open, so that they stay as they are.
    """
    while alive := [opened for opened, closed in spans if opened < end and (closed is None or closed >= end)]:
        end = min(alive)
    return end
