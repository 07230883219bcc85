"""Send the messages that are due: each is claimed by one worker, and waits for another try if it can't be sent."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from model_monitor import store
from model_monitor.alerts.letters import Letter, course_of, letter_of
from model_monitor.alerts.messages import number_name
from model_monitor.config import alerts_of
from model_monitor.config.alerts import Destination
from model_monitor.config.endpoint import Endpoint
from model_monitor.core.window import iso
from model_monitor.errors import MonitorError, StoreError, printable, without_secrets
from model_monitor.history import incidents
from model_monitor.history.database import History
from model_monitor.history.incidents import Place
from model_monitor.jobs.people import folder_of
from model_monitor.results import charts
from model_monitor.results.sealed import sealed

LEASE = timedelta(minutes=5)  # for a worker to send one message; more than any notifier's patience
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
LONGEST_ERROR = 500

log = logging.getLogger(__name__)

Send = Callable[[Destination, Letter], None]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """That a message was sent; kept as a file, so that a history that is rebuilt tells nobody twice."""

    key: str
    destination: str
    event: str
    severity: str
    kind: str
    schedule: str
    window_start: str
    window_end: str
    at: str
    version: int = 1


def deliver(endpoint: Endpoint, send: Send, now: datetime | None = None) -> list[str]:
    """Send all messages of an endpoint that are due; a line for each, which says what came of it.

    Whatever ``send`` raises, the message waits and is tried again, later each time. ``now`` is the database's time if
    absent. Raises StoreError if the history does not answer.
    """

    history = History.of(endpoint)
    if history is None or history.revision is None:
        return []
    place, lines, tried = Place(endpoint.endpoint, endpoint.variant), [], list[int]()
    current = {d.text for schedule in endpoint.schedules for d in alerts_of(endpoint, schedule).destinations}
    while letter := next_letter(history, place, tried, now):
        tried.append(letter.delivery)
        destination = Destination.of(letter.destination)
        if letter.destination in current:
            error = attempt(send, destination, letter.with_chart(chart_of(history, letter)))
            lines.append(f"{destination}: {noted(history, endpoint, letter, error, now)}")
        else:
            write(history, letter, incidents.DROPPED, None, "it is told no more: not in 'to'")
            lines.append(f"{destination}: dropped, as it is not in 'to' any more")
    return [printable(line) for line in lines]


def next_letter(history: History, place: Place, tried: list[int], now: datetime | None) -> Letter | None:
    """A message that is due and was not tried yet, now claimed."""

    with history.session() as session:
        found = incidents.claim(session, place, now or incidents.clock(session), LEASE, tried)
        return found and letter_of(*found)


def attempt(send: Send, destination: Destination, letter: Letter) -> Exception | None:
    """Send a message; what went wrong, None if nothing did."""
    try:
        send(destination, letter)
    except Exception as error:  # noqa: BLE001 whatever a notifier raises, the message waits and the verdict stands
        return error
    return None


def noted(history: History, endpoint: Endpoint, letter: Letter, error: Exception | None, now: datetime | None) -> str:
    """Note what came of a message; that in words."""

    with history.session() as session:
        present = now or incidents.clock(session)
    if error is None:
        write(history, letter, incidents.SENT, None, None)
        remember(endpoint, letter, present)
        return "sent"
    text = str(error) if isinstance(error, MonitorError) else f"{type(error).__name__}: {error}"
    text = without_secrets(text)[:LONGEST_ERROR]
    later = present + wait_after(letter.attempt, getattr(error, "retry_after", None))
    write(history, letter, incidents.WAITING, later, text)
    return f"not sent, tried again after {iso(later)}: {text}"


def write(history: History, letter: Letter, state: str, next_at: datetime | None, error: str | None) -> None:

    with history.session() as session:
        if not incidents.settle(session, letter.delivery, letter.attempt, state, next_at, error):
            log.warning("message %s took so long that another worker sent it, too", letter.key)


def wait_after(attempts: int, asked: float | None) -> timedelta:
    """How long to wait after so many attempts: a minute, twice as long each time, up to an hour, or what was ``asked``
    for in seconds if that is more.

    >>> [wait_after(n, None).seconds // 60 for n in (1, 2, 3, 7, 99)], wait_after(1, 90.0).seconds
    ([1, 2, 4, 60, 60], 90)
    """
    wait: timedelta = min(FIRST_WAIT * 2 ** min(attempts - 1, 10), LONGEST_WAIT)
    return max(wait, min(timedelta(seconds=asked or 0.0), LONGEST_WAIT))


def chart_of(history: History, letter: Letter) -> bytes | None:
    """A picture of how the number that matters went; None if there is none, or it can't be drawn."""

    with history.reading() as session:
        points, alerts = course_of(session, letter)
    if sum(point.observed is not None for point in points) < 2:
        return None
    try:
        return charts.png(charts.course(points, number_name(letter.message["findings"][0]), alerts=alerts))
    except (ImportError, ValueError) as error:  # a message without a chart is better than none
        log.warning("no chart: %s", error)
        return None


def remember(endpoint: Endpoint, letter: Letter, at: datetime) -> None:
    """Keep in the store that a message was sent, unless it was a test."""
    message: Any = letter.message
    if message["event"] == incidents.TEST:
        return
    told = Told(
        key=letter.key,
        destination=letter.destination,
        event=message["event"],
        severity=message["severity"],
        kind=message["kind"],
        schedule=message["schedule"],
        window_start=message["window"]["start"],
        window_end=message["window"]["end"],
        at=iso(at),
    )
    content = sealed(msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n")
    try:
        store.write(store.join(folder_of(endpoint, "told"), f"{letter.key}.json"), content)
    except StoreError as error:
        log.warning("a history that is rebuilt would tell again: %s", error)
