"""Reading a baseline's pair of data-quality files: what each column is expected to be, and its rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from model_monitor.core.distributions import Categories, Distribution, Numbers
from model_monitor.core.measures import Share
from model_monitor.core.states import Counts, Quantiles
from model_monitor.errors import ConfigError
from model_monitor.monitors.columns import STRING, UNKNOWN, Column
from model_monitor.monitors.data_quality import Expectation, Rules, domain
from model_monitor.results.documents.protocol import Document

OVERRIDES = ("monitoringConfigOverrides", "monitoring_config_overrides", "monitoringConfig", "monitoring_config")


def expectations_in(statistics: Document | None, constraints: Document | None, defaults: Rules) -> list[Expectation]:
    """What the columns of a baseline are expected to be, by ``constraints.json`` or, without it, by their statistics.
    Raises ConfigError."""
    if "monitoring_config" in (statistics or {}) or "dataset" in (constraints or {}):
        raise ConfigError("statistics.json and constraints.json are swapped")
    by_name = {f["name"]: f for f in features_of(statistics)}
    config = (constraints or {}).get("monitoring_config", {})
    if not isinstance(config, dict):
        raise ConfigError("'monitoring_config' must be an object")
    rules = rules_of(config, defaults)
    expected = []
    for f in by_name.values() if constraints is None else features_of(constraints):
        try:
            own = learned(f, rules) if constraints is None else expectation(f, by_name.get(f["name"]), rules)
        except (TypeError, AttributeError, KeyError, ValueError) as error:
            raise ConfigError(f"feature '{f['name']}' can't be read: {error!r}") from error
        expected.append(own)
    if not expected:
        raise ConfigError("no 'features': nothing would be judged")
    return expected


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
    present, missing = int(common.get("num_present", 0)), common.get("num_missing")
    if missing is None and (complete := share(common, "completeness")):
        missing = round(present / complete) - present
    return Share(present, present + int(missing or 0))


def spread_of(f: Document) -> Distribution | None:
    """A column's distribution from ``statistics.json``; None where it holds none."""
    distribution = statistics_of(f).get("distribution", {})
    common = statistics_of(f).get("common", {})
    if "counted" in distribution:
        counted = distribution["counted"]
        return Numbers.counted(dict(zip(counted["values"], counted["counts"], strict=True)))
    if "kll" in distribution and "sketch" in distribution["kll"]:
        ends = statistics_of(f).get("min"), statistics_of(f).get("max")
        numbers = Numbers.of(Quantiles.of_levels(distribution["kll"]["sketch"]["data"]), *ends)
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


def emits(constraints: Document | None) -> bool:
    """SageMaker's switch ``emit_metrics`` of a ``constraints.json``; on where it does not say. Raises ConfigError."""
    config = (constraints or {}).get("monitoring_config", {})
    return not isinstance(config, dict) or enabled(config, "emit_metrics") is not False


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
