"""Probabilities of chance: tails and quantiles of the distributions that bounds are judged by.

Taken from ``scipy.special``: importing ``scipy.stats`` costs each task a second, more than judging a small window does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

BLOCK = 1 << 16  # terms of a sum taken at once
NEGLIGIBLE = 1e-12  # of what was summed so far


def binomial_tail(inside: int, n: int, expected: float, below: bool) -> float:
    """Probability (0..1) of at most (``below``) or at least ``inside`` of ``n`` rows, each inside with ``expected``.
    Returns 0.0 if ``expected`` is outside [0, 1].

    >>> binomial_tail(0, 2, 0.5, below=True)
    0.25
    """
    from scipy.special import betainc, betaincc

    if not 0 <= expected <= 1:
        return 0.0
    if below:
        return float(betaincc(inside + 1, n - inside, expected)) if inside < n else 1.0
    return float(betainc(inside, n - inside + 1, expected)) if inside > 0 else 1.0


def fisher_tail(inside: int, n: int, baseline_inside: int, baseline_n: int, below: bool) -> float:
    """The same, where the probability is only known from ``baseline_inside`` of ``baseline_n`` rows.

    This is the p-value of Fisher's exact test on one side: a window of unchanged rows is below a level no more often
    than the level says, whatever the probability is. It is 1.0 where the baseline has no row inside (``below``) or none
    outside, as no window goes further. It is summed as a beta-binomial with the prior that makes both equal (Altham
    1969), outwards from ``inside``, because SciPy's sums cancel in the tail.

    >>> f"{fisher_tail(200, 806, 400, 9971, below=False):.1e}"
    '6.9e-83'
    """
    if baseline_inside == (0 if below else baseline_n):
        return 1.0
    a, b = baseline_inside + (not below), baseline_n - baseline_inside + below
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


def unseen_tail(unseen: Sequence[int], n: int, seen: Mapping[str, int], live: Mapping[str, int], m: int) -> float:
    """A bound (0..1) on the probability that a window of ``n`` rows has as many rows with values that a baseline of
    ``m`` rows never had, if all rows come from one source with any number of values of any frequency.

    unseen: how many rows of the window have each value that the baseline lacks.
    seen, live: how many rows of the baseline, and of the window, have each value that the baseline has.

    Given how often each value occurs in both together, the window is a random choice of ``n`` of all the rows. A value
    with ``c`` of them is missing from the baseline if all are chosen: hypergeometric. A value with enough rows is told
    by that chance alone. Smaller ones must come together: such events are negatively associated (Joag-Dev & Proschan
    1983), so that Chernoff's bound holds as if they were independent. This does with exact chances what Good (1953) and
    Turing do with the number of values that were seen once.

    >>> round(unseen_tail([1], 100, {"a": 900}, {"a": 99}, 900), 6)
    0.1
    >>> unseen_tail([9], 100, {"a": 900}, {"a": 91}, 900) < 1e-9
    True
    """
    from scipy.special import gammaln

    both = [count + live.get(value, 0) for value, count in seen.items()]
    counts, values = np.unique([*unseen, *both], return_counts=True)
    counts, values = counts[counts <= n].astype(float), values[counts <= n]  # others can't all be in the window
    total, many = n + m, sum(unseen)
    log_chances = gammaln(n + 1) - gammaln(n - counts + 1) + gammaln(total - counts + 1) - gammaln(total + 1)
    enough = counts >= many
    alone = float(values[enough] @ np.exp(log_chances[enough]))
    return min(1.0, alone + chernoff(many, counts[~enough], values[~enough], np.minimum(log_chances[~enough], 0.0)))


def chernoff(least: float, sizes: np.ndarray, times: np.ndarray, log_chances: np.ndarray) -> float:
    """Chernoff's bound on the probability that a sum is at least ``least``, of independent terms: ``times`` of them are
    each a ``size`` with a chance and else 0. The arrays are 1-d, of one length; 0.0 without terms."""
    from scipy.optimize import minimize_scalar

    if sizes @ times < least:
        return 0.0
    with np.errstate(divide="ignore"):
        log_spared = np.log(-np.expm1(log_chances))

    def log_bound(log_scale: float) -> float:
        scale = math.exp(log_scale)
        return float(times @ np.logaddexp(log_spared, log_chances + scale * sizes) - scale * least)

    optimum = minimize_scalar(log_bound, bounds=(-25.0, 4.0), method="bounded", options={"xatol": 1e-3})
    return math.exp(min(0.0, float(optimum.fun)))


def student_quantile(level: float, freedom: float) -> float:
    """The number that Student's t with these degrees of freedom (>= 1) exceeds with probability ``level`` (0..1)."""
    from scipy.special import stdtrit

    return -float(stdtrit(freedom, level))


def normal_quantile(level: float) -> float:
    """How many standard errors an interval of a level (0..1) extends to each side.

    >>> round(normal_quantile(0.95), 3)
    1.96
    """
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))
