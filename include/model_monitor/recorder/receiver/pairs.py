"""Which two events are of one request? They wait for one another, bounded in time, memory and number."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from model_monitor.recorder.receiver.events import REQUEST, RESPONSE, Event

OVERHEAD = 1_500  # bytes that a waiting event takes beside its payload and attributes
MAX_KNOWN = 100_000  # requests that are remembered, to notice events that are delivered again

Place = tuple[str, str]  # endpoint and variant
Record = Callable[[Place, Event | None, Event | None], None]


@dataclass
class Waiting:
    """A side that waits for the other."""

    place: Place
    event: Event
    since: float


@dataclass
class Pairs:
    """Calls ``record`` once for each request: when both its events are there, or one has waited ``timeout`` seconds.

    One that waits longest goes first where all are more than ``max_bytes``. An event that comes again, one that comes
    after its request was recorded without it, and those of another component of the same service are left out and
    counted.
    """

    record: Record
    timeout: float
    max_bytes: int
    clock: Callable[[], float] = time.monotonic
    counts: Counter[str] = field(default_factory=Counter)
    waiting: OrderedDict[tuple[Place, str | None, str], Waiting] = field(default_factory=OrderedDict)
    # What of a request is known: its component, and which of its sides were recorded.
    known: OrderedDict[tuple[Place, str], tuple[str | None, frozenset[str]]] = field(default_factory=OrderedDict)
    bytes: int = 0

    def add(self, place: Place, event: Event) -> None:
        """Take an event of kind REQUEST or RESPONSE."""
        self.expire()
        if self.is_known(place, event):
            return
        key = (place, event.component, event.id)
        other = self.waiting.get(key)
        if other and other.event.kind == event.kind:
            self.counts["duplicates"] += 1
        elif other:
            self.leave(key)
            self.settle(place, other.event, event)
        else:
            self.waiting[key] = Waiting(place, event, self.clock())
            self.bytes += size_of(event)
            while self.bytes > self.max_bytes:
                self.give_up()

    def is_known(self, place: Place, event: Event) -> bool:
        """Whether the event adds nothing to a request that was recorded already; counts it."""
        component, sides = self.known.get((place, event.id), (event.component, frozenset()))
        if component != event.component:
            self.counts["other_component"] += 1
        elif event.kind in sides:
            self.counts["duplicates"] += 1
        elif sides:
            self.counts["late"] += 1
        return bool(sides)

    def expire(self) -> None:
        """Record those that have waited long enough."""
        while self.waiting and next(iter(self.waiting.values())).since <= self.clock() - self.timeout:
            self.give_up()

    def give_up(self) -> None:
        """Record the one that waits longest, with its one side."""
        alone = self.leave(next(iter(self.waiting)))
        if not self.is_known(alone.place, alone.event):
            self.counts[f"unpaired_{alone.event.kind}s"] += 1
            self.settle(alone.place, alone.event)

    def flush(self) -> None:
        """Record all that wait."""
        while self.waiting:
            self.give_up()

    def leave(self, key: tuple[Place, str | None, str]) -> Waiting:
        left = self.waiting.pop(key)
        self.bytes -= size_of(left.event)
        return left

    def settle(self, place: Place, *events: Event) -> None:
        sides = {event.kind: event for event in events}
        self.known[place, events[0].id] = (events[0].component, frozenset(sides))
        if len(self.known) > MAX_KNOWN:
            self.known.popitem(last=False)
        self.record(place, sides.get(REQUEST), sides.get(RESPONSE))


def size_of(event: Event) -> int:
    payload = len(event.content) if isinstance(event.content, bytes) else 0
    return OVERHEAD + payload + len(event.custom_attributes or "")
