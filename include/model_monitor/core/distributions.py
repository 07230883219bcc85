"""The distributions that distances compare: over numbers, over categories, or of importance over features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from model_monitor.core.importances import Importances
from model_monitor.core.states import Counts, Quantiles

SKETCH_RANK_ERROR = 0.005


@dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers (float64) by rising value, and how many rows each represents (int64); a value may recur."""

    values: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, sketch: Quantiles) -> Numbers:
        return cls(*sketch.weighted())

    @property
    def n(self) -> int:
        """How many rows it represents."""
        return int(self.weights.sum())

    @property
    def rank_error(self) -> float:
        """The error of a cumulative share because rows were summarised; 0.0 if every row is kept."""
        return SKETCH_RANK_ERROR if len(self.weights) and self.weights.max() > 1 else 0.0

    def share_up_to(self, grid: np.ndarray) -> np.ndarray:
        """The share of rows at or below each point of a grid, as an array of the grid's length."""
        cumulative = np.concatenate([[0], np.cumsum(self.weights)])
        return np.asarray(cumulative[np.searchsorted(self.values, grid, side="right")] / cumulative[-1])


@dataclass(frozen=True)
class Categories:
    """How often each category occurs; ``rest`` counts rows of uncounted categories, ``missing`` rows without one."""

    counts: Mapping[str, int] = field(default_factory=dict)
    rest: int = 0
    missing: int = 0

    @classmethod
    def of(cls, counts: Counts, missing: int = 0) -> Categories:
        return cls(counts.values, counts.rest, missing)

    @property
    def n(self) -> int:
        """How many rows have a category."""
        return self.rest + sum(self.counts.values())


Distribution = Numbers | Categories | Importances
