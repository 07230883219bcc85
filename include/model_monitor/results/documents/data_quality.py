"""The files of data quality, as SageMaker Model Monitor writes them.

Formats: docs/sagemaker-formats.md, "Data quality files" and "Data quality checks"; open points: docs/compatibility.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from model_monitor.core.constraints import Constraint, Finding
from model_monitor.core.distributions import Categories, Numbers
from model_monitor.core.states import Moments, Quantiles
from model_monitor.core.states.quantiles import C, K
from model_monitor.monitors.canonical import canonical_counts
from model_monitor.monitors.columns import NUMERIC, STRING, Column, counted_numbers
from model_monitor.monitors.data_quality import (
    EXTRA_COLUMN,
    MISSING_COLUMN,
    DataQuality,
    Expectation,
    Rules,
    Table,
)
from model_monitor.monitors.options import NEWER
from model_monitor.results.documents.data_quality_baseline import expectations_in, features_of, spread_of, statistics_of
from model_monitor.results.documents.protocol import Document, Documents, number
from model_monitor.results.documents.words import violation

BUCKETS = 10
LISTED_CATEGORIES = 1000  # deequ's histogram lists as many


@dataclass(frozen=True)
class DataQualityDocuments(Documents[Table]):
    """The files of a data-quality monitor."""

    monitor: DataQuality

    def statistics(self, state: Table, constraints: Sequence[Constraint] = ()) -> Document:
        kind_of = self.monitor.kind_of
        items = state.columns.items.items()
        counted = not self.monitor.conventions.spelling_counts
        features = [
            feature(name, column, state.missing(name), kind_of(name, column), counted) for name, column in items
        ]
        expected = {c.subject.column for c in constraints if c.subject.column is not None}
        absent = sorted(expected - state.columns.items.keys())
        features += [feature(name, Column(), state.rows) for name in absent]
        return {"version": 0.0, "dataset": {"item_count": state.rows}, "features": features}

    def suggested(self, state: Table) -> Document:
        rules = self.monitor.with_thresholds(self.monitor.rules)
        return {
            "version": 0.0,
            "features": [expected_feature(e, self.monitor.rules) for e in self.monitor.expectations(state)],
            "monitoring_config": monitoring_config(rules),
        }

    def constraints(self, statistics: Document | None, constraints: Document | None) -> list[Constraint]:
        return list(self.monitor.constraints(self.expected(statistics, constraints)))

    def expected(self, statistics: Document | None, constraints: Document | None) -> list[Expectation]:
        """What a baseline's files say of each column. Raises ConfigError."""
        expected = expectations_in(statistics, constraints, self.monitor.rules)
        if self.monitor.conventions.spelling_counts:
            return expected
        return [respelt(expectation) for expectation in expected]

    def violations(self, findings: Sequence[Finding], state: Table) -> Document:
        violated = [finding for finding in findings if finding.outcome == "violated"]
        return {"violations": [violation(finding, list(state.columns.items)) for finding in violated]}

    def informed(self, statistics: Document | None) -> DataQuality | None:
        """With the columns that the baseline compares as numbers, as texts, and not, as they are dates or times."""
        if self.monitor.conventions.spelling_counts:
            return None
        known = {f["name"]: f for f in features_of(statistics)}
        numbers = [name for name, f in known.items() if f.get("numerical_statistics")]
        texts = [name for name, f in known.items() if f.get("inferred_type") == STRING]
        if not numbers and not texts:
            return None
        moments = tuple(name for name in numbers if self.monitor.are_moments(name, spread_of(known[name])))
        return replace(self.monitor, numbers=tuple(numbers), texts=tuple(texts), moments=moments)

    def column_names(self, statistics: Document | None, constraints: Document | None) -> list[str]:
        return [f["name"] for f in features_of(constraints if constraints is not None else statistics)]


def respelt(expectation: Expectation) -> Expectation:
    """The same of values in their canonical spelling: a file of SageMaker has them as they were written."""
    domain, spread = expectation.domain, expectation.spread
    if domain is not None:
        domain = tuple(canonical_counts(dict.fromkeys(domain, 1)))
    if isinstance(spread, Categories):
        spread = replace(spread, counts=canonical_counts(spread.counts))
    return replace(expectation, domain=domain, spread=spread)


class SageMakerDataQualityDocuments(DataQualityDocuments):
    """The same files, in the form of a generation of SageMaker's containers; live columns take the baseline's names in
    its order, and no file counts labels."""

    reports_labels = False
    matches_by_position = True

    def statistics(self, state: Table, constraints: Sequence[Constraint] = ()) -> Document:
        document = super().statistics(state, constraints)
        if self.monitor.generation == NEWER:
            for entry in document["features"]:
                column = state.columns.items.get(entry["name"], Column())
                statistics_of(entry)["common"] |= since_2024(column, state.rows)
        return document

    def violations(self, findings: Sequence[Finding], state: Table) -> Document:
        document = super().violations(findings, state)
        for entry in document["violations"]:
            entry |= by_number(entry)
        return document

    def informed(self, statistics: Document | None) -> DataQuality | None:
        if self.monitor.generation is not None:
            return None
        newer = any("completeness" in statistics_of(f).get("common", {}) for f in features_of(statistics))
        return replace(self.monitor, generation=NEWER) if newer else None


def since_2024(column: Column, rows: int) -> Document:
    """What newer containers say of each column, beside how many values are present."""
    completeness = column.present / rows if rows else 1.0
    return {"completeness": completeness, "approximate_num_distinct_values": round(different_values(column))}


def different_values(column: Column) -> float:
    """About how many different values a column has. Numbers beyond those counted are estimated from the items of their
    sketch (Chao 1984, "Nonparametric estimation of the number of classes in a population")."""
    if not column.numerals.rest:
        return column.distinct_count
    _, counts = np.unique(np.concatenate(list(column.quantiles.items())), return_counts=True)
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    unseen = once * (once - 1) / (2 * (twice + 1)) if once < len(counts) else math.inf
    words = column.distinct.estimate if column.words.rest else len(column.words.values)
    return words + min(len(counts) + unseen, column.numbers.n)


def by_number(entry: Document) -> Document:
    """What SageMaker says where the number of columns is another one: their number, and no name."""
    what = {MISSING_COLUMN: "missing", EXTRA_COLUMN: "extra"}.get(entry["constraint_check_type"])
    if what is None:
        return {}
    _, numbers, rest = entry["description"].rpartition("Number of columns in current dataset")
    return {
        "feature_name": f"{what.capitalize()} columns",
        "description": f"There are {what} columns in current dataset. {numbers}{rest}",
    }


def feature(name: str, column: Column, missing: int, kind: str | None = None, counted: bool = False) -> Document:
    """One entry of ``statistics.json``; a column without values is Unknown, with empty string statistics. Odd values
    in a column of a numeric ``kind`` (None: its own) are present, and in none of its numbers. ``counted``: few
    different numbers are written with their counts, beside the sketch that summarises them."""
    common = {"num_present": column.present, "num_missing": missing}
    kind = kind or column.inferred_type
    head = {"name": name, "inferred_type": kind}
    if kind in NUMERIC and column.numbers.n:
        numbers: Document = {"common": common} | numerical(column.numbers, column.quantiles)
        if counted and (rows := counted_numbers(column)):
            values = sorted(rows)
            numbers["distribution"]["counted"] = {"values": values, "counts": [rows[value] for value in values]}
        return head | {"numerical_statistics": numbers}
    listed = [{"value": value, "count": n} for value, n in column.values.most_frequent(LISTED_CATEGORIES)]
    distribution = {"categorical": {"buckets": listed}}
    counts = {"common": common, "distinct_count": column.distinct_count, "distribution": distribution}
    return head | {"string_statistics": counts}


def numerical(moments: Moments, quantiles: Quantiles) -> Document:
    """A sum, mean or standard deviation that is too large for a double is null."""
    sketch = {"parameters": {"c": C, "k": float(K)}, "data": [level.tolist() for level in quantiles.items()]}
    listed = buckets(moments.least, moments.most, Numbers.of(quantiles))
    return {
        "mean": moments.mean,
        "sum": number(moments.total),
        "std_dev": moments.std_dev,
        "min": moments.minimum,
        "max": moments.maximum,
        "distribution": {"kll": {"buckets": listed, "sketch": sketch}},
    }


def buckets(least: float, most: float, numbers: Numbers) -> list[Document]:
    """Ten bins of equal width, each with the weight of its items; the last one includes its upper bound."""
    steps = np.arange(BUCKETS + 1)
    if math.isfinite((most - least) * BUCKETS):
        bounds = least + (most - least) * steps / BUCKETS
    else:
        bounds = (1 - steps / BUCKETS) * least + steps / BUCKETS * most
    below = np.concatenate([[0], np.cumsum(numbers.weights)])
    cumulative = below[np.searchsorted(numbers.values, bounds, side="left")]
    cumulative[-1] = below[np.searchsorted(numbers.values, bounds[-1], side="right")]
    return [
        {"lower_bound": float(low), "upper_bound": float(high), "count": float(count)}
        for low, high, count in zip(bounds[:-1], bounds[1:], np.diff(cumulative), strict=True)
    ]


def expected_feature(e: Expectation, rules: Rules) -> Document:
    """One entry of ``constraints.json``."""
    entry: Document = {"name": e.name, "inferred_type": e.inferred_type}
    if e.completeness is not None:
        entry["completeness"] = e.completeness
    if e.inferred_type in NUMERIC:
        entry["num_constraints"] = {"is_non_negative": e.is_non_negative}
    if e.domain is not None:
        entry["string_constraints"] = {"domains": list(e.domain)}
    if e.rules != rules:
        entry["monitoringConfigOverrides"] = {"datatype_check_threshold": e.rules.datatype_threshold}
    return entry


def monitoring_config(rules: Rules) -> Document:
    return {
        "evaluate_constraints": switch(rules.evaluate),
        "emit_metrics": "Enabled",
        "datatype_check_threshold": rules.datatype_threshold,
        "domain_content_threshold": rules.domain_threshold,
        "distribution_constraints": {
            "perform_comparison": switch(rules.compare),
            "comparison_threshold": rules.numeric_threshold,
            "comparison_method": "Robust" if rules.robust else "Simple",
            "categorical_comparison_threshold": rules.categorical_threshold,
            "categorical_drift_method": rules.categorical_method,
        },
    }


def switch(on: bool) -> str:
    return "Enabled" if on else "Disabled"
