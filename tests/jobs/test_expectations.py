"""Rules on a schedule: from captures to the alert, alone, beside a monitor, with labels, segments and explanations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.captures import at, capture, endpoint_file, lines, record

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError, DataError
from model_monitor.results.data_docs import DATA_DOCS
from model_monitor.rows.sources.datasets import Dataset

WINDOW = Window(at(0), at(60))
COLUMNS = {"outputs": ["score"], "inputs": ["minutes", "origin"]}
POSITIVE = {
    "type": "expect_column_values_to_be_between",
    "kwargs": {"column": "minutes", "min_value": 0, "mostly": 0.95},
    "severity": "warning",
}
MEAN = {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "minutes", "max_value": 1000}}
ABSENT = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "nope"}}
RULES: dict[str, Any] = {"monitor": "expectations", "columns": COLUMNS, "expectations": [POSITIVE, MEAN, ABSENT]}


def captured(folder: Path, negative: int = 10) -> None:
    rows = [(f"-{i + 1}" if i < negative else str(i), "EWR" if i % 2 else "JFK") for i in range(60)]
    records = [record(f"e{i}", f"{m},{o}\n", "0.5", at(i)) for i, (m, o) in enumerate(rows)]
    capture(folder / "capture", records)


def judged(file: str, window: Window = WINDOW) -> Path:
    execution = Execution.of(file, "dq", window)
    jobs.collect_window(execution)
    if execution.schedule.ground_truth:
        jobs.merge_ground_truth(execution)
    jobs.compute_metrics(execution)
    return Path(jobs.evaluate_constraints(execution))


def document(report: Path, name: str = "execution.json") -> Any:
    return json.loads((report / name).read_text())


def test_rules_alone_need_no_baseline_and_are_findings_like_any_other(tmp_path: Path) -> None:
    captured(tmp_path)
    report = judged(file := endpoint_file(tmp_path, **RULES))
    execution = document(report)
    assert (execution["status"], execution["violations"], execution["undefined"]) == ("CompletedWithViolations", 1, 1)
    assert execution["expectations"] == {"listed": 3}
    between, mean, absent = execution["findings"]
    assert (between["check"], between["outcome"], between["severity"]) == ("expectation_check", "violated", "warning")
    assert (between["observed"], between["threshold"]) == (50 / 60, 0.95)
    assert (mean["outcome"], mean["column"], absent["reason"]) == ("holds", "minutes", "there is no column 'nope'")
    [violation] = document(report, "constraint_violations.json")["violations"]
    assert (violation["unexpected_count"], violation["unexpected_share"]) == (10, 10 / 60)
    assert set(violation["examples"]) == {f"-{i + 1}" for i in range(10)}
    assert violation["description"].startswith(
        "minutes values must be greater than or equal to 0, at least 95 % of the time (warning): 10 of 60 rows break it"
    )
    summary = jobs.alert(Execution.of(file, "dq", WINDOW))
    assert summary["details"][0].startswith("minutes values must be")
    assert "1 check undefined (there is no column 'nope')" in summary["message"]
    suite = document(report, "constraints.json")
    assert [entry["type"] for entry in suite["expectations"]] == [rule["type"] for rule in RULES["expectations"]]
    assert not (report / DATA_DOCS).exists()


def test_a_rerun_writes_the_same_bytes_and_the_page_of_gx(tmp_path: Path) -> None:
    captured(tmp_path)
    file = endpoint_file(tmp_path, **RULES, data_docs=True)
    first = {path.name: path.read_bytes() for path in judged(file).iterdir() if path.is_file()}
    again = {path.name: path.read_bytes() for path in judged(file).iterdir() if path.is_file()}
    assert first == again and b"minutes" in first[DATA_DOCS]
    without = judged(endpoint_file(tmp_path, **RULES))
    assert not (without / DATA_DOCS).exists()


def test_an_empty_window_has_no_data_and_is_not_green(tmp_path: Path) -> None:
    captured(tmp_path)
    report = judged(endpoint_file(tmp_path, **RULES, data_docs=True), Window(at(60), at(120)))
    assert (document(report)["status"], document(report)["findings"]) == ("NoData", [])


def test_rules_beside_a_monitor_add_their_findings_to_its_files(tmp_path: Path) -> None:
    captured(tmp_path)
    file = endpoint_file(tmp_path, **(RULES | {"monitor": "data_quality"}), segments=["origin"])
    execution = document(judged(file))
    assert execution["status"] == "CompletedWithViolations"
    assert execution["reason"] == "There is no baseline yet: only expectations were judged"
    assignment = Execution.of(file, "dq", WINDOW)
    (tmp_path / "good.csv").write_text("score,minutes,origin\n" + "0.5,7,EWR\n0.5,8,JFK\n" * 50)
    state = jobs.observe_baseline(assignment, Dataset.at(str(tmp_path / "good.csv"), "csv"))
    jobs.publish_baseline(assignment, jobs.suggest_constraints(assignment, state, "2026-01-05T00:00:00Z"))
    report = judged(file)
    checks = {f["check"] for f in document(report)["findings"]}
    assert {"expectation_check", "baseline_drift_check", "completeness_check"} <= checks
    rules = [f for f in document(report)["findings"] if f["check"] == "expectation_check"]
    assert [f["segment"] for f in rules[::3]] == [{}, {"origin": "JFK"}, {"origin": "EWR"}]
    in_segment = [v for v in document(report, "constraint_violations.json")["violations"] if "segment" in v]
    assert any(v["description"].startswith("[origin=EWR] minutes values") for v in in_segment)
    statistics = document(report, "statistics.json")
    assert {"features", "expectations", "segments"} <= set(statistics)


def test_rules_that_hold_do_not_make_a_window_without_baseline_green(tmp_path: Path) -> None:
    captured(tmp_path, negative=0)
    file = endpoint_file(tmp_path, **(RULES | {"monitor": "data_quality"}))
    assert document(judged(file))["status"] == "BaselineMissing"


def test_rules_judge_merged_labels(tmp_path: Path) -> None:
    captured(tmp_path)
    truths = [
        {
            "groundTruthData": {"data": str(i % 3), "encoding": "CSV"},
            "eventMetadata": {"eventId": f"e{i}"},
            "eventVersion": "0",
        }
        for i in range(60)
    ]
    labels = tmp_path / "labels/2026/01/05/03/truth.jsonl"
    labels.parent.mkdir(parents=True)
    labels.write_bytes(lines(truths))
    rule = {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "label", "value_set": [0, 1]}}
    file = endpoint_file(tmp_path, **(RULES | {"expectations": [rule]}), ground_truth={"uri": str(tmp_path / "labels")})
    [finding] = document(judged(file))["findings"]
    assert (finding["unexpected_count"], finding["evaluated"], finding["examples"]) == (20, 60, ["2"])


@pytest.mark.parametrize("private", [{"retention_days": 30}, {"columns": COLUMNS | {"private": ["minutes"]}}])
def test_no_value_is_shown_where_privacy_forbids_it(private: dict[str, Any], tmp_path: Path) -> None:
    captured(tmp_path)
    report = judged(endpoint_file(tmp_path, **(RULES | private), data_docs=True))
    [violation] = document(report, "constraint_violations.json")["violations"]
    assert (violation["unexpected_count"], violation["examples"]) == (10, [])
    assert not any(
        "-7" in path.read_text() for path in report.iterdir() if path.suffix == ".json" and path.stem != "execution"
    )


def test_a_state_is_not_judged_by_other_rules_but_by_another_share_of_the_same(tmp_path: Path) -> None:
    captured(tmp_path)
    judged(endpoint_file(tmp_path, **RULES))

    def evaluated(**kwargs: Any) -> Any:
        rule = POSITIVE | {"kwargs": POSITIVE["kwargs"] | kwargs}
        file = endpoint_file(tmp_path, **(RULES | {"expectations": [rule, MEAN, ABSENT]}))
        return document(Path(jobs.evaluate_constraints(Execution.of(file, "dq", WINDOW))))["violations"]

    assert evaluated(mostly=0.5) == 0
    with pytest.raises(DataError, match="the rules have changed since; run the task before again"):
        evaluated(min_value=-100)


def test_beside_attribution_rules_judge_the_rows_that_were_explained(tmp_path: Path) -> None:
    captured(tmp_path)
    file = endpoint_file(
        tmp_path,
        monitor="attribution",
        columns={"outputs": ["score"], "inputs": ["minutes"]},
        expectations=[POSITIVE, {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 60}}],
        explain={"model": {"callable": "test_expectations.half"}, "background": [[1.0]], "rows": 10},
    )
    (tmp_path / "capture/churn/AllTraffic/2026/01/05/03").rename(tmp_path / "old")
    capture(tmp_path / "capture", [record(f"e{i}", f"{i - 10}\n", "0.5", at(i)) for i in range(60)])
    execution = Execution.of(file, "dq", WINDOW)
    for verb in (jobs.collect_window, jobs.explain_window, jobs.compute_metrics, jobs.evaluate_constraints):
        report = Path(verb(execution))
    between, count = [f for f in document(report)["findings"] if f["check"] == "expectation_check"]
    assert (between["unexpected_count"], between["evaluated"], count["outcome"]) == (10, 60, "holds")


def half(rows: Any, features: list[str]) -> Any:
    return [0.5 + 0.001 * float(row[0]) for row in rows]


def test_rules_have_nothing_to_learn(tmp_path: Path) -> None:
    assignment = Execution.of(endpoint_file(tmp_path, **RULES), "dq", WINDOW)
    (tmp_path / "d.csv").write_text("minutes\n1\n")
    with pytest.raises(ConfigError, match="'dq': expectations judge by themselves; no baseline"):
        jobs.observe_baseline(assignment, Dataset.at(str(tmp_path / "d.csv"), "csv"))


def test_a_rule_that_gx_refuses_fails_the_run_in_words(tmp_path: Path) -> None:
    captured(tmp_path)
    wrong = {"type": "expect_column_values_to_be_betwen", "kwargs": {"column": "minutes"}}
    with pytest.raises(ConfigError, match="did you mean 'expect_column_values_to_be_between'"):
        judged(endpoint_file(tmp_path, **(RULES | {"expectations": [wrong]})))


def test_the_command_line_judges_a_dataset_by_a_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "d.csv").write_text("minutes\n" + "\n".join(map(str, range(-10, 50))) + "\n")
    suite = {"name": "s", "expectations": [POSITIVE, ABSENT], "meta": {"great_expectations_version": "1.24.1"}}
    (tmp_path / "s.json").write_text(json.dumps(suite))
    common = ["--dataset", str(tmp_path / "d.csv"), "--format", "csv", "--output", str(tmp_path / "o")]
    assert main(["run", "expectations", *common]) == 1
    assert "needs --expectations FILE" in capsys.readouterr().err
    assert main(["run", "expectations", *common, "--expectations", str(tmp_path / "s.json"), "--data-docs"]) == 3
    out = capsys.readouterr().out
    assert "CompletedWithViolations, 60 rows, 1 violation, 1 check undefined (there is no column 'nope')" in out
    assert (tmp_path / "o" / DATA_DOCS).exists()
    assert main(["run", "data_quality", *common, "--expectations", str(tmp_path / "s.json")]) == 3
    assert main(["baseline", "expectations", *common]) == 1
    assert main(["run", "data_quality", *common, "--data-docs"]) == 1
    assert "give --expectations FILE too" in capsys.readouterr().err


def test_the_command_line_adds_suites_names_mistakes_and_hides_private_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "d.csv").write_text("minutes,email\n" + "".join(f"{i},u{i}@x.org\n" for i in range(-10, 50)))
    mail = {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "email", "value_set": ["a"]}}
    wrong = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "email", "mostly": 2}}
    common = ["--dataset", str(tmp_path / "d.csv"), "--format", "csv", "--output", str(tmp_path / "o"), "--data-docs"]
    for name, rule in (("a.json", POSITIVE), ("b.json", mail), ("c.json", wrong)):
        (tmp_path / name).write_text(json.dumps({"name": name, "expectations": [rule]}))
    suites = [word for name in ("a.json", "b.json") for word in ("--expectations", str(tmp_path / name))]
    assert main(["run", "expectations", *common, *suites, "--option", 'private=["email"]']) == 3
    assert "2 violations" in capsys.readouterr().out
    assert not [path for path in (tmp_path / "o").iterdir() if "@x.org" in path.read_text()]
    assert main(["run", "expectations", *common, "--expectations", str(tmp_path / "c.json")]) == 1
    assert f"{tmp_path}/c.json:1: expectation 1: kwargs.mostly: ensure this" in capsys.readouterr().err
