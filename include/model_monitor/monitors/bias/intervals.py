"""How far may chance have taken a metric of bias? Told by drawing the counts again, never the rows."""

from __future__ import annotations

import math

import numpy as np

from model_monitor.core.chance import normal_quantile
from model_monitor.monitors.bias.metrics import Grouped, Sides, after_training, before_training, conditional_disparity

PRIOR = 0.5  # rows added to each of the eight cells, so that no error is 0 for want of rows


def errors_of(cells: np.ndarray, resamples: int, seed: int, level: float) -> dict[str, float | None]:
    """The standard error of every metric that needs no group, of eight counts as ``Sides.of`` takes them."""
    drawn = Sides.of(draw(cells, PRIOR, resamples, seed))
    found = before_training(drawn, original=False) | after_training(drawn, original=False)
    errors = {name: spread(values, level) for name, values in found.items()}
    # Of two labels these are |DPL| but for a factor. Folded at 0 they would hide half of what chance does near it.
    unfolded = errors["DPL"]
    return errors | {
        name: None if unfolded is None else factor * unfolded
        for name, factor in (("KS", 1.0), ("LP", math.sqrt(2)), ("TVD", 1.0))
    }


def group_errors_of(cells: np.ndarray, resamples: int, seed: int, level: float) -> dict[str, float | None]:
    """The standard errors of CDDL and CDDPL, of counts with the axes group and the eight of ``Sides.of``."""
    drawn = draw(cells.ravel(), PRIOR / len(cells), resamples, seed).reshape(resamples, *cells.shape)
    found = {name: conditional_disparity(by_group(drawn, name == "CDDL"), original=False) for name in ("CDDL", "CDDPL")}
    return {name: spread(values, level) for name, values in found.items()}


def by_group(cells: np.ndarray, labels: bool) -> Grouped:
    """By label or by prediction; the last two axes are the group and the eight of ``Sides.of``."""
    s = Sides.of(cells)
    if labels:
        return Grouped(s.a.positives + s.d.positives, s.a.negatives + s.d.negatives, s.d.positives, s.d.negatives)
    return Grouped(s.a.accepted + s.d.accepted, s.a.rejected + s.d.rejected, s.d.accepted, s.d.rejected)


def draw(cells: np.ndarray, prior: float, resamples: int, seed: int) -> np.ndarray:
    """As many rows again, ``resamples`` times, each row in a cell with the probability that its count says."""
    weights = cells + prior
    drawn: np.ndarray = np.random.default_rng(seed).multinomial(int(cells.sum()), weights / weights.sum(), resamples)
    return drawn


def spread(values: np.ndarray, level: float) -> float | None:
    """The standard error that a metric's resampled values tell: what lies between the two quantiles that hold
    ``level`` (0..1) of them, in units of what it would be of a normal distribution of standard deviation 1.

    Quantiles rather than squares, since a ratio may be infinite in some resamples. None if that is so, or if it does
    not exist, in more of them than the quantiles leave out.
    """
    known = np.sort(values[~np.isnan(values)])
    tail = (1 - level) / 2
    if len(known) < 2 or len(values) - len(known) > tail * len(values):
        return None
    low, high = known[int(tail * len(known))], known[-1 - int(tail * len(known))]
    return float(high - low) / (2 * normal_quantile(level)) if np.isfinite(low) and np.isfinite(high) else None
