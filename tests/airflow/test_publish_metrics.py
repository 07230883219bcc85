"""Does the task that sends metrics stand beside the alert, with the login of a connection, and fail alone?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from airflow.models import DagRun
from airflow.utils.session import create_session
from conftest import ROWS, Project
from support import amazon

from model_monitor.errors import ConfigError
from model_monitor_airflow.metrics import client_of, otlp_headers
from model_monitor_airflow.run_notes import write_note

NAMESPACE = "aws/sagemaker/Endpoints/data-metrics"


@pytest.fixture
def published(project: Project) -> Iterator[None]:
    """The endpoint shop sends to CloudWatch by a connection; one of its schedules does not."""
    file = Path(project.endpoint_file("shop-hourly"))
    before = file.read_text()
    named = "{name: shop-rolling, "
    assert named in before
    text = before.replace(named, f"{named}metrics: {{cloudwatch: false}}, ")
    file.write_text(f"{text}metrics: {{cloudwatch: true, cloudwatch_connection: aws_metrics}}\n")
    yield
    file.write_text(before)


def connect(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An Airflow connection to an AWS at an address; the environment has no login."""
    extra = {"region_name": "eu-west-1", "endpoint_url": url}
    given = {"conn_type": "aws", "login": "key", "password": "secret-of-the-connection", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_METRICS", json.dumps(given))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def states(run: Any) -> dict[str, str]:
    return {task.task_id: str(task.state) for task in run.get_task_instances()}


def test_it_follows_the_evaluation_beside_the_alert_and_only_where_it_is_on(
    published: None, dag: Callable[[str], Any]
) -> None:
    task = dag("shop-hourly").get_task("publish_metrics")
    assert (task.upstream_task_ids, task.downstream_task_ids) == ({"evaluate_constraints"}, set())
    assert "publish_metrics" not in dag("shop-rolling").task_ids
    assert "publish_metrics" not in dag("churn-quality").task_ids


def test_a_run_sends_the_windows_numbers_with_the_connections_login(
    published: None, project: Project, run_dag: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    end = project.hour(8)
    with amazon.serving_moto() as url:
        connect(url, monkeypatch)
        run = run_dag("shop-hourly", logical_date=end + timedelta(minutes=5))
        assert states(run)["publish_metrics"] == "success"
        login = {"aws_access_key_id": "key", "aws_secret_access_key": "x", "region_name": "eu-west-1"}
        client = boto3.client("cloudwatch", endpoint_url=url, **login)
        dimensions = [{"Name": "Endpoint", "Value": "shop"}, {"Name": "MonitoringSchedule", "Value": "shop-hourly"}]
        [rows] = client.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName="rows",
            Dimensions=dimensions,
            StartTime=end,
            EndTime=end + timedelta(hours=1),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        assert (rows["Sum"], rows["Timestamp"]) == (ROWS, end)


def test_what_cloudwatch_denies_fails_this_task_alone(
    published: None,
    project: Project,
    run_dag: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    end = project.hour(9)
    with amazon.refusing((403, "AccessDenied")) as served:
        connect(served.url, monkeypatch)
        run = run_dag("shop-hourly", logical_date=end + timedelta(minutes=5))
    ended = states(run)
    assert ended["publish_metrics"] == "failed"
    assert (ended["evaluate_constraints"], ended["alert"]) == ("success", "success")
    assert project.execution("shop-hourly", end)["status"] == "Completed"
    with create_session() as session:
        ended_run = session.get(DagRun, run.id)
        write_note(ended_run)
        assert ended_run.note.startswith("shop-hourly") and "Not judged" not in ended_run.note
        session.rollback()
    log = "".join(capfd.readouterr())
    assert "allow cloudwatch:PutMetricData" in log and "secret-of-the-connection" not in log


def test_a_connection_that_can_not_be_used_is_no_reason_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    connect("http://127.0.0.1:9", monkeypatch)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_METRICS", json.dumps({"conn_type": "aws", "login": "key", "password": "x"}))
    with pytest.raises(ConfigError, match=r"'aws_metrics' has no region; add .*region_name.* AWS_DEFAULT_REGION"):
        client_of("aws_metrics")
    for of in (client_of, otlp_headers):
        with pytest.raises(ConfigError, match="there is no Airflow connection 'nothing'; create it"):
            of("nothing")
