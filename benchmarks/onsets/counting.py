"""How many changes a participant tells, and how many healthy windows it alarms about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest

ANY = "any"  # of a window whose changed columns nobody knows
Told = dict[str, Any]  # of a window: the scores by subject, and the subjects that alarm


@dataclass(frozen=True)
class Counted:
    """``caught`` of ``changes`` (each changed column of each window), and ``false`` of so many ``healthy`` windows with
    any alarm. ``caught_at``: what is caught if the threshold is the best for that many false alarms."""

    caught: int
    changes: int
    false: int
    healthy: int
    caught_at: dict[int, int]


def counted(told: Sequence[Told], changed: Sequence[Sequence[str]], at: Sequence[int]) -> Counted:
    """Raises ValueError if not every window was judged."""
    healthy = [one for one, columns in zip(told, changed, strict=True) if not columns]
    changes = [(one, column) for one, columns in zip(told, changed, strict=True) for column in columns]
    usual = sorted((highest(one, ANY) for one in healthy), reverse=True)
    scores = [highest(one, column) for one, column in changes]
    return Counted(
        sum(bool(one["alarms"]) if column == ANY else column in one["alarms"] for one, column in changes),
        len(changes),
        sum(bool(one["alarms"]) for one in healthy),
        len(healthy),
        {k: sum(score > usual[k] for score in scores) for k in at},
    )


def highest(one: Told, column: str) -> float:
    """How far off a window is, or one of its columns."""
    scores: dict[str, float] = one["scores"]
    return max(scores.values()) if column == ANY else scores.get(column, float("-inf"))


def share(count: int, of: int) -> str:
    """
    >>> share(36, 40)
    '36/40 (76 to 97 %)'
    """
    interval = binomtest(count, of).proportion_ci(0.95)
    return f"{count}/{of} ({100 * interval.low:.0f} to {100 * interval.high:.0f} %)"


def table(rows: Sequence[tuple[str, Counted]], at: Sequence[int], write: Callable[[str], None]) -> None:
    best = "".join(f"{f'caught at {k} false':>19}" for k in at)
    write(f"{'':<24}{'caught (95 %)':>24}{'false (95 %)':>22}{best}")
    for name, one in rows:
        found = "".join(f"{f'{one.caught_at[k]}/{one.changes}':>19}" for k in at)
        write(f"{name:<24}{share(one.caught, one.changes):>24}{share(one.false, one.healthy):>22}{found}")
