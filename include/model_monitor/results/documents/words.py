"""The descriptions of violations, in SageMaker's words where they are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from model_monitor.core.constraints import Between, Bound, Finding, Near, Within
from model_monitor.core.distances import DISTANCES
from model_monitor.monitors.columns import FRACTIONAL, INTEGRAL
from model_monitor.monitors.data_quality import (
    BASELINE_DRIFT,
    CATEGORICAL_VALUES,
    COMPLETENESS,
    DATA_TYPE,
    EXTRA_COLUMN,
    MISSING_COLUMN,
    NON_NEGATIVE,
)


def violation(finding: Finding, live: Sequence[str]) -> dict[str, Any]:
    """One entry of ``constraint_violations.json``; ``live`` are the names of the window's columns, in order."""
    check, bound = finding.constraint.check, finding.constraint.bound
    name = str(finding.constraint.subject)
    if isinstance(bound, Near) and finding.noise_floor is not None:
        bound = replace(bound, threshold=max(bound.threshold, finding.noise_floor))  # what it had to exceed
    description = describe(check, finding.constraint.measure, bound, finding.observed or 0.0)
    if isinstance(bound, Within) and check in (MISSING_COLUMN, EXTRA_COLUMN):
        expected, present = bound.categories, set(live)
        missing, extra = sorted(expected - present), [column for column in live if column not in expected]
        word, columns = ("Missing", missing) if check == MISSING_COLUMN else ("Extra", extra)
        name = columns[0]
        description = (
            f"{word} columns: {', '.join(columns)}. Number of columns in current dataset: {len(present)}, "
            f"Number of columns in baseline constraints: {len(expected)}"
        )
    return {"feature_name": name, "constraint_check_type": check, "description": description}


def describe(check: str, measure: str, bound: Bound, observed: float) -> str:
    """What was expected of a column, and what was observed."""
    match check, bound:
        case (_, Within(at_least=share)) if check == DATA_TYPE:
            kind = type_name(bound.categories)
            return (
                f"Data type match requirement is not met. Expected data type: {kind}, "
                f"Expected match: {percent(share)}. Observed: Only {percent(observed)} of data is {kind}."
            )
        case (_, Between(low=share)) if check == COMPLETENESS:
            only = "Only " if observed < (share or 0.0) else ""
            return (
                f"Data completeness requirement is not met. Expected: {percent(share or 0.0)}. "
                f"Observed: {only}{percent(observed)}."
            )
        case (_, Within(at_least=share)) if check == CATEGORICAL_VALUES:
            return (
                f"Categorical values requirement is not met. Expected match: {percent(share)}. "
                f"Observed: Only {percent(observed)} of values are in the baseline domain. "
                f"Value: {observed!r} does not meet the constraint requirement!"
            )
        case (_, Near(threshold=threshold)) if check == BASELINE_DRIFT:
            if DISTANCES[bound.distance].is_p_value:
                return (
                    f"Categories are spread otherwise than in the baseline: p-value {observed!r} is below {threshold!r}"
                )
            return f"Baseline drift distance: {observed!r} exceeds threshold: {threshold!r}"
        case _ if check == NON_NEGATIVE:
            return f"Non-negative requirement is not met. Observed minimum: {observed!r}."
    return f"{measure} is {observed!r}; {must(bound)}."


def must(bound: Bound) -> str:
    """A bound in words."""
    match bound:
        case Between(low=low, high=high):
            sides = [f"at least {low!r}"] * (low is not None) + [f"at most {high!r}"] * (high is not None)
            return f"it must be {' and '.join(sides)}"
        case Within(at_least=least):
            return f"at least {least!r} must be within the allowed categories"
        case Near(distance=distance, threshold=threshold):
            return f"its {distance.replace('_', ' ')} from the baseline must not exceed {threshold!r}"
    return f"the baseline can't tell: {bound.reason}"


def type_name(accepted: frozenset[str]) -> str:
    """The widest of the accepted types."""
    return next((kind for kind in (FRACTIONAL, INTEGRAL) if kind in accepted), min(accepted))


def percent(share: float) -> str:
    """A share as SageMaker writes it: the shortest text of 100 times the number."""
    return f"{100 * share!r}%"


def java_text(value: float | None) -> str:
    """A number as Java's ``Double.toString`` writes it, with the fewest digits that identify it; "NaN" for None.

    From 1e-3 to below 1e7 with a decimal point, else as a mantissa and a power of ten. Versions of Java before 19 write
    a digit more than needed of a few numbers; this is the text of later ones, which reads back as the same number.

    >>> java_text(0.0005092682820403929), java_text(1e7), java_text(100)
    ('5.092682820403929E-4', '1.0E7', '100.0')
    """
    if value is None or math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        plain = format(Decimal(repr(float(value))), "f")
        return plain if "." in plain else f"{plain}.0"
    sign, digits, exponent = Decimal(repr(float(value))).as_tuple()
    power = len(digits) + int(exponent) - 1
    mantissa = "".join(map(str, digits)).rstrip("0")
    return f"{'-' * sign}{mantissa[0]}.{mantissa[1:] or '0'}E{power}"
