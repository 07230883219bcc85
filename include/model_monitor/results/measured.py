"""The numbers of a window, whatever the monitor: ``measures.json``, from which history and sinks read."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from model_monitor.core.chance import normal_quantile
from model_monitor.core.constraints import Between, Constraint, Unlearned
from model_monitor.core.measures import Estimate, Measure, Measures, Share, Subject, Undefined
from model_monitor.core.monitor import Traits
from model_monitor.results.documents.protocol import Document, number

MEASURES = "measures.json"
LEVEL = 0.95  # of the intervals


def measured(
    measures: Measures, constraints: Sequence[Constraint], traits: Traits, private: Collection[str] = ()
) -> Document:
    """Each number of a window: measure, column, segment, value, 95 % interval, rows that it was made from, and what it
    must keep to (``at_least``, ``at_most``).

    A value is None where there is none, with the reason. Distributions are not in it. Nor is a segment, or a group of a
    monitor that reports newcomers, that no constraint names: its name may be a text of a few rows. Nor is a number of a
    ``private`` column.
    """
    known = {constraint.subject for constraint in constraints if not isinstance(constraint.bound, Unlearned)}
    segments = {(), *(subject.segment for subject in known)}
    allowed = allowed_by(constraints)
    columns = {None, *(subject.column for subject in known)}

    def is_written(subject: Subject) -> bool:
        is_named = subject.column in columns or traits.newcomer_check is None
        return subject.segment in segments and is_named and subject.column not in private

    entries = [
        {"measure": name, "column": subject.column, "segment": dict(subject.segment), **written(measure)}
        | allowed.get((subject, name), {})
        for (subject, name), measure in measures.items()
        if isinstance(measure, int | float | Share | Estimate | Undefined) and is_written(subject)
    ]
    return {"version": 1, "level": LEVEL, "measures": entries}


def allowed_by(constraints: Sequence[Constraint]) -> dict[tuple[Subject, str], dict[str, float]]:
    """The finite ends of what all constraints on a number allow together, by subject and measure."""
    allowed: dict[tuple[Subject, str], dict[str, float]] = {}
    for constraint in constraints:
        if isinstance(bound := constraint.bound, Between):
            ends = allowed.setdefault((constraint.subject, constraint.measure), {})
            for name, end, tighter in (("at_least", bound.low, max), ("at_most", bound.high, min)):
                if end is not None and math.isfinite(end):
                    ends[name] = tighter(ends.get(name, end), end)
    return allowed


def written(measure: Measure) -> Document:
    """The value of a measure, with its interval, rows and reason as far as there are any."""
    if isinstance(measure, Undefined):
        return {"value": None, "reason": measure.reason}
    if isinstance(measure, Share):
        return {"value": measure.value, **interval_of(measure), "rows": measure.n}
    if isinstance(measure, Estimate):
        error = measure.error if measure.error is not None and math.isfinite(measure.error) else None
        around = {} if error is None else ends(measure.value, normal_quantile(LEVEL) * error)
        return {"value": number(measure.value), **around, "rows": measure.n}
    assert isinstance(measure, int | float)
    return {"value": number(measure)}


def interval_of(share: Share) -> Document:
    """Wilson's score interval (1927); {} of no rows.

    >>> {end: round(value, 4) for end, value in interval_of(Share(0, 10)).items()}
    {'low': 0.0, 'high': 0.2775}
    """
    if not share.n:
        return {}
    z2 = normal_quantile(LEVEL) ** 2
    middle = (share.inside + z2 / 2) / (share.n + z2)
    half = math.sqrt(z2 * (share.inside * (share.n - share.inside) / share.n + z2 / 4)) / (share.n + z2)
    return {"low": max(0.0, middle - half), "high": min(1.0, middle + half)}


def ends(value: float, half: float) -> Document:
    return {"low": number(value - half), "high": number(value + half)}
