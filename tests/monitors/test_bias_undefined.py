"""Bad input has a stated outcome: no number, a reason that a person can act on, never green."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from model_monitor.core.constraints import Finding
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import EVERYTHING, Undefined
from model_monitor.core.states import dump
from model_monitor.errors import DataError
from model_monitor.monitors.bias import BIAS_DRIFT, COVERAGE, Bias, Entry, Facet

SEX = Facet("sex", values=("F",))
ORIGINAL_SKIPS: dict[str, set[str]] = {"calibrated": set(), "sagemaker": {"undefined"}}  # what a baseline lacks


def monitor(*facets: Facet, **more: Any) -> Bias:
    return Bias(facets or (SEX,), **({"inference_attribute": "p", "resamples": 100} | more))


def rows(n: int = 400, seed: int = 0, **columns: Any) -> pa.RecordBatch:
    r = np.random.default_rng(seed)
    data = {
        "p": r.integers(0, 2, n),
        "sex": r.choice(["F", "M"], n),
        "x": r.normal(size=n),
        "label": r.integers(0, 2, n),
    }
    return pa.record_batch(data | columns)


def only(some: Bias, batch: pa.RecordBatch) -> Entry:
    [entry] = some.entries(some.observe(batch))
    return entry


def reasons(entry: Entry) -> dict[str, str]:
    return {name: m.reason for name, m in entry.metrics.items() if isinstance(m, Undefined)}


def findings(some: Bias, before: pa.RecordBatch, after: pa.RecordBatch) -> list[Finding]:
    """The findings of metrics."""
    found = evaluate(some.suggest(some.observe(before)), some.measure(some.observe(after)))
    return [finding for finding in found if finding.constraint.check == BIAS_DRIFT]


@pytest.mark.parametrize("facet", [Facet("gender"), Facet(9), Facet(("sex", "gender"))])
def test_a_facet_that_is_not_there_names_the_columns_that_are(facet: Facet) -> None:
    with pytest.raises(DataError, match=r"the rows have no column '(gender|9)'.*p, sex, x, label"):
        monitor(facet).observe(rows())


@pytest.mark.parametrize("missing", [{"features": ("age",)}, {"group_variable": "age"}])
def test_so_does_a_feature_or_group_that_is_not_there(missing: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="no column 'age'"):
        monitor(**missing).observe(rows())


@pytest.mark.parametrize(("side", "word"), [("F", "all rows have"), ("M", "no row has")])
def test_a_facet_with_one_side_empty_has_no_metrics_but_entropy(side: str, word: str) -> None:
    found = reasons(only(monitor(group_variable="x"), rows(x=[1] * 400, sex=[side] * 400)))
    assert set(found) == {*only(monitor(), rows()).metrics} - {"GE"}
    assert found["DPL"] == found["CDDL"] == f"{word} the facet's value"


@pytest.mark.parametrize(
    ("side", "words"),
    [
        (
            "F",
            {
                "CI": "CI: negated facet set is empty. Check that x[~facet] has non-zero length.",
                "DPL": "Negative facet set is empty.",
                "DI": "Negated facet set is empty",
                "DCA": "DCO: Negated Facet set is empty",
                "FT": "Negated Facet set is empty",
                "KL": "No instance of common facet found, dataset may be too small",
            },
        ),
        (
            "M",
            {
                "CI": "CI: facet set is empty. Check that x[facet] has non-zero length.",
                "DPPL": "Facet set is empty.",
                "DI": "Facet set is empty",
                "SD": "DLA: Facet set is empty",
                "DRR": "DLR: Facet set is empty",
                "TE": "Facet set is empty",
                "AD": "Facet set is empty",
            },
        ),
    ],
)
def test_sagemaker_says_so_in_its_own_words(side: str, words: dict[str, str]) -> None:
    found = reasons(only(monitor(compatibility="sagemaker"), rows(sex=[side] * 400)))
    assert {name: found[name] for name in words} == words
    assert found["CDDL"] == "Group variable is empty or not provided"


def test_a_group_that_appears_only_now_is_measured_and_nothing_is_asked_of_it() -> None:
    some = monitor(Facet("sex"))
    now = rows(600, sex=np.array(["F", "M", "X"] * 200))
    assert [entry.value for entry in some.entries(some.observe(now))] == ["F", "M", "X"]
    assert {str(f.constraint.subject) for f in findings(some, rows(), now)} == {"sex = F", "sex = M"}


def test_a_group_that_is_gone_is_undefined() -> None:
    some = monitor(Facet("sex"))
    found = findings(some, rows(600, sex=np.array(["F", "M", "X"] * 200)), rows())
    assert {f.outcome for f in found if str(f.constraint.subject) == "sex = X"} == {"undefined"}


def test_without_a_positive_prediction_ours_says_what_is_missing() -> None:
    found = reasons(only(monitor(), rows(p=[0] * 400)))
    assert set(found) == {"CDDL", "CDDPL", "DAR", "DCA", "DI", "TE"}
    assert found["DI"] == "no row of the others is predicted positive"


def test_without_a_positive_prediction_sagemaker_reports_nothing_of_predictions() -> None:
    entry = only(monitor(compatibility="sagemaker"), rows(p=[0] * 400))
    assert all(isinstance(m, Undefined) and "No Label values are present" in m.reason for m in entry.post.values())
    assert isinstance(entry.pre["DPL"], float)


def test_a_continuous_facet_without_a_threshold() -> None:
    age = {"age": np.arange(400.0)}
    found = reasons(only(monitor(Facet("age")), rows(**age)))
    assert found["AD"].startswith("facet age has 400 different values, more than 100: give values or thresholds")
    assert len(found) == 21
    found = reasons(only(monitor(Facet("age"), compatibility="sagemaker"), rows(**age)))
    assert set(found.values()) == {"Threshold values must be provided for continuous features"}


@pytest.mark.parametrize("mode", ["calibrated", "sagemaker"])
def test_ten_thousand_facet_values_are_told_and_their_state_is_bounded(mode: Any) -> None:
    some = monitor(Facet("city"), compatibility=mode)
    batch = rows(40_000, city=np.array([f"city {i % 12_000}" for i in range(40_000)]))
    state = some.observe(batch)
    assert len(state.facets.items["0 city"].cells.values) == 10_000
    assert len(dump(state)) < 1_000_000
    assert set(reasons(only(some, batch)).values()) == {
        "facet city has too many values: more than 10,000 kinds of rows"
    }
    assert list(some.suggest(state)) == []
    other = monitor(Facet("city"), SEX, compatibility=mode)
    found = findings(other, batch, batch)
    assert {f.outcome for f in found if "city" in str(f.constraint.subject)} == ({"undefined"} - ORIGINAL_SKIPS[mode])


def test_too_many_groups_leave_the_other_metrics_as_they_are() -> None:
    batch = rows(20_000, group=np.arange(20_000))
    found = reasons(only(monitor(group_variable="group"), batch))
    assert set(found) == {"CDDL", "CDDPL"}
    assert "too many values" in found["CDDL"]


def test_too_few_rows_of_a_side_are_measured_but_not_judged() -> None:
    few = rows(sex=np.array(["F"] * 30 + ["M"] * 370))
    some = monitor()
    assert "DPL" not in reasons(only(some, few))
    judged = [f for f in findings(some, rows(), few) if f.constraint.measure == "DPL"]
    assert [(f.outcome, f.reason) for f in judged] == [
        ("undefined", "30 rows with sex = F are too few to judge; 20 more are needed")
    ]
    many = rows(sex=np.array(["F"] * 370 + ["M"] * 30))
    assert "30 rows without sex = F" in findings(some, rows(), many)[0].reason


def test_what_the_baseline_could_not_tell_is_undefined_unless_nobody_asked_for_it() -> None:
    some = monitor()
    found = {f.constraint.measure: f for f in findings(some, rows(p=[0] * 400), rows())}
    assert found["DI"].outcome == "undefined"
    assert found["DI"].reason == "the baseline has no DI: no row of the others is predicted positive"
    assert "CDDL" not in found and "CDDPL" not in found  # without group_variable there are none
    none = monitor(sample_rows=0)
    assert "FT" not in {f.constraint.measure for f in findings(none, rows(), rows())}
    assert reasons(only(none, rows()))["FT"] == "sample_rows is 0: there is no flip test"


@pytest.mark.parametrize(
    ("batch", "reason"),
    [
        (rows(0), "there is no row"),
        (rows(**{"@labelled": [False] * 400}), "no row has a label yet"),
        (rows(label=[None] * 400), "no labelled row can be used (no label value: 400)"),
    ],
)
@pytest.mark.parametrize("mode", ["calibrated", "sagemaker"])
def test_nothing_to_judge_is_undefined_and_says_why(batch: pa.RecordBatch, reason: str, mode: Any) -> None:
    some = monitor(compatibility=mode)
    assert set(reasons(only(some, batch)).values()) == {reason}
    found = findings(some, rows(), batch)
    assert {f.outcome for f in found} == {"undefined"}
    assert {f.reason for f in found} <= {reason}


def test_labels_and_predictions_of_two_types_are_an_error_of_sagemaker_only() -> None:
    batch = rows(p=np.where(np.arange(400) % 3, 0.5, 1.5))
    entry = only(monitor(label_values_or_threshold=(1,), compatibility="sagemaker"), batch)
    mismatch = "Predicted Label Column series datatype is not the same as Label Column series"
    assert {m.reason for m in entry.post.values() if isinstance(m, Undefined)} == {mismatch}
    assert set(reasons(only(monitor(), rows(p=["true", "false"] * 200)))) == {"CDDL", "CDDPL"}


def test_coverage_of_no_rows_is_none() -> None:
    measure = monitor().measure(monitor().empty)[EVERYTHING, COVERAGE]
    assert measure.value is None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"facets": ()}, "name at least one column"),
        ({"facets": (SEX,), "judge": ("DPL", "DI")}, "judge: 'DI' needs predictions; give inference_attribute"),
        ({"facets": (SEX,), "inference_attribute": "p", "label_values_or_threshold": ()}, "which labels are positive"),
        ({"facets": (SEX,), "inference_attribute": "p", "level": 1.0}, "level"),
        ({"facets": (SEX,), "inference_attribute": "p", "resamples": 5}, "at least 100"),
        ({"facets": (SEX,), "inference_attribute": "p", "false_alarm_budget": 0}, "false_alarm_budget"),
        ({"facets": (SEX,), "inference_attribute": "p", "minimum_per_side": 0}, "minimum_per_side"),
        ({"facets": (SEX,), "inference_attribute": "p", "seed": -1}, "seed"),
        ({"facets": (SEX,), "inference_attribute": "p", "sample_rows": -1}, "sample_rows"),
        ({"facets": (SEX,), "inference_attribute": "p", "compatibility": "x"}, "compatibility"),
        ({"facets": (SEX,), "probability_attribute": "p", "probability_threshold_attribute": 2}, "probability"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Bias(**options)


@pytest.mark.parametrize(
    "facet",
    [
        {"values": ("F",), "thresholds": (1,)},
        {"values": ("F",), "value_or_threshold": ("F",)},
        {"name": ("a", "b"), "thresholds": (1,)},
        {"name": ("a", "b"), "value_or_threshold": (1,)},
    ],
)
def test_facets_that_make_no_sense_are_refused(facet: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="facet"):
        Facet(**{"name": "sex"} | facet)
