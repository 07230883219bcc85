"""The metrics of a regression: pure functions of its outcomes."""

from __future__ import annotations

import math
from typing import Literal

from model_monitor.core.measures import Estimate, Measure, Undefined
from model_monitor.core.states import Moments
from model_monitor.monitors.model_quality.outcomes import Estimated, Fit

BETTER: dict[str, Literal["higher", "lower"]] = {"mae": "lower", "mse": "lower", "rmse": "lower", "r2": "higher"}
OURS = ("mean_absolute_percentage_error",)
QUANTILES = ("0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99")
NEGLIGIBLE = 1e-12  # a variance below this part of what it is the difference of is rounding

TOO_LARGE = Undefined("numbers are too large for their squares to be added")
TOO_CLOSE = Undefined("labels are too close to each other for their squares to be told from 0")


def mean_of(moments: Moments, nothing: str) -> Estimate | Undefined:
    """A mean and its standard error, sd / sqrt(n) with the sample's sd; None for it of one row, infinite if squares are
    too large. ``nothing`` says why there is no mean of no rows."""
    if not moments.n:
        return Undefined(nothing)
    n, mean = moments.n, moments.total / moments.n
    if not math.isfinite(mean):
        return TOO_LARGE
    return Estimate(mean, math.sqrt(moments.m2 / (n - 1) / n) if n > 1 else None, n, largest(moments))


def largest(moments: Moments) -> float | None:
    """The part (0..1) of a sum that its largest number has; None if a number is negative, or all are 0."""
    if moments.least < 0 or not moments.total or not math.isfinite(moments.total):
        return None
    return moments.most / moments.total


def root_of(mse: Estimate) -> Estimate:
    """The square root, its error by the delta method."""
    root = math.sqrt(mse.value)
    error = mse.error / (2 * root) if mse.error and root else mse.error
    return Estimate(root, error, mse.n, mse.largest)


def r2(fit: Fit) -> Estimate | Undefined:
    """1 - sum of squared errors / sum of squared deviations of the truth, <= 1, and its standard error.

    The error is that of the mean of r2's influence function, (A d^2 / B - e^2) / B with A and B the means of e^2 and
    d^2, and n - 2 rows as two means are fitted; None below three rows.
    """
    truth = fit.truth
    if truth.least == truth.most:
        return Undefined(f"every label is {truth.least:g}, so there is no variance to explain")
    if not truth.m2:
        return TOO_CLOSE
    explained = 1 - fit.errors / truth.m2
    return Estimate(explained, None, truth.n) if math.isfinite(truth.m2) and math.isfinite(explained) else TOO_LARGE


def r2_error(fit: Fit, squared: Moments) -> float | None:
    """The standard error of ``r2``, where that is defined; None below three rows, infinite if numbers are too large or
    too small for it."""
    n = fit.truth.n
    a, b = fit.errors / n, fit.truth.m2 / n
    if n < 3:
        return None
    if not b * b:
        return math.inf
    ratio = a / b
    fourths = (squared.m2 + squared.total * squared.total / n) / n
    added = fourths + ratio * ratio * fit.fourths / n
    variance = (added - 2 * ratio * fit.errors_across / n) / (b * b)
    if not math.isfinite(variance):
        return math.inf
    return math.sqrt(variance / (n - 2)) if variance > NEGLIGIBLE * added / (b * b) else 0.0


def metrics(state: Estimated) -> dict[str, Measure]:
    """By JSON name, SageMaker's first; of at least one row."""
    nothing = "no row has a label and a prediction"
    mae, mse = mean_of(state.absolute, nothing), mean_of(state.squared, nothing)
    explained = r2(state.fit)
    if isinstance(explained, Estimate):
        error = r2_error(state.fit, state.squared)
        explained = Estimate(explained.value, error, explained.n, largest(state.squared))
    return {
        "mae": mae,
        "mse": mse,
        "rmse": root_of(mse) if isinstance(mse, Estimate) else mse,
        "r2": explained,
        "mean_absolute_percentage_error": mean_of(state.relative, "every label is 0"),
    }


def residual_quantiles(state: Estimated) -> dict[str, float] | None:
    """Quantiles of truth - prediction by their share; None of no rows."""
    quantiles = {share: state.residuals.at(float(share)) for share in QUANTILES}
    return {share: value for share, value in quantiles.items() if value is not None} or None
