"""The files of model quality as SageMaker writes them: members, order and literal messages."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from support.quality_files import GREATER, LESS, MEMBERS, MODES, OPERATORS, PROBLEMS, files, monitor, rows

from model_monitor.core.constraints import Between, Constraint, Finding
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import EVERYTHING
from model_monitor.monitors.model_quality import ModelQuality
from model_monitor.monitors.model_quality.custom_metrics import CustomMetric
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.model_quality import camel
from model_monitor.results.documents.protocol import encode

CURVES = {"confusion_matrix", "receiver_operating_characteristic_curve", "precision_recall_curve"}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_statistics_have_sagemakers_members_in_its_order(problem: str) -> None:
    name, members = MEMBERS[problem]
    statistics, _ = files(monitor(problem, "sagemaker"), rows(problem))
    assert list(statistics) == ["version", "dataset", f"{name}_metrics"]
    assert statistics["dataset"] == {"item_count": 400}
    metrics = statistics[f"{name}_metrics"]
    assert list(metrics) == members
    scalars = [m for m in members if m != "confusion_matrix" and "curve" not in m]
    for scalar in scalars:
        assert list(metrics[scalar]) == ["value", "standard_deviation"]
        assert all(isinstance(number, float) for number in metrics[scalar].values())
    if "precision_recall_curve" in metrics:
        assert list(metrics["receiver_operating_characteristic_curve"]) == [
            "false_positive_rates",
            "true_positive_rates",
        ]
        assert list(metrics["precision_recall_curve"]) == ["precisions", "recalls"]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_what_sagemaker_does_not_have_comes_behind(problem: str) -> None:
    name, members = MEMBERS[problem]
    statistics, _ = files(monitor(problem), rows(problem))
    own = {"Regression": ["residual_quantiles"], "BinaryClassification": ["undefined"]}.get(problem, [])
    assert list(statistics) == ["version", "dataset", f"{name}_metrics", *own, "predictions"]
    there = [member for member in members if member in statistics[f"{name}_metrics"]]
    assert list(statistics[f"{name}_metrics"])[: len(there)] == there
    assert statistics.get("undefined", {}).keys() & {*members} == {*members} - {*there}
    assert statistics["predictions"]["name"] == {"BinaryClassification": "score"}.get(problem, "prediction")
    if problem == "Regression":
        assert "0.01" in statistics["residual_quantiles"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_constraints_are_the_exact_values_with_sagemakers_operators(problem: str, mode: str) -> None:
    name, _ = MEMBERS[problem]
    statistics, constraints = files(monitor(problem, mode), rows(problem))
    assert list(constraints) == ["version", f"{name}_constraints"]
    asked = constraints[f"{name}_constraints"]
    assert {metric: entry["comparison_operator"] for metric, entry in asked.items()} == OPERATORS[problem]
    assert list(asked) == list(OPERATORS[problem])
    for metric, entry in asked.items():
        assert list(entry) == ["threshold", "comparison_operator"]
        assert entry["threshold"] == statistics[f"{name}_metrics"][metric]["value"]


def test_the_published_baseline_is_written_again(churn_run: Path) -> None:
    published = json.loads((churn_run / "mq_churn_baseline.json").read_text())
    table = pa.csv.read_csv(churn_run / "validation_with_predictions.csv").combine_chunks()
    m = ModelQuality(
        "BinaryClassification",
        inference_attribute="prediction",
        probability_attribute="probability",
        compatibility="sagemaker",
    )
    statistics, constraints = files(m, table.to_batches()[0])
    metrics = statistics["binary_classification_metrics"]
    assert statistics["dataset"] == {"item_count": 201}
    assert metrics["confusion_matrix"] == published["confusion_matrix"]
    roc, curve = metrics["receiver_operating_characteristic_curve"], metrics["precision_recall_curve"]
    assert [len(points) for points in (*roc.values(), *curve.values())] == [203, 203, 202, 202]
    asked = {k: e["threshold"] for k, e in constraints["binary_classification_constraints"].items()}
    assert asked.pop("auc") == pytest.approx(published["constraints"].pop("auc"), abs=1e-12)
    assert asked == published["constraints"]


def test_below_200_rows_a_deviation_is_the_text_nan() -> None:
    statistics, _ = files(monitor(compatibility="sagemaker"), rows("BinaryClassification", 199))
    metrics = statistics["binary_classification_metrics"].values()
    assert {entry["standard_deviation"] for entry in metrics if "value" in entry} == {"NaN"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_window_without_labels_is_written_without_numbers(problem: str, mode: str) -> None:
    batch = rows(problem).append_column("@labelled", pa.array([False] * 400))
    statistics, constraints = files(monitor(problem, mode), batch)
    name, _ = MEMBERS[problem]
    assert statistics["dataset"]["item_count"] == 0
    assert constraints[f"{name}_constraints"] == {}
    if mode == "calibrated":
        assert statistics[f"{name}_metrics"] == {}
        assert {*MEMBERS[problem][1]} - CURVES <= statistics["undefined"].keys()
        assert all(statistics["undefined"].values())
    else:
        scalars = [entry for entry in statistics[f"{name}_metrics"].values() if "value" in entry]
        assert {entry["value"] for entry in scalars} == {"NaN"}
        assert not any("reason" in entry for entry in scalars)


def test_curves_that_do_not_exist_are_empty_and_long_ones_are_thinned() -> None:
    no_rows = monitor(compatibility="sagemaker", probability_attribute=None)
    no_scores, _ = files(no_rows, rows("BinaryClassification").slice(0, 0))
    roc = no_scores["binary_classification_metrics"]["receiver_operating_characteristic_curve"]
    assert roc == {"false_positive_rates": [], "true_positive_rates": []}
    assert no_scores["binary_classification_metrics"]["confusion_matrix"] == {}
    many, _ = files(monitor(), rows("BinaryClassification", 3000))
    metrics = many["binary_classification_metrics"]
    curves = [metrics["receiver_operating_characteristic_curve"], metrics["precision_recall_curve"]]
    assert [len(points) for curve in curves for points in curve.values()] == [1000] * 4


def test_rows_set_aside_are_told_and_not_counted_as_judged() -> None:
    batch = rows("BinaryClassification")
    labels = [None, None, *batch.column("label").to_pylist()[2:]]
    batch = batch.set_column(batch.schema.get_field_index("label"), "label", pa.array(labels, pa.string()))
    state, documents = monitor().observe(batch), documents_of(monitor())
    assert documents.statistics(state)["dataset"] == {"item_count": 398, "unusable": {"no label value": 2}}
    assert documents.monitor.unusable(state) == {"no label value": 2}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_same_rows_give_the_same_bytes(problem: str, mode: str) -> None:
    m = monitor(problem, mode)
    assert files(m, rows(problem)) == files(m, rows(problem))
    assert encode(documents_of(m).statistics(m.observe(rows(problem)))) == encode(
        documents_of(m).statistics(m.observe(rows(problem)))
    )


PUBLISHED = [  # violations that AWS published
    (
        ("precision", LESS, 0.6990740740740741, 0.011633050186414431, 1.0),
        "Metric precision with 0.6990740740740741 +/- 0.011633050186414431 was LessThanThreshold '1.0'",
        "precision",
    ),
    (
        ("false_positive_rate", GREATER, 0.13026052104208416, 0.007414796163354082, 0.0),
        "Metric falsePositiveRate with 0.13026052104208416 +/- 0.007414796163354082 was GreaterThanThreshold '0.0'",
        "falsePositiveRate",
    ),
    (
        ("auc", LESS, 0.5, 5.092682820403929e-4, 0.9395127993393898),
        "Metric auc with 0.5 +/- 5.092682820403929E-4 was LessThanThreshold '0.9395127993393898'",
        "auc",
    ),
    (("f2", LESS, 0.0, None, 0.625), "Metric f2 with 0.0 +/- NaN was LessThanThreshold '0.625'", "f2"),
]


@pytest.mark.parametrize(("found", "description", "shown"), PUBLISHED)
def test_messages_are_sagemakers_to_the_letter(found, description: str, shown: str) -> None:
    name, check, value, deviation, threshold = found
    bound = Between(low=threshold) if check == LESS else Between(high=threshold)
    finding = Finding(Constraint(check, EVERYTHING, name, bound), "violated", value)
    documents = documents_of(monitor(compatibility="sagemaker"))
    assert documents.violation(finding, {name: deviation}) == {
        "constraint_check_type": check,
        "description": description,
        "metric_name": shown,
    }


def test_names_in_violations_can_be_told_back() -> None:
    names = {n for p in PROBLEMS for n in (*monitor(p).metrics_of(monitor(p).empty),)}
    shown = {name: camel(name) for name in names}
    assert {name: re.sub("([A-Z])", r"_\1", text).lower() for name, text in shown.items()} == {n: n for n in names}
    assert shown["weighted_f0_5"] == "weightedF0_5"
    assert shown["f0_5"] == "f0_5"
    assert shown["false_positive_rate"] == "falsePositiveRate"


@pytest.mark.parametrize("mode", MODES)
def test_violations_are_in_the_order_of_the_constraints(mode: str) -> None:
    m = monitor(compatibility=mode)
    live = m.observe(rows("BinaryClassification", 2000, skill=-1.0, seed=3))
    findings = evaluate(m.suggest(m.observe(rows("BinaryClassification", 2000))), m.measure(live))
    violations = documents_of(m).violations(findings, live)["violations"]
    names = [v["metric_name"] for v in violations]
    expected = [camel(name) for name in OPERATORS["BinaryClassification"] if mode == "calibrated" or name != "f0_5"]
    assert [name for name in names if name != "predictions"] == expected
    for v in violations:
        if v["metric_name"] != "predictions":
            assert re.fullmatch(
                rf"Metric {v['metric_name']} with \S+ \+/- \S+ was {v['constraint_check_type']} '\S+'", v["description"]
            )


def test_drift_of_the_predictions_is_told_as_data_quality_tells_it() -> None:
    m = replace(monitor(), drift_threshold=0.1)
    before, after = rows("BinaryClassification", 1000), rows("BinaryClassification", 1000, seed=4)
    moved = pa.array(np.sqrt(after.column("score").to_numpy()))
    live = m.observe(after.set_column(0, "score", moved).append_column("@labelled", pa.array([False] * 1000)))
    constraints = documents_of(m).constraints(*files(m, before))
    findings = evaluate(constraints, m.measure(live))
    [drift] = documents_of(m).violations(findings, live)["violations"]
    assert (drift["constraint_check_type"], drift["metric_name"]) == ("prediction_drift_check", "predictions")
    distance, threshold = re.fullmatch(
        r"Baseline drift distance: (\S+) exceeds threshold: (\S+)", drift["description"]
    ).groups()
    assert float(distance) > float(threshold) == 0.1
    assert {f.outcome for f in findings if f.constraint.check != "prediction_drift_check"} == {"undefined"}


def absolute(batch: pa.RecordBatch) -> np.ndarray:
    return np.abs(batch.column("label").to_numpy() - batch.column("prediction").to_numpy())


def ratio(m: ModelQuality, state) -> float:
    return 2.0


def test_metrics_of_ones_own_are_suggested_and_judged_by_their_own_names() -> None:
    here = "test_model_quality_documents"
    metrics = {
        "costPer_case": CustomMetric(of_rows=f"{here}.absolute", better="lower"),
        "ratio": CustomMetric(of_state=f"{here}.ratio"),
    }
    m = monitor("Regression", metrics=metrics)
    statistics, constraints = files(m, rows("Regression"))
    assert statistics["regression_metrics"]["ratio"]["value"] == 2.0
    entry = constraints["regression_constraints"]["costPer_case"]
    assert entry["comparison_operator"] == GREATER
    assert entry["threshold"] == pytest.approx(statistics["regression_metrics"]["mae"]["value"], rel=1e-12)
    assert "ratio" not in constraints["regression_constraints"]
    live = m.observe(rows("Regression", skill=0.0, seed=1))
    findings = evaluate(documents_of(m).constraints(statistics, constraints), m.measure(live))
    told = {v["metric_name"]: v["description"] for v in documents_of(m).violations(findings, live)["violations"]}
    assert told["costPer_case"].startswith("Metric costPer_case with ")


def test_numbers_that_json_does_not_have_are_written_as_text() -> None:
    m = monitor("Regression", "sagemaker")
    statistics, _ = files(m, pa.record_batch({"prediction": [1.0, 2.0], "label": [3.0, 3.0]}))
    assert statistics["regression_metrics"]["r2"]["value"] == "NaN"
    assert math.isclose(statistics["regression_metrics"]["mae"]["value"], 1.5)
