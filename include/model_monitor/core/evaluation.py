"""Evaluate constraints: does each hold, or could chance alone explain what was measured?"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from functools import singledispatch

from model_monitor.core import chance
from model_monitor.core.constraints import Between, Bound, Constraint, Finding, Near, Outcome, Unlearned, Within
from model_monitor.core.distances import DISTANCES
from model_monitor.core.distributions import Categories
from model_monitor.core.measures import Estimate, Measure, Measures, Segment, Share, Undefined

SAME = 1e-12  # relative difference of two numbers that is only the order in which a sum was taken
MOST = 0.5  # part of a sum beyond which a single row decides it


def evaluate(constraints: Iterable[Constraint], measures: Measures) -> list[Finding]:
    """One finding per constraint, in order; undefined if its measure is absent or None."""
    segments = {subject.segment[:1] for subject, _ in measures}
    return [finding_of(constraint, measures, segments) for constraint in constraints]


def finding_of(constraint: Constraint, measures: Measures, segments: Collection[Segment]) -> Finding:
    """The finding of one constraint; ``segments`` are the outermost ones that have a measure."""
    measure = measures.get((constraint.subject, constraint.measure))
    if constraint.subject.segment[:1] not in segments and constraint.subject.segment:
        column, value = constraint.subject.segment[0]
        return undefined(constraint, f"no row with {column}={value}" if value else f"no row without a {column}")
    if measure is None:
        return undefined(constraint, f"there is no {constraint.measure} to judge")
    if isinstance(measure, Undefined):
        return undefined(constraint, measure.reason)
    return judge(constraint.bound, constraint, measure)


def undefined(constraint: Constraint, reason: str) -> Finding:
    return Finding(constraint, "undefined", reason=reason)


@singledispatch
def judge(bound: Bound, constraint: Constraint, measure: Measure) -> Finding:
    raise TypeError(f"not a bound: {bound!r}")


@judge.register
def _(bound: Between, constraint: Constraint, measure: Measure) -> Finding:
    value = measure.value if isinstance(measure, Share | Estimate) else measure
    if not isinstance(value, int | float) or math.isnan(value):
        return undefined(constraint, f"there is no {constraint.measure} to judge")
    too_low = bound.low is not None and value < bound.low and not is_same(value, bound.low)
    too_high = bound.high is not None and value > bound.high and not is_same(value, bound.high)
    floor = p_value = None
    if bound.level and isinstance(measure, Share):
        p_value = by_chance(measure, bound, too_low) if too_low or too_high else 1.0
    elif bound.level and isinstance(measure, Estimate):
        error, freedom = error_of(measure, bound.drawn)
        floor = noise_of(measure, bound.drawn, bound.level)
        if error is None or floor is None:
            why = "too few rows" if measure.n < 2 or measure.error is None else "numbers are too large"
            return undefined(constraint, f"{why} to tell chance from change")
        side = bound.low if too_low else bound.high
        distance = abs(value - (side or 0.0)) if too_low or too_high else 0.0
        p_value = chance.student_tail(distance / error, freedom) if error and distance else float(not distance)
        if distance and p_value >= bound.level and (measure.largest or 0.0) > MOST:
            return undefined(
                constraint, f"{constraint.measure} is {value:.6g}, but one of {measure.n} rows makes up most of it"
            )
    is_violated = (too_low or too_high) and (p_value is None or p_value < (bound.level or 1.0))
    z = None if p_value is None else chance.deviations(p_value, errors_beyond(bound, measure, p_value))
    return Finding(constraint, "violated" if is_violated else "holds", float(value), floor, p_value=p_value, z=z)


def errors_beyond(bound: Between, measure: Measure, p_value: float) -> float:
    """How many standard errors a share or an estimate is beyond its bound, where a p-value is too small to tell."""
    if p_value >= chance.SMALLEST or not isinstance(measure, Share | Estimate) or measure.value is None:
        return 0.0
    beyond = max((bound.low or 0.0) - measure.value if bound.low is not None else 0.0, 0.0)
    beyond = max(beyond, measure.value - bound.high if bound.high is not None else 0.0)
    if isinstance(measure, Estimate):
        error, _ = error_of(measure, bound.drawn)
        return beyond / error if error else 0.0
    return 2 * beyond * math.sqrt(rows_of(measure, bound.drawn))


def rows_of(live: Share, drawn: Share | Estimate | None) -> float:
    """How many rows on one side would tell a difference as well as those of both sides."""
    return 1 / (1 / live.n + (1 / drawn.n if drawn and drawn.n else 0.0))


def is_same(value: float, side: float) -> bool:
    """Whether two numbers differ by rounding at most, so that a value is not beyond its bound."""
    return math.isclose(value, side, rel_tol=SAME, abs_tol=0.0)


def by_chance(share: Share, bound: Between, below: bool) -> float:
    """The probability that chance alone takes a share as far beyond the low side (``below``) or the high one."""
    drawn, side = bound.drawn, bound.low if below else bound.high
    if not isinstance(drawn, Share) or not drawn.n:
        return chance.binomial_tail(share.inside, share.n, side or 0.0, below)
    if bound.low is not None and bound.high is not None:
        return chance.fisher(share.inside, share.n, drawn.inside, drawn.n)
    return chance.fisher_tail(share.inside, share.n, drawn.inside, drawn.n, below)


def noise_of(estimate: Estimate, drawn: Share | Estimate | None, level: float) -> float | None:
    """How far beyond its bound chance alone takes an estimate with the probability ``level``, by Student's t; None if
    that is unknown."""
    error, freedom = error_of(estimate, drawn)
    noise = math.nan if error is None else chance.student_quantile(level, freedom) * error
    return noise if math.isfinite(noise) else None


def error_of(estimate: Estimate, drawn: Share | Estimate | None) -> tuple[float | None, float]:
    """The standard error of an estimate's distance from its bound, None if it is unknown, and its degrees of freedom.

    The square root of the sum of both sides' squares, with Welch & Satterthwaite's degrees. A baseline of unknown error
    spreads as the estimate.
    """
    if estimate.error is None or not math.isfinite(estimate.error) or estimate.n < 2:
        return None, 1.0
    if not isinstance(drawn, Estimate):
        return estimate.error, estimate.n - 1
    n, m = estimate.n, max(drawn.n, 1)
    of_baseline = drawn.error if drawn.error is not None else estimate.error * math.sqrt(n / m)
    both = math.hypot(estimate.error, of_baseline)
    if not both or not math.isfinite(both):
        return None if both else 0.0, 1.0
    # Relative to both: fourth powers of large numbers would not be finite.
    parts = (estimate.error / both) ** 4 / (n - 1) + (of_baseline / both) ** 4 / max(m - 1, 1)
    return both, 1 / parts


@judge.register
def _(bound: Unlearned, constraint: Constraint, measure: Measure) -> Finding:
    return undefined(constraint, bound.reason)


@judge.register
def _(bound: Within, constraint: Constraint, measure: Measure) -> Finding:
    if not isinstance(measure, Categories):
        return undefined(constraint, f"{constraint.measure} is not a distribution over categories")
    inside = sum(measure.counts.get(category, 0) for category in bound.categories)
    missing = measure.missing if bound.missing_is_inside else 0
    if not measure.n + missing:
        return undefined(constraint, "no row has a value")
    mass = inside + missing if bound.counted else (inside + missing) / (measure.n + missing)
    too_low, p_value = mass < bound.at_least, None
    if too_low and bound.level and bound.drawn:
        unseen = [n for category, n in measure.counts.items() if category not in bound.categories]
        unseen += [1] * measure.rest  # of uncounted categories: as if each were another, which chance allows most
        baseline = bound.drawn
        learned = sum(n for category, n in baseline.counts.items() if category in bound.categories)
        if learned < baseline.n:  # it has such rows itself: only their share can have changed
            p_value = chance.fisher_tail(inside + missing, measure.n + missing, learned, baseline.n, True)
        else:
            p_value = chance.unseen_tail(unseen, measure.n, baseline.counts, measure.counts, baseline.n)
        too_low = p_value < bound.level
    z = 0.0 if bound.level and bound.drawn else None
    if p_value is not None:
        z = chance.deviations(p_value, 2 * (bound.at_least - mass) * math.sqrt(measure.n))
    return Finding(constraint, "violated" if too_low else "holds", float(mass), p_value=p_value, z=z)


@judge.register
def _(bound: Near, constraint: Constraint, measure: Measure) -> Finding:
    if type(measure) is not type(bound.to):
        return undefined(constraint, f"{constraint.measure} and its baseline are not of one kind")
    distance = DISTANCES[bound.distance]
    found = distance.evidence(measure, bound.to) if distance.evidence and bound.level else None
    observed = found.distance if found else distance.between(measure, bound.to)
    if observed is None:
        return undefined(constraint, "too few values to compare with the baseline")
    if found and bound.level:
        floor = distance.floor(observed, found, measure, bound.to, bound.level)
        far = observed > bound.threshold and found.p_value < bound.level
        z = chance.deviations(found.p_value, 2 * observed * math.sqrt(1 / (1 / measure.n + 1 / bound.to.n)))
        return Finding(constraint, "violated" if far else "holds", observed, floor, p_value=found.p_value, z=z)
    if distance.margin:
        margin = distance.margin(measure, bound.to, bound.level) if bound.level else None
        if bound.level and margin is None:
            return undefined(constraint, "too few rows to tell chance from change")
        outcome: Outcome = "violated" if observed + (margin or 0.0) < bound.threshold else "holds"
        return Finding(constraint, outcome, observed, margin)
    far = observed < bound.threshold if distance.is_p_value else observed > bound.threshold
    p_value = observed if distance.is_p_value else None
    of_p_value = None if p_value is None else chance.deviations(p_value, 0.0)
    return Finding(constraint, "violated" if far else "holds", observed, p_value=p_value, z=of_p_value)
