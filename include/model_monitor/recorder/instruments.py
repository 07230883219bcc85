"""Export the counters of every recorder as OpenTelemetry metrics."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from model_monitor.recorder.counters import DROP_REASONS
from model_monitor.recorder.lifetime import LIVE

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation

COUNTERS = {
    "recorded": ("{request}", "requests passed to the recorder and not left out by sampling"),
    "sampled_out": ("{request}", "requests left out by sampling"),
    "sent": ("{request}", "requests in files that were written to the store"),
    "adopted": ("{request}", "requests found in the spool of a process that had ended"),
    "bytes": ("By", "bytes written to the store"),
    "failures": ("{attempt}", "failed attempts to write to the store"),
}
GAUGES = {
    "queued": ("{request}", "requests waiting in memory"),
    "spooled": ("{request}", "requests waiting on the local disk"),
    "spooled_bytes": ("By", "bytes waiting on the local disk"),
    "lag": ("s", "age of the oldest request that is not in the store yet"),
    "sampling_percentage": ("%", "share of requests that is captured"),
}
PREFIX = "model_monitor.capture"


@cache
def instrument() -> None:
    """Register the metrics once per process, if the OpenTelemetry API is installed."""
    try:
        from opentelemetry import metrics
    except ImportError:
        return
    meter = metrics.get_meter("model_monitor.recorder")
    for name, (unit, description) in COUNTERS.items():
        meter.create_observable_counter(f"{PREFIX}.{name}", [partial(observe, {name: {}})], unit, description)
    reasons = {f"dropped_{reason}": {"reason": reason} for reason in DROP_REASONS}
    description = "requests that will not reach the store, by reason"
    meter.create_observable_counter(f"{PREFIX}.dropped", [partial(observe, reasons)], "{request}", description)
    for name, (unit, description) in GAUGES.items():
        meter.create_observable_gauge(f"{PREFIX}.{name}", [partial(observe, {name: {}})], unit, description)


def observe(names: Mapping[str, dict[str, str]], options: CallbackOptions) -> list[Observation]:
    """The counters in ``names``, each with its own attributes, of every recorder in this process."""
    from opentelemetry.metrics import Observation

    return [
        Observation(numbers[name], {"endpoint": recorder.endpoint, "variant": recorder.variant, **attributes})
        for recorder in list(LIVE)
        for numbers in [recorder.counters()]
        for name, attributes in names.items()
    ]
