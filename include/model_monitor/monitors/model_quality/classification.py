"""Formulas of classification: pure functions of the number of rows by truth and prediction.

SageMaker's come last, as Spark computes them: 0/0 is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from model_monitor.core import ranking
from model_monitor.monitors.values import in_order

BETAS = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}
PRIOR_ROWS = 2.0  # spread over all cells of a table before its error is estimated: half a row each of two by two
MANY_CLASSES = 200
STEP = 1e-20  # along the imaginary axis; a derivative by complex step loses no digits


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rows by truth and prediction of two classes: true positives, false positives, false negatives, true negatives."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    @property
    def n(self) -> int:
        return self.tp + self.fp + self.fn + self.tn

    @property
    def positives(self) -> int:
        return self.tp + self.fn

    @property
    def negatives(self) -> int:
        return self.fp + self.tn

    def constant(self, positive_is_smaller: bool) -> Confusion:
        """The best classifier that always gives one answer: the label of most rows, the smaller of equal ones."""
        always = self.positives > self.negatives or (self.positives == self.negatives and positive_is_smaller)
        if always:
            return Confusion(tp=self.positives, fp=self.negatives)
        return Confusion(fn=self.positives, tn=self.negatives)


def f_of(beta: float, tp: complex, fp: complex, fn: complex, tn: complex) -> float:
    """(1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP), 0..1; needs a row that is positive or predicted so.

    >>> f_of(1.0, tp=16, fp=0, fn=12, tn=0)
    0.7272727272727273
    """
    weight = 1 + beta * beta
    value: float = weight * tp / (weight * tp + beta * beta * fn + fp)  # type: ignore[assignment]
    return value


def share_error(inside: int, n: int) -> float | None:
    """Standard error of a share with half a row added to each side, so that it is never 0; None of no rows."""
    share = (inside + 0.5) / (n + 1)
    return math.sqrt(share * (1 - share) / n) if n else None


def error_of(function: Callable[[complex, complex, complex, complex], complex], c: Confusion) -> float:
    """Standard error of a function of the four cells that depends on their shares only.

    The infinitesimal jackknife over rows (Efron 1982, "The jackknife, the bootstrap and other resampling plans"): each
    row weighs the square of the function's derivative by its cell. With half a row added to each cell, so that it is
    never 0.
    """
    cells = [cell + PRIOR_ROWS / 4 for cell in (c.tp, c.fp, c.fn, c.tn)]
    slopes = [
        function(*[complex(n, STEP) if i == cell else complex(n) for i, n in enumerate(cells)]).imag / STEP
        for cell in range(4)
    ]
    return math.sqrt(sum(n * slope * slope for n, slope in zip(cells, slopes, strict=True)))


@dataclass(frozen=True, eq=False)
class Table:
    """Rows by truth and prediction of any number of classes, ``labels`` in order.

    ``hits`` (truth and prediction agree), ``actual`` and ``predicted`` are int64 arrays with an element for each label;
    ``truth`` and ``answer`` are the labels' indices, and ``rows`` the counts, of the cells that are not empty.
    """

    labels: tuple[str, ...]
    truth: np.ndarray
    answer: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, cells: Mapping[tuple[str, str], int]) -> Table:
        labels = tuple(in_order({label for pair in cells for label in pair}))
        index = {label: i for i, label in enumerate(labels)}
        pairs = sorted((index[truth], index[answer], n) for (truth, answer), n in cells.items())
        columns = np.array(pairs, np.int64).reshape(-1, 3).T
        return cls(labels, *columns)

    @property
    def n(self) -> int:
        return int(self.rows.sum())

    @property
    def actual(self) -> np.ndarray:
        return np.bincount(self.truth, self.rows, len(self.labels)).astype(np.int64)

    @property
    def predicted(self) -> np.ndarray:
        return np.bincount(self.answer, self.rows, len(self.labels)).astype(np.int64)

    @property
    def hits(self) -> np.ndarray:
        right = self.truth == self.answer
        return np.bincount(self.truth[right], self.rows[right], len(self.labels)).astype(np.int64)

    def matrix(self) -> dict[str, dict[str, int]]:
        """Rows by truth (outer) and prediction (inner), in order; of many classes only the cells that are not empty."""
        whole = len(self.labels) <= MANY_CLASSES
        cells = {truth: dict.fromkeys(self.labels, 0) if whole else {} for truth in self.labels}
        for truth, answer, n in zip(self.truth.tolist(), self.answer.tolist(), self.rows.tolist(), strict=True):
            cells[self.labels[truth]][self.labels[answer]] = n
        return cells

    def constant(self) -> Table:
        """The best classifier that always gives one answer: the label of most rows, the smaller of equal ones."""
        actual = self.actual
        indexes = np.flatnonzero(actual)
        return Table(self.labels, indexes, np.full(len(indexes), actual.argmax()), actual[indexes])


Term = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # hits, actual, predicted -> each class's value


def over(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """The quotient of each element; 0 where it has none, as Spark and scikit-learn's ``zero_division=0`` have it."""
    return np.asarray(np.divide(above, below, out=np.zeros_like(above * 1.0), where=below != 0))


def f_of_classes(beta: float, hits: np.ndarray, actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return over((1 + beta * beta) * hits, beta * beta * actual + predicted)


WEIGHTED: dict[str, Term] = {
    "weighted_recall": lambda hits, actual, predicted: over(hits, actual),
    "weighted_precision": lambda hits, actual, predicted: over(hits, predicted),
    **{f"weighted_{name}": partial(f_of_classes, beta) for name, beta in BETAS.items()},
}


def weighted(t: Table, term: Term) -> float:
    """The mean of a value of each class, weighted by how many rows are truly of it; of at least one row.

    >>> t = Table.of({("0", "0"): 1180, ("0", "1"): 510, ("1", "0"): 268, ("1", "1"): 138})
    >>> round(weighted(t, WEIGHTED["weighted_precision"]), 13)
    0.698317226963
    """
    return float(np.dot(t.actual, term(t.hits, t.actual, t.predicted)) / t.n)


def weighted_error(t: Table, term: Term) -> float:
    """Standard error of ``weighted``, by the infinitesimal jackknife over rows as in ``error_of``.

    Two rows are spread over all cells of the table first, so that it is never 0.
    """
    k = len(t.labels)
    more = PRIOR_ROWS / (k * k)
    hits, actual, predicted = t.hits + more, t.actual + more * k, t.predicted + more * k
    n = actual.sum()

    def slope(i: int) -> np.ndarray:
        moved = [x + (1j * STEP if i == place else 0j) for place, x in enumerate((hits, actual, predicted))]
        return np.asarray((moved[1] * term(*moved)).imag / STEP / n)

    of_hit, of_truth, of_answer = (slope(i) for i in range(3))
    of_truth = of_truth - np.dot(actual, term(hits, actual, predicted)) / n / n
    # A cell's slope is its truth's and its answer's, and on the diagonal the hit's as well.
    everywhere = k * (of_truth**2).sum() + k * (of_answer**2).sum() + 2 * of_truth.sum() * of_answer.sum()
    observed = np.dot(t.rows, (of_truth[t.truth] + of_answer[t.answer]) ** 2)
    diagonal = np.dot(hits, (of_truth + of_answer + of_hit) ** 2 - (of_truth + of_answer) ** 2)
    return math.sqrt(max(0.0, float(observed + more * everywhere + diagonal)))


def ratio(above: float, below: float) -> float:
    return above / below if below else 0.0


def sagemaker_f(precision: float, recall: float, beta: float) -> float:
    return ratio((1 + beta * beta) * precision * recall, beta * beta * precision + recall)


def sagemaker_binary(c: Confusion, constant: Confusion, auc: float) -> dict[str, float]:
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
        **{name: sagemaker_f(precision, recall, beta) for name, beta in BETAS.items()},
        **{f"{name}_best_constant_classifier": sagemaker_f(*of_constant, beta) for name, beta in BETAS.items()},
    }


def sagemaker_auc(positives: np.ndarray, negatives: np.ndarray) -> float:
    """Where a class is absent its rate stays 0 until Spark's last point, (1, 1): 0 without positives, else 1."""
    area = ranking.auc(positives, negatives)
    return area if area is not None else float(positives.sum() > 0)


def sagemaker_multiclass(t: Table) -> dict[str, float]:
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
