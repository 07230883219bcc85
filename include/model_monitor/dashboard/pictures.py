"""The charts of pages, as SVG, from what their views show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, HEIGHT = 620, 170


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
            chance_of(point),
            point.provisional,
        )
        for point in points
    ]
    return drawn(charts.course(rows, title, baseline=baseline, width=WIDTH, height=height))


def chance_of(point: Any) -> tuple[float, float] | None:
    """What chance alone reaches: of a distance up to the noise floor, of another number that far beyond its limits."""
    floor, low, high = point.noise_floor, point.threshold_low, point.threshold_high
    if floor is None or (low is None and high is None):
        return None
    if low is None:
        return (0.0, floor) if point.low is None else (high or 0.0, (high or 0.0) + floor)
    return (low - floor, low) if high is None else (low - floor, high + floor)


def medians(quantiles: Sequence[Any], title: str, height: int = 120) -> Markup:
    """The median of each window."""
    from model_monitor.results import charts

    rows = [charts.Point(q.start, q.median, None, None, None) for q in quantiles]
    return drawn(charts.course(rows, title, width=WIDTH, height=height))


def overlay(bins: Sequence[Any], title: str) -> Markup:
    """The values of both sides of a comparison."""
    from model_monitor.results import charts

    shapes: list[Any] = [
        charts.Category(b.name, b.before, b.after, b.is_new)
        if b.name is not None
        else charts.Bin(b.low or 0.0, b.high or 0.0, b.before, b.after)
        for b in bins
    ]
    return drawn(charts.overlay(shapes, title, width=WIDTH - 200))


def drawn(chart: Any) -> Markup:
    from markupsafe import Markup

    from model_monitor.results import charts

    return Markup(charts.svg(chart))


GLOBALS = {"course": course, "medians": medians, "overlay": overlay}
