"""Match the two events of a request. An event waits for the other, bounded in time, memory and number."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from model_monitor.recorder.receiver.events import REQUEST, RESPONSE, Event

OVERHEAD = 1_500  # bytes of memory that a waiting event takes beside its payload and attributes
MAX_RECORDED = 100_000  # requests that are remembered, to recognise events that are delivered again

Place = tuple[str, str]  # endpoint and variant
Record = Callable[[Place, Event | None, Event | None], None]


class Waiting(NamedTuple):
    """An event that waits for the other one."""

    event: Event
    since: float


@dataclass
class Pairs:
    """Calls ``record`` once per request: when both events are there, or when one has waited ``timeout`` seconds.

    If all waiting events exceed ``max_bytes``, the one that waits longest is recorded alone. Left out and counted are
    events that were delivered before, that come after their request was recorded without them, or that come from
    another component of the same service.
    """

    record: Record
    timeout: float
    max_bytes: int
    clock: Callable[[], float] = time.monotonic
    counts: Counter[str] = field(default_factory=Counter)
    waiting: OrderedDict[tuple[Place, str | None, str], Waiting] = field(default_factory=OrderedDict)
    # The component of each recorded request, and which of its sides were recorded.
    recorded: OrderedDict[tuple[Place, str], tuple[str | None, frozenset[str]]] = field(default_factory=OrderedDict)
    bytes: int = 0

    def add(self, place: Place, event: Event) -> None:
        """Take an event of kind REQUEST or RESPONSE."""
        self.expire()
        if self.is_recorded(place, event):
            return
        key = (place, event.component, event.id)
        other = self.waiting.get(key)
        if other and other.event.kind == event.kind:
            self.counts["duplicates"] += 1
        elif other:
            self.settle(place, self.remove(key), event)
        else:
            self.waiting[key] = Waiting(event, self.clock())
            self.bytes += size_of(event)
            while self.bytes > self.max_bytes:
                self.give_up()

    def is_recorded(self, place: Place, event: Event) -> bool:
        """Whether the event's request was recorded already; counts the event if so."""
        component, sides = self.recorded.get((place, event.id), (event.component, frozenset()))
        if component != event.component:
            self.counts["other_component"] += 1
        elif event.kind in sides:
            self.counts["duplicates"] += 1
        elif sides:
            self.counts["late"] += 1
        return bool(sides)

    def expire(self) -> None:
        """Record the events that have waited long enough."""
        while self.waiting and next(iter(self.waiting.values())).since <= self.clock() - self.timeout:
            self.give_up()

    def give_up(self) -> None:
        """Record the event that waits longest alone."""
        place, _, _ = key = next(iter(self.waiting))
        event = self.remove(key)
        if not self.is_recorded(place, event):
            self.counts[f"unpaired_{event.kind}s"] += 1
            self.settle(place, event)

    def flush(self) -> None:
        """Record all waiting events."""
        while self.waiting:
            self.give_up()

    def remove(self, key: tuple[Place, str | None, str]) -> Event:
        event = self.waiting.pop(key).event
        self.bytes -= size_of(event)
        return event

    def settle(self, place: Place, *events: Event) -> None:
        sides = {event.kind: event for event in events}
        self.recorded[place, events[0].id] = (events[0].component, frozenset(sides))
        if len(self.recorded) > MAX_RECORDED:
            self.recorded.popitem(last=False)
        self.record(place, sides.get(REQUEST), sides.get(RESPONSE))


def size_of(event: Event) -> int:
    payload = len(event.content) if isinstance(event.content, bytes) else 0
    return OVERHEAD + payload + len(event.custom_attributes or "")
