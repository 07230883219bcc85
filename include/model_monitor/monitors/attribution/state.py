"""The State of attributions, and how explained rows become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from model_monitor.core.batch import EXPECTED_PREFIX
from model_monitor.core.states import Keyed, Moments, Packed, Quantiles, Record
from model_monitor.core.states.base import Listed
from model_monitor.core.states.comoments import Comoments
from model_monitor.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

AggMethod = Literal["mean_abs", "median", "mean_sq"]

LARGEST = 1e70  # of an attribution; the products of the squares of larger ones would not be finite


@dataclass(frozen=True)
class OfLabel(Record):
    """The attributions of one output of the model.

    ``sums`` are of what is averaged: absolute values, squares or, for the median, the attributions themselves, of which
    only then ``shapes`` keeps a sketch by feature. ``expected`` are the expected values, of each row.
    """

    sums: Comoments = field(default_factory=Comoments)
    shapes: Keyed[Quantiles] = field(default_factory=lambda: Keyed(Quantiles()))
    expected: Moments = field(default_factory=Moments)

    @property
    def n(self) -> int:
        return self.sums.n

    @property
    def values(self) -> np.ndarray:
        """One number for each feature; only of at least one row."""
        return (
            np.array([median(shape) for shape in self.shapes.items.values()]) if self.shapes.items else self.sums.means
        )

    @property
    def covariance(self) -> np.ndarray:
        """The covariance of the errors of ``values``; only of at least two rows.

        The error of a median is half the distance between the quantiles that are one standard error of a rank to
        either side (Woodruff 1952); the correlations are taken to be those of the means.
        """
        of_means = self.sums.covariance_of_means
        if not self.shapes.items:
            return of_means
        errors = np.array([error_of_median(shape) for shape in self.shapes.items.values()])
        scale = np.sqrt(np.diag(of_means))
        factors = np.divide(errors, scale, out=np.zeros(len(scale)), where=scale > 0)
        return np.asarray(of_means * np.outer(factors, factors))

    @property
    def expected_value(self) -> float:
        """The model's mean prediction on the background rows; only of at least one row. Exact where all rows have the
        same, else their mean."""
        expected = self.expected
        return expected.least if expected.least == expected.most else expected.total / expected.n


def median(shape: Quantiles) -> float:
    """The median of a sketch; of an even number of values kept one by one, the mean of the middle two."""
    values, weights = shape.weighted()
    reached, half = np.cumsum(weights), shape.n / 2
    low, high = (int(np.searchsorted(reached, half, side)) for side in ("left", "right"))
    return float(values[low] + values[min(high, len(values) - 1)]) / 2


def error_of_median(shape: Quantiles) -> float:
    """The standard error of a median, from the sketch alone."""
    share = 0.5 / np.sqrt(shape.n)
    low, high = shape.at(max(0.0, 0.5 - share)), shape.at(min(1.0, 0.5 + share))
    return 0.0 if low is None or high is None else (high - low) / 2


@dataclass(frozen=True)
class Explained(Listed):
    """Rows, how many of them could not be used, and the rest by label; ``agg_method`` is that of the monitor."""

    agg_method: AggMethod
    rows: int = 0
    skipped: int = 0
    labels: Keyed[OfLabel] = field(default_factory=lambda: Keyed(OfLabel()))

    def __add__(self, other: Explained) -> Explained:
        """Raises DataError if the features of a label are others."""
        rows, skipped = self.rows + other.rows, self.skipped + other.skipped
        return Explained(self.agg_method, rows, skipped, self.labels + other.labels)

    def unpack(self, packed: Packed) -> Explained:
        state = super().unpack(packed)
        if state.agg_method != self.agg_method:
            raise ValueError(f"its agg_method is {state.agg_method}, not {self.agg_method}")
        return state


def observe(agg_method: AggMethod, batch: pa.RecordBatch) -> Explained:
    """The State of explained rows. Raises DataError if they were not explained."""
    names = batch.schema.names
    labels = [name.removeprefix(EXPECTED_PREFIX) for name in names if name.startswith(EXPECTED_PREFIX)]
    if not labels:
        raise DataError(f"the rows have no column '{EXPECTED_PREFIX}...': they were not explained; run that task first")
    columns = {label: [name for name in names if name.startswith(f"{label}|")] for label in labels}
    values = {label: numbers(batch, [EXPECTED_PREFIX + label, *columns[label]]) for label in labels}
    usable = np.logical_and.reduce([(np.abs(matrix) <= LARGEST).all(axis=1) for matrix in values.values()])
    parts = {
        label: of_label(agg_method, [name.removeprefix(f"{label}|") for name in columns[label]], matrix[usable])
        for label, matrix in values.items()
    }
    return Explained(agg_method, batch.num_rows, int((~usable).sum()), Keyed(OfLabel(), parts))


def numbers(batch: pa.RecordBatch, names: Sequence[str]) -> np.ndarray:
    """Some columns as float64, rows x columns; null is NaN."""
    columns = [batch.column(name).cast("float64").to_numpy(zero_copy_only=False) for name in names]
    return np.column_stack(columns)


def of_label(agg_method: AggMethod, features: Sequence[str], values: np.ndarray) -> OfLabel:
    """Of rows x (expected value and features)."""
    expected, attributions = values[:, 0], values[:, 1:]
    if agg_method == "median":
        shapes = {name: Quantiles.of(attributions[:, i].copy()) for i, name in enumerate(features)}
        return OfLabel(Comoments.of(tuple(features), attributions), Keyed(Quantiles(), shapes), Moments.of(expected))
    averaged = np.abs(attributions) if agg_method == "mean_abs" else np.square(attributions)
    return OfLabel(Comoments.of(tuple(features), averaged), expected=Moments.of(expected))
