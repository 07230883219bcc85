"""How do files get from the spool to the store? One after the other, the oldest first, as often as it takes."""

from __future__ import annotations

import gzip
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from model_monitor.rows.recorder.counters import Counters, unaccounted
from model_monitor.rows.recorder.destinations import Destination
from model_monitor.rows.recorder.spool import Segment, Spool

log = logging.getLogger("model_monitor.recorder")

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds before a store that failed is tried again: doubled each time
TOLD_EVERY = 60.0  # seconds between two warnings of the same trouble
ADOPT_EVERY = 30.0  # seconds between two looks for what other processes have left


@dataclass
class Sender:
    """Sends what is ready; ``wake`` is set when there is more, ``ending`` when nothing more will come."""

    spool: Spool
    destination: Destination
    prefix: str
    gzip: bool
    counters: Counters
    max_spool_bytes: int
    on_sent: Callable[[], object]  # there is room in the spool
    wake: threading.Event = field(default_factory=threading.Event)
    ending: threading.Event = field(default_factory=threading.Event)
    deadline: float = float("inf")  # monotonic; when to give up once it ends
    told: float = -TOLD_EVERY

    def run(self) -> None:
        wait = FIRST_WAIT
        self.adopt()
        while not self.is_over():
            segment = self.spool.oldest()
            if segment is None:
                if self.ending.is_set():
                    return
                if not self.wake.wait(ADOPT_EVERY):
                    self.adopt()
                self.wake.clear()
            elif self.send(segment):
                wait = FIRST_WAIT
            else:
                self.pause(wait * random.uniform(0.7, 1.3))
                wait = min(2 * wait, LONGEST_WAIT)

    def adopt(self) -> None:
        """Take over what processes that ended have left, as far as there is room."""
        try:
            room = self.max_spool_bytes - sum(segment.size for segment in self.spool.segments)
            for writer, count in self.spool.adopt(room):
                taken = max(count, unaccounted(writer))
                self.counters.add(adopted=taken, dropped_killed=taken - count)
        except OSError as error:
            self.tell("captures that another process left in %s can't be read: %s", self.spool.root, error)

    def is_over(self) -> bool:
        return self.ending.is_set() and time.monotonic() >= self.deadline

    def pause(self, seconds: float) -> None:
        """Wait before another try; while ending, no longer than until the deadline."""
        if not self.ending.wait(seconds):
            return
        time.sleep(max(0.0, min(seconds, 0.2, self.deadline - time.monotonic())))

    def send(self, segment: Segment) -> bool:
        """Whether a file is in the store now."""
        try:
            content = segment.path.read_bytes()
        except OSError as error:  # somebody deleted it
            self.lost(segment, error)
            return True
        packed = gzip.compress(content, 6, mtime=0) if self.gzip else content
        try:
            self.destination.put(f"{self.prefix}/{segment.key}{'.gz' if self.gzip else ''}", packed)
        except Exception as error:  # noqa: BLE001 - whatever a store raises: the file waits
            segment.sending = False
            self.counters.add(failures=1)
            self.tell("captures wait on this machine, as %s can't be written: %s", self.destination, error)
            return False
        self.counters.add(sent=segment.count, bytes=len(packed))
        self.spool.sent(segment)
        self.on_sent()
        return True

    def lost(self, segment: Segment, error: OSError) -> None:
        self.spool.sent(segment)
        self.counters.add(dropped_disk=segment.count)
        log.error("%s captured requests are lost: %s", segment.count, error)

    def tell(self, message: str, *values: object) -> None:
        """Warn, but not each time."""
        if time.monotonic() - self.told >= TOLD_EVERY:
            self.told = time.monotonic()
            log.warning(message, *values)
