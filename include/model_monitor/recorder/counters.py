"""How does the recorder do? Its own counts, and the same as OpenTelemetry metrics."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, MutableSequence
from functools import cache
from typing import TYPE_CHECKING, Any

from model_monitor.recorder import tally
from model_monitor.recorder.lifetime import LIVE

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation

    from model_monitor.recorder.spool.queue import Queue
    from model_monitor.recorder.spool.spool import Spool

DROPPED = ("queue", "spool", "disk", "closed", "killed")  # why a request was dropped

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


NAMES = (*COUNTED, *(f"dropped_{reason}" for reason in DROPPED))
PLACES = {name: place for place, name in enumerate(NAMES)}
RECORDED = PLACES["recorded"]


class Counters:
    """Numbers that several threads add to, and that outlive the process once ``keep`` was called."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # reentrant: a signal handler may record while another request is counted
        self.numbers: MutableSequence[int] = [0] * len(NAMES)

    def add(self, **more: int) -> None:
        with self.lock:
            for name, number in more.items():
                self.numbers[PLACES[name]] += number

    def read(self) -> dict[str, int]:
        with self.lock:
            return dict(zip(NAMES, self.numbers, strict=True))

    def keep(self, writer: str) -> None:
        """Have the numbers outlive this process, under the name of its folder in the spool."""
        kept = tally.kept(writer, len(NAMES))
        with self.lock:
            until_now, self.numbers = self.numbers, kept  # a signal handler that counts now adds to these
            for place, number in enumerate(until_now):
                self.numbers[place] += number


def unaccounted(writer: str) -> int:
    """How many requests a process had taken, neither sent nor dropped, when it ended; 0 if it did not leave word.

    Its numbers are kept until ``tally.forget``.
    """
    if not (numbers := tally.left(writer, len(NAMES))):
        return 0
    told = dict(zip(NAMES, numbers, strict=True))
    gone = told["sent"] + sum(told[f"dropped_{reason}"] for reason in DROPPED)
    return max(0, told["recorded"] + told["adopted"] - gone)


def numbers_of(counters: Counters, queue: Queue, spool: Spool | None) -> dict[str, float]:
    """What was counted, and what is waiting at this moment."""
    numbers: dict[str, float] = dict(counters.read())
    segments = spool.segments if spool else []
    numbers["dropped"] = sum(numbers[f"dropped_{reason}"] for reason in DROPPED)
    numbers["queued"] = queue.count
    numbers["spooled"] = sum(segment.count for segment in segments)
    numbers["spooled_bytes"] = sum(segment.size for segment in segments)
    numbers["lag"] = max(0.0, time.time() - min((one.arrived for one in segments), default=time.time()))
    return numbers


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
