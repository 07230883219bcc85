"""Which past windows would be judged otherwise by another baseline, or by other settings? A pure function of their
States."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from model_monitor.core.constraints import Finding
from model_monitor.core.measures import Subject
from model_monitor.core.observed import Observed
from model_monitor.core.window import Window
from model_monitor.results.execution import WITH_VIOLATIONS
from model_monitor.results.handover import Labels
from model_monitor.results.odds import Odd, Odds
from model_monitor.verdicts.recalled import Recalled, Side
from model_monitor.verdicts.trailing import Days, Part, trailing
from model_monitor.verdicts.verdict import Verdict

END: Any = object()
NO_ODDS = Recalled()
Past = tuple[Window, Observed, Labels | None]
Known = Past | Odds | None  # a window with its State, or its odds; None if it can't be read


@dataclass(frozen=True, slots=True)
class Rejudged:
    """A window's status as it is judged ``before`` and ``after``, and what is violated then: check and subject."""

    window: Window
    before: str
    after: str
    was: tuple[str, ...] = ()
    is_now: tuple[str, ...] = ()

    @property
    def flips(self) -> bool:
        return self.before != self.after

    @property
    def gained(self) -> tuple[str, ...]:
        """What is violated only after."""
        return tuple(name for name in self.is_now if name not in self.was)

    @property
    def lost(self) -> tuple[str, ...]:
        """What was violated only before."""
        return tuple(name for name in self.was if name not in self.is_now)


@dataclass(frozen=True, slots=True)
class Replay:
    """How many windows were judged again, how many of them are violated before and after, and each of these, or whose
    status is another: ``told``. ``unread``: windows whose State can't be read, or is of other options."""

    windows: int = 0
    before: int = 0
    after: int = 0
    told: tuple[Rejudged, ...] = ()
    unread: int = 0

    @property
    def flips(self) -> tuple[Rejudged, ...]:
        """The windows whose status would be another."""
        return tuple(one for one in self.told if one.flips)


def replay(
    before: Side, after: Side, past: Iterable[Known], count: int | None = None, recalled: Recalled = NO_ODDS
) -> Replay:
    """Judge past windows, newest first, twice: by their States or, without spans, by odds that both sides know. None is
    one that can't be read. ``count``: of the newest so many only; those before them are then parts of their spans. Only
    the States of the longest span are held. ``recalled``: what was found of the windows, which tells how they vary."""
    windows, unread, violated, told = 0, 0, [0, 0], list[Rejudged]()
    days: Days = {}
    pairs: Iterable[tuple[Known, list[Part]]] = ((one, []) for one in past)
    if longest := max((*before.also, *after.also), default=None):
        pairs = with_earlier((one for one in past if not isinstance(one, Odds)), longest)
    for number, (one, earlier) in enumerate(pairs):
        if number == count:
            break
        if one is None:
            unread += 1
            continue
        if isinstance(one, Odds):
            window = one.of_window
            old, new = (by_odds(side, one, recalled) for side in (before, after))
        else:
            window = one[0]
            old, new = (judged(side, one, earlier, days, recalled) for side in (before, after))
        windows += 1
        for i, (status, _) in enumerate((old, new)):
            violated[i] += status == WITH_VIOLATIONS
        if old[0] != new[0] or old[0] == WITH_VIOLATIONS:
            told.append(Rejudged(window, old[0], new[0], old[1], new[1]))
    return Replay(windows, violated[0], violated[1], tuple(told), unread)


def by_odds(side: Side, odds: Odds, recalled: Recalled) -> tuple[str, tuple[str, ...]]:
    """The same of a window whose odds tell it."""
    status, violated = recalled.verdict(odds, side)
    against = against_of(recalled.beside(odds.of_window, side))
    own = [in_words(one.check, one.subject) for one in violated]
    return WITH_VIOLATIONS if against else status, (*own, *against)


def against_of(beside: Iterable[Odd]) -> list[str]:
    """What was violated against a reference."""
    return [f"{in_words(odd.check, odd.key[1])} against {odd.against}" for odd in beside if odd.violated]


def judged(
    side: Side, past: Past, earlier: Sequence[Part], days: Days, recalled: Recalled
) -> tuple[str, tuple[str, ...]]:
    """A window's status, and what is violated."""
    window, observed, labels = past
    beside = recalled.beside(window, side)
    judge = side.judge(judges_twice=bool(beside))
    spans = (trailing(length, window, observed, earlier, days) for length in judge.also)
    verdict = judge.verdict(observed, labels, spans, recalled.earlier(window, side))
    against = against_of(beside)
    return WITH_VIOLATIONS if against else verdict.status, (*violations_of(verdict), *against)


def with_earlier(past: Iterable[Past | None], longest: timedelta) -> Iterator[tuple[Past | None, list[Part]]]:
    """Each window, newest first, with those before it, none overlapping another, of which a span may be the sum."""
    waiting: deque[Past | None] = deque()
    rest = iter(past)
    while True:
        if not waiting and (more := next(rest, END)) is not END:
            waiting.append(more)
        if not waiting:
            return
        one = waiting.popleft()
        if one is None:
            yield one, []
            continue
        first = one[0].end - longest
        while not waiting or waiting[-1] is None or waiting[-1][0].start >= first:
            if (more := next(rest, END)) is END:
                break
            waiting.append(more)
        yield one, list(apart(one[0], waiting))


def apart(window: Window, before: Iterable[Past | None]) -> Iterator[Part]:
    """As many of the windows before one, newest first, as have no row in common: no row is to be counted twice."""
    start = window.start
    for one in before:
        if one is not None and one[0].end <= start:
            start = one[0].start
            yield one[0], one[1]


def violations_of(verdict: Verdict) -> tuple[str, ...]:
    """What is violated: check and subject of each finding."""
    own = [name_of(finding) for finding in verdict.findings if finding.outcome == "violated"]
    beside = [
        f"{name_of(finding)} {one.of.words}"
        for one in verdict.beside
        if one.counts
        for finding in one.findings
        if finding.outcome == "violated"
    ]
    return (*own, *beside)


def name_of(finding: Finding) -> str:
    return in_words(finding.constraint.check, finding.constraint.subject)


def in_words(check: str, subject: Subject) -> str:
    return f"{check} of {subject}" if str(subject) else check
