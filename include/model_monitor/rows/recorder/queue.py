"""Where do requests wait until they are written down? In memory, bounded by their size."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from model_monitor.rows.recorder.counters import Counters
from model_monitor.rows.recorder.flag import Flag
from model_monitor.rows.recorder.records import Request

OVERHEAD = 400  # bytes that a request takes beside its payloads


@dataclass
class Queue:
    """First in, first out. ``wanted`` is set when there is something to take."""

    max_bytes: int
    when_full: str
    counters: Counters
    wanted: Flag = field(default_factory=Flag)
    requests: deque[tuple[Request, int]] = field(default_factory=deque)
    bytes: int = 0
    closed: bool = False
    # Reentrant: a signal handler, or a finaliser, may record in the middle of it. (It does so between two steps of
    # Python, after a call for example: ``self.bytes`` is read and written without one in between.)
    room: threading.Condition = field(default_factory=lambda: threading.Condition(threading.RLock()))

    @property
    def count(self) -> int:
        return len(self.requests)

    def put(self, request: Request, size: int) -> bool:
        """Whether a request was taken; if there is no room, what was set happens: it waits, or one is dropped."""
        size += OVERHEAD
        self.counters.add(recorded=1)
        with self.room:
            if self.closed:
                self.counters.add(dropped_closed=1)
                return False
            if self.bytes + size > self.max_bytes and self.requests and not self.make_room(size):
                return False
            self.requests.append((request, size))
            self.bytes += size
        if not self.wanted.is_set():
            self.wanted.set()
        return True

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

    def take(self, count: int) -> list[Request]:
        """The first requests, at most so many."""
        with self.room:
            taken: list[Request] = []
            while self.requests and len(taken) < count:
                request, size = self.requests.popleft()
                self.bytes -= size
                taken.append(request)
            if taken and self.when_full == "block":
                self.room.notify_all()
        return taken

    def empty(self) -> int:
        """Forget all that waits; how many requests that were."""
        with self.room:
            gone, self.requests, self.bytes = self.requests, deque(), 0
        return len(gone)

    def close(self) -> None:
        """Take no more; who waits for room goes on without."""
        with self.room:
            self.closed = True
            self.room.notify_all()
        self.wanted.set()
