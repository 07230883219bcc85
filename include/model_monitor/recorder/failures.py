"""Log failures without flooding the log, and never let one break a request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

log = logging.getLogger("model_monitor.recorder")

WARNING_INTERVAL = 60.0  # seconds

P = ParamSpec("P")
T = TypeVar("T")


class Warnings:
    """Rate-limited warnings of one background thread: the first failure, then at most one a minute."""

    def __init__(self) -> None:
        self.last = -WARNING_INTERVAL

    def __call__(self, message: str, *values: object, trace: bool = False) -> None:
        if time.monotonic() - self.last >= WARNING_INTERVAL:
            self.last = time.monotonic()
            log.warning(message, *values, exc_info=trace)


class Quietly:
    """Calls that never raise: the exception is logged and the request carries on.

    The first failure is logged as an error, all others at level DEBUG.
    """

    def __init__(self) -> None:
        self.has_failed = False

    def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """The function's result; None if it raised."""
        try:
            return function(*args, **kwargs)
        except Exception:  # noqa: BLE001 - capture must never break a request
            self.log_exception()
            return None

    def log_exception(self) -> None:
        """Log the exception that is being handled."""
        if self.has_failed:
            log.debug("A request was not captured", exc_info=True)
        else:
            self.has_failed = True
            log.exception("A request was not captured; more of this is logged at level DEBUG")
