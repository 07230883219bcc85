"""Sums, variances and covariances of the columns of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from model_monitor.core.states.base import Packed, check_version
from model_monitor.errors import DataError


@dataclass(frozen=True, eq=False)
class Comoments:
    """Count of rows, sums of columns (1-d float64) and products of deviations (2-d float64, column by column).

    Adds by Chan, Golub & LeVeque (1983), as ``Moments`` does for one column.

    >>> both = Comoments.of(("a", "b"), np.array([[1.0, 2.0]])) + Comoments.of(("a", "b"), np.array([[3.0, 6.0]]))
    >>> both.means.tolist(), both.products.tolist()
    ([2.0, 4.0], [[2.0, 4.0], [4.0, 8.0]])
    """

    version: ClassVar[int] = 1

    names: tuple[str, ...] = ()
    n: int = 0
    totals: np.ndarray = field(default_factory=lambda: np.zeros(0))
    products: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))

    @classmethod
    def of(cls, names: tuple[str, ...], values: np.ndarray) -> Comoments:
        """Of rows x columns of finite float64."""
        if not len(values):
            return cls(names, 0, np.zeros(len(names)), np.zeros((len(names), len(names))))
        totals = values.sum(axis=0)
        deviations = values - totals / len(values)
        # Not a matrix product: BLAS may sum on threads, in another order each time.
        return cls(names, len(values), totals, np.einsum("ki,kj->ij", deviations, deviations))

    def __add__(self, other: Comoments) -> Comoments:
        """Raises DataError if the columns differ."""
        if not self.names or not other.names:
            return self if self.names else other
        other = other.by(self.names)
        if not self.n or not other.n:
            return self if self.n else other
        n = self.n + other.n
        delta = other.totals / other.n - self.totals / self.n
        between = np.outer(delta, delta) * (self.n * other.n / n)
        return Comoments(self.names, n, self.totals + other.totals, self.products + other.products + between)

    def by(self, names: tuple[str, ...]) -> Comoments:
        """The same with the columns in this order. Raises DataError if they differ."""
        if names == self.names:
            return self
        if set(names) != set(self.names):
            lacking = ", ".join(sorted(set(names) ^ set(self.names)))
            raise DataError(f"rows with different columns can't be added: not all have {lacking}; make the rows again")
        order = [self.names.index(name) for name in names]
        return Comoments(names, self.n, self.totals[order], self.products[np.ix_(order, order)])

    @property
    def means(self) -> np.ndarray:
        """The mean of each column; needs at least one row."""
        return np.asarray(self.totals / self.n)

    @property
    def covariance_of_means(self) -> np.ndarray:
        """The covariance of the errors of ``means``; needs at least two rows."""
        return np.asarray(self.products / (self.n - 1) / self.n)

    def pack(self) -> Packed:
        upper = self.products[np.triu_indices(len(self.names))]
        numbers = [array.astype("<f8").tobytes() for array in (self.totals, upper)]
        return [self.version, list(self.names), self.n, *numbers]

    def unpack(self, packed: Packed) -> Comoments:
        check_version(self, packed[0])
        names, n = tuple(packed[1]), packed[2]
        totals, upper = (np.frombuffer(data, "<f8") for data in packed[3:])
        products = np.zeros((len(names), len(names)))
        products[np.triu_indices(len(names))] = upper
        products.T[np.triu_indices(len(names))] = upper
        return Comoments(names, n, totals, products)
