"""The rows of the last day or week as one State: the sum of the States of their windows, as far as there are any."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from pydantic import TypeAdapter

from model_monitor.core.observed import Observed
from model_monitor.core.states import total
from model_monitor.core.window import DAY, HOUR, Window

LENGTH = TypeAdapter(timedelta)
Part = tuple[Window, Observed]
Days = MutableMapping[tuple[date, tuple[Window, ...]], Observed]  # sums that were made before


@dataclass(frozen=True)
class Trailing:
    """The rows of so long a span, up to a window's end: the sum of ``windows``, its own included; ``missing``: how many
    more there would be if each had a State."""

    length: timedelta
    observed: Observed
    windows: int
    missing: int

    @property
    def name(self) -> str:
        """Its length, ISO 8601."""
        return name_of(self.length)

    @property
    def words(self) -> str:
        """
        >>> Trailing(timedelta(days=1), Observed(0, None), 24, 0).words
        'over the last day'
        >>> Trailing(timedelta(hours=6), Observed(0, None), 4, 2).words
        'over the last 6 hours, of which 2 of 6 windows are missing'
        """
        missing = f", of which {self.missing} of {self.windows + self.missing} windows are missing"
        return f"over the last {in_words(self.length)}{missing if self.missing else ''}"


def trailing(length: timedelta, window: Window, observed: Observed, earlier: Sequence[Part], days: Days) -> Trailing:
    """The span of a ``length`` that ends with a window. ``earlier``: windows before it with their States, newest first,
    none of which overlaps another.

    The days of UTC are summed first, each from its first window on, so that the order in which windows were observed
    changes nothing, and sums of whole days can be kept in ``days``.
    """
    parts = [(window, observed), *(part for part in earlier if part[0].start >= window.end - length)][::-1]
    missing = max(0, length // window.length - len(parts))
    return Trailing(length, summed(parts, days), len(parts), missing)


def summed(parts: Iterable[Part], days: Days) -> Observed:
    """The sum of windows that rise."""
    sums = []
    for day, group in groupby(parts, key=lambda part: part[0].start.date()):
        inside = list(group)
        key = day, tuple(window for window, _ in inside)
        if key not in days:
            days[key] = total([observed for _, observed in inside])
        sums.append(days[key])
    return total(sums)


def name_of(length: timedelta) -> str:
    """ISO 8601.

    >>> name_of(timedelta(hours=6)), name_of(timedelta(days=7))
    ('PT6H', 'P7D')
    """
    return str(LENGTH.dump_python(length, mode="json"))


def in_words(length: timedelta) -> str:
    """
    >>> in_words(timedelta(days=7)), in_words(timedelta(days=1)), in_words(timedelta(hours=36))
    ('7 days', 'day', '36 hours')
    """
    units = {DAY: "day", HOUR: "hour", timedelta(minutes=1): "minute", timedelta(seconds=1): "second"}
    unit, word = next((unit, word) for unit, word in units.items() if not length % unit or word == "second")
    count = length // unit
    return word if count == 1 else f"{count} {word}s"
