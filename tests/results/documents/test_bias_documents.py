"""The file of bias as SageMaker writes it: sections, order, infinities, errors, literal messages; and back again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.places import SHARED

from model_monitor.core.constraints import Between, Constraint, Finding
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Estimate, Undefined
from model_monitor.core.segments import By, Segmented
from model_monitor.errors import ConfigError
from model_monitor.monitors.bias import BIAS_DRIFT, Bias, Entry, Facet
from model_monitor.monitors.bias.metrics import POST, PRE
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.bias import (
    DESCRIPTIONS,
    BiasDocuments,
    entries_in,
    estimate_in,
    value_in,
)
from model_monitor.results.documents.protocol import decode, encode
from model_monitor.results.documents.segmented import SegmentedDocuments

MODES = ["calibrated", "sagemaker"]
SECTIONS = ["post_training_bias_metrics", "pre_training_bias_metrics"]
WEIGHTS = [  # of the published linear model
    *(0.0393863693, -0.128012985, -1.25980950e-08, 0.0349345244, 0.353404790, -0.259979904, -0.00378628052),
    *(-0.113209136, 0.0997803733, 0.893729389, 0.000317798083, 0.000662831357, 0.0337790512, 0.0140294572),
]
COLUMNS = [
    *("Age", "Workclass", "fnlwgt", "Education", "Education-Num", "Marital Status", "Occupation", "Relationship"),
    *("Ethnic group", "Sex", "Capital Gain", "Capital Loss", "Hours per week", "Country"),
]


@pytest.fixture(scope="session")
def adult() -> Path:
    """A dataset, and SageMaker's file of it."""
    folder = SHARED / "data/adult"
    if not folder.is_dir():
        pytest.skip("SageMaker's data is not on this machine")
    return folder


@pytest.fixture(scope="session")
def published(adult: Path) -> dict[str, Any]:
    return json.loads((adult / "bias_adult_baseline_analysis.json").read_text())


def documents(compatibility: str = "calibrated", *facets: Facet, **more: Any) -> BiasDocuments:
    settings = {"ground_truth_attribute": "Target", "inference_attribute": "prediction", "group_variable": "Age"} | more
    facets = facets or (Facet("Sex", value_or_threshold=(0,)),)
    return documents_of(Bias(facets, compatibility=compatibility, resamples=200, **settings))


def rows(n: int = 600, seed: int = 0, harm: float = 0.3) -> pa.RecordBatch:
    """Labels, and predictions that favour Sex 1 by ``harm``."""
    r = np.random.default_rng(seed)
    sex, age, skill = r.integers(0, 2, n), r.integers(20, 60, n), r.normal(size=n)
    label = skill + r.normal(0, 0.5, n) > 0
    prediction = skill + harm * (2 * sex - 1) > 0
    columns = {
        "Sex": sex,
        "Age": age,
        "skill": skill,
        "Target": label.astype(int),
        "prediction": prediction.astype(int),
    }
    return pa.record_batch({name: pa.array(values) for name, values in columns.items()})


def analysis(of: BiasDocuments, batch: pa.RecordBatch) -> dict[str, Any]:
    """The file of some rows, as it is after writing and reading."""
    return decode(encode(of.statistics(of.monitor.observe(batch))), "analysis.json")


def file(*metrics: dict[str, Any], **entry: Any) -> dict[str, Any]:
    """An analysis.json with some metrics of predictions."""
    entries = [{"value_or_threshold": "0", "metrics": list(metrics)} | entry]
    return {"post_training_bias_metrics": {"label": "Target", "facets": {"Sex": entries}}}


@pytest.mark.parametrize("mode", MODES)
def test_the_file_has_sagemakers_shape(mode: str) -> None:
    document = analysis(documents(mode), rows())
    assert list(document)[:3] == ["version", *SECTIONS]
    assert document["version"] == "1.0"
    for stage, names in zip(SECTIONS, (POST, PRE), strict=True):
        section = document[stage]
        assert list(section) == ["label", "facets", "label_value_or_threshold"]
        assert (section["label"], section["label_value_or_threshold"]) == ("Target", "1")
        [entry] = section["facets"]["Sex"]
        assert entry["value_or_threshold"] == "0"
        assert [metric["name"] for metric in entry["metrics"]] == sorted(names)
        assert all(metric["description"].endswith(f"({metric['name']})") for metric in entry["metrics"])


def test_sagemakers_mode_has_no_other_members() -> None:
    document = analysis(documents("sagemaker"), rows())
    assert list(document) == ["version", *SECTIONS]
    for stage in SECTIONS:
        [entry] = document[stage]["facets"]["Sex"]
        assert list(entry) == ["value_or_threshold", "metrics"]
        assert all(list(metric) == ["name", "description", "value"] for metric in entry["metrics"])


def test_the_calibrated_mode_says_how_sure_it_is_behind_sagemakers_members() -> None:
    document = analysis(documents(), rows())
    assert document["item_count"] == 600
    [entry] = document[SECTIONS[0]]["facets"]["Sex"]
    assert list(entry) == ["value_or_threshold", "metrics", "rows"]
    assert entry["rows"]["a"] + entry["rows"]["d"] == 600
    accuracy = entry["metrics"][0]
    assert list(accuracy) == ["name", "description", "value", "standard_error", "rows"]
    assert 0 < accuracy["standard_error"] < 0.2


def test_every_metric_there_is_has_a_description() -> None:
    assert [tuple(DESCRIPTIONS[stage]) for stage in SECTIONS] == [POST, PRE]


def test_a_published_file_is_written_again_as_it_was_read(published: dict[str, Any]) -> None:
    of = documents("sagemaker")
    entries = entries_in({stage: published[stage] for stage in SECTIONS}, value_in)
    assert of.written(entries, "1") == published
    assert list(decode(encode(of.written(entries, "1")), "")) == list(published)


def test_the_published_run_is_written_from_its_rows(adult: Path, published: dict[str, Any]) -> None:
    records = json.loads((adult / "validation-dataset.json").read_text())["instances"]
    features = np.array([record["features"] for record in records], float)
    score = 1 / (1 + np.exp(-(features @ np.array(WEIGHTS) - 9.085369)))
    arrays = [pa.array(features[:, i].astype(int)) for i in range(len(COLUMNS))]
    arrays += [pa.array([record["label"] for record in records]), pa.array((score > 0.46301859617233276).astype(int))]
    found = analysis(documents("sagemaker"), pa.record_batch(arrays, [*COLUMNS, "Target", "prediction"]))
    assert values(found) == pytest.approx(values(published), rel=1e-12)
    assert without_values(found) == without_values(published)


def values(document: dict[str, Any]) -> dict[tuple[str, str], Any]:
    return {
        (stage, metric["name"]): metric["value"]
        for stage in SECTIONS
        for entries in document[stage]["facets"].values()
        for entry in entries
        for metric in entry["metrics"]
    }


def without_values(document: dict[str, Any]) -> Any:
    if isinstance(document, dict):
        return {key: without_values(value) for key, value in document.items() if key != "value"}
    return [without_values(value) for value in document] if isinstance(document, list) else document


def test_infinity_is_a_text_and_a_missing_number_null_with_its_error() -> None:
    labels = {"Target": ["yes", "no", "yes", "no"], "prediction": ["yes", "yes", "no", "no"]}
    one = pa.record_batch({"Sex": ["F", "F", "M", "M"], "x": [1, 2, 3, 4]} | labels)
    settings = {"group_variable": None, "label_values_or_threshold": ("yes",)}
    document = analysis(documents("sagemaker", Facet("Sex", values=("F",)), **settings), one)
    found = {metric["name"]: metric for metric in document[SECTIONS[0]]["facets"]["Sex"][0]["metrics"]}
    assert found["DI"]["value"] == "Infinity"
    assert found["CDDPL"] == {
        "name": "CDDPL",
        "description": "Conditional Demographic Disparity in Predicted Labels (CDDPL)",
        "value": None,
        "error": "Group variable is empty or not provided",
    }


def test_a_continuous_facet_and_label_are_written_as_intervals() -> None:
    batch = rows()
    of = documents("sagemaker", Facet("Age", thresholds=(40,)))
    document = analysis(of, batch)
    assert [entry["value_or_threshold"] for entry in document[SECTIONS[1]]["facets"]["Age"]] == ["(40, 59]"]


def test_facets_are_in_the_order_of_the_settings_and_each_value_has_an_entry() -> None:
    of = documents("calibrated", Facet("Sex"), Facet("Age", thresholds=(40,)))
    facets = analysis(of, rows())[SECTIONS[0]]["facets"]
    assert list(facets) == ["Sex", "Age"]
    assert [entry["value_or_threshold"] for entry in facets["Sex"]] == ["0", "1"]


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_window_has_no_numbers(mode: str) -> None:
    of = documents(mode)
    document = decode(encode(of.statistics(of.monitor.empty)), "")
    assert set(values(document).values()) == {None}
    assert all(metric["error"] for metric in document[SECTIONS[0]]["facets"]["Sex"][0]["metrics"])
    assert of.violations([], of.monitor.empty) == {"version": "1.0", "violations": []}


@pytest.mark.parametrize("mode", MODES)
def test_a_file_of_labels_alone_has_one_section_and_of_another_file_only_that_is_judged(mode: str) -> None:
    of_labels = documents_of(replace(documents(mode).monitor, inference_attribute=None))
    document = analysis(of_labels, rows())
    assert [name for name in document if name in SECTIONS] == ["pre_training_bias_metrics"]
    for known in (document, analysis(documents(mode), rows())):
        of_metrics = [c for c in of_labels.constraints(None, known) if c.check == BIAS_DRIFT]
        assert {constraint.measure for constraint in of_metrics} <= {*PRE}


@pytest.mark.parametrize("mode", MODES)
def test_what_was_written_is_asked_as_it_was_learned(mode: str) -> None:
    of = documents(mode, Facet("Sex"), Facet("Age", thresholds=(40,)))
    state = of.monitor.observe(rows())
    read = of.constraints(None, decode(encode(of.suggested(state)), ""))
    learned = list(of.monitor.suggest(state))
    assert of.constraints(decode(encode(of.statistics(state)), ""), None) == read
    if mode == "sagemaker":  # those read have the baseline's value, for descriptions
        read = [replace(c, bound=replace(c.bound, drawn=None)) for c in read]
    assert read == learned
    findings = [evaluate(some, of.monitor.measure(state)) for some in (read, learned)]
    assert [f.outcome for f in findings[0]] == [f.outcome for f in findings[1]]


def test_the_published_baseline_is_asked_as_sagemaker_asks_it(published: dict[str, Any]) -> None:
    asked = {c.measure: c.bound for c in documents("sagemaker").constraints(None, published)}
    assert set(asked) == {*PRE, *POST}
    assert asked["AD"] == Between(-0.15156641604010024, 0.15156641604010024, drawn=Estimate(-0.15156641604010024))
    calibrated = documents().constraints(published, None)
    assert {c.measure for c in calibrated} == set(asked)
    assert all(c.bound.level for c in calibrated)


@given(
    st.lists(
        st.tuples(
            st.text(min_size=1, max_size=3),
            st.lists(st.floats(allow_nan=False) | st.text(max_size=5), min_size=21, max_size=21),
            st.floats(0, 1e300) | st.none(),
            st.integers(0, 1000) | st.none(),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda entry: entry[0],
    ),
    st.sampled_from(MODES),
)
def test_entries_survive_the_file(some: list[Any], mode: str) -> None:
    def measure(value: Any, error: float | None) -> Any:
        if isinstance(value, str):
            return Undefined(value or "the baseline has no number")
        return value if mode == "sagemaker" else Estimate(value, error, 7)

    entries = []
    for text, found, error, n in some:
        measures = dict(zip([*PRE, *POST], (measure(value, error) for value in found), strict=True))
        sides = (n, n) if mode == "calibrated" else (None, None)
        pre, post = {k: measures[k] for k in PRE}, {k: measures[k] for k in POST}
        entries.append(Entry("Sex", text, pre, post, *sides))
    document = decode(encode(documents(mode).written(entries, "1")), "")
    measure_in = estimate_in if mode == "calibrated" else value_in
    assert entries_in({stage: document[stage] for stage in SECTIONS}, measure_in) == entries


@pytest.mark.parametrize(
    ("baseline", "now", "words"),
    [  # violations that AWS published
        (
            0.28176563733194276,
            0.374894782529513,
            "Metric value 0.374894782529513 doesn't meet the baseline constraint requirement 0.28176563733194276",
        ),
        (
            2.916666666666667,
            float("inf"),
            "Metric value Infinity doesn't meet the baseline constraint requirement 2.916666666666667",
        ),
        (-0.1, -0.2, "Metric value -0.2 doesn't meet the baseline constraint requirement -0.1"),
    ],
)
def test_messages_are_sagemakers_to_the_letter(baseline: float, now: float, words: str) -> None:
    of = documents("sagemaker")
    [constraint] = of.constraints(file({"name": "TE", "value": baseline}), None)
    state = of.monitor.observe(rows())
    [entry] = of.monitor.entries(state)
    [finding] = evaluate([constraint], {(entry.subject, "TE"): now})
    assert of.violations([finding], state) == {
        "version": "1.0",
        "violations": [
            {
                "facet": "Sex",
                "facet_value": "0",
                "metric_name": "TE",
                "constraint_check_type": "bias_drift_check",
                "description": words,
            }
        ],
    }


def test_the_calibrated_mode_tells_what_was_allowed_behind_sagemakers_words() -> None:
    of = documents()
    state = of.monitor.observe(rows())
    [entry] = of.monitor.entries(state)
    bound = Between(-0.25, 0.25, level=0.001)
    finding = Finding(Constraint(BIAS_DRIFT, entry.subject, "AD", bound), "violated", 0.5, 0.0412345)
    [violation] = of.violations([finding], state)["violations"]
    assert violation["description"] == (
        "Metric value 0.5 doesn't meet the baseline constraint requirement 0.25 "
        "(allowed: -0.25 to 0.25, and 0.04123 beyond by chance)"
    )


@pytest.mark.parametrize("mode", MODES)
def test_violations_are_in_the_order_of_the_file(mode: str) -> None:
    of = documents(mode)
    baseline, live = of.monitor.observe(rows(2000, harm=0.0)), of.monitor.observe(rows(2000, seed=1, harm=2.0))
    asked = of.constraints(None, decode(encode(of.suggested(baseline)), ""))
    found = of.violations(evaluate(asked, of.monitor.measure(live)), live)["violations"]
    names = [violation["metric_name"] for violation in found]
    assert {"DPPL", "DI"} <= set(names) or mode == "sagemaker"
    assert names == [name for name in (*POST, *PRE) if name in names]
    assert {(v["facet"], v["facet_value"]) for v in found} == {("Sex", "0")}


def test_rows_set_aside_are_told() -> None:
    batch = rows()
    sex = pa.array([None, *batch.column("Sex").to_pylist()[1:]])
    of = documents()
    document = analysis(of, batch.set_column(0, "Sex", sex))
    told = {entry["reason"]: entry["rows"] for entry in document["unusable"]}
    assert told == of.monitor.unusable(of.monitor.observe(batch.set_column(0, "Sex", sex)))
    assert sum(told.values()) == 1


AD = {"name": "AD", "value": 0.1}
OTHERS = [
    ({}, "none"),
    ({"explanations": {}}, "the analysis.json of feature attributions"),
    ({"violations": []}, "a constraint_violations.json"),
    ({"version": 0.0, "dataset": {}, "features": []}, "a file of data quality"),
    ({"version": 0.0, "dataset": {}, "regression_metrics": {}}, "a file of model quality"),
    ({"version": 0.0, "regression_constraints": {}}, "a file of model quality"),
    ({"version": 0.0, "measures": []}, "a file of another monitor"),
]


@pytest.mark.parametrize(("document", "words"), OTHERS)
def test_a_file_of_another_monitor_is_told_by_its_kind(document: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        documents().constraints(None, document)
    assert str(error.value) == (
        "bias needs an analysis.json with 'post_training_bias_metrics' or 'pre_training_bias_metrics', and this is "
        f"{words}; correct the address, or make the baseline again"
    )


def test_a_file_of_both_monitors_is_one_of_bias() -> None:
    assert len(documents().constraints(file(AD) | {"explanations": {}}, None)) == 1


PLACE = "'post_training_bias_metrics': facet 'Sex'"
WRONG = [
    ({"post_training_bias_metrics": []}, "'post_training_bias_metrics' must be an object, not []"),
    ({"post_training_bias_metrics": {}}, "'post_training_bias_metrics': 'facets' must be an object, not None"),
    ({"post_training_bias_metrics": {"facets": {"Sex": {}}}}, f"{PLACE} must be a list of objects"),
    (file(AD, value_or_threshold=0), f"{PLACE}: 'value_or_threshold' must be a text, not 0"),
    (file(AD, metrics=None), f"{PLACE}, value '0': 'metrics' must be a list of objects"),
    (file(AD, AD), f"{PLACE}, value '0': 'AD' is listed twice; delete one"),
    (file({"name": "CI", "value": 0.1}), f"{PLACE}, value '0': 'CI' is no metric of this section, so delete it; there"),
    (file({"value": 0.1}), f"{PLACE}, value '0': None is no metric of this section, so delete it; there are AD, CDDPL"),
    (
        file({"name": "AD", "value": "low"}),
        f"{PLACE}, value '0': 'AD' needs a number, \"Infinity\", \"-Infinity\" or null as 'value', not 'low'; or",
    ),
    (file({"name": "AD"}), f"{PLACE}, value '0': 'AD' needs a number, "),
    (file({"name": "AD", "value": True}), f"{PLACE}, value '0': 'AD' needs a number, "),
    (
        file(AD | {"standard_error": -1}),
        f"{PLACE}, value '0': 'AD': 'standard_error' must be a number of at least 0, not -1; or delete it",
    ),
    (file(AD | {"rows": 1.5}), f"{PLACE}, value '0': 'AD': 'rows' must be a whole number of rows, not 1.5; or"),
    (file(AD, rows=[1]), f"{PLACE}, value '0': 'rows' must be an object, not [1]"),
    (file(AD, rows={"a": "x"}), f"{PLACE}, value '0': 'rows': 'a' must be a whole number of rows, not 'x'"),
    (file(), "nothing would be judged: no metric of a facet has a number"),
    (file({"name": "AD", "value": None, "error": "no rows"}), "nothing would be judged: no metric of a facet has"),
]


@pytest.mark.parametrize(("document", "message"), WRONG)
def test_a_file_that_makes_no_sense_is_refused_with_its_place(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        documents().constraints(None, document)
    assert str(error.value).startswith(message)


def test_an_entry_listed_twice_is_refused() -> None:
    twice = file(AD)
    twice["post_training_bias_metrics"]["facets"]["Sex"] *= 2
    with pytest.raises(ConfigError, match="facet 'Sex': value '0' is listed twice; delete one"):
        documents().constraints(None, twice)


def test_a_metric_that_was_deleted_is_not_judged_and_an_edited_one_by_its_new_value() -> None:
    of = documents("sagemaker")
    document = analysis(of, rows())
    entry = document[SECTIONS[0]]["facets"]["Sex"][0]
    entry["metrics"] = [metric | {"value": 0.5} for metric in entry["metrics"] if metric["name"] == "AD"]
    del document[SECTIONS[1]]
    [constraint] = of.constraints(None, document)
    assert (constraint.measure, constraint.bound.low, constraint.bound.high) == ("AD", -0.5, 0.5)


def test_statistics_and_constraints_are_one_file() -> None:
    assert documents().statistics_name == documents().constraints_name == "analysis.json"


def test_segments_are_told_apart_in_the_same_file() -> None:
    batch = rows(800)
    origin = pa.array(["JFK", "EWR"] * 400)
    batch = batch.append_column("origin", origin)
    whole = documents().monitor
    of = SegmentedDocuments(Segmented(whole, (By("origin", whole),)), documents_of)
    state = of.monitor.observe(batch)
    document = decode(encode(of.suggested(state)), "")
    assert of.statistics_name == of.constraints_name == "analysis.json"
    assert [entry["segment"] for entry in document["segments"]] == [{"origin": "EWR"}, {"origin": "JFK"}]
    live = of.monitor.observe(batch.set_column(4, "prediction", batch.column("Sex")))
    found = of.violations(evaluate(of.constraints(None, document), of.monitor.measure(live)), live)["violations"]
    assert {"origin=EWR", "origin=JFK"} <= {"=".join(*v["segment"].items()) for v in found if "segment" in v}
    assert all(v["description"].startswith("[origin=") for v in found if "segment" in v)
