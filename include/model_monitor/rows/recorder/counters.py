"""How does the recorder do? Its own counts, and the same as OpenTelemetry metrics."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from model_monitor.rows.recorder.lifetime import LIVE

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation

DROPPED = ("queue", "spool", "disk", "closed")  # why a request was dropped

COUNTED = {
    "recorded": ("{request}", "requests handed in that the sampling percentage does not leave out"),
    "sampled_out": ("{request}", "requests left out by the sampling percentage"),
    "sent": ("{request}", "requests in files that the store has"),
    "adopted": ("{request}", "requests taken over from a process that had ended"),
    "bytes": ("By", "bytes written to the store"),
    "failures": ("{attempt}", "attempts to write to the store that failed"),
}
GAUGED = {
    "queued": ("{request}", "requests that wait in memory"),
    "spooled": ("{request}", "requests that wait on the local disk"),
    "spooled_bytes": ("By", "bytes that wait on the local disk"),
    "lag": ("s", "since the oldest request came that the store does not have"),
    "sampling_percentage": ("%", "share of requests that is captured"),
}


class Counters:
    """Numbers that several threads add to."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.numbers = dict.fromkeys([*COUNTED, *(f"dropped_{reason}" for reason in DROPPED)], 0)

    def add(self, **more: int) -> None:
        with self.lock:
            for name, number in more.items():
                self.numbers[name] += number

    def read(self) -> dict[str, int]:
        with self.lock:
            return dict(self.numbers)


@cache
def instrument() -> None:
    """Have OpenTelemetry ask every recorder for its numbers, if its API is installed; once in a process."""
    try:
        from opentelemetry import metrics
    except ImportError:
        return
    meter = metrics.get_meter("model_monitor.recorder")
    for name, (unit, text) in COUNTED.items():
        meter.create_observable_counter(f"model_monitor.capture.{name}", [asking(name)], unit, text)
    meter.create_observable_counter(
        "model_monitor.capture.dropped",
        [dropped],
        "{request}",
        "requests recorded that the store will not have, by reason",
    )
    for name, (unit, text) in GAUGED.items():
        meter.create_observable_gauge(f"model_monitor.capture.{name}", [asking(name)], unit, text)


def asking(name: str) -> Any:
    """What OpenTelemetry calls to have one number of each recorder."""

    def ask(options: CallbackOptions) -> Iterable[Observation]:
        return list(observations(name))

    return ask


def dropped(options: CallbackOptions) -> Iterable[Observation]:
    return [one for reason in DROPPED for one in observations(f"dropped_{reason}", {"reason": reason})]


def observations(name: str, more: dict[str, str] | None = None) -> Iterator[Observation]:
    from opentelemetry.metrics import Observation

    for recorder in list(LIVE):
        about = {"endpoint": recorder.endpoint, "variant": recorder.variant}
        yield Observation(recorder.counters()[name], about | (more or {}))
