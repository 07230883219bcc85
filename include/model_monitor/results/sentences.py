"""A violation in a sentence that a person understands: what changed, from what to what, and how far beyond chance."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from model_monitor.core.constraints import Between, Bound, Finding, Near, Within
from model_monitor.core.distances import DISTANCES
from model_monitor.core.distributions import Categories, Distribution, Numbers
from model_monitor.core.importances import Importances
from model_monitor.core.measures import Estimate, Measure, Measures, Share
from model_monitor.core.monitor import SET_ASIDE, USABLE
from model_monitor.errors import without_middle
from model_monitor.results.anonymous import Anonymity

DIGITS = 4  # significant ones of a number in a sentence
NAMED, COLUMNS = 3, 10  # so many categories, or columns, are named
LARGEST = float(np.finfo(np.float64).max)  # stands for infinity
LONGEST = 60  # characters of a name
QUANTILES = {0.5: "median", 0.1: "10 % quantile", 0.25: "lower quartile", 0.75: "upper quartile", 0.9: "90 % quantile"}
FEW = 0.25  # of the rows moved: with more, quantiles tell it better
CLEARER = 1.5  # times as far as the median must another quantile have moved to be told instead


@dataclass(frozen=True)
class Telling:
    """What a sentence is made of: a finding, the measure that it judged, and what may be named of its values."""

    finding: Finding
    measure: Measure
    anonymity: Anonymity

    @property
    def column(self) -> str | None:
        return self.finding.constraint.subject.column

    def may_name(self, rows: int) -> bool:
        """Whether a value that so many rows have may be written."""
        return rows >= self.anonymity.fewest and not self.is_private

    @property
    def is_private(self) -> bool:
        """Whether no value of the column may be written; a quantile is the value of a row."""
        return self.column in self.anonymity.private


def sentence_of(finding: Finding, measures: Measures, anonymity: Anonymity) -> str:
    """One line, without a full stop: ``amount: median 19 → 15 (distance 0.148; chance alone reaches 0.069; threshold
    0.1)``."""
    constraint = finding.constraint
    telling = Telling(finding, measures.get((constraint.subject, constraint.measure)), anonymity)
    about, words = str(constraint.subject), change(constraint.bound, telling)
    return f"{about}: {words}" if about else words


@singledispatch
def change(bound: Bound, telling: Telling) -> str:
    """What changed, by the kind of bound."""
    return telling.finding.reason or f"{telling.finding.constraint.measure} is not as it must be"


@change.register
def _(bound: Near, telling: Telling) -> str:
    moved = share_moved(bound, telling) or from_to(bound.to, telling.measure, telling)
    return f"{moved} ({'; '.join(compared(bound, telling.finding))})"


def compared(bound: Near, finding: Finding) -> list[str]:
    """The effect, what chance alone reaches, and the threshold."""
    distance = DISTANCES[bound.distance]
    observed, floor = finding.observed or 0.0, finding.noise_floor
    if distance.is_p_value:
        return [f"p-value {number(observed)}, must not be below {number(bound.threshold)}"]
    if distance.margin:
        margin = [f"chance alone explains {number(floor)}"] if floor is not None else []
        return [f"{bound.distance} {number(observed)}", *margin, f"threshold {number(bound.threshold)}"]
    reaches = [f"chance alone reaches {number(floor)}"] if floor is not None else []
    p_value = [f"p-value {number(finding.p_value)}"] if finding.p_value is not None else []
    threshold = [f"threshold {number(bound.threshold)}"] if bound.threshold or not reaches else []
    return [f"distance {number(observed)}", *reaches, *p_value, *threshold]


def share_moved(bound: Near, telling: Telling) -> str:
    """Which share of numbers changed, where that rather than their level or spread is what chance does not explain; ""
    elsewhere, and where the number may not be written."""
    test = DISTANCES[bound.distance].evidence if bound.level else None
    now, before = telling.measure, bound.to
    if test is None or not isinstance(now, Numbers) or not isinstance(before, Numbers):
        return ""
    found = test(now, before)
    rows = round(max(found.live * now.n, found.baseline * before.n))
    few = abs(found.live - found.baseline) <= FEW
    if found.test not in ("share", "lumps", "tails", "beyond") or not few or not telling.may_name(rows):
        return ""
    sides = {"lumps": ("at most", "at least"), "tails": ("at most", "at least"), "beyond": ("below", "above")}
    low, high = found.low, found.high
    between = f"{number(low)} to " if low is not None and high is not None and low < high else ""
    words = sides[found.test][high is None] + " " if found.test in sides and not between else ""
    end = low if high is None else high
    return f"{between}{words}{number(end or 0.0)}: {percent(found.baseline)} → {percent(found.live)} of values"


def from_to(before: Distribution, now: Measure, telling: Telling) -> str:
    if isinstance(before, Numbers) and isinstance(now, Numbers) and before.n and now.n:
        return "its values moved" if telling.is_private else moved_quantile(before, now)
    if isinstance(before, Categories) and isinstance(now, Categories) and before.n and now.n:
        return moved_share(before, now, telling)
    if isinstance(before, Importances) and isinstance(now, Importances):
        return "other features matter most"
    return "its values are spread otherwise"


def moved_quantile(before: Numbers, now: Numbers) -> str:
    """The median from and to, or another quantile that moved clearly further."""
    shares = list(QUANTILES)
    old, new = quantiles(before, shares), quantiles(now, shares)
    with np.errstate(over="ignore"):
        moves = np.abs(new - old)
    furthest = int(np.argmax(moves))
    told = furthest if moves[furthest] / CLEARER > moves[0] else 0
    return f"{QUANTILES[shares[told]]} {number(old[told])} → {number(new[told])}"


def quantiles(numbers: Numbers, shares: list[float]) -> np.ndarray:
    """The least value with at least such a share of the rows at or below it, for each share."""
    cumulative = np.cumsum(numbers.weights)
    at = np.searchsorted(cumulative, np.array(shares) * cumulative[-1], side="left")
    return np.asarray(numbers.values[np.minimum(at, len(numbers.values) - 1)])


def moved_share(before: Categories, now: Categories, telling: Telling) -> str:
    """The category whose share changed most, of those that may be named, and new ones."""
    names = [k for k in before.counts.keys() | now.counts.keys() if telling.may_name(rows_of(k, before, now))]
    if not names:
        return "shares of categories changed"
    shares = {k: (before.counts.get(k, 0) / before.n, now.counts.get(k, 0) / now.n) for k in names}
    moves = {k: new - old for k, (old, new) in shares.items()}
    name = max(sorted(names), key=lambda k: (round(abs(moves[k]), 9), moves[k]))  # of two that trade, the gaining one
    old, new = shares[name]
    return f"{quoted(name)} {percent(old)} → {percent(new)} of values"


def rows_of(category: str, before: Categories, now: Categories) -> int:
    return max(before.counts.get(category, 0), now.counts.get(category, 0))


@change.register
def _(bound: Within, telling: Telling) -> str:
    now, observed = telling.measure, telling.finding.observed or 0.0
    if not isinstance(now, Categories):
        return f"{percent(observed)} is within what is allowed, at least {percent(bound.at_least)} must be"
    if bound.counted:
        absent = sorted(bound.categories - now.counts.keys())
        return f"columns missing: {listed(absent)}"
    outside = {k: n for k, n in now.counts.items() if k not in bound.categories}
    kind = {"columns": "not in the baseline", "types": "not of the baseline's type"}
    what = kind.get(telling.finding.constraint.measure, "not in the baseline")
    if telling.finding.constraint.measure == "columns":
        return f"columns {what}: {listed(sorted(outside))}"
    rows = sum(outside.values()) + now.rest
    share = percent(rows / (now.n + (now.missing if bound.missing_is_inside else 0)))
    named = outside if telling.finding.constraint.measure == "types" else nameable(outside, telling)
    return f"{rows:,} rows ({share}) with values {what}{shown(named, len(outside))}"


def nameable(counts: Mapping[str, int], telling: Telling) -> dict[str, int]:
    return {name: n for name, n in counts.items() if telling.may_name(n)}


def shown(counts: Mapping[str, int], total: int) -> str:
    """The most frequent of some values with their rows, as a part of a sentence."""
    if not counts:
        return ""
    first = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:NAMED]
    more = [f"{total - len(first)} more"] if total > len(first) else []
    return ": " + ", ".join([*(f"{quoted(name)} ({n:,} rows)" for name, n in first), *more])


@change.register
def _(bound: Between, telling: Telling) -> str:
    now, finding = telling.measure, telling.finding
    observed = finding.observed or 0.0
    side = bound.low if bound.low is not None and observed < bound.low else bound.high
    before = bound.drawn.value if isinstance(bound.drawn, Share | Estimate) else None
    name, write = finding.constraint.measure, percent if isinstance(now, Share) else number
    old = "" if before is None else f"{write(before)} → "
    if isinstance(now, Share) and (name == "completeness" or finding.constraint.check == SET_ASIDE):
        less = "" if before is None else f"{percent(1 - before)} → "
        p_value = "" if finding.p_value is None else f", p-value {number(finding.p_value)}"
        rows = f"{now.n - now.inside:,} of {now.n:,}"
        if name == "completeness":
            return f"missing {less}{percent(1 - observed)} of rows ({rows}), beyond chance{p_value}"
        of = "that can't be used" if name == USABLE else f"without a value{name.removeprefix(USABLE)}"
        return f"rows {of} {less}{percent(1 - observed)} ({rows}), beyond chance{p_value}"
    must = "" if side is None else f"at {'least' if side == bound.low else 'most'} {write(side)}"
    floor = [f"chance alone explains {number(finding.noise_floor)}"] if finding.noise_floor is not None else []
    return f"{name} {old}{write(observed)} ({'; '.join([f'must be {must}', *floor])})"


def listed(names: Collection[str]) -> str:
    first = [without_middle(name, LONGEST) for name in list(names)[:COLUMNS]]
    return ", ".join(first) + (f" and {len(names) - len(first)} more" if len(names) > len(first) else "")


def quoted(value: str) -> str:
    return without_middle(repr(value), LONGEST)


def number(value: float) -> str:
    """A number in ``DIGITS`` significant digits.

    >>> number(0.148123), number(19.0), number(1234567.0), number(1.5e-7), number(-0.0)
    ('0.1481', '19', '1,235,000', '1.5e-07', '0')
    """
    if abs(value) >= LARGEST:
        return "infinity" if value > 0 else "-infinity"
    if 10_000 <= abs(value) < 1e15:
        return f"{float(f'{value:.{DIGITS - 1}e}'):,.0f}"
    return f"{value or 0.0:.{DIGITS}g}"


def percent(share: float) -> str:
    """A share as a percentage in ``DIGITS`` significant digits.

    >>> percent(0.012345), percent(1.0)
    ('1.234 %', '100 %')
    """
    return f"{number(100 * share)} %"
