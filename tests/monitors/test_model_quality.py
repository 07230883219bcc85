"""What is measured of answers whose truth is known, what is set aside, and the laws that make it a monitor."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as judge

from model_monitor.core import laws
from model_monitor.core.measures import Estimate, Share, Undefined
from model_monitor.core.monitor import fold
from model_monitor.core.segments import By
from model_monitor.core.states import dump
from model_monitor.monitors import resamples
from model_monitor.monitors.model_quality import ModelQuality

SCORED = ModelQuality("BinaryClassification", probability_attribute="score")
LABELLED = ModelQuality("BinaryClassification", inference_attribute="predicted")
BOTH = ModelQuality("BinaryClassification", inference_attribute="predicted", probability_attribute="score")
MANY = ModelQuality("MulticlassClassification", inference_attribute="class", ground_truth_attribute="true class")
NUMBER = ModelQuality("Regression", inference_attribute="number", ground_truth_attribute="true number")
CHURN = {"inference_attribute": "prediction", "probability_attribute": "probability"}


def as_sagemaker(monitor: ModelQuality) -> ModelQuality:
    return replace(monitor, compatibility="sagemaker")


def rows(n: int = 1000, seed: int = 0) -> pa.RecordBatch:
    """Answers of every kind; a fifth of them has no label yet, and a few can't be used."""
    r = np.random.default_rng(seed)
    truth = r.random(n) < 0.3
    score = 1 / (1 + np.exp(1 - 2 * truth - r.normal(size=n)))
    classes = r.choice(["red", "green", "blue"], n)
    numbers = r.normal(size=n)
    return pa.record_batch(
        {
            "score": [f"{s:.4f}" if s < 0.99 else "n/a" for s in score],
            "predicted": (score > 0.5).astype(int),
            "label": [None if v < 0.01 else str(t).lower() for v, t in zip(r.random(n), truth, strict=True)],
            "class": np.where(r.random(n) < 0.7, classes, "red"),
            "true class": classes,
            "number": numbers + 0.3 * r.normal(size=n),
            "true number": pa.array([None if v > 2 else v for v in numbers]),
            "segment": r.choice(["x", "y"], n),
            "@labelled": r.random(n) < 0.8,
            "@event_id": [f"{seed}-{i}" for i in range(n)],
        }
    )


KINDS = [SCORED, LABELLED, BOTH, MANY, NUMBER]
MONITORS = [*KINDS, *map(as_sagemaker, KINDS), By("segment", BOTH), By("segment", as_sagemaker(NUMBER))]


@pytest.mark.parametrize("monitor", MONITORS, ids=lambda m: getattr(m, "problem_type", "By"))
def test_the_laws_hold(monitor: Any) -> None:
    laws.check(monitor, rows())


ANSWERS = st.fixed_dictionaries(
    {
        "score": st.sampled_from(["0", "0.25", "0.5", "1", "2", None, "x"]),
        "label": st.sampled_from(["0", "1", "true", "no", None]),
        "@labelled": st.sampled_from([True, True, False, None]),
    }
)


@settings(max_examples=40)
@given(st.lists(ANSWERS, min_size=1, max_size=30), st.sampled_from(["calibrated", "sagemaker"]))
def test_the_laws_hold_on_any_answers(table: list[dict[str, Any]], mode: Any) -> None:
    schema = pa.schema([("score", pa.string()), ("label", pa.string()), ("@labelled", pa.bool_())])
    batch = pa.RecordBatch.from_pylist(table, schema)
    laws.check(ModelQuality("BinaryClassification", probability_attribute="score", compatibility=mode), batch)
    laws.check(ModelQuality("Regression", inference_attribute="score", compatibility=mode), batch)
    laws.check(ModelQuality("MulticlassClassification", inference_attribute="score", compatibility=mode), batch)


def test_a_state_saved_twice_is_the_same_bytes_and_so_is_a_rerun() -> None:
    for monitor in (BOTH, as_sagemaker(BOTH), as_sagemaker(NUMBER)):
        assert dump(monitor.observe(rows())) == dump(monitor.observe(rows()))


def value(measure: object) -> float | None:
    if isinstance(measure, Share | Estimate):
        return measure.value
    return measure if isinstance(measure, float) else None


def judged_by_scikit_learn(truth: np.ndarray, score: np.ndarray) -> dict[str, float]:
    predicted = score > 0.5
    prob_true = [truth[(b := np.minimum((score * 10).astype(int), 9)) == i] for i in range(10)]
    gaps = [abs(t.sum() - score[b == i].sum()) for i, t in enumerate(prob_true)]
    return {
        "recall": judge.recall_score(truth, predicted),
        "precision": judge.precision_score(truth, predicted),
        "accuracy": judge.accuracy_score(truth, predicted),
        "auc": judge.roc_auc_score(truth, score),
        "f0_5": judge.fbeta_score(truth, predicted, beta=0.5),
        "f1": judge.f1_score(truth, predicted),
        "f2": judge.fbeta_score(truth, predicted, beta=2),
        "average_precision": judge.average_precision_score(truth, score),
        "brier_score": judge.brier_score_loss(truth, score),
        "log_loss": judge.log_loss(truth, score),
        "expected_calibration_error": sum(gaps) / len(truth),
    }


@pytest.mark.parametrize("seed", range(3))
def test_metrics_of_usable_labelled_rows_are_those_of_scikit_learn(seed: int) -> None:
    batch = rows(seed=seed)
    table = [r for r in batch.to_pylist() if r["@labelled"] and r["label"] is not None and r["score"] != "n/a"]
    truth, score = np.array([r["label"] == "true" for r in table]), np.array([float(r["score"]) for r in table])
    state = fold(SCORED, [batch.slice(0, 300), batch.slice(300)])
    found = SCORED.metrics_of(state)
    assert state.judged == len(table)
    for name, expected in judged_by_scikit_learn(truth, score).items():
        assert value(found[name]) == pytest.approx(expected, rel=1e-9), name
    plain = as_sagemaker(SCORED)
    for name, measure in plain.metrics_of(plain.observe(batch)).items():
        if not isinstance(found[name], Undefined):
            assert measure == pytest.approx(value(found[name]), abs=1e-12), name


def test_impossible_probabilities_cost_as_much_as_scikit_learn_says() -> None:
    batch = pa.record_batch({"score": [0.0, 1.0, 1.0, 0.5], "label": [1, 0, 1, 1]})
    found = value(SCORED.metrics_of(SCORED.observe(batch))["log_loss"])
    assert found == pytest.approx(judge.log_loss([1, 0, 1, 1], [0.0, 1.0, 1.0, 0.5]))


@pytest.fixture(scope="module")
def churn(churn_run: Path) -> pa.RecordBatch:
    with (churn_run / "validation_with_predictions.csv").open() as file:
        table = list(csv.DictReader(file))
    return pa.record_batch({name: [row[name] for row in table] for name in table[0]})


def test_sagemakers_churn_baseline_is_reproduced(churn: pa.RecordBatch, churn_run: Path) -> None:
    told = json.loads((churn_run / "mq_churn_baseline.json").read_text())
    for mode, tolerance in (("sagemaker", 0.0), ("calibrated", 2e-16)):
        monitor = ModelQuality("BinaryClassification", **CHURN, compatibility=mode)  # type: ignore[arg-type]
        state = monitor.observe(churn)
        thresholds = monitor.thresholds(state)
        assert list(thresholds) == [name for name in monitor.names if name in told["constraints"]]
        for name, expected in told["constraints"].items():
            allowed = 1e-12 if name == "auc" else tolerance
            assert thresholds[name] == pytest.approx(expected, abs=allowed, rel=0), name
        assert monitor.confusion_matrix(state) == told["confusion_matrix"]
        curves = monitor.curves(state, 1000)
        assert curves is not None
        assert (len(curves.true_positive_rates), len(curves.recalls)) == (203, 202)
        best = value(monitor.metrics_of(state)["accuracy_best_constant_classifier"])
        assert best == pytest.approx(told["accuracy_best_constant_classifier"], abs=1e-6)


def test_sagemakers_deviations_are_about_what_it_prints(churn: pa.RecordBatch, churn_run: Path) -> None:
    """Three of its runs differ; over many seeds ours must lie around them."""
    told = json.loads((churn_run / "mq_churn_baseline.json").read_text())["standard_deviation_observed_runs"]
    found: dict[str, list[float]] = {name: [] for name in told}
    for seed in range(60):
        monitor = ModelQuality("BinaryClassification", **CHURN, compatibility="sagemaker", seed=seed)  # type: ignore[arg-type]
        deviations = monitor.deviations(monitor.observe(churn))
        for name in told:
            found[name].append(deviations[name] or 0.0)
    for name, runs in told.items():
        low, high = np.quantile(found[name], [0.005, 1.0])
        assert low <= min(runs) and max(runs) <= high, name


def test_the_deviation_is_the_populations_of_five_values() -> None:
    """The recalls that were recovered from what SageMaker printed."""
    assert resamples.deviation([12 / 23, 12 / 23, 13 / 24, 15 / 25, 13 / 21]) == 0.040858304459939265
    assert resamples.deviation([0.5, None]) is None


def test_below_two_hundred_rows_sagemaker_tells_no_deviation(churn: pa.RecordBatch) -> None:
    monitor = ModelQuality("BinaryClassification", **CHURN, compatibility="sagemaker")  # type: ignore[arg-type]
    assert set(monitor.deviations(monitor.observe(churn.slice(0, 199))).values()) == {None}
    assert None not in monitor.deviations(monitor.observe(churn.slice(0, 200))).values()


def test_resamples_hold_four_fifths_of_the_rows_and_depend_on_event_ids_and_seed_alone() -> None:
    monitor = as_sagemaker(NUMBER)
    batch = rows(5000)
    state = monitor.observe(batch)
    assert len(state.resamples.items) == 5
    for part in state.resamples.items.values():
        assert abs(part.n / state.judged - 0.8) < 0.03
    assert len({part.n for part in state.resamples.items.values()}) > 1
    cut = fold(monitor, [batch.slice(3000), batch.slice(0, 3000)])
    assert monitor.deviations(cut) == pytest.approx(monitor.deviations(state))
    other = replace(monitor, seed=1)
    assert other.deviations(other.observe(batch)) != monitor.deviations(state)
    without = batch.drop_columns(["@event_id"])
    assert monitor.deviations(monitor.observe(without)) == monitor.deviations(monitor.observe(without))


def test_one_request_of_many_rows_is_not_all_in_or_all_out_of_a_resample() -> None:
    batch = rows(1000)
    together = batch.drop_columns(["@event_id"]).append_column("@event_id", pa.array(["same"] * 1000))
    state = as_sagemaker(NUMBER).observe(together)
    assert all(abs(part.n / state.judged - 0.8) < 0.06 for part in state.resamples.items.values())
