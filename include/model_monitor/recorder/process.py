"""What a process has one of: event ids, recorders (restarted after a fork, flushed at exit) and their metrics."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import random
import sys
import time
import weakref
from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from model_monitor.recorder.threads import DROP_REASONS

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation

EXIT_SECONDS = 10.0  # for all recorders together to send what they hold
MIN_CLOSE_SECONDS = 1.0  # for each recorder, so that it can at least write its queue to the spool

PREFIX_SECONDS = 1.0  # how long one prefix is used, so that two copies of a process (from a snapshot) soon differ
DIGITS = 10**11  # the least number of twelve decimal digits

METRICS = {
    "recorded": ("{request}", "requests passed to the recorder and not left out by sampling"),
    "sampled_out": ("{request}", "requests left out by sampling"),
    "sent": ("{request}", "requests in files that were written to the store"),
    "adopted": ("{request}", "requests found in the spool of a process that had ended"),
    "bytes": ("By", "bytes written to the store"),
    "failures": ("{attempt}", "failed attempts to write to the store"),
    "dropped": ("{request}", "requests that will not reach the store, by reason"),
    "queued": ("{request}", "requests waiting in memory"),
    "spooled": ("{request}", "requests waiting on the local disk"),
    "spooled_bytes": ("By", "bytes waiting on the local disk"),
    "lag": ("s", "age of the oldest request that is not in the store yet"),
    "sampling_percentage": ("%", "share of requests that is captured"),
}
GAUGES = ("queued", "spooled", "spooled_bytes", "lag", "sampling_percentage")  # all others are counters


class EventIds:
    """UUIDs (version 4) with a random prefix and twelve digits that count up: unique, but guessable. ``uuid.uuid4``
    makes a system call for each id, which costs a served request many times as much."""

    def __init__(self) -> None:
        self.expires = 0.0  # monotonic
        self.current: tuple[str, Iterator[int]] = ("", itertools.count())  # one attribute: threads replace it at once

    def __call__(self) -> str:
        if time.monotonic() >= self.expires:
            self.current = (str(uuid4())[:24], itertools.count(random.SystemRandom().randrange(DIGITS, 5 * DIGITS)))
            self.expires = time.monotonic() + PREFIX_SECONDS
        prefix, numbers = self.current
        return prefix + str(next(numbers))


class Live(Protocol):
    """What this module needs of a recorder."""

    endpoint: str
    variant: str

    def counters(self) -> dict[str, float]: ...
    def close(self, timeout: float = ...) -> bool: ...
    def forked(self) -> None: ...


new_event_id = EventIds()
LIVE: weakref.WeakSet[Live] = weakref.WeakSet()
RUNNING: set[Live] = set()  # recorders with running threads; kept alive until closed


def after_fork() -> None:
    new_event_id.expires = 0.0  # a child must not continue its parent's numbers
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


@cache
def instrument() -> None:
    """Export the counters as OpenTelemetry metrics, once per process, if its API is installed."""
    try:
        from opentelemetry import metrics
    except ImportError:
        return
    meter = metrics.get_meter("model_monitor.recorder")
    for name, (unit, description) in METRICS.items():
        create = meter.create_observable_gauge if name in GAUGES else meter.create_observable_counter
        reasons = {f"dropped_{reason}": {"reason": reason} for reason in DROP_REASONS}
        observed = reasons if name == "dropped" else {name: {}}
        create(f"model_monitor.capture.{name}", [partial(observe, observed)], unit, description)


def observe(names: Mapping[str, dict[str, str]], options: CallbackOptions) -> list[Observation]:
    """The counters in ``names``, each with its own attributes, of every recorder in this process."""
    from opentelemetry.metrics import Observation

    return [
        Observation(numbers[name], {"endpoint": recorder.endpoint, "variant": recorder.variant, **attributes})
        for recorder in list(LIVE)
        for numbers in [recorder.counters()]
        for name, attributes in names.items()
    ]


os.register_at_fork(after_in_child=after_fork)
atexit.register(at_exit)
