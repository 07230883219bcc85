"""The States of predictions beside their truths, for classification and regression."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from model_monitor.core.states import Counts, Keyed, Moments, Quantiles, Record, Scores
from model_monitor.core.states.base import Listed

BINS = 10  # of equal width, in which scores are compared with how often they come true
SMALLEST = float(np.finfo(np.float64).eps)  # a probability of 0 counts as this in a logarithm, as scikit-learn has it
SIDES = 8  # the most true labels whose scores are kept apart: two classes, and a few that are neither


@dataclass(frozen=True)
class Scored(Record):
    """The scores of the rows of one true label, and how wrong they are if it is the positive, or the negative, label.

    Only all the labels together tell which it is, so both are kept.
    """

    scores: Scores = field(default_factory=Scores)
    squared_if_positive: Moments = Moments()
    squared_if_negative: Moments = Moments()
    log_if_positive: Moments = Moments()
    log_if_negative: Moments = Moments()
    bins: Keyed[Moments] = field(default_factory=lambda: Keyed(Moments()))

    @classmethod
    def of(cls, scores: np.ndarray, whole: bool = True) -> Scored:
        """Of a 1-d array of scores in [0, 1]; not ``whole``: of their ranks only."""
        if not whole:
            return cls(Scores.of(scores))
        rest = 1.0 - scores
        bins = np.minimum((scores * BINS).astype(int), BINS - 1)
        return cls(
            Scores.of(scores),
            Moments.of(rest * rest),
            Moments.of(scores * scores),
            Moments.of(-np.log(np.clip(scores, SMALLEST, 1 - SMALLEST))),
            Moments.of(-np.log(np.clip(rest, SMALLEST, 1 - SMALLEST))),
            Keyed(Moments(), {str(b): Moments.of(scores[bins == b]) for b in np.unique(bins).tolist()}),
        )


@dataclass(frozen=True)
class Classified(Record):
    """How often each prediction met each truth, and the scores for each truth.

    ``pairs`` counts JSON lists of truth and prediction: two labels, or a label and whether the score exceeds the
    threshold. ``scored`` is empty, as it is of no use, once there are more than ``SIDES`` truths, or more pairs than
    are counted.
    """

    pairs: Counts = Counts()
    scored: Keyed[Scored] = field(default_factory=lambda: Keyed(Scored()))

    @classmethod
    def of(
        cls, truth: pa.StringArray, predicted: pa.Array, scores: np.ndarray | None = None, whole: bool = True
    ) -> Classified:
        """Of labels or booleans, and maybe scores, of one length, without nulls."""
        actual, answer = truth.dictionary_encode(), predicted.dictionary_encode()
        actual_codes, width = actual.indices.to_numpy().astype(np.int64), max(1, len(answer.dictionary))
        cells, counts = np.unique(actual_codes * width + answer.indices.to_numpy(), return_counts=True)
        labels, answers = actual.dictionary.to_pylist(), answer.dictionary.to_pylist()
        pairs = {
            json.dumps([labels[cell // width], answers[cell % width]], ensure_ascii=False): n
            for cell, n in zip(cells.tolist(), counts.tolist(), strict=True)
        }
        scored = {}
        if scores is not None and len(labels) <= SIDES:
            scored = {label: Scored.of(scores[actual_codes == code], whole) for code, label in enumerate(labels)}
        return cls(Counts(pairs).bounded(), Keyed(Scored(), scored)).useful()

    def __add__(self, other: Classified) -> Classified:
        return super().__add__(other).useful()

    def within(self, classes: Collection[str]) -> Classified:
        """Of the rows whose labels are some of the classes."""
        known = {True, False, *classes}
        pairs = {pair: n for pair, n in self.pairs.values.items() if known.issuperset(json.loads(pair))}
        scored = {label: side for label, side in self.scored.items.items() if label in classes}
        return Classified(Counts(pairs, self.pairs.rest), Keyed(Scored(), scored))

    def useful(self) -> Classified:
        """Without scores where they can't be used."""
        if not self.pairs.rest and len({truth for truth, _, _ in self.table()}) <= SIDES:
            return self
        return Classified(self.pairs)

    @property
    def n(self) -> int:
        return self.pairs.n

    def table(self) -> Iterator[tuple[str, str | bool, int]]:
        """Truth, prediction, and how many rows."""
        for pair, n in self.pairs.values.items():
            truth, predicted = json.loads(pair)
            yield truth, predicted, n


@dataclass(frozen=True, slots=True)
class Fit(Listed):
    """Central sums of the truth y and of the squared errors e^2 with it: what the error of r2 is made of.

    With d = y - mean: ``truth`` (its m2 is the sum of d^2), the sums of d^3, d^4, e^2, e^2 d and e^2 d^2. Adds by
    moving both to the common mean (Pébay 2008, "Formulas for robust, one-pass parallel computation of covariances and
    arbitrary-order statistical moments").
    """

    truth: Moments = Moments()
    cubes: float = 0.0
    fourths: float = 0.0
    errors: float = 0.0
    errors_along: float = 0.0
    errors_across: float = 0.0

    @classmethod
    def of(cls, truth: np.ndarray, squared: np.ndarray) -> Fit:
        """Of truths and squared errors, both 1-d float64 of one length."""
        moments = Moments.of(truth)
        d = truth - (moments.mean or 0.0)
        return cls(moments, *[float(terms.sum()) for terms in (d**3, d**4, squared, squared * d, squared * d * d)])

    def __add__(self, other: Fit) -> Fit:
        if not self.truth.n or not other.truth.n:
            return self if self.truth.n else other
        truth = self.truth + other.truth
        a, b = self.around(truth.mean or 0.0), other.around(truth.mean or 0.0)
        return Fit(truth, *[x + y for x, y in zip(a, b, strict=True)])

    def around(self, mean: float) -> tuple[float, float, float, float, float]:
        """The sums with the distance d from another mean; not finite where numbers are too large (a power raises)."""
        n, squares, shift = self.truth.n, self.truth.m2, mean - (self.truth.mean or 0.0)
        return (
            self.cubes - 3 * shift * squares - n * shift * shift * shift,
            self.fourths - 4 * shift * self.cubes + 6 * shift * shift * squares + n * shift * shift * shift * shift,
            self.errors,
            self.errors_along - shift * self.errors,
            self.errors_across - 2 * shift * self.errors_along + shift * shift * self.errors,
        )


@dataclass(frozen=True)
class Estimated(Record):
    """How far numbers were from the truth: absolute, squared and relative errors (of rows whose truth is not 0), and
    the residuals, truth - prediction."""

    absolute: Moments = Moments()
    squared: Moments = Moments()
    relative: Moments = Moments()
    fit: Fit = field(default_factory=Fit)
    residuals: Quantiles = Quantiles()

    @classmethod
    def of(cls, truth: np.ndarray, predicted: np.ndarray, whole: bool = True) -> Estimated:
        """Of two 1-d arrays of finite numbers; not ``whole``: of what mae, mse and r2 need only."""
        if not len(truth):
            return cls()
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            residuals = truth - predicted
            absolute, squared = np.abs(residuals), residuals * residuals
            state = cls(Moments.of(absolute), Moments.of(squared), fit=Fit.of(truth, squared))
            if not whole:
                return state
            nonzero = truth != 0
            relative = Moments.of(absolute[nonzero] / np.abs(truth[nonzero]))
            return replace(state, relative=relative, residuals=Quantiles.of(residuals[np.isfinite(residuals)]))

    @property
    def n(self) -> int:
        return self.absolute.n
