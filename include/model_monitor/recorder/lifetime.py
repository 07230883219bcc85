"""Restart recorders after a fork, and flush them when the process exits."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import time
import weakref
from typing import Protocol

EXIT_SECONDS = 10.0  # for all recorders together to send what they hold
MIN_CLOSE_SECONDS = 1.0  # for each recorder, so that it can at least write its queue to the spool


class Live(Protocol):
    """What this module and instruments.py need of a recorder."""

    endpoint: str
    variant: str

    def counters(self) -> dict[str, float]: ...

    def close(self, timeout: float = ...) -> bool: ...

    def forked(self) -> None: ...


LIVE: weakref.WeakSet[Live] = weakref.WeakSet()
RUNNING: set[Live] = set()  # recorders with running threads; kept alive until closed


def after_fork() -> None:
    RUNNING.clear()
    for recorder in list(LIVE):
        recorder.forked()


def at_exit() -> None:
    deadline = time.monotonic() + EXIT_SECONDS
    for recorder in list(RUNNING):
        with contextlib.suppress(Exception):  # the next recorder must still be closed
            recorder.close(max(MIN_CLOSE_SECONDS, deadline - time.monotonic()))


def close_with_worker() -> None:
    """Close at the end of a ``multiprocessing`` worker, which skips ``atexit`` and runs its own finalizers."""
    if "multiprocessing.util" in sys.modules:
        from multiprocessing import parent_process, util

        if parent_process():
            util.Finalize(None, at_exit, exitpriority=0)


os.register_at_fork(after_in_child=after_fork)
atexit.register(at_exit)
