"""A baseline that could not tell what to ask of a metric: every later window says so."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from support.quality_files import MODES, files, monitor, rows

from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Estimate, Measures
from model_monitor.core.segments import By, Segmented
from model_monitor.monitors.model_quality.custom_metrics import CustomMetric
from model_monitor.results.documents import documents_of

HERE = "test_model_quality_unlearned"


def without_error(m: Any, state: Any) -> Estimate:
    return Estimate(1.0, None, 10)


def none_at_all(m: Any, state: Any) -> None:
    return None


OWN = {
    "vague": CustomMetric(of_state=f"{HERE}.without_error", better="lower"),
    "price": CustomMetric(of_state=f"{HERE}.none_at_all", better="lower"),
}


def one_class(n: int = 50) -> pa.RecordBatch:
    return pa.record_batch({"score": [0.1, 0.7] * n, "prediction": ["0", "1"] * n, "label": ["0"] * 2 * n})


def undefined(constraints: Any, measures: Measures) -> dict[str, str]:
    return {f.constraint.measure: f.reason for f in evaluate(constraints, measures) if f.outcome == "undefined"}


@pytest.mark.parametrize("with_constraints", [True, False])
def test_metrics_that_the_baseline_does_not_have_are_undefined_in_every_window(with_constraints: bool) -> None:
    m = monitor()
    statistics, constraints = files(m, one_class())
    read = documents_of(m).constraints(statistics, constraints if with_constraints else None)
    found = undefined(read, m.measure(m.observe(rows("BinaryClassification"))))
    assert found["auc"] == "the baseline has no auc to compare with: every label is 0"
    assert found["recall"] == "the baseline has no recall to compare with: no row's label is 1"
    assert "accuracy" not in found


def test_a_users_own_metric_without_a_threshold_is_told_too() -> None:
    m = monitor(metrics=OWN)
    statistics, constraints = files(m, rows("BinaryClassification"))
    live = m.measure(m.observe(rows("BinaryClassification", seed=1)))
    found = undefined(documents_of(m).constraints(statistics, constraints), live)
    assert found == {
        "vague": "the baseline has no vague to compare with: its standard error is not known",
        "price": f"{HERE}.none_at_all gave no number",
    }


def test_a_metric_that_is_newer_than_the_baseline_is_told() -> None:
    statistics, constraints = files(monitor(), rows("BinaryClassification"))
    m = monitor(metrics={"vague": OWN["vague"]})
    live = m.measure(m.observe(rows("BinaryClassification", seed=1)))
    found = undefined(documents_of(m).constraints(statistics, constraints), live)
    assert found == {"vague": "the baseline has no vague; make it again"}


def test_a_threshold_that_a_person_gives_is_judged() -> None:
    m = monitor()
    statistics, constraints = files(m, one_class())
    constraints["binary_classification_constraints"]["auc"] = {"threshold": 0.6}
    live = m.measure(m.observe(rows("BinaryClassification")))
    assert "auc" not in undefined(documents_of(m).constraints(statistics, constraints), live)


def test_sagemaker_is_silent_about_them() -> None:
    m = monitor(compatibility="sagemaker")
    statistics, constraints = files(m, one_class())
    assert not undefined(documents_of(m).constraints(statistics, constraints), m.measure(m.observe(one_class())))


@pytest.mark.parametrize("mode", MODES)
def test_a_complete_baseline_leaves_nothing_unlearned(mode: str) -> None:
    m = monitor(compatibility=mode)
    batch = rows("BinaryClassification")
    read = documents_of(m).constraints(*files(m, batch))
    assert not undefined(read, m.measure(m.observe(batch)))


def test_a_segment_of_one_class_says_so_without_hiding_the_others() -> None:
    batch = rows("BinaryClassification")
    pairs = zip(batch.column("origin").to_pylist(), batch.column("label").to_pylist(), strict=True)
    label = ["0" if origin == "EWR" else label for origin, label in pairs]
    m = Segmented(monitor(), (By("origin", monitor()),))
    statistics, constraints = files(m, batch.set_column(2, "label", pa.array(label)))
    findings = evaluate(documents_of(m).constraints(statistics, constraints), m.measure(m.observe(batch)))
    segments = {f.constraint.subject.segment for f in findings if f.outcome == "undefined"}
    assert segments == {(("origin", "EWR"),)}


def test_a_metric_that_nobody_asked_to_judge_is_not_missed() -> None:
    m = monitor(judge=("accuracy",))
    live = m.measure(m.observe(rows("BinaryClassification")))
    assert not undefined(documents_of(m).constraints(*files(m, one_class())), live)
