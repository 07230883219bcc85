"""A user's own metrics, and options that make no sense."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from model_monitor.core import laws
from model_monitor.errors import ConfigError, DataError
from model_monitor.monitors.model_quality import ModelQuality, Quality
from model_monitor.named import monitor_of


def rows(n: int = 300) -> pa.RecordBatch:
    r = np.random.default_rng(0)
    truth = r.normal(size=n)
    return pa.record_batch(
        {
            "number": truth + 0.3 * r.normal(size=n),
            "true number": pa.array([None if v > 1 else v for v in truth]),
            "score": r.random(n),
            "label": r.integers(0, 2, n),
            "@labelled": r.random(n) < 0.8,
        }
    )


def overshoot(batch: pa.RecordBatch) -> np.ndarray:
    return np.maximum(0.0, batch["number"].to_numpy() - batch["true number"].to_numpy(zero_copy_only=False))


def cost(monitor: ModelQuality, state: Quality) -> float:
    matrix = monitor.confusion_matrix(state)
    assert matrix is not None
    return 5.0 * matrix["1"]["0"] + matrix["0"]["1"]


def nothing_like_it(batch: pa.RecordBatch) -> list[float]:
    return [1.0]


def test_a_users_own_metrics_are_measured_and_judged() -> None:
    options = {"inference_attribute": "number", "ground_truth_attribute": "true number", "problem_type": "Regression"}
    metric = {"of_rows": "test_model_quality_options.overshoot", "better": "lower"}
    monitor = monitor_of("model_quality", options | {"metrics": {"overshoot": metric}})
    laws.check(monitor, rows())
    state = monitor.observe(rows())
    usable = rows().filter(pa.array([r["@labelled"] and r["true number"] is not None for r in rows().to_pylist()]))
    found = monitor.metrics_of(state)["overshoot"]
    assert found.value == pytest.approx(overshoot(usable).mean())
    assert found.error == pytest.approx(overshoot(usable).std(ddof=1) / math.sqrt(usable.num_rows))
    assert list(monitor.metrics_of(state))[-1] == "overshoot"
    assert "overshoot" in {c.measure for c in monitor.suggest(state)}


def test_a_users_own_metric_of_the_state_is_any_function_of_it() -> None:
    metric = {"of_state": "test_model_quality_options.cost", "better": "lower"}
    options = {"problem_type": "BinaryClassification", "probability_attribute": "score", "metrics": {"cost": metric}}
    monitor = monitor_of("model_quality", options)
    laws.check(monitor, rows())
    batch = pa.record_batch({"score": [0.9, 0.1, 0.1], "label": [0, 1, 1]})
    assert monitor.metrics_of(monitor.observe(batch))["cost"] == 11.0


def test_a_users_function_that_gives_no_number_for_each_row_is_an_error_of_the_data() -> None:
    options = {"problem_type": "Regression", "inference_attribute": 0, "ground_truth_attribute": 1}
    metric = {"of_rows": "test_model_quality_options.nothing_like_it"}
    monitor = monitor_of("model_quality", options | {"metrics": {"mine": metric}})
    with pytest.raises(DataError, match="nothing_like_it gave"):
        monitor.observe(pa.record_batch({"a": [1.0, 2.0], "b": [1.0, 2.0]}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"problem_type": "Ranking"}, "Regression"),
        ({"problem_type": "BinaryClassification"}, "inference_attribute or probability_attribute"),
        ({"problem_type": "MulticlassClassification", "probability_attribute": "p"}, "with class_names"),
        ({"problem_type": "Regression"}, "needs inference_attribute"),
        ({"probability_threshold_attribute": 1.5}, "0 to 1"),
        ({"false_alarm_budget": 0}, "false_alarm_budget"),
        ({"compatibility": "exact"}, "calibrated"),
        ({"class_names": ["a", "b", "c"]}, "two class_names"),
        ({"class_names": ["a", "b"], "positive_label": "c"}, "none of class_names"),
        ({"metrics": {"f1": {"of_rows": "test_model_quality_options.overshoot"}}}, "a metric f1 already"),
        ({"metrics": {"mine": {"of_rows": "no.such.thing"}}}, "no function at 'no.such.thing'"),
        ({"metrics": {"mine": {"of_rows": "test_model_quality_options.overshoot", "of_state": "a.b"}}}, "either"),
        ({"metrics": {"mine": {"of_rows": "test_model_quality_options.overshoot", "worse": "lower"}}}, "worse"),
        ({"metrics": {"mine": {"of_rows": "test_model_quality_options.overshoot", "better": "more"}}}, "higher"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_what_to_do(options: dict[str, Any], message: str) -> None:
    sound = {} if "problem_type" in options else {"problem_type": "BinaryClassification", "inference_attribute": "p"}
    with pytest.raises(ConfigError, match=message):
        monitor_of("model_quality", sound | options)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match="no column 'label'; name one of theirs: score"):
        ModelQuality("BinaryClassification", "score").observe(pa.record_batch({"score": [0.5]}))
