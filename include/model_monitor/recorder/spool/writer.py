"""Hold requests in memory, bounded by their size, and write them to the spool in batches, from one thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from model_monitor.recorder.records import Format, Queued
from model_monitor.recorder.spool.files import Spool
from model_monitor.recorder.threads import Counters, Flag, Warnings

# Seconds between two writes. Drain rarely and with few system calls: after each one this thread waits for the GIL, and
# meanwhile every other thread that briefly releases the GIL (a model: hundreds of times) pays a context switch.
DRAIN_INTERVAL = 1.0
RETRY_SECONDS = 0.05
# Encoding holds the GIL: 512 requests of 2 KB delay a request that is being answered by some 2 ms. A long queue is
# written in an eighth of its length at a time.
BATCH_COUNT, BATCH_BYTES, BATCH_PART = 512, 1 << 20, 8
MAX_LINE_BYTES = 4 << 20  # of encoded lines held in memory

Hours = dict[int, tuple[int, list[bytes]]]  # the time of the first request of each hour, and the hour's lines


class Queue:
    """First in, first out. ``ready`` is set when the queue holds something, ``urgent`` when that cannot wait."""

    __slots__ = ("bytes", "closed", "counters", "lock", "max_bytes", "ready", "requests", "room", "urgent", "when_full")

    def __init__(self, max_bytes: int, when_full: str, counters: Counters) -> None:
        self.max_bytes, self.when_full, self.counters = max_bytes, when_full, counters
        self.ready, self.urgent = Flag(), Flag()
        self.requests: deque[tuple[Queued, int]] = deque()
        self.bytes, self.closed = 0, False
        # The counters' own lock, so that a request takes one lock only. Reentrant: a signal handler or finalizer may
        # record while it is held. (Python runs these after calls and jumps, so never between reading and writing
        # ``self.bytes``.)
        self.lock = counters.lock
        self.room = threading.Condition(self.lock)

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
            requests: list[Queued] = []
            while self.requests and len(requests) < max_count and max_bytes > 0:
                request, freed = self.requests.popleft()
                self.bytes -= freed
                max_bytes -= freed
                requests.append(request)
            if requests and self.when_full == "block":
                self.room.notify_all()
        return requests

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


@dataclass
class Writer:
    """Drains the queue; calls ``on_ready`` when files may be ready to send."""

    queue: Queue
    spool: Spool
    format: Format
    flush_interval: float
    max_spool_bytes: int
    on_ready: Callable[[], None]
    ending: Flag = field(default_factory=Flag)
    flushes_requested: int = 0
    flushes_done: int = 0
    synced: float = 0.0
    warn: Warnings = field(default_factory=Warnings)

    def run(self) -> None:
        """Write until ``ending`` is set and the queue is empty."""
        while True:
            began = time.monotonic()
            ending, requested, busy = self.ending.is_set(), self.flushes_requested, bool(self.queue.requests)
            try:
                is_empty = self.drain()
                now = time.monotonic()
                if now - self.synced >= self.flush_interval / 2:  # half: every time, if this runs once an interval
                    self.spool.sync()
                    self.synced = now
                self.spool.roll_due(ending or requested > self.flushes_done)
                if is_empty:
                    self.flushes_done = requested
            except Exception:  # noqa: BLE001 - the next requests must still be written
                self.warn("the files that captures wait in can't be written", trace=True)
                time.sleep(RETRY_SECONDS)
            if self.spool.ready:
                self.on_ready()
            if ending and not self.queue.requests:
                return
            self.wait(busy, began)

    def wait(self, busy: bool, began: float) -> None:
        """Wait until there is work: at once on request, else for the drain interval or until a file is due. While
        requests keep coming, none of them wakes this thread: waking costs more than all other work. The interval counts
        from when this round ``began`` (monotonic), so that a slow disk or busy machine adds nothing to it."""
        queue, files, interval = self.queue, self.spool.open.values(), min(DRAIN_INTERVAL, self.flush_interval)
        if busy:
            queue.urgent.wait(max(0.0, began + interval - time.monotonic()))
        elif not files:
            queue.ready.wait()
        elif any(segment.unsynced for segment in files):
            queue.ready.wait(interval)
        else:
            due = min(segment.opened for segment in files) + self.spool.roll_seconds
            queue.ready.wait(max(0.0, due - time.monotonic()))
        if queue.requests and not (busy or self.ending.is_set() or self.flushes_requested > self.flushes_done):
            queue.urgent.wait(interval)  # the first request woke this thread; let more arrive
        queue.ready.clear()
        queue.urgent.clear()

    def drain(self) -> bool:
        """Write the queued requests; whether the queue was emptied."""
        while self.queue.requests:
            if not self.has_room():
                return not self.queue.requests
            count = max(BATCH_COUNT, len(self.queue.requests) // BATCH_PART)
            size = max(BATCH_BYTES, self.queue.bytes // BATCH_PART)
            self.write(self.queue.take(count, min(size, self.spool.roll_bytes)))
        return True

    def has_room(self) -> bool:
        """Whether the spool takes more. A full spool drops or blocks as ``when_full`` says. At the end it takes more
        all the same unless the newest are dropped: requests in memory would be lost."""
        while self.spool.used >= self.max_spool_bytes:
            if self.queue.when_full == "block":
                return self.ending.is_set()
            if self.queue.when_full == "drop_newest":
                self.queue.counters.add(dropped_spool=self.queue.clear())
                return False
            if dropped := self.spool.drop_oldest():
                self.queue.counters.add(dropped_spool=dropped.count)
                self.warn("the spool is full: the oldest captures are dropped, %s just now", dropped.count)
            elif self.spool.open:
                self.spool.roll_due(everything=True)
            else:
                return self.ending.is_set()
        return True

    def write(self, batch: list[Queued]) -> None:
        hours: Hours = {}
        size = 0
        for queued in batch:
            try:
                request = queued.request()
                line = self.format.line(request)
            except Exception:  # noqa: BLE001 - such as a time after the year 9999
                self.queue.counters.add(dropped_disk=1)
                self.warn("a request can't be encoded", trace=True)
                continue
            hours.setdefault(request.time // 3_600_000, (request.time, []))[1].append(line)
            size += len(line)
            if size > MAX_LINE_BYTES:  # compressed bodies have grown
                self.append(hours)
                hours, size = {}, 0
        self.append(hours)

    def append(self, hours: Hours) -> None:
        for time_of_first, lines in hours.values():
            try:
                self.spool.append(time_of_first, lines)
            except OSError as error:
                self.queue.counters.add(dropped_disk=len(lines))
                self.warn("captures are lost, as the spool can't be written: %s", error)
