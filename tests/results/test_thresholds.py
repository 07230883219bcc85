"""A form edits the thresholds of every monitor's constraints, and nothing else of the file."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from model_monitor.errors import ConfigError
from model_monitor.results.thresholds import thresholds_in, with_thresholds

DATA = {
    "version": 0.0,
    "features": [
        {"name": "<script>", "inferred_type": "String", "completeness": 1.0},
        {"name": "n", "inferred_type": "Integral", "monitoringConfigOverrides": {"datatype_check_threshold": 0.9}},
    ],
    "monitoring_config": {
        "evaluate_constraints": "Enabled",
        "datatype_check_threshold": 1.0,
        "domain_content_threshold": 0.99,
        "distribution_constraints": {"comparison_threshold": 0.1, "categorical_comparison_threshold": 0.2},
    },
}
AUC: dict[str, Any] = {"auc": {"threshold": 0.7, "comparison_operator": "LessThanThreshold"}}
QUALITY = {
    "version": 0.0,
    "binary_classification_constraints": AUC,
    "segments": [{"segment": {"origin": "EWR"}, "binary_classification_constraints": deepcopy(AUC)}],
}
METRICS = [{"name": "DI", "value": 2.5}, {"name": "FT", "value": None}, {"name": "RD", "value": "Infinity"}]
BIAS = {"post_training_bias_metrics": {"facets": {"sex": [{"value_or_threshold": "f", "metrics": METRICS}]}}}
PLAIN = {
    "constraints": [
        {"column": None, "measure": "failed", "segment": {}, "between": {"low": None, "high": 0.02}},
        {"column": "c", "measure": "spread", "segment": {"o": "x"}, "near": {"threshold": 0.1}},
    ]
}


@pytest.mark.parametrize(
    ("document", "names"),
    [
        (
            DATA,
            {
                "least share of values of the expected type": 1.0,
                "least share of values that the baseline knows": 0.99,
                "largest distance of numbers": 0.1,
                "largest distance of categories": 0.2,
                "<script>: least share of rows with a value": 1.0,
                "n: datatype_check_threshold": 0.9,
            },
        ),
        (QUALITY, {"auc at least": 0.7, "[origin=EWR] auc at least": 0.7}),
        (BIAS, {"sex = f: DI of the baseline": 2.5}),
        (PLAIN, {"failed at most": 0.02, "[o=x] c spread largest distance": 0.1}),
    ],
)
def test_each_threshold_has_a_name_and_can_be_set_alone(document: dict[str, Any], names: dict[str, float]) -> None:
    found = thresholds_in(document)
    assert {threshold.name: threshold.value for threshold in found} == names
    for threshold in found:
        edited = with_thresholds(document, {threshold.key: "0.123"})
        assert {t.name: t.value for t in thresholds_in(edited)} == names | {threshold.name: 0.123}
    assert with_thresholds(document, {threshold.key: str(threshold.value) for threshold in found}) == document


@pytest.mark.parametrize("text", ["", "much", "nan", "inf", "1e999"])
def test_what_is_no_number_is_refused_with_the_threshold_s_name(text: str) -> None:
    [threshold, _] = thresholds_in(QUALITY)
    with pytest.raises(ConfigError, match="is no number") as caught:
        with_thresholds(QUALITY, {threshold.key: text})
    assert str(caught.value).startswith("auc at least: ")


def test_a_place_that_is_no_threshold_is_refused() -> None:
    for key in ("[]", '["version"]', "nonsense", '["binary_classification_constraints"]'):
        with pytest.raises(ConfigError, match="changed meanwhile"):
            with_thresholds(QUALITY, {key: "1"})


@pytest.mark.parametrize("broken", [None, 1, "x", [1, None], {"a": 1}, {"a": {"b": [1]}}, [[{}]]])
@pytest.mark.parametrize(
    "member", ["features", "monitoring_config", "segments", "constraints", "x_constraints", "pre_training_bias_metrics"]
)
def test_a_file_that_a_person_broke_has_fewer_thresholds(member: str, broken: Any) -> None:
    assert thresholds_in({member: broken}) == []
    assert thresholds_in({"segments": [{member: broken}]}) == []
