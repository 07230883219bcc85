"""Has a value, or an end of a scale, another share of the rows than before? Fisher's exact test of many cells.

Cells are tested together: only those count that could be so far from chance at all (Westfall & Wolfinger 1997).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from model_monitor.core import chance

EXACT_ONES = 2  # of the cells that look furthest from chance, so many are tested exactly
NEAR = 3.0  # a logarithm of a likelihood ratio, below which a cell of many is no evidence: p-values above 0.01


@dataclass(frozen=True, slots=True)
class Cells:
    """How many rows of each side are in each cell: arrays of one length, also of the rows in all; whole numbers."""

    live: np.ndarray
    baseline: np.ndarray
    n: np.ndarray
    m: np.ndarray

    @classmethod
    def of(cls, live: np.ndarray, baseline: np.ndarray, n: int, m: int, errors: tuple[float, float]) -> Cells:
        """Cells of ``n`` and ``m`` rows. ``errors``: the standard deviations of a sketch's shares, 0.0 of exact counts.

        A sketched share tells as much as a smaller number of rows would.
        """
        pooled = (live + baseline) / (n + m)
        variance = np.maximum(pooled * (1 - pooled), 1 / (n + m))
        sides = []
        for cells, rows, error in ((live, n, errors[0]), (baseline, m, errors[1])):
            weight = 1 / (1 + rows * error**2 / variance)
            sides.append((np.rint(cells * weight), np.maximum(np.rint(rows * weight), np.rint(cells * weight))))
        return cls(sides[0][0], sides[1][0], sides[0][1], sides[1][1])

    def surprise(self) -> np.ndarray:
        """The likelihood ratio of each cell's two shares against one."""
        both, rows = self.live + self.baseline, self.n + self.m
        total = np.zeros(len(both))
        for part, side in ((self.live, self.n), (self.baseline, self.m)):
            for seen, all_seen in ((part, both), (side - part, rows - both)):
                expected = side * all_seen / np.maximum(rows, 1)
                total += np.where(seen > 0, seen * np.log(np.maximum(seen, 1) / np.maximum(expected, 1e-300)), 0.0)
        return total

    def least(self) -> np.ndarray:
        """The natural logarithm of the least p-value that each cell could have, given the rows of both sides in it:
        that all are on one side; minus infinity for a cell of more rows than a side has."""
        from scipy.special import gammaln

        both, rows = self.live + self.baseline, self.n + self.m
        ends = []
        for side in (self.n, self.m):  # all of the cell's rows on one side
            fits = both <= side
            log = gammaln(side + 1) - gammaln(np.where(fits, side - both, 0) + 1)
            log += gammaln(rows - both + 1) - gammaln(rows + 1)
            ends.append(np.where(fits, log, -np.inf))
        return np.minimum(0.0, np.minimum(*ends))

    def best(self, complementary: bool = False) -> tuple[float, int]:
        """The least p-value of the cells that look furthest from chance, for all cells together, and its cell.
        ``complementary``: two cells that hold all rows, which are one test."""
        several = np.flatnonzero(self.live + self.baseline > 1)  # a single row is no evidence
        if not len(several):
            return 1.0, 0
        cells = Cells(self.live[several], self.baseline[several], self.n[several], self.m[several])
        surprise = cells.surprise()
        if not complementary and surprise.max() < NEAR:
            return 1.0, int(several[surprise.argmax()])
        furthest = np.argsort(-surprise, kind="stable")[: 1 if complementary else EXACT_ONES].tolist()
        p_values = [
            chance.fisher(int(cells.live[i]), int(cells.n[i]), int(cells.baseline[i]), int(cells.m[i]))
            for i in furthest
        ]
        p = min(p_values)
        able = 1 if complementary else int(np.count_nonzero(cells.least() <= math.log(max(p, 1e-300)) + 1e-9))
        return min(1.0, p * max(1, able)), int(several[furthest[p_values.index(p)]])
