"""A number over a schedule's windows, and since when it is beyond its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from model_monitor.dashboard.page import Shown
from model_monitor.errors import ConfigError, printable, without_middle
from model_monitor.history import queries
from model_monitor.history.incidents import Session
from model_monitor.history.tables import LONGEST


class Series(Shown):
    """A metric of a schedule. ``key`` is its number in the history, as text: JSON's numbers are shorter."""

    key: str
    metric: str
    column: str | None
    segment: str | None


class Point(Shown):
    """A number of a window, with its 95 % interval, what it must keep to, and what chance alone reaches; None where
    there is none, for a ``reason``."""

    start: datetime
    end: datetime
    value: float | None
    low: float | None
    high: float | None
    rows: int | None
    threshold_low: float | None
    threshold_high: float | None
    noise_floor: float | None
    outcome: str | None
    reason: str | None
    label_state: str | None
    baseline: str | None

    @property
    def provisional(self) -> bool:
        return self.label_state == "provisional"


class Standing(Shown):
    """How a series is at its end: ``outcome`` of the last window that was judged, ``since`` the start of the first of
    the last windows that are alike, and how many of all judged windows are violated."""

    outcome: str | None
    since: datetime | None
    violated: int
    judged: int


def series_of(session: Session, endpoint: str, schedule: str, **about: str) -> list[Series]:
    """The metrics of a schedule's newest windows."""
    rows = queries.series(session, endpoint, schedule, **about)
    return [
        Series(key=str(row["series"]), metric=row["name"], column=row["column_name"], segment=row["segment"])
        for row in rows
    ]


def points_of(
    session: Session,
    endpoint: str,
    schedule: str,
    series: Series,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Point]:
    """A series over the newest windows, the first first."""
    return [point_of(row) for row in queries.course(session, endpoint, schedule, int(series.key), since, until)]


def point_of(row: Mapping[Any, Any]) -> Point:
    same = ("value", "low", "high", "threshold_low", "threshold_high", "noise_floor", "outcome", "reason")
    return Point(
        start=row["window_start"],
        end=row["window_end"],
        rows=row["row_count"],
        label_state=row["label_state"],
        baseline=row["baseline"],
        **{name: row[name] for name in same},
    )


def standing_of(points: Sequence[Point]) -> Standing:
    """Windows in which nothing could be judged neither begin nor end a run."""
    judged = [point for point in points if point.outcome in ("holds", "violated")]
    violated = sum(point.outcome == "violated" for point in judged)
    if not judged:
        return Standing(outcome=None, since=None, violated=0, judged=0)
    since = judged[-1].start
    for point in reversed(judged):
        if point.outcome != judged[-1].outcome:
            break
        since = point.start
    return Standing(outcome=judged[-1].outcome, since=since, violated=violated, judged=len(judged))


def chosen(listed: Sequence[Series], metric: str, column: str, segment: str) -> Series:
    """The series that was asked for. Raises ConfigError with those that there are."""
    for series in listed:
        wanted = (metric, stored(column) or None, stored(segment) or None)
        if (series.metric, series.column, series.segment) == wanted:
            return series
    names = sorted({series.metric for series in listed})[:50]
    raise ConfigError(f"no such metric in the newest windows; there are {', '.join(names) or 'none'}")


def stored(name: str) -> str:
    """A name as the history keeps it, which shortens long ones."""
    return without_middle(printable(name), LONGEST)
