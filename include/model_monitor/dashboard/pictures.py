"""The charts of pages, as SVG, from what their views show."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup

    from model_monitor.results import charts

WIDTH, HEIGHT = 620, 170
KEPT = 64  # charts of each kind that are drawn once: pages about several windows show the same course


def course(points: Sequence[Any], title: str, baseline: float | None = None, height: int = HEIGHT) -> Markup:
    """A number over windows."""
    from model_monitor.results import charts

    rows = [
        charts.Point(
            point.start,
            point.value,
            point.threshold_low,
            point.threshold_high,
            point.outcome,
            charts.chance_of(point.noise_floor, point.threshold_low, point.threshold_high, point.low is None),
            point.provisional,
            None if point.low is None or point.high is None else (point.low, point.high),
        )
        for point in points
    ]
    return course_of(tuple(rows), title, baseline, height)


def medians(quantiles: Sequence[Any], title: str, height: int = 120) -> Markup:
    """The median of each window."""
    from model_monitor.results import charts

    return course_of(tuple(charts.Point(q.start, q.median, None, None, None) for q in quantiles), title, None, height)


def overlay(comparison: Any, title: str) -> Markup:
    """The values of both sides of a comparison."""
    from model_monitor.results import charts

    shapes: list[Any] = [
        charts.Category(b.name, b.before, b.after, b.is_new)
        if b.name is not None
        else charts.Bin(b.low or 0.0, b.high or 0.0, b.before, b.after)
        for b in comparison.bins
    ]
    return overlay_of(tuple(shapes), title, sides_of(comparison))


@lru_cache(KEPT)
def course_of(points: tuple[charts.Point, ...], title: str, baseline: float | None, height: int) -> Markup:
    from model_monitor.results import charts

    return drawn(charts.course(points, title, baseline=baseline, width=WIDTH, height=height))


@lru_cache(KEPT)
def overlay_of(shapes: tuple[Any, ...], title: str, sides: tuple[str, str]) -> Markup:
    from model_monitor.results import charts

    return drawn(charts.overlay(shapes, title, width=WIDTH - 200, sides=sides))


def sides_of(comparison: Any) -> tuple[str, str]:
    """What the sides are called: a span by its time, unless it is the one window that its baseline judges."""
    before, after = comparison.before, comparison.after
    if before.start is None and after.windows == 1:
        return "baseline", "this window"
    return "baseline" if before.start is None else span(before), span(after)


def span(side: Any) -> str:
    """
    >>> from datetime import datetime
    >>> from model_monitor.dashboard.spans import Side
    >>> span(Side(words="", start=datetime(2026, 3, 1), end=datetime(2026, 3, 2, 6)))
    '2026-03-01 to 2026-03-02 06:00'
    """
    return " to ".join(f"{time:%Y-%m-%d %H:%M}".removesuffix(" 00:00") for time in (side.start, side.end))


def drawn(chart: Any) -> Markup:
    from markupsafe import Markup

    from model_monitor.results import charts

    return Markup(charts.svg(chart))


GLOBALS = {"course": course, "medians": medians, "overlay": overlay}
