"""What does a version of a baseline see at the schedule's usual window size? Worked out when a person asks."""

from __future__ import annotations

from model_monitor.config.execution import Assignment
from model_monitor.dashboard.page import Shown
from model_monitor.errors import ConfigError, DataError, StoreError
from model_monitor.jobs.power_card import power_card, rows_of

MOST = 20  # measures: each takes a good part of a second


class Sees(Shown):
    """The smallest change of a column or metric that four of five windows tell, and what a day's sum would, in words;
    ``in_a_day`` is "" where windows are no shorter than days."""

    of: str
    change: str
    in_a_window: str
    in_a_day: str


class Power(Shown):
    """What is seen in windows of so many ``rows``, beside how ``past_windows`` varied; ``problem``: why nobody can
    tell."""

    rows: int | None = None
    day_rows: int | None = None
    sees: tuple[Sees, ...] = ()
    left_out: int = 0
    past_windows: int = 0
    problem: str | None = None


def power_of(assignment: Assignment, version: str) -> Power:
    """The power card of a version."""
    try:
        card = power_card(assignment, most=MOST, version=version)
    except (ConfigError, DataError, StoreError) as error:
        return Power(problem=str(error))
    sees = (
        Sees(of=row[0], change=row[1], in_a_window=row[2], in_a_day=row[3] if len(row) > 3 else "")
        for row in rows_of(card)
    )
    return Power(
        rows=card.rows,
        day_rows=card.day_rows,
        sees=tuple(sees),
        left_out=card.left_out,
        past_windows=card.past_windows,
    )
