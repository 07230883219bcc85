"""Standard errors of the bias metrics, by resampling the counts, never the rows."""

from __future__ import annotations

import math

import numpy as np

from model_monitor.core.chance import normal_quantile
from model_monitor.monitors.bias.metrics import (
    GROUPED,
    Sides,
    after_training,
    before_training,
    by_group,
    conditional_disparity,
)

PRIOR = 0.5  # rows added to each of the eight cells, so that no error is 0 for want of rows


def errors_of(cells: np.ndarray, resamples: int, seed: int, level: float) -> dict[str, float | None]:
    """The standard error of every metric that needs no group, of the eight counts of ``Sides.of``."""
    drawn = Sides.of(draw(cells, PRIOR, resamples, seed))
    found = before_training(drawn, as_sagemaker=False) | after_training(drawn, as_sagemaker=False)
    errors = {name: spread(values, level) for name, values in found.items()}
    # For two labels these are |DPL| times a factor. Resampling the absolute value would hide half the chance near 0.
    unfolded = errors["DPL"]
    return errors | {
        name: None if unfolded is None else factor * unfolded
        for name, factor in (("KS", 1.0), ("LP", math.sqrt(2)), ("TVD", 1.0))
    }


def group_errors_of(cells: np.ndarray, resamples: int, seed: int, level: float) -> dict[str, float | None]:
    """The standard errors of CDDL and CDDPL, of counts with the axes group and the eight of ``Sides.of``."""
    drawn = draw(cells.ravel(), PRIOR / len(cells), resamples, seed).reshape(resamples, *cells.shape)
    found = {name: conditional_disparity(by_group(drawn, name), as_sagemaker=False) for name in GROUPED}
    return {name: spread(values, level) for name, values in found.items()}


def draw(cells: np.ndarray, prior: float, resamples: int, seed: int) -> np.ndarray:
    """Counts of as many rows, drawn ``resamples`` times from the observed shares of the cells."""
    weights = cells + prior
    drawn: np.ndarray = np.random.default_rng(seed).multinomial(int(cells.sum()), weights / weights.sum(), resamples)
    return drawn


def spread(values: np.ndarray, level: float) -> float | None:
    """The standard error of a metric from its resampled values: the distance between the two quantiles that enclose
    ``level`` (0..1) of them, divided by that distance for a standard normal distribution.

    Quantiles rather than squares, as a ratio may be infinite in some resamples. None if the values do not exist or are
    infinite in more resamples than the quantiles leave out.
    """
    known = np.sort(values[~np.isnan(values)])
    tail = (1 - level) / 2
    if len(known) < 2 or len(values) - len(known) > tail * len(values):
        return None
    low, high = known[int(tail * len(known))], known[-1 - int(tail * len(known))]
    return float(high - low) / (2 * normal_quantile(level)) if np.isfinite(low) and np.isfinite(high) else None
