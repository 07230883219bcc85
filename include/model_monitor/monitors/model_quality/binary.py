"""The metrics of a binary classification, by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import astuple, dataclass
from functools import partial
from typing import Literal

import numpy as np

from model_monitor.core import ranking
from model_monitor.core.measures import Estimate, Measure, Share, Undefined
from model_monitor.core.states import Moments
from model_monitor.core.states.scores import on_one_grid
from model_monitor.monitors.model_quality.classification import (
    BETAS,
    Confusion,
    error_of,
    f_of,
    sagemaker_auc,
    sagemaker_binary,
)
from model_monitor.monitors.model_quality.outcomes import BINS, Classified, Scored
from model_monitor.monitors.model_quality.regression import mean_of
from model_monitor.monitors.values import in_order, listed, order_of

AU_PRC = "au_prc"  # since 2024
LESS = ("recall", "precision", "accuracy", "true_positive_rate", "true_negative_rate")
GREATER = ("false_positive_rate", "false_negative_rate")
BETTER: dict[str, Literal["higher", "lower"]] = {
    **dict.fromkeys(LESS, "higher"),
    **dict.fromkeys(GREATER, "lower"),
    **dict.fromkeys(("auc", AU_PRC, *BETAS), "higher"),
}
OF_RANK = ("average_precision",)
OF_SCORES = ("brier_score", "log_loss", "expected_calibration_error")
SAGEMAKER = [*sagemaker_binary(Confusion(), Confusion(), 0.0)]
CONSTANT = "_best_constant_classifier"
HINT = "; if all of them are the model's, list them in class_names"


@dataclass(frozen=True)
class Coding:
    """The positive and the negative label."""

    positive: str
    negative: str

    @property
    def positive_is_smaller(self) -> bool:
        return order_of(self.positive) < order_of(self.negative)


def coding_of(
    state: Classified, positive: str | None, classes: tuple[str, ...] = (), as_sagemaker: bool = False
) -> Coding | Undefined:
    """How the labels are read; why they can't be, if there are more than two, or predictions have other labels than
    the truth, which SageMaker does not check.

    The positive label is the given one, else "1" where that is a label, else the larger.
    """
    truths = {truth for truth, _, _ in state.table()}
    answers = {answer for _, answer, _ in state.table() if isinstance(answer, str)}
    labels = truths | answers | set(classes) | ({positive} if positive is not None else set())
    if labels <= {"0", "1"}:
        labels = {"0", "1"}
    known = as_sagemaker or labels == {"0", "1"} or truths | answers <= set(classes)
    if answers and not truths & answers and not known:
        return Undefined(f"truth is {listed(truths)} and predictions are {listed(answers)}: no label in common{HINT}")
    if len(labels) > 2 and classes:
        return Undefined(f"labels are {listed(truths | answers)}, but the classes are {listed(classes)}")
    if len(labels) > 2:
        return Undefined(f"there are more than two labels: {listed(labels)}")
    if positive is None and len(labels) < 2:
        return Undefined(f"the only label is {listed(labels)}; set positive_label to tell what it means")
    yes = positive_of(labels, positive)
    return Coding(yes, next(iter(labels - {yes}), f"not {yes}"))


def positive_of(labels: Collection[str], positive: str | None) -> str:
    """The given label, else "1" where that is one of them, else the largest."""
    return positive if positive is not None else "1" if "1" in labels else in_order(labels)[-1]


def confusion_of(state: Classified, coding: Coding) -> Confusion:
    cells: Counter[tuple[bool, bool]] = Counter()
    for truth, answer, n in state.table():
        cells[truth == coding.positive, answer if isinstance(answer, bool) else answer == coding.positive] += n
    return Confusion(cells[True, True], cells[False, True], cells[True, False], cells[False, False])


def sides(state: Classified, coding: Coding) -> tuple[Scored, Scored]:
    """The scores of the positive rows, and of the negative ones."""
    scored = state.scored.items
    return scored.get(coding.positive, Scored()), scored.get(coding.negative, Scored())


def ranked(state: Classified, coding: Coding) -> tuple[np.ndarray, np.ndarray]:
    """How many positives and negatives had each score, by rising score; without scores a prediction counts as one."""
    if not state.scored.items:
        c = confusion_of(state, coding)
        counts = np.array([[c.fn, c.tp], [c.tn, c.fp]])
        positives, negatives = counts[:, counts.any(axis=0)]  # an answer that no row got has no point on a curve
        return positives, negatives
    positive, negative = sides(state, coding)
    _, (positives, negatives) = on_one_grid(positive.scores, negative.scores)
    return positives, negatives


def names(scored: bool) -> list[str]:
    """SageMaker's metrics in its order, then ours; ``scored``: whether there is a probability."""
    return [*SAGEMAKER, *OF_RANK, *(OF_SCORES if scored else ())]


def matrix(state: Classified, coding: Coding) -> dict[str, dict[str, int]]:
    """Rows by actual (outer) and predicted (inner) label, the smaller label first."""
    c, yes, no = confusion_of(state, coding), coding.positive, coding.negative
    cells = {yes: {yes: c.tp, no: c.fn}, no: {yes: c.fp, no: c.tn}}
    labels = in_order(cells)
    return {truth: {answer: cells[truth][answer] for answer in labels} for truth in labels}


def as_sagemaker(state: Classified, coding: Coding) -> dict[str, Measure]:
    c = confusion_of(state, coding)
    counts = ranked(state, coding)
    measures = sagemaker_binary(c, c.constant(coding.positive_is_smaller), sagemaker_auc(*counts))
    return {**measures, AU_PRC: ranking.area_under_precision(*counts) or 0.0}


def metrics(state: Classified, coding: Coding) -> dict[str, Measure]:
    """By JSON name, in no order; of at least one row."""
    c = confusion_of(state, coding)
    counts = ranked(state, coding)
    measures = shares(c, coding) | f_scores(c, coding)
    constant = c.constant(coding.positive_is_smaller)
    of_constant = estimates(shares(constant, coding), constant) | f_scores(constant, coding)
    measures |= {f"{name}{CONSTANT}": of_constant[name] for name in ("recall", "precision", "accuracy", *BETAS)}
    area, average = ranking.auc(*counts), ranking.average_precision(*counts)
    one_class = Undefined(f"every label is {coding.positive if c.positives else coding.negative}")
    measures["auc"] = one_class if area is None else Estimate(area, ranking.auc_error(*counts), c.n)
    measures["average_precision"] = no_positive(coding) if average is None else Estimate(average, None, c.n)
    return measures | (of_scores(*sides(state, coding)) if state.scored.items else {})


def no_positive(coding: Coding) -> Undefined:
    return Undefined(f"no row's label is {coding.positive}")


def shares(c: Confusion, coding: Coding) -> dict[str, Measure]:
    """The metrics that are a number of rows among others."""

    def share(inside: int, n: int, why: Undefined) -> Share | Undefined:
        return Share(inside, n) if n else why

    no_negative = Undefined(f"no row's label is {coding.negative}")
    recall = share(c.tp, c.positives, no_positive(coding))
    return {
        "recall": recall,
        "precision": share(c.tp, c.tp + c.fp, Undefined(f"no row is predicted to be {coding.positive}")),
        "accuracy": Share(c.tp + c.tn, c.n),
        "true_positive_rate": recall,
        "true_negative_rate": share(c.tn, c.negatives, no_negative),
        "false_positive_rate": share(c.fp, c.negatives, no_negative),
        "false_negative_rate": share(c.fn, c.positives, no_positive(coding)),
    }


def estimates(measures: dict[str, Measure], c: Confusion) -> dict[str, Measure]:
    """The shares of a constant classifier as estimates: no row's answer is left to chance."""
    functions: dict[str, Callable[..., complex]] = {
        "recall": lambda tp, fp, fn, tn: tp / (tp + fn),
        "precision": lambda tp, fp, fn, tn: tp / (tp + fp),
        "accuracy": lambda tp, fp, fn, tn: (tp + tn) / (tp + fp + fn + tn),
    }
    known = {name: (measures[name], error_of(function, c)) for name, function in functions.items()}
    return {
        name: Estimate(share.inside / share.n, error, c.n) if isinstance(share, Share) else share
        for name, (share, error) in known.items()
    }


def f_scores(c: Confusion, coding: Coding) -> dict[str, Measure]:
    if not c.tp + c.fp + c.fn:
        return dict.fromkeys(BETAS, Undefined(f"no row is {coding.positive}, nor predicted to be"))
    return {
        name: Estimate(f_of(beta, *astuple(c)), error_of(partial(f_of, beta), c), c.n) for name, beta in BETAS.items()
    }


def kept_promises(positive: Scored, negative: Scored) -> list[tuple[float, Share]]:
    """The mean score (0..1) of each of ten bins of equal width that has rows, and its share of positives."""
    promises = []
    for b in map(str, range(BINS)):
        ones, zeros = (side.bins.items.get(b, Moments()) for side in (positive, negative))
        if n := ones.n + zeros.n:
            promises.append(((ones.total + zeros.total) / n, Share(ones.n, n)))
    return promises


def of_scores(positive: Scored, negative: Scored) -> dict[str, Measure]:
    """How far probabilities are from the truth.

    The calibration error is the mean distance, over ten bins of equal width weighted by their rows, between the mean
    score and the share of positives. Its standard error is unknown: chance biases a sum of distances upwards.
    """
    nothing = "no row has a label and a probability"
    n = positive.scores.n + negative.scores.n
    gaps = 0.0
    for b in map(str, range(BINS)):
        ones, zeros = (side.bins.items.get(b, Moments()) for side in (positive, negative))
        gaps += abs(ones.n - ones.total - zeros.total)
    return {
        "brier_score": mean_of(positive.squared_if_positive + negative.squared_if_negative, nothing),
        "log_loss": mean_of(positive.log_if_positive + negative.log_if_negative, nothing),
        "expected_calibration_error": Estimate(gaps / n, None, n),
    }
