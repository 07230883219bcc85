"""A schedule with one task for all steps gives the same report as one with a task for each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from test_dags import DELAY, states

ONE = ["judge_window", "alert", "healthy", "violated", "alert_failure"]


@pytest.mark.parametrize("schedule", ["shop-hourly", "churn-quality"])
def test_one_task_writes_the_bytes_that_a_task_for_each_step_writes(
    project: Project, run_dag: Callable[..., Any], dag: Callable[[str], Any], schedule: str
) -> None:
    end = project.hour(9)
    each = states(run_dag(schedule, logical_date=end + DELAY))
    by_each = project.report(schedule, end)
    project.forget_runs()
    file = Path(project.endpoint_file(schedule))
    before = file.read_text()
    text = before.replace(f"name: {schedule}", f"name: {schedule}\n    tasks: one")
    file.write_text(text.replace("\n    tasks: one,", ", tasks: one,"))
    try:
        assert sorted(dag(schedule).task_ids) == sorted(ONE)
        run = run_dag(schedule, logical_date=end + DELAY)
    finally:
        file.write_text(before)
    assert states(run) == {"judge_window": "success"} | {task: each[task] for task in ONE[1:]}
    assert project.report(schedule, end) == by_each != {}
