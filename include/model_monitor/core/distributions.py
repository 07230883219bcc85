"""How is a column's mass spread over numbers or categories, or importance over features, as a distance sees it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from model_monitor.core.importances import Importances
from model_monitor.core.states import Counts, Quantiles

SKETCH_RANK_ERROR = 0.005


@dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers and how many rows each stands for.

    ``values`` float64 and ``weights`` int64 are 1-d, of one length, by rising value; a value may occur again with
    another weight, as in a sketch.
    """

    values: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, sketch: Quantiles) -> Numbers:
        return cls(*sketch.weighted())

    @property
    def n(self) -> int:
        """How many rows it stands for."""
        return int(self.weights.sum())

    @property
    def rank_error(self) -> float:
        """How far a cumulative share may be off because rows were summarised; 0.0 where every row is kept."""
        return SKETCH_RANK_ERROR if len(self.weights) and self.weights.max() > 1 else 0.0

    def share_up_to(self, grid: np.ndarray) -> np.ndarray:
        """The share of rows at or below each point of a grid, as an array of the grid's length."""
        cumulative = np.concatenate([[0], np.cumsum(self.weights)])
        shares: np.ndarray = cumulative[np.searchsorted(self.values, grid, side="right")] / cumulative[-1]
        return shares


@dataclass(frozen=True)
class Categories:
    """How often each category occurs; ``rest`` are rows of categories not told apart, ``missing`` rows without one."""

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
