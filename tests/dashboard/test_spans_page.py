"""A column and a metric over time, and any two spans of them: from States and a history as tasks write them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.captures import HOUR, at, capture, endpoint_file, record
from support.visited import Only, seen, visit

from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window
from model_monitor.dashboard.column import Column
from model_monitor.dashboard.metric import Metric
from model_monitor.dashboard.visit import NoSuchPage, Visit
from model_monitor.errors import ConfigError
from model_monitor.results.charts import STYLE
from model_monitor.rows.sources.datasets import Dataset

HOSTILE = '<script>alert("x")</script>'
LONG = "é" * 10_000
HOURS = 5


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Five hours, judged; in the last two, numbers are 100 higher and a plan is new."""
    root = tmp_path_factory.mktemp("spans")
    columns = {"outputs": ["p"], "inputs": ["n", HOSTILE, LONG, "secret"], "private": ["secret"]}
    file = endpoint_file(root, columns=columns, segments=[HOSTILE])
    header = json.dumps(["p", "n", HOSTILE, LONG, "secret"])[1:-1].replace('\\"', '""')
    rows = "".join(f"{i % 10 / 10},{i % 7},{'ab'[i % 2]},1,{i % 7}\n" for i in range(120))
    (root / "rows.csv").write_text(f"{header}\n{rows}".replace(", ", ","))
    assignment = Assignment.load(file, "dq")
    state = jobs.observe_baseline(assignment, Dataset.at(str(root / "rows.csv"), "csv"))
    jobs.publish_baseline(assignment, jobs.suggest_constraints(assignment, state, "2026-01-05T00:00:00Z"))
    for hour in range(HOURS):
        start, more = HOUR + timedelta(hours=hour), 100 * (hour > 2)
        plans = "abc" if more else "ab"
        asked = [
            record(
                f"e{hour}-{i}",
                f"{more + i % 7},{plans[i % len(plans)]},1,{more + i % 7}\n",
                str(i % 10 / 10),
                start + timedelta(seconds=20 * i),
            )
            for i in range(120)
        ]
        capture(root / "capture", asked, start)
        execution = Execution.of(file, "dq", Window(start, start + timedelta(hours=1)))
        jobs.collect_window(execution)
        jobs.compute_metrics(execution)
        jobs.evaluate_constraints(execution)
        jobs.alert(execution)
    yield Path(file)


def column(visit: Visit, name: str = "n", **query: str) -> tuple[Column, str]:
    shown, html = seen(visit, "column", endpoint="churn", column=name, **query)
    assert isinstance(shown, Column)
    return shown, html


def metric(visit: Visit, **query: str) -> tuple[Metric, str]:
    shown, html = seen(visit, "metric", endpoint="churn", **query)
    assert isinstance(shown, Metric)
    return shown, html


def test_a_column_says_since_when_and_from_what_to_what_of_its_newest_bad_window(file: Path) -> None:
    shown, html = column(visit(file))
    assert (shown.standing.outcome, shown.standing.violated, shown.standing.judged) == ("violated", 2, HOURS)
    assert shown.standing.since == at(180)
    assert shown.window == str(Window(at(240), at(300)))
    found = shown.comparison
    assert found and found.before.version and found.before.rows == found.after.rows == 120
    assert found.words[0].startswith("median 3 → 103 (distance 1; ")
    assert ("median", "3", "103") in [(c.name, c.before, c.after) for c in found.changes]
    assert sum(b.before for b in found.bins) == pytest.approx(1) == sum(b.after for b in found.bins)
    assert [q.median for q in shown.quantiles] == [3, 3, 3, 103, 103]
    assert "blue line: this window" in html.replace("\u00a0", " ")
    for words in ("median 3 → 103", "violated</span> since 2026-01-05", "<svg", "baseline drift check of n"):
        assert words in html


@pytest.mark.parametrize(
    ("query", "rows", "moved"),
    [
        ({"since": "2026-01-05T03:00Z", "until": "2026-01-05T06:00Z"}, (120, 360), False),
        ({"window": "2026-01-05T06:00:00Z", "compare": "previous"}, (120, 120), True),
        (
            {
                "window": "2026-01-05T06:00Z/2026-01-05T08:00Z",
                "compare_since": "2026-01-05T03:00Z",
                "compare_until": "2026-01-05T06:00Z",
            },
            (360, 240),
            True,
        ),
        (
            {"window": "2026-01-05T06:00Z/2026-01-05T08:00Z", "compare": "2026-01-05T03:00Z/2026-01-05T04:00Z"},
            (120, 240),
            True,
        ),
        ({"since": "2026-01-05", "until": "2026-01-05"}, (120, 600), True),
    ],
)
def test_any_two_spans_are_compared(file: Path, query: dict[str, str], rows: tuple[int, int], moved: bool) -> None:
    shown, html = column(visit(file), **query)
    found = shown.comparison
    assert found and (found.before.rows, found.after.rows) == rows
    assert bool(found.words) is moved
    legend = html.replace("\u00a0", " ")
    assert f"grey: {'baseline' if found.before.start is None else '2026-01-05 0'}" in legend
    assert "blue line: 2026-01-05 0" in legend


def test_the_new_values_of_a_category_are_named_and_a_hostile_name_is_text(file: Path) -> None:
    shown, html = column(visit(file), HOSTILE)
    assert shown.comparison and shown.comparison.words[-1] == "1 new value in 33.33 % of values: 'c' (40 rows)"
    assert [b.name for b in shown.comparison.bins if b.is_new] == ["c"]
    assert "<script>alert" not in html and "&lt;script&gt;alert" in html


def test_a_name_of_10_000_characters_is_found_and_short_on_the_page(file: Path) -> None:
    shown, html = column(visit(file), LONG)
    assert shown.comparison and shown.comparison.after.rows == 120
    assert shown.comparison.numbers[0].metric == "completeness"
    assert max(map(len, html.split())) < 70_000
    assert LONG not in html.split("<form")[0]


def test_the_values_of_a_private_column_are_in_no_number_and_no_chart(file: Path) -> None:
    shown, html = column(visit(file), "secret")
    assert shown.private and shown.comparison
    assert not (shown.comparison.bins or shown.comparison.changes or shown.quantiles)
    assert "minimum" not in {number.metric for number in shown.comparison.numbers}
    assert shown.comparison.words[0].startswith("its values are spread otherwise (distance 1; ")
    assert "median" not in html


def test_segments_of_a_column_have_numbers_of_their_own(file: Path) -> None:
    whole, _ = column(visit(file))
    assert len(whole.segments) == 2
    shown, html = column(visit(file), segment=whole.segments[0])
    assert shown.comparison and shown.comparison.after.rows == 120  # of the window
    assert shown.comparison.numbers[0].after == 1.0
    assert {line.series.segment for line in shown.lines} == {whole.segments[0]}
    assert "all rows</a>" in html


def test_a_metric_has_its_course_threshold_and_both_spans(file: Path) -> None:
    shown, html = metric(visit(file), schedule="dq", metric="baseline_drift_check", column="n")
    assert [point.outcome for point in shown.points] == ["holds"] * 3 + ["violated"] * 2
    assert shown.points[-1].threshold_high == 0.0 and shown.points[-1].noise_floor
    assert shown.comparison and shown.comparison.number.after == 1.0
    assert (shown.comparison.number.outcome, shown.comparison.number.before) == ("violated", None)
    assert "n" in shown.columns and "rows" in shown.metrics
    assert "bars: 95 % intervals" not in html.replace("\u00a0", " ")  # a distance has none
    previous, drawn = metric(
        visit(file),
        schedule="dq",
        metric="completeness",
        column="n",
        since="2026-01-05T05:00",
        until="2026-01-05T08:00",
        compare="previous",
    )
    assert previous.comparison and previous.comparison.number.before_low is not None
    assert (previous.comparison.before.windows, previous.comparison.after.windows) == (2, 3)
    assert "bars: 95 % intervals" in drawn.replace("\u00a0", " ")
    assert "The numbers of 5 windows" in html


def test_who_may_not_read_the_dag_finds_neither_column_nor_metric(file: Path) -> None:
    blind = visit(file, viewer=Only(read=()))
    for name, query in (("column", {"column": "n"}), ("metric", {"schedule": "dq"}), ("metric", {})):
        with pytest.raises(NoSuchPage):
            seen(blind, name, endpoint="churn", **query)


@pytest.mark.parametrize(
    "query",
    [
        {"window": "yesterday"},
        {"since": "2026-01-06", "until": "2026-01-01"},
        {"since": "2026-01-06"},
        {"compare": "x/y"},
        {"compare": "../../../../etc"},
        {"compare_until": "9999-12-31"},
        {"metric": "nothing"},
    ],
)
def test_what_means_nothing_is_refused_in_words(file: Path, query: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"no span|no time|no such metric"):
        column(visit(file), **query)


@pytest.mark.parametrize("version", ["nothing", "..", "published.json"])
def test_a_version_that_is_none_is_said_on_the_page_and_reads_no_file(file: Path, version: str) -> None:
    shown, html = column(visit(file), compare=version)
    assert shown.comparison is None and shown.problem == "'dq' has no baseline of this version"
    assert "has no baseline of this version" in html


@pytest.mark.parametrize("name", ["", "nothing", "../n"])
def test_a_column_that_nobody_judged_is_no_page(file: Path, name: str) -> None:
    with pytest.raises(NoSuchPage):
        column(visit(file), name)


def test_the_style_sheet_has_the_colours_of_charts(file: Path) -> None:
    import model_monitor.dashboard

    sheet = Path(model_monitor.dashboard.__file__).parent / "static/charts.css"
    assert sheet.read_text().endswith("\n\n" + STYLE)
