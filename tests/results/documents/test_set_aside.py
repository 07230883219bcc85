"""The share of rows that a monitor can use is judged by what its baseline's was, in each monitor and its files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from model_monitor.core.constraints import Finding
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import EVERYTHING, Share, Subject
from model_monitor.core.monitor import SET_ASIDE, Monitor
from model_monitor.core.observed import Observed
from model_monitor.core.segments import By, Segmented
from model_monitor.errors import ConfigError
from model_monitor.monitors.attribution import Attribution
from model_monitor.monitors.bias import Bias, Facet
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.monitors.model_quality import ModelQuality
from model_monitor.results import execution
from model_monitor.results.anonymous import Anonymity
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import decode, encode
from model_monitor.results.sentences import sentence_of
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.verdict import judge

ROWS = 1000
ODD = {  # values that no prediction, score or attribution has
    "null": None,
    "NaN": float("nan"),
    "infinite": float("inf"),
}


def rows(odd: int = 0, value: float | None = None, column: str = "", n: int = ROWS, seed: int = 0) -> pa.RecordBatch:
    """Labels, predictions, scores, facets and attributions; the first ``odd`` values of a column are another one."""
    chance = np.random.default_rng(seed)
    label = chance.integers(0, 2, n)
    columns: dict[str, list[Any]] = {
        "label": label.astype(float).tolist(),
        "predicted": np.where(chance.random(n) < 0.8, label, 1 - label).astype(float).tolist(),
        "score": np.clip(label * 0.5 + chance.random(n) * 0.5, 0, 1).tolist(),
        "sex": chance.choice(["F", "M"], n).tolist(),
        "country": chance.choice(["CH", "AT"], n).tolist(),
        "yes|age": chance.normal(2, 1, n).tolist(),
        "yes|income": chance.normal(1, 1, n).tolist(),
        "@expected|yes": [0.5] * n,
        "@event_id": [f"e{i}" for i in range(n)],
    }
    if column:
        columns[column] = [value] * odd + columns[column][odd:]
    return pa.record_batch(columns)


def quality(problem: Any, **options: Any) -> ModelQuality:
    return ModelQuality(problem, **options)


MONITORS: dict[str, tuple[Monitor[Any], str]] = {  # each with a column whose value it needs
    "regression": (quality("Regression", inference_attribute="predicted"), "predicted"),
    "binary": (quality("BinaryClassification", inference_attribute="predicted"), "predicted"),
    "scores": (quality("BinaryClassification", probability_attribute="score"), "score"),
    "labels": (quality("BinaryClassification", inference_attribute="predicted"), "label"),
    "multiclass": (quality("MulticlassClassification", inference_attribute="predicted"), "predicted"),
    "bias": (Bias((Facet("sex"),), inference_attribute="predicted", label_values_or_threshold=(1.0,)), "predicted"),
    "attribution": (Attribution(), "yes|age"),
}
CASES = [
    (name, kind)
    for name in MONITORS
    for kind in ODD
    if kind != "infinite" or name in ("regression", "scores", "attribution")  # else it is a class like others
]


def of_rows(name: str, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The columns that a monitor reads."""
    explained = name == "attribution"
    return batch.select([c for c in batch.schema.names if c == "@event_id" or explained == ("|" in c)])


def findings(name: str, baseline: pa.RecordBatch, live: pa.RecordBatch, by_files: bool = True) -> list[Finding]:
    """What is found of a window's rows, by a baseline's files."""
    monitor = MONITORS[name][0]
    learned, now = monitor.observe(of_rows(name, baseline)), monitor.observe(of_rows(name, live))
    documents = documents_of(monitor)
    files = [decode(encode(document), "") for document in (documents.statistics(learned), documents.suggested(learned))]
    constraints = documents.constraints(*files) if by_files else list(monitor.suggest(learned))
    return evaluate(constraints, monitor.measure(now))


def set_aside(found: list[Finding]) -> Finding:
    [finding] = [f for f in found if f.constraint.check == SET_ASIDE and f.constraint.measure == "usable_rows"]
    return finding


@pytest.mark.parametrize("by_files", [True, False])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_rows_that_a_monitor_can_no_longer_use_are_a_violation(name: str, kind: str, by_files: bool) -> None:
    column = MONITORS[name][1]
    finding = set_aside(findings(name, rows(), rows(900, ODD[kind], column, seed=1), by_files))
    assert (finding.outcome, finding.observed) == ("violated", 0.1)
    assert set_aside(findings(name, rows(), rows(seed=1), by_files)).outcome == "holds"


@pytest.mark.parametrize("name", MONITORS)
def test_as_many_as_in_the_baseline_are_none(name: str) -> None:
    column = MONITORS[name][1]
    baseline = rows(100, None, column)
    for odd, outcome in ((100, "holds"), (115, "holds"), (50, "holds"), (300, "violated")):
        finding = set_aside(findings(name, baseline, rows(odd, None, column, seed=1)))
        assert (finding.outcome, finding.observed) == (outcome, 1 - odd / ROWS)


@pytest.mark.parametrize("name", MONITORS)
def test_it_shares_the_false_alarm_budget_with_the_other_checks(name: str) -> None:
    monitor = MONITORS[name][0]
    constraints = list(monitor.suggest(monitor.observe(of_rows(name, rows()))))
    levels = {c: c.bound.level for c in constraints if getattr(c.bound, "level", None)}
    own = [level for c, level in levels.items() if c.check == SET_ASIDE]
    assert 0 < sum(own) < monitor.false_alarm_budget / 10
    if not isinstance(monitor, ModelQuality):  # several of whose metrics are one test
        rest = sum(level * (2 if name == "bias" else 1) for c, level in levels.items() if c.check != SET_ASIDE)
        assert sum(own) + rest <= monitor.false_alarm_budget * (1 + 1e-9)


@pytest.mark.parametrize("name", MONITORS)
def test_in_sagemakers_mode_there_is_neither_measure_nor_constraint(name: str) -> None:
    monitor = replace(MONITORS[name][0], compatibility="sagemaker")
    state = monitor.observe(of_rows(name, rows(500, None, MONITORS[name][1])))
    assert [c for c in monitor.suggest(state) if c.check == SET_ASIDE] == []
    assert [key for key in monitor.measure(state) if "usable" in key[1]] == []
    learned = documents_of(MONITORS[name][0])
    calibrated = MONITORS[name][0].observe(of_rows(name, rows()))
    files = learned.statistics(calibrated), learned.suggested(calibrated)
    assert [c for c in documents_of(monitor).constraints(*files) if c.check == SET_ASIDE] == []


def test_data_quality_uses_every_row() -> None:
    monitor = DataQuality()
    state = monitor.observe(rows(900, None, "predicted"))
    assert monitor.unusable(state) == {}
    assert monitor.measure(state)[Subject("predicted"), "completeness"] == Share(100, ROWS)


def test_rows_without_a_value_of_a_facet_are_counted_for_it() -> None:
    found = findings("bias", rows(), rows(400, None, "sex", seed=1))
    assert set_aside(found).outcome == "holds"
    [finding] = [f for f in found if f.constraint.measure == "usable_rows of sex"]
    assert (finding.outcome, finding.observed) == ("violated", 0.6)
    said = sentence_of(finding, {(EVERYTHING, "usable_rows of sex"): Share(600, ROWS)}, Anonymity())
    assert said.startswith("rows without a value of sex 0 % → 40 % (400 of 1,000), beyond chance")


@pytest.mark.parametrize("name", MONITORS)
def test_a_violation_is_written_with_a_sentence(name: str) -> None:
    monitor, column = MONITORS[name]
    live = of_rows(name, rows(900, None, column, seed=1))
    finding = set_aside(findings(name, rows(), rows(900, None, column, seed=1)))
    state = monitor.observe(live)
    [written] = documents_of(monitor).violations([finding], state)["violations"]
    assert written == {
        "metric_name": "usable_rows",
        "constraint_check_type": "set_aside_check",
        "description": "usable_rows is 0.1; it must be at least 1.0.",
    }
    said = sentence_of(finding, monitor.measure(state), Anonymity())
    assert said.startswith("rows that can't be used 0 % → 90 % (900 of 1,000), beyond chance")


@pytest.mark.parametrize("name", MONITORS)
def test_a_person_may_allow_more(name: str) -> None:
    monitor, column = MONITORS[name]
    documents, state = documents_of(monitor), monitor.observe(of_rows(name, rows()))
    statistics, constraints = documents.statistics(state), documents.suggested(state)
    measures = monitor.measure(monitor.observe(of_rows(name, rows(300, None, column, seed=1))))
    for least, outcome in ((0.5, "holds"), (0.0, "holds"), (0.9, "violated")):
        found = evaluate(documents.constraints(statistics, constraints | {"usable_rows": least}), measures)
        assert set_aside(found).outcome == outcome
    for wrong in (1.5, -0.1, "most", True):
        with pytest.raises(ConfigError, match="'usable_rows' is the least share of rows that can be used, from 0 to 1"):
            documents.constraints(statistics, constraints | {"usable_rows": wrong})


@pytest.mark.parametrize("name", MONITORS)
def test_that_it_holds_is_no_verdict(name: str) -> None:
    """Of rows that can be used, and tell nothing."""
    monitor = MONITORS[name][0]
    documents, learned = documents_of(monitor), monitor.observe(of_rows(name, rows()))
    baseline = Baseline(documents.statistics(learned), documents.suggested(learned))
    one = monitor.observe(of_rows(name, rows(n=1)))
    verdict = judge(monitor, baseline, Observed(1, one))
    beside = {SET_ASIDE, "prediction_drift_check"}
    others = {f.outcome for f in verdict.findings if f.constraint.check not in beside}
    assert set_aside(list(verdict.findings)).outcome == "holds"
    assert (verdict.status == execution.UNDEFINED) == (others == {"undefined"})


def test_each_segment_has_its_own() -> None:
    monitor = Segmented(MONITORS["binary"][0], (By("country", MONITORS["binary"][0]),))
    baseline, live = rows(), rows(seed=1)
    is_ch = np.array(live.column("country").to_pylist()) == "CH"
    predicted = [None if ch else value for ch, value in zip(is_ch, live.column("predicted").to_pylist(), strict=True)]
    live = live.set_column(live.schema.get_field_index("predicted"), "predicted", pa.array(predicted, pa.float64()))
    found = evaluate(monitor.suggest(monitor.observe(baseline)), monitor.measure(monitor.observe(live)))
    outcomes = {str(f.constraint.subject): f.outcome for f in found if f.constraint.check == SET_ASIDE}
    assert outcomes == {"": "violated", "[country=CH]": "violated", "[country=AT]": "holds"}
