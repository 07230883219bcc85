"""What becomes of recorders where a process forks, and where it ends?"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import time
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_monitor.recorder.recorder import Recorder

EXIT_SECONDS = 10.0  # for all recorders together to send what they have
LEAST_SECONDS = 1.0  # for each, to write it down at least

LIVE: weakref.WeakSet[Recorder] = weakref.WeakSet()
RUNNING: set[Recorder] = set()  # those that have threads, and so are there until they are closed


def after_fork() -> None:
    RUNNING.clear()
    for recorder in list(LIVE):
        recorder._forked()


def at_exit() -> None:
    ends = time.monotonic() + EXIT_SECONDS
    for recorder in list(RUNNING):
        with contextlib.suppress(Exception):  # the others are to be closed, too
            recorder.close(max(LEAST_SECONDS, ends - time.monotonic()))


def close_with_worker() -> None:
    """A worker of ``multiprocessing`` ends without the functions that ``atexit`` knows, but with its own."""
    if "multiprocessing.util" in sys.modules:
        from multiprocessing import parent_process, util

        if parent_process():
            util.Finalize(None, at_exit, exitpriority=0)


os.register_at_fork(after_in_child=after_fork)
atexit.register(at_exit)
