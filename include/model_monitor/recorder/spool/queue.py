"""Where do requests wait until they are written down? In memory, bounded by their size."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from model_monitor.recorder.counters import RECORDED, Counters
from model_monitor.recorder.flag import Flag
from model_monitor.recorder.records import Waiting


@dataclass(slots=True)
class Queue:
    """First in, first out. ``wanted`` is set when there is something to take, ``hurry`` when that can't wait."""

    max_bytes: int
    when_full: str
    counters: Counters
    wanted: Flag = field(default_factory=Flag)
    hurry: Flag = field(default_factory=Flag)
    requests: deque[tuple[Waiting, int]] = field(default_factory=deque)
    bytes: int = 0
    closed: bool = False
    # The counters' own, so that a request takes one lock. Reentrant: a signal handler, or a finaliser, may record in
    # the middle of it. (It does so between two steps of Python, after a call for example: ``self.bytes`` is read and
    # written without one in between.)
    lock: threading.RLock = field(init=False)
    room: threading.Condition = field(init=False)

    def __post_init__(self) -> None:
        self.lock = self.counters.lock
        self.room = threading.Condition(self.lock)

    @property
    def count(self) -> int:
        return len(self.requests)

    def put(self, request: Waiting) -> bool:
        """Whether a request was taken; if there is no room, what was set happens: it waits, or one is dropped."""
        size = request.size
        with self.lock:
            self.counters.numbers[RECORDED] += 1
            if self.closed:
                self.counters.add(dropped_closed=1)
                return False
            if self.bytes + size > self.max_bytes and self.requests and not self.make_room(size):
                return False
            is_first = not self.requests
            self.requests.append((request, size))
            self.bytes += size
        if is_first:
            self.wanted.set()
        elif self.bytes > self.max_bytes // 2:
            self.hurry.set()
        return True

    def wake(self) -> None:
        """Have whoever takes look at once."""
        self.wanted.set()
        self.hurry.set()

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

    def take(self, count: int, size: int) -> list[Waiting]:
        """The first requests, at most so many, and no more once they have so many bytes."""
        with self.lock:
            taken: list[Waiting] = []
            while self.requests and len(taken) < count and size > 0:
                request, freed = self.requests.popleft()
                self.bytes -= freed
                size -= freed
                taken.append(request)
            if taken and self.when_full == "block":
                self.room.notify_all()
        return taken

    def empty(self) -> int:
        """Forget all that waits; how many requests that were."""
        with self.lock:
            gone, self.requests, self.bytes = self.requests, deque(), 0
        return len(gone)

    def close(self) -> None:
        """Take no more; who waits for room goes on without."""
        with self.lock:
            self.closed = True
            self.room.notify_all()
        self.wake()
