"""How does one thread wake another, even from a signal handler that interrupts it while it does just that?"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable


class Flag:
    """What ``threading.Event`` is, without a lock of its own that is held while it is set: a signal handler, or a
    finaliser, would wait for it for ever, as the code that it interrupted could not let go of it."""

    def __init__(self) -> None:
        self._down = threading.Lock()  # locked while the flag is not set
        self._down.acquire()

    def is_set(self) -> bool:
        return not self._down.locked()

    def set(self) -> None:
        with contextlib.suppress(RuntimeError):  # it was set
            self._down.release()

    def clear(self) -> None:
        self._down.acquire(blocking=False)

    def wait(self, seconds: float = threading.TIMEOUT_MAX) -> bool:
        """Whether it is set, after at most so many seconds."""
        found = self._down.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))
        if found:
            self.set()
        return found


def until(done: Callable[[], bool], ends: float) -> bool:
    """Wait for what other threads do, to the end of a time (monotonic); whether they did it."""
    while not done():
        if time.monotonic() >= ends:
            return False
        time.sleep(0.01)
    return True
