"""Does the log of each task say what it did: how much it read, what it set aside, and where things are?"""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from support.captures import HOUR, at, capture, endpoint_file, record
from support.truths import collect, truth

from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window

WINDOW = Window(HOUR, HOUR + timedelta(hours=1))
OPTIONS = {"problem_type": "Regression", "inference_attribute": 0}


def test_each_task_says_what_it_did(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    asked = [record(f"e{i}", f"{i},a\n", f"0.{i:02d}", at(i)) for i in range(50)]
    path = capture(tmp_path / "capture", [*asked, asked[0], b"{"])
    labels = collect(tmp_path / "labels", [*(truth(f"e{i}", "0.4") for i in range(40)), truth("x", "1"), "no"], HOUR)
    (tmp_path / "data.csv").write_text("_c0,_c1,_c2,label\n" + "".join(f"0.{i:02d},{i},a,0.4\n" for i in range(99)))
    truths = {"uri": str(tmp_path / "labels")}
    data = {"dataset": str(tmp_path / "data.csv")}
    options = OPTIONS | {"inference_attribute": "_c0"}
    file = endpoint_file(
        tmp_path, monitor="model_quality", options=options, ground_truth=truths, baseline=data, max_rejected=0.1
    )
    execution, assignment = Execution.of(file, "dq", WINDOW), Assignment.load(file, "dq")
    out = tmp_path / "out"

    def said(*words: str) -> None:
        for one in words:
            assert one in caplog.text, caplog.text
        caplog.clear()

    with caplog.at_level(logging.INFO, "model_monitor.jobs"):
        state = jobs.observe_baseline(assignment)
        said(f"dataset of 'dq': 99 records read from 1 file ({tmp_path / 'data.csv'}). 99 rows")
        version = jobs.suggest_constraints(assignment, state, "2026-01-05T00:00:00Z")
        said("learned from 99 rows", version)
        jobs.publish_baseline(assignment, version)
        caplog.clear()
        jobs.collect_window(execution)
        said(
            f"{WINDOW}: 52 records read from 1 file ({path}). 50 rows, 1 repeated, 1 set aside: not JSON",
            f"in 1 file ({out}/_rows/churn/AllTraffic/2026/01/05/03/rows.parquet)",
        )
        jobs.merge_ground_truth(execution)
        said(
            f"1 label file ({labels}) in {tmp_path / 'labels'}",
            "40 of 50 requests have a label: provisional, 1 labels of none of them, 1 set aside: not a label record",
        )
        state = jobs.compute_metrics(execution)
        said(f"{WINDOW}: 50 rows observed. State: {state}")
        report = jobs.evaluate_constraints(execution)
        said("50 rows, 1 violation, 1 record set aside", f"Report: {report}", "_c0: 90 % quantile 0.89 → 0.44")


def test_a_log_line_has_no_control_characters_of_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    capture(tmp_path / "capture", [record("e", {"a\nforged: line": 1}, {"score": "\x1b[31m"})])
    with caplog.at_level(logging.INFO, "model_monitor.jobs"):
        execution = Execution.of(endpoint_file(tmp_path), "dq", WINDOW)
        jobs.judge_window(execution)
    assert len(caplog.records) > 2
    assert all("\n" not in one.getMessage() and "\x1b" not in one.getMessage() for one in caplog.records)
