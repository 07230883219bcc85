"""Which windows do people call bad, or healthy? What is learned of windows follows them rather than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model_monitor.core.window import Window
from model_monitor.results.odds import Odds

BAD, HEALTHY, NEITHER = "bad", "healthy", "neither"


@dataclass(frozen=True)
class Mark:
    """What a person said of all windows that have a part in a span: ``bad``, ``healthy``, or ``neither`` (chance
    decides)."""

    span: Window
    says: str
    by: str = ""
    why: str = ""


@dataclass(frozen=True)
class Marks:
    """All of a schedule, in the order in which they were made: the last one of a window counts."""

    marks: Sequence[Mark] = ()

    def of(self, window: Window) -> Mark | None:
        """The mark of a window; None if it has none, or no more."""
        for mark in reversed(self.marks):
            if mark.span.start < window.end and window.start < mark.span.end:
                return mark if mark.says != NEITHER else None
        return None

    def is_bad(self, window: Window) -> bool:
        mark = self.of(window)
        return mark is not None and mark.says == BAD

    def on(self, odds: Odds) -> Odds:
        """A window's odds, where a person rather than chance may say what stands out."""
        mark = self.of(odds.of_window)
        return odds.standing_out(mark.says == BAD) if mark else odds
