"""A model that diverges: its numbers have any size, and the report is written all the same."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from support.quality_files import MODES, monitor

from model_monitor.core.constraints import Finding
from model_monitor.core.evaluation import evaluate
from model_monitor.core.monitor import fold
from model_monitor.core.segments import By, Segmented
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.monitors.model_quality import ModelQuality
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import encode
from model_monitor.results.execution import execution
from model_monitor.results.handover import Evidence

anything = st.floats(allow_nan=False, allow_infinity=False)
pairs = st.lists(st.tuples(anything, anything), min_size=1, max_size=12)


def of(table: list[tuple[float, float]]) -> pa.RecordBatch:
    truth, predicted = np.array(table, float).T
    return pa.record_batch({"prediction": predicted, "label": truth})


def judged(m: Any, baseline: list[pa.RecordBatch], live: list[pa.RecordBatch]) -> list[Finding]:
    """All files of a run are JSON."""
    documents = documents_of(m)
    before, after = fold(m, baseline), fold(m, live)
    findings = evaluate(m.suggest(before), m.measure(after))
    for state in (before, after):
        for document in (documents.statistics(state), documents.suggested(state)):
            json.loads(encode(document), parse_constant=pytest.fail)
    encode(documents.violations(findings, after))
    encode(execution({"window": {}}, "Completed", "", Evidence(), 1, findings))
    return findings


@pytest.mark.parametrize("mode", MODES)
@given(baseline=pairs, live=st.lists(pairs, min_size=1, max_size=3))
def test_no_file_holds_what_json_does_not_have(mode: Any, baseline: Any, live: Any) -> None:
    inside = DataQuality(mode)
    for m in (monitor("Regression", mode), inside, Segmented(inside, (By("prediction", inside),))):
        judged(m, [of(baseline)], list(map(of, live)))


def diverged(size: float) -> list[Finding]:
    r = np.random.default_rng(0)
    sound = of([(x, x + 0.1 * (x % 7)) for x in map(float, range(50))])
    wild = of([(float(a), float(b)) for a, b in size * r.normal(size=(400, 2))])
    return judged(monitor("Regression"), [sound], [wild.slice(0, 200), wild.slice(200)])


@pytest.mark.parametrize("power", [20, 40, 60, 80, 100, 140])
def test_a_diverged_model_is_a_violation(power: int) -> None:
    violated = {f.constraint.measure for f in diverged(10.0**power) if f.outcome == "violated"}
    assert {"mae", "predictions"} <= violated


@pytest.mark.parametrize("power", [100, 153, 154, 155, 200, 300, 307])
def test_what_is_too_large_to_judge_says_so_and_drift_is_still_seen(power: int) -> None:
    findings = {f.constraint.measure: f for f in diverged(10.0**power)}
    assert findings["predictions"].outcome == "violated"
    assert {findings[name].outcome for name in ("mse", "rmse", "r2")} == {"undefined"}
    assert all("too large" in f.reason for f in findings.values() if f.outcome == "undefined")


@pytest.mark.parametrize("power", [-170, -100, -80, -40])
def test_tiny_numbers_are_judged_or_undefined(power: int) -> None:
    outcomes = {f.constraint.measure: f.outcome for f in diverged(10.0**power)}
    assert set(outcomes.values()) <= {"holds", "violated", "undefined"}
    assert outcomes["predictions"] == "violated"


@pytest.mark.parametrize("absurd", [3.4e38, 1e100, 1.7e308])
def test_one_absurd_prediction_is_never_green(absurd: float) -> None:
    r = np.random.default_rng(0)
    sound = [(float(y), float(y + e)) for y, e in r.normal(size=(200, 2))]
    findings = {
        f.constraint.measure: f for f in judged(monitor("Regression"), [of(sound)], [of([(0, absurd), *sound])])
    }
    assert {findings[name].outcome for name in ("mae", "mse", "rmse", "r2")} <= {"violated", "undefined"}
    assert all(f.observed is None or math.isfinite(f.observed) for f in findings.values())


@pytest.mark.parametrize("answer", ["0", "1"])
@pytest.mark.parametrize("mode", MODES)
def test_a_model_that_always_answers_the_same_has_curves_of_numbers(mode: Any, answer: str) -> None:
    m = ModelQuality("BinaryClassification", inference_attribute="prediction", compatibility=mode)
    batch = pa.record_batch({"prediction": [answer] * 20, "label": ["0", "1"] * 10})
    judged(m, [batch], [batch])
    metrics = documents_of(m).statistics(m.observe(batch))["binary_classification_metrics"]
    assert metrics["precision_recall_curve"] == {"precisions": [0.5, 0.5], "recalls": [0.0, 1.0]}
    assert metrics["auc"]["value"] == 0.5
    if mode == "calibrated":
        assert metrics["average_precision"]["value"] == average_precision_score([0, 1] * 10, [int(answer)] * 20)
