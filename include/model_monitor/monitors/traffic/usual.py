"""What is usual of an endpoint's requests, as a baseline tells, and how far chance takes a window from it.

A day differs from another by more than counting does: a negative binomial distribution with the days' own dispersion
(Hilbe 2011, "Negative Binomial Regression"), whose tails are Student's, because few days tell how days differ.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from model_monitor.core.chance import student_quantile
from model_monitor.monitors.traffic.state import MINUTES, Requests, Series, cell_at, end_of

QUANTILES = (0.5, 0.95, 0.99)
FEWEST_DAYS = 3.0
FEWEST_LATENCIES = 100  # of a day, to tell a quantile of it
STEPS = 1000  # in which a bound is found
EXACT = 1e-9  # a dispersion below this is none


@dataclass(frozen=True)
class Usual:
    """What is usual, by hour of the day in UTC (24 each; None where the baseline has nothing).

    requests: how many come in an hour. latencies_ms: of each of ``QUANTILES``, the milliseconds that it is at most.
    days: how many whole days the baseline has. dispersion: by how much days differ at most: the square of a coefficient
    of variation, beyond what counting makes. weight: how many requests a captured one stands for. silence: how many
    requests would have come in the longest silence. spreads: of each of ``QUANTILES``, the standard deviation of its
    logarithm between days.
    """

    requests: tuple[float | None, ...]
    latencies_ms: tuple[tuple[float | None, ...], ...]
    days: float
    dispersion: float
    weight: float
    silence: float
    spreads: tuple[float, ...]

    @property
    def freedom(self) -> float:
        """The degrees of freedom of what days tell."""
        return max(1.0, self.days - 1)

    @property
    def inflation(self) -> float:
        """How much the variance of a day's distance from the mean is above a day's own, as the mean is of few days."""
        return 1 + 1 / max(1.0, self.days)

    def expected(self, series: Series) -> np.ndarray:
        """How many requests are usual in each minute; NaN where the baseline has nothing at its hour of the day."""
        rates = np.array([math.nan if rate is None else rate / MINUTES for rate in self.requests])
        return np.asarray(rates[series.hours])

    def surprise(self, requests: float, usual: float, weight: float, tolerance: float) -> float:
        """The probability (0..1) that chance takes the number of requests, in either direction, further than this from
        what is usual, or a share of ``tolerance`` beyond. ``weight``: how many a captured request stands for."""
        y, low, high = requests / weight, usual / weight * (1 - tolerance), usual / weight * (1 + tolerance)
        if low <= y <= high:
            return 1.0
        mean = low if y < low else high
        y = min(y + 0.5, mean) if y < mean else max(y - 0.5, mean)  # half a request, as counts are whole
        distance = math.sqrt(deviance(y, mean, self.dispersion) / self.inflation)
        return min(1.0, 2 * self.tail(distance, self.dispersion * mean / (1 + self.dispersion * mean)))

    def silence_surprise(self, usual: float, missed: float, weight: float) -> float:
        """A bound (0..1) on the probability that somewhere in a window with so many usual requests a silence comes in
        which ``missed`` of them would have come; 1 for one of at most twice the baseline's longest.

        The day's own rate is below any share of the usual one with a known probability; at this rate, one of the
        requests is followed by no other for so long.
        """
        if missed <= 2 * self.silence or not missed:
            return 1.0
        shares = np.linspace(0.01, 1.0, 100)
        of_days = self.dispersion * self.inflation
        variance = of_days + weight / (usual * max(1.0, self.days))
        rarer = np.array([self.tail(-math.log(s) / math.sqrt(variance), of_days / variance) for s in shares])
        gaps = (shares * usual / weight + 1) * np.exp(-shares * missed / weight)
        return float(min(1.0, (rarer + gaps).min()))

    def usual_range(self, usual: float, weight: float, tolerance: float, level: float) -> tuple[float, float]:
        """The fewest and the most requests whose surprise is not below the level."""

        def is_odd(captured: int) -> bool:
            return self.surprise(captured * weight, usual, weight, tolerance) < level

        middle = most = math.ceil(usual / weight)
        while not is_odd(most):
            most = 2 * most + 1
        fewest = bisect_left(range(middle), True, key=lambda captured: not is_odd(captured))
        most = middle + bisect_left(range(middle, most), True, key=is_odd) - 1
        return fewest * weight, most * weight

    def usual_silence(self, usual: float, weight: float, level: float) -> float:
        """In a window with so many usual requests, how many may be missed in a silence that is no violation."""
        missed = [usual * i / STEPS for i in range(STEPS + 1)]
        return missed[bisect_left(missed, True, key=lambda m: self.silence_surprise(usual, m, weight) < level) - 1]

    def tail(self, distance: float, of_days: float) -> float:
        """The probability that Student's t exceeds this; ``of_days`` is the share (0..1) of the variance that days
        tell, by which Satterthwaite (1946) counts degrees of freedom. The rest is that of counting, which is known."""
        from scipy.special import stdtr

        return float(stdtr(self.freedom / max(of_days, EXACT) ** 2, -distance))

    def allowance(self, quantile: int, level: float, tolerance: float) -> float:
        """By how much (a logarithm) a latency may exceed the usual one: the tolerance, or what days' own differences
        exceed with the probability ``level``."""
        own = self.spreads[quantile] * math.sqrt(self.inflation)
        return max(math.log1p(tolerance), own and student_quantile(level, self.freedom) * own)


def deviance(y: float, mean: float, dispersion: float) -> float:
    """Twice the difference of log-likelihoods of a negative binomial count's own mean (above 0) and another one."""
    own = y * math.log(y / mean) if y else 0.0
    if dispersion < EXACT:
        return max(0.0, 2 * (own - (y - mean)))
    size = 1 / dispersion
    return max(0.0, 2 * (own - (y + size) * math.log((y + size) / (mean + size))))


def learn(state: Requests) -> Usual:
    """What is usual, of a baseline's State."""
    series = Series.of(state)
    watched = np.bincount(series.hours, minlength=24)
    requests = np.bincount(series.hours, weights=series.requests, minlength=24)
    rates = [float(MINUTES * n / minutes) if minutes else None for n, minutes in zip(requests, watched, strict=True)]
    by_hour = [[name for name in state.hours.items if int(name[-2:]) == hour] for hour in range(24)]
    latencies = [state.latencies(names) for names in by_hour]
    cells = [[cell_at(one, q) for one in latencies] for q in QUANTILES]
    weight = state.weight or 1.0
    days, dispersion = variation(series, weight)
    usual = Usual(
        tuple(rates),
        tuple(tuple(None if cell is None else end_of(cell) for cell in row) for row in cells),
        days,
        dispersion,
        weight,
        0.0,
        spreads(state, days),
    )
    return Usual(**(vars(usual) | {"silence": longest(series, usual.expected(series))}))


def longest(series: Series, expected: np.ndarray) -> float:
    """How many requests would have come in the silence in which most would have; 0.0 without a silence."""
    return max((float(np.nansum(expected[silence])) for silence in series.silences()), default=0.0)


def variation(series: Series, weight: float) -> tuple[float, float]:
    """How many days the whole hours make, and by how much days differ, by the method of moments over all hours, plus
    the standard error that counting gives it."""
    hours, index, minutes = np.unique(series.minutes // MINUTES, return_inverse=True, return_counts=True)
    requests = np.bincount(index, weights=series.requests, minlength=len(hours))
    whole = minutes == MINUTES
    groups = [requests[whole & (hours % 24 == hour)] for hour in range(24)]
    groups = [group for group in groups if len(group)]
    several = [group for group in groups if len(group) > 1]
    beyond = sum((len(group) - 1) * (group.var(ddof=1) - weight * group.mean()) for group in several)
    squares = sum((len(group) - 1) * group.mean() ** 2 for group in several)
    days = sum(map(len, groups)) / len(groups) if groups else 0.0
    if not squares:
        return days, 0.0
    return days, max(0.0, float(beyond / squares)) + weight * math.sqrt(2 / squares)


def spreads(state: Requests, days: float) -> tuple[float, ...]:
    """Of each quantile of latencies the standard deviation of its logarithm between days; 0.0 of few days."""
    by_day: dict[str, list[str]] = {}
    for name in state.hours.items:
        by_day.setdefault(name[:10], []).append(name)
    every = [latencies for names in by_day.values() if (latencies := state.latencies(names)).n >= FEWEST_LATENCIES]
    if min(days, len(every)) < FEWEST_DAYS:
        return (0.0,) * len(QUANTILES)
    ends = [[math.log(end_of(cell_at(one, q) or 0)) for one in every] for q in QUANTILES]
    return tuple(float(np.std(row, ddof=1)) for row in ends)
