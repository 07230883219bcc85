"""Do a window's numbers arrive in CloudWatch under SageMaker's names, as boto3 reads them?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from support import amazon
from support.captures import HOUR, at, capture, record
from support.judged import WINDOW
from support.published import SCHEDULES, Published

from model_monitor import jobs

END = WINDOW.end
BOTH = ["Endpoint", "MonitoringSchedule"]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Published:
    endpoint = Published(tmp_path_factory.mktemp("published"), cloudwatch=True, otlp=True)
    endpoint.judge(*SCHEDULES)
    return endpoint


@pytest.fixture
def endpoint(judged: Published, tmp_path: Path) -> Published:
    return judged.copied(tmp_path)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with amazon.serving_moto() as url:
        yield url


@pytest.fixture
def cloudwatch(moto: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    amazon.use(moto, monkeypatch)
    amazon.forget(moto)
    return boto3.client("cloudwatch")


def test_data_quality_is_published_under_sagemakers_names_at_the_windows_end(
    endpoint: Published, cloudwatch: Any
) -> None:
    endpoint.turn_on(cloudwatch=True)
    endpoint.publish("dq")
    found, statistics = amazon.by_name(cloudwatch, "data", "dq"), endpoint.read("dq", "statistics.json")
    columns = {feature["name"]: feature for feature in statistics["features"]}
    numeric = [name for name, feature in columns.items() if "numerical_statistics" in feature]
    assert set(numeric) == {"score", "a", "b", "c"} and set(columns) == {*numeric, "label"}
    drifts = {f["column"]: f for f in endpoint.read("dq", "execution.json")["findings"] if f["measure"] == "spread"}
    compared = [name for name, finding in drifts.items() if finding["observed"] is not None]
    assert set(found) == {
        *(f"feature_data_{name}" for name in numeric),
        *(f"feature_non_null_{name}" for name in columns),
        *(f"feature_baseline_drift_{name}" for name in compared),
        *("rows", "violations", "share_of_drifted_columns"),
    }
    a = columns["a"]["numerical_statistics"]
    published = found["feature_data_a"]
    assert published["Timestamp"] == END
    assert (published["SampleCount"], published["Sum"]) == (300, a["sum"])
    assert (published["Minimum"], published["Maximum"]) == (a["min"], a["max"])
    assert published["Average"] == pytest.approx(a["mean"])
    assert found["feature_non_null_a"]["Sum"] == 1.0 and found["feature_non_null_label"]["Sum"] == 0.0
    assert found["feature_baseline_drift_a"]["Sum"] == drifts["a"]["observed"] > 0
    assert (found["rows"]["Sum"], found["violations"]["Sum"]) == (300, 1)
    assert found["share_of_drifted_columns"]["Average"] == 0.0


def test_the_walk_through_of_model_quality_works_as_it_is_written(endpoint: Published, cloudwatch: Any) -> None:
    endpoint.turn_on(cloudwatch=True)
    endpoint.publish("mq")
    found = amazon.by_name(cloudwatch, "model", "mq")
    scalars = endpoint.read("mq", "statistics.json")["binary_classification_metrics"]
    expected = {name: entry["value"] for name, entry in scalars.items() if "value" in entry}
    assert {"f2", "recall", "auc", "f1_best_constant_classifier"} <= expected.keys()
    assert set(found) == {*expected, "rows", "violations", "label_coverage", "prediction_drift"}
    assert {name: found[name]["Average"] for name in expected} == expected
    assert found["label_coverage"]["Average"] == pytest.approx(200 / 300)

    cloudwatch.put_metric_alarm(
        AlarmName="MODEL_QUALITY_F2_SCORE",
        AlarmDescription="Trigger an alarm when F2 falls below the baseline",
        MetricName="f2",
        Namespace="aws/sagemaker/Endpoints/model-metrics",
        Statistic="Average",
        Dimensions=[{"Name": "Endpoint", "Value": "churn"}, {"Name": "MonitoringSchedule", "Value": "mq"}],
        Period=600,
        EvaluationPeriods=1,
        DatapointsToAlarm=1,
        Threshold=0.625,
        ComparisonOperator="LessThanOrEqualToThreshold",
        TreatMissingData="breaching",
    )
    [alarm] = cloudwatch.describe_alarms(AlarmNames=["MODEL_QUALITY_F2_SCORE"])["MetricAlarms"]
    assert (alarm["MetricName"], alarm["TreatMissingData"], alarm["Threshold"]) == ("f2", "breaching", 0.625)
    [f2] = [metric for metric in amazon.listed(cloudwatch, "model", "mq") if metric["MetricName"] == "f2"]
    assert sorted(alarm["Dimensions"], key=str) == sorted(f2["Dimensions"], key=str)
    assert alarm["Namespace"] == f2["Namespace"]


def test_bias_has_clarifys_dimensions_and_what_is_undefined_is_not_sent(endpoint: Published, cloudwatch: Any) -> None:
    endpoint.turn_on(cloudwatch=True)
    endpoint.publish("bias")
    found = {}
    for metric in amazon.listed(cloudwatch, "bias", "bias"):
        if metric["MetricName"].startswith("bias_metric_"):
            labels = {d["Name"]: d["Value"] for d in metric["Dimensions"]}
            assert (labels.pop("Endpoint"), labels.pop("MonitoringSchedule")) == ("churn", "bias")
            found[metric["MetricName"], labels.pop("BiasStage")] = amazon.values(cloudwatch, metric)["Average"]
            assert labels == {"Label": "label", "LabelValue": "1", "Facet": "c", "FacetValue": "1"}
    document = endpoint.read("bias", "analysis.json")
    expected = {}
    for member, stage in (
        ("pre_training_bias_metrics", "Pre-training"),
        ("post_training_bias_metrics", "Post-Training"),
    ):
        for metric in document[member]["facets"]["c"][0]["metrics"]:
            expected[f"bias_metric_{metric['name']}", stage] = metric["value"]
    undefined = [name for name, value in expected.items() if value is None]
    assert undefined and len(expected) == 21
    assert found == pytest.approx({name: value for name, value in expected.items() if value is not None})


def test_attribution_has_clarifys_dimensions_and_ndcg_which_it_lacks(endpoint: Published, cloudwatch: Any) -> None:
    endpoint.turn_on(cloudwatch=True)
    endpoint.publish("why")
    shap = endpoint.read("why", "analysis.json")["explanations"]["kernel_shap"]
    [(label, entry)] = shap.items()
    found = {}
    for metric in amazon.listed(cloudwatch, "explainability", "why"):
        labels = {d["Name"]: d["Value"] for d in metric["Dimensions"] if d["Name"] not in BOTH}
        found[metric["MetricName"]] = labels, amazon.values(cloudwatch, metric)["Average"]
    common = {"ExplainabilityMethod": "KernelShap", "Label": label}
    for feature, value in entry["global_shap_values"].items():
        assert found[f"feature_{feature}"] == (common | {"ValueType": "GlobalShapValues"}, value)
    assert found["ExpectedValue"] == (common | {"ValueType": "ExpectedValue"}, entry["expected_value"])
    assert found["ndcg"] == ({"Label": label}, entry["drift"]["ndcg"])


def test_either_switch_turns_it_off(endpoint: Published, cloudwatch: Any, tmp_path: Path) -> None:
    endpoint.turn_on()
    assert endpoint.publish("dq")["sent"] == {}
    endpoint.turn_on(cloudwatch=True)
    endpoint.edit(lambda document: document["schedules"][0].update(metrics={"cloudwatch": False}))
    assert endpoint.publish("dq")["sent"] == {}
    assert amazon.listed(cloudwatch, "data", "dq") == []

    (tmp_path / "other").mkdir()
    other = Published(tmp_path / "other", cloudwatch=True)
    other.observe("dq")
    version = Path(other.suggest("dq"))
    constraints = json.loads((version / "constraints.json").read_text())
    constraints["monitoring_config"]["emit_metrics"] = "Disabled"
    (version / "constraints.json").write_text(json.dumps(constraints))
    jobs.publish_baseline(other.assignment("dq"), str(version))
    for verb in (other.collect, other.compute, other.evaluate):
        verb("dq")
    assert other.publish("dq")["sent"] == {}
    assert amazon.listed(cloudwatch, "data", "dq") == []


def test_a_number_is_sent_once_as_cloudwatch_would_add_it_up(endpoint: Published, cloudwatch: Any) -> None:
    endpoint.turn_on(cloudwatch=True)
    first = endpoint.publish("dq")["sent"]["cloudwatch"]
    assert first > 10
    assert endpoint.publish("dq")["sent"] == {"cloudwatch": 0}
    assert amazon.by_name(cloudwatch, "data", "dq")["rows"]["Sum"] == 300


def test_a_window_without_rows_is_published_as_such(tmp_path: Path, cloudwatch: Any) -> None:
    endpoint = Published(tmp_path, cloudwatch=True)
    capture(tmp_path / "capture", [record("late", "1,2,3\n", "0.5", at(70))], HOUR)
    endpoint.judge("dq")
    endpoint.publish("dq")
    found = amazon.by_name(cloudwatch, "data", "dq")
    assert {name: point["Sum"] for name, point in found.items()} == {"rows": 0.0}


def test_a_window_whose_labels_come_late_sends_its_metrics_then_and_never_twice(
    endpoint: Published, cloudwatch: Any
) -> None:
    endpoint.turn_on(cloudwatch=True)

    def judged(minimum_coverage: float) -> int:
        def change(document: dict[str, Any]) -> None:
            document["schedules"][1]["ground_truth"]["minimum_coverage"] = minimum_coverage

        endpoint.edit(change)
        for verb in (endpoint.collect, endpoint.merge, endpoint.compute, endpoint.evaluate):
            verb("mq")
        sent: int = endpoint.publish("mq")["sent"]["cloudwatch"]
        return sent

    assert judged(0.9) > 0
    pending = amazon.by_name(cloudwatch, "model", "mq")
    assert {"rows", "label_coverage"} <= pending.keys() and "f2" not in pending
    assert judged(0.1) > 10
    found = amazon.by_name(cloudwatch, "model", "mq")
    assert "f2" in found and {point["SampleCount"] for point in found.values()} == {1.0}
    assert judged(0.2) == 0
