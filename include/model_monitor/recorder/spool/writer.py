"""Write queued requests to the spool, in batches, from one thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from model_monitor.recorder.counters import Counters
from model_monitor.recorder.failures import Warnings
from model_monitor.recorder.flag import Flag
from model_monitor.recorder.records import Format, Queued
from model_monitor.recorder.spool.files import Spool
from model_monitor.recorder.spool.queue import Queue

# Seconds between two writes; a killed process loses what is still in memory. Drain rarely and with few system calls:
# after each call this thread must reacquire the GIL, and while it waits, every other thread that briefly releases the
# GIL (a model does so hundreds of times per prediction) pays a context switch.
DRAIN_INTERVAL = 1.0
RETRY_SECONDS = 0.05
# Encoding holds the GIL: 512 requests of 2 KB delay a request that is being answered by some 2 ms. A long queue is
# written in an eighth of its length at a time.
BATCH_COUNT, BATCH_BYTES, BATCH_PART = 512, 1 << 20, 8
MAX_LINE_BYTES = 4 << 20  # of encoded lines held in memory

Lines = tuple[int, list[bytes]]  # the time of the first request of an hour, and the hour's lines


@dataclass
class Writer:
    """Drains the queue; calls ``on_ready`` when files may be ready to send."""

    queue: Queue
    spool: Spool
    format: Format
    counters: Counters
    flush_interval: float
    max_spool_bytes: int
    when_full: str
    on_ready: Callable[[], None]
    ending: Flag = field(default_factory=Flag)
    flushes_requested: int = 0
    flushes_done: int = 0
    synced: float = 0.0
    warn: Warnings = field(default_factory=Warnings)

    def run(self) -> None:
        """Write until ``ending`` is set and the queue is empty."""
        while True:
            ending, requested, busy = self.ending.is_set(), self.flushes_requested, self.queue.count > 0
            try:
                is_empty = self.drain()
                self.maintain(ending or requested > self.flushes_done)
                if is_empty:
                    self.flushes_done = requested
            except Exception:  # noqa: BLE001 - the next requests must still be written
                self.warn("the files that captures wait in can't be written", trace=True)
                time.sleep(RETRY_SECONDS)
            if self.spool.ready:
                self.on_ready()
            if ending and not self.queue.count:
                return
            self.wait(busy)

    def wait(self, busy: bool) -> None:
        """Wait until there is work: at once on request, else for the drain interval or until a file is due.

        While requests keep coming, none of them wakes this thread: waking costs more than all other work.
        """
        queue, interval = self.queue, min(DRAIN_INTERVAL, self.flush_interval)
        if busy:
            queue.urgent.wait(interval)
        elif self.spool.open:
            queue.ready.wait(interval if self.has_unsynced else self.seconds_to_roll)
        else:
            queue.ready.wait()
        if queue.count and not (busy or self.ending.is_set() or self.flushes_requested > self.flushes_done):
            queue.urgent.wait(interval)  # the first request woke this thread; let more arrive
        queue.ready.clear()
        queue.urgent.clear()

    @property
    def has_unsynced(self) -> bool:
        return any(segment.unsynced for segment in self.spool.open.values())

    @property
    def seconds_to_roll(self) -> float:
        oldest = min(segment.opened for segment in self.spool.open.values())
        return max(0.0, oldest + self.spool.roll_seconds - time.monotonic())

    def maintain(self, roll_all: bool) -> None:
        """Sync if it is due, and close full or old files. Raises OSError."""
        now = time.monotonic()
        if now - self.synced >= self.flush_interval / 2:  # half: every time, if this is called once an interval
            self.spool.sync()
            self.synced = now
        self.spool.roll_due(roll_all)

    def drain(self) -> bool:
        """Write the queued requests; whether the queue was emptied."""
        while self.queue.count:
            if not self.has_room():
                return not self.queue.count
            count = max(BATCH_COUNT, self.queue.count // BATCH_PART)
            size = max(BATCH_BYTES, self.queue.bytes // BATCH_PART)
            self.write(self.queue.take(count, min(size, self.spool.roll_bytes)))
        return True

    def has_room(self) -> bool:
        """Whether the spool takes more. A full spool drops or blocks as ``when_full`` says.

        At the end it takes more all the same unless the newest are dropped: requests in memory would be lost.
        """
        while self.spool.used >= self.max_spool_bytes:
            if self.when_full == "block":
                return self.ending.is_set()
            if self.when_full == "drop_newest":
                self.counters.add(dropped_spool=self.queue.clear())
                return False
            if not (dropped := self.spool.drop_oldest()):
                if not self.spool.open:
                    return self.ending.is_set()
                self.spool.roll_due(everything=True)
                continue
            self.counters.add(dropped_spool=dropped.count)
            self.warn("the spool is full: the oldest captures are dropped, %s just now", dropped.count)
        return True

    def write(self, batch: list[Queued]) -> None:
        hours: dict[int, Lines] = {}
        size = 0
        for queued in batch:
            try:
                request = queued.request()
                line = self.format.line(request)
            except Exception:  # noqa: BLE001 - such as a time after the year 9999
                self.counters.add(dropped_disk=1)
                self.warn("a request can't be encoded", trace=True)
                continue
            hours.setdefault(request.time // 3_600_000, (request.time, []))[1].append(line)
            size += len(line)
            if size > MAX_LINE_BYTES:  # compressed bodies have grown
                self.append(hours)
                hours, size = {}, 0
        self.append(hours)

    def append(self, hours: dict[int, Lines]) -> None:
        for hour, (first_time, lines) in hours.items():
            try:
                self.spool.append(hour_folder(hour), time_in_hour(first_time), lines)
            except OSError as error:
                self.counters.add(dropped_disk=len(lines))
                self.warn("captures are lost, as the spool can't be written: %s", error)


@lru_cache(maxsize=256)
def hour_folder(hours: int) -> str:
    """The folder of an hour, given in hours since 1970, with dots for slashes: ``yyyy.mm.dd.hh``."""
    return datetime.fromtimestamp(hours * 3600, UTC).isoformat()[:13].replace("-", ".").replace("T", ".")


def time_in_hour(milliseconds: int) -> str:
    """A time's minutes, seconds and milliseconds as they are in file names.

    >>> time_in_hour(1_650_241_248_871)
    '20-48-871'
    """
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 60 % 60:02d}-{seconds % 60:02d}-{rest:03d}"
