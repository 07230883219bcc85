"""How was each past window judged beside those before it? From its odds; no State is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, partial
from typing import Any

from model_monitor.core.chance import normal_tail
from model_monitor.core.constraints import Constraint, Near
from model_monitor.core.distances import DISTANCES
from model_monitor.core.monitor import Monitor
from model_monitor.core.window import Window
from model_monitor.results.execution import COMPLETED, WITH_VIOLATIONS
from model_monitor.results.odds import BASELINE, Odd, Odds
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.earlier import BY_ROWS, CALIBRATION, Earlier, Learning, apart, calibrating, spans_of
from model_monitor.verdicts.noise import FEWEST, MOST, UNKNOWN, Key, Noise, NoiseOf, key_of, level_of
from model_monitor.verdicts.verdict import Judge


@dataclass(frozen=True)
class Side:
    """A schedule's monitor with a baseline, by which windows are judged again, and what it learns from them.
    ``options``: a digest of those that decide what is compared, and how."""

    monitor: Monitor[Any]
    baseline: Baseline
    also: Sequence[timedelta] = ()
    learning: Learning = BY_ROWS
    options: str = ""
    judges: dict[bool, Judge] = field(default_factory=dict)

    def knows(self, odds: Odds) -> bool:
        """Whether a window's odds are those that it would have now."""
        return (odds.by, odds.options) == (self.baseline.identity, self.options)

    def judge(self, judges_twice: bool = False) -> Judge:
        if judges_twice not in self.judges:
            self.judges[judges_twice] = Judge.of(self.monitor, self.baseline, self.also, judges_twice)
        return self.judges[judges_twice]


@dataclass(frozen=True)
class Recalled:
    """The odds of a schedule's windows, oldest first. What was compared with other windows stays as it was found; what
    stood out then tells nothing of later windows."""

    odds: Sequence[Odds] = ()

    @cached_property
    def by_window(self) -> dict[Window, Odds]:
        return {one.of_window: one for one in self.odds}

    @cached_property
    def usual(self) -> dict[Window, Mapping[Key, float]]:
        """The z of what was usual in windows, as far as they were asked for."""
        return {}

    @cached_property
    def settled(self) -> dict[str, list[Odds]]:
        """By baseline: the windows that its noise was learned from, where no later window can be among them."""
        return {}

    def earlier(self, window: Window, side: Side) -> Earlier:
        """What the windows before one said of it, beside its reference."""
        if not side.learning.weighs_history:
            return Earlier(UNKNOWN)
        first = self.first(window, side.baseline.identity)
        for one in first:
            if one.of_window not in self.usual:
                self.usual[one.of_window] = one.of(BASELINE)
        windows = [self.usual[one.of_window] for one in first]
        noise = NoiseOf(is_required=side.learning.is_required, windows=windows)
        return Earlier(noise, None, spans_of(window, side.learning, noise, first, partial(self.found, side)))

    def found(self, side: Side, windows: Sequence[Window]) -> list[Odds | None]:
        """Of these windows, as far as they were judged by a side's baseline."""
        known = map(self.by_window.get, windows)
        return [odds if odds and odds.by == side.baseline.identity else None for odds in known]

    def first(self, window: Window, by: str) -> list[Odds]:
        """The windows before one that its baseline's noise is learned from."""
        if by in self.settled and window.start >= self.settled[by][-1].of_window.end:
            return self.settled[by]
        first = list(calibrating(apart((one for one in self.odds if one.by == by), window)))
        is_over = len(first) >= FEWEST and window.start >= first[0].of_window.start + CALIBRATION
        if is_over or len(first) == MOST:
            self.settled[by] = first
        return first

    def verdict(self, odds: Odds, side: Side) -> tuple[str, list[Constraint]]:
        """The status of a window whose odds a side knows, and what it violates, without its reference and its State."""
        window = odds.of_window
        noise = self.earlier(window, side).noise
        by_key = {odd.key: odd for odd in odds.odds if odd.against == BASELINE}
        judge = side.judge(judges_twice=bool(self.beside(window, side)))
        violated = [
            one
            for one in judge.learned
            if ((odd := by_key.get(key_of(one))) is not None and is_beyond(one, odd, noise))
            or (odd is None and (one.check, one.subject.column, one.subject.segment, one.measure) in odds.broken)
        ]
        calm = COMPLETED if odds.status == WITH_VIOLATIONS else odds.status
        return WITH_VIOLATIONS if violated else calm, violated

    def beside(self, window: Window, side: Side) -> list[Odd]:
        """What was judged against the reference."""
        odds = self.by_window.get(window)
        if odds is None or side.learning.compares != odds.judged_against:
            return []
        return [odd for odd in odds.odds if odd.against == odds.judged_against]


def is_beyond(constraint: Constraint, odd: Odd, noise: Noise) -> bool:
    """Whether a check violates its bound, by what was observed and its z: as ``core.evaluation`` does by a p-value."""
    bound, level = constraint.bound, level_of(constraint.bound)
    if not level or odd.z <= normal_tail(level / 2):
        return False
    if isinstance(bound, Near) and not DISTANCES[bound.distance].is_p_value:
        return (odd.observed or 0.0) > bound.threshold and noise.is_beyond(constraint, odd.z, level)
    return noise.is_beyond(constraint, odd.z, level)
