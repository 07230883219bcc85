"""Did a difference from the baseline grow from week to week, rather than come at once?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from model_monitor.core.constraints import Constraint, Finding, Near
from model_monitor.core.measures import Share
from model_monitor.core.window import DAY, Window
from model_monitor.results.odds import BASELINE, Odds
from model_monitor.verdicts.earlier import Past, back
from model_monitor.verdicts.noise import Key, key_of

WEEKS, FEWEST_WEEKS = 8, 3  # that are looked at, and in which it must have grown
DAYS = 7  # of a week, each at the time of the window
RISE = 3.0  # of z, over all weeks: what chance does not do to the middle of seven windows


class Level(NamedTuple):
    """How far beyond chance a check was, and what was measured: the middle of a week's windows."""

    z: float
    observed: float


@dataclass(frozen=True)
class Slow:
    """In so many weeks in a row a check was further off than in the week before, and in none of them by more than half
    of all. ``per_week``: what was measured changed by this much, on average."""

    weeks: int
    per_week: float

    def words(self, constraint: Constraint) -> str:
        bound = constraint.bound
        is_share = isinstance(bound, Near) or isinstance(getattr(bound, "drawn", None), Share)
        change = abs(self.per_week)
        return f"slow: {f'{100 * change:.2g} %' if is_share else f'{change:.2g}'} a week for {self.weeks} weeks"


def level_of(week: Iterable[Level]) -> Level | None:
    """The middle of a week's windows; None if there is none."""
    levels = list(week)
    return Level(median(one.z for one in levels), median(one.observed for one in levels)) if levels else None


def slow_of(levels: Sequence[Level | None]) -> Slow | None:
    """Of the levels of weeks, newest first; None if nothing grew slowly.

    >>> slow_of([Level(9, 0.14), Level(7, 0.11), Level(4, 0.07), Level(2, 0.05), Level(2, 0.05)])
    Slow(weeks=3, per_week=0.03)
    >>> slow_of([Level(9.2, 0.14), Level(9.1, 0.14), Level(9, 0.14), Level(2, 0.05)])  # at once, three weeks ago
    """
    run = list[Level]()
    for level in levels:
        if level is None or (run and level.z >= run[-1].z):
            break
        run.append(level)
    weeks = len(run) - 1
    if weeks < FEWEST_WEEKS:
        return None
    rise, largest = run[0].z - run[-1].z, max(later.z - earlier.z for later, earlier in pairwise(run))
    if rise < RISE or largest > rise / 2:
        return None
    return Slow(weeks, round((run[0].observed - run[-1].observed) / weeks, 12))


def slow_drifts(window: Window, findings: Iterable[Finding], past: Past) -> dict[Key, Slow]:
    """Which violations of a window came slowly, by check, subject and measure. Only what is beyond past windows too is
    looked at: without history there is none to look at."""
    beyond = [one for one in findings if one.outcome == "violated" and one.windows is not None]
    if not beyond:
        return {}
    now = {key_of(one.constraint): Level(one.z or 0.0, one.observed or 0.0) for one in beyond}
    earlier = past.found([back(window, day * DAY) for day in range(1, WEEKS * DAYS)])
    days = [now, *map(levels_in, earlier)]
    weeks = [days[first : first + DAYS] for first in range(0, WEEKS * DAYS, DAYS)]
    drifts = {key: slow_of([level_of(day[key] for day in week if key in day) for week in weeks]) for key in now}
    return {key: slow for key, slow in drifts.items() if slow}


def levels_in(odds: Odds | None) -> dict[Key, Level]:
    """What was found against the baseline; nothing of a window that is not there."""
    return {odd.key: Level(odd.z, odd.observed or 0.0) for odd in odds.odds if odd.against == BASELINE} if odds else {}
