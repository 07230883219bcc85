"""A user's own metrics, and options that make no sense."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from model_monitor.config.monitors import monitor_of
from model_monitor.core import laws
from model_monitor.core.measures import Estimate, Share, Undefined
from model_monitor.errors import ConfigError, DataError
from model_monitor.monitors.model_quality import ModelQuality, Quality
from model_monitor.monitors.model_quality.custom_metrics import CustomMetric


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
    with pytest.raises(DataError, match=r"metric 'mine': .*nothing_like_it gave an array of shape \(1,\) for 2 rows"):
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
        ({"probability_attribute": ["p"], "class_names": ["a", "b"]}, "lists 1 columns and class_names 2 classes"),
        ({"probability_attribute": ["p", "label"], "class_names": ["a", "b"]}, "both called 'label'"),
        ({"class_names": ["a", "b"], "positive_label": "c"}, "none of class_names"),
        ({"metrics": {"f1": {"of_rows": "test_model_quality_options.overshoot"}}}, "a metric f1 already"),
        ({"metrics": {"confusion_matrix": {"of_rows": "test_model_quality_options.overshoot"}}}, "something else"),
        ({"metrics": {" ": {"of_rows": "test_model_quality_options.overshoot"}}}, "has no name"),
        ({"class_names": ["1", "true"]}, "mean the same: 1, true"),
        ({"ground_truth_attribute": ""}, "ground_truth_attribute is the name of a column, or its index from 0 on"),
        ({"inference_attribute": -1}, "not '-1'"),
        ({"metrics": {"mine": {"of_rows": "no.such.thing"}}}, "no function at 'no.such.thing'"),
        ({"metrics": {"mine": {"of_rows": "broken_when_imported.cost"}}}, "RuntimeError: no licence"),
        ({"metrics": {"mine": {"of_rows": "test_model_quality_options.overshoot", "of_state": "a.b"}}}, "either"),
        ({"metrics": {"mine": {"of_rows": "test_model_quality_options.overshoot", "worse": "lower"}}}, "worse"),
        ({"metrics": {"mine": {"of_rows": "test_model_quality_options.overshoot", "better": "more"}}}, "higher"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_what_to_do(
    options: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_when_imported.py").write_text("raise RuntimeError('no licence')")
    monkeypatch.syspath_prepend(tmp_path)
    sound = {} if "problem_type" in options else {"problem_type": "BinaryClassification", "inference_attribute": "p"}
    with pytest.raises(ConfigError, match=message):
        monitor_of("model_quality", sound | options)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match="no column 'label'; name one of theirs: score"):
        ModelQuality("BinaryClassification", "score").observe(pa.record_batch({"score": [0.5]}))


def of_a_missing_column(batch: pa.RecordBatch) -> pa.Array:
    return batch["no such column"]


def by_nothing(monitor: ModelQuality, state: Quality) -> float:
    return 1 / 0


def of_another_signature(monitor: ModelQuality) -> float:
    return 1.0


def in_words(monitor: ModelQuality, state: Quality) -> Any:
    return "high"


def of_words(batch: pa.RecordBatch) -> list[str]:
    return ["high"] * batch.num_rows


def more_than_all(monitor: ModelQuality, state: Quality) -> Share:
    return Share(3, 2)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ({"of_rows": "of_a_missing_column"}, "failed on 2 rows with the columns number, label: KeyError"),
        ({"of_rows": "of_words"}, r"must give a number for each row, not \['high'"),
        ({"of_state": "by_nothing"}, "failed on the State of 2 rows: ZeroDivisionError"),
        ({"of_state": "of_another_signature"}, "failed on the State of 2 rows: TypeError: of_another_signature"),
        ({"of_state": "in_words"}, "must give a number, Share, Estimate, Undefined or None, not 'high'"),
        ({"of_state": "more_than_all"}, "must give a number, Share"),
    ],
)
def test_whatever_a_users_function_does_its_metric_is_named(metric: dict[str, str], message: str) -> None:
    [(kind, function)] = metric.items()
    own = CustomMetric(**{kind: f"test_model_quality_options.{function}"}, better="lower")
    monitor = ModelQuality("Regression", inference_attribute="number", metrics={"mine": own})
    with pytest.raises(DataError, match=f"metric 'mine': test_model_quality_options.{function} {message}"):
        monitor.metrics_of(monitor.observe(pa.record_batch({"number": [1.0, 2.0], "label": [1.0, 3.0]})))


GIVEN: list[Any] = [None, math.nan, np.float64("inf"), 10**400, Share(0, 0), Undefined("no price"), Estimate(math.nan)]


def given(monitor: ModelQuality, state: Quality) -> Any:
    return GIVEN[state.judged - 1]


def test_a_users_number_that_does_not_exist_is_undefined() -> None:
    own = CustomMetric(of_state="test_model_quality_options.given", better="lower")
    monitor = ModelQuality("Regression", inference_attribute="number", metrics={"mine": own})
    for rows in range(1, len(GIVEN) + 1):
        state = monitor.observe(pa.record_batch({"number": np.arange(rows), "label": np.ones(rows)}))
        assert isinstance(monitor.metrics_of(state)["mine"], Undefined)
        assert "mine" not in monitor.thresholds(state)
