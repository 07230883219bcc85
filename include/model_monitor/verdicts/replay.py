"""Which past windows would be judged otherwise by another baseline? A pure function of their States."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from model_monitor.core.constraints import Finding
from model_monitor.core.monitor import Monitor
from model_monitor.core.observed import Observed
from model_monitor.core.window import Window
from model_monitor.results.execution import WITH_VIOLATIONS
from model_monitor.results.handover import Labels
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.verdict import Verdict, judge

Past = tuple[Window, Observed, Labels | None]


@dataclass(frozen=True, slots=True)
class Flip:
    """A window whose status would be another: what would be violated only ``after``, and what only ``before``."""

    window: Window
    before: str
    after: str
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replay:
    """How many windows were judged again, how many of them are violated before and after, and those that flip."""

    windows: int = 0
    before: int = 0
    after: int = 0
    flips: tuple[Flip, ...] = ()


def replay(monitor: Monitor[Any], before: Baseline, after: Baseline, past: Iterable[Past]) -> Replay:
    """Judge the States of past windows by two baselines. One State is held at a time. Raises ConfigError."""
    windows, violated, flips = 0, [0, 0], []
    for window, observed, labels in past:
        old, new = (judge(monitor, baseline, observed, labels) for baseline in (before, after))
        windows += 1
        for i, verdict in enumerate((old, new)):
            violated[i] += verdict.status == WITH_VIOLATIONS
        if old.status != new.status:
            was, is_now = violations_of(old), violations_of(new)
            gained = tuple(name for name in is_now if name not in was)
            lost = tuple(name for name in was if name not in is_now)
            flips.append(Flip(window, old.status, new.status, gained, lost))
    return Replay(windows, violated[0], violated[1], tuple(flips))


def violations_of(verdict: Verdict) -> list[str]:
    """What is violated: check and subject of each finding."""
    return [name_of(finding) for finding in verdict.findings if finding.outcome == "violated"]


def name_of(finding: Finding) -> str:
    constraint = finding.constraint
    return f"{constraint.check} of {constraint.subject}" if str(constraint.subject) else constraint.check
