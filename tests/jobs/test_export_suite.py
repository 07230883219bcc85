"""Learned constraints as a suite of Great Expectations, which gives the same verdicts on the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.captures import endpoint_file

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Assignment
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.monitors.expectations import library
from model_monitor.results.suites import exported
from model_monitor.rows.sources.datasets import Dataset
from model_monitor.verdicts.baseline import Baseline

N = 2000
CHECKS = {
    "expect_table_columns_to_match_set": {"missing_column_check", "extra_column_check"},
    "expect_column_values_to_be_in_type_list": {"data_type_check"},
    "expect_column_values_to_not_be_null": {"completeness_check"},
    "expect_column_values_to_be_in_set": {"categorical_values_check"},
    "expect_column_quantile_values_to_be_between": {"baseline_drift_check"},
    "expect_column_min_to_be_between": {"non_negative_check"},
}


def rows(seed: int, **changes: Callable[[pd.Series], pd.Series]) -> pd.DataFrame:
    """Columns of each kind; ``changes`` replaces some."""
    draw = np.random.default_rng(seed)
    age = pd.Series(draw.integers(18, 80, N)).astype("Int64").mask(pd.Series(draw.random(N) < 0.03))
    frame = pd.DataFrame({
        "age": age,
        "income": pd.Series(draw.normal(50, 10, N)).round(2),
        "plan": pd.Series(draw.choice(["basic", "plus", "pro"], N)),
        "note": [f"text {i}" for i in range(N)],
    })  # fmt: skip
    for name, change in changes.items():
        frame[name] = change(frame[name])
    return frame


def sprinkled(share: float, value: Any) -> Callable[[pd.Series], pd.Series]:
    places = np.random.default_rng(7).random(N) < share
    return lambda column: column.astype(object).mask(pd.Series(places), value)


WINDOWS = {
    "the baseline": rows(0),
    "healthy": rows(1),
    "healthy again": rows(2),
    "a new category": rows(3, plan=sprinkled(0.2, "gold")),
    "one odd category, by chance": rows(4, plan=sprinkled(0.0005, "gold")),
    "missing values": rows(5, age=sprinkled(0.3, None)),
    "words": rows(6, income=sprinkled(0.1, "much")),
    "drift": rows(7, income=lambda column: column + 8),
    "a column less": rows(8).drop(columns="note"),
    "a column more": rows(9).assign(more=1),
    "negative": rows(10, age=lambda column: -column),
}


def learned(folder: Path, *options: str) -> tuple[Path, Path, list[str]]:
    """The baseline's two files, and the suite of them, which are written into a folder."""
    rows(0).to_csv(folder / "base.csv", index=False)
    common = ["--dataset", str(folder / "base.csv"), "--format", "csv", "--output", str(folder / "b"), *options]
    assert main(["baseline", "data_quality", *common]) == 0
    constraints, statistics = folder / "b/constraints.json", folder / "b/statistics.json"
    files = ["--constraints", str(constraints), "--statistics", str(statistics)]
    assert main(["export-suite", *files, "--output", str(folder / "suite.json")]) == 0
    return constraints, statistics, files


def violated(folder: Path, monitor: str, *arguments: str) -> set[tuple[str, str]]:
    """The columns and checks that a dataset violates."""
    data = ["--dataset", str(folder / "rows.csv"), "--format", "csv", "--output", str(folder / "o")]
    main(["run", monitor, *data, *arguments])
    found = set()
    for violation in json.loads((folder / "o/constraint_violations.json").read_text())["violations"]:
        check = violation.get("expectation", violation["constraint_check_type"])
        about = "" if check in ("missing_column_check", "extra_column_check") else violation["feature_name"]
        found.add((about.removeprefix("expect_table_columns_to_match_set"), check))
    return found


def test_without_statistics_it_says_what_is_not_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    constraints, _, _ = learned(tmp_path)
    assert "without --statistics" not in capsys.readouterr().out
    assert main(["export-suite", "--constraints", str(constraints), "--output", str(tmp_path / "exact.json")]) == 0
    assert "without --statistics no distribution is known" in capsys.readouterr().out


@pytest.mark.parametrize("window", WINDOWS)
def test_a_suite_that_is_read_back_gives_the_same_verdicts(window: str, tmp_path: Path) -> None:
    _, _, files = learned(tmp_path)
    WINDOWS[window].to_csv(tmp_path / "rows.csv", index=False)
    ours = violated(tmp_path, "data_quality", *files, "--option", "check_non_negative=true")
    suite = violated(tmp_path, "expectations", "--expectations", str(tmp_path / "suite.json"))
    without = {("plan", "baseline_drift_check"), ("note", "baseline_drift_check")}
    assert {(column, check) for column, check in ours - without if check != "non_negative_check"} == {
        (column, next(c for c in CHECKS[name] if (column, c) in ours)) for column, name in suite if CHECKS[name]
    }
    assert bool(suite) == (window in list(WINDOWS)[3:4] + list(WINDOWS)[5:])


def test_great_expectations_alone_gives_these_verdicts_on_typed_columns(tmp_path: Path) -> None:
    gx = library.imported()
    learned(tmp_path)
    suite = json.loads((tmp_path / "suite.json").read_text())
    asked = gx.ExpectationSuite(name=suite["name"], expectations=suite["expectations"], meta=suite["meta"])
    assert len(asked.expectations) == len(suite["expectations"])
    source = gx.get_context(mode="ephemeral").data_sources.add_pandas("judge")
    whole = source.add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
    for window, fails in [("the baseline", set()), ("drift", {"income"}), ("missing values", {"age"})]:
        frame = WINDOWS[window].astype({"age": "Int64"})
        results = whole.get_batch({"dataframe": frame}).validate(asked, result_format="BOOLEAN_ONLY").results
        failed = [r for r in results if not r.success]
        assert {r.expectation_config.kwargs.get("column") for r in failed} == fails, failed


@pytest.mark.parametrize("when", [pd.Timestamp("2026-01-05"), "2026-01-05T03:00:00Z", 1_767_582_000_000])
def test_a_column_of_dates_or_times_has_no_rule_that_none_could_keep(when: Any, tmp_path: Path) -> None:
    pd.DataFrame({"at": [when] * N}).to_parquet(tmp_path / "a.parquet")
    assert main(["baseline", "data-quality", "--dataset", f"{tmp_path}/a.parquet", "--output", f"{tmp_path}/b"]) == 0
    baseline = Baseline.at(f"{tmp_path}/b/statistics.json", f"{tmp_path}/b/constraints.json")
    suite = exported(baseline.constraints(DataQuality()))
    assert [rule.type for rule in suite.rules if rule.kwargs.get("column") == "at"] == [
        "expect_column_values_to_not_be_null"
    ]


def test_mostly_is_where_completeness_begins_to_be_violated_in_a_window_as_large_as_the_baseline(
    tmp_path: Path,
) -> None:
    constraints, statistics, _ = learned(tmp_path)
    suite = exported(Baseline.at(str(statistics), str(constraints)).constraints(DataQuality()))
    [complete] = [r for r in suite.rules if r.kwargs.get("column") == "age" and r.type.endswith("not_be_null")]
    fewest = round(complete.mostly * N)
    for present, is_violated in [(fewest, False), (fewest - 1, True)]:
        frame = rows(0)
        frame["age"] = pd.Series([30] * present + [None] * (N - present), dtype="Int64")
        frame.to_csv(tmp_path / "rows.csv", index=False)
        files = ["--constraints", str(constraints), "--statistics", str(statistics)]
        for monitor, extra in [
            ("data_quality", files),
            ("expectations", ["--expectations", str(tmp_path / "suite.json")]),
        ]:
            checks = {check for column, check in violated(tmp_path, monitor, *extra) if column == "age"}
            assert bool({"completeness_check", "expect_column_values_to_not_be_null"} & checks) == is_violated


def test_what_has_no_counterpart_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learned(tmp_path)
    out = capsys.readouterr().out
    assert (
        "2 constraints have no counterpart:\n  baseline_drift_check of plan (spread by largest_share_change)\n" in out
    )
    suite = json.loads((tmp_path / "suite.json").read_text())
    assert len(suite["meta"]["model_monitor"]["without_counterpart"]) == 2


def test_a_baseline_in_force_is_exported_by_its_schedule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows(0).to_csv(tmp_path / "base.csv", index=False)
    options = {"options": {"check_non_negative": True}, "segments": ["plan"]}
    file = endpoint_file(tmp_path, **options)
    command = ["export-suite", "--schedule", "dq", "--file", file, "--output", str(tmp_path / "suite.json")]
    assert main(command) == 1
    assert "schedule 'dq' has no baseline yet; run the DAG dq-baseline first" in capsys.readouterr().err
    assignment = Assignment.load(file, "dq")
    state = jobs.observe_baseline(assignment, Dataset.at(str(tmp_path / "base.csv"), "csv"))
    jobs.publish_baseline(assignment, jobs.suggest_constraints(assignment, state, "2026-01-05T00:00:00Z"))
    assert main(command) == 0
    assert "completeness_check of age [plan=basic] (completeness)" in capsys.readouterr().out
    types = {entry["type"] for entry in json.loads((tmp_path / "suite.json").read_text())["expectations"]}
    assert types == set(CHECKS)
    assert main([*command[:2], "nope", *command[3:]]) == 1
    assert main(["export-suite", "--output", "x"]) == 1
