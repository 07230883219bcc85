"""An example of each chart, with names of a person's own, for tests that hold for all of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from model_monitor.results import charts

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return DAY + timedelta(days=number)


def course(name: str = "auc") -> Any:
    points = [
        charts.Point(day(i), 0.01 * i, None, 0.1, "violated" if i > 10 else "holds", (0.0, 0.05), i > 12)
        for i in range(15)
    ]
    points[4] = charts.Point(day(4), None, None, 0.1, "undefined")
    return charts.course(points, name, baseline=0.02, alerts=[charts.Span(day(11))])


def histogram(name: str = "age") -> Any:
    return charts.overlay([charts.Bin(i, i + 1, 0.1, 0.05 + 0.01 * i) for i in range(10)], name, unit=name)


def categories(name: str = "plan") -> Any:
    values = [charts.Category("basic", 0.7, 0.5), charts.Category(name, 0.0, 0.5, True), charts.Category("b", 0.3, 0.0)]
    return charts.overlay(values, name)


def heatmap(name: str = "age") -> Any:
    cells = [
        charts.Cell(day(i), column, 0.3 * i, "violated" if i > 3 else "undefined" if i == 1 else "holds", f"?c={i}")
        for i in range(8)
        for column in (name, "plan", f"{name} 2")
    ]
    return charts.heatmap(cells, name)


EXAMPLES: dict[str, Callable[..., Any]] = {
    "course": course,
    "histogram": histogram,
    "categories": categories,
    "heatmap": heatmap,
}
