"""Parse event times, and find those within a window."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.window import Window

TIME = pa.timestamp("us", "UTC")
# Arrow knows years that Python does not, and a time zone's shift may lead there.
EARLIEST, LATEST = (pa.scalar(datetime(*day, tzinfo=UTC), TIME) for day in [(1, 1, 3), (9999, 12, 29)])


def within(times: pa.TimestampArray, window: Window) -> pa.BooleanArray | None:
    """Which times are in a window; None if all are."""
    start, end = pa.scalar(window.start, TIME), pa.scalar(window.end, TIME)
    inside = pc.and_(pc.greater_equal(times, start), pc.less(times, end))
    return None if len(times) and pc.all(inside).as_py() else inside


def times_of(texts: pa.StringArray) -> pa.TimestampArray:
    """ISO 8601 texts as times in UTC; null for a text that is no time, or has no zone."""
    try:
        times = texts.cast(TIME)
        sane = pc.and_(pc.greater(times, EARLIEST), pc.less(times, LATEST))
        return pc.if_else(sane, times, pa.scalar(None, TIME))
    except pa.ArrowInvalid:
        return pa.array([time_of(text) for text in texts.to_pylist()], TIME)


def time_of(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
        return time.astimezone(UTC) if time.tzinfo else None
    except (ValueError, OverflowError):
        return None
