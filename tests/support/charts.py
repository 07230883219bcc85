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
    points[3] = points[3]._replace(interval=(0.02, 0.04))
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


def quantile_shift(name: str = "age") -> Any:
    return charts.quantile_shift(
        [charts.Shift(share, 40 * share, 30 * share) for share in (0.1, 0.5, 0.9)], name, unit=name
    )


def roc(name: str = "ROC") -> Any:
    return charts.roc([i / 200 for i in range(201)], [(i / 200) ** 0.5 for i in range(201)], name)


def precision_recall(name: str = "precision") -> Any:
    return charts.precision_recall([i / 200 for i in range(201)], [1 - i / 300 for i in range(201)], 0.2, name)


def calibration(name: str = "calibration") -> Any:
    return charts.calibration([charts.Promise(i / 5, i / 6, i / 7, i / 5, 10 * i) for i in range(1, 5)], name)


def confusion(name: str = "matrix") -> Any:
    return charts.confusion({"yes": {"yes": 30, name: 5}, name: {"yes": 10, name: 90}}, name)


def bias(name: str = "DI") -> Any:
    facets = [
        charts.Facet(f"sex = {name}", 0.6, 0.5, 0.7, 0.8, 1.25, "violated"),
        charts.Facet("age > 50", 1.0, 0.9, 1.1, 0.8, None, "holds"),
        charts.Facet("region = north", None, None, None, 0.8, 1.25, "undefined"),
    ]
    return charts.bias(facets, name)


def ranks(name: str = "label0") -> Any:
    return charts.ranks({"age": 0.5, "plan": 0.2, name: 0.1}, {"age": 0.1, "plan": 0.2, name: 0.5}, name)


def strip(name: str = "the last windows") -> Any:
    states = ["healthy", "nothing", "violated"] * 10
    return charts.strip([charts.Told(day(i), state, i > 25) for i, state in enumerate(states)], name)  # type: ignore[arg-type]


DRAWN = (
    course,
    histogram,
    categories,
    heatmap,
    quantile_shift,
    roc,
    precision_recall,
    calibration,
    confusion,
    bias,
    ranks,
    strip,
)
EXAMPLES: dict[str, Callable[..., Any]] = {example.__name__: example for example in DRAWN}
