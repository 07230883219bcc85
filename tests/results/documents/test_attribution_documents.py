"""The file of feature attributions as SageMaker writes it: members, order and literal messages; and back again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.core.constraints import Between, Finding, Unlearned
from model_monitor.core.evaluation import evaluate
from model_monitor.errors import ConfigError
from model_monitor.monitors.attribution import DRIFT, Attribution
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.attribution import AttributionDocuments
from model_monitor.results.documents.protocol import decode, encode

MODES = ["calibrated", "sagemaker"]
FEATURES = ["Age", "Workclass", "Education", "Sex", "Country"]
SIZES = [0.5, 0.2, 0.1, 0.05, 0.01]
DOCUMENTED = {  # the documentation's example
    "version": "1.0",
    "explanations": {
        "kernel_shap": {
            "label0": {
                "global_shap_values": {"Age": 0.05966147427879835, "Workclass": 0.00912397024204763},
                "expected_value": 0.250623226165771,
            }
        }
    },
}


def documents(compatibility: str = "calibrated", **more: Any) -> AttributionDocuments:
    return documents_of(Attribution(compatibility=compatibility, **({"resamples": 100} | more)))


def rows(sizes: list[float] = SIZES, n: int = 200, seed: int = 0, labels: int = 1) -> pa.RecordBatch:
    """Attributions of some sizes, of the same features for each label."""
    r = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for label in (f"label{i}" for i in range(labels)):
        columns |= {f"{label}|{name}": r.normal(0, size, n) for name, size in zip(FEATURES, sizes, strict=True)}
        columns[f"@expected|{label}"] = np.full(n, 0.25)
    return pa.record_batch({name: pa.array(values) for name, values in columns.items()})


def written(of: AttributionDocuments, batch: pa.RecordBatch, *asked: Any) -> dict[str, Any]:
    """The file of some rows, as it is after writing and reading."""
    return decode(encode(of.statistics(of.monitor.observe(batch), *asked)), "analysis.json")


def test_sagemakers_mode_has_its_members_only() -> None:
    document = written(documents("sagemaker"), rows(labels=2))
    assert list(document) == ["version", "explanations"]
    assert document["version"] == "1.0"
    assert list(document["explanations"]) == ["kernel_shap"]
    assert list(document["explanations"]["kernel_shap"]) == ["label0", "label1"]
    for label in document["explanations"]["kernel_shap"].values():
        assert list(label) == ["global_shap_values", "expected_value"]
        assert list(label["global_shap_values"]) == FEATURES
        assert label["expected_value"] == 0.25


def test_global_values_are_means_of_absolute_ones() -> None:
    batch = rows()
    document = written(documents("sagemaker"), batch)
    values = document["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    expected = {name: np.abs(batch.column(f"label0|{name}").to_numpy()).mean() for name in FEATURES}
    assert values == pytest.approx(expected, rel=1e-12)


def test_the_calibrated_mode_says_how_sure_it_is_behind_sagemakers_members() -> None:
    document = written(documents(agg_method="mean_sq"), rows(n=100))
    assert list(document) == ["version", "explanations", "agg_method", "item_count"]
    assert document["agg_method"] == "mean_sq"
    assert document["item_count"] == 100
    label = document["explanations"]["kernel_shap"]["label0"]
    assert list(label) == ["global_shap_values", "expected_value", "standard_errors"]
    assert list(label["standard_errors"]) == FEATURES


def test_a_window_tells_how_far_it_is_from_the_baseline_and_what_moved() -> None:
    of = documents()
    asked = of.constraints(None, written(of, rows()))
    drift = written(of, rows(SIZES[::-1], seed=1), asked)["explanations"]["kernel_shap"]["label0"]["drift"]
    assert list(drift) == ["ndcg", "interval", "moved"]
    assert drift["interval"][0] <= drift["ndcg"] <= drift["interval"][1]
    assert drift["ndcg"] < 0.7
    first = drift["moved"][0]
    assert list(first) == ["feature", "rank_before", "rank_now", "value_before", "value_now"]
    assert (first["feature"], first["rank_before"], first["rank_now"]) == ("Age", 1, 5)
    same = written(of, rows(), asked)["explanations"]["kernel_shap"]["label0"]["drift"]
    assert (same["ndcg"], same["moved"]) == (1.0, [])


@pytest.mark.parametrize("mode", MODES)
def test_a_label_that_only_the_baseline_has_is_listed_without_values(mode: str) -> None:
    of = documents(mode)
    asked = of.constraints(written(of, rows(labels=2)), None)
    labels = written(of, rows(), asked)["explanations"]["kernel_shap"]
    assert labels["label1"] == {"global_shap_values": {}, "expected_value": None}
    assert of.statistics(of.monitor.empty)["explanations"] == {"kernel_shap": {}}


@pytest.mark.parametrize("mode", MODES)
def test_the_documentations_example_is_a_baseline(mode: str) -> None:
    [constraint] = documents(mode).constraints(None, DOCUMENTED)
    assert (constraint.check, constraint.subject.column) == ("feature_attribution_drift_check", "label0")
    assert constraint.bound.threshold == 0.9
    assert dict(zip(constraint.bound.to.names, constraint.bound.to.values, strict=True)) == {
        "Age": 0.05966147427879835,
        "Workclass": 0.00912397024204763,
    }
    assert constraint.bound.to.covariance is None


@given(
    st.lists(st.floats(0, 1e3, allow_subnormal=False), min_size=5, max_size=5),
    st.integers(1, 40),
    st.integers(1, 2),
    st.sampled_from(MODES),
    st.sampled_from(["mean_abs", "median", "mean_sq"]),
)
def test_what_was_written_is_asked_as_it_was_learned(
    sizes: list[float], n: int, labels: int, mode: str, agg_method: str
) -> None:
    of = documents(mode, agg_method=agg_method)
    state = of.monitor.observe(rows(sizes, n, labels=labels))
    read = of.constraints(None, decode(encode(of.suggested(state)), ""))
    learned = list(of.monitor.suggest(state))
    assert [told(c, mode) for c in read] == [told(c, mode) for c in learned]
    assert [told(c, mode) for c in of.constraints(written(of, rows(sizes, n, labels=labels)), None)] == [
        told(c, mode) for c in read
    ]


def told(constraint: Any, mode: str) -> Any:
    """A constraint as plain data; SageMaker's file does not tell errors."""
    if isinstance(constraint.bound, Unlearned | Between):
        return constraint
    to = constraint.bound.to
    errors = None if to.covariance is None or mode == "sagemaker" else to.covariance.tolist()
    rest = replace(constraint, bound=None)
    return rest, constraint.bound.threshold, constraint.bound.level, to.names, to.values.tolist(), errors


@pytest.mark.parametrize(
    ("score", "label"), [(0.7639720923277322, "label0"), (0.7323763972092327, "label1")]
)  # violations that AWS published
def test_messages_are_sagemakers_to_the_letter(score: float, label: str) -> None:
    of = documents("sagemaker")
    baseline = {"explanations": {"kernel_shap": {label: {"global_shap_values": {"Age": 1.0, "Sex": 0.5}}}}}
    [constraint] = of.constraints(None, baseline)
    assert of.violations([Finding(constraint, "violated", score)], of.monitor.observe(rows(labels=2))) == {
        "version": "1.0",
        "violations": [
            {
                "label": label,
                "metric_name": "shap",
                "constraint_check_type": "feature_attribution_drift_check",
                "description": f"Feature attribution drift {score} exceeds threshold 0.9",
            }
        ],
    }


def test_the_calibrated_mode_says_it_truly_and_what_moved() -> None:
    of = documents()
    asked = of.constraints(None, written(of, rows()))
    live = of.monitor.observe(rows(SIZES[::-1], seed=1))
    findings = evaluate(asked, of.monitor.measure(live))
    [found] = of.violations(findings, live)["violations"]
    assert (found["label"], found["metric_name"], found["constraint_check_type"]) == ("label0", "shap", DRIFT)
    words, _, moved = found["description"].partition("; moved: ")
    score, low, high = (float(word) for word in words.replace("(", "").split() if word[:2] == "0." and word != "0.9")
    assert words == (
        f"Feature attribution drift {findings[0].observed!r} is below threshold 0.9 ({low} to {high} by chance)"
    )
    assert low <= score <= high < 0.9
    assert moved == "Age 1 -> 5, Country 5 -> 1, Workclass 2 -> 4, Sex 4 -> 2"


def test_only_the_features_that_moved_furthest_are_told() -> None:
    of = documents()
    names = [f"f{i}" for i in range(9)]
    values = {name: 9.0 - i for i, name in enumerate(names)}
    [constraint] = of.constraints(None, {"explanations": {"kernel_shap": {"y": {"global_shap_values": values}}}})
    columns = {f"y|{name}": [float(i), i + 0.5] for i, name in enumerate(["new", *names])}
    live = of.monitor.observe(pa.record_batch(columns | {"@expected|y": [0.0, 0.0]}))
    [found] = of.violations([Finding(constraint, "violated", 0.5)], live)["violations"]
    shown = found["description"].partition("; moved: ")[2]
    assert shown.startswith("new new -> 10, ")
    assert shown.endswith(" and 4 more")
    assert shown.count("->") == 5


@pytest.mark.parametrize("mode", MODES)
def test_without_violations_the_list_is_empty(mode: str) -> None:
    of = documents(mode)
    state = of.monitor.observe(rows())
    findings = evaluate(of.constraints(None, written(of, rows())), of.monitor.measure(state))
    assert {finding.outcome for finding in findings} == {"holds"}
    assert of.violations(findings, state) == {"version": "1.0", "violations": []}


def test_rows_set_aside_are_told() -> None:
    batch = rows()
    age = pa.array([float("nan"), *batch.column(0).to_pylist()[1:]])
    of = documents()
    state = of.monitor.observe(batch.set_column(0, "label0|Age", age))
    document = of.statistics(state)
    assert document["item_count"] == 199
    assert {entry["reason"]: entry["rows"] for entry in document["unusable"]} == of.monitor.unusable(state)
    assert sum(of.monitor.unusable(state).values()) == 1


def test_a_file_of_another_monitor_is_told_by_its_kind() -> None:
    with pytest.raises(ConfigError) as error:
        documents().constraints(None, {"version": "1.0", "pre_training_bias_metrics": {}})
    assert str(error.value) == (
        "attribution needs an analysis.json with 'explanations', and this is the analysis.json of bias; "
        "correct the address, or make the baseline again"
    )


def label(**entry: Any) -> dict[str, Any]:
    return {"explanations": {"kernel_shap": {"y": {"global_shap_values": {"Age": 1.0, "Sex": 0.5}} | entry}}}


WRONG = [
    ({"explanations": []}, "'explanations' must be an object, not []"),
    ({"explanations": {"pdp": []}}, "'explanations': 'kernel_shap' must be an object, not None"),
    ({"explanations": {"kernel_shap": {"y": 1}}}, "label 'y' must be an object, not 1"),
    ({"explanations": {"kernel_shap": {}}}, "nothing would be judged: no label has the value of a feature"),
    (label(global_shap_values={}), "nothing would be judged: no label has the value of a feature"),
    (label(global_shap_values=None), "label 'y': 'global_shap_values' must be an object, not None"),
    (label(global_shap_values={"Age": "1"}), "label 'y': 'global_shap_values': 'Age' needs a number, not '1'"),
    (label(global_shap_values={"Age": None}), "label 'y': 'global_shap_values': 'Age' needs a number, not None"),
    (label(global_shap_values={"Age": "Infinity"}), "label 'y': 'global_shap_values': 'Age' needs a number, not"),
    (label(standard_errors=5), "label 'y': 'standard_errors' must be an object, not 5"),
    (label() | {"item_count": -1}, "the file: 'item_count' must be a whole number of rows, not -1"),
    (
        label() | {"agg_method": "median"},
        "the baseline was made with agg_method median, not mean_abs: correct the schedule's option, or make",
    ),
]


@pytest.mark.parametrize(("document", "message"), WRONG)
def test_a_file_that_makes_no_sense_is_refused_with_its_place(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        documents().constraints(None, document)
    assert str(error.value).startswith(message)


def test_errors_count_only_where_every_value_has_one() -> None:
    asked = {"item_count": 10}
    some, _ = documents().constraints(None, label(standard_errors={"Age": 0.1}) | asked)
    every, _ = documents().constraints(None, label(standard_errors={"Age": 0.1, "Sex": 0.2}) | asked)
    assert some.bound.to.covariance is None
    assert every.bound.to.covariance.tolist() == [[0.1**2, 0], [0, 0.2**2]]


def test_a_label_that_was_deleted_is_not_judged() -> None:
    of = documents()
    document = written(of, rows(labels=2))
    del document["explanations"]["kernel_shap"]["label0"]
    judged = [constraint.subject.column for constraint in of.constraints(None, document)]
    assert judged == ["label1", None]  # and how many rows can be used


def test_statistics_and_constraints_are_one_file() -> None:
    assert documents().statistics_name == documents().constraints_name == "analysis.json"
