"""What is measured of every kind of facet, published reports, and the laws that make it a monitor."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.places import SHARED

from model_monitor.core import laws
from model_monitor.core.measures import EVERYTHING, Estimate, Measure, Share, Subject, Undefined
from model_monitor.core.monitor import fold
from model_monitor.core.segments import By
from model_monitor.core.states import dump
from model_monitor.monitors.bias import BIAS_DRIFT, COVERAGE, Bias, Entry, Facet
from model_monitor.monitors.bias.conventions import number_in
from model_monitor.monitors.bias.metrics import PRE

SEX = Facet("sex", values=("F",))
FACETS = {
    "value": (SEX,),
    "each value": (Facet("sex"),),
    "threshold": (Facet("age", thresholds=(40,)),),
    "value or threshold": (Facet("age", value_or_threshold=(40,)), Facet("sex", value_or_threshold=("F",))),
    "several values": (Facet("age", value_or_threshold=(40, 41)),),
    "intersection": (Facet(("sex", "plan"), values=("F & basic",)), Facet(("sex", "plan"))),
    "index": (Facet(2, values=("F",)),),
}


def monitor(*facets: Facet, **more: Any) -> Bias:
    options = {"inference_attribute": "predicted", "group_variable": "plan", "features": ("income", "age")} | more
    return Bias(facets or (SEX,), **options)


def rows(n: int = 900, seed: int = 0) -> pa.RecordBatch:
    """Answers that favour M; a tenth has no label yet, and a few rows can't be used."""
    r = np.random.default_rng(seed)
    sex, age = r.choice(["F", "M"], n), r.integers(18, 80, n)
    income = r.normal(size=n)
    label = income + r.normal(size=n) > 0.3
    predicted = income + 0.3 * (sex == "M") + 0.3 * r.normal(size=n) > 0.3
    return pa.record_batch(
        {
            "predicted": predicted.astype(int),
            "score": 1 / (1 + np.exp(-income)),
            "sex": [None if v < 0.01 else s for v, s in zip(r.random(n), sex, strict=True)],
            "age": [str(a) for a in age],
            "plan": r.choice(["basic", "gold"], n),
            "income": [None if v < 0.01 else i for v, i in zip(r.random(n), income, strict=True)],
            "label": [None if v < 0.01 else str(t).lower() for v, t in zip(r.random(n), label, strict=True)],
            "@labelled": r.random(n) < 0.9,
            "@event_id": [f"{seed}-{i // 2}" for i in range(n)],
        }
    )


@pytest.mark.parametrize("mode", ["calibrated", "sagemaker"])
@pytest.mark.parametrize("kind", FACETS)
def test_the_laws_hold(kind: str, mode: Any) -> None:
    some = monitor(*FACETS[kind], compatibility=mode, resamples=100, sample_rows=300)
    laws.check(some, rows())
    laws.check(some, rows().drop_columns(["@event_id", "@labelled"]))


@pytest.mark.parametrize("mode", ["calibrated", "sagemaker"])
def test_labels_alone_have_the_metrics_of_labels_and_of_nothing_else(mode: Any) -> None:
    """The same numbers as beside predictions, on rows that all have one."""
    of_labels = monitor(inference_attribute=None, compatibility=mode)
    batch = rows().drop_columns(["predicted", "score"])
    laws.check(of_labels, batch)
    [alone] = of_labels.entries(of_labels.observe(batch))
    [beside] = monitor(compatibility=mode).entries(monitor(compatibility=mode).observe(rows()))
    assert {name: number_in(measure) for name, measure in alone.pre.items()} == {
        name: number_in(measure) for name, measure in beside.pre.items()
    }
    assert alone.post == {}
    assert {c.measure for c in of_labels.suggest(of_labels.observe(batch)) if c.check == BIAS_DRIFT} == {*PRE}


def test_the_laws_hold_of_segments_and_of_scores() -> None:
    by_score = replace(monitor(resamples=100), inference_attribute=None, probability_attribute="score")
    laws.check(by_score, rows())
    laws.check(By("plan", monitor(resamples=100)), rows())


ANSWERS = st.fixed_dictionaries(
    {
        "sex": st.sampled_from(["F", "M", "", None]),
        "age": st.sampled_from(["1", "2.5", "x", None]),
        "label": st.sampled_from(["0", "1", "true", "no", None]),
        "predicted": st.sampled_from(["0", "1", "true", "no", None]),
        "@labelled": st.sampled_from([True, True, False, None]),
    }
)


@settings(max_examples=25)
@given(st.lists(ANSWERS, min_size=1, max_size=30), st.sampled_from(["calibrated", "sagemaker"]))
def test_the_laws_hold_on_any_answers(table: list[dict[str, Any]], mode: Any) -> None:
    schema = pa.schema([(name, pa.string()) for name in ("sex", "age", "label", "predicted")])
    batch = pa.RecordBatch.from_pylist(table, schema.append(pa.field("@labelled", pa.bool_())))
    facets = (Facet("sex"), Facet("age", value_or_threshold=(1,)), Facet(("sex", "age")))
    options = {"group_variable": "sex", "features": ("age",), "resamples": 100, "minimum_per_side": 2}
    laws.check(monitor(*facets, compatibility=mode, **options), batch)


def test_a_state_observed_twice_is_the_same_bytes() -> None:
    for facets in FACETS.values():
        assert dump(monitor(*facets).observe(rows())) == dump(monitor(*facets).observe(rows()))
    assert list(monitor(resamples=100).suggest(monitor().observe(rows()))) == list(
        monitor(resamples=100).suggest(monitor().observe(rows()))
    )


def numbers(measures: dict[str, Measure]) -> dict[str, float | None]:
    return {
        name: measure.value if isinstance(measure, Estimate) else None if isinstance(measure, Undefined) else measure
        for name, measure in measures.items()  # type: ignore[misc]
    }


COLUMNS = [
    *("Age", "Workclass", "fnlwgt", "Education", "Education-Num", "Marital Status", "Occupation", "Relationship"),
    *("Ethnic group", "Sex", "Capital Gain", "Capital Loss", "Hours per week", "Country"),
]
WEIGHTS = [  # of the published linear model
    *(0.0393863693, -0.128012985, -1.25980950e-08, 0.0349345244, 0.353404790, -0.259979904, -0.00378628052),
    *(-0.113209136, 0.0997803733, 0.893729389, 0.000317798083, 0.000662831357, 0.0337790512, 0.0140294572),
]


@pytest.mark.parametrize("mode", ["sagemaker", "calibrated"])
@pytest.mark.parametrize("with_ids", [False, True])
def test_a_published_baseline_is_reproduced(mode: Any, with_ids: bool) -> None:
    folder = SHARED / "data/adult"
    if not folder.is_dir():
        pytest.skip("SageMaker's data is not on this machine")
    records = json.loads((folder / "validation-dataset.json").read_text())["instances"]
    features = np.array([record["features"] for record in records], float)
    score = 1 / (1 + np.exp(-(features @ np.array(WEIGHTS) - 9.085369)))
    columns = {name: features[:, i].astype(int) for i, name in enumerate(COLUMNS)}
    batch = pa.record_batch(columns | {"Target": [r["label"] for r in records], "score": score})
    if with_ids:
        batch = batch.append_column("@event_id", pa.array([str(i) for i in range(len(score))]))
    told = json.loads((folder / "bias_adult_baseline_analysis.json").read_text())
    some = Bias(
        (Facet("Sex", value_or_threshold=(0,)),),
        "Target",
        probability_attribute="score",
        probability_threshold_attribute=0.46301859617233276,
        label_values_or_threshold=(1,),
        group_variable="Age",
        compatibility=mode,
    )
    state = fold(some, [batch.slice(0, 100), batch.slice(100)])
    [entry] = some.entries(state)
    assert (entry.value, entry.rows_a, entry.rows_d, some.label_text(state)) == ("0", 456, 210, "1")
    for stage, found in (("pre", numbers(entry.pre)), ("post", numbers(entry.post))):
        [published] = told[f"{stage}_training_bias_metrics"]["facets"]["Sex"]
        assert {m["name"]: m["value"] for m in published["metrics"]} == pytest.approx(found, rel=1e-15, abs=1e-15)


TABLE = [  # of smclarify's unit test of a report; x is the facet, y the label, z the group, p the prediction
    *("0 0 0 0 1 1 1 1", "3 0 0 0 1 0 1 1", "3 0 1 0 1 0 1 1", "0 0 0 0 0 1 1 0", "4 0 0 1 1 0 1 1", "0 0 1 0 1 1 1 1"),
    *("3 0 0 0 1 1 1 1", "3 1 0 0 1 1 1 1", "0 0 1 0 1 1 1 1", "3 0 1 1 1 1 0 1", "4 0 0 0 1 1 0 1", "3 0 1 0 1 1 1 1"),
    *("3 0 0 0 0 1 1 0", "0 0 0 0 1 1 1 1", "0 0 1 0 1 0 1 1", "0 0 1 0 1 1 1 1", "0 1 0 1 0 0 1 0", "3 0 0 0 0 1 1 0"),
    *("0 0 1 0 0 1 1 1", "3 0 0 0 1 1 0 1", "3 0 1 0 0 1 1 0", "0 1 0 0 0 1 1 0", "3 0 1 0 1 0 1 1", "0 0 0 1 1 1 0 1"),
]
REPORT = {
    "pre": {
        "CDDL": 0.3851010101,
        "CI": -0.0833333333,
        "DPL": 0.1048951049,
        "JS": 0.0125242021,
        "KL": 0.0577046037,
        "KS": 0.1048951049,
        "LP": 0.1483440800,
        "TVD": 0.1048951049,
    },
    "post": {
        "AD": -0.2167832168,
        "CDDPL": 0.0759259259,
        "DAR": -0.1,
        "DCA": 0.15,
        "DCR": 1.0,
        "DI": 1.0576923077,
        "DPPL": -0.0419580420,
        "DRR": 0.6666666667,
        "FT": -0.2307692308,
        "GE": 0.07593688362919139,
        "RD": -1.0,
        "SD": 0.1388888889,
        "TE": -0.25,
    },
}


def test_a_published_report_of_a_continuous_facet_is_reproduced() -> None:
    values = np.array([[int(v) for v in line.split()] for line in TABLE])
    batch = pa.record_batch(dict(zip("xyzabcdp", values.T, strict=True)))
    # Two values among 24 rows are a scale to SageMaker, so that [0] means labels above 0.
    some = Bias(
        (Facet("x", value_or_threshold=(2,)),),
        "y",
        "p",
        label_values_or_threshold=(0,),
        group_variable="z",
        compatibility="sagemaker",
    )
    [entry] = some.entries(some.observe(batch))
    assert entry.value == "(2, 4]"
    assert numbers(entry.pre) == pytest.approx(REPORT["pre"], abs=1e-10)
    assert numbers(entry.post) == pytest.approx(REPORT["post"], abs=1e-10)
    assert some.label_text(some.observe(batch)) == "(0, 1]"


def test_a_published_report_of_each_value_of_a_facet_is_reproduced() -> None:
    batch = pa.record_batch({"x": list("abbb"), "y": [1, 1, 0, 0], "z": [1, 1, 1, 0], "p": [1, 0, 0, 1]})
    some = Bias((Facet("x"),), "y", "p", label_values_or_threshold=(0,), group_variable="z", compatibility="sagemaker")
    a, b = some.entries(some.observe(batch))
    assert (a.value, b.value) == ("a", "b")
    expected = {"CDDL": -0.375, "CI": 0.5, "DPL": -2 / 3, "JS": 0.08720802396, "KL": -0.3662040962, "KS": 2 / 3}
    assert numbers(a.pre) == pytest.approx(expected | {"LP": 2 / 3, "TVD": 1 / 3}, abs=1e-10)
    found = numbers(b.pre)
    assert (found["KL"], found["DPL"]) == pytest.approx((1.0986122887, 2 / 3))
    assert [numbers(a.post)[name] for name in ("AD", "DI", "DPPL", "RD")] == pytest.approx([-2 / 3, 3, -2 / 3, -1])


def entries(some: Bias, batch: pa.RecordBatch) -> dict[str, Entry]:
    return {str(entry.subject): entry for entry in some.entries(some.observe(batch))}


def test_subjects_name_facet_and_value_however_the_maximum_moves() -> None:
    some = monitor(
        Facet("age", thresholds=(40.0,)), Facet("sex"), Facet(("sex", "plan"), values=("F & gold", "M & gold"))
    )
    before, after = entries(some, rows()), entries(some, rows(200, seed=7).slice(0, 20))
    names = ["age > 40", "sex = F", "sex = M", "sex & plan = F & gold,M & gold"]
    assert list(before) == list(after) == names
    assert before["age > 40"].value == "(40.0, 79.0]"
    assert replace(before["age > 40"], key="").subject == Subject("age > 40")


def test_rows_without_a_facet_are_set_aside_and_to_sagemaker_of_the_other_side() -> None:
    missing = monitor().unusable(monitor().observe(rows()))["no value: sex"]
    assert missing > 0
    for facet in (SEX, Facet("sex")):
        ours, theirs = (
            some.entries(some.observe(rows()))[0]
            for some in (monitor(facet), monitor(facet, compatibility="sagemaker"))
        )
        assert (theirs.rows_d, theirs.rows_a) == (ours.rows_d, (ours.rows_a or 0) + missing)


def test_what_two_facets_name_has_one_entry() -> None:
    some = monitor(Facet("sex", values=("F",)), Facet("sex"))
    assert list(entries(some, rows())) == ["sex = F", "sex = M"]
    assert len(some.entries(some.observe(rows()))) == 2


def test_booleans_are_shown_as_sagemaker_does() -> None:
    batch = rows().append_column("member", pa.array([True, False, False] * 300))
    some = monitor(Facet("member"))
    assert {str(e.subject): e.value for e in some.entries(some.observe(batch))} == {
        "member = 0": "False",
        "member = 1": "True",
    }


def test_an_intersection_is_the_rows_that_are_both() -> None:
    batch = rows().drop_columns(["@labelled"])
    some = monitor(Facet(("sex", "plan"), values=("F & basic",)))
    table = [r for r in batch.to_pylist() if r["label"] is not None and r["sex"] is not None]
    inside = sum((r["sex"], r["plan"]) == ("F", "basic") for r in table)
    [entry] = some.entries(some.observe(batch))
    assert (entry.rows_d, entry.rows_a) == (inside, len(table) - inside)
    each = monitor(Facet(("sex", "plan"))).entries(monitor(Facet(("sex", "plan"))).observe(batch))
    assert [entry.value for entry in each] == ["F & basic", "F & gold", "M & basic", "M & gold"]
    assert sum(entry.rows_d or 0 for entry in each) == len(table)


def test_coverage_is_measured_and_what_is_set_aside_is_counted() -> None:
    batch = rows()
    state = monitor().observe(batch)
    measures = monitor(resamples=100).measure(state)
    labelled = sum(batch.column("@labelled").to_pylist())
    assert measures[EVERYTHING, COVERAGE] == Share(labelled, 900)
    found = monitor().unusable(state)
    assert set(found) == {"no label value", "no value: sex"}
    assert state.judged == labelled - found["no label value"]
    [entry] = monitor().entries(state)
    assert (entry.rows_a or 0) + (entry.rows_d or 0) == state.judged - found["no value: sex"]


def test_a_score_above_the_threshold_predicts_the_positive_label_whatever_that_is() -> None:
    batch = rows()
    decided = [int(score > 0.6) for score in batch.column("score").to_pylist()]
    by_label = monitor().entries(monitor().observe(batch.set_column(0, "predicted", pa.array(decided))))
    by_score = replace(
        monitor(), inference_attribute=None, probability_attribute="score", probability_threshold_attribute=0.6
    )
    assert by_score.entries(by_score.observe(batch)) == by_label
