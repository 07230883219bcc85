"""Is the baseline too old to judge by?"""

from __future__ import annotations

from datetime import datetime, timedelta

from model_monitor.core.constraints import Between, Constraint, Finding
from model_monitor.core.measures import EVERYTHING
from model_monitor.core.window import DAY, moment
from model_monitor.verdicts.baseline import Baseline

STALE = "stale_baseline_check"
AGE = "baseline_age_days"


def finding_of(baseline: Baseline, limit: timedelta | None, end: datetime) -> Finding | None:
    """What a window's ``end`` finds of the age of a learned version; None if there is no ``limit`` or no version.

    Beyond the limit it is undefined, so that no window counts as violated because nobody learned a new baseline, and no
    false-alarm budget pays for it: whether the window is as it should be, so old a baseline can't tell.
    """
    if limit is None or not baseline.name:
        return None
    constraint = Constraint(STALE, EVERYTHING, AGE, Between(high=limit / DAY))
    try:
        age = end - moment(baseline.learned or "")
    except ValueError:
        return Finding(constraint, "undefined", reason="nobody knows when the baseline was learned")
    if age <= limit:
        return Finding(constraint, "holds", age / DAY)
    reason = f"the baseline is {in_days(age)} old, learned on {baseline.learned}; stale_after is {in_days(limit)}"
    return Finding(constraint, "undefined", age / DAY, reason=reason)


def in_days(span: timedelta) -> str:
    """
    >>> in_days(timedelta(days=90)), in_days(timedelta(hours=30))
    ('90 days', '1.2 days')
    """
    return f"{int(span / DAY * 10) / 10:g} days"
