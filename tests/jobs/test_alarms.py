"""Which alarms does CloudWatch get of an endpoint's constraints, and whose does it keep?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from support import amazon
from support.published import SCHEDULES, Published

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Assignment
from model_monitor.jobs.alarms.derived import period_of, points_of

PREFIX = "model-monitor/churn/AllTraffic/"
TOPIC = "arn:aws:sns:us-east-1:123456789012:models"


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Published:
    endpoint = Published(tmp_path_factory.mktemp("alarms"), cloudwatch=True)
    for schedule in SCHEDULES:
        endpoint.learn(schedule)
    return endpoint


@pytest.fixture
def endpoint(learned: Published, tmp_path: Path) -> Published:
    return learned.copied(tmp_path)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with amazon.serving_moto() as url:
        yield url


@pytest.fixture
def cloudwatch(moto: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    amazon.use(moto, monkeypatch)
    amazon.forget(moto)
    return boto3.client("cloudwatch")


def alarms(client: Any, prefix: str = PREFIX) -> dict[str, dict[str, Any]]:
    pages = client.get_paginator("describe_alarms").paginate()
    return {alarm["AlarmName"].removeprefix(prefix): alarm for page in pages for alarm in page["MetricAlarms"]}


def run(endpoint: Published, *arguments: str) -> int:
    return main(["alarms", endpoint.file, *arguments])


def judged_as_sagemaker_does(document: dict[str, Any]) -> None:
    for schedule in document["schedules"]:
        schedule.setdefault("options", {})["compatibility"] = "sagemaker"


def dimensions(**own: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in ({"Endpoint": "churn"} | own).items()]


def test_a_plan_is_shown_first_and_changes_nothing(
    endpoint: Published, cloudwatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(endpoint) == 0
    plan = capsys.readouterr().out
    assert f"+ create {PREFIX}mq/f2 LessThanThreshold: below 0." in plan and "add --apply" in plan
    assert f"+ create {PREFIX}mq/violations: above 0\n" in plan
    assert alarms(cloudwatch) == {}


def test_a_threshold_becomes_an_alarm_on_the_number_that_is_published(tmp_path: Path, cloudwatch: Any) -> None:
    endpoint = Published(tmp_path)
    boto3.client("sns").create_topic(Name="models")
    endpoint.edit(judged_as_sagemaker_does)
    endpoint.turn_on(cloudwatch=True, alarm_topic=TOPIC)
    endpoint.judge(*SCHEDULES)
    assert run(endpoint, "--apply") == 0
    made = alarms(cloudwatch)
    constraints = json.loads((endpoint.version("mq") / "constraints.json").read_text())
    f2 = constraints["binary_classification_constraints"]["f2"]
    alarm = made["mq/f2 LessThanThreshold"]
    assert alarm["Threshold"] == f2["threshold"] and alarm["ComparisonOperator"] == f2["comparison_operator"]
    assert alarm["Dimensions"] == dimensions(MonitoringSchedule="mq")
    assert (alarm["Namespace"], alarm["MetricName"]) == ("aws/sagemaker/Endpoints/model-metrics", "f2")
    assert (alarm["Statistic"], alarm["Period"], alarm["TreatMissingData"]) == ("Average", 3600, "missing")
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"], alarm["AlarmActions"]) == (1, 1, [TOPIC])
    assert made["mq/false_positive_rate GreaterThanThreshold"]["ComparisonOperator"] == "GreaterThanThreshold"
    assert made["dq/feature_non_null_a LessThanThreshold"]["Threshold"] == 1.0
    assert made["dq/feature_baseline_drift_a GreaterThanThreshold"]["Threshold"] == 0.1
    assert made["why/ndcg label0 LessThanThreshold"]["Threshold"] == 0.9
    violations = made["dq/violations"]
    assert (violations["ComparisonOperator"], violations["Threshold"]) == ("GreaterThanThreshold", 0.0)

    for name in SCHEDULES:
        endpoint.publish(name)
    published = {
        (metric["Namespace"], metric["MetricName"], json.dumps(metric["Dimensions"]))
        for page in cloudwatch.get_paginator("list_metrics").paginate()
        for metric in page["Metrics"]
    }
    alarmed = {
        (alarm["Namespace"], alarm["MetricName"], json.dumps(alarm["Dimensions"])): name for name, alarm in made.items()
    }
    silent = {name for key, name in alarmed.items() if key not in published and "bias_metric" not in name}
    assert silent == {"dq/feature_baseline_drift_label GreaterThanThreshold"}  # the window has no label
    of_bias = {key for key in published if key[1].startswith("bias_metric")}
    assert len(of_bias) > 15 and of_bias <= alarmed.keys()


def test_a_bound_that_weighs_chance_counts_only_in_windows_with_violations(
    endpoint: Published, cloudwatch: Any
) -> None:
    assert run(endpoint, "--apply") == 0
    alarm = alarms(cloudwatch)["mq/f2 LessThanThreshold"]
    judged, metric, violations = sorted(
        alarm["Metrics"], key=lambda query: ["judged", "metric", "violations"].index(query["Id"])
    )
    assert judged["Expression"] == f"IF(violations > 0, metric, {alarm['Threshold']})" and judged["ReturnData"]
    for query, name in ((metric, "f2"), (violations, "violations")):
        stat = query["MetricStat"]
        assert (stat["Metric"]["MetricName"], stat["Stat"], stat["Period"]) == (name, "Average", 3600)
        assert stat["Metric"]["Dimensions"] == dimensions(MonitoringSchedule="mq") and not query["ReturnData"]


def test_only_what_differs_is_changed_and_what_a_schedule_leaves_is_deleted(
    endpoint: Published, cloudwatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run(endpoint, "--apply")
    before = alarms(cloudwatch)
    cloudwatch.put_metric_alarm(
        **{
            k: v
            for k, v in before["dq/violations"].items()
            if k in ("AlarmName", "MetricName", "Namespace", "Dimensions", "Statistic", "Period", "ComparisonOperator")
        },
        EvaluationPeriods=1,
        Threshold=5.0,
    )
    capsys.readouterr()
    run(endpoint)
    assert f"~ change {PREFIX}dq/violations: " in (plan := capsys.readouterr().out)
    assert (
        "Threshold 5.0 -> 0.0" in plan and f"0 to create, 1 to change, 0 to delete, {len(before) - 1} unchanged" in plan
    )
    endpoint.edit(lambda document: document["schedules"].pop(0))
    run(endpoint, "--apply")
    after = alarms(cloudwatch)
    assert after.keys() == {name for name in before if not name.startswith("dq/")}
    stamps = "AlarmConfigurationUpdatedTimestamp"
    assert {name: alarm[stamps] for name, alarm in after.items()} == {name: before[name][stamps] for name in after}
    endpoint.turn_on(cloudwatch=False)
    run(endpoint, "--apply")
    assert alarms(cloudwatch) == {}


def test_an_alarm_of_somebody_else_is_neither_changed_nor_deleted(
    endpoint: Published, cloudwatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def put(name: str) -> None:
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="theirs",
            MetricName="theirs",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
        )

    for name in ("theirs", f"{PREFIX}theirs", f"{PREFIX}dq/violations"):
        put(name)
    before = alarms(cloudwatch, "")
    assert run(endpoint, "--apply") == 1
    assert "was not made by this endpoint" in capsys.readouterr().err
    assert alarms(cloudwatch, "") == before
    cloudwatch.delete_alarms(AlarmNames=[f"{PREFIX}dq/violations"])
    assert run(endpoint, "--apply") == 0
    endpoint.turn_on()
    assert run(endpoint, "--apply") == 0
    assert set(alarms(cloudwatch, "")) == {"theirs", f"{PREFIX}theirs"}


def test_an_endpoint_of_the_same_name_that_writes_elsewhere_keeps_its_alarms(
    endpoint: Published, learned: Published, cloudwatch: Any
) -> None:
    run(learned, "--apply")
    before = alarms(cloudwatch)
    endpoint.turn_on()
    assert run(endpoint, "--apply") == 0
    assert alarms(cloudwatch) == before


def test_a_topic_that_is_not_there_is_said_before_anything_is_made(
    endpoint: Published, cloudwatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.turn_on(cloudwatch=True, alarm_topic=TOPIC)
    assert run(endpoint, "--apply") == 1
    assert f"there is no SNS topic {TOPIC}" in capsys.readouterr().err
    assert alarms(cloudwatch) == {}


def test_without_a_baseline_or_with_metrics_switched_off_there_are_no_alarms(
    tmp_path: Path, cloudwatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = Published(tmp_path, cloudwatch=True)
    run(endpoint)
    plan = capsys.readouterr().out
    assert "0 to create, 0 to change, 0 to delete, 0 unchanged" in plan
    assert "no alarms of dq: it has no baseline yet" in plan
    endpoint.observe("dq")
    version = Path(endpoint.suggest("dq"))
    constraints = json.loads((version / "constraints.json").read_text())
    constraints["monitoring_config"]["emit_metrics"] = "Disabled"
    (version / "constraints.json").write_text(json.dumps(constraints))
    jobs.publish_baseline(endpoint.assignment("dq"), str(version))
    run(endpoint)
    assert "0 to create, 0 to change, 0 to delete, 0 unchanged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cron", "alerts", "period", "points"),
    [
        ("0 * * * *", {}, 3600, (1, 1)),
        ("*/10 * * * *", {"datapoints": 2, "evaluation_windows": 3}, 600, (2, 3)),
        ("0 0 * * *", {"datapoints": 2, "evaluation_windows": 3}, 86400, (2, 3)),
        ("0 8-18 * * 1-5", {}, 3600, (1, 1)),
        ("0 0 * * 5", {"datapoints": 2, "evaluation_windows": 3}, 604800, (1, 1)),
        ("0 0 1 * *", {}, 604800, (1, 1)),
        ("NOW", {}, 3600, (1, 1)),
    ],
)
def test_an_alarm_looks_at_as_many_windows_as_the_schedules_alert(
    endpoint: Published, cron: str, alerts: dict[str, int], period: int, points: tuple[int, int]
) -> None:
    endpoint.edit(lambda document: document["schedules"][0].update(cron=cron, alerts=alerts))
    endpoint.edit(lambda document: document.pop("retention_days"))
    schedule = Assignment.load(endpoint.file, "dq").schedule
    assert period_of(schedule) == period and points_of(schedule, period) == points


def test_what_is_denied_names_the_permission(
    endpoint: Published, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with amazon.refusing((403, "AccessDenied")) as served:
        amazon.use(served.url, monkeypatch)
        assert run(endpoint) == 1
    assert "allow cloudwatch:DescribeAlarms" in capsys.readouterr().err
