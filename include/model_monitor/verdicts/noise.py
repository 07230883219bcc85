"""How much do windows vary beyond what their rows do? Learned from past windows, so that hours, sessions and days that
differ are no alarms.

Chance of rows makes a finding's ``z`` the size of a standard normal number at most, as long as rows are independent
draws of one source. Windows that differ by themselves have larger ones, each check of each subject in its own way: they
may always be a little off (``middle``), and they vary around that (``spread``). Both are estimated from the first two
moments of past z, as of a folded normal distribution (Leone, Nelson & Nottingham 1961), and the next z is compared
with them by Student's t. Laney's control charts (2002) do so with one factor. The spread is 1 at least: history never
makes a verdict stricter than chance of rows does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from model_monitor.core import chance
from model_monitor.core.constraints import Bound, Constraint, Finding, Near, Unlearned
from model_monitor.core.distances import DISTANCES
from model_monitor.core.measures import Subject

FEWEST = 20  # past windows, for their variation to be known well enough to judge by
MOST = 168  # past windows that are looked at: a week of hours, five months of days

CAUTION = 0.45  # divided by the root of the number of windows: by this much less off than they look, as chance may make
HALVINGS = 40  # of an interval in which a number is looked for
RATIOS = np.linspace(0.0, 30.0, 3001)  # of middle to spread, and the squared mean of sizes by the mean of squares
SHAPES = (
    math.sqrt(2 / math.pi) * np.exp(-(RATIOS**2) / 2) + RATIOS * np.vectorize(math.erf)(RATIOS / math.sqrt(2))
) ** 2 / (1 + RATIOS**2)

Key = tuple[str, Subject, str]  # check, subject, measure


@dataclass(frozen=True, slots=True)
class Tally:
    """So many past ``windows``, and the sums of their z and of its ``squares``."""

    windows: int = 0
    total: float = 0.0
    squares: float = 0.0

    def plus(self, z: float) -> Tally:
        return Tally(self.windows + 1, self.total + z, self.squares + z * z)

    def usual(self) -> tuple[float, float]:
        """The middle (>= 0) and the spread (>= 1) of z, whose sign nobody knows. Of two windows or more."""
        mean, square = self.total / self.windows, self.squares / self.windows
        if square <= 1:
            return 0.0, 1.0
        ratio = float(np.interp(mean**2 / square - CAUTION / math.sqrt(self.windows), SHAPES, RATIOS))
        spread = math.sqrt(square / (1 + ratio**2))
        return (ratio * spread, spread) if spread > 1 else (math.sqrt(square - 1), 1.0)

    def p_value(self, z: float) -> float:
        """The probability (0..1) that a window like these has so large a z."""
        middle, spread = self.usual()
        error = spread * math.sqrt(1 + 1 / self.windows)
        sides = ((z - middle) / error, (z + middle) / error)
        return min(1.0, sum(chance.student_tail(side, self.windows - 1) for side in sides))

    def reached(self, level: float) -> float:
        """The z that a window like these exceeds with a probability (0..1)."""
        middle, spread = self.usual()
        low, high = 0.0, 2 * (middle + spread * chance.student_quantile(level / 4, self.windows - 1))
        for _ in range(HALVINGS):
            between = (low + high) / 2
            low, high = (low, between) if self.p_value(between) < level else (between, high)
        return high


@dataclass(frozen=True)
class Noise:
    """How much past windows varied, by check, subject and measure. ``is_required``: without enough of them a check is
    undefined, rather than judged by the chance of its rows."""

    tallies: Mapping[Key, Tally] = field(default_factory=dict)
    is_required: bool = False

    @classmethod
    def of(cls, past: Iterable[Mapping[Key, float]], is_required: bool = False) -> Noise:
        """Of the z of each past window."""
        tallies: dict[Key, Tally] = {}
        for window in past:
            for key, z in window.items():
                tallies[key] = tallies.get(key, Tally()).plus(z)
        return cls(tallies, is_required)

    @property
    def is_known(self) -> bool:
        """Whether there are enough windows for any check."""
        return self.most >= FEWEST

    @property
    def most(self) -> int:
        """The number of windows behind the check that has the most of them."""
        return max((tally.windows for tally in self.tallies.values()), default=0)

    def tally(self, key: Key) -> Tally:
        return self.tallies.get(key, Tally())

    def is_beyond(self, constraint: Constraint, z: float, level: float) -> bool:
        """Whether a violation by the chance of rows is one beside past windows as well."""
        tally = self.tally(key_of(constraint))
        if tally.windows < FEWEST:
            return not self.is_required
        return tally.p_value(z) < level

    def weigh(self, finding: Finding) -> Finding:
        """The finding as it is beside past windows: never violated where chance of its rows explains it."""
        level = level_of(finding.constraint.bound)
        if finding.z is None or not level:
            return finding
        tally = self.tally(key_of(finding.constraint))
        if tally.windows < FEWEST:
            return too_few(finding, tally.windows) if self.is_required else finding
        p_value = max(tally.p_value(finding.z), finding.p_value or 0.0)
        is_explained = finding.outcome == "violated" and p_value >= level
        return replace(
            finding,
            outcome="holds" if is_explained else finding.outcome,
            noise_floor=floor_of(finding, tally, level),
            p_value=None if finding.p_value is None else p_value,
            windows=tally.windows,
        )


@dataclass(frozen=True)
class NoiseOf(Noise):
    """The same of the z of past ``windows``, added up for those checks only that are asked for."""

    windows: Sequence[Mapping[Key, float]] = ()

    def tally(self, key: Key) -> Tally:
        past = [window[key] for window in self.windows if key in window]
        return Tally(len(past), math.fsum(past), math.fsum(z * z for z in past))


UNKNOWN = Noise()


@dataclass(frozen=True)
class NoiseOver(Noise):
    """How much ``spans`` varied; of what too few of them tell, how much single ``windows`` did."""

    spans: Noise = UNKNOWN
    windows: Noise = UNKNOWN

    def tally(self, key: Key) -> Tally:
        own = self.spans.tally(key)
        return own if own.windows >= FEWEST else self.windows.tally(key)

    def weigh(self, finding: Finding) -> Finding:
        """What single windows explain is no violation; but no span stands out before it is known how spans vary, or
        nothing would be learned of those that vary more than windows."""
        beside = super().weigh(finding)
        return (
            beside if self.spans.tally(key_of(finding.constraint)).windows >= FEWEST else replace(beside, windows=None)
        )


def key_of(constraint: Constraint) -> Key:
    return constraint.check, constraint.subject, constraint.measure


def level_of(bound: Bound) -> float | None:
    """The probability with which chance alone may take a measure beyond a bound; None for an exact rule."""
    if isinstance(bound, Near) and DISTANCES[bound.distance].is_p_value:
        return bound.threshold
    return None if isinstance(bound, Unlearned) else bound.level


def too_few(finding: Finding, windows: int) -> Finding:
    reason = f"its noise is learned from {FEWEST} healthy windows, and there are {windows} yet"
    return replace(finding, outcome="undefined", noise_floor=None, p_value=None, reason=reason)


def floor_of(finding: Finding, tally: Tally, level: float) -> float | None:
    """How much of what was observed such windows explain: a distance is beyond it exactly if its z is."""
    floor, z = finding.noise_floor, finding.z
    if floor is None or z is None:
        return floor
    needed = tally.reached(level)
    if not isinstance(finding.constraint.bound, Near):
        return floor * max(1.0, needed / chance.normal_tail(level / 2))
    observed = finding.observed or 0.0
    return max(floor, observed * needed / z) if z else max(floor, observed)
