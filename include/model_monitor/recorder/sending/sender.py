"""How do files get from the spool to the store? One after the other, the oldest first, as often as it takes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from model_monitor.recorder import tally
from model_monitor.recorder.counters import Counters, unaccounted
from model_monitor.recorder.flag import Flag
from model_monitor.recorder.sending.carriers import Carrier
from model_monitor.recorder.spool.disk import discard, is_gone
from model_monitor.recorder.spool.spool import Segment, Spool
from model_monitor.recorder.trouble import Trouble, log

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds before a store that failed is tried again: doubled each time
ADOPT_EVERY = 30.0  # seconds between two looks for what other processes have left


@dataclass
class Sender:
    """Sends what is ready; ``wake`` is set when there is more, ``ending`` when nothing more will come."""

    spool: Spool
    carrier: Carrier
    prefix: str
    counters: Counters
    max_spool_bytes: int
    on_sent: Callable[[], object]  # there is room in the spool
    wake: Flag = field(default_factory=Flag)
    ending: Flag = field(default_factory=Flag)
    deadline: float = float("inf")  # monotonic; when to give up once it ends
    looked: float = -ADOPT_EVERY  # monotonic; when it last looked for what others have left
    tell: Trouble = field(default_factory=Trouble)

    def run(self) -> None:
        """Until the end has come and nothing is ready, or the deadline passed."""
        try:
            self.send_all()
        finally:
            self.carrier.close()

    def send_all(self) -> None:
        wait = FIRST_WAIT
        while not self.is_over():
            if time.monotonic() - self.looked >= ADOPT_EVERY:
                self.looked = time.monotonic()
                self.adopt()
            segment = self.spool.oldest()
            if segment is None:
                if self.ending.is_set():
                    return
                self.wake.wait(max(0.0, self.looked + ADOPT_EVERY - time.monotonic()))
                self.wake.clear()
            elif self.send(segment):
                wait = FIRST_WAIT
            else:
                self.pause(wait * random.uniform(0.7, 1.3))
                wait = min(2 * wait, LONGEST_WAIT)

    def adopt(self) -> None:
        """Take over what processes that ended have left, as far as there is room."""
        self.spool.touch()
        try:
            for folder in self.spool.others():
                self.adopt_one(folder)
        except OSError as error:
            self.tell("what other processes left in %s can't be looked for: %s", self.spool.root, error)

    def adopt_one(self, folder: Path) -> None:
        """Killed in the middle of it, the count may be too high for who comes next, not too low."""
        try:
            with self.spool.taken_over(folder, self.max_spool_bytes - self.spool.used) as count:
                if count is not None:
                    taken = max(count, unaccounted(folder.name))
                    self.counters.add(adopted=taken, dropped_killed=taken - count)
                    tally.forget(folder.name)
        except Exception as error:  # noqa: BLE001 - the others' are taken over all the same
            self.tell("captures that another process left in %s can't be taken over: %s", folder, error)

    def is_over(self) -> bool:
        return self.ending.is_set() and time.monotonic() >= self.deadline

    def pause(self, seconds: float) -> None:
        """Wait before another try; while ending, no longer than until the deadline."""
        if not self.ending.wait(seconds):
            return
        time.sleep(max(0.0, min(seconds, 0.2, self.deadline - time.monotonic())))

    def send(self, segment: Segment) -> bool:
        """Whether a file is off our hands: in the store, or lost."""
        try:
            size = self.carrier.carry(segment.path, f"{self.prefix}/{segment.key}")
        except Exception as error:  # noqa: BLE001 - whatever a store raises: the file waits, as long as it is there
            if is_gone(segment.path):
                log.error("%s captured requests are lost, as their file was deleted: %s", segment.count, error)
                self.counters.add(dropped_disk=segment.count)
                self.spool.done_with(segment)
                return True
            segment.sending = False
            self.counters.add(failures=1)
            self.tell("captures wait on this machine, as they can't be sent to %s: %s", self.carrier.place, error)
            return False
        discard(segment.path)  # before it is counted: who is killed in between had not sent too much, by their count
        self.counters.add(sent=segment.count, bytes=size)
        self.spool.done_with(segment)
        self.on_sent()
        return True
