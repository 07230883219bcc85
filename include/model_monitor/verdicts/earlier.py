"""What do the windows before one say of it: how much they vary, and what its rows are usually like?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from model_monitor.core.observed import Observed
from model_monitor.core.window import DAY, Window
from model_monitor.results.odds import BASELINE, Odds
from model_monitor.verdicts.noise import FEWEST, MOST, UNKNOWN, Noise, NoiseOver
from model_monitor.verdicts.trailing import Part, in_words, name_of, summed

PREVIOUS, SAME_HOUR, TRAILING = "previous", "same_hour", "trailing"  # references, beside the baseline
CALIBRATION = timedelta(days=28)
DAYS, WEEKS, FEWEST_WEEKS = 7, 8, 2  # how far back the same hour is looked for: of each day, or of the same weekday


@dataclass(frozen=True)
class Reference:
    """The rows of other windows, with which a window is compared beside the baseline. ``name`` is that of the setting,
    ``words`` say it in a sentence; ``windows``: how many; ``noise``: of windows that were compared so. ``counts``:
    whether what is found is judged, or only noted for later windows."""

    name: str
    words: str
    observed: Observed
    windows: int
    noise: Noise = UNKNOWN
    counts: bool = True


@dataclass(frozen=True)
class Earlier:
    """``noise``: how much earlier windows differed from the baseline; ``spans``: how much spans of a length did."""

    noise: Noise = UNKNOWN
    reference: Reference | None = None
    spans: Mapping[timedelta, Noise] = field(default_factory=dict)

    def over(self, length: timedelta) -> Noise:
        """How much spans of a length differed; where too few of them are known, how much windows did."""
        return self.spans.get(length, self.noise)

    @property
    def judges_twice(self) -> bool:
        """Whether a window is judged by its reference as well, so that they share its budget."""
        return self.reference is not None and self.reference.counts


NOTHING = Earlier()


@dataclass(frozen=True)
class Learning:
    """What a schedule learns from its windows: its settings ``noise`` and ``reference`` (None: absent), how long
    ``trailing`` is, and which spans it judges ``also``."""

    noise: str = "auto"
    reference: str | None = None
    trailing: timedelta | None = None
    also: Sequence[timedelta] = ()

    @property
    def is_required(self) -> bool:
        """Whether nothing is judged by the chance of rows alone."""
        return self.noise == "history"

    @property
    def weighs_history(self) -> bool:
        return self.noise != "sampling"

    @property
    def compares(self) -> str | None:
        """What a window is compared with beside the baseline, once there is enough of it; None: nothing."""
        if self.reference == BASELINE or (self.reference is None and not self.weighs_history):
            return None
        return self.reference or SAME_HOUR


BY_ROWS = Learning("sampling", BASELINE)


class Past(Protocol):
    """The windows of a schedule before one of its own, none of which overlaps another. What people call bad stands out
    whole, and what they call healthy does not."""

    def first(self) -> Iterable[Odds]:
        """Of those that were judged by the same baseline, oldest first."""

    def last(self) -> Iterable[Odds]:
        """Newest first."""

    def found(self, windows: Sequence[Window]) -> Iterable[Odds | None]:
        """Of these, as far as they were judged by the same baseline."""

    def at(self, windows: Sequence[Window]) -> Iterable[Part]:
        """Those that have rows, are not waiting for labels, and are not called bad, in the same order."""

    def within(self, span: Window) -> Iterable[Part]:
        """The same of a span, oldest first."""

    def stood_out(self, window: Window) -> bool:
        """Whether anything in it is not usual."""


def earlier_of(window: Window, learning: Learning, past: Past) -> Earlier:
    """What a schedule's earlier windows say of one. The windows that a baseline is judged by are its first ones: those
    that come to be like a slow drift must not be what it is measured by."""
    noise, spans = UNKNOWN, dict[timedelta, Noise]()
    if learning.weighs_history:
        first = list(calibrating(past.first()))
        noise = Noise.of((odds.of(BASELINE) for odds in first), learning.is_required)
        spans = spans_of(window, learning, noise, first, past.found)
    name = learning.compares
    if name is None:
        return Earlier(noise, None, spans)
    words, parts = compared(name, learning, window, past)
    if not parts:
        return Earlier(noise, None, spans)
    varied = UNKNOWN
    if learning.weighs_history:
        varied = Noise.of((odds.of(name) for odds in islice(past.last(), MOST)), learning.is_required)
    counts = learning.reference is not None or varied.is_known
    return Earlier(noise, Reference(name, words, summed(parts, {}), len(parts), varied, counts), spans)


def spans_of(
    window: Window,
    learning: Learning,
    noise: Noise,
    first: Sequence[Odds],
    found: Callable[[Sequence[Window]], Iterable[Odds | None]],
) -> dict[timedelta, Noise]:
    """How much spans differed from the baseline: the first ones, one after the other, as windows of their length."""
    spans = dict[timedelta, Noise]()
    for length in learning.also if first else ():
        ended = filter(None, found(ends_of_spans(window, first[0].of_window.start, length)))
        varied = Noise.of(odds.of(name_of(length)) for odds in ended)
        spans[length] = NoiseOver(is_required=learning.is_required, spans=varied, windows=noise)
    return spans


def ends_of_spans(window: Window, start: datetime, length: timedelta) -> list[Window]:
    """The windows with which spans of a length ended, one after the other from a moment on, before the span that ends
    with a window began: of four weeks, or as many as it takes.

    >>> hour = Window.of("2026-01-09T00:00:00Z", "2026-01-09T01:00:00Z")
    >>> [one.end.day for one in ends_of_spans(hour, hour.start - 4 * DAY, DAY)]
    [6, 7, 8]
    """
    most = min(MOST, max(FEWEST, CALIBRATION // length), max(0, (window.end - length - start) // length))
    ends = (start + number * length for number in range(1, most + 1))
    return [Window(end - window.length, end) for end in ends]


def calibrating(first: Iterable[Odds]) -> Iterator[Odds]:
    """The first windows by which a baseline is judged later: of four weeks, or as many as it takes."""
    until = None
    for number, odds in enumerate(islice(first, MOST)):
        window = odds.of_window
        until = until or window.start + CALIBRATION
        if number >= FEWEST and window.start >= until:
            return
        yield odds


def compared(name: str, learning: Learning, window: Window, past: Past) -> tuple[str, list[Part]]:
    """What a window is compared with, in words, and its windows, oldest first; none if there is none yet."""
    if name == PREVIOUS:
        return "against the window before", list(past.at([back(window, window.length)]))
    if name == SAME_HOUR:
        weeks = usual(past, past.at([back(window, 7 * DAY * i) for i in range(WEEKS, 0, -1)]))
        if len(weeks) >= FEWEST_WEEKS:
            return f"against the same time of {len(weeks)} earlier weeks", weeks
        days = usual(past, past.at([back(window, DAY * i) for i in range(DAYS, 0, -1)]))
        return f"against the same time of {len(days)} earlier days", days
    length = learning.trailing or 7 * DAY
    return f"against the {in_words(length)} before", usual(past, past.within(back(window, window.length, length)))


def back(window: Window, by: timedelta, length: timedelta | None = None) -> Window:
    """A window that ends so much earlier, of the same length or another."""
    end = window.end - by
    return Window(end - (length or window.length), end)


def usual(past: Past, parts: Iterable[Part]) -> list[Part]:
    """Those that did not stand out."""
    return [part for part in parts if not past.stood_out(part[0])]


def apart(found: Iterable[Odds], window: Window) -> Iterator[Odds]:
    """As many, in their order, as have no row in common with the one before, or with the window."""
    latest = window
    for odds in found:
        one = odds.of_window
        if one.end <= window.start and (one.end <= latest.start or latest.end <= one.start):
            latest = one
            yield odds
