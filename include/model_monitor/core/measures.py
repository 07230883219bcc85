"""Measures: a number, a share, an estimate or a distribution of a subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from model_monitor.core.distributions import Distribution

Segment = tuple[tuple[str, str], ...]  # (column, value) pairs, outermost first


@dataclass(frozen=True, slots=True)
class Subject:
    """A column, or everything (None), in the rows of a segment or in all rows."""

    column: str | None = None
    segment: Segment = ()

    def within(self, column: str, value: str) -> Subject:
        """The subject in the rows where a column has a value."""
        return Subject(self.column, ((column, value), *self.segment))

    def __str__(self) -> str:
        return " ".join([self.column or "", *(f"[{column}={value}]" for column, value in self.segment)]).strip()


EVERYTHING = Subject()


@dataclass(frozen=True, slots=True)
class Share:
    """``inside`` of ``n`` rows."""

    inside: int
    n: int

    @property
    def value(self) -> float | None:
        """0..1; None if there are no rows."""
        return self.inside / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number estimated from ``n`` rows; its standard ``error`` (>= 0, infinite if numbers are too large), and the
    ``largest`` part (0..1) of a sum that one row has; None if unknown."""

    value: float
    error: float | None = None
    n: int = 0
    largest: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Undefined:
    """There is no such number; ``reason`` is a clause that reads well after a colon."""

    reason: str


Measure = float | int | Share | Estimate | Distribution | Undefined | None
Measures = Mapping[tuple[Subject, str], Measure]
