"""SageMaker's formulas, as Spark computes them: 0/0 is 0."""

from __future__ import annotations

import numpy as np

from model_monitor.core import ranking
from model_monitor.monitors.model_quality.classification import BETAS, Confusion, Table, over


def ratio(above: float, below: float) -> float:
    return above / below if below else 0.0


def f_score(precision: float, recall: float, beta: float) -> float:
    return ratio((1 + beta * beta) * precision * recall, beta * beta * precision + recall)


def binary(c: Confusion, constant: Confusion, auc: float) -> dict[str, float]:
    """By JSON name, in SageMaker's order; of at least one row.

    Two rates are 1 minus another rate, which differs from the quotient in the last digit.
    """
    precision, recall = ratio(c.tp, c.tp + c.fp), ratio(c.tp, c.positives)
    of_constant = ratio(constant.tp, constant.tp + constant.fp), ratio(constant.tp, constant.positives)
    false_positives = ratio(c.fp, c.negatives)
    return {
        "recall": recall,
        "precision": precision,
        "accuracy": ratio(c.tp + c.tn, c.n),
        "recall_best_constant_classifier": of_constant[1],
        "precision_best_constant_classifier": of_constant[0],
        "accuracy_best_constant_classifier": ratio(constant.tp + constant.tn, c.n),
        "true_positive_rate": recall,
        "true_negative_rate": 1 - false_positives,
        "false_positive_rate": false_positives,
        "false_negative_rate": 1 - recall,
        "auc": auc,
        **{name: f_score(precision, recall, beta) for name, beta in BETAS.items()},
        **{f"{name}_best_constant_classifier": f_score(*of_constant, beta) for name, beta in BETAS.items()},
    }


def auc(positives: np.ndarray, negatives: np.ndarray) -> float:
    """Where a class is absent its rate stays 0 until Spark's last point, (1, 1): 0 without positives, else 1."""
    area = ranking.auc(positives, negatives)
    return area if area is not None else float(positives.sum() > 0)


def multiclass(t: Table) -> dict[str, float]:
    """The six metrics of one classifier by JSON name, in SageMaker's order; of at least one row."""
    hits, actual = t.hits, t.actual
    weights = actual / t.n
    precision, recall = over(hits, t.predicted), over(hits, actual)
    metrics = {
        "accuracy": hits.sum() / t.n,
        "weighted_recall": recall @ weights,
        "weighted_precision": precision @ weights,
    }
    for name, beta in BETAS.items():
        scores = over((1 + beta * beta) * precision * recall, beta * beta * precision + recall)
        metrics[f"weighted_{name}"] = scores @ weights
    return {name: float(value) for name, value in metrics.items()}
