"""SageMaker's files, read and written: formats, tolerance and literal messages."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.core.distributions import Numbers
from model_monitor.core.evaluation import evaluate
from model_monitor.core.states import Quantiles
from model_monitor.errors import ConfigError
from model_monitor.monitors.data_quality import DataQuality, Rules
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.data_quality import buckets
from model_monitor.results.documents.protocol import decode, encode

TABLE = pa.record_batch(
    {
        "prediction": ["0.9", "0.2", "0.7", "0.1", "0.4"],
        "age": ["34", "51", "29", "43", "29"],
        "income": ["1000.5", None, "2200.0", "1800.25", "950.0"],
        "city": ["paris", "lyon", "paris", "paris", "lyon"],
    }
)

# Worked out by hand from the rules of docs/sagemaker-formats.md, Data quality files.
COUNTS = {
    "prediction": [1, 1, 0, 1, 0, 0, 0, 1, 0, 1],
    "age": [2, 0, 1, 0, 0, 0, 1, 0, 0, 1],
    "income": [2, 0, 0, 0, 0, 0, 1, 0, 0, 1],
}
NUMBERS = {
    "prediction": (0.4600000000000001, 2.3000000000000003, 0.3006659275674582, 0.1, 0.9),
    "age": (37.2, 186.0, 8.588364221433556, 29.0, 51.0),
    "income": (1487.6875, 5950.75, 531.8702665770574, 950.0, 2200.0),
}
CONSTRAINTS = {
    "version": 0.0,
    "features": [
        {
            "name": "prediction",
            "inferred_type": "Fractional",
            "completeness": 1.0,
            "num_constraints": {"is_non_negative": True},
        },
        {"name": "age", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": True}},
        {
            "name": "income",
            "inferred_type": "Fractional",
            "completeness": 0.8,
            "num_constraints": {"is_non_negative": True},
        },
        {
            "name": "city",
            "inferred_type": "String",
            "completeness": 1.0,
            "string_constraints": {"domains": ["paris", "lyon"]},
        },
    ],
    "monitoring_config": {
        "evaluate_constraints": "Enabled",
        "emit_metrics": "Enabled",
        "datatype_check_threshold": 1.0,
        "domain_content_threshold": 1.0,
        "distribution_constraints": {
            "perform_comparison": "Enabled",
            "comparison_threshold": 0.0,
            "comparison_method": "Robust",
            "categorical_comparison_threshold": 0.0,
            "categorical_drift_method": "LInfinity",
        },
    },
}


@pytest.fixture
def documents():
    return documents_of(DataQuality())


def test_the_worked_example_has_its_statistics(documents) -> None:
    written = documents.statistics(DataQuality().observe(TABLE))
    assert written["dataset"] == {"item_count": 5}
    features = {f["name"]: f for f in written["features"]}
    for name, expected in NUMBERS.items():
        found = features[name]["numerical_statistics"]
        for key, value in zip(("mean", "sum", "std_dev", "min", "max"), expected, strict=True):
            assert found[key] == pytest.approx(value, rel=1e-15)
        kll = found["distribution"]["kll"]
        assert [b["count"] for b in kll["buckets"]] == COUNTS[name]
        assert kll["sketch"]["parameters"] == {"c": 0.64, "k": 2048.0}
        assert kll["sketch"]["data"] == [[float(v) for v in TABLE.column(name).to_pylist() if v is not None]]
    assert features["income"]["numerical_statistics"]["common"] == {"num_present": 4, "num_missing": 1}
    assert features["city"] == {
        "name": "city",
        "inferred_type": "String",
        "string_statistics": {
            "common": {"num_present": 5, "num_missing": 0},
            "distinct_count": 2.0,
            "distribution": {
                "categorical": {"buckets": [{"value": "paris", "count": 3}, {"value": "lyon", "count": 2}]}
            },
        },
    }


def test_the_worked_example_has_its_constraints(documents) -> None:
    assert documents.suggested(DataQuality().observe(TABLE)) == CONSTRAINTS


def test_files_are_json_with_numbers_as_doubles(documents) -> None:
    text = encode(documents.statistics(DataQuality().observe(TABLE))).decode()
    assert '"version": 0.0' in text
    assert '"k": 2048.0' in text
    assert '"min": 29.0' in text
    assert json.loads(text)["dataset"]["item_count"] == 5


@given(st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=200))
def test_buckets_are_numpys_histogram_over_the_same_bounds(values: list[float]) -> None:
    found = buckets(min(values), max(values), Numbers.of(Quantiles.of(np.array(values))))
    bounds = [b["lower_bound"] for b in found] + [found[-1]["upper_bound"]]
    if min(values) == max(values):
        assert [b["count"] for b in found] == [0.0] * 9 + [float(len(values))]
    elif bounds[-1] == max(values):
        assert [b["count"] for b in found] == np.histogram(values, bounds)[0].tolist()


def test_an_unknown_column_is_written_so_that_readers_survive_it(documents) -> None:
    written = documents.statistics(DataQuality().observe(pa.record_batch({"a": pa.nulls(3, pa.string())})))
    assert written["features"][0]["inferred_type"] == "Unknown"
    assert written["features"][0]["string_statistics"]["common"] == {"num_present": 0, "num_missing": 3}


def test_what_was_suggested_reads_back_as_the_same_constraints(documents) -> None:
    monitor = DataQuality()
    state = monitor.observe(TABLE)
    read = documents.constraints(documents.statistics(state), decode(encode(documents.suggested(state)), "c"))
    own = list(monitor.suggest(state))
    assert [(c.check, c.subject, c.measure) for c in read] == [(c.check, c.subject, c.measure) for c in own]
    found = [f.observed for f in evaluate(read, monitor.measure(state))]
    assert found == [f.observed for f in evaluate(own, monitor.measure(state))]


SPELLINGS = [
    lambda f, o: f | {"monitoringConfigOverrides": o},
    lambda f, o: f | {"monitoring_config_overrides": o},
    lambda f, o: f | {"string_constraints": {"monitoring_config_overrides": o}},
    lambda f, o: f | {"string_constraints": {"monitoringConfigOverrides": o}},
    lambda f, o: f | {"num_constraints": {"monitoringConfigOverrides": o}},
]


@pytest.mark.parametrize("spelt", SPELLINGS)
def test_overrides_are_understood_in_every_spelling(documents, spelt) -> None:
    feature = {"name": "a", "inferred_type": "String", "completeness": 1.0}
    live = DataQuality().observe(pa.record_batch({"a": [None, "x"]}))

    def violated(constraints: dict) -> int:
        found = evaluate(documents.constraints(None, constraints), DataQuality().measure(live))
        return sum(f.outcome == "violated" for f in found)

    assert violated({"features": [feature]}) == 1
    assert violated({"features": [spelt(feature, {"evaluate_constraints": "Disabled"})]}) == 0


def test_thresholds_may_be_written_scientifically_and_the_version_be_absent(documents) -> None:
    text = (
        b'{"features": [{"name": "a", "completeness": 5E-1}], "monitoring_config": {"datatype_check_threshold": 1e0}}'
    )
    live = DataQuality().observe(pa.record_batch({"a": [None, None, "1"]}))
    found = evaluate(documents.constraints(None, decode(text, "c")), DataQuality().measure(live))
    assert [f.constraint.bound.low for f in found if f.constraint.check == "completeness_check"] == [0.5]


def test_unknown_keys_and_whole_numbers_for_doubles_are_read_past(documents) -> None:
    state = DataQuality().observe(TABLE)
    plain = documents.statistics(state), documents.suggested(state)
    odd = [
        json.loads(encode(d).decode().replace('"version": 0.0', '"version": 0, "made_by": {"x": [1]}')) for d in plain
    ]
    for document in odd:
        document["features"][0] |= {"enable_comparisons": True, "min_domain_mass": 1}
    odd[1]["monitoring_config"]["distribution_constraints"]["new_key"] = "x"
    found = [evaluate(documents.constraints(*pair), DataQuality().measure(state)) for pair in (plain, odd)]
    assert [(f.outcome, f.observed) for f in found[0]] == [(f.outcome, f.observed) for f in found[1]]


def test_disabled_comparison_skips_drift_alone(documents) -> None:
    state = DataQuality().observe(TABLE)
    constraints = documents.suggested(state)
    constraints["monitoring_config"]["distribution_constraints"]["perform_comparison"] = "Disabled"
    checks = {c.check for c in documents.constraints(documents.statistics(state), constraints)}
    assert "baseline_drift_check" not in checks
    assert "data_type_check" in checks


def test_statistics_alone_are_a_baseline_too(documents) -> None:
    state = DataQuality().observe(TABLE)
    alone = documents.constraints(documents.statistics(state), None)
    assert [(c.check, c.subject) for c in alone] == [(c.check, c.subject) for c in DataQuality().suggest(state)]


WRONG = [
    {"features": {"a": 1}},
    {"features": [{"inferred_type": "String"}]},
    {"features": [{"name": "a", "inferred_type": ["String"]}]},
    {"features": [{"name": "a", "inferred_type": None}]},
    {"features": [], "monitoring_config": {"evaluate_constraints": "perhaps"}},
    {"features": [], "monitoring_config": {"datatype_check_threshold": 7}},
    {"features": [], "monitoring_config": {"distribution_constraints": {"comparison_method": "KS"}}},
]


@pytest.mark.parametrize("constraints", WRONG)
def test_a_file_that_makes_no_sense_is_refused(documents, constraints: dict) -> None:
    with pytest.raises(ConfigError):
        documents.constraints(None, constraints)


def violations(monitor: DataQuality, before: dict, after: dict) -> list[dict[str, str]]:
    base, live = monitor.observe(pa.record_batch(before)), monitor.observe(pa.record_batch(after))
    found = evaluate(monitor.suggest(base), monitor.measure(live))
    return documents_of(monitor).violations(found, live)["violations"]


def test_messages_are_sagemakers_to_the_letter() -> None:
    before = {"a": ["1"] * 50, "c": ["1", "2"] * 25}
    after = {"a": ["1"] * 1970 + ["1.5"] * 7, "c": ["1"] * 1915 + [None] * 62}
    type_check, completeness = violations(DataQuality(compatibility="sagemaker"), before, after)
    assert type_check == {
        "feature_name": "a",
        "constraint_check_type": "data_type_check",
        "description": "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
        "Observed: Only 99.64592817400101% of data is Integral.",
    }
    assert completeness["description"].startswith(
        "Data completeness requirement is not met. Expected: 100.0%. Observed:"
    )
    [short] = violations(DataQuality(), {"c": ["1", "2"] * 250}, {"c": ["1", "2"] * 155 + [None] * 10})
    assert short["description"] == (
        "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 96.875%."
    )


def test_parsers_in_the_wild_understand_our_messages() -> None:
    drift = violations(DataQuality(), {"a": [str(i) for i in range(900)]}, {"a": [str(i + 400) for i in range(900)]})
    described = drift[0]["description"]
    distance, threshold = re.search(r"distance: (.+) exceeds threshold: (.+)", described).groups()
    assert float(distance) == pytest.approx(400 / 900)
    assert 0.05 < float(threshold) < 0.15  # what chance alone reaches
    words = violations(DataQuality(), {"a": ["x", "y"] * 50}, {"a": ["x", "y", "z", "y"] * 50})
    value = re.search(r"Value: (.+) does not meet the constraint requirement!", words[0]["description"])
    assert float(value[1]) == 0.75


def test_a_p_value_is_not_mistaken_for_a_distance() -> None:
    monitor = DataQuality(rules=Rules(categorical_method="ChiSquared"))
    [found] = violations(monitor, {"a": ["x", "y"] * 500}, {"a": ["x"] * 90 + ["y"] * 10})
    assert "p-value" in found["description"]
    assert "exceeds threshold" not in found["description"]


def test_column_counts_are_told_once_with_all_names() -> None:
    one = ["1"] * 50
    missing, extra = violations(DataQuality(), {"a": one, "b": one, "c": one}, {"a": one, "d": one})
    assert (missing["feature_name"], missing["constraint_check_type"]) == ("b", "missing_column_check")
    assert missing["description"] == (
        "Missing columns: b, c. Number of columns in current dataset: 2, Number of columns in baseline constraints: 3"
    )
    assert (extra["feature_name"], extra["constraint_check_type"]) == ("d", "extra_column_check")


def test_a_missing_column_is_listed_in_the_runs_statistics() -> None:
    monitor = DataQuality()
    base = monitor.observe(pa.record_batch({"a": ["1"], "b": ["2"]}))
    live = monitor.observe(pa.record_batch({"a": ["1"]}))
    written = documents_of(monitor).statistics(live, list(monitor.suggest(base)))
    assert [(f["name"], f["inferred_type"]) for f in written["features"]] == [("a", "Integral"), ("b", "Unknown")]
