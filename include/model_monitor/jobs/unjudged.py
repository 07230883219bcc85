"""Which columns have values whose drift is not judged, and why? For the report, the log and the pages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pyarrow as pa

from model_monitor.core.constraints import Constraint, Finding, Near
from model_monitor.core.distributions import Categories, Numbers
from model_monitor.core.monitor import Monitor
from model_monitor.jobs.learned import of_all_rows
from model_monitor.monitors.columns import KINDS, NUMERIC, Column, kinds_of
from model_monitor.monitors.data_quality import BASELINE_DRIFT, DataQuality, Expectation, Table
from model_monitor.monitors.numbered_moments import advice, unit_of_some, why_not_compared
from model_monitor.results.anonymous import FEWEST_ROWS
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.data_quality import DataQualityDocuments
from model_monitor.results.sentences import listed, quoted
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.verdict import Verdict

NAMED = 3  # values
LEARN_AGAIN = "learn the baseline again without them, or exclude the column"
HARMLESS = re.compile(
    r"[\s\d.,'%€$£+-]{1,8}|[-+]?inf(inity)?|n/?a|nan|null|none|nil|unknown|missing|undefined|-+|\?+", re.I
)


def unjudged(
    monitor: Monitor[Any], state: Any, verdict: Verdict, baseline: Baseline, private: Collection[str] = ()
) -> dict[str, str]:
    """Why, by column; {} in SageMaker's mode, without a baseline, and without rows.

    Only values that many rows share, or that look like numbers or the lack of one, are named, and none of ``private``.
    """
    monitor, state = of_all_rows(monitor, state)
    if not isinstance(monitor, DataQuality) or not isinstance(state, Table):
        return {}
    if monitor.conventions.spelling_counts or not state.rows or not baseline.exists:
        return {}
    drifts = {f.constraint.subject.column: f for f in verdict.findings if is_drift(f.constraint)}
    documents = documents_of(monitor)
    assert isinstance(documents, DataQualityDocuments)
    reasons: dict[str, str] = {}
    for expected in documents.expected(baseline.statistics, baseline.constraints_document):
        name, column = expected.name, state.columns.items.get(expected.name)
        if column and column.present and expected.rules.evaluate and expected.rules.compare:
            is_private = not {"*", name}.isdisjoint(private)
            if expected.spread is not None and monitor.as_moments(expected).spread is None:
                reasons[name] = why_not_compared(expected.spread)
            elif reason := why(expected, column, drifts.get(name), is_private):
                reasons[name] = reason
    return reasons


def sentences_of(reasons: Mapping[str, str]) -> list[str]:
    """A sentence for the columns of each reason."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    return [f"drift is not judged of {listed(some)}: {reason}" for reason, some in names.items()]


def perhaps_moments(options: Mapping[str, Any], findings: Iterable[Finding]) -> list[str]:
    """A sentence for each column whose drift is violated, and whose numbers may be dates or times, unless a schedule's
    options say what they are."""
    if options.get("moments") is not None or options.get("compatibility") == "sagemaker":
        return []
    units: dict[str, str | None] = {}
    for finding in findings:
        bound, name = finding.constraint.bound, str(finding.constraint.subject.column)
        if finding.outcome == "violated" and is_drift(finding.constraint) and name not in options.get("numbers", ()):
            units[name] = unit_of_some(bound.to) if isinstance(bound, Near) and isinstance(bound.to, Numbers) else None
    return [advice(name, unit) for name, unit in units.items() if unit]


def is_drift(constraint: Constraint) -> bool:
    return constraint.check == BASELINE_DRIFT and not constraint.subject.segment


def why(expected: Expectation, column: Column, finding: Finding | None, is_private: bool) -> str:
    """Why the drift of a column with values is not judged, or not as that of numbers; "" if it is."""
    spread = expected.spread
    is_undefined = finding is None or finding.outcome == "undefined"
    if spread is None:
        known = expected.present and expected.present.n
        return f"the baseline {'has no value there' if known else 'does not say how values are spread'}"
    if isinstance(spread, Numbers) and not column.numbers.n:
        words = named(Categories.of(column.words), is_private)
        return f"none of its values here is a number, as the baseline's are{words}" if is_undefined else ""
    if isinstance(spread, Categories) and column.prevailing_type in NUMERIC:
        text = as_text(spread, is_private)
        if text and (finding is None or finding.outcome != "violated"):
            return f"{text}; its numbers are compared as texts: {LEARN_AGAIN}"
    if finding is not None and is_undefined:
        return finding.reason
    return ""


def as_text(spread: Categories, is_private: bool) -> str:
    """That a baseline has numbers as texts, because of which values; "" if it has no numbers."""
    values = pa.array(spread.counts, pa.string())
    are_numbers = kinds_of(values) < len(NUMERIC)
    odd = {name: n for (name, n), is_number in zip(spread.counts.items(), are_numbers, strict=True) if not is_number}
    if spread.n <= sum(odd.values()):
        return ""
    number = f"{sum(odd.values()):,} of its {spread.n:,} values"
    return f"the baseline learned it as text because of {number}{named(Categories(odd), is_private)}"


def named(values: Categories, is_private: bool) -> str:
    """The most frequent of some values, as a part of a sentence; "" if none may be named."""
    may_be = [(name, n) for name, n in values.counts.items() if n >= FEWEST_ROWS or HARMLESS.fullmatch(name)]
    first = sorted(may_be, key=lambda entry: (-entry[1], entry[0]))[:NAMED]
    return "" if is_private or not first else f" ({', '.join(quoted(name) for name, _ in first)})"


assert KINDS[: len(NUMERIC)] == NUMERIC  # the first kinds are those of numbers
