"""How well scores rank positives above negatives, from counts.

Each function takes two 1-d arrays of one length: how many positives and how many negatives have each distinct score, by
rising score. scikit-learn has no DeLong error and takes a row for each score and class. Its curves are the same numbers
but for their ends, which are Spark's here; its average precision sums in another order and so differs in the last
digit, which reports write.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curves:
    """Points of the ROC curve (by rising rates) and of the precision-recall curve (by rising recall), all 0..1."""

    false_positive_rates: list[float]
    true_positive_rates: list[float]
    precisions: list[float]
    recalls: list[float]


def auc(positives: np.ndarray, negatives: np.ndarray) -> float | None:
    """Area under the ROC curve, 0..1: how often a positive scores above a negative, ties counting half; None if there
    is no positive or no negative.

    >>> auc(np.array([0, 1, 1]), np.array([1, 1, 0]))
    0.875
    """
    m, n = int(positives.sum()), int(negatives.sum())
    if not m or not n:
        return None
    # Twice the pairs is a whole number, so the order of summation can't change the result.
    twice = sum_exactly(positives, 2 * np.cumsum(negatives) - negatives)
    return twice / (2 * m * n)


def sum_exactly(a: np.ndarray, b: np.ndarray) -> int:
    """The sum of products of whole numbers, beyond 64 bits if need be."""
    if float(a.sum()) * float(b.max(initial=0)) < 2.0**62:
        return int(np.dot(a, b))
    return sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))


def auc_error(positives: np.ndarray, negatives: np.ndarray) -> float | None:
    """Standard error of the AUC (DeLong, DeLong & Clarke-Pearson 1988), but at least Hanley & McNeil's (1982) with one
    more pair that is half right; None if either class has fewer than two rows."""
    m, n = int(positives.sum()), int(negatives.sum())
    area = auc(positives, negatives)
    if area is None or min(m, n) < 2:
        return None
    below = (np.cumsum(negatives) - negatives / 2) / n  # for each score, the share of negatives that it beats
    above = (m - np.cumsum(positives) + positives / 2) / m
    de_long = variance(below, positives, area) / m + variance(above, negatives, area) / n
    a = (area * m * n + 0.5) / (m * n + 1)
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    hanley = (a * (1 - a) + (m - 1) * (q1 - a * a) + (n - 1) * (q2 - a * a)) / (m * n)
    return math.sqrt(max(de_long, hanley))


def variance(values: np.ndarray, counts: np.ndarray, mean: float) -> float:
    """Sample variance of values that occur so often."""
    return float(np.dot(counts, (values - mean) ** 2)) / (int(counts.sum()) - 1)


def average_precision(positives: np.ndarray, negatives: np.ndarray) -> float | None:
    """Precision at each score, weighted by the recall that the score adds, 0..1 (scikit-learn's definition, without
    interpolation, whose own order of summation differs in the last digit); None if there is no positive."""
    above, false_above = positives[::-1], negatives[::-1]
    hits = np.cumsum(above)
    if not len(hits) or not hits[-1]:
        return None
    return float(np.dot(above, hits / (hits + np.cumsum(false_above))) / hits[-1])


def area_under_precision(positives: np.ndarray, negatives: np.ndarray) -> float | None:
    """Area under the precision-recall curve, 0..1, between its points in straight lines and from the first point to the
    left, as Spark's ``BinaryClassificationMetrics``; None if there is no positive.

    >>> area_under_precision(np.array([0, 1, 1]), np.array([1, 1, 0]))
    0.9166666666666666
    """
    hits, false = np.cumsum(positives[::-1]), np.cumsum(negatives[::-1])
    if not len(hits) or not hits[-1]:
        return None
    precisions, recalls = hits / (hits + false), np.concatenate([[0.0], hits / hits[-1]])
    heights = np.concatenate([precisions[:1], precisions])
    return float(np.dot(np.diff(recalls), heights[1:] + heights[:-1]) / 2)


def curves(positives: np.ndarray, negatives: np.ndarray, points: int) -> Curves | None:
    """Both curves, one point for each different score, falling, with the ends of Spark's
    ``BinaryClassificationMetrics``; thinned evenly to ``points`` (>= 2). None if there is no positive or no
    negative."""
    hits, false = np.cumsum(positives[::-1]), np.cumsum(negatives[::-1])
    if not len(hits) or not hits[-1] or not false[-1]:
        return None
    recalls, rates, precisions = hits / hits[-1], false / false[-1], hits / (hits + false)
    return Curves(
        thinned(np.concatenate([[0.0], rates, [1.0]]), points),
        thinned(np.concatenate([[0.0], recalls, [1.0]]), points),
        thinned(np.concatenate([precisions[:1], precisions]), points),
        thinned(np.concatenate([[0.0], recalls]), points),
    )


def thinned(values: np.ndarray, points: int) -> list[float]:
    """At most ``points`` values, evenly spaced, with the first and the last."""
    if len(values) > points:
        values = values[np.linspace(0, len(values) - 1, points).round().astype(int)]
    return list(values.tolist())
