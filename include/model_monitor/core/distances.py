"""Distances between distributions, and the distances that chance alone would produce.

``kolmogorov_smirnov``, ``largest_share_change``, ``chi_squared`` and ``ndcg`` (a closeness) are what their names say.
The ``sagemaker_*`` ones reproduce SageMaker's numbers, which ignore how often a number occurred.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from model_monitor.core import evidence
from model_monitor.core.chance import normal_tail
from model_monitor.core.distributions import Categories, Numbers
from model_monitor.core.evidence import Evidence
from model_monitor.core.importances import ndcg, ndcg_margin

LEAST_EXPECTED = 10  # rows in a cell, for the chi-squared approximation to hold far out in its tail
ROBUST = 1.8  # SageMaker's constant: a level of about 0.003 in Kolmogorov and Smirnov's test


@dataclass(frozen=True)
class Distance:
    """A way to compare a live distribution with its baseline.

    between: the distance; None if there is none, e.g. if either is empty.
    noise: the distance that chance alone exceeds with at most the probability ``level`` when nothing changed; absent if
        the distance allows for chance already.
    is_p_value: small means far.
    evidence: the p-value of tests for several kinds of change, which decides instead of the distance's own noise.
    margin: of a closeness (small means far): how much closer the two might be but for chance, exceeded with the
        probability ``level``; None if the errors are unknown.
    """

    between: Callable[[Any, Any], float | None]
    noise: Callable[[Any, Any, float], float] | None = None
    is_p_value: bool = False
    evidence: Callable[[Any, Any], Evidence] | None = None
    margin: Callable[[Any, Any, float], float | None] | None = None

    def floor(self, observed: float, found: Evidence, live: Any, baseline: Any, level: float) -> float:
        """The distance that chance alone reaches with the probability ``level``: below ``observed`` if the evidence is
        beyond that level, and only then. Where the distance is not beyond its own noise, it is that of as little
        evidence for a change of the same kind."""
        assert self.noise
        noise = self.noise(live, baseline, level)
        if found.p_value >= level:
            return max(noise, observed)
        if observed > noise:
            return noise
        return observed * normal_tail(level / 2) / normal_tail(found.p_value / 2)


def kolmogorov_smirnov(live: Numbers, baseline: Numbers) -> float | None:
    """Largest difference of the two cumulative shares, 0..1; None if either is empty.

    >>> ones = np.ones(4, int)
    >>> kolmogorov_smirnov(Numbers(np.arange(1.0, 5), ones), Numbers(np.arange(2.0, 6), ones))
    0.25
    """
    if not live.n or not baseline.n:
        return None
    grid = np.concatenate([live.values, baseline.values])
    return float(np.abs(live.share_up_to(grid) - baseline.share_up_to(grid)).max())


def kolmogorov_smirnov_noise(live: Numbers, baseline: Numbers, level: float) -> float:
    """What the largest difference of cumulative shares exceeds by chance, sketches' errors included (Smirnov 1939)."""
    errors = live.share_error, baseline.share_error
    return evidence.smirnov_gap(level * evidence.SHARES["shape"], live.n, baseline.n, errors)


def largest_share_change(live: Categories, baseline: Categories) -> float | None:
    """Largest change of any category's share, 0..1; None if either is empty."""
    n, m, now, before = live.n, baseline.n, live.counts, baseline.counts
    if not n or not m:
        return None
    return max((abs(now.get(k, 0) / n - before.get(k, 0) / m) for k in now.keys() | before.keys()), default=0.0)


def largest_share_change_noise(live: Categories, baseline: Categories, level: float) -> float:
    """About what the share that changed most exceeds by chance, given its mean, the level split among categories."""
    n, m, now, before = live.n, baseline.n, live.counts, baseline.counts
    names = sorted(now.keys() | before.keys())
    most = max(names, key=lambda k: abs(now.get(k, 0) / n - before.get(k, 0) / m))
    share = (now.get(most, 0) + before.get(most, 0)) / (n + m)
    return normal_tail(level / 2 / max(1, len(names) - 1)) * math.sqrt(share * (1 - share) * (1 / n + 1 / m))


def categorical_evidence(live: Categories, baseline: Categories) -> Evidence:
    """Of single categories, and of all together where each is counted."""
    is_counted = not live.rest and not baseline.rest and len(live.counts.keys() | baseline.counts.keys()) > 2
    found = evidence.of_categories(live, baseline, chi_squared(live, baseline) if is_counted else None)
    return replace(found, distance=largest_share_change(live, baseline))


def chi_squared(live: Categories, baseline: Categories) -> float | None:
    """P-value of Pearson's test that both follow the same shares, 0..1; None below two cells.

    It counts the chance of both sides. Only how often a category occurs in both together decides which ones share a
    cell: the rarest, until ``LEAST_EXPECTED`` rows are expected in it on either side (Cochran 1952). Where rare
    categories are not counted one by one, it is Hoeffding's bound for the largest change of a share instead.
    """
    from scipy.special import chdtrc

    if not live.n or not baseline.n:
        return None
    if live.rest or baseline.rest:
        return largest_share_change_p_value(live, baseline)
    fewest = min(live.n, baseline.n) / (live.n + baseline.n)
    names = sorted(live.counts.keys() | baseline.counts.keys())
    pairs = [(live.counts.get(name, 0), baseline.counts.get(name, 0)) for name in names]
    cells: list[tuple[int, int]] = []
    now = before = 0
    for pair in sorted(pairs, key=sum):
        now, before = now + pair[0], before + pair[1]
        if fewest * (now + before) >= LEAST_EXPECTED:
            cells.append((now, before))
            now = before = 0
    if len(cells) < 2:
        return None
    cells[-1] = cells[-1][0] + now, cells[-1][1] + before
    counts = np.array(cells, float)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    return float(chdtrc(len(cells) - 1, float(((counts - expected) ** 2 / expected).sum())))


def largest_share_change_p_value(live: Categories, baseline: Categories) -> float:
    """By Hoeffding's bound for each category's share (Bonferroni), less what uncounted categories may have."""
    uncounted = max(min(side.counts.values(), default=side.n) / side.n for side in (live, baseline) if side.rest)
    change = max(0.0, (largest_share_change(live, baseline) or 0.0) - uncounted)
    categories = max(1, len(live.counts.keys() | baseline.counts.keys()))
    return min(1.0, 2 * categories * math.exp(-2 * change**2 / (1 / live.n + 1 / baseline.n)))


def sagemaker_chi_squared(live: Categories, baseline: Categories) -> float | None:
    """SageMaker's p-value (deequ's), which takes the baseline's shares for exact, 0..1; None below two categories.

    Only categories of the baseline take part. The two smallest expected counts are joined while any is below 10 (two
    categories; Cochran 1952) or more than a fifth are below 5 (Yates, Moore & McCabe 1999).
    """
    from scipy.special import chdtrc

    total = sum(live.counts.get(category, 0) for category in baseline.counts)
    expected_total = sum(baseline.counts.values())
    if not total or not expected_total:
        return None
    cells = sorted((n / expected_total * total, float(live.counts.get(k, 0))) for k, n in baseline.counts.items())
    while len(cells) >= 2 and too_many_small([expected for expected, _ in cells]):
        (e1, o1), (e2, o2), *others = cells
        cells = sorted([(e1 + e2, o1 + o2), *others])
    if len(cells) < 2:
        return None
    statistic = sum((observed - expected) ** 2 / expected for expected, observed in cells)
    return float(chdtrc(len(cells) - 1, statistic))


def too_many_small(expected: list[float]) -> bool:
    """Whether so many expected counts are small that the chi-squared approximation does not hold."""
    smallest, allowed = (10, 0) if len(expected) == 2 else (5, int(0.2 * len(expected)))
    return sum(count < smallest for count in expected) > allowed


def sagemaker_numbers(live: Numbers, baseline: Numbers, robust: bool) -> float | None:
    """SageMaker's distance of two sketches: each *distinct* value has one weight, the last in the sketch, so that it
    can't see a shift of weight among the same values. See docs/compatibility.md."""
    if not live.n or not baseline.n:
        return None
    p, q = last_weights(live), last_weights(baseline)
    return less_chance(kolmogorov_smirnov(p, q), p.n, q.n, robust)


def last_weights(numbers: Numbers) -> Numbers:
    """Each value once, with the last of its weights."""
    last = np.append(numbers.values[1:] != numbers.values[:-1], True)
    return Numbers(numbers.values[last], numbers.weights[last])


def sagemaker_categories(live: Categories, baseline: Categories, robust: bool) -> float | None:
    """SageMaker's distance of two histograms: the largest change of a share, less chance."""
    return less_chance(largest_share_change(live, baseline), live.n, baseline.n, robust)


def less_chance(distance: float | None, n: int, m: int, robust: bool) -> float | None:
    """The distance above 1.8 * sqrt((n+m)/(n*m)), at least 0, if robust; else the distance."""
    if distance is None or not robust:
        return distance
    return max(0.0, distance - ROBUST * math.sqrt((n + m) / (n * m)))


DISTANCES = {
    "kolmogorov_smirnov": Distance(kolmogorov_smirnov, kolmogorov_smirnov_noise, evidence=evidence.of_numbers),
    "largest_share_change": Distance(largest_share_change, largest_share_change_noise, evidence=categorical_evidence),
    "chi_squared": Distance(chi_squared, is_p_value=True),
    "sagemaker_chi_squared": Distance(sagemaker_chi_squared, is_p_value=True),
    "ndcg": Distance(ndcg, margin=ndcg_margin),
    "sagemaker_numbers_robust": Distance(partial(sagemaker_numbers, robust=True)),
    "sagemaker_numbers_simple": Distance(partial(sagemaker_numbers, robust=False)),
    "sagemaker_categories_robust": Distance(partial(sagemaker_categories, robust=True)),
    "sagemaker_categories_simple": Distance(partial(sagemaker_categories, robust=False)),
}


def is_closeness(name: str) -> bool:
    """Whether small means far, so that a threshold is the least that is allowed; False for a name from elsewhere.

    >>> is_closeness("ndcg"), is_closeness("chi_squared"), is_closeness("kolmogorov_smirnov"), is_closeness("of old")
    (True, True, False, False)
    """
    distance = DISTANCES.get(name)
    return distance is not None and (distance.is_p_value or distance.margin is not None)
