"""Probabilities of chance: tails and quantiles of the distributions that bounds are judged by.

Taken from ``scipy.special``: importing ``scipy.stats`` costs each task a second, more than judging a small window does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

BLOCK, LARGEST_BLOCK = 1 << 8, 1 << 16  # terms of a sum taken at once: first few, then more
NEGLIGIBLE = 1e-12  # of what was summed so far
SYMMETRIC = 1e-3  # a skewness that makes no difference
SMALLEST = 1e-250  # a p-value below which a float loses digits
SAME = 1e-7  # relative difference of two probabilities that is rounding, as SciPy has it


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
    total, first, k, size = 0.0, 1.0, inside, BLOCK  # relative to the probability of ``inside``
    while 0 <= k <= n and first:
        terms = first * np.cumprod(np.concatenate([[1.0], steps(k, size, n, a, b, below)]))
        block = float(terms[:-1].sum())
        total += block
        if block <= NEGLIGIBLE * total:
            break
        first, k, size = float(terms[-1]), k - size if below else k + size, min(2 * size, LARGEST_BLOCK)
    return min(1.0, float(beta_binomial(np.array([inside]), n, a, b)[0]) * total)


def steps(k: int, count: int, n: int, a: int, b: int, down: bool) -> np.ndarray:
    """Each of the next ``count`` probabilities of a beta-binomial number after ``k``, by the one before it."""
    if down:
        i = np.maximum(k - np.arange(count, dtype=float), 0.0)  # 0 is the last one: then nothing is left
        return np.asarray(i * (b + n - i) / np.maximum((n - i + 1) * (a + i - 1), 1.0))
    i = np.minimum(k + np.arange(count, dtype=float), n)
    return np.asarray((n - i) * (a + i) / np.maximum((i + 1) * (b + n - i - 1), 1.0))


def fisher(inside: int, n: int, baseline_inside: int, baseline_n: int) -> float:
    """The p-value (0..1) of Fisher's exact test on both sides: the probability of all numbers of rows inside that are
    no more probable than ``inside`` of ``n``, given how many of both together are inside.

    >>> round(fisher(3, 4, 1, 4), 4)
    0.4857
    """
    both, rows = inside + baseline_inside, n + baseline_n
    least, most = max(0, both - baseline_n), min(n, both)
    mode = min(max((both + 1) * (n + 1) // (rows + 2), least), most)
    if inside == mode:
        return 1.0
    below = inside < mode
    own = fisher_tail(inside, n, baseline_inside, baseline_n, below)
    limit = log_hypergeometric(inside, n, both, rows) + SAME
    low, high = (mode - 1, most + 1) if below else (least - 1, mode + 1)  # the other tail starts in between
    while high - low > 1:
        middle = (low + high) // 2
        is_rarer = log_hypergeometric(middle, n, both, rows) <= limit
        low, high = (low, middle) if is_rarer == below else (middle, high)
    other = high if below else low
    if not least <= other <= most:
        return own
    return min(1.0, own + fisher_tail(other, n, both - other, baseline_n, not below))


def log_hypergeometric(k: int, n: int, both: int, rows: int) -> float:
    """The natural logarithm of the probability that ``n`` of ``rows`` rows have ``k`` of the ``both`` inside."""
    chosen = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    left = math.lgamma(rows - n + 1) - math.lgamma(both - k + 1) - math.lgamma(rows - n - both + k + 1)
    return chosen + left - math.lgamma(rows + 1) + math.lgamma(both + 1) + math.lgamma(rows - both + 1)


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


def student_tail(quantile: float, freedom: float) -> float:
    """The probability that Student's t with these degrees of freedom (>= 1) exceeds a number."""
    from scipy.special import stdtr

    return float(stdtr(freedom, -quantile))


def student_quantile(level: float, freedom: float) -> float:
    """The number that Student's t with these degrees of freedom (>= 1) exceeds with probability ``level`` (0..1)."""
    from scipy.special import stdtrit

    return -float(stdtrit(freedom, level))


def chi_squared_tail(statistic: float, freedom: int) -> float:
    """The probability that a chi-squared number with these degrees of freedom (>= 1) exceeds a statistic."""
    from scipy.special import chdtrc

    return float(chdtrc(freedom, statistic))


def skewed_tail(z: float, skewness: float) -> float:
    """The probability that a gamma distribution with mean 0, variance 1 and this skewness (Pearson's type III; 0: the
    normal one) exceeds ``z``."""
    from scipy.special import gammainc, gammaincc, ndtr

    if abs(skewness) < SYMMETRIC:
        return float(ndtr(-z))
    shape = 4 / skewness**2
    if skewness > 0:
        return float(gammaincc(shape, max(0.0, shape + z * math.sqrt(shape))))
    return float(gammainc(shape, max(0.0, shape - z * math.sqrt(shape))))


def normal_tail(level: float) -> float:
    """The number that a standard normal one exceeds with probability ``level`` (0..1); infinite for 0."""
    from scipy.special import ndtri

    return float(-ndtri(level))


def deviations(p_value: float, least: float) -> float:
    """How many standard deviations (>= 0) a normal number is from its mean, on either side, with a probability (0..1);
    ``least`` if that is more where the probability is too small to tell.

    >>> round(deviations(0.0455, 0.0), 2), deviations(0.0, 50.0), deviations(1.0, 0.0)
    (2.0, 50.0, 0.0)
    """
    if p_value < SMALLEST:
        return max(least, normal_tail(SMALLEST / 2))
    return abs(normal_tail(p_value / 2))


def normal_quantile(level: float) -> float:
    """How many standard errors an interval of a level (0..1) extends to each side.

    >>> round(normal_quantile(0.95), 3)
    1.96
    """
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))
