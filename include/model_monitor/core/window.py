"""The window: the span of event time that an execution judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Half-open span of event time ``[start, end)``, both timezone-aware; always kept in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs times with a time zone, e.g. 2026-01-31T00:00:00Z")
        if self.end <= self.start:
            raise ValueError(f"a window must end after it starts, not {iso(self.start)} to {iso(self.end)}")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))

    @classmethod
    def of(cls, start: str, end: str) -> Window:
        """The window between two ISO 8601 texts; a text without a zone is UTC.

        >>> str(Window.of("2026-01-01T03:00:00Z", "2026-01-01T04:00:00Z"))
        '2026-01-01T03:00:00Z/2026-01-01T04:00:00Z'
        """
        return cls(moment(start), moment(end))

    def __contains__(self, time: datetime) -> bool:
        return self.start <= time < self.end

    def __str__(self) -> str:
        return f"{iso(self.start)}/{iso(self.end)}"

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def hours(self) -> Iterator[Window]:
        """The whole clock hours (UTC) that this window touches, in order."""
        hour = floor_hour(self.start)
        while hour < self.end:
            yield Window(hour, hour + HOUR)
            hour += HOUR


EVER = Window(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def floor_hour(time: datetime) -> datetime:
    """The start of the clock hour in UTC."""
    return time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def moment(text: str) -> datetime:
    """A point in time from ISO 8601 text; UTC where no zone is given. Raises ValueError that says what to write."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"'{text:.40}' is no time; write it as 2026-01-31T04:00:00Z") from error


def iso(time: datetime) -> str:
    """ISO 8601 in UTC with a ``Z``, with microseconds only where there are any."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
