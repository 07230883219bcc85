"""What is the smallest change that a schedule tells in four of five windows? By its baseline and the same judgement.

Shares, metrics and unseen values are solved for: the window has what four of five such windows exceed. Distributions
are drawn ``DRAWS`` times from the baseline's own, with a fixed seed, so that the card is the same each time. Where it
is known how much windows vary beyond their rows, a change must stand out from that too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from model_monitor.core.constraints import Between, Constraint, Near, Within
from model_monitor.core.distributions import Categories, Numbers
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Estimate, Measure, Share, Subject
from model_monitor.verdicts.noise import FEWEST, UNKNOWN, Noise, key_of, level_of

POWER = 0.8
DRAWS = 10  # windows of a size of change, of which eight must be told
LEAST, STEPS = 20, 5  # halvings until a change is not told, and then between the last two sizes
OTHER = "\0another"  # a value that no baseline has
LUCK = NormalDist().inv_cdf(POWER)

IsTold = Callable[[float], bool]  # of a size of change


@dataclass(frozen=True)
class Sight:
    """The smallest change of a measure that is told in a window, and ``of_day``: in the sum of a day's windows; None if
    none is. ``kind``: shift (in the column's unit), share, missing or unseen (of rows, 0..1), part (a metric that is a
    share), metric. ``scale``: of a shift, how large the column's standard deviation is."""

    subject: Subject
    measure: str
    kind: str
    of_window: float | None
    of_day: float | None
    scale: float | None = None


@dataclass(frozen=True)
class Card:
    """What a schedule sees in windows of so many ``rows``, and in days of ``day_rows``; None where windows are as
    long. ``past_windows``: how many tell how much windows vary; 0 where rows alone are weighed."""

    rows: int
    day_rows: int | None
    sights: tuple[Sight, ...] = ()
    left_out: int = 0
    past_windows: int = 0


@dataclass(frozen=True)
class Weighed:
    """A constraint, and how much what it is judged on varies beyond the chance of rows."""

    constraint: Constraint
    noise: Noise = UNKNOWN

    def is_violated(self, measure: Measure) -> bool:
        """Whether a measure violates it, beside past windows too, also with as little luck as one in five has."""
        one = self.constraint
        [finding] = evaluate([one], {(one.subject, one.measure): measure})
        tally, level = self.noise.tally(key_of(one)), level_of(one.bound)
        if finding.outcome != "violated" or finding.z is None or not level or tally.windows < FEWEST:
            return finding.outcome == "violated"
        _, spread = tally.usual()
        return tally.p_value(finding.z - LUCK * (spread - 1)) < level


def card_of(
    window: Sequence[Constraint],
    day: Sequence[Constraint],
    rows: int,
    day_rows: int | None,
    most: int,
    noise: Noise = UNKNOWN,
    noise_of_days: Noise = UNKNOWN,
) -> Card:
    """The card of the constraints of windows, and of those of days, on at most so many measures of all rows."""
    known = {key_of(one): Weighed(one, noise_of_days) for one in day}
    largest = max((size_of(one) for one in window), default=0)
    told = [one for one in window if not one.subject.segment and kind_of(one)]
    sights = [sight_of(Weighed(one, noise), known.get(key_of(one)), rows, day_rows, largest) for one in told[:most]]
    past = max((noise.tally(key_of(one)).windows for one in told), default=0)
    return Card(rows, day_rows, tuple(sights), max(0, len(told) - most), past if past >= FEWEST else 0)


def size_of(constraint: Constraint) -> int:
    """How many rows the baseline has of a measure."""
    drawn = getattr(constraint.bound, "drawn", None)
    return drawn.n if drawn else 0


def kind_of(constraint: Constraint) -> str | None:
    """What kind of change a constraint tells; None if that can't be said."""
    match constraint.bound:
        case Near(to=Numbers(), level=float()):
            return "shift"
        case Near(to=Categories(), level=float()):
            return "share"
        case Between(drawn=Share(), level=float()):
            return "missing" if constraint.measure == "completeness" else "part"
        case Between(drawn=Estimate(error=float()), level=float()):
            return "metric"
        case Within(drawn=Categories(), level=float()):
            return "unseen"
    return None


def sight_of(window: Weighed, day: Weighed | None, rows: int, day_rows: int | None, largest: int) -> Sight:
    found = [smallest(one, n, largest) if one and n else None for one, n in ((window, rows), (day, day_rows))]
    one = window.constraint
    scale = deviation(one.bound.to) if isinstance(one.bound, Near) and isinstance(one.bound.to, Numbers) else None
    return Sight(one.subject, one.measure, kind_of(one) or "", found[0], found[1], scale)


def smallest(weighed: Weighed, rows: int, largest: int) -> float | None:
    """The smallest change that is told in so many rows; None if not even the largest one is."""
    bound, most = weighed.constraint.bound, 1.0
    if isinstance(bound, Near) and isinstance(bound.to, Numbers):
        most = 10 * deviation(bound.to) or 1.0
    if isinstance(bound, Between) and isinstance(bound.drawn, Estimate):
        most = max(abs(bound.drawn.value), 20 * (bound.drawn.error or 0.0) * math.sqrt(max(1, largest / rows)))
    return solved(lambda size: is_told(weighed, size, rows, largest), most)


def solved(is_told: IsTold, most: float) -> float | None:
    """The smallest size up to ``most`` that is told, to a few per cent; 0.0 if even a ``LEAST``-th half is."""
    if not is_told(most):
        return None
    high = most
    for _ in range(LEAST):
        if not is_told(high / 2):
            break
        high /= 2
    else:
        return 0.0
    low = high / 2
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_told(middle) else (middle, high)
    return high


def is_told(weighed: Weighed, size: float, rows: int, largest: int) -> bool:
    """Whether a change of a size violates a constraint in four of five windows of so many rows."""
    bound = weighed.constraint.bound
    if isinstance(bound, Near):
        chance, missed = np.random.default_rng(0), 0
        for _ in range(DRAWS):
            missed += not weighed.is_violated(drawn_from(bound.to, size, rows, chance))
            if missed > (1 - POWER) * DRAWS:
                return False
        return True
    return weighed.is_violated(unlucky(weighed.constraint, size, rows, largest))


def drawn_from(to: object, size: float, rows: int, chance: np.random.Generator) -> Measure:
    """A window drawn from the baseline's distribution after a change: numbers are higher by ``size``; the share of the
    most frequent category is, and of the others lower."""
    if isinstance(to, Numbers):
        weights = chance.multinomial(rows, to.weights / to.weights.sum())
        kept = weights > 0
        values = to.values[kept] + size
        return replace(to, values=values, weights=weights[kept], is_counted=True, least=values[0], most=values[-1])
    assert isinstance(to, Categories)
    names = sorted(to.counts, key=lambda name: -to.counts[name])
    shares = np.array([to.counts[name] for name in names] + [to.rest], float) / max(1, to.n)
    more = min(size, 1 - shares[0]) if shares[0] < 0.5 else -min(size, shares[0])
    others = shares[1:] / shares[1:].sum() if shares[1:].sum() else np.eye(len(shares) - 1)[-1]
    shares = np.concatenate([[shares[0] + more], shares[1:] - more * others]).clip(0)
    counts = chance.multinomial(rows, shares / shares.sum())
    return Categories({name: int(n) for name, n in zip(names, counts, strict=False) if n}, int(counts[-1]))


def unlucky(constraint: Constraint, size: float, rows: int, largest: int) -> Measure:
    """What is measured after a change where chance hides as much of it as in one of five windows."""
    from scipy.stats import binom

    bound = constraint.bound
    if isinstance(bound, Within):
        assert bound.drawn
        odd = int(binom.ppf(1 - POWER, rows, size))
        share = (rows - odd) / max(1, bound.drawn.n)
        return Categories({name: round(n * share) for name, n in bound.drawn.counts.items()} | {OTHER: odd})
    assert isinstance(bound, Between)
    drawn = bound.drawn
    assert drawn
    part = max(2, round(drawn.n * rows / max(1, largest)))
    if isinstance(drawn, Share):
        inside = drawn.inside / max(1, drawn.n)
        if bound.low is None:
            return Share(int(binom.ppf(1 - POWER, part, min(1.0, inside + size))), part)
        return Share(part - int(binom.ppf(1 - POWER, part, min(1.0, 1 - inside + size))), part)
    assert drawn.error is not None
    error = drawn.error * math.sqrt(max(drawn.n, 1) / part)
    seen = size - LUCK * error
    return Estimate(drawn.value - seen if bound.low is not None else drawn.value + seen, error, part)


def deviation(numbers: Numbers) -> float:
    """The standard deviation."""
    shares = numbers.weights / max(1, numbers.n)
    mean = float(shares @ numbers.values)
    return math.sqrt(float(shares @ np.square(numbers.values - mean)))
