"""Exact Shapley values, for models whose structure is known: trees and linear models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from model_monitor.errors import ConfigError, DataError
from model_monitor.rows.explanations.kernel_shap import Predict, logit
from model_monitor.rows.explanations.models import Model

Method = Literal["auto", "kernel", "tree", "linear"]

TOLERANCE = 1e-4  # of the largest answer; trees are added up in single precision

# Raised by the library for an unknown kind of model or output.
UNSUPPORTED = (ValueError, TypeError, NotImplementedError, AssertionError, AttributeError, KeyError, IndexError)


@dataclass(frozen=True)
class ExactShap:
    """Attributions by ``explain`` (rows to rows x features x outputs), checked to sum to the model's answers."""

    name: str
    answer: Predict  # the model's answers, or their log-odds
    explain: Predict
    base: np.ndarray

    def expected(self) -> np.ndarray:
        return self.base

    def attributions(self, rows: np.ndarray, expected: np.ndarray) -> np.ndarray:
        attributions = self.explain(rows)
        if len(rows) and not self.adds_up(rows, attributions):
            raise DataError(f"exact attributions of {self.name} don't sum to its answers; set method: kernel")
        return attributions

    def adds_up(self, rows: np.ndarray, attributions: np.ndarray) -> bool:
        answers = self.answer(rows)
        sums = attributions.sum(axis=1) + self.base
        largest = np.abs(answers).max(initial=0.0)
        return sums.shape == answers.shape and bool((np.abs(sums - answers) <= TOLERANCE * largest + 1e-9).all())


def exact_of(
    model: Model, features: Sequence[str], method: Method, use_logit: bool, background: np.ndarray, weights: np.ndarray
) -> ExactShap | None:
    """The exact explainer of a model, or None for Kernel SHAP. Raises ConfigError if it does not allow ``method``.
    "auto" means the very values that Kernel SHAP estimates; with ``use_logit`` no explainer has those against several
    background rows, as the log-odds of a mean answer are not the mean log-odds."""
    native = getattr(model, "native", None)
    numbers = background.dtype != object
    if method == "auto" and use_logit and len(background) > 1:
        return None
    if method != "kernel" and native is not None and numbers:

        def answer(rows: np.ndarray) -> np.ndarray:
            answers = model.predict(rows, features)
            return logit(answers) if use_logit else answers

        if candidate := unchecked(native, method, background, weights):
            exact = ExactShap(model.name, answer, *candidate)
            if exact.adds_up(background, exact.explain(background)):
                return exact
    if method in ("tree", "linear"):
        raise ConfigError(
            f"method: {method} can't explain what {model.name} answers; set method: auto or kernel, or use_logit: true "
            "for boosted trees or a logistic regression"
        )
    return None


def unchecked(
    native: Any, method: Method, background: np.ndarray, weights: np.ndarray
) -> tuple[Predict, np.ndarray] | None:
    """The library's explainer of a model and the expected answers; None if it has none. It may still be wrong."""
    kind, make = ("linear", linear) if hasattr(native, "coef_") else ("tree", tree)
    try:
        return make(native, background, weights) if method in ("auto", kind) else None
    except UNSUPPORTED:
        return None


def linear(native: Any, background: np.ndarray, weights: np.ndarray) -> tuple[Predict, np.ndarray]:
    """A feature's coefficient times its distance from the background's mean."""
    mean = (background * weights[:, None]).sum(axis=0)
    coefficients = np.atleast_2d(np.asarray(native.coef_, np.float64))

    def explain(rows: np.ndarray) -> np.ndarray:
        attributions: np.ndarray = (rows - mean)[:, :, None] * coefficients.T
        return attributions

    return explain, np.atleast_1d(coefficients @ mean + native.intercept_)


def tree(native: Any, background: np.ndarray, weights: np.ndarray) -> tuple[Predict, np.ndarray]:
    """Interventional Tree SHAP against each background row, averaged by weight. It explains the sum of the trees: a
    forest's probabilities, the log-odds of boosted trees. For the probabilities of boosted trees the library rescales
    log-odds, which adds up but does not give Shapley values."""
    from shap import TreeExplainer

    how = {"feature_perturbation": "interventional", "model_output": "raw"}
    explainers = [TreeExplainer(native, row[None], **how) for row in background]

    def explain(rows: np.ndarray) -> np.ndarray:
        parts = [by_output(e.shap_values(rows, check_additivity=False)) for e in explainers]
        return second_of_two(native, averaged(parts, weights))

    bases = [np.atleast_1d(np.asarray(e.expected_value, np.float64)) for e in explainers]
    return explain, second_of_two(native, averaged(bases, weights))


def averaged(parts: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    total: np.ndarray = (np.stack(parts, axis=-1) * weights).sum(axis=-1)
    return total


def second_of_two(native: Any, values: np.ndarray) -> np.ndarray:
    """Only the second output of a classifier with two classes, which is what it answers."""
    return values[..., 1:] if values.shape[-1] == 2 and len(getattr(native, "classes_", ())) == 2 else values


def by_output(values: Any) -> np.ndarray:
    """Attributions with an axis for outputs, even for a single output."""
    attributions = np.asarray(values, np.float64)
    return attributions[:, :, None] if attributions.ndim == 2 else attributions
