"""Any span of time is the sum of its windows' States: as if its rows had been observed at once."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from support.captures import HOUR, at, capture, endpoint_file, record

from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.laws import assert_alike
from model_monitor.core.measures import Subject
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError
from model_monitor.jobs.compute_metrics import load_state
from model_monitor.jobs.past_windows import states_within
from model_monitor.jobs.spans import Total, judge_total, total_of
from model_monitor.results.anonymous import Anonymity
from model_monitor.results.changes import Side, compared, in_words, nearness
from model_monitor.rows.sources.datasets import Dataset

HOURS = 5
SPAN = Window(at(0), at(60 * HOURS))


def observe(file: str, window: Window) -> Execution:
    execution = Execution.of(file, "dq", window)
    jobs.collect_window(execution)
    jobs.compute_metrics(execution)
    return execution


@pytest.fixture
def a(tmp_path: Path) -> Assignment:
    """A baseline around 0, and States of five hours, the last two around 100."""
    file = endpoint_file(tmp_path)
    rows = "".join(f"{i % 10 / 10},{i % 7},{'ab'[i % 2]}\n" for i in range(60))
    (tmp_path / "rows.csv").write_text("p,n,c\n" + rows)
    assignment = Assignment.load(file, "dq")
    state = jobs.observe_baseline(assignment, Dataset.at(str(tmp_path / "rows.csv"), "csv"))
    jobs.publish_baseline(assignment, jobs.suggest_constraints(assignment, state, "2026-01-05T00:00:00Z"))
    for hour in range(HOURS):
        start, around = HOUR + timedelta(hours=hour), 100 if hour > 2 else 0
        asked = [
            record(f"e{hour}-{i}", f"{around + i % 7},{'ab'[i % 2]}\n", str(i % 10 / 10), start + timedelta(minutes=i))
            for i in range(60)
        ]
        capture(tmp_path / "capture", asked, start)
        observe(file, Window(start, start + timedelta(hours=1)))
    return assignment


def total(a: Assignment, first: int = 0, last: int = HOURS) -> Total:
    return total_of(a, states_within(a, Window(at(60 * first), at(60 * last))))


def test_the_sum_over_a_span_is_the_state_of_its_rows_and_no_row_is_read(a: Assignment, tmp_path: Path) -> None:
    whole = observe(str(tmp_path / "endpoint.yaml"), SPAN)
    direct = load_state(whole.observation.state, a.monitor)
    for folder in ("capture", "out/_rows"):
        shutil.rmtree(tmp_path / folder)
    found = total(a)
    assert found.windows == tuple(Window(at(60 * hour), at(60 * hour + 60)) for hour in range(HOURS))
    assert found.observed.rows == direct.rows == 60 * HOURS
    assert_alike(a.monitor.measure(found.observed.state), a.monitor.measure(direct.state), "a span is not its sum")


def test_a_window_counts_if_it_lies_whole_in_the_span_and_if_its_state_can_be_read(
    a: Assignment, tmp_path: Path
) -> None:
    cut = states_within(a, Window(at(30), at(60 * 4 - 1)))
    assert [window.start for window, *_ in cut] == [at(60), at(120)]
    [state] = (tmp_path / "out/_states/churn/dq").glob("2026/01/05/05/state.mms")
    state.write_bytes(b"cut")
    assert [window.start for window, *_ in states_within(a, SPAN)] == [at(0), at(120), at(180), at(240)]
    assert [window.start for window, *_ in states_within(a, SPAN, most=2)] == [at(180), at(240)]
    nothing = total_of(a, states_within(a, Window(at(-600), at(-60))))
    assert (nothing.windows, nothing.observed.rows) == ((), 0)


def test_no_row_is_counted_twice_where_windows_overlap(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path, window="PT2H")  # each hour, of the last two
    asked = [record(f"e{i}", f"{i % 7},a\n", "0.5", at(i * 4)) for i in range(60)]
    for hour in range(4):
        start = HOUR + timedelta(hours=hour)
        mine = [one for i, one in enumerate(asked) if hour * 60 <= i * 4 < hour * 60 + 60]
        capture(tmp_path / "capture", mine, start)
    for hour in range(2, 5):
        observe(file, Window(at(60 * hour - 120), at(60 * hour)))
    a = Assignment.load(file, "dq")
    found = total_of(a, states_within(a, Window(at(0), at(240))))
    assert found.windows == (Window(at(0), at(120)), Window(at(120), at(240)))
    assert found.observed.rows == 60


def test_a_span_is_judged_as_one_window(a: Assignment) -> None:
    assert judge_total(a, total(a, 0, 3)).status == "Completed"
    verdict = judge_total(a, total(a, 3))
    assert verdict.status == "CompletedWithViolations"
    assert judge_total(a, total(a, 8, 9)).status == "NoData"
    for name in ("nothing", "../dq", ""):
        with pytest.raises(ConfigError, match="no baseline of this version"):
            judge_total(a, total(a, 3), name)


def test_two_spans_differ_in_the_unit_of_the_column_and_in_words(a: Assignment) -> None:
    rules = judge_total(a, total(a, 0, 3)).constraints
    before, after = (a.monitor.measure(total(a, *hours).observed.state) for hours in ((0, 3), (3, 5)))
    told = {}
    for subject in (Subject("n"), Subject("c")):
        sides = Side.of(before, subject), Side.of(after, subject)
        told[subject.column] = in_words(*sides, compared(*sides, subject, nearness(rules, subject)), Anonymity())
    [words] = told["n"]
    assert words.startswith("median 3 → 103 (distance 1; chance alone reaches ")
    assert told["c"] == []
