"""Constraints on measures, and the findings that evaluation makes of them.

A bound is data: ``Between`` (a number in an interval), ``Within`` (a distribution's mass on a set), ``Near`` (a
distribution close to another), or ``Unlearned`` (the baseline could not tell the bound). A finding has three outcomes:
holds, violated, undefined.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from model_monitor.core.distributions import Categories, Distribution
from model_monitor.core.measures import Estimate, Share, Subject

Outcome = Literal["holds", "violated", "undefined"]


@dataclass(frozen=True, slots=True)
class Between:
    """A number, share or estimate must not be below ``low`` nor above ``high``; None leaves a side open. Raises
    ValueError for NaN.

    level: a value violates only if chance alone takes it beyond with less than this probability (0..1): exact for a
        share (of both sides together if both are ``drawn`` from one), Student's for an estimate, which is undefined if
        one row makes up most of it. A plain number has none.
    drawn: the baseline's own measure, whose chance counts too, if the side was observed rather than fixed.
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
    """At least a share (0..1) of the rows, or a number of rows (``counted``), must be in the categories.

    Missing values count as inside if ``missing_is_inside``, else not at all.

    level: a distribution violates only if chance alone brings as many rows with unseen categories with less than this
        probability (0..1), or as many of those that the baseline has as well. It needs ``drawn``, the baseline's own
        distribution; without, one row outside violates.
    """

    categories: frozenset[str]
    at_least: float = 1.0
    missing_is_inside: bool = False
    counted: bool = False
    level: float | None = None
    drawn: Categories | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """A distribution must not be further than ``threshold`` from another, by a distance named in ``DISTANCES``.

    With a ``level`` (0..1), the evidence of a change must also be beyond what chance has with that probability.
    """

    to: Distribution
    distance: str
    threshold: float
    level: float | None = None


@dataclass(frozen=True, slots=True)
class Unlearned:
    """The baseline could not tell a bound, for a ``reason`` that reads well after a colon: findings are undefined."""

    reason: str


Bound = Between | Within | Near | Unlearned


@dataclass(frozen=True, slots=True)
class Constraint:
    """A bound on a named measure of a subject; ``check`` is its name in reports."""

    check: str
    subject: Subject
    measure: str
    bound: Bound


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one constraint.

    ``observed`` is the judged number, share, distance or p-value; ``noise_floor`` how much of it chance alone explains,
    None without a level; ``reason`` why the outcome is undefined; ``p_value`` the probability (0..1) that chance alone
    takes it as far, None where chance is not weighed, or by resampling.

    ``z`` (>= 0) is how many standard deviations a normal number with this p-value is from its mean, None without one;
    where a p-value is too small for a float, it grows with the effect. ``windows``: how many past ones it was compared
    with, because windows may vary more than their rows do (``verdicts.noise``); None where rows alone tell chance.
    """

    constraint: Constraint
    outcome: Outcome
    observed: float | None = None
    noise_floor: float | None = None
    reason: str = ""
    p_value: float | None = None
    z: float | None = None
    windows: int | None = None
