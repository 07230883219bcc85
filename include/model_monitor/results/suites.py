"""Learned constraints as a suite of Great Expectations, so that the same contract guards other tables.

Great Expectations does not weigh chance. So each limit is what a window as large as the baseline may just reach here:
the learned one, less what chance allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from model_monitor.core.constraints import Between, Constraint, Near, Within
from model_monitor.core.distances import DISTANCES
from model_monitor.core.distributions import Categories, Numbers
from model_monitor.core.evaluation import judge
from model_monitor.core.measures import Measure, Share
from model_monitor.monitors.columns import FRACTIONAL, INTEGRAL, KINDS
from model_monitor.monitors.data_quality import (
    BASELINE_DRIFT,
    CATEGORICAL_VALUES,
    COMPLETENESS,
    DATA_TYPE,
    EXTRA_COLUMN,
    MISSING_COLUMN,
    NON_NEGATIVE,
)
from model_monitor.monitors.expectations import Rule

TYPE_NAMES = {  # of pandas, NumPy, SQL and Spark
    INTEGRAL: "int int8 int16 int32 int64 uint8 uint16 uint32 uint64 Int64 "
    "Int8Dtype Int16Dtype Int32Dtype Int64Dtype INTEGER BIGINT SMALLINT IntegerType LongType",
    FRACTIONAL: "float float32 float64 Float64 Float32Dtype Float64Dtype FLOAT DOUBLE NUMERIC FloatType DoubleType",
}
QUANTILES = tuple(i / 20 for i in range(1, 20))


@dataclass(frozen=True)
class Exported:
    """The rules of a suite, and the constraints that have no counterpart, in words."""

    rules: list[Rule]
    without: list[str]


def exported(constraints: Sequence[Constraint]) -> Exported:
    """The counterparts of constraints, in their order."""
    completeness = {c.subject.column: c.bound.low for c in constraints if isinstance(c.bound, Between)
                    and c.check == COMPLETENESS and not c.subject.segment}  # fmt: skip
    rules: list[Rule] = []
    without = []
    for constraint in constraints:
        if constraint.subject.segment or constraint.check not in COUNTERPARTS:
            without.append(described(constraint))
            continue
        found = list(COUNTERPARTS[constraint.check](constraint, completeness.get(constraint.subject.column)))
        rules += [rule for rule in found if rule is not None and rule not in rules]
        without += [described(constraint)] * (None in found)
    return Exported(rules, without)


def described(constraint: Constraint) -> str:
    of = f" of {constraint.subject}" if str(constraint.subject) else ""
    distance = f" by {constraint.bound.distance}" if isinstance(constraint.bound, Near) else ""
    return f"{constraint.check}{of} ({constraint.measure}{distance})"


Counterpart = Callable[[Constraint, float | None], Iterator[Rule | None]]


def of_columns(constraint: Constraint, complete: float | None) -> Iterator[Rule | None]:
    """One rule for both checks of columns."""
    if isinstance(constraint.bound, Within):
        yield Rule("expect_table_columns_to_match_set", {"column_set": sorted(constraint.bound.categories)})


def of_type(constraint: Constraint, complete: float | None) -> Iterator[Rule | None]:
    """Nothing for a column of texts, which may hold anything, nor for one of dates or times, which may be texts."""
    bound = constraint.bound
    if isinstance(bound, Within) and not bound.categories >= set(KINDS) and not bound.categories.isdisjoint(KINDS):
        names = [name for kind in KINDS if kind in bound.categories for name in TYPE_NAMES.get(kind, "bool").split()]
        yield rule(
            constraint, "expect_column_values_to_be_in_type_list", type_list=names, mostly=least_inside(constraint)
        )


def of_completeness(constraint: Constraint, complete: float | None) -> Iterator[Rule | None]:
    bound = constraint.bound
    if isinstance(bound, Between) and bound.low:
        yield rule(constraint, "expect_column_values_to_not_be_null", mostly=least_share(constraint, bound))


def of_domain(constraint: Constraint, complete: float | None) -> Iterator[Rule | None]:
    """Missing values count as inside here, and not at all there: of the rows with a value, more may be outside."""
    bound = constraint.bound
    if isinstance(bound, Within):
        mostly = least_inside(constraint)
        if not bound.drawn and complete:
            mostly = max(0.0, 1 - (1 - mostly) / complete)
        yield rule(constraint, "expect_column_values_to_be_in_set", value_set=sorted(bound.categories), mostly=mostly)


def of_minimum(constraint: Constraint, complete: float | None) -> Iterator[Rule | None]:
    if isinstance(constraint.bound, Between):
        yield rule(constraint, "expect_column_min_to_be_between", min_value=constraint.bound.low)


def of_drift(constraint: Constraint, complete: float | None) -> Iterator[Rule | None]:
    """A cumulative share moves by at most a distance if each quantile stays between those which are so far apart."""
    bound = constraint.bound
    if not isinstance(bound, Near) or not isinstance(bound.to, Numbers):
        yield None
        return
    distance = DISTANCES[bound.distance]
    noise = distance.noise(bound.to, bound.to, bound.level) if distance.noise and bound.level else None
    most = max(bound.threshold, noise or 0.0)
    ranges = [[quantile(bound.to, q - most), quantile(bound.to, q + most)] for q in QUANTILES]
    kept = [(q, ends) for q, ends in zip(QUANTILES, ranges, strict=True) if ends != [None, None]]
    if not kept:
        yield None
        return
    asked = {"quantiles": [q for q, _ in kept], "value_ranges": [ends for _, ends in kept]}
    yield rule(constraint, "expect_column_quantile_values_to_be_between", quantile_ranges=asked)


COUNTERPARTS: dict[str, Counterpart] = {
    MISSING_COLUMN: of_columns,
    EXTRA_COLUMN: of_columns,
    DATA_TYPE: of_type,
    COMPLETENESS: of_completeness,
    CATEGORICAL_VALUES: of_domain,
    NON_NEGATIVE: of_minimum,
    BASELINE_DRIFT: of_drift,
}


def rule(constraint: Constraint, name: str, **kwargs: object) -> Rule:
    mostly = kwargs.pop("mostly", 1.0)
    own = {"column": constraint.subject.column} | kwargs | ({} if mostly == 1.0 else {"mostly": mostly})
    return Rule(name, own, meta={"model_monitor": {"check": constraint.check}})


def quantile(numbers: Numbers, q: float) -> float | None:
    """The smallest value up to which a share ``q`` of the rows lies; None beyond 0 and 1."""
    if not 0 < q < 1:
        return None
    reached = np.searchsorted(np.cumsum(numbers.weights), q * numbers.n, side="left")
    return float(numbers.values[min(int(reached), len(numbers.values) - 1)])


def least_share(constraint: Constraint, bound: Between) -> float:
    """The least share that is no violation in a window as large as the baseline."""
    if not bound.level or not isinstance(bound.drawn, Share) or not bound.drawn.n:
        return bound.low or 0.0
    n = bound.drawn.n
    return fewest(n, lambda inside: violates(constraint, Share(inside, n))) / n


def least_inside(constraint: Constraint) -> float:
    """The same of a share of rows within categories."""
    bound = constraint.bound
    assert isinstance(bound, Within)
    if not bound.level or not bound.drawn or not bound.drawn.n:
        return bound.at_least
    n = bound.drawn.n
    [(top, most), *_] = sorted(bound.drawn.counts.items(), key=lambda item: (-item[1], item[0]))

    def outside(inside: int) -> Categories:
        rows = n - inside
        return Categories({**bound.drawn.counts, top: max(0, most - rows)} if bound.drawn else {}, rest=rows)

    lowest = n - most
    return (lowest + fewest(most, lambda inside: violates(constraint, outside(lowest + inside)))) / n


def violates(constraint: Constraint, measure: Measure) -> bool:
    return judge(constraint.bound, constraint, measure).outcome == "violated"


def fewest(n: int, is_violated: Callable[[int], bool]) -> int:
    """The smallest number up to ``n`` that is no violation, if more is never worse."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if is_violated(middle) else (low, middle)
    return low
