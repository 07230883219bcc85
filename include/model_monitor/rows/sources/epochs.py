"""Read a table's event times: timestamps, ISO 8601 texts, and epochs in any unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from model_monitor.core.window import iso

SECONDS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}  # units in a second
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


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
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return iso(found.replace(tzinfo=UTC) if found.tzinfo is None else found)


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
