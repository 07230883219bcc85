"""The files of model quality read back: what is asked, on how many rows it rests, and what is refused."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from support.quality_files import GREATER, LESS, MODES, OPERATORS, PROBLEMS, files, monitor, rows

from model_monitor.core.constraints import Between
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Estimate, Share
from model_monitor.core.segments import By, Segmented
from model_monitor.errors import ConfigError
from model_monitor.results.documents import documents_of
from model_monitor.results.execution import execution, summary
from model_monitor.results.handover import Evidence


def outcomes(constraints, measures) -> list[tuple]:
    return [
        (f.constraint.check, f.constraint.measure, f.outcome, f.observed, f.noise_floor)
        for f in evaluate(constraints, measures)
    ]


@pytest.mark.parametrize("skill", [1.0, 0.7, 0.2])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_what_was_suggested_reads_back_and_judges_the_same(problem: str, mode: str, skill: float) -> None:
    m = monitor(problem, mode)
    own = list(m.suggest(m.observe(rows(problem))))
    live = m.measure(m.observe(rows(problem, 300, skill, seed=1)))
    statistics, constraints = files(m, rows(problem))
    documents = documents_of(m)
    for read in (documents.constraints(statistics, constraints), documents.constraints(statistics, None)):
        assert outcomes(read, live) == outcomes(own, live)
    if skill < 0.5:
        assert "violated" in {f.outcome for f in evaluate(own, live)}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_baseline_still_knows_on_how_many_rows_it_rests(problem: str) -> None:
    m = monitor(problem)
    own = {c.measure: c.bound for c in m.suggest(m.observe(rows(problem)))}
    read = {c.measure: c.bound for c in documents_of(m).constraints(*files(m, rows(problem)))}
    for name in OPERATORS[problem]:
        assert read[name].drawn == own[name].drawn
        assert isinstance(read[name].drawn, Share | Estimate)


def test_of_a_faultless_classifier_the_positives_are_not_taken_for_the_negatives() -> None:
    truth = ["1"] * 10 + ["0"] * 90
    batch = pa.record_batch({"score": [0.9] * 10 + [0.1] * 90, "prediction": truth, "label": truth})
    read = documents_of(monitor()).constraints(*files(monitor(), batch))
    drawn = {c.measure: c.bound.drawn for c in read if isinstance(c.bound, Between)}
    assert (drawn["recall"], drawn["true_negative_rate"]) == (Share(10, 10), Share(90, 90))


def test_a_threshold_that_a_person_set_is_no_observation() -> None:
    statistics, constraints = files(monitor(), rows("BinaryClassification"))
    constraints["binary_classification_constraints"]["recall"]["threshold"] = 0.25
    read = {c.measure: c.bound for c in documents_of(monitor()).constraints(statistics, constraints)}
    assert (read["recall"].low, read["recall"].drawn) == (0.25, None)
    assert read["precision"].drawn is not None


def test_numbers_as_texts_unknown_keys_and_absent_operators_are_understood() -> None:
    file = {
        "version": 0,
        "regression_constraints": {
            "mae": {"threshold": "5E-1", "comparison_operator": GREATER, "additional_properties": None},
            "r2": {"threshold": 1, "threshold_override": None},
        },
        "made_by": {"x": [1]},
    }
    read = documents_of(monitor("Regression", "sagemaker")).constraints(None, file)
    assert [(c.check, c.measure, c.bound.low, c.bound.high) for c in read] == [
        (GREATER, "mae", None, 0.5),
        (LESS, "r2", 1.0, None),
    ]


def test_an_entry_that_a_person_deleted_is_not_judged() -> None:
    statistics, constraints = files(monitor(), rows("BinaryClassification"))
    del constraints["binary_classification_constraints"]["f1"]
    assert "f1" not in {c.measure for c in documents_of(monitor()).constraints(statistics, constraints)}


def test_what_a_metric_never_is_may_be_its_threshold_in_sagemakers_mode_alone() -> None:
    asked = of(threshold=2)
    with pytest.raises(ConfigError):
        documents_of(monitor()).constraints(None, asked)
    [read] = documents_of(monitor(compatibility="sagemaker")).constraints(None, asked)
    assert read.bound == Between(low=2.0)
    with pytest.raises(ConfigError, match=r"'r2' is at most 1: its threshold can't be 1\.5"):
        documents_of(monitor("Regression")).constraints(None, {"regression_constraints": {"r2": {"threshold": 1.5}}})


def of(**entry) -> dict:
    return {"binary_classification_constraints": {"recall": {"threshold": 0.5, "comparison_operator": LESS} | entry}}


WRONG = [
    (None, of(threshold="NaN"), "'recall' needs a number as threshold, not 'NaN', e.g. .* or delete its entry"),
    (None, of(threshold=None), "needs a number"),
    (None, of(threshold=True), "needs a number"),
    (None, of(comparison_operator=GREATER), f"'recall' is better higher, so its comparison_operator is {LESS}"),
    (None, of(comparison_operator="Below"), "not 'Below'"),
    (None, {"binary_classification_constraints": {"recall": 0.5}}, "'recall' must be an object, e.g."),
    (None, {"binary_classification_constraints": []}, "must be an object with an entry for each metric"),
    (
        None,
        {"binary_classification_constraints": {"recal": {"threshold": 1}}},
        "'recal' is no metric that can be judged here, so delete its entry; there are recall, precision",
    ),
    (
        None,
        {"binary_classification_constraints": {"recall_best_constant_classifier": {"threshold": 1}}},
        "no metric that can be judged here",
    ),
    (
        None,
        {"regression_constraints": {}},
        "needs 'binary_classification_constraints', and the file has 'regression_constraints': correct the schedule's",
    ),
    (None, {"features": []}, "needs 'binary_classification_constraints', and the file has none of"),
    ({"multiclass_classification_metrics": {}}, None, "the file has 'multiclass_classification_metrics'"),
    ({"binary_classification_metrics": {}}, None, "nothing would be judged"),
    ({"binary_classification_metrics": {"recall": 1.0}}, None, "'recall' must be an object with a 'value'"),
    (
        {"binary_classification_metrics": {"recall": {"value": 1.0}, "confusion_matrix": {"0": 5}}},
        None,
        "'confusion_matrix' must hold counts",
    ),
    (
        {"binary_classification_metrics": {"recall": {"value": 1.0}}, "predictions": {"numerical_statistics": 5}},
        None,
        "'predictions' can't be read",
    ),
    (None, of(threshold=90), "'recall' is between 0 and 1, so that 90 % is 0.9: its threshold can't be 90; or delete"),
    (
        None,
        {"binary_classification_constraints": {"false_positive_rate": {"threshold": -0.1}}},
        "its threshold can't be -0.1",
    ),
    ({"binary_classification_metrics": {}, "dataset": "x"}, None, "'dataset' must be an object"),
    ({"binary_classification_metrics": {}, "dataset": {"item_count": -5}}, None, "-5 is no number of rows; correct"),
    (
        {"binary_classification_metrics": {"recall": {"value": 1}, "confusion_matrix": {"0": {"0": -3}}}},
        None,
        "'confusion_matrix' must hold counts .*-3 is no number of rows",
    ),
    (
        {"binary_classification_metrics": {"auc": {"value": 1, "standard_deviation": -1}}, "predictions": None},
        None,
        "'auc' can't have the standard_deviation -1",
    ),
    (of(), {"binary_classification_metrics": {}}, "are swapped"),
    (None, {"dataset": {}, "regression_metrics": {}}, "are swapped"),
]


@pytest.mark.parametrize(("statistics", "constraints", "says"), WRONG)
def test_a_file_that_makes_no_sense_is_refused_with_what_to_do(statistics, constraints, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        documents_of(monitor()).constraints(statistics, constraints)


def test_sagemakers_files_are_a_baseline_of_the_calibrated_mode_too() -> None:
    read = documents_of(monitor()).constraints(*files(monitor(compatibility="sagemaker"), rows("BinaryClassification")))
    bounds = {c.measure: c.bound for c in read}
    own = {c.measure: c.bound for c in monitor().suggest(monitor().observe(rows("BinaryClassification")))}
    assert bounds["recall"].drawn == own["recall"].drawn
    auc = bounds["auc"].drawn
    assert (auc.error, auc.n) == (None, 400)  # the deviation of resamples is no standard error
    assert "predictions" not in bounds
    live = monitor().measure(monitor().observe(rows("BinaryClassification", seed=2)))
    assert {f.outcome for f in evaluate(read, live)} == {"holds"}


def test_f0_5_is_written_and_never_judged_as_by_sagemaker() -> None:
    m = monitor(compatibility="sagemaker")
    statistics, constraints = files(m, rows("BinaryClassification"))
    assert "f0_5" in constraints["binary_classification_constraints"]
    assert "f0_5" not in {c.measure for c in documents_of(m).constraints(statistics, constraints)}
    assert "f0_5" in {c.measure for c in documents_of(monitor()).constraints(statistics, constraints)}


def test_segments_have_metrics_constraints_and_violations_of_their_own() -> None:
    inside = monitor()
    m = Segmented(inside, (By("origin", inside),))
    documents = documents_of(m)
    statistics, constraints = files(m, rows("BinaryClassification", 1000))
    read = documents.constraints(statistics, constraints)
    own = list(m.suggest(m.observe(rows("BinaryClassification", 1000))))
    good, bad = rows("BinaryClassification", 1000, seed=5), rows("BinaryClassification", 1000, 0.0, seed=6)
    jfk = [pa.array([o == "JFK" for o in batch.column("origin").to_pylist()]) for batch in (good, bad)]
    live = m.observe(good.filter(pc.invert(jfk[0]))) + m.observe(bad.filter(jfk[1]))
    measures = m.measure(live)
    findings = evaluate(read, measures)
    key = [(f.constraint.subject.segment, f.constraint.measure, f.outcome) for f in findings]
    assert sorted(key) == sorted(
        (f.constraint.subject.segment, f.constraint.measure, f.outcome) for f in evaluate(own, measures)
    )
    violations = documents.violations(findings, live)["violations"]
    segments = [v.get("segment") for v in violations]
    assert {"origin": "JFK"} in segments
    assert {"origin": "EWR"} not in segments
    about = {"schedule": "mq", "window": {"start": "a", "end": "b"}}
    told = summary(execution(about, "CompletedWithViolations", "", Evidence(), 1000, findings), "there", violations)[
        "details"
    ]
    assert any(line.startswith("[origin=JFK] auc: LessThanThreshold: Metric auc with ") for line in told)
    assert any(line.startswith("auc: LessThanThreshold: Metric auc with ") for line in told)


def test_a_segment_without_labels_does_not_keep_the_others_from_being_judged() -> None:
    inside = monitor(compatibility="sagemaker")
    m, batch = Segmented(inside, (By("origin", inside),)), rows("BinaryClassification")
    batch = batch.append_column("@labelled", pc.equal(batch.column("origin"), "JFK"))
    statistics, constraints = files(m, batch)
    assert [entry["segment"] for entry in statistics["segments"]] == [{"origin": "EWR"}, {"origin": "JFK"}]
    assert [entry["segment"] for entry in constraints["segments"]] == [{"origin": "JFK"}]
    read = documents_of(m).constraints(statistics, constraints)
    assert {c.subject.segment for c in read} == {(), (("origin", "JFK"),)}


def test_an_execution_tells_findings_of_metrics_apart() -> None:
    m = monitor("Regression")
    state = m.observe(rows("Regression"))
    findings = evaluate(m.suggest(state), m.measure(state))
    written = execution({"window": {}}, "Completed", "", Evidence(), 400, findings)["findings"]
    assert [f["measure"] for f in written] == ["mae", "mse", "rmse", "r2", "predictions", "usable_rows"]
