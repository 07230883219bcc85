"""What changed in a column from one span to another, or from its baseline?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from model_monitor.config.execution import Assignment
from model_monitor.core.distributions import Categories, Numbers
from model_monitor.core.importances import Importances
from model_monitor.core.measures import Subject, Undefined
from model_monitor.core.window import Window
from model_monitor.dashboard.courses import Point
from model_monitor.dashboard.page import Shown
from model_monitor.dashboard.spans import Number, Side, learned, number_of, subject_in, summed, version_for
from model_monitor.results import changes
from model_monitor.results.anonymous import Anonymity
from model_monitor.results.charts import bins_of, categories_of

WITHOUT_VALUES = frozenset({"minimum"})  # measures that a private column does not show


class Bin(Shown):
    """Numbers from ``low`` to ``high``, or a value ``name``, and the share of either side's rows."""

    low: float | None = None
    high: float | None = None
    name: str | None = None
    before: float
    after: float
    is_new: bool = False


class Change(Shown):
    """A number of the column on both sides, as text in its unit."""

    name: str
    before: str
    after: str


class Comparison(Shown):
    """The column in a span (``after``) and before: what changed in ``words`` ([]: nothing beyond chance), its values as
    shares (``bins``), its quantiles, other numbers, and how far it moved."""

    before: Side
    after: Side
    words: tuple[str, ...]
    changes: tuple[Change, ...]
    bins: tuple[Bin, ...]
    numbers: tuple[Number, ...]
    distance: float | None
    noise_floor: float | None
    threshold: float | None
    outcome: str | None


def hidden(assignment: Assignment, column: str) -> bool:
    return column in assignment.endpoint.columns.private


def compare_spans(
    assignment: Assignment,
    column: str,
    segment: str,
    span: Window,
    base: Window | str,
    points: Sequence[Point],
) -> Comparison:
    """The column in a span and before. Raises ConfigError, DataError, StoreError."""
    version = version_for(assignment, base, span, points) if isinstance(base, str) else None
    after, verdict = summed(assignment, span, version)
    measures, constraints = verdict.measures, verdict.constraints
    subject = subject_in(measures, column, segment)
    now = changes.Side.of(measures, subject)
    if isinstance(base, str):
        words = f"baseline {version}" if version else "the baseline in force"
        old, earlier = changes.Side.expected(constraints, subject), None
        side = Side(words=words, rows=old.rows, version=version)
    else:
        side, earlier = summed(assignment, base)
        old = changes.Side.of(earlier.measures, subject)
    anonymity = Anonymity(private=assignment.endpoint.columns.private)
    finding = changes.compared(old, now, subject, changes.nearness(constraints, subject))
    is_private = hidden(assignment, column)
    return Comparison(
        before=side,
        after=after,
        words=tuple(changes.in_words(old, now, finding, anonymity)),
        changes=() if is_private else tuple(Change(**change._asdict()) for change in changes.in_unit(old, now)),
        bins=() if is_private else bins_between(old, now, changes.names_shown(old, now, subject, anonymity)),
        numbers=tuple(numbers_of(verdict, earlier, subject, WITHOUT_VALUES if is_private else frozenset())),
        distance=finding.observed if finding else None,
        noise_floor=finding.noise_floor if finding else None,
        threshold=finding.constraint.bound.threshold if finding else None,  # type: ignore[union-attr]
        outcome=finding.outcome if finding else None,
    )


def numbers_of(verdict: Any, earlier: Any, subject: Subject, left_out: Collection[str]) -> Iterator[Number]:
    """The numbers of a column in a verdict and in an ``earlier`` one; None: as the baseline remembers them."""
    outcomes = {(f.constraint.subject, f.constraint.measure): f for f in verdict.findings}
    for (about, name), measure in verdict.measures.items():
        if (
            about != subject
            or name in left_out
            or isinstance(measure, Numbers | Categories | Importances | Undefined | None)
        ):
            continue
        key = about, name
        was = earlier.measures.get(key) if earlier else learned(verdict.constraints, *key)
        yield number_of(name, was, measure, outcomes.get(key))


def bins_between(old: changes.Side, new: changes.Side, nameable: Sequence[str]) -> tuple[Bin, ...]:
    """The values of both sides as shares: a histogram, or the most frequent values that may be named."""
    one, two = old.spread, new.spread
    if isinstance(one, Numbers) and isinstance(two, Numbers):
        return tuple(Bin(low=b.low, high=b.high, before=b.baseline, after=b.window) for b in bins_of(one, two))
    if isinstance(one, Categories) and isinstance(two, Categories):
        listed = categories_of(one, two, nameable=nameable)
        return tuple(Bin(name=c.name, before=c.baseline, after=c.window, is_new=c.is_new) for c in listed)
    return ()
