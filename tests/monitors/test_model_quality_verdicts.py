"""Is the model worse than it was, or is it chance?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from model_monitor.core.constraints import Finding
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Estimate, Share
from model_monitor.monitors.model_quality import ModelQuality, binary

SCORED = ModelQuality("BinaryClassification", probability_attribute="score")
NUMBER = ModelQuality("Regression", inference_attribute="number", ground_truth_attribute="true number")


def value(measure: object) -> float | None:
    return measure.value if isinstance(measure, Share | Estimate) else None


def findings(monitor: ModelQuality, before: pa.RecordBatch, after: pa.RecordBatch) -> dict[str, Finding]:
    found = evaluate(monitor.suggest(monitor.observe(before)), monitor.measure(monitor.observe(after)))
    return {f.constraint.measure: f for f in found}


def scored(n: int, r: np.random.Generator, separation: float = 1.5) -> pa.RecordBatch:
    truth = r.random(n) < 0.3
    return pa.record_batch(
        {"score": 1 / (1 + np.exp(1 - separation * truth - r.normal(size=n))), "label": truth.astype(int)}
    )


def predicted(n: int, r: np.random.Generator, noise: float = 1.0) -> pa.RecordBatch:
    truth = 3 * r.normal(size=n)
    return pa.record_batch({"number": truth + noise * r.standard_t(6, n), "true number": truth})


def test_every_metric_of_sagemaker_is_judged_and_predictions_as_well() -> None:
    r = np.random.default_rng(0)
    found = findings(SCORED, scored(500, r), scored(500, r))
    assert list(found) == [name for name in SCORED.names if name in binary.BETTER] + ["predictions", "usable_rows"]
    assert found["recall"].constraint.check == "LessThanThreshold"
    assert found["false_positive_rate"].constraint.check == "GreaterThanThreshold"
    assert found["predictions"].constraint.check == "prediction_drift_check"
    bound = found["auc"].constraint.bound
    assert bound.level == pytest.approx(0.01 / 2, rel=0.06)  # type: ignore[union-attr]  # usable rows take the rest


def test_a_large_window_tells_what_predictions_moved_unless_a_threshold_hides_it() -> None:
    r = np.random.default_rng(0)
    before, after = predicted(20_000, r), predicted(20_000, r)
    moved = pa.record_batch({name: pa.array(after.column(name).to_numpy() + 0.6) for name in after.schema.names})
    found = {threshold: findings(replace(NUMBER, drift_threshold=threshold), before, moved) for threshold in (0.0, 0.1)}
    assert NUMBER.drift_threshold == 0.0
    assert [one["predictions"].outcome for one in found.values()] == ["violated", "holds"]
    assert 0.05 < (found[0.0]["predictions"].observed or 0.0) < 0.1
    assert {f.outcome for name, f in found[0.0].items() if name != "predictions"} == {"holds"}


def test_sagemaker_judges_all_but_one_metric_strictly() -> None:
    r = np.random.default_rng(0)
    monitor = replace(SCORED, compatibility="sagemaker")
    found = findings(monitor, scored(500, r), scored(500, r))
    assert set(found) == set(binary.BETTER) - {"f0_5", "au_prc"}  # au_prc: only if the baseline's files have it
    assert "f0_5" in monitor.thresholds(monitor.observe(scored(500, r)))
    for finding in found.values():
        low, high = finding.constraint.bound.low, finding.constraint.bound.high  # type: ignore[union-attr]
        beyond = finding.observed < low if low is not None else finding.observed > high
        assert (finding.outcome == "violated") == beyond


def test_a_worse_model_is_found_out() -> None:
    r = np.random.default_rng(1)
    found = findings(SCORED, scored(5000, r), scored(2000, r, separation=0.5))
    assert {found[name].outcome for name in ("recall", "auc", "f1")} == {"violated"}
    found = findings(NUMBER, predicted(5000, r), predicted(2000, r, noise=1.5))
    assert {found[name].outcome for name in ("mae", "mse", "rmse", "r2")} == {"violated"}


def test_drifting_predictions_are_found_before_any_label_is_known() -> None:
    r = np.random.default_rng(1)
    shifted = pa.record_batch(
        {"score": r.random(500), "label": pa.nulls(500, pa.int64()), "@labelled": pa.array([False] * 500)}
    )
    found = findings(SCORED, scored(5000, r), shifted)
    assert found["predictions"].outcome == "violated"
    assert found["auc"].reason == "no row has a label yet"


def test_an_edited_threshold_is_no_longer_drawn_from_the_baseline() -> None:
    baseline = SCORED.observe(scored(500, np.random.default_rng(0)))
    thresholds = SCORED.thresholds(baseline) | {"recall": 0.5, "unknown": 1.0}
    found = {c.measure: c.bound for c in SCORED.constraints(thresholds, SCORED.metrics_of(baseline), None)}
    assert found["recall"].drawn is None  # type: ignore[union-attr]
    assert found["recall"].low == 0.5  # type: ignore[union-attr]
    assert found["precision"].drawn == SCORED.metrics_of(baseline)["precision"]  # type: ignore[union-attr]
    assert "unknown" not in found and "predictions" not in found


def test_the_budget_is_shared_by_tests_of_which_the_area_under_the_curve_has_half() -> None:
    baseline = SCORED.observe(scored(500, np.random.default_rng(0)))
    levels = {c.measure: c.bound.level for c in SCORED.suggest(baseline)}  # type: ignore[union-attr]
    usable = levels.pop("usable_rows")  # has a tenth of such a test beside them
    assert 2 * levels["auc"] + usable == pytest.approx(SCORED.false_alarm_budget, rel=0.05)
    one = {levels[name] for name in levels.keys() - {"auc"}}
    assert len(one) == 1
    mirrors = {"true_positive_rate", "false_negative_rate", "false_positive_rate"}
    assert sum(levels[name] for name in levels.keys() - mirrors) == pytest.approx(SCORED.false_alarm_budget - usable)


def test_a_metric_whose_threshold_a_person_set_is_a_test_of_its_own() -> None:
    baseline = SCORED.observe(scored(500, np.random.default_rng(0)))
    thresholds = SCORED.thresholds(baseline) | {"recall": 0.5, "true_positive_rate": 0.4}
    bounds = [c.bound for c in SCORED.constraints(thresholds, SCORED.metrics_of(baseline), None)]
    levels = sorted({bound.level for bound in bounds})  # type: ignore[union-attr]
    tests = len(thresholds) - 1  # of all, the false positive rate alone still mirrors another
    assert levels == pytest.approx([0.005 / (tests - 1), 0.005])


@pytest.mark.parametrize(("monitor", "draw"), [(SCORED, scored), (NUMBER, predicted)], ids=["binary", "regression"])
@pytest.mark.parametrize(("of_baseline", "of_window"), [(20_000, 150), (400, 800)])
def test_windows_of_unchanged_quality_raise_false_alarms_no_more_often_than_the_budget(
    monitor: ModelQuality, draw: Any, of_baseline: int, of_window: int
) -> None:
    """At a budget of 5 %, each window with a baseline of its own where that is small; more than the bound would be
    chance once in a thousand."""
    eager = replace(monitor, false_alarm_budget=0.05, drift_threshold=0.0)
    r = np.random.default_rng(3)
    constraints = list(eager.suggest(eager.observe(draw(of_baseline, r))))
    alarms = 0
    for _ in range(250):
        if of_baseline < 1000:
            constraints = list(eager.suggest(eager.observe(draw(of_baseline, r))))
        found = evaluate(constraints, eager.measure(eager.observe(draw(of_window, r))))
        alarms += any(f.outcome == "violated" for f in found)
    assert alarms <= stats.binom.ppf(0.999, 250, 0.05)


def test_intervals_of_two_errors_hold_the_truth_nineteen_times_in_twenty() -> None:
    """400 draws: 0.92 to 0.975 is three standard deviations of chance, or a slightly cautious error."""
    r = np.random.default_rng(8)
    for monitor, draw in ((SCORED, scored), (NUMBER, predicted)):
        truth = {name: value(m) for name, m in monitor.metrics_of(monitor.observe(draw(1_000_000, r))).items()}
        held: dict[str, list[bool]] = {}
        for _ in range(400):
            for name, m in monitor.metrics_of(monitor.observe(draw(500, r))).items():
                if isinstance(m, Estimate) and m.error is not None and "constant" not in name:
                    held.setdefault(name, []).append(abs(m.value - (truth[name] or 0.0)) <= 1.96 * m.error)
        held.pop("mean_absolute_percentage_error", None)  # truths near 0 give it no mean
        assert {"auc", "f1", "log_loss"} <= held.keys() or {"mae", "rmse", "r2"} <= held.keys()
        for name, inside in held.items():
            assert 0.92 <= np.mean(inside) <= 0.985, name
