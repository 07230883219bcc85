"""The files of data quality, as SageMaker Model Monitor writes them.

Formats: docs/sagemaker-formats.md, "Data quality files" and "Data quality checks"; open points: docs/compatibility.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from model_monitor.core.constraints import Constraint, Finding
from model_monitor.core.distributions import Categories, Distribution, Numbers
from model_monitor.core.measures import Share
from model_monitor.core.states import Counts, Moments, Quantiles
from model_monitor.core.states.quantiles import C, K
from model_monitor.errors import ConfigError
from model_monitor.monitors.columns import NUMERIC, STRING, UNKNOWN, Column
from model_monitor.monitors.data_quality import DataQuality, Expectation, Rules, Table, domain
from model_monitor.results.documents.protocol import Document, Documents, number
from model_monitor.results.documents.words import violation

BUCKETS = 10
LISTED_CATEGORIES = 1000  # deequ's histogram lists as many

OVERRIDES = ("monitoringConfigOverrides", "monitoring_config_overrides", "monitoringConfig", "monitoring_config")


@dataclass(frozen=True)
class DataQualityDocuments(Documents[Table]):
    """The files of a data-quality monitor."""

    monitor: DataQuality

    def statistics(self, state: Table, constraints: Sequence[Constraint] = ()) -> Document:
        features = [feature(name, column, state.missing(name)) for name, column in state.columns.items.items()]
        expected = {c.subject.column for c in constraints if c.subject.column is not None}
        absent = sorted(expected - state.columns.items.keys())
        features += [feature(name, Column(), state.rows) for name in absent]
        return {"version": 0.0, "dataset": {"item_count": state.rows}, "features": features}

    def suggested(self, state: Table) -> Document:
        rules = self.monitor.rules
        return {
            "version": 0.0,
            "features": [expected_feature(e, rules) for e in self.monitor.expectations(state)],
            "monitoring_config": monitoring_config(rules),
        }

    def constraints(self, statistics: Document | None, constraints: Document | None) -> list[Constraint]:
        if "monitoring_config" in (statistics or {}) or "dataset" in (constraints or {}):
            raise ConfigError("statistics.json and constraints.json are swapped")
        by_name = {f["name"]: f for f in features_of(statistics)}
        config = (constraints or {}).get("monitoring_config", {})
        if not isinstance(config, dict):
            raise ConfigError("'monitoring_config' must be an object")
        rules = rules_of(config, self.monitor.rules)
        expected = []
        for f in by_name.values() if constraints is None else features_of(constraints):
            try:
                own = learned(f, rules) if constraints is None else expectation(f, by_name.get(f["name"]), rules)
            except (TypeError, AttributeError, KeyError, ValueError) as error:
                raise ConfigError(f"feature '{f['name']}' can't be read: {error!r}") from error
            expected.append(own)
        if not expected:
            raise ConfigError("no 'features': nothing would be judged")
        return list(self.monitor.constraints(expected))

    def violations(self, findings: Sequence[Finding], state: Table) -> Document:
        violated = [finding for finding in findings if finding.outcome == "violated"]
        return {"violations": [violation(finding, list(state.columns.items)) for finding in violated]}

    def column_names(self, statistics: Document | None, constraints: Document | None) -> list[str]:
        return [f["name"] for f in features_of(constraints if constraints is not None else statistics)]


class SageMakerDataQualityDocuments(DataQualityDocuments):
    """The same files; live columns take the baseline's names in its order, and no file counts labels."""

    reports_labels = False
    matches_by_position = True


def feature(name: str, column: Column, missing: int) -> Document:
    """One entry of ``statistics.json``; a column without values is Unknown, with empty string statistics."""
    common = {"num_present": column.present, "num_missing": missing}
    head = {"name": name, "inferred_type": column.inferred_type}
    if column.is_numeric:
        return head | {"numerical_statistics": {"common": common} | numerical(column.numbers, column.quantiles)}
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


def features_of(document: Document | None) -> list[Document]:
    """The named features of either file. Raises ConfigError."""
    features = (document or {}).get("features", [])
    if not isinstance(features, list) or not all(
        isinstance(f, Mapping) and isinstance(f.get("name"), str) for f in features
    ):
        raise ConfigError("'features' must be a list of objects with a text as 'name' each")
    return features


def expectation(f: Document, statistics: Document | None, rules: Rules) -> Expectation:
    """A column's entry of ``constraints.json``, with its statistics, if any."""
    domains = f.get("string_constraints", {}).get("domains")
    completeness = share(f, "completeness")
    own = present_in(statistics or {})
    return Expectation(
        f["name"],
        type_in(f),
        completeness,
        own if own.value is not None and completeness is not None and math.isclose(own.value, completeness) else None,
        bool(f.get("num_constraints", {}).get("is_non_negative", False)),
        None if domains is None else texts(domains),
        spread_of(statistics) if statistics else None,
        rules_of(overrides_of(f), rules),
    )


def learned(f: Document, rules: Rules) -> Expectation:
    """The expectation that a column's statistics alone suggest."""
    present = present_in(f)
    spread, values = spread_of(f), None
    if isinstance(spread, Categories):
        values = domain(Column(Counts({STRING: present.inside}), words=Counts(spread.counts, spread.rest)))
    return Expectation(
        f["name"],
        type_in(f),
        present.value,
        present,
        statistics_of(f).get("min", -1) >= 0,
        values,
        spread,
        rules,
    )


def type_in(f: Document) -> str:
    """The type of a column's values, also one that no column of ours has. Raises ConfigError if it is no text."""
    inferred_type = f.get("inferred_type", UNKNOWN)
    if not isinstance(inferred_type, str):
        raise ConfigError(f"'inferred_type' of {f['name']!r} must be a text, such as Integral")
    return inferred_type


def statistics_of(f: Document) -> Document:
    return f.get("numerical_statistics") or f.get("string_statistics") or {}


def present_in(f: Document) -> Share:
    """How many of a column's rows have a value, of no rows where ``statistics.json`` does not say."""
    common = statistics_of(f).get("common", {})
    present = int(common.get("num_present", 0))
    return Share(present, present + int(common.get("num_missing", 0)))


def spread_of(f: Document) -> Distribution | None:
    """A column's distribution from ``statistics.json``; None where it holds none."""
    distribution = statistics_of(f).get("distribution", {})
    common = statistics_of(f).get("common", {})
    if "kll" in distribution and "sketch" in distribution["kll"]:
        numbers = Numbers.of(Quantiles.of_levels(distribution["kll"]["sketch"]["data"]))
        return numbers if numbers.n else None
    if "categorical" in distribution:
        counts = {bucket["value"]: int(bucket["count"]) for bucket in distribution["categorical"]["buckets"]}
        rest = max(0, int(common.get("num_present", 0)) - sum(counts.values()))
        return Categories(counts, rest, int(common.get("num_missing", 0))) if counts or rest else None
    return None


def overrides_of(f: Document) -> Document:
    """A column's own rules, from each of the places where files in the wild have them."""
    merged: Document = {}
    for place in (f.get("string_constraints", {}), f.get("num_constraints", {}), f):
        for key in OVERRIDES:
            merged |= place.get(key, {})
    return merged


def rules_of(config: Document, defaults: Rules) -> Rules:
    """The defaults, replaced by what a ``monitoring_config`` or an override sets; unknown keys are ignored. Raises
    ConfigError."""
    comparison = config.get("distribution_constraints", {})
    if not isinstance(comparison, dict):
        raise ConfigError("'distribution_constraints' must be an object")
    settings: dict[str, Any] = {
        "evaluate": enabled(config, "evaluate_constraints"),
        "compare": enabled(comparison, "perform_comparison"),
        "datatype_threshold": share(config, "datatype_check_threshold"),
        "domain_threshold": share(config, "domain_content_threshold"),
        "numeric_threshold": share(comparison, "comparison_threshold"),
        "categorical_threshold": share(comparison, "categorical_comparison_threshold"),
        "categorical_method": one_of(comparison, "categorical_drift_method", "LInfinity", "ChiSquared"),
    }
    if settings["categorical_threshold"] is None:
        settings["categorical_threshold"] = settings["numeric_threshold"]
    method = one_of(comparison, "comparison_method", "Robust", "Simple")
    settings["robust"] = None if method is None else method == "Robust"
    return replace(defaults, **{key: value for key, value in settings.items() if value is not None})


def texts(values: Any) -> tuple[str, ...]:
    """The texts of a list. Raises ValueError for anything else."""
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError("'domains' is a list of texts")
    return tuple(values)


def enabled(config: Document, key: str) -> bool | None:
    word = one_of(config, key, "Enabled", "Disabled")
    return None if word is None else word == "Enabled"


def one_of(config: Document, key: str, *words: str) -> str | None:
    """The word that a key holds, in any case; None if it is absent. Raises ConfigError for another."""
    if (value := config.get(key)) is None:
        return None
    for word in words:
        if str(value).lower() == word.lower():
            return word
    raise ConfigError(f"{key} is {' or '.join(words)}, not {value!r}")


def share(config: Document, key: str) -> float | None:
    """The number from 0 to 1 that a key holds; None if it is absent. Raises ConfigError for anything else."""
    if (value := config.get(key)) is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 1:
        raise ConfigError(f"{key} is a number from 0 to 1, not {value!r}")
    return number
