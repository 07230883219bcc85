"""The bias metrics: pure functions of the numbers of rows of each kind on two sides.

Arrays may have any axes, such as one of resamples; all arrays of a call, and the result, have the same shape. Each
metric has two forms (docs/sagemaker-formats.md, Bias). ``as_sagemaker``: 0 / 0 is 0, x / 0 is infinite, and NaN stands
for SageMaker's errors. Otherwise NaN and infinity both mean that there is no such number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PRE = ("CDDL", "CI", "DPL", "JS", "KL", "KS", "LP", "TVD")
POST = ("AD", "CDDPL", "DAR", "DCA", "DCR", "DI", "DPPL", "DRR", "FT", "GE", "RD", "SD", "TE")
GROUPED = ("CDDL", "CDDPL")  # those that compare within groups
PARITY = {"DI": 1.0}  # where nobody is favoured; 0 for all others

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Side:
    """Rows of one side by label and prediction: true and false positives, false and true negatives."""

    tp: Array
    fp: Array
    fn: Array
    tn: Array

    @property
    def n(self) -> Array:
        rows: Array = self.tp + self.fp + self.fn + self.tn
        return rows

    @property
    def positives(self) -> Array:
        """Rows whose label is positive."""
        rows: Array = self.tp + self.fn
        return rows

    @property
    def negatives(self) -> Array:
        rows: Array = self.fp + self.tn
        return rows

    @property
    def accepted(self) -> Array:
        """Rows whose prediction is positive."""
        rows: Array = self.tp + self.fp
        return rows

    @property
    def rejected(self) -> Array:
        rows: Array = self.fn + self.tn
        return rows


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
        difference: Array = left - right
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
    found = {
        "KL": divergence(p, q),
        "JS": 0.5 * (divergence(p, middle) + divergence(q, middle)),
        "LP": np.sqrt((gaps * gaps).sum(axis=0)),
        "TVD": 0.5 * gaps.sum(axis=0),
        "KS": gaps.max(axis=0),
    }
    if as_sagemaker:
        found = {name: np.where(common.any(axis=0), value, np.nan) for name, value in found.items()}
    return found


def divergence(p: Array, q: Array) -> Array:
    """Kullback-Leibler's, over the first axis; infinite where p has what q has not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p == 0, 0.0, p * np.log(p / q))
    total: Array = np.where(np.isnan(p) | np.isnan(q), np.nan, terms).sum(axis=0)
    return total


def after_training(s: Sides, as_sagemaker: bool) -> dict[str, Array]:
    """The metrics of predictions that need neither group nor neighbours; NaN where a side is empty (but GE)."""
    a, d = s.a, s.d

    def share(above: Array, below: Array) -> Array:
        return over(above, below, as_sagemaker)

    found = {
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
    return {name: only_with_both(s, value) for name, value in found.items()} | {"GE": generalized_entropy(s)}


def generalized_entropy(s: Sides) -> Array:
    """Half the squared coefficient of variation of the benefits: 0 for a false negative, 1 for a right answer, 2 for a
    false positive (Speicher et al. 2018, with alpha 2); NaN if all are 0."""
    rows = s.a.n + s.d.n
    twice, none = s.a.fp + s.d.fp, s.a.fn + s.d.fn
    once = rows - twice - none
    mean = over(once + 2 * twice, rows, False)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = twice * ((2 / mean) ** 2 - 1) + once * ((1 / mean) ** 2 - 1) - none
        entropy: Array = np.where(mean > 0, total / (2 * rows), np.nan)
    return entropy


def conditional_disparity(g: Grouped, as_sagemaker: bool) -> Array:
    """The mean over groups, weighted by their rows, of d's share of the negatives less its share of the positives.

    A group without positives (or negatives) has 0 for that share. NaN if there are none at all, or (strictly) if all
    rows are on one side.
    """
    rows = g.positive + g.negative
    disparity = over(g.negative_d, g.negative, True) - over(g.positive_d, g.positive, True)
    mean: Array = over((rows * disparity).sum(axis=-1), rows.sum(axis=-1), False)
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
