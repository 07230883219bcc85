"""Truths and predictions of some skill, a monitor of each problem type, and what SageMaker writes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from model_monitor.core.segments import Segmented
from model_monitor.monitors.model_quality import ModelQuality
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import decode, encode

BINARY = [
    *("confusion_matrix", "recall", "precision", "accuracy"),
    *("recall_best_constant_classifier", "precision_best_constant_classifier", "accuracy_best_constant_classifier"),
    *("true_positive_rate", "true_negative_rate", "false_positive_rate", "false_negative_rate"),
    *("receiver_operating_characteristic_curve", "precision_recall_curve", "auc", "f0_5", "f1", "f2"),
    *("f0_5_best_constant_classifier", "f1_best_constant_classifier", "f2_best_constant_classifier"),
]
WEIGHTED = ["accuracy", *(f"weighted_{name}" for name in ("recall", "precision", "f0_5", "f1", "f2"))]
MEMBERS = {  # in the order of the published examples
    "BinaryClassification": ("binary_classification", BINARY),
    "MulticlassClassification": (
        "multiclass_classification",
        ["confusion_matrix", *WEIGHTED, *(f"{name}_best_constant_classifier" for name in WEIGHTED)],
    ),
    "Regression": ("regression", ["mae", "mse", "rmse", "r2"]),
}
LESS, GREATER = "LessThanThreshold", "GreaterThanThreshold"
OPERATORS = {
    "BinaryClassification": dict.fromkeys(["recall", "precision", "accuracy", "true_positive_rate"], LESS)
    | {"true_negative_rate": LESS, "false_positive_rate": GREATER, "false_negative_rate": GREATER}
    | dict.fromkeys(["auc", "f0_5", "f1", "f2"], LESS),
    "MulticlassClassification": dict.fromkeys(WEIGHTED, LESS),
    "Regression": dict.fromkeys(["mae", "mse", "rmse"], GREATER) | {"r2": LESS},
}
PROBLEMS = list(MEMBERS)
MODES = ["calibrated", "sagemaker"]


def monitor(problem: str = "BinaryClassification", compatibility: str = "calibrated", **more: Any) -> ModelQuality:
    if problem == "BinaryClassification":
        more = {"probability_attribute": "score"} | more
    return ModelQuality(problem, inference_attribute="prediction", compatibility=compatibility, **more)


def rows(problem: str, n: int = 400, skill: float = 1.0, seed: int = 0) -> pa.RecordBatch:
    """Truths, and predictions of some skill: 0 is chance."""
    r = np.random.default_rng(seed)
    origin = np.array(["JFK", "EWR"])[r.integers(0, 2, n)]
    if problem == "Regression":
        truth = r.normal(50, 10, n)
        return pa.record_batch(
            {"prediction": skill * truth + (1 - skill) * 50 + r.normal(0, 2, n), "label": truth, "origin": origin}
        )
    if problem == "MulticlassClassification":
        truth = r.integers(0, 3, n)
        guess = np.where(r.random(n) < 0.25 + 0.6 * skill, truth, r.integers(0, 3, n))
        return pa.record_batch({"prediction": guess.astype(str), "label": truth.astype(str), "origin": origin})
    truth = (r.random(n) < 0.3).astype(int)
    score = 1 / (1 + np.exp(-r.normal(skill * 3 * (truth - 0.5))))
    guess = (score > 0.5).astype(int).astype(str)
    return pa.record_batch({"score": score, "prediction": guess, "label": truth.astype(str), "origin": origin})


def files(m: ModelQuality | Segmented, batch: pa.RecordBatch) -> tuple[dict, dict]:
    """A baseline's two files, through their bytes."""
    state = m.observe(batch)
    documents = documents_of(m)
    statistics, constraints = documents.statistics(state), documents.suggested(state)
    return decode(encode(statistics), "statistics.json"), decode(encode(constraints), "constraints.json")
