"""Kernel SHAP: estimate how much each feature moves an answer, by asking with features known or unknown.

The sets of known features (coalitions) and their weights are the ``shap`` library's own. They depend only on how many
features of a row differ from the background, so the regression of Lundberg & Lee (2017) that the library solves for
each row becomes one matrix, and the model is asked with many rows at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from model_monitor.rows.explanations.tables import same

Predict = Callable[[np.ndarray], np.ndarray]

CELLS = 1 << 22  # of synthetic rows at once
CERTAIN = 1e-12  # answers are kept this far from 0 and 1 for log-odds
NEGLIGIBLE = 1e-10  # of a row's largest attribution; anything smaller is rounding error
ROUNDING = 1e-13  # of the expected answer; anything smaller is rounding error, as of a constant model

drawing = threading.Lock()


def default_samples(features: int) -> int:
    """How many coalitions are tried by default: min(2n + 2048, 2^n - 2)."""
    return samples_of(features, 2 * features + 2048)


def samples_of(features: int, wanted: int) -> int:
    """The wanted number of coalitions, or as many as exist."""
    return min(wanted, 2**features - 2) if features < 63 else wanted


def logit(shares: np.ndarray) -> np.ndarray:
    """Log-odds of answers from 0 to 1, clipped by ``CERTAIN``."""
    inside = np.clip(shares, CERTAIN, 1 - CERTAIN)
    odds: np.ndarray = np.log(inside / (1 - inside))
    return odds


def coalitions(features: int, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For at least two features: which features each coalition knows (bool, coalitions x features); the matrix that
    turns the coalitions' answers into attributions of all but the last feature (float64); and whether each knows the
    last feature, as 0.0 or 1.0."""
    known, weights = drawn(features, samples, seed)
    last = known[:, -1].astype(np.float64)
    design = known[:, :-1] - last[:, None]
    weighted = weights[:, None] * design
    try:
        solution = np.linalg.solve(design.T @ weighted, weighted.T)
    except np.linalg.LinAlgError:  # too few coalitions: the smallest attributions that fit, as in the library
        root = np.sqrt(weights)[:, None]
        solution = np.linalg.pinv(root * design) * root.T
    return known, solution, last


def drawn(features: int, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The coalitions (bool, coalitions x features) and weights with which the library explains a row of ones against
    zeros."""
    from shap import KernelExplainer

    explainer = KernelExplainer(lambda rows: np.zeros(len(rows)), np.zeros((1, features)))
    with drawing:  # the library draws from NumPy's global source, which is restored
        before = np.random.get_state()
        np.random.seed(seed)
        try:
            explainer.shap_values(np.ones((1, features)), nsamples=samples, l1_reg=False, silent=True)
        finally:
            np.random.set_state(before)
    count = explainer.nsamplesAdded
    return explainer.maskMatrix[:count] == 1, explainer.kernelWeights[:count]


@dataclass(frozen=True)
class KernelShap:
    """Attributions of the answers of a model, against background rows (rows x features) with weights that sum to 1."""

    predict: Predict
    background: np.ndarray
    weights: np.ndarray
    samples: int
    seed: int = 0
    use_logit: bool = False

    def link(self, answers: np.ndarray) -> np.ndarray:
        return logit(answers) if self.use_logit else answers

    def expected(self) -> np.ndarray:
        """The model's mean answer on the background, 1-d: one for each output."""
        return self.link(self.mean(self.predict(self.background)[None])[0])

    def mean(self, answers: np.ndarray) -> np.ndarray:
        """Answers (... x background rows x outputs) averaged over the background."""
        # A matrix product's order of summation would depend on the other rows.
        total: np.ndarray = (answers * self.weights[:, None]).sum(axis=-2)
        return total

    def attributions(self, rows: np.ndarray, expected: np.ndarray) -> np.ndarray:
        """Rows x features x outputs; for each row and output they sum to its answer minus the expected one."""
        values = np.zeros((*rows.shape, len(expected)))
        if not len(rows):
            return values
        gain = self.link(self.predict(rows)) - expected
        varying = [np.flatnonzero(~same(row[None], self.background).all(axis=0)) for row in rows]
        by_size = sorted(range(len(rows)), key=lambda i: len(varying[i]))
        for size, group in groupby(by_size, key=lambda i: len(varying[i])):
            places = list(group)
            if size == 1:
                for i in places:
                    values[i, varying[i]] = gain[i]
            elif size > 1:
                known, solution, last = coalitions(size, samples_of(size, self.samples), self.seed)
                answers = self.answers(rows, varying, places, known)
                for i, answer in zip(places, answers, strict=True):
                    above = self.link(answer) - expected - last[:, None] * gain[i]
                    parts = np.einsum("fk,kd->fd", solution, above)
                    values[i, varying[i]] = np.concatenate([parts, gain[i] - parts.sum(axis=0, keepdims=True)])
        largest = np.abs(values).max(axis=1, keepdims=True)
        noise = np.maximum(NEGLIGIBLE * largest, ROUNDING * np.abs(expected))
        result: np.ndarray = np.where(np.abs(values) < noise, 0.0, values)
        return result

    def answers(
        self, rows: np.ndarray, varying: list[np.ndarray], places: list[int], known: np.ndarray
    ) -> Iterator[np.ndarray]:
        """The mean answers to the coalitions of each of these rows: coalitions x outputs."""
        at_once = max(1, CELLS // (self.background.size * len(known)))  # rows, if they fit,
        step = max(1, CELLS // self.background.size)  # and else coalitions
        for start in range(0, len(places), at_once):
            block = places[start : start + at_once]
            if len(known) > step:
                parts = [known[k : k + step] for k in range(0, len(known), step)]
                i = block[0]
                yield np.concatenate([self.asked(self.synthetic(rows[i], varying[i], part)) for part in parts])
            else:
                tables = [self.synthetic(rows[i], varying[i], known) for i in block]
                yield from np.split(self.asked(np.concatenate(tables)), len(block))

    def asked(self, table: np.ndarray) -> np.ndarray:
        """The mean answers over the background (coalitions x outputs) to coalitions x background rows x features."""
        answers = self.predict(table.reshape(-1, table.shape[2]))
        return self.mean(answers.reshape(*table.shape[:2], -1))

    def synthetic(self, row: np.ndarray, varying: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Background rows with a coalition's known features taken from the row: coalitions x background x features."""
        table = np.broadcast_to(self.background, (len(known), *self.background.shape)).copy()
        table[:, :, varying] = np.where(known[:, None, :], row[varying], self.background[None, :, varying])
        return table
