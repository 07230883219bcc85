"""How far beyond chance was each check of a window? ``odds.json``: what later windows learn their noise from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec

from model_monitor.core.constraints import Finding
from model_monitor.core.measures import Subject
from model_monitor.core.window import Window
from model_monitor.errors import DataError
from model_monitor.results.handover import Handover, Span

BASELINE = "baseline"  # what a window is compared with, if not with other windows


class Odd(msgspec.Struct, frozen=True, array_like=True):
    """A check of a subject: its ``z`` (>= 0) by the chance of rows, and what was ``observed``, ``against`` the baseline
    or other windows. ``stands_out``: it was violated beside past windows too, not only by the chance of rows."""

    against: str
    check: str
    column: str | None
    segment: tuple[tuple[str, str], ...]
    measure: str
    z: float
    observed: float | None = None
    violated: bool = False
    stands_out: bool = False

    @property
    def key(self) -> tuple[str, Subject, str]:
        return self.check, Subject(self.column, self.segment), self.measure


class Odds(Handover, frozen=True, kw_only=True):
    """All checks of a window that weigh chance; ``by``: the version of the baseline, or its files.
    ``judged_against``: the reference, if it was judged by one as well. ``broken``: the exact rules that were violated,
    by check, column, segment and measure. ``status``: of the verdict. ``options``: a digest of those that decide what
    is compared, and how."""

    window: Span = Span("", "")
    by: str = ""
    judged_against: str | None = None
    status: str = ""
    options: str = ""
    broken: tuple[tuple[str, str | None, tuple[tuple[str, str], ...], str], ...] = ()
    odds: tuple[Odd, ...] = ()

    @property
    def of_window(self) -> Window:
        return window_of(self.window.start, self.window.end)

    @classmethod
    def readable(cls, address: str) -> Odds | None:
        """The odds in a file; None if it is not there, damaged, or of another version: others will do."""
        try:
            return cls.find(address)
        except DataError:
            return None

    def of(self, against: str) -> Mapping[tuple[str, Subject, str], float]:
        """The z of what is usual, by check, subject and measure: what stood out tells nothing of later windows."""
        return {odd.key: odd.z for odd in self.odds if odd.against == against and not odd.stands_out}

    def standing_out(self, does: bool) -> Odds:
        """The same, where all stands out, or nothing does."""
        return msgspec.structs.replace(
            self, odds=tuple(msgspec.structs.replace(odd, stands_out=does) for odd in self.odds)
        )

    @property
    def stand_out(self) -> bool:
        """Whether anything did."""
        return any(odd.stands_out for odd in self.odds)


@lru_cache(maxsize=1 << 14)
def window_of(start: str, end: str) -> Window:
    return Window.of(start, end)


def odds_of(against: str, findings: Iterable[Finding]) -> list[Odd]:
    """What was found, as far as chance was weighed."""
    return [
        Odd(
            against,
            finding.constraint.check,
            finding.constraint.subject.column,
            finding.constraint.subject.segment,
            finding.constraint.measure,
            finding.z,
            finding.observed,
            finding.outcome == "violated",
            finding.outcome == "violated" and finding.windows is not None,
        )
        for finding in findings
        if finding.z is not None
    ]
