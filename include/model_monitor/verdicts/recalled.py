"""How was each past window judged beside those before it? From its odds; no State is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from model_monitor.core.monitor import Monitor
from model_monitor.core.window import Window
from model_monitor.results.odds import BASELINE, Odd, Odds
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.earlier import BY_ROWS, CALIBRATION, Earlier, Learning, apart, calibrating
from model_monitor.verdicts.noise import UNKNOWN, Noise
from model_monitor.verdicts.verdict import Judge


@dataclass(frozen=True)
class Side:
    """A schedule's monitor with a baseline, by which windows are judged again, and what it learns from them."""

    monitor: Monitor[Any]
    baseline: Baseline
    also: Sequence[timedelta] = ()
    learning: Learning = BY_ROWS
    judges: dict[bool, Judge] = field(default_factory=dict)

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
    def settled(self) -> dict[tuple[str, str], tuple[Window, Noise]]:
        """By baseline, and by the setting: the last window that a baseline's noise was learned from, and that noise."""
        return {}

    def earlier(self, window: Window, side: Side) -> Earlier:
        """What the windows before one said of it, beside its reference."""
        if not side.learning.weighs_history:
            return Earlier(UNKNOWN)
        key = side.baseline.identity, side.learning.noise
        if key in self.settled and window.start >= self.settled[key][0].end:
            return Earlier(self.settled[key][1])
        own = (one for one in self.odds if one.by == side.baseline.identity)
        first = list(calibrating(apart(own, window)))
        noise = Noise.of((one.of(BASELINE) for one in first), side.learning.noise == "history")
        if first and noise.is_known and window.start >= first[0].of_window.start + CALIBRATION:
            self.settled[key] = first[-1].of_window, noise
        return Earlier(noise)

    def beside(self, window: Window, side: Side) -> list[Odd]:
        """What was judged against the reference."""
        found = self.by_window.get(window)
        if found is None or side.learning.compares != found.judged_against:
            return []
        return [odd for odd in found.odds if odd.against == found.judged_against]
