"""Charts of one's own: any metrics of an endpoint, a statistic of each period, kept under a name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.reports import FINDINGS, window
from support.visited import VIOLATED, Only, endpoint, judged, seen, visit

from model_monitor.dashboard.kept_charts import Charts, delete, keep, schedules_of, summarised
from model_monitor.dashboard.visit import NoSuchPage, Visit
from model_monitor.errors import ConfigError

ACCURACY = json.dumps(["dq", "accuracy", None, None])
OTHER = json.dumps(["secret", "accuracy", None, None])
SHAPE = {"statistic": "value", "period": "window", "days": "", "since": "", "until": ""}
ADA = Only(read=("dq", "secret"), edit=("dq", "secret"))
HOSTILE = "<script>alert(1)</script> ../../x"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    schedules = [{"name": name, "monitor": "data_quality"} for name in ("dq", "secret")]
    file = endpoint(tmp_path, "shop", schedules)
    for hour in (0, 1, 30, 31):
        judged(file, "dq", hour, VIOLATED if hour == 1 else FINDINGS[1:2])
    judged(file, "secret", 0)
    return file


def page(visit: Visit, **query: Any) -> tuple[Charts, str]:
    shown, html = seen(visit, "charts", **query)
    assert isinstance(shown, Charts)
    return shown, html


def keep_one(visit: Visit, name: str = "mine", pick: Sequence[str] = (ACCURACY,), **shape: str) -> None:
    keep(visit, "shop", name, pick, **(SHAPE | shape))


def test_metrics_are_found_picked_and_drawn(file: Path) -> None:
    shown, html = page(visit(file), endpoint="shop", find="accuracy")
    assert {(o.schedule, o.metric) for o in shown.options} == {("dq", "accuracy"), ("secret", "accuracy")}
    assert '<svg class="chart"' not in html
    shown, html = page(visit(file), endpoint="shop", pick=[ACCURACY])
    [line] = shown.lines
    assert [point.start for point in line.points] == [window(hour).start for hour in (0, 1, 30, 31)]
    assert "accuracy over 4 windows" in html


def test_a_statistic_of_each_period(file: Path) -> None:
    shown, _ = page(visit(file), endpoint="shop", pick=[ACCURACY], statistic="mean", period="day")
    [line] = shown.lines
    assert [(point.start.day, point.start.hour) for point in line.points] == [(5, 0), (6, 0)]
    values = [1.0, 3.0, 8.0]
    points = [line.points[0].model_copy(update={"start": window(0).start, "value": value}) for value in values]
    found = {name: summarised(points, name, "month")[0].value for name in ("mean", "minimum", "maximum", "median")}
    assert found == {"mean": 4.0, "minimum": 1.0, "maximum": 8.0, "median": 3.0}
    assert summarised([points[0].model_copy(update={"value": None})], "mean", "week") == []


def test_a_chart_is_kept_with_its_owner_and_its_span_and_deleted(file: Path) -> None:
    people = visit(file, viewer=ADA)
    keep_one(people, HOSTILE, statistic="maximum", period="week", since="2026-01-05", until="2026-01-05")
    shown, html = page(people, endpoint="shop", name=HOSTILE)
    [kept] = shown.kept
    assert (kept.name, kept.by, kept.at) == (HOSTILE, "ada", "2026-03-01T00:00:00Z")
    assert (shown.statistic, shown.period, shown.since, shown.by) == ("maximum", "week", "2026-01-05", "ada")
    assert [point.start.day for line in shown.lines for point in line.points] == [5]
    assert "<script>alert" not in html and "Delete it" in html
    assert schedules_of(people, "shop", HOSTILE) == ["dq"]
    delete(people, "shop", HOSTILE)
    assert page(people)[0].kept == ()
    with pytest.raises(ConfigError, match="no chart of this name"):
        delete(people, "shop", HOSTILE)


def test_the_last_days_count_from_now(file: Path) -> None:
    people = visit(file, viewer=ADA, now=window(31).end)
    keep_one(people, days="1")
    [line] = page(people, endpoint="shop", name="mine")[0].lines
    assert [point.start for point in line.points] == [window(hour).start for hour in (30, 31)]


def test_a_chart_is_for_those_who_may_read_all_that_it_shows(file: Path) -> None:
    keep_one(visit(file, viewer=ADA), "both", [ACCURACY, OTHER])
    keep_one(visit(file, viewer=ADA), "one")
    some = visit(file, viewer=Only(read=("dq",), name="bob"))
    shown, html = page(some, endpoint="shop", pick=[ACCURACY, OTHER])
    assert [chart.name for chart in shown.kept] == ["one"]
    assert [line.pick.schedule for line in shown.lines] == ["dq"]
    assert "secret" not in {option.schedule for option in shown.options}
    assert not shown.may_edit and 'method="post"' not in html
    with pytest.raises(NoSuchPage):
        page(some, endpoint="shop", name="both")
    with pytest.raises(NoSuchPage):
        page(visit(file, viewer=Only(read=())), endpoint="shop")


@pytest.mark.parametrize(
    "query",
    [
        {"pick": ["x"]},
        {"pick": ["[1, 2, 3, 4]"]},
        {"pick": ["[" * 9000]},
        {"pick": ['1, "more": 2']},
        {"days": "-1"},
        {"days": "9" * 1000},
        {"since": "later"},
        {"statistic": "mode"},
        {"period": "eon"},
    ],
)
def test_what_means_nothing_is_refused_in_words(file: Path, query: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        page(visit(file), endpoint="shop", **query)


def test_without_endpoints_the_page_says_what_it_is_for() -> None:
    shown, html = page(visit())
    assert shown.endpoints == () and "Pick metrics" in html
