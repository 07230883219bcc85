"""What is kept of requests: how many came in each minute, how many failed, and how long answers took."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from model_monitor.core.states import Counts, Keyed, Record
from model_monitor.core.window import Window
from model_monitor.errors import DataError

MINUTES = 60  # of an hour
MOST_HOURS = 20_000  # of one State: more than two years
TOO_LONG = f"the requests span more than {MOST_HOURS:,} hours"

# Latencies are counted in cells, each 2 % wider than the one before, so that counts are exact and numbers to 1 %.
CELL = math.log(1.02)
SHORTEST, LONGEST = 1e-3, 1e9  # milliseconds


def no_minutes() -> np.ndarray:
    return np.zeros(MINUTES, np.int64)


@dataclass(frozen=True, eq=False)
class Hour(Record):
    """The requests of an hour.

    captured: how many came in each minute (int64, 60); watched: whether anyone would have noticed (above 0).
    requests: how many these stand for, each for 100 / percentage captured; squares: the sum of these, squared.
    told: of how many it is known whether they failed. latencies: how many answers took as long as each cell.
    """

    captured: np.ndarray = field(default_factory=no_minutes)
    watched: np.ndarray = field(default_factory=no_minutes)
    requests: float = 0.0
    squares: float = 0.0
    told: int = 0
    failed: int = 0
    latencies: Counts = field(default_factory=Counts)


@dataclass(frozen=True, eq=False)
class Requests(Record):
    """The requests of each hour, by its start in UTC, e.g. ``2026-01-05T03``; and of what nothing else is known.

    records: how many records were read; set_aside: how many of them can't be read. timeless: how many rows tell no
    time. Raises DataError beyond ``MOST_HOURS``.
    """

    hours: Keyed[Hour] = field(default_factory=lambda: Keyed(Hour()))
    records: int = 0
    set_aside: int = 0
    timeless: int = 0

    def __post_init__(self) -> None:
        if len(self.hours.items) > MOST_HOURS:
            raise DataError(f"{TOO_LONG}; judge, or learn from, a shorter time")

    @classmethod
    def watching(cls, window: Window | None, records: int, set_aside: int) -> Requests:
        """No request in the minutes of a window that was watched; None: the time that requests tell was."""
        hours: dict[str, Hour] = {}
        if window is not None:
            first, end = (int(time.timestamp() // 60) for time in (window.start, window.end))
            for hour, minutes in by_hour(np.arange(first, max(end, first + 1))):
                hours[hour] = Hour(watched=np.bincount(minutes, minlength=MINUTES))
        return cls(Keyed(Hour(), hours), records, set_aside)

    @property
    def weight(self) -> float | None:
        """How many requests a captured one stands for, on average by what they add to chance; None without requests."""
        requests = sum(hour.requests for hour in self.hours.items.values())
        return sum(hour.squares for hour in self.hours.items.values()) / requests if requests else None

    def latencies(self, hours: Iterable[str]) -> Counts:
        """The latencies of some hours together."""
        together: Counter[str] = Counter()
        for hour in hours:
            together.update(self.hours.items[hour].latencies.values)
        return Counts(together)


@dataclass(frozen=True, eq=False)
class Series:
    """The minutes that were watched, counted from 1970, rising (int64); how many requests came in each (float64)."""

    minutes: np.ndarray
    requests: np.ndarray

    @classmethod
    def of(cls, state: Requests) -> Series:
        """Without a window all minutes from the first to the last request. Raises DataError beyond ``MOST_HOURS``."""
        names = sorted(state.hours.items)
        if not names:
            return cls(np.empty(0, np.int64), np.empty(0))
        hours = [state.hours.items[name] for name in names]
        minutes = np.concatenate([start_of(name) + np.arange(MINUTES) for name in names])
        watched = np.concatenate([hour.watched for hour in hours]) > 0
        weights = [hour.requests / max(1, hour.captured.sum()) for hour in hours]
        requests = np.concatenate([hour.captured * weight for hour, weight in zip(hours, weights, strict=True)])
        if watched.any():
            watched |= requests > 0
            return cls(minutes[watched], requests[watched])
        minutes, requests = minutes[requests > 0], requests[requests > 0]
        if len(minutes) and minutes[-1] - minutes[0] > MOST_HOURS * MINUTES:
            raise DataError(f"{TOO_LONG}; perhaps a time is wrong")
        every = np.arange(minutes[0], minutes[-1] + 1) if len(minutes) else minutes
        filled = np.zeros(len(every))
        filled[minutes - every[:1]] = requests
        return cls(every, filled)

    @property
    def hours(self) -> np.ndarray:
        """The hour of the day (0..23, UTC) of each minute."""
        return self.minutes // MINUTES % 24

    def silences(self) -> list[slice]:
        """The runs of minutes without a request, in order."""
        silent = self.requests == 0
        goes_on = np.zeros(len(silent), bool)
        goes_on[1:] = silent[1:] & silent[:-1] & (np.diff(self.minutes) == 1)
        begins = np.flatnonzero(silent & ~goes_on).tolist()
        ends = np.flatnonzero(silent & ~np.append(goes_on[1:], False)).tolist()
        return [slice(begin, end + 1) for begin, end in zip(begins, ends, strict=True)]


def by_hour(minutes: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Minutes counted from 1970, as those of each hour (0..59), by rising hour and in the order they have."""
    for hour in np.unique(minutes // MINUTES).tolist():
        yield name_of(hour), (minutes[minutes // MINUTES == hour] % MINUTES)


def name_of(hour: int) -> str:
    """An hour counted from 1970 as text."""
    return str(np.datetime64(hour, "h"))


def start_of(hour: str) -> int:
    """The first minute of an hour, counted from 1970."""
    return int(np.datetime64(hour, "h").astype(np.int64)) * MINUTES


def cells_of(latencies_ms: np.ndarray) -> np.ndarray:
    """The cell of each latency (finite, at least 0), as int64."""
    return np.asarray(np.log(np.clip(latencies_ms, SHORTEST, LONGEST)) // CELL, np.int64)


def end_of(cell: int) -> float:
    """The milliseconds at which a cell ends."""
    return math.exp((cell + 1) * CELL)


def middle_of(cell: int) -> float:
    """Milliseconds that stand for those of a cell: right to 1 %."""
    return math.exp((cell + 0.5) * CELL)


def cell_at(latencies: Counts, share: float) -> int | None:
    """The first cell with at least this share (0..1) of the latencies at or below it; None of none."""
    counts = sorted((int(cell), n) for cell, n in latencies.values.items())
    if not counts:
        return None
    reached = int(np.searchsorted(np.cumsum([n for _, n in counts]), share * latencies.n - 1e-9))
    return counts[min(reached, len(counts) - 1)][0]


def above(latencies: Counts, cell: int) -> int:
    """How many latencies are in cells above this one."""
    return sum(n for own, n in latencies.values.items() if int(own) > cell)
