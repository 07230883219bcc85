"""A person decides on a baseline in Airflow: no worker waits, and the next window is judged by what was approved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import HOUR, Project
from local_airflow import LocalAirflow, LocalAirflowError

from model_monitor.config.execution import Assignment
from model_monitor.core.window import iso
from model_monitor.verdicts.published import Published
from model_monitor.verdicts.versions import Version

pytestmark = pytest.mark.airflow

SCHEDULE = "shop-approved"
DAG = f"{SCHEDULE}-baseline"


def waiting(served: Project, airflow: LocalAirflow, **params: Any) -> str:
    """A run of the baseline's DAG that waits for an answer.

    An answer that comes before the scheduler knows that the worker is gone is taken for a lost task, and asked for
    again. So its log has to say so first; a person takes longer than this second.
    """
    run = airflow.trigger(DAG, params)
    airflow.wait_until(
        lambda: airflow.task_states(DAG, run)["approve"] in ("awaiting_input", "failed", "skipped"), "a question", 90
    )
    assert airflow.task_states(DAG, run) == {
        "observe_baseline": "success",
        "suggest_constraints": "success",
        "approve": "awaiting_input",
        "publish_baseline": None,
    }
    log, ended = served.folder / "airflow/logs/scheduler.log", f"task_id=approve, run_id={run}"
    airflow.wait_until(
        lambda: any(ended in line and "state=awaiting_input" in line for line in log.read_text().splitlines()),
        "the end of the worker",
        60,
    )
    return run


def judged(served: Project, airflow: LocalAirflow, hour: int) -> dict[str, Any]:
    """``execution.json`` of a window that is judged now."""
    end = served.hour(hour)
    run = airflow.trigger(SCHEDULE, {"window_start": iso(end - HOUR), "window_end": iso(end)})
    assert airflow.wait_for_run(SCHEDULE, run) == "success"
    [(_, content)] = [file for file in served.report(SCHEDULE, end).items() if file[0].endswith("execution.json")]
    document: dict[str, Any] = json.loads(content)
    return document


def test_a_person_approves_edits_and_rejects(served: Project, airflow: LocalAirflow) -> None:
    assignment = Assignment.load(served.endpoint_file(SCHEDULE), SCHEDULE)
    for dag in (DAG, SCHEDULE):
        airflow.unpause(dag)

    # A first version: it waits, and holds no worker.
    run = waiting(served, airflow)
    learned = airflow.result(DAG, run, "suggest_constraints")

    def is_free() -> bool:
        pool = airflow.call("GET", "/pools/default_pool")
        return (pool["occupied_slots"], pool["running_slots"], pool["deferred_slots"]) == (0, 0, 0)

    airflow.wait_until(is_free, "the pool to be free", seconds=60)  # the task before it may just be ending
    question = airflow.question(DAG, run, "approve")
    assert question["subject"] == f"Judge {SCHEDULE} by version {Path(learned).name}?"
    assert question["options"] == ["Approve", "Reject"]
    assert "There is no version in force" in question["body"] and "`amount completeness`" in question["body"]
    constraints = question["params"]["constraints"]["value"]
    assert constraints == json.loads(Path(learned, "constraints.json").read_text())
    assert Published.find(assignment) is None

    # She edits a constraint in the form. The edit is a version, and judges the next window.
    [amount] = [feature for feature in constraints["features"] if feature["name"] == "amount"]
    amount["completeness"] = 0.5
    why = "half of the amounts are optional {{ 6 * 7 }}"
    airflow.answer(DAG, run, "approve", "Approve", {"why": why, "constraints": constraints})
    assert airflow.wait_for_run(DAG, run) == "success"
    published = Published.find(assignment)
    assert published and published.name != Path(learned).name
    decision = Version.read(assignment, published.name).decision
    assert decision and (decision.decision, decision.by, decision.why) == ("approved", "admin", why)
    assert decision.at and not decision.automatic
    document = judged(served, airflow, 2)
    assert (document["status"], document["baseline"]["version"]) == ("Completed", published.name)

    # A second version is compared with it, from the State of the window; it is rejected, and the first one stays.
    other = served.folder / "other.csv"
    other.write_text("score,amount,country\n" + "0.5,900,ZZ\n" * 500)
    run = waiting(served, airflow, dataset=str(other))
    body = airflow.question(DAG, run, "approve")["body"]
    assert "| baseline_drift_check | `amount spread` |" in body
    assert "Of the last 1 windows 1 would flip" in body and "`+baseline_drift_check of amount`" in body
    with pytest.raises(LocalAirflowError, match="Invalid options"):
        airflow.answer(DAG, run, "approve", "Perhaps", {})
    airflow.answer(DAG, run, "approve", "Reject", {"why": "a dataset of tests", "constraints": None})
    assert airflow.wait_for_run(DAG, run) == "success"
    states = airflow.task_states(DAG, run)
    assert (states["approve"], states["publish_baseline"]) == ("success", "skipped")
    rejected = Version.read(assignment, Path(airflow.result(DAG, run, "suggest_constraints")).name).decision
    assert rejected and str(rejected.choice) == f"rejected by admin at {rejected.at} (a dataset of tests)"
    assert Published.find(assignment) == published
