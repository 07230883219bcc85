"""How do requests get from memory to the spool? One thread writes them down, some at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from model_monitor.recorder.counters import Counters
from model_monitor.recorder.flag import Flag
from model_monitor.recorder.records import Format, Waiting
from model_monitor.recorder.spool.queue import Queue
from model_monitor.recorder.spool.spool import Spool
from model_monitor.recorder.trouble import Trouble

# How often what is queued is written down, in seconds: what is in memory only is lost when the process is killed. Not
# more often, and by as few calls of the operating system as can be, as after each this thread waits for the
# interpreter's lock; and as long as it waits, each call of another thread that lets go of the lock for a moment, as a
# model does hundreds of times for an answer, costs that other thread a switch.
DRAINED_EVERY = 1.0
AGAIN = 0.05  # seconds after a failure
# So many requests are written at once. While they are put into words, no other thread of the interpreter runs: 512 of
# 2 KB take some 2 ms, which a request that is being answered at the time has to wait. Of very many it is a part.
AT_ONCE, BYTES_AT_ONCE, PART = 512, 1 << 20, 8
MOST_LINES = 4 << 20  # bytes of lines that are kept in memory

Lines = tuple[int, list[bytes]]  # of one hour, with the time of the first


@dataclass
class Writer:
    """Writes down what is queued; ``on_ready`` is called when there may be files to send."""

    queue: Queue
    spool: Spool
    format: Format
    counters: Counters
    flush_interval: float
    max_spool_bytes: int
    when_full: str
    on_ready: Callable[[], None]
    ending: Flag = field(default_factory=Flag)
    asked: int = 0  # how often somebody asked to have all files closed
    done: int = 0  # what was asked when that was last done
    synced: float = 0.0
    tell: Trouble = field(default_factory=Trouble)

    def run(self) -> None:
        """Until the end has come and nothing is queued."""
        while True:
            ending, asked, busy = self.ending.is_set(), self.asked, self.queue.count > 0
            try:
                empty = self.drain()
                self.keep(ending or asked > self.done)
                if empty:
                    self.done = asked
            except Exception:  # noqa: BLE001 - whatever goes wrong, the next requests are not to be lost with it
                self.tell("the files that captures wait in can't be written", trace=True)
                time.sleep(AGAIN)
            if self.spool.ready:
                self.on_ready()
            if ending and not self.queue.count:
                return
            self.wait(busy)

    def wait(self, busy: bool) -> None:
        """Until there is something to do: at once if asked, else soon if there are requests or open files.

        While requests come, none of them wakes this thread: that would cost it more than all else.
        """
        queue, every = self.queue, min(DRAINED_EVERY, self.flush_interval)
        if busy:
            queue.hurry.wait(every)
        elif self.spool.open:
            queue.wanted.wait(every if self.unsynced else self.seconds_to_roll)
        else:
            queue.wanted.wait()
        if queue.count and not (busy or self.ending.is_set() or self.asked > self.done):
            queue.hurry.wait(every)  # the first of some requests woke this thread: let the others come
        queue.wanted.clear()
        queue.hurry.clear()

    @property
    def unsynced(self) -> bool:
        return any(segment.unsynced for segment in self.spool.open.values())

    @property
    def seconds_to_roll(self) -> float:
        oldest = min(segment.opened for segment in self.spool.open.values())
        return max(0.0, oldest + self.spool.roll_seconds - time.monotonic())

    def keep(self, rolling: bool) -> None:
        """Sync what is due, close what is full or old. Raises OSError."""
        now = time.monotonic()
        if now - self.synced >= self.flush_interval / 2:  # at each look, if those are as rare as that
            self.spool.sync()
            self.synced = now
        self.spool.roll_due(rolling)

    def drain(self) -> bool:
        """Write down what is queued; whether all that was is off the queue."""
        while self.queue.count:
            if not self.has_room():
                return not self.queue.count
            count, size = max(AT_ONCE, self.queue.count // PART), max(BYTES_AT_ONCE, self.queue.bytes // PART)
            self.write(self.queue.take(count, min(size, self.spool.roll_bytes)))
        return True

    def has_room(self) -> bool:
        """Whether the spool takes more; makes room, or passes on to the queue that there is none, as it was set.

        In the end it always does, unless the newest are to be dropped: what is in memory only would be lost.
        """
        while self.spool.used >= self.max_spool_bytes:
            if self.when_full == "block":
                return self.ending.is_set()
            if self.when_full == "drop_newest":
                self.counters.add(dropped_spool=self.queue.empty())
                return False
            if not (dropped := self.spool.drop_oldest()):
                if not self.spool.open:
                    return self.ending.is_set()
                self.spool.roll_due(everything=True)
                continue
            self.counters.add(dropped_spool=dropped.count)
            self.tell("the spool is full: the oldest captures are dropped, %s just now", dropped.count)
        return True

    def write(self, waiting: list[Waiting]) -> None:
        hours: dict[int, Lines] = {}
        size = 0
        for one in waiting:
            try:
                request = one.request()
                line = self.format.line(request)
            except Exception:  # noqa: BLE001 - such as a time beyond the year 9999
                self.counters.add(dropped_disk=1)
                self.tell("a request can't be put into words", trace=True)
                continue
            hour = request.time // 3_600_000
            if hour not in hours:
                hours[hour] = (request.time, [])
            hours[hour][1].append(line)
            size += len(line)
            if size > MOST_LINES:  # bodies that were packed
                self.append(hours)
                hours, size = {}, 0
        self.append(hours)

    def append(self, hours: dict[int, Lines]) -> None:
        for hour, (first_time, lines) in hours.items():
            try:
                self.spool.append(hour_of(hour), in_hour(first_time), lines)
            except OSError as error:
                self.counters.add(dropped_disk=len(lines))
                self.tell("captures are lost, as the spool can't be written: %s", error)


@lru_cache(maxsize=256)
def hour_of(hours: int) -> str:
    """A number of hours since 1970 as the folder of that hour, with dots for slashes."""
    return datetime.fromtimestamp(hours * 3600, UTC).isoformat()[:13].replace("-", ".").replace("T", ".")


def in_hour(milliseconds: int) -> str:
    """Where in its hour a time is, as files are named: ``mm-ss-mmm``.

    >>> in_hour(1_650_241_248_871)
    '20-48-871'
    """
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 60 % 60:02d}-{seconds % 60:02d}-{rest:03d}"
