"""What the recorder's threads share, safe from signal handlers: counters, flags, and logs that are not flooded."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

log = logging.getLogger("model_monitor.recorder")

WARNING_INTERVAL = 60.0  # seconds
DROP_REASONS = ("queue", "spool", "disk", "closed")
NAMES = ("recorded", "sampled_out", "sent", "adopted", "bytes", "failures", *(f"dropped_{why}" for why in DROP_REASONS))

P = ParamSpec("P")
T = TypeVar("T")


class Counters:
    """Numbers that only grow, all from 0; process.py says what each of them counts."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # reentrant: a signal handler may record while another request is counted
        self.numbers = dict.fromkeys(NAMES, 0)

    def add(self, **increments: int) -> None:
        with self.lock:
            for name, increment in increments.items():
                self.numbers[name] += increment


class Flag:
    """A ``threading.Event`` without an inner lock. ``Event.set`` holds a lock. A signal handler or finalizer that
    interrupted it and set the same event would deadlock."""

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


class Warnings:
    """Rate-limited warnings of one background thread: the first failure, then at most one a minute."""

    def __init__(self) -> None:
        self.last = -WARNING_INTERVAL

    def __call__(self, message: str, *values: object, trace: bool = False) -> None:
        if time.monotonic() - self.last >= WARNING_INTERVAL:
            self.last = time.monotonic()
            log.warning(message, *values, exc_info=trace)


class Quietly:
    """Calls that never raise: the first exception is logged as an error, all others at level DEBUG."""

    def __init__(self) -> None:
        self.has_failed = False

    def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """The function's result; None if it raised."""
        try:
            return function(*args, **kwargs)
        except Exception:
            if self.has_failed:
                log.debug("A request was not captured", exc_info=True)
            else:
                self.has_failed = True
                log.exception("A request was not captured; more of this is logged at level DEBUG")
            return None
