"""The count, sum, spread and range of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from model_monitor.core.states.base import Listed


@dataclass(frozen=True, slots=True)
class Moments(Listed):
    """Count, sum, squared deviations from the mean, minimum and maximum of finite numbers.

    Adds by Chan, Golub & LeVeque (1983), "Algorithms for computing the sample variance". The sum is kept rather than
    the mean, so that whole numbers stay exact. A sum beyond float64's range becomes infinite and stays so.

    >>> m = Moments.of(np.array([1.0, 2.0])) + Moments.of(np.array([6.0]))
    >>> m.mean, m.minimum, m.maximum
    (3.0, 1.0, 6.0)
    """

    n: int = 0
    total: float = 0.0
    m2: float = 0.0
    least: float = math.inf
    most: float = -math.inf

    @classmethod
    def of(cls, values: np.ndarray) -> Moments:
        """Moments of a 1-d float64 array of finite numbers."""
        if not len(values):
            return cls()
        with np.errstate(over="ignore", invalid="ignore"):
            total = float(values.sum())
            deviations = values - total / len(values)
            # The second term takes back the rounding of the mean (Chan et al., "corrected two-pass").
            # Not a dot product: BLAS may sum on threads, in another order each time.
            rounding = float(deviations.sum())
            m2 = float(np.square(deviations).sum()) - rounding * rounding / len(values)
        return cls(len(values), sum_or_inf(total), sum_or_inf(max(m2, 0.0)), float(values.min()), float(values.max()))

    def __add__(self, other: Moments) -> Moments:
        if not self.n or not other.n:
            return self if self.n else other
        n = self.n + other.n
        delta = other.total / other.n - self.total / self.n
        return Moments(
            n,
            sum_or_inf(self.total + other.total),
            sum_or_inf(self.m2 + other.m2 + delta * delta * self.n * other.n / n),
            min(self.least, other.least),
            max(self.most, other.most),
        )

    def added(self, others: Sequence[Moments]) -> Moments:
        """Sums are rounded once, so that the order changes nothing."""
        parts = [part for part in (self, *others) if part.n]
        if len(parts) < 2 or not all(math.isfinite(part.total) and math.isfinite(part.m2) for part in parts):
            return reduce(add, parts, Moments())
        n = sum(part.n for part in parts)
        try:
            total = math.fsum(part.total for part in parts)
            m2 = math.fsum(part.m2 + (part.total / part.n - total / n) ** 2 * part.n for part in parts)
        except OverflowError:  # beyond float64's range
            return reduce(add, parts)
        least, most = min(part.least for part in parts), max(part.most for part in parts)
        return Moments(n, total, m2, least, most)

    @property
    def mean(self) -> float | None:
        """Arithmetic mean; None if nothing was seen, or the sum is too large for a float64."""
        return self.total / self.n if self.n and math.isfinite(self.total) else None

    @property
    def std_dev(self) -> float | None:
        """Population standard deviation (divided by n); None if nothing was seen, or squares are too large."""
        return math.sqrt(self.m2 / self.n) if self.n and math.isfinite(self.m2) else None

    @property
    def minimum(self) -> float | None:
        return self.least if self.n else None

    @property
    def maximum(self) -> float | None:
        return self.most if self.n else None


def sum_or_inf(total: float) -> float:
    """The sum, or infinity if it is beyond float64's range in either direction."""
    return total if math.isfinite(total) else math.inf
