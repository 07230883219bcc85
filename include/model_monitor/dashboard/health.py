"""How is a schedule, in a word? The words of all pages, from the worst to the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from model_monitor.dashboard.page import Shown
from model_monitor.results import execution

Health = Literal["violated", "broken", "no_data", "labels_pending", "no_baseline", "unjudged", "healthy", "none"]

WORDS: dict[Health, str] = {
    "violated": "violated",
    "broken": "broken",
    "no_data": "no data",
    "labels_pending": "labels pending",
    "no_baseline": "no baseline",
    "unjudged": "nothing to judge",
    "healthy": "healthy",
    "none": "no monitor",
}
WORST_FIRST = list(WORDS)
ILL: tuple[Health, ...] = ("violated", "broken")
OF_STATUS: dict[str, Health] = {
    execution.COMPLETED: "healthy",
    execution.WITH_VIOLATIONS: "violated",
    execution.FAILED: "broken",
    execution.NO_DATA: "no_data",
    execution.NO_BASELINE: "no_baseline",
    execution.UNDEFINED: "unjudged",
    execution.LABELS_PENDING: "labels_pending",
}
OF_ALERT: dict[str, Health] = {
    "violations": "violated",
    "failed": "broken",
    "no_data": "no_data",
    "labels_pending": "labels_pending",
}


class Tick(Shown):
    """A window in a strip."""

    start: datetime
    end: datetime
    health: Health
    provisional: bool
    violations: int


class Condition(Shown):
    """How a schedule is, and since when; ``since`` is None where nothing is wrong."""

    health: Health
    words: str
    since: datetime | None


def tick_of(row: Mapping[Any, Any]) -> Tick:
    """A window as a row of ``executions`` has it."""
    return Tick(
        start=row["window_start"],
        end=row["window_end"],
        health=health_of(row["status"]),
        provisional=row["label_state"] == "provisional",
        violations=row["violations"],
    )


def health_of(status: str) -> Health:
    return OF_STATUS.get(status, "unjudged")


def spans_of(rows: Sequence[Mapping[Any, Any]]) -> list[tuple[Health, datetime]]:
    """How windows were, and their starts."""
    return [(health_of(row["status"]), row["window_start"]) for row in rows]


def condition_of(spans: Sequence[tuple[Health, datetime]], alerts: Sequence[Mapping[Any, Any]]) -> Condition:
    """How a schedule is by its last windows, the newest last, and by the alerts that are open: the worse of both.

    An alert stays open until enough windows in a row are good, and so does what it says.
    """
    conditions = [(OF_ALERT[row["kind"]], row["since"]) for row in alerts if row["kind"] in OF_ALERT]
    if spans:
        conditions.append((spans[-1][0], start_of_run(spans)))
    return worst(conditions) if conditions else condition("no_data", None)


def start_of_run(spans: Sequence[tuple[Health, datetime]]) -> datetime:
    """The start of the first of the last windows that are all alike."""
    last, start = spans[-1]
    for health, begins in reversed(spans):
        if health != last:
            break
        start = begins
    return start


def worst(conditions: Sequence[tuple[Health, datetime | None]]) -> Condition:
    """The worst of several, since the first of them that is as bad."""
    health = min((health for health, _ in conditions), key=WORST_FIRST.index)
    return condition(health, min((since for other, since in conditions if other == health and since), default=None))


def condition(health: Health, since: datetime | None) -> Condition:
    return Condition(health=health, words=WORDS[health], since=None if health in ("healthy", "none") else since)
