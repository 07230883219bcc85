"""What can't be used or measured says why, and what labels mean is told from the labels."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as judge

from model_monitor.core.measures import EVERYTHING, Estimate, Share, Subject, Undefined
from model_monitor.core.states import dump
from model_monitor.monitors.model_quality import ModelQuality, binary
from model_monitor.monitors.model_quality.binary import HINT

SCORED = ModelQuality("BinaryClassification", probability_attribute="score")
LABELLED = ModelQuality("BinaryClassification", inference_attribute="predicted")
MANY = ModelQuality("MulticlassClassification", inference_attribute="class", ground_truth_attribute="true class")
NUMBER = ModelQuality("Regression", inference_attribute="number", ground_truth_attribute="true number")
AS_SAGEMAKER = replace(SCORED, compatibility="sagemaker")


def value(measure: object) -> float | None:
    return measure.value if isinstance(measure, Share | Estimate) else None


def set_aside(monitor: ModelQuality, columns: dict[str, Any]) -> dict[str, int]:
    return monitor.unusable(monitor.observe(pa.record_batch(columns)))


def test_what_can_not_be_used_is_counted_once_by_its_first_reason() -> None:
    scores = ["0.5", None, "", "x", "1.5", "-0.1", "[0.1, 0.9]", "0.7", None]
    labels = ["1", "1", "1", "0", "0", "0", "1", None, None]
    assert set_aside(SCORED, {"score": scores, "label": labels}) == {
        "a vector of probabilities; set class_names": 1,
        "no label value": 2,
        "no probability": 2,
        "probability is not a number": 1,
        "probability outside [0, 1]": 2,
    }
    assert set_aside(LABELLED, {"predicted": ["1", None, " "], "label": ["1", "0", None]}) == {
        "no label value": 1,
        "no prediction": 1,
    }
    numbers = {"number": ["1", "x", None, "1e-3"], "true number": ["1", "2", "3", "inf"]}
    assert set_aside(NUMBER, numbers) == {
        "no prediction": 1,
        "not a number: label": 1,
        "not a number: prediction": 1,
    }


def test_rows_without_a_label_are_not_unusable_and_their_predictions_count_for_drift() -> None:
    batch = pa.record_batch({"score": [0.1, 0.9, 0.8], "label": [None, "1", "0"], "@labelled": [False, True, None]})
    state = SCORED.observe(batch)
    assert (state.rows, state.labelled, state.judged, SCORED.unusable(state)) == (3, 1, 1, {})
    measures = SCORED.measure(state)
    assert measures[EVERYTHING, "coverage"] == Share(1, 3)
    assert measures[Subject("score"), "predictions"].n == 3  # type: ignore[union-attr]


def reasons(monitor: ModelQuality, columns: dict[str, Any]) -> set[str]:
    found = monitor.metrics_of(monitor.observe(pa.record_batch(columns)))
    assert all(isinstance(measure, Undefined) for measure in found.values())
    return {measure.reason for measure in found.values() if isinstance(measure, Undefined)}


@pytest.mark.parametrize("monitor", [SCORED, AS_SAGEMAKER], ids=lambda m: m.compatibility)
def test_where_nothing_can_be_measured_it_says_why(monitor: ModelQuality) -> None:
    assert {m.reason for m in monitor.metrics_of(monitor.empty).values()} == {"there is no row"}  # type: ignore[union-attr]
    waiting = {"score": [0.1], "label": pa.nulls(1, pa.string()), "@labelled": [False]}
    assert reasons(monitor, waiting) == {"no row has a label yet"}
    useless = {"score": ["x", "y", "0.5"], "label": ["1", "1", None]}
    expected = "no labelled row can be used (no label value: 1, probability is not a number: 2)"
    assert reasons(monitor, useless) == {expected}
    three = {"score": [0.1, 0.2, 0.3], "label": ["1", "0", "n/a"]}
    assert reasons(monitor, three) == {"there are more than two labels: 0, 1, n/a"}
    assert reasons(monitor, {"score": [0.1], "label": ["no"]}) == {
        "the only label is no; set positive_label to tell what it means"
    }


def test_truth_and_predictions_that_speak_of_other_labels_are_not_compared() -> None:
    other = {"predicted": ["1", "0"], "label": ["yes", "no"]}
    assert reasons(LABELLED, other) == {f"truth is no, yes and predictions are 0, 1: no label in common{HINT}"}
    classes = {"class": ["1", "2"], "true class": ["red", "blue"]}
    assert reasons(MANY, classes) == {f"truth is blue, red and predictions are 1, 2: no label in common{HINT}"}
    wrong = LABELLED.metrics_of(LABELLED.observe(pa.record_batch({"predicted": [1, 1], "label": [0, 0]})))
    assert wrong["accuracy"] == Share(0, 2)


def test_a_regression_called_a_classification_is_told_apart() -> None:
    many = pa.array(np.arange(20_000) / 7)
    monitor = ModelQuality("MulticlassClassification", inference_attribute="predicted")
    assert reasons(monitor, {"predicted": many, "label": many}) == {
        "there are more than 10,000 pairs of truth and prediction; is this a regression?"
    }
    several = pa.record_batch({"score": [0.5] * 9, "label": np.arange(9) + 0.1})
    assert SCORED.observe(several).outcomes.scored.items == {}


def test_one_class_alone_leaves_undefined_what_needs_two() -> None:
    found = SCORED.metrics_of(SCORED.observe(pa.record_batch({"score": [0.1, 0.2, 0.3], "label": [0, 0, 0]})))
    assert found["recall"] == Undefined("no row's label is 1")
    assert found["precision"] == Undefined("no row is predicted to be 1")
    assert found["auc"] == Undefined("every label is 0")
    assert found["f1"] == Undefined("no row is 1, nor predicted to be")
    assert found["accuracy"] == Share(3, 3)
    assert value(found["brier_score"]) == pytest.approx(0.14 / 3)
    plain = AS_SAGEMAKER
    numbers = plain.metrics_of(plain.observe(pa.record_batch({"score": [0.1, 0.9], "label": [0, 0]})))
    assert (numbers["recall"], numbers["auc"], numbers["true_negative_rate"]) == (0.0, 0.0, 0.5)


def test_a_window_without_rows_needs_no_columns() -> None:
    assert dump(SCORED.observe(pa.record_batch({"other": pa.nulls(0)}))) == dump(SCORED.empty)


@pytest.mark.parametrize(
    ("options", "labels", "positive"),
    [
        ({}, ["0", "1"], "1"),
        ({}, ["true", "False"], "1"),
        ({}, ["-1", "1"], "1"),
        ({}, ["9", "10"], "10"),
        ({}, ["no", "yes"], "yes"),
        ({"positive_label": "no"}, ["no", "yes"], "no"),
        ({"positive_label": "1.0"}, ["1", "2"], "1"),
        ({"class_names": ("bad", "good")}, ["good", "good"], "good"),
        ({"class_names": ("bad", "good"), "positive_label": "bad"}, ["good", "good"], "bad"),
    ],
)
def test_which_label_is_the_positive_one(options: dict[str, Any], labels: list[str], positive: str) -> None:
    monitor = ModelQuality("BinaryClassification", probability_attribute="score", **options)
    coding = monitor.reading(monitor.observe(pa.record_batch({"score": [0.5, 0.6], "label": labels})))
    assert isinstance(coding, binary.Coding)
    assert coding.positive == positive


def test_a_score_at_the_threshold_is_negative() -> None:
    batch = pa.record_batch({"score": [0.5, 0.50001], "label": ["no", "yes"]})
    assert SCORED.confusion_matrix(SCORED.observe(batch)) == {"no": {"no": 1, "yes": 0}, "yes": {"no": 0, "yes": 1}}


def test_a_vector_of_probabilities_is_the_class_of_its_largest() -> None:
    names = ("red", "green", "blue")
    monitor = ModelQuality("MulticlassClassification", probability_attribute="p", class_names=names)
    vectors = [[0.1, 0.7, 0.2], [0.5, 0.4, 0.1], [0.2, 0.8], None, [0.1, None, 0.2]]
    labels = ["green", "blue", "red", "red", "red"]
    for column in (pa.array(vectors), pa.array([json.dumps(v) if v else None for v in vectors])):
        state = monitor.observe(pa.record_batch({"p": column, "label": labels}))
        assert {(t, a): n for t, a, n in state.outcomes.table()} == {("green", "green"): 1, ("blue", "red"): 1}
        assert monitor.unusable(state) == {
            "a vector of another length than class_names": 1,
            "no probability": 1,
            "probability is not a number": 1,
        }


def test_a_vector_of_two_probabilities_is_the_score_of_the_positive_one() -> None:
    monitor = ModelQuality("BinaryClassification", probability_attribute="p", class_names=("yes", "no"))
    state = monitor.observe(pa.record_batch({"p": [[0.9, 0.1], [0.2, 0.8]], "label": ["yes", "no"]}))
    assert value(monitor.metrics_of(state)["auc"]) == 1.0
    assert value(monitor.metrics_of(state)["brier_score"]) == pytest.approx((0.01 + 0.04) / 2)


@pytest.mark.parametrize("spelling", [str, float], ids=["texts", "numbers"])
def test_a_column_for_each_class_is_the_vector_of_probabilities(spelling: type) -> None:
    names = ("red", "green", "blue")
    rows = [[0.1, 0.7, 0.2], [0.5, 0.4, 0.1], [None] * 3, [0.1, None, 0.2]]
    columns = {
        f"p_{name}": [None if row[i] is None else spelling(row[i]) for row in rows] for i, name in enumerate(names)
    }
    monitor = ModelQuality("MulticlassClassification", probability_attribute=tuple(columns), class_names=names)
    state = monitor.observe(pa.record_batch(columns | {"label": ["green", "blue", "red", "red"]}))
    assert {(t, a): n for t, a, n in state.outcomes.table()} == {("green", "green"): 1, ("blue", "red"): 1}
    assert monitor.unusable(state) == {"no probability": 1, "probability is not a number": 1}
    yes_or_no = ModelQuality("BinaryClassification", probability_attribute=("no", 0), class_names=("no", "yes"))
    batch = pa.record_batch({"yes": [0.9, 0.2], "no": [0.1, 0.8], "label": ["yes", "no"]})
    assert value(yes_or_no.metrics_of(yes_or_no.observe(batch))["auc"]) == 1.0
    assert yes_or_no.predictions_attribute == "0"


def test_a_predicted_label_counts_as_a_score_and_gives_a_curve_of_three_points() -> None:
    state = LABELLED.observe(pa.record_batch({"predicted": [1, 1, 0, 0, 0], "label": [1, 0, 1, 0, 0]}))
    found = LABELLED.metrics_of(state)
    expected = judge.roc_auc_score([1, 0, 1, 0, 0], [1, 1, 0, 0, 0])
    assert value(found["auc"]) == pytest.approx(expected)
    assert "brier_score" not in found
    curves = LABELLED.curves(state, 100)
    assert curves is not None
    assert curves.true_positive_rates == [0.0, 0.5, 1.0, 1.0]
