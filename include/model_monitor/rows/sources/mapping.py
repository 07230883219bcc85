"""Map a table's columns to the parts of a captured request, and read its event times."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

from model_monitor.core.window import iso
from model_monitor.errors import ConfigError

# Databricks' inference tables: request_time in those of its AI gateway, timestamp_ms in older ones.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "databricks": {
        "event_time": ["request_time", "timestamp_ms"],
        "event_id": "databricks_request_id",
        "inference_id": "client_request_id",
        "request": "request",
        "response": "response",
        "sampling": "sampling_fraction",
        "status": "status_code",
        "latency": ["execution_duration_ms", "execution_time_ms"],
    }
}

SECONDS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}  # units in a second
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TableColumns:
    """The names of columns, each None (or empty) if the table has no such column.

    event_time: the time of the request: a timestamp, ISO 8601 (UTC if it has no zone), or an epoch. Of several names,
        the first that the table has.
    event_time_unit: of an epoch; guessed from its size if None, which is right from the year 1973 on.
    inputs, outputs: one column per feature; or request, response: one column with all, as JSON, CSV, or nested.
    sampling: the share of requests that is logged, above 0 and up to 1.
    status: the HTTP status; a request whose status is not 2xx failed, which only the monitor ``traffic`` sees.
    latency: how long the answer took, in ``latency_unit``. Of several names, the first that the table has, if any.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    event_time: str | tuple[str, ...]
    event_time_unit: Literal["s", "ms", "us", "ns"] | None = None
    event_id: str | None = None
    inference_id: str | None = None
    inputs: tuple[str, ...] = ()
    request: str | None = None
    outputs: tuple[str, ...] = ()
    response: str | None = None
    sampling: str | None = None
    status: str | None = None
    latency: str | tuple[str, ...] | None = None
    latency_unit: Literal["s", "ms", "us", "ns"] = "ms"

    @property
    def times(self) -> tuple[str, ...]:
        return (self.event_time,) if isinstance(self.event_time, str) else self.event_time

    @property
    def latencies(self) -> tuple[str, ...]:
        return (self.latency,) if isinstance(self.latency, str) else self.latency or ()

    def latency_ms(self, value: Any) -> float | None:
        """A latency in milliseconds; None if it is no number."""
        try:
            latency = float(str(value)) * 1000 / SECONDS[self.latency_unit]
        except ValueError:
            return None
        return latency if math.isfinite(latency) else None

    @property
    def needed(self) -> set[str]:
        """The columns without which a table can't be read, except for the event time."""
        single = [self.event_id, self.inference_id, self.request, self.response, self.sampling, self.status]
        single += [self.latency] if isinstance(self.latency, str) else []
        return {*self.inputs, *self.outputs, *filter(None, single)}

    def check(self) -> None:
        """Raise ConfigError if these columns don't make a request."""
        if self.inputs and self.request:
            raise ConfigError("inputs and request both say where the input is; leave one out")
        if self.outputs and self.response:
            raise ConfigError("outputs and response both say where the output is; leave one out")
        if not (self.inputs or self.request or self.outputs or self.response):
            raise ConfigError("name what was asked or answered: inputs or request, outputs or response")
        if twice := {*self.inputs} & {*self.outputs}:
            raise ConfigError(f"{sorted(twice)} named as inputs and as outputs; a column is one of them")
        for side in (self.inputs, self.outputs):
            if twice := {name for name in side if side.count(name) > 1}:
                raise ConfigError(f"{sorted(twice)} named twice; a column is judged once")
        if odd := [name for name in (*self.inputs, *self.outputs) if name.startswith("@")]:
            raise ConfigError(f"{odd}: names with @ in front are kept for the request; rename the column in the table")
        if not self.times:
            raise ConfigError("event_time is missing; name the column that tells when a request came")


def preset(mapping: Any) -> Any:
    """The settings of a preset, given its name; anything else unchanged. Raises ConfigError for an unknown name."""
    if not isinstance(mapping, str):
        return mapping
    if mapping not in PRESETS:
        raise ConfigError(f"there is no mapping '{mapping}'; write {', '.join(PRESETS)}, or the columns")
    return dict(PRESETS[mapping])


def moment_of(value: Any, unit: str | None) -> str | None:
    """A moment as ISO 8601 in UTC; anything else as text, and None as None."""
    if isinstance(value, str):
        try:
            value = int(value) if value.strip("-").isdecimal() else float(value)
        except ValueError:
            return zoned(value)
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None if value is None else str(value)
    try:
        micros = value * 1_000_000 / SECONDS[unit or unit_of(value)] if isinstance(value, float) else epoch(value, unit)
        return iso(BEGINNING + timedelta(microseconds=round(micros)))
    except (OverflowError, ValueError):
        return str(value)


def epoch(value: int, unit: str | None) -> int:
    """An integer epoch in microseconds, without rounding."""
    per_second = int(SECONDS[unit or unit_of(value)])
    return value * 1_000_000 // per_second


def unit_of(value: float) -> str:
    """The unit of an epoch, guessed from its size: right between the years 1973 and 5138."""
    size = abs(value)
    return "s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"


def zoned(text: str) -> str:
    """ISO 8601 with a zone, which is UTC if none is written."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return iso(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)


def span_between(bounds: tuple[Any, Any] | None, unit: str | None) -> tuple[datetime, datetime] | None:
    """Bounds of a column as moments; None if they are no times."""
    first, last = bounds or (None, None)
    if isinstance(first, datetime) and isinstance(last, datetime):
        return first, last + timedelta(milliseconds=1)  # the log truncates to milliseconds
    if type(first) is not int or type(last) is not int or (unit is None and unit_of(first) != unit_of(last)):
        return None
    try:
        first, last = (BEGINNING + timedelta(microseconds=epoch(bound, unit)) for bound in (first, last))
    except OverflowError:
        return None
    return first, last
