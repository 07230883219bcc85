"""The importances of features, and how well a window keeps the order of its baseline's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

ROUNDING = 1e-15  # an NDCG this close to 1 is that of the same order
ABSENT = -1.0  # ranks behind every importance, none of which is negative


@dataclass(frozen=True, eq=False)
class Importances:
    """A number for each feature; its absolute value is how much the feature matters.

    ``values`` (1-d float64) belong to ``names``. ``covariance`` is that of their errors (float64, a row and a column
    for each name), estimated from ``n`` rows; None if unknown. ``resamples`` and ``seed`` are those of NDCG's margin.
    """

    names: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray | None = None
    n: int = 0
    resamples: int = 1000
    seed: int = 0

    @classmethod
    def of(cls, values: Mapping[str, float]) -> Importances:
        """Importances without known errors."""
        return cls(tuple(values), np.array([*values.values()], np.float64))

    def drawn(self, chance: np.random.Generator, count: int) -> np.ndarray:
        """``count`` draws of the values (count x names) from a multivariate Student's t with n - 1 degrees of freedom;
        the values themselves if their errors are unknown."""
        if self.covariance is None or self.n < 2:
            return np.tile(self.values, (count, 1))
        spread = chance.multivariate_normal(np.zeros(len(self.values)), self.covariance, count, method="eigh")
        freedom = self.n - 1
        return np.asarray(self.values + spread * np.sqrt(freedom / chance.chisquare(freedom, (count, 1))))


def ndcg(live: Importances, baseline: Importances) -> float | None:
    """Normalised discounted cumulative gain: how well live importances keep the order of the baseline's; 0..1, 1 is
    the same order. None without a common feature.

    scikit-learn's ``ndcg_score`` (Järvelin & Kekäläinen 2002; McSherry & Najork 2008 for ties), 1.0 for one feature or
    a baseline of zeros. A feature that only the baseline has comes last, one that only the window has is left out.

    >>> live, baseline = {"SAT": 0.1, "GPA": 0.2, "rank": 0.7}, {"SAT": 0.7, "GPA": 0.5, "rank": 0.05}
    >>> ndcg(Importances.of(live), Importances.of(baseline))
    0.687639624122622
    """
    places = places_of(live, baseline)
    if not (places >= 0).any():
        return None
    gains, scores = np.abs(baseline.values), scores_of(np.abs(live.values), places)
    if not gains.any():
        return 1.0
    # In scikit-learn's order of operations, so that published numbers are met to the last digit.
    discounts = discounts_of(len(gains))
    _, group, sizes = np.unique(-scores, return_inverse=True, return_counts=True)
    shared = np.diff(np.cumsum(discounts)[np.cumsum(sizes) - 1], prepend=0.0)
    gain = float((np.bincount(group, gains) / sizes * shared).sum())
    ratio = gain / float(discounts.dot(np.sort(gains)[::-1]))
    return 1.0 if ratio > 1 - ROUNDING else ratio


def ndcg_margin(live: Importances, baseline: Importances, level: float) -> float | None:
    """How much higher NDCG might be but for chance, which is more with at most about the probability ``level``; >= 0.

    The larger of two: how much higher NDCG is in a share ``level`` of resamples of the live importances; and how far
    below 1 it is in that share of resamples as if nothing had changed. The first alone would often be 0 for features of
    about equal importance, since chance only disturbs an order; the second ignores a window truly near the threshold.
    Below about 20 rows of skewed attributions the probability is up to twice the level. None if the errors of the live
    importances are unknown, or if there is no NDCG.
    """
    estimate = weighed(live, baseline, level)
    return estimate[2] if estimate else None


def ndcg_interval(live: Importances, baseline: Importances, level: float) -> tuple[float, float] | None:
    """The interval of NDCG without chance: it is below or above with about the probability ``level`` each. The upper
    end is that of ``ndcg_margin``. None as there."""
    estimate = weighed(live, baseline, level)
    return (min(estimate[0], estimate[1]), min(1.0, estimate[0] + estimate[2])) if estimate else None


def weighed(live: Importances, baseline: Importances, level: float) -> tuple[float, float, float] | None:
    """NDCG, its quantile ``level`` over resamples, and its margin."""
    observed = ndcg(live, baseline)
    if observed is None or live.covariance is None or live.n < 2:
        return None
    low, high = np.quantile(resampled(live, baseline), [level, 1 - level])
    unchanged = np.quantile(resampled(as_if_unchanged(live, baseline), baseline), level)
    return observed, float(low), max(0.0, float(high) - observed, 1 - float(unchanged))


def as_if_unchanged(live: Importances, baseline: Importances) -> Importances:
    """The baseline's importances, with the errors of the live ones."""
    assert live.covariance is not None
    places = places_of(live, baseline)
    known = np.outer(places >= 0, places >= 0)
    covariance = np.where(known, live.covariance[np.ix_(places, places)], 0.0)
    return replace(live, names=baseline.names, values=baseline.values, covariance=covariance)


def resampled(live: Importances, baseline: Importances) -> np.ndarray:
    """NDCG of ``live.resamples`` draws of the importances."""
    chance = np.random.default_rng(live.seed)
    places = places_of(live, baseline)
    scores = scores_of(np.abs(live.drawn(chance, live.resamples)), places)
    gains = np.abs(baseline.drawn(chance, live.resamples))
    ideal = np.sort(gains, axis=1)[:, ::-1]  # before ties are averaged, which affects the observed order only
    for tied in ties_of(live, places):  # adjacent in each resample, in any order
        gains[:, tied] = gains[:, tied].mean(axis=1, keepdims=True)
    discounts = discounts_of(gains.shape[1])
    order = np.argsort(-scores, axis=1, kind="stable")
    dcg = (np.take_along_axis(gains, order, axis=1) * discounts).sum(axis=1)
    best = (ideal * discounts).sum(axis=1)
    return np.asarray(np.divide(dcg, best, out=np.ones(len(best)), where=best > 0))


def places_of(live: Importances, baseline: Importances) -> np.ndarray:
    """The index in ``live`` of each feature of the baseline; -1 if it is absent."""
    place = {name: i for i, name in enumerate(live.names)}
    return np.array([place.get(name, -1) for name in baseline.names], np.int64)


def scores_of(importances: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The live importances (last axis) in the order of the baseline's features."""
    return np.where(places >= 0, importances[..., places], ABSENT)


def ties_of(live: Importances, places: np.ndarray) -> list[np.ndarray]:
    """The features of the baseline, by index, whose live importances are equal in every resample."""
    assert live.covariance is not None
    fixed = np.where(places >= 0, np.diag(live.covariance)[places] == 0, True)
    scores = scores_of(np.abs(live.values), places)
    groups = (np.flatnonzero(fixed & (scores == score)) for score in np.unique(scores[fixed]))
    return [group for group in groups if len(group) > 1]


def discounts_of(count: int) -> np.ndarray:
    """The weight of a gain at each rank: 1 / log2(rank + 1)."""
    return np.asarray(1 / (np.log(np.arange(count) + 2) / np.log(2)))
