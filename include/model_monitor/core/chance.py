"""Probabilities of chance: tails and quantiles of the distributions that bounds are judged by."""

from __future__ import annotations

import numpy as np

BLOCK = 1 << 16  # terms of a sum taken at once
NEGLIGIBLE = 1e-12  # of what was summed so far


def binomial_tail(inside: int, n: int, expected: float, below: bool) -> float:
    """Probability (0..1) of at most (``below``) or at least ``inside`` of ``n`` rows, each inside with ``expected``.
    Returns 0.0 if ``expected`` is outside [0, 1].

    >>> binomial_tail(0, 2, 0.5, below=True)
    0.25
    """
    from scipy.stats import binom

    if not 0 <= expected <= 1:
        return 0.0
    return float(binom.cdf(inside, n, expected) if below else binom.sf(inside - 1, n, expected))


def beta_binomial_tail(inside: int, n: int, baseline_inside: int, baseline_n: int, below: bool) -> float:
    """The same, where the probability is only known from ``baseline_inside`` of ``baseline_n`` rows (Jeffreys' prior).

    Summed outwards from ``inside``, because SciPy's ``betabinom.sf`` is 1 - cdf and cancels: it gives 8e-12 here.

    >>> f"{beta_binomial_tail(200, 806, 400, 9971, below=False):.1e}"
    '5.8e-83'
    """
    a, b = baseline_inside + 0.5, baseline_n - baseline_inside + 0.5
    total, k, step = 0.0, inside, -1 if below else 1
    while 0 <= k <= n:
        end = max(-1, k - BLOCK) if below else min(n + 1, k + BLOCK)
        block = float(beta_binomial(np.arange(k, end, step), n, a, b).sum())
        total += block
        if block <= NEGLIGIBLE * total:
            break
        k = end
    return min(1.0, total)


def beta_binomial(k: np.ndarray, n: int, a: float, b: float) -> np.ndarray:
    """Probability of each number of rows ``k`` (1-d) out of ``n``."""
    from scipy.special import betaln

    choose = -betaln(n - k + 1, k + 1) - np.log(n + 1)
    return np.asarray(np.exp(choose + betaln(k + a, n - k + b) - betaln(a, b)))


def student_quantile(level: float, freedom: float) -> float:
    """The number that Student's t with these degrees of freedom (>= 1) exceeds with probability ``level`` (0..1)."""
    from scipy.stats import t

    return float(t.isf(level, freedom))


def normal_quantile(level: float) -> float:
    """How many standard errors an interval of a level (0..1) extends to each side.

    >>> round(normal_quantile(0.95), 3)
    1.96
    """
    from scipy.stats import norm

    return float(norm.ppf(0.5 + level / 2))
