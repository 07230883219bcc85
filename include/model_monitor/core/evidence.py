"""Is a distribution another than the baseline's, or did chance make the difference? Several tests, one p-value.

Each test looks for one kind of change, and each but the last counts rows on a scale or in cells that both sides
together decide, so that its law is known whatever the distribution is:

* ``shape``: the largest difference of cumulative shares (Smirnov 1939);
* ``level``: whether numbers of one side rank higher (Wilcoxon 1945; Mann & Whitney 1947);
* ``spread``: whether they rank further from the middle (Mood 1954);
* ``lumps``: the shares of cells that have as many rows each, in both sides together (Pearson 1900);
* ``tails``: the share of rows beyond a number, far out on either side, by Fisher's exact test;
* ``beyond``: rows beyond all that the baseline had;
* ``share``: the share of one value or category, by Fisher's exact test;
* ``shares``: those of all categories at once (Pearson 1900).

The p-value is the least of all tests, each divided by its share of what chance is allowed (Bonferroni): that holds
however they depend on each other. Within a test of many cells only those count that could be so far from chance at all
(Westfall & Wolfinger 1997).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from model_monitor.core import chance
from model_monitor.core.cells import Cells
from model_monitor.core.distributions import Categories, Numbers

TAILS = (0.001, 0.003, 0.01, 0.025, 0.05, 0.1, 0.2)  # shares of all rows that lie beyond a number
FEWEST_RANKED = 20  # rows beside the most frequent number, on the smaller side, for a law of ranks to hold
LUMPS, FEWEST_IN_LUMP = 32, 30  # cells at most; rows of the smaller side that each has on average, for its law to hold
SHARES = {
    "shape": 0.25,
    "level": 0.25,
    "spread": 0.13,
    "tails": 0.13,
    "share": 0.1,
    "lumps": 0.09,
    "beyond": 0.05,
}  # of the probability of chance


@dataclass(frozen=True, slots=True)
class Evidence:
    """The p-value (0..1) of all tests together, and the one that decides: its name, and the share of rows (0..1) of the
    ``baseline`` and of the ``live`` side that lie from ``low`` to ``high`` (None: open) or have the ``category``.
    ``distance``: the largest change of any cumulative share, or of a category's; None if a side is empty."""

    p_value: float
    test: str
    low: float | None = None
    high: float | None = None
    category: str | None = None
    baseline: float = 0.0
    live: float = 0.0
    distance: float | None = None


NONE = Evidence(1.0, "shape")


def of_categories(live: Categories, baseline: Categories, p_of_shares: float | None) -> Evidence:
    """Whether categories have other shares. ``p_of_shares``: of the test ``shares``; None: there is none."""
    n, m = live.n, baseline.n
    if not n or not m:
        return NONE
    names = sorted(live.counts.keys() | baseline.counts.keys())
    if live.rest or baseline.rest:  # a category that one side did not count may be among the rest
        names = [name for name in names if name in live.counts and name in baseline.counts]
    counts = [np.array([side.counts.get(name, 0) for name in names], float) for side in (live, baseline)]
    p, cell = Cells.of(counts[0], counts[1], n, m, (0.0, 0.0)).best(len(names) == 2 and not live.rest + baseline.rest)
    tests = 1 if p_of_shares is None or len(names) < 3 else 2
    if tests == 2 and p_of_shares is not None and p_of_shares < p:
        return Evidence(min(1.0, 2 * p_of_shares), "shares")
    if not names:
        return NONE
    return Evidence(
        min(1.0, tests * p), "share", category=names[cell], baseline=counts[1][cell] / m, live=counts[0][cell] / n
    )


@dataclass(frozen=True, slots=True)
class Pooled:
    """Two sides on one scale: each different number (float64, rising), how many rows of each side have it, and how many
    have at most it; ``n`` and ``m`` rows in all. ``errors``: standard deviations of cumulative shares."""

    values: np.ndarray
    live: np.ndarray
    baseline: np.ndarray
    live_below: np.ndarray
    baseline_below: np.ndarray
    n: int
    m: int
    errors: tuple[float, float]

    @classmethod
    def of(cls, live: Numbers, baseline: Numbers) -> Pooled:
        values = np.concatenate([live.values, baseline.values])
        order = np.argsort(values, kind="stable")
        values = values.take(order)
        last = np.append(np.flatnonzero(values[1:] != values[:-1]), len(values) - 1)
        weights = np.concatenate([live.weights, baseline.weights]).astype(float).take(order)
        both = np.cumsum(weights).take(last)
        weights *= order < len(live.values)
        live_below = np.cumsum(weights).take(last)
        below = np.stack([live_below, both - live_below])
        counts = np.diff(below, axis=1, prepend=0.0)
        errors = live.share_error, baseline.share_error
        return cls(values.take(last), counts[0], counts[1], below[0], below[1], live.n, baseline.n, errors)

    def shape(self) -> Evidence:
        gaps = np.abs(self.live_below / self.n - self.baseline_below / self.m)
        furthest = int(gaps.argmax())
        gap = float(gaps[furthest])
        shares = float(self.baseline_below[furthest]) / self.m, float(self.live_below[furthest]) / self.n
        p = smirnov(gap, self.n, self.m, self.errors)
        return Evidence(p, "shape", None, float(self.values[furthest]), None, *shares, gap)

    def ranked(self) -> tuple[Evidence, Evidence]:
        """Whether numbers of one side rank higher (``level``), and whether further from the middle (``spread``).

        The p-value of the mean score by a gamma distribution with its mean, variance and skewness, as the rows of the
        live side are a random choice of all.
        """
        n, m, rows = self.n, self.m, self.n + self.m
        both = self.live + self.baseline
        varied = rows - float(both.max())
        if varied * min(n, m) < FEWEST_RANKED * rows:
            return Evidence(1.0, "level"), Evidence(1.0, "spread")
        ranks = (2 * (self.live_below + self.baseline_below) - both) / rows - 1  # from -1 to 1
        of_split = (m - n) / (rows - 2) * math.sqrt((rows - 1) / n / m)
        of_sketches = (2 * m / rows) ** 2 * sum(error**2 for error in self.errors)
        tests = []
        for test, scores in (("level", ranks), ("spread", ranks * ranks)):
            scores = scores - summed(both * scores) / rows
            squares = scores * scores
            variance = summed(both * squares) / rows
            skewness = of_split * summed(both * squares * scores) / rows / variance**1.5
            z = summed(self.live * scores) / n / math.sqrt(variance * m / n / (rows - 1) + of_sketches)
            tail = chance.skewed_tail(abs(z), skewness if z > 0 else -skewness)
            tests.append(Evidence(min(1.0, 2 * tail), test))
        return tests[0], tests[1]

    def lumps(self) -> Evidence:
        ends = self.ends_of_lumps()
        if len(ends) < 3:
            return Evidence(1.0, "lumps")
        live, baseline = (np.diff(below[ends], prepend=0.0) for below in (self.live_below, self.baseline_below))
        both, rows = live + baseline, self.n + self.m
        pooled = both / rows
        variance = pooled * (1 - pooled)
        # A cell's share is the difference of two cumulative ones, each of which a sketch has off by its error.
        chance_of_each = variance * rows / self.n / self.m + 2 * sum(error**2 for error in self.errors)
        squares = (live / self.n - baseline / self.m) ** 2 / chance_of_each
        statistic = float(squares @ (1 - pooled)) * (rows - 1) / rows
        furthest = int(squares.argmax())
        low = float(self.values[ends[furthest - 1] + 1]) if furthest else None
        high = float(self.values[ends[furthest]]) if furthest < len(ends) - 1 else None
        shares = float(baseline[furthest]) / self.m, float(live[furthest]) / self.n
        return Evidence(chance.chi_squared_tail(statistic, len(ends) - 1), "lumps", low, high, None, *shares)

    def ends_of_lumps(self) -> list[int]:
        """The last number of each cell, as its index; each cell has enough rows for its share's law to hold."""
        rows = self.n + self.m
        fewest = max(rows / LUMPS, FEWEST_IN_LUMP * rows / min(self.n, self.m))
        both = self.live_below + self.baseline_below
        ends, done = [], 0.0
        while rows - done >= 2 * fewest:
            at = int(np.searchsorted(both, done + fewest - 1e-9 * rows, side="left"))
            if rows - both[at] < fewest:
                break
            ends.append(at)
            done = float(both[at])
        return [*ends, len(both) - 1]

    def tails(self) -> Evidence:
        below = self.live_below, self.baseline_below
        both, rows = below[0] + below[1], self.n + self.m
        lows = np.searchsorted(both, np.array(TAILS) * rows, side="right") - 1  # at most such a share at or below
        highs = np.searchsorted(both, (1 - np.array(TAILS)) * rows, side="left")  # at most such a share above
        lows, highs = np.unique(lows[lows >= 0]), np.unique(highs[highs < len(both) - 1])
        live, baseline = (np.concatenate([side[lows], side[-1] - side[highs]]) for side in below)
        if not len(live):
            return Evidence(1.0, "tails")
        p, cell = Cells.of(live, baseline, self.n, self.m, self.errors).best()
        shares = float(baseline[cell]) / self.m, float(live[cell]) / self.n
        if cell < len(lows):
            return Evidence(p, "tails", None, float(self.values[lows[cell]]), None, *shares)
        return Evidence(p, "tails", float(self.values[highs[cell - len(lows)] + 1]), None, None, *shares)

    def share(self) -> Evidence:
        several = np.flatnonzero(self.live + self.baseline > 1)
        if not len(several):
            return Evidence(1.0, "share")
        errors = (math.sqrt(2) * self.errors[0], math.sqrt(2) * self.errors[1])
        live, baseline = self.live[several], self.baseline[several]
        p, cell = Cells.of(live, baseline, self.n, self.m, errors).best(len(self.values) == 2)
        value = float(self.values[several[cell]])
        return Evidence(p, "share", value, value, None, float(baseline[cell]) / self.m, float(live[cell]) / self.n)


def summed(products: np.ndarray) -> float:
    """Not a dot product: BLAS sums thousands of numbers on threads, in another order each time."""
    return float(products.sum())


def of_numbers(live: Numbers, baseline: Numbers) -> Evidence:
    """Whether numbers are spread otherwise."""
    if not live.n or not baseline.n:
        return NONE
    pooled = Pooled.of(live, baseline)
    shape = pooled.shape()
    if len(pooled.values) < 3:  # of two values all tests are one
        return replace(pooled.share(), distance=shape.distance)
    tests = [shape, *pooled.ranked(), pooled.lumps(), pooled.tails(), pooled.share(), beyond(live, baseline)]
    best = min(tests, key=lambda one: one.p_value / SHARES[one.test])
    return replace(best, p_value=min(1.0, best.p_value / SHARES[best.test]), distance=shape.distance)


def beyond(live: Numbers, baseline: Numbers) -> Evidence:
    """Rows that lie where none of the baseline does. Each number that a sketch keeps is one row at least."""
    n, rows = live.n, live.n + baseline.n
    best = Evidence(1.0, "beyond")
    for is_low, end in ((True, baseline.least), (False, baseline.most)):
        if end is None:
            continue
        outside = live.values < end if is_low else live.values > end
        most = int(live.weights[outside].sum()) if live.is_exact else int(np.count_nonzero(outside))
        logs = math.lgamma(n + 1) - math.lgamma(n - most + 1) + math.lgamma(rows - most + 1) - math.lgamma(rows + 1)
        p = min(1.0, 2 * math.exp(min(0.0, logs)))
        if p < best.p_value:
            low, high = (None, end) if is_low else (end, None)
            best = Evidence(p, "beyond", low, high, live=float(live.weights[outside].sum()) / n)
    return best


def smirnov(gap: float, n: int, m: int, errors: tuple[float, float]) -> float:
    """A bound (0..1) on the probability of such a largest difference of cumulative shares (Smirnov 1939)."""
    return min(1.0, 2 * math.exp(-2 * gap**2 / sum(one_over(rows, e) for rows, e in zip((n, m), errors, strict=True))))


def smirnov_gap(level: float, n: int, m: int, errors: tuple[float, float]) -> float:
    """The largest difference of cumulative shares that chance exceeds with at most the probability ``level``."""
    return math.sqrt(-math.log(level / 2) / 2 * sum(one_over(rows, e) for rows, e in zip((n, m), errors, strict=True)))


def one_over(rows: int, error: float) -> float:
    """One divided by how many rows would tell a cumulative share of a half as well as a sketch of so many."""
    return 1 / rows + 4 * error**2
