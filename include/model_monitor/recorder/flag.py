"""Wake another thread, safely even from a signal handler."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable


class Flag:
    """A ``threading.Event`` without an inner lock.

    ``Event.set`` holds a lock. A signal handler or finalizer that interrupted it and set the same event would deadlock.
    """

    def __init__(self) -> None:
        self._unset = threading.Lock()  # locked while the flag is not set
        self._unset.acquire()

    def is_set(self) -> bool:
        return not self._unset.locked()

    def set(self) -> None:
        with contextlib.suppress(RuntimeError):  # it was set already
            self._unset.release()

    def clear(self) -> None:
        self._unset.acquire(blocking=False)

    def wait(self, seconds: float = threading.TIMEOUT_MAX) -> bool:
        """Whether the flag is set, after waiting at most ``seconds``."""
        is_set = self._unset.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))
        if is_set:
            self.set()
        return is_set


def wait_until(condition: Callable[[], bool], deadline: float) -> bool:
    """Poll until the condition holds; False if it does not before ``deadline`` (monotonic)."""
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return True
