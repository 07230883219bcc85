"""Send ready files to the store, the oldest first, retrying until each one is there."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from model_monitor.recorder.sending.transports import Transport
from model_monitor.recorder.spool.disk import is_gone, lock_abandoned, remove_folder
from model_monitor.recorder.spool.files import Segment, Spool
from model_monitor.recorder.threads import Counters, Flag, Warnings, log

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds before the store is tried again; doubled after each failure
ADOPT_INTERVAL = 30.0  # seconds between two searches for files of processes that have ended


@dataclass
class Sender:
    """The sending thread. Set ``wake`` when a file is ready, and ``ending`` when no more will come."""

    spool: Spool
    transport: Transport
    prefix: str
    counters: Counters
    max_spool_bytes: int
    on_sent: Callable[[], object]  # the spool has room again
    wake: Flag = field(default_factory=Flag)
    ending: Flag = field(default_factory=Flag)
    deadline: float = float("inf")  # monotonic; when to give up once ``ending`` is set
    adopted: float = -ADOPT_INTERVAL  # monotonic; the last search for abandoned files
    warn: Warnings = field(default_factory=Warnings)

    def run(self) -> None:
        """Send until ``ending`` is set and nothing is ready, or until the deadline."""
        wait = FIRST_WAIT
        with contextlib.closing(self.transport):
            while not (self.ending.is_set() and time.monotonic() >= self.deadline):
                if time.monotonic() - self.adopted >= ADOPT_INTERVAL:
                    self.adopted = time.monotonic()
                    self.adopt_all()
                segment = self.spool.oldest()
                if segment is None:
                    if self.ending.is_set():
                        return
                    self.wake.wait(max(0.0, self.adopted + ADOPT_INTERVAL - time.monotonic()))
                    self.wake.clear()
                elif self.send(segment):
                    wait = FIRST_WAIT
                else:
                    self.pause(wait * random.uniform(0.7, 1.3))
                    wait = min(2 * wait, LONGEST_WAIT)

    def adopt_all(self) -> None:
        """Take over the files of processes that have ended."""
        with contextlib.suppress(OSError):  # some services delete old files from temporary folders
            os.utime(self.spool.descriptor)
        try:
            for folder in self.spool.others():
                self.adopt(folder)
        except OSError as error:
            self.warn("files that other processes left in %s can't be listed: %s", self.spool.root, error)

    def adopt(self, folder: Path) -> None:
        """Take over a folder whose writer has ended; later, if files wait here and its files exceed the bound."""
        try:
            with lock_abandoned(folder) as is_locked:
                size = sum(path.stat().st_size for path in folder.iterdir()) if is_locked else 0
                if is_locked and not (self.spool.ready and self.spool.used + size > self.max_spool_bytes):
                    self.counters.add(adopted=self.spool.take_over(folder))
                    remove_folder(folder)
        except Exception as error:  # noqa: BLE001 - the other folders are still taken over
            self.warn("captures that another process left in %s can't be taken over: %s", folder, error)

    def pause(self, seconds: float) -> None:
        """Wait before the next attempt; briefly once ``ending`` is set, and never beyond the deadline."""
        if self.ending.wait(seconds):
            time.sleep(max(0.0, min(seconds, 0.2, self.deadline - time.monotonic())))

    def send(self, segment: Segment) -> bool:
        """Send a file; False if it failed and must be tried again."""
        try:
            size = self.transport.send(segment.path, f"{self.prefix}/{segment.key}")
        except Exception as error:  # noqa: BLE001 - a store may raise anything; the file waits for the next attempt
            if is_gone(segment.path):
                log.error("%s captured requests are lost, as their file was deleted: %s", segment.count, error)
                self.counters.add(dropped_disk=segment.count)
                self.spool.done_with(segment)
                return True
            segment.sending = False
            self.counters.add(failures=1)
            self.warn("captures wait on this machine, as they can't be sent to %s: %s", self.transport.place, error)
            return False
        with contextlib.suppress(OSError):
            segment.path.unlink()
        self.counters.add(sent=segment.count, bytes=size)
        self.spool.done_with(segment)
        self.on_sent()
        return True
