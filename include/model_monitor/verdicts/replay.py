"""Which past windows would be judged otherwise by another baseline, or by other settings? A pure function of their
States."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from model_monitor.core.constraints import Finding
from model_monitor.core.observed import Observed
from model_monitor.core.window import Window
from model_monitor.results.execution import WITH_VIOLATIONS
from model_monitor.results.handover import Labels
from model_monitor.verdicts.verdict import Judge, Verdict

Past = tuple[Window, Observed, Labels | None]


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


def replay(before: Judge, after: Judge, past: Iterable[Past | None]) -> Replay:
    """Judge the States of past windows twice; None is one that can't be read. One State is held at a time."""
    windows, unread, violated, told = 0, 0, [0, 0], []
    for one in past:
        if one is None:
            unread += 1
            continue
        window, observed, labels = one
        old, new = (judge.verdict(observed, labels) for judge in (before, after))
        windows += 1
        for i, verdict in enumerate((old, new)):
            violated[i] += verdict.status == WITH_VIOLATIONS
        if old.status != new.status or old.status == WITH_VIOLATIONS:
            told.append(Rejudged(window, old.status, new.status, violations_of(old), violations_of(new)))
    return Replay(windows, violated[0], violated[1], tuple(told), unread)


def violations_of(verdict: Verdict) -> tuple[str, ...]:
    """What is violated: check and subject of each finding."""
    return tuple(name_of(finding) for finding in verdict.findings if finding.outcome == "violated")


def name_of(finding: Finding) -> str:
    constraint = finding.constraint
    return f"{constraint.check} of {constraint.subject}" if str(constraint.subject) else constraint.check
