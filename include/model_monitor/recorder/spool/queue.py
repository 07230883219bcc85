"""Hold requests in memory, bounded by their size, until they are written to the spool."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from model_monitor.recorder.counters import Counters
from model_monitor.recorder.flag import Flag
from model_monitor.recorder.records import Queued


@dataclass(slots=True)
class Queue:
    """First in, first out. ``ready`` is set when the queue holds something, ``urgent`` when that cannot wait."""

    max_bytes: int
    when_full: str
    counters: Counters
    ready: Flag = field(default_factory=Flag)
    urgent: Flag = field(default_factory=Flag)
    requests: deque[tuple[Queued, int]] = field(default_factory=deque)
    bytes: int = 0
    closed: bool = False
    # The counters' own lock, so that a request takes one lock only. Reentrant: a signal handler or finalizer may record
    # while it is held. (Python runs these after calls and jumps, so never between reading and writing ``self.bytes``.)
    lock: threading.RLock = field(init=False)
    room: threading.Condition = field(init=False)

    def __post_init__(self) -> None:
        self.lock = self.counters.lock
        self.room = threading.Condition(self.lock)

    @property
    def count(self) -> int:
        return len(self.requests)

    def put(self, request: Queued) -> bool:
        """Whether a request was taken. A full queue waits or drops, as ``when_full`` says."""
        size = request.size
        with self.lock:
            self.counters.numbers["recorded"] += 1
            if self.closed:
                self.counters.add(dropped_closed=1)
                return False
            if self.bytes + size > self.max_bytes and self.requests and not self.make_room(size):
                return False
            is_first = not self.requests
            self.requests.append((request, size))
            self.bytes += size
        if is_first:
            self.ready.set()
        elif self.bytes > self.max_bytes // 2:
            self.urgent.set()
        return True

    def wake(self) -> None:
        """Wake the writer at once."""
        self.ready.set()
        self.urgent.set()

    def make_room(self, size: int) -> bool:
        if self.when_full == "drop_newest":
            self.counters.add(dropped_queue=1)
            return False
        if self.when_full == "block":
            self.room.wait_for(lambda: self.closed or not self.requests or self.bytes + size <= self.max_bytes)
            if self.closed:
                self.counters.add(dropped_closed=1)
            return not self.closed
        while self.requests and self.bytes + size > self.max_bytes:
            _, freed = self.requests.popleft()
            self.bytes -= freed
            self.counters.add(dropped_queue=1)
        return True

    def take(self, max_count: int, max_bytes: int) -> list[Queued]:
        """Remove the first requests: at most ``max_count``, and none after ``max_bytes`` are reached."""
        with self.lock:
            taken: list[Queued] = []
            while self.requests and len(taken) < max_count and max_bytes > 0:
                request, freed = self.requests.popleft()
                self.bytes -= freed
                max_bytes -= freed
                taken.append(request)
            if taken and self.when_full == "block":
                self.room.notify_all()
        return taken

    def clear(self) -> int:
        """Remove all requests; how many there were."""
        with self.lock:
            removed, self.requests, self.bytes = self.requests, deque(), 0
        return len(removed)

    def close(self) -> None:
        """Take no more requests; callers that wait for room return."""
        with self.lock:
            self.closed = True
            self.room.notify_all()
        self.wake()
