"""What must hold of a measure, and what came of it?

A bound is data: ``Between`` (a number in an interval), ``Within`` (a distribution's mass on a set), ``Near`` (a
distribution close to another), or ``Unlearned`` (the baseline could not tell the bound). A finding has three outcomes:
holds, violated, undefined.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from model_monitor.core.distributions import Distribution
from model_monitor.core.measures import Estimate, Share, Subject

Outcome = Literal["holds", "violated", "undefined"]


@dataclass(frozen=True, slots=True)
class Between:
    """A number, share or estimate must not be below ``low`` nor above ``high``; None leaves a side open.

    With a ``level`` (0..1), what lies beyond a side counts only if chance alone would take it there with less than that
    probability. ``drawn`` is the baseline's own measure where the side is no fixed number but was itself observed on so
    many rows; its chance is weighed too. Of a share the probability is exact, so that without ``drawn`` a single row
    outside a ``low`` of 1 always counts. Of an estimate it is Student's, from its error; where a single row makes up
    most of what is beyond, nobody can tell: one absurd row raises the error as much as the mean. A plain number has no
    chance.

    Raises ValueError if a side is NaN, which nothing would ever be beyond.
    """

    low: float | None = None
    high: float | None = None
    level: float | None = None
    drawn: Share | Estimate | None = None

    def __post_init__(self) -> None:
        if any(side is not None and math.isnan(side) for side in (self.low, self.high)):
            raise ValueError("a side of a bound is a number or absent, not NaN")


@dataclass(frozen=True, slots=True)
class Within:
    """At least a share (0..1) of the rows must be in some categories, or at least a number of them (``counted``).

    Missing ones may count as inside; they are left out otherwise.
    """

    categories: frozenset[str]
    at_least: float = 1.0
    missing_is_inside: bool = False
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Near:
    """A distribution must not be further than ``threshold`` from another, by a distance named in ``DISTANCES``.

    With a ``level`` (0..1), a distance that chance alone would exceed with that probability does not count; a closeness
    counts only if it would be below the threshold but for chance.
    """

    to: Distribution
    distance: str
    threshold: float
    level: float | None = None


@dataclass(frozen=True, slots=True)
class Unlearned:
    """A measure should be judged, but the baseline could not tell by what, and why: a clause after a colon.

    Its findings are undefined; without it, nobody would ever hear that the measure is not judged.
    """

    reason: str


Bound = Between | Within | Near | Unlearned


@dataclass(frozen=True, slots=True)
class Constraint:
    """A named measure of a subject must keep to a bound; ``check`` is what reports call it."""

    check: str
    subject: Subject
    measure: str
    bound: Bound


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one constraint.

    ``observed`` is the number, share, distance or p-value that was judged, None if undefined. ``noise_floor`` is the
    distance, or how far an estimate or a closeness may be beyond its bound, to be expected from chance, where it was
    asked for. ``reason`` says why it is undefined.
    """

    constraint: Constraint
    outcome: Outcome
    observed: float | None = None
    noise_floor: float | None = None
    reason: str = ""
