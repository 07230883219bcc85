"""Shapley values by their definition, to judge explainers by."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

Model = Callable[[np.ndarray], np.ndarray]


def exact_values(model: Model, rows: np.ndarray, background: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Shapley values by their definition: every set of known features, with and without each (rows x features)."""
    n = rows.shape[1]
    sets = np.array(list(itertools.product([False, True], repeat=n)))
    bits = 1 << np.arange(n)[::-1]
    share = np.array([math.factorial(s) * math.factorial(n - s - 1) / math.factorial(n) for s in range(n)])
    found = np.zeros(rows.shape)
    for row, values in zip(rows, found, strict=True):
        answers = sum(w * model(np.where(sets, row, other)) for other, w in zip(background, weights, strict=True))
        for j in range(n):
            without = np.flatnonzero(~sets[:, j])
            gains = answers[without + bits[j]] - answers[without]
            values[j] = (share[sets[without].sum(axis=1)] * gains).sum()
    return found
