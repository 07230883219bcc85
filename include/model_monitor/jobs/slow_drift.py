"""Which violations of a window came slowly, over weeks? Read from what was found of the windows before it."""

from __future__ import annotations

from collections.abc import Sequence

from model_monitor.config.execution import Execution
from model_monitor.core.constraints import Finding
from model_monitor.core.window import DAY
from model_monitor.jobs.earlier_windows import Stored
from model_monitor.results.odds import BASELINE, Odds
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.earlier import back
from model_monitor.verdicts.noise import Key, key_of
from model_monitor.verdicts.slow import WEEKS, Level, Slow, level_of, slow_of

DAYS = 7  # of a week: each at the time of the window


def slow_drifts(execution: Execution, baseline: Baseline, findings: Sequence[Finding]) -> dict[Key, Slow]:
    """By check, subject and measure. Only what is beyond past windows too is looked at: without history there is
    none to look at."""
    beyond = [one for one in findings if one.outcome == "violated" and one.windows is not None]
    if not beyond:
        return {}
    now = {key_of(one.constraint): Level(one.z or 0.0, one.observed or 0.0) for one in beyond}
    past, window = Stored(execution, baseline), execution.window
    days = [now, *map(levels_in, past.odds_on([back(window, day * DAY) for day in range(1, WEEKS * DAYS)]))]
    weeks = [days[week : week + DAYS] for week in range(0, WEEKS * DAYS, DAYS)]
    found = {key: slow_of([level_of(day[key] for day in week if key in day) for week in weeks]) for key in now}
    return {key: slow for key, slow in found.items() if slow}


def levels_in(odds: Odds | None) -> dict[Key, Level]:
    """What was found against the baseline; nothing of a window that is not there."""
    return {odd.key: Level(odd.z, odd.observed or 0.0) for odd in odds.odds if odd.against == BASELINE} if odds else {}
