"""SageMaker's published run, reproduced by the DAG."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.captures import churn_capture
from support.places import PROJECT

ROOT = PROJECT

ENDPOINT = """\
endpoint: churn
capture: {{uri: {folder}/in}}
output: {folder}/out
schedules:
  - name: churn-published
    monitor: data_quality
    options: {{compatibility: sagemaker}}
    baseline: {{dataset: {churn_run}/training-dataset-with-header.csv, format: {{csv: {{header: true}}}}}}
"""


def test_the_dag_finds_exactly_the_60_published_violations(
    churn_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: None
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    (tmp_path / "churn.yaml").write_text(ENDPOINT.format(folder=tmp_path, churn_run=churn_run))
    monkeypatch.setenv("MODEL_MONITOR_ENDPOINTS", str(tmp_path))
    churn_capture(churn_run, tmp_path / "in")
    bag = DagBag(ROOT / "dags")
    assert bag.dags["churn-published-baseline"].test().state == "success"
    run = bag.dags["churn-published"].test(logical_date=datetime(2022, 4, 18, 1, 5, tzinfo=UTC))
    assert run.state == "success"
    report = tmp_path / "out/churn/churn-published/2022/04/18/01"
    found = json.loads((report / "constraint_violations.json").read_text())["violations"]
    assert len(found) == 60
    assert {violation["constraint_check_type"] for violation in found} == {"data_type_check"}
    assert json.loads((report / "execution.json").read_text())["status"] == "CompletedWithViolations"
