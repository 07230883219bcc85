"""The bias metrics and their standard errors: pure functions of the numbers of rows of each kind on two sides.

Arrays may have any axes, such as one of resamples; all arrays of a call, and the result, have the same shape. Each
metric has two forms (docs/sagemaker-formats.md, Bias). ``as_sagemaker``: 0 / 0 is 0, x / 0 is infinite, and NaN stands
for SageMaker's errors. Otherwise NaN and infinity both mean that there is no such number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_monitor.core.chance import normal_quantile

PRE = ("CDDL", "CI", "DPL", "JS", "KL", "KS", "LP", "TVD")
POST = ("AD", "CDDPL", "DAR", "DCA", "DCR", "DI", "DPPL", "DRR", "FT", "GE", "RD", "SD", "TE")
GROUPED = ("CDDL", "CDDPL")  # those that compare within groups
PRIOR = 0.5  # rows added to each of the eight counts before they are drawn again, so that no error is 0
PARITY = {"DI": 1.0}  # where nobody is favoured; 0 for all others

Array = npt.NDArray[np.float64]  # or of whole numbers


@dataclass(frozen=True, eq=False)
class Side:
    """Rows of one side by label and prediction: true and false positives, false and true negatives."""

    tp: Array
    fp: Array
    fn: Array
    tn: Array

    @property
    def n(self) -> Array:
        return self.tp + self.fp + self.fn + self.tn

    @property
    def positives(self) -> Array:
        """Rows whose label is positive."""
        return self.tp + self.fn

    @property
    def negatives(self) -> Array:
        return self.fp + self.tn

    @property
    def accepted(self) -> Array:
        """Rows whose prediction is positive."""
        return self.tp + self.fp

    @property
    def rejected(self) -> Array:
        return self.fn + self.tn


@dataclass(frozen=True, eq=False)
class Sides:
    """The sensitive side d, and all others, a."""

    a: Side
    d: Side

    @classmethod
    def of(cls, cells: Array) -> Sides:
        """Of counts whose last axis has eight elements: TP, FP, FN and TN of a, then of d."""
        parts = [cells[..., i] for i in range(8)]
        return cls(Side(*parts[:4]), Side(*parts[4:]))


@dataclass(frozen=True, eq=False)
class Grouped:
    """Rows by group (the last axis) with a positive or negative label (or prediction): of both sides, and of side d."""

    positive: Array
    negative: Array
    positive_d: Array
    negative_d: Array


def over(above: Array, below: Array, as_sagemaker: bool) -> Array:
    """The quotient of each element; of 0 / 0 it is 0 or NaN, of x / 0 it is infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.asarray(above, float) / np.asarray(below, float)
    return np.where(np.isnan(ratio), 0.0, ratio) if as_sagemaker else ratio


def minus(left: Array, right: Array, as_sagemaker: bool) -> Array:
    """The difference of each element; of two infinite ones it is 0 or NaN."""
    with np.errstate(invalid="ignore"):
        difference = left - right
    return np.where(np.isposinf(left) & np.isposinf(right), 0.0, difference) if as_sagemaker else difference


def before_training(s: Sides, as_sagemaker: bool) -> dict[str, Array]:
    """The metrics of labels that need no group; NaN where a side is empty.

    SageMaker compares only labels that both sides have; NaN where they have none in common.
    """
    a, d = s.a, s.d
    shares_a = np.stack([over(a.negatives, a.n, False), over(a.positives, a.n, False)])
    shares_d = np.stack([over(d.negatives, d.n, False), over(d.positives, d.n, False)])
    return {
        "CI": only_with_both(s, over(a.n - d.n, a.n + d.n, as_sagemaker)),
        "DPL": shares_a[1] - shares_d[1],
    } | distances(shares_a, shares_d, as_sagemaker)


def distances(p: Array, q: Array, as_sagemaker: bool) -> dict[str, Array]:
    """Distances of two distributions over two labels, the first axis. Natural logarithms.

    >>> p, q = np.array([0.2, 0.8]), np.array([0.7, 0.3])
    >>> round(float(distances(p, q, as_sagemaker=False)["KL"]), 4)
    0.5341
    """
    if as_sagemaker:
        common = (p > 0) & (q > 0)
        p, q = np.where(common, p, 0.0), np.where(common, q, 0.0)
    middle = 0.5 * (p + q)
    gaps = np.abs(p - q)
    metrics = {
        "KL": divergence(p, q),
        "JS": 0.5 * (divergence(p, middle) + divergence(q, middle)),
        "LP": np.sqrt((gaps * gaps).sum(axis=0)),
        "TVD": 0.5 * gaps.sum(axis=0),
        "KS": gaps.max(axis=0),
    }
    if as_sagemaker:
        metrics = {name: np.where(common.any(axis=0), value, np.nan) for name, value in metrics.items()}
    return metrics


def divergence(p: Array, q: Array) -> Array:
    """Kullback-Leibler's, over the first axis; infinite where p has what q has not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p == 0, 0.0, p * np.log(p / q))
    return np.asarray(np.where(np.isnan(p) | np.isnan(q), np.nan, terms).sum(axis=0))


def after_training(s: Sides, as_sagemaker: bool) -> dict[str, Array]:
    """The metrics of predictions that need neither group nor neighbours; NaN where a side is empty (but GE)."""
    a, d = s.a, s.d

    def share(above: Array, below: Array) -> Array:
        return over(above, below, as_sagemaker)

    metrics = {
        "AD": share(a.tp + a.tn, a.n) - share(d.tp + d.tn, d.n),
        "DAR": minus(share(a.tp, a.accepted), share(d.tp, d.accepted), as_sagemaker),
        "DCA": minus(share(a.positives, a.accepted), share(d.positives, d.accepted), as_sagemaker),
        "DCR": minus(share(d.negatives, d.rejected), share(a.negatives, a.rejected), as_sagemaker),
        "DI": share(over(d.accepted, d.n, False), over(a.accepted, a.n, False)),
        "DPPL": over(a.accepted, a.n, False) - over(d.accepted, d.n, False),
        "DRR": minus(share(d.tn, d.rejected), share(a.tn, a.rejected), as_sagemaker),
        "RD": share(a.tp, a.positives) - share(d.tp, d.positives),
        "SD": share(d.tn, d.negatives) - share(a.tn, a.negatives),
        "TE": minus(share(d.fn, d.fp), share(a.fn, a.fp), as_sagemaker),
    }
    return {name: only_with_both(s, value) for name, value in metrics.items()} | {"GE": generalized_entropy(s)}


def generalized_entropy(s: Sides) -> Array:
    """Half the squared coefficient of variation of the benefits: 0 for a false negative, 1 for a right answer, 2 for a
    false positive (Speicher et al. 2018, with alpha 2); NaN if all are 0."""
    rows = s.a.n + s.d.n
    twice, none = s.a.fp + s.d.fp, s.a.fn + s.d.fn
    once = rows - twice - none
    mean = over(once + 2 * twice, rows, False)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = twice * ((2 / mean) ** 2 - 1) + once * ((1 / mean) ** 2 - 1) - none
        return np.where(mean > 0, total / (2 * rows), np.nan)


def conditional_disparity(g: Grouped, as_sagemaker: bool) -> Array:
    """The mean over groups, weighted by their rows, of d's share of the negatives less its share of the positives.

    A group without positives (or negatives) has 0 for that share. NaN if there are none at all, or (strictly) if all
    rows are on one side.
    """
    rows = g.positive + g.negative
    disparity = over(g.negative_d, g.negative, True) - over(g.positive_d, g.positive, True)
    mean = over((rows * disparity).sum(axis=-1), rows.sum(axis=-1), False)
    defined = (g.positive.sum(axis=-1) > 0) & (g.negative.sum(axis=-1) > 0)
    if not as_sagemaker:
        of_d = (g.positive_d + g.negative_d).sum(axis=-1)
        defined &= (of_d > 0) & (of_d < rows.sum(axis=-1))
    return np.where(defined, mean, np.nan)


def only_with_both(s: Sides, value: Array) -> Array:
    return np.where((s.a.n > 0) & (s.d.n > 0), value, np.nan)


def by_group(cells: Array, metric: str) -> Grouped:
    """The rows that CDDL (labels) or CDDPL (predictions) compares; the last two axes of ``cells`` are the group and
    the eight counts of ``Sides.of``."""
    s = Sides.of(cells)
    if metric == "CDDL":
        return Grouped(s.a.positives + s.d.positives, s.a.negatives + s.d.negatives, s.d.positives, s.d.negatives)
    return Grouped(s.a.accepted + s.d.accepted, s.a.rejected + s.d.rejected, s.d.accepted, s.d.rejected)


def values_of(cells: Array, as_sagemaker: bool) -> dict[str, Array]:
    """Every metric that needs no group, of the eight counts of ``Sides.of``."""
    sides = Sides.of(cells)
    return before_training(sides, as_sagemaker) | after_training(sides, as_sagemaker)


def group_values_of(cells: Array, as_sagemaker: bool) -> dict[str, Array]:
    """CDDL and CDDPL, of counts with the axes group and the eight of ``Sides.of``."""
    return {name: conditional_disparity(by_group(cells, name), as_sagemaker) for name in GROUPED}


def errors_of(cells: Array, resamples: int, seed: int, level: float) -> dict[str, float | None]:
    """The standard errors of ``values_of``, by resampling the counts, never the rows."""
    samples = values_of(draw(cells, PRIOR, resamples, seed), as_sagemaker=False)
    errors = {name: spread(values, level) for name, values in samples.items()}
    # For two labels these are |DPL| times a factor. Resampling the absolute value would hide half the chance near 0.
    unfolded = errors["DPL"]
    factors = {"KS": 1.0, "LP": math.sqrt(2), "TVD": 1.0}
    return errors | {name: None if unfolded is None else factor * unfolded for name, factor in factors.items()}


def group_errors_of(cells: Array, resamples: int, seed: int, level: float) -> dict[str, float | None]:
    """The standard errors of ``group_values_of``."""
    drawn = draw(cells.ravel(), PRIOR / len(cells), resamples, seed).reshape(resamples, *cells.shape)
    return {name: spread(values, level) for name, values in group_values_of(drawn, as_sagemaker=False).items()}


def draw(cells: np.ndarray, prior: float, resamples: int, seed: int) -> np.ndarray:
    """Counts of as many rows, drawn ``resamples`` times from the observed shares of the cells."""
    weights = cells + prior
    return np.random.default_rng(seed).multinomial(int(cells.sum()), weights / weights.sum(), resamples)


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
