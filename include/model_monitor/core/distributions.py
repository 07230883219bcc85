"""The distributions that distances compare: over numbers, over categories, or of importance over features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from model_monitor.core.importances import Importances
from model_monitor.core.states import Counts, Quantiles

SKETCH_RANK_ERROR = 0.005  # the most that a cumulative share is off, at up to 1e7 rows
SKETCH_SHARE_ERROR = 0.0007  # its standard deviation, as measured at 1e3 to 1e7 rows


@dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers (float64) by rising value, and how many rows each represents (int64); a value may recur.

    is_counted: whether the weights count rows even where they are above 1, rather than being those of a sketch.
    least, most: of all rows; None if unknown. A sketch may have lost them.
    """

    values: np.ndarray
    weights: np.ndarray
    is_counted: bool = False
    least: float | None = None
    most: float | None = None

    @classmethod
    def of(cls, sketch: Quantiles, least: float | None = None, most: float | None = None) -> Numbers:
        return cls(*sketch.weighted(), least=least, most=most)

    @classmethod
    def counted(cls, counts: Mapping[float, int]) -> Numbers:
        """Of how often each number occurs, at least one."""
        values = sorted(counts)
        weights = np.array([counts[value] for value in values], np.int64)
        return cls(np.array(values, np.float64), weights, True, values[0], values[-1])

    @property
    def n(self) -> int:
        """How many rows it represents."""
        return int(self.weights.sum())

    @property
    def is_exact(self) -> bool:
        """Whether each row is in the weights as it was, rather than summarised by a sketch."""
        return self.is_counted or not len(self.weights) or bool(self.weights.max() <= 1)

    @property
    def share_error(self) -> float:
        """The standard deviation of a cumulative share because rows were summarised; 0.0 if none was."""
        return 0.0 if self.is_exact else SKETCH_SHARE_ERROR

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
