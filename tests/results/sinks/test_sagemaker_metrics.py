"""Which numbers do CloudWatch and OpenTelemetry get of a report, whatever is in it?"""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from support import amazon

from model_monitor.core.window import moment
from model_monitor.results.sinks import Executed, Point, StatisticSet
from model_monitor.results.sinks.cloudwatch import CloudWatch, datum
from model_monitor.results.sinks.otlp import Otlp
from model_monitor.results.sinks.sagemaker_metrics import LARGEST, namespace, points, within_limits
from model_monitor.results.sinks.sink import each_once

END = moment("2026-01-05T04:00:00Z")


def executed(statistics: dict[str, Any], names_endpoint: bool = True, **execution: Any) -> Executed:
    about = {"endpoint": "churn", "variant": "blue", "schedule": "dq", "monitor": "data-quality"}
    window = {"start": "2026-01-05T03:00:00Z", "end": "2026-01-05T04:00:00Z"}
    counts = {"judged": 10, "rejected": 0}
    rest = {"status": "Completed", "window": window, "counts": counts, "violations": 0, "undefined": 0, "findings": []}
    return Executed(about | rest | execution, execution.pop("measures", []), statistics, names_endpoint)


def drift(outcome: str, column: str, observed: float | None = 0.5, **segment: str) -> dict[str, Any]:
    return {
        "check": "baseline_drift_check",
        "measure": "spread",
        "column": column,
        "segment": segment,
        "outcome": outcome,
        "observed": observed,
        "threshold": 0.1,
        "distance": "l_infinity",
    }


def values_of(points_: list[Point]) -> dict[tuple[str, ...], Any]:
    return {(p.name, *(f"{k}={v}" for k, v in p.labels[2:])): p.value for p in points_}


def test_the_largest_number_is_the_one_that_amazons_page_writes() -> None:
    assert f"{LARGEST:.6e}" == "2.348543e+108" and LARGEST == 2.0**360
    assert within_limits(math.inf) == LARGEST == -within_limits(-math.inf) == within_limits(1e300)
    assert within_limits(math.nan) is None
    assert within_limits(StatisticSet(1, math.inf, -math.inf, 1e-300)) == (1, LARGEST, -LARGEST, 0)


def test_infinite_bias_is_sent_as_the_largest_number_and_null_is_not() -> None:
    metrics = [{"name": "TE", "value": "-Infinity"}, {"name": "DI", "value": "Infinity"}, {"name": "FT", "value": None}]
    section = {
        "label": "y",
        "label_value_or_threshold": "1",
        "facets": {"sex": [{"value_or_threshold": "f", "metrics": metrics}]},
    }
    values = values_of(list(points(executed({"post_training_bias_metrics": section}, monitor="bias"))))
    labels = ("BiasStage=Post-Training", "Label=y", "LabelValue=1", "Facet=sex", "FacetValue=f")
    bias = {key: value for key, value in values.items() if key[0].startswith("bias")}
    assert bias == {("bias_metric_TE", *labels): -LARGEST, ("bias_metric_DI", *labels): LARGEST}


def test_batch_transform_has_its_own_namespace_and_no_endpoint() -> None:
    batch = executed({"features": []}, names_endpoint=False)
    assert {point.labels for point in points(batch)} == {(("MonitoringSchedule", "dq"),)}
    assert CloudWatch(batch).namespace == "aws/sagemaker/ModelMonitoring/data-metrics"
    kinds = {"model_quality": "model", "bias": "bias", "attribution": "explainability", "traffic": "traffic"}
    for monitor, kind in kinds.items():
        assert namespace(monitor, True) == f"aws/sagemaker/Endpoints/{kind}-metrics"


def test_the_share_of_drifted_columns_counts_those_that_were_compared() -> None:
    findings = [
        drift("violated", "a"),
        drift("holds", "b"),
        drift("undefined", "c", None),
        drift("violated", "a", x="y"),
    ]
    window = executed({}, findings=findings)
    assert values_of(list(points(window)))["share_of_drifted_columns",] == 0.5
    by_name = {point.name: point.value for point in Otlp(window).points()}
    assert by_name["model_monitor.drifted_columns.share"] == 0.5


@pytest.mark.parametrize(
    ("status", "violations", "sent"),
    [
        ("Completed", 0, 0),
        ("CompletedWithViolations", 2, 2),
        ("NoData", 0, None),
        ("LabelsPending", 0, None),
        ("LabelsPending", 1, 1),
        ("BaselineMissing", 0, None),
        ("Undefined", 0, None),
    ],
)
def test_a_window_that_was_not_judged_is_not_said_to_be_without_violations(
    status: str, violations: int, sent: int | None
) -> None:
    window = executed({}, status=status, violations=violations)
    assert values_of(list(points(window))).get(("violations",)) == sent
    assert {point.name: point.value for point in Otlp(window).points()}.get("model_monitor.window.violations") == sent


def test_a_segments_numbers_say_of_which_rows_they_are() -> None:
    feature = {"name": "n", "string_statistics": {"common": {"num_present": 3, "num_missing": 1}}}
    statistics = {"features": [feature], "segments": [{"segment": {"country": "AT"}, "features": [feature]}]}
    values = values_of(list(points(executed(statistics, findings=[drift("holds", "n", 0.2, country="AT")]))))
    assert values["feature_non_null_n",] == 0.75 == values["feature_non_null_n", "Segment=country=AT"]
    assert values["feature_baseline_drift_n", "Segment=country=AT"] == 0.2


def test_a_monitor_that_sagemaker_lacks_publishes_its_measures() -> None:
    measures = [
        {"measure": "latency_p95", "column": None, "segment": {}, "value": 0.2},
        {"measure": "stale", "column": "a", "segment": {"country": "AT"}, "value": 3.0},
        {"measure": "never", "column": None, "segment": {}, "value": None},
    ]
    window = executed({}, monitor="our.monitors.Freshness", measures=measures)
    values = values_of(list(points(window)))
    assert values["latency_p95",] == 0.2 and values["stale", "Column=a", "Segment=country=AT"] == 3.0
    assert not [key for key in values if key[0] == "never"]
    otlp = {point.name: (dict(point.labels), point.value) for point in Otlp(window).points()}
    labels, value = otlp["model_monitor.freshness.stale"]
    assert (labels["column"], labels["segment"], labels["variant"], value) == ("a", "country=AT", "blue", 3.0)


def test_a_column_whose_sum_no_number_can_hold_has_no_statistic_set() -> None:
    common = {"num_present": 2, "num_missing": 0}
    numbers = {"common": common, "sum": None, "min": 1e308, "max": 1.5e308}
    values = values_of(list(points(executed({"features": [{"name": "n", "numerical_statistics": numbers}]}))))
    assert "feature_non_null_n" in {key[0] for key in values}
    assert "feature_data_n" not in {key[0] for key in values}


def test_a_time_has_one_value_of_a_metric() -> None:
    twice = [Point("a", (("x", "1"), ("y", "2")), END, 1.0), Point("a", (("y", "2"), ("x", "1")), END, 2.0)]
    assert [point.value for point in each_once(iter(twice))] == [2.0]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("age", "age"),
        ("größe", r"gr\xf6\xdfe"),
        ("a\nb", r"a\nb"),
        (" ", "-"),
        ("", "-"),
        (":a ", "a"),
        ("日", r"\u65e5"),
    ],
)
def test_a_name_is_sent_as_cloudwatch_takes_it(name: str, sent: str) -> None:
    entry = datum(Point(name, (("Segment", name),), END, 1.0))
    assert entry["MetricName"] == sent == entry["Dimensions"][0]["Value"]


def test_long_names_stay_apart() -> None:
    one, other = (datum(Point("é" * 200 + end, (), END, 1.0))["MetricName"] for end in "ab")
    assert one != other and len(one) == len(other) == 255 and one.isascii()


def test_a_request_is_never_larger_than_cloudwatch_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = tuple((f"Name{i}", "ü" * 160) for i in range(9))
    many = [Point(f"feature_{i}", labels, END, 1.0) for i in range(150)]
    many += [Point(f"short_{i}", (("Endpoint", "churn"),), END, float(i)) for i in range(2500)]
    with amazon.refusing() as served:
        amazon.use(served.url, monkeypatch, AWS_DISABLE_REQUEST_COMPRESSION="true")
        sink = CloudWatch(executed({}))
        for batch in sink.batches(many):
            sink.send(batch)
        assert [entry["MetricName"] for entry in served.data()] == [point.name for point in many]
    assert max(served.sizes) < 1_000_000 and len(served.sizes) < 12
    assert max(len(json.loads(body)["MetricData"]) for body in served.bodies) == 1000
