"""Is the model less fair than it was, or is it chance?"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from model_monitor.core.constraints import Between, Finding
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Estimate, Undefined
from model_monitor.monitors.bias import BIAS_DRIFT, Bias, Entry, Facet
from model_monitor.monitors.bias.metrics import Sides, after_training, before_training, errors_of

SIGNED = ["AD", "CI", "DAR", "DCA", "DCR", "DI", "DPL", "DPPL", "DRR", "GE", "RD", "SD"]
FOLDED = ["KS", "LP", "TVD"]  # distances, which are never below 0
MONITOR = Bias((Facet("sex", values=("F",)),), inference_attribute="p", group_variable="g", resamples=400)
ORIGINAL = replace(MONITOR, compatibility="sagemaker")


def people(n: int, r: np.random.Generator, bias: float = 0.2, gap: float = 0.1, share: float = 0.3) -> pa.RecordBatch:
    """``share`` of the rows are F: their labels are by ``gap``, their predictions by ``bias`` less often positive."""
    female, x = r.random(n) < share, r.normal(size=(n, 3))
    skill = x[:, 0] + 0.5 * x[:, 1]
    columns = {f"x{i}": x[:, i] for i in range(3)}
    return pa.record_batch(
        {
            **columns,
            "sex": np.where(female, "F", "M"),
            "g": r.integers(0, 4, n),
            "label": (skill + r.normal(size=n) > 0.4 + 2 * gap * female).astype(int),
            "p": (skill + 0.3 * r.normal(size=n) - bias * female > 0.4).astype(int),
        }
    )


def findings(some: Bias, before: pa.RecordBatch, after: pa.RecordBatch) -> dict[str, Finding]:
    found = evaluate(some.suggest(some.observe(before)), some.measure(some.observe(after)))
    return {f.constraint.measure: f for f in found}


def entry(name: str, measure: Any, stage: str = "post") -> Entry:
    measures = {"pre": {}, "post": {}} | {stage: {name: measure}}
    return Entry("sex", "F", measures["pre"], measures["post"])


def outcome(some: Bias, name: str, before: Any, now: Any) -> str | None:
    """What comes of one metric; None if nothing is asked."""
    constraints = list(some.constraints([entry(name, before)]))
    found = evaluate(constraints, {(entry(name, now).subject, name): now})
    return found[0].outcome if found else None


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (0.2, 0.1, "holds"),
        (0.2, -0.1, "holds"),
        (0.2, -0.3, "violated"),
        (0.2, 0.2, "holds"),
        (-0.2, 0.2, "holds"),
        (0.2, 0.2000001, "violated"),
        (2.9, math.inf, "violated"),
        (2.9, -math.inf, "violated"),
        (math.inf, math.inf, "holds"),
        (-math.inf, 7.0, "holds"),
        (0.0, 0.0, "holds"),
        (0.2, Undefined("x"), "undefined"),
        (Undefined("x"), 0.2, None),
    ],
)
def test_sagemaker_finds_what_is_further_from_0_than_the_baseline(before: Any, now: Any, expected: str) -> None:
    assert outcome(ORIGINAL, "DPPL", before, now) == expected


def test_sagemaker_takes_a_ratio_nearer_to_0_for_fairer_and_ours_does_not() -> None:
    assert outcome(ORIGINAL, "DI", 0.8, 0.2) == "holds"
    assert outcome(ORIGINAL, "DI", 0.8, 0.9) == "violated"
    sure = {"error": 0.01, "n": 10_000}
    assert outcome(MONITOR, "DI", Estimate(0.8, **sure), Estimate(0.2, **sure)) == "violated"
    assert outcome(MONITOR, "DI", Estimate(0.8, **sure), Estimate(0.95, **sure)) == "holds"
    assert outcome(MONITOR, "DI", Estimate(0.8, **sure), Estimate(1.2, **sure)) == "holds"
    assert outcome(MONITOR, "DI", Estimate(0.8, **sure), Estimate(1.5, **sure)) == "violated"
    assert outcome(MONITOR, "DI", Estimate(0.0, **sure), Estimate(0.2, **sure)) is None  # nothing would be worse


def test_the_allowed_range_ends_at_the_baselines_value_and_both_errors_count_as_one() -> None:
    baseline = [entry("DPPL", Estimate(-0.2, 0.03, 1000)), entry("DI", Estimate(0.5, 0.05, 1000))]
    dppl, di = [c.bound for c in MONITOR.constraints(baseline)]
    assert isinstance(dppl, Between) and isinstance(di, Between)
    assert (dppl.low, dppl.high, di.low, di.high) == pytest.approx((-0.2, 0.2, 0.5, 2.0))
    assert dppl.level == di.level == pytest.approx(0.01 / 4)  # one per cent over two metrics of two sides
    # The error of the difference is the root of both squares: 0.05 of 0.03 and 0.04, not 0.07.
    reach = 0.05 * stats.norm.ppf(1 - 0.01 / 2)  # of the one metric that is judged here
    for beyond, expected in ((0.98, "holds"), (1.02, "violated")):
        now = Estimate(-0.2 - beyond * reach, 0.04, 1000)
        assert outcome(MONITOR, "DPPL", Estimate(-0.2, 0.03, 1000), now) == expected


def test_the_interval_is_never_narrower_than_the_level_says() -> None:
    loose = replace(MONITOR, false_alarm_budget=0.9, level=0.9)
    [constraint] = loose.constraints([entry("DPPL", Estimate(0.2, 0.01, 1000))])
    assert constraint.bound.level == pytest.approx(0.05)  # type: ignore[union-attr]


def test_a_baseline_that_does_not_say_how_sure_it_is_allows_its_value() -> None:
    [constraint] = MONITOR.constraints([entry("DPPL", Estimate(0.2))])
    assert (constraint.bound.low, constraint.bound.high) == (-0.2, 0.2)  # type: ignore[union-attr]
    assert constraint.check == BIAS_DRIFT
    assert outcome(MONITOR, "DPPL", Estimate(0.2), Estimate(0.25, 0.03, 1000)) == "holds"
    assert outcome(MONITOR, "DPPL", Estimate(0.2), Estimate(0.35, 0.03, 1000)) == "violated"


def test_an_estimate_whose_error_nobody_knows_is_undefined() -> None:
    assert outcome(MONITOR, "TE", Estimate(0.2, 0.1, 100), Estimate(9.0, None, 100)) == "undefined"


def test_a_model_that_turns_against_a_group_is_found_out_and_one_that_improves_is_not() -> None:
    r = np.random.default_rng(1)
    before = people(5000, r)
    worse = findings(MONITOR, before, people(2000, r, bias=0.9))
    assert {worse[name].outcome for name in ("DPPL", "DI", "CDDPL", "RD", "FT")} == {"violated"}
    assert worse["DPL"].outcome == "holds"
    better = findings(MONITOR, before, people(2000, r, bias=0.0))
    assert {f.outcome for f in better.values()} == {"holds"}
    assert len({name for name, found in better.items() if found.constraint.check == "bias_drift_check"}) == 21
    assert (worse["FT"].observed or 0) < -0.2


def test_sagemakers_mode_alarms_where_ours_sees_chance() -> None:
    r = np.random.default_rng(2)
    before, after = people(5000, r), people(300, r)
    assert {f.outcome for f in findings(MONITOR, before, after).values()} <= {"holds", "undefined"}
    assert "violated" in {f.outcome for f in findings(ORIGINAL, before, after).values()}


@pytest.mark.parametrize(("of_baseline", "of_window"), [(20_000, 300), (600, 900)])
def test_windows_as_fair_as_the_baseline_raise_false_alarms_no_more_often_than_the_budget(
    of_baseline: int, of_window: int
) -> None:
    """At a budget of 5 %, each window with a baseline of its own where that is small; more than the bound would be
    chance once in a thousand."""
    eager = replace(MONITOR, false_alarm_budget=0.05, sample_rows=300, resamples=200)
    r = np.random.default_rng(3)
    constraints = list(eager.suggest(eager.observe(people(of_baseline, r))))
    alarms = 0
    for _ in range(100):
        if of_baseline < 1000:
            constraints = list(eager.suggest(eager.observe(people(of_baseline, r))))
        found = evaluate(constraints, eager.measure(eager.observe(people(of_window, r))))
        alarms += any(f.outcome == "violated" for f in found)
    assert alarms <= stats.binom.ppf(0.999, 100, 0.05)


def cells_of(share: float, positive: tuple[float, float], tpr: tuple[float, float], fpr: tuple[float, float]) -> Any:
    """The probability of each of the eight kinds of rows, of a then d."""
    sides = zip((1 - share, share), positive, tpr, fpr, strict=True)
    return np.array([s * x for s, p, t, f in sides for x in (p * t, (1 - p) * f, p * (1 - t), (1 - p) * (1 - f))])


@pytest.mark.parametrize(
    "shares",
    [
        cells_of(0.3, (0.4, 0.3), (0.8, 0.7), (0.15, 0.12)),
        cells_of(0.2, (0.5, 0.2), (0.9, 0.6), (0.1, 0.1)),
        cells_of(0.4, (0.2, 0.1), (0.7, 0.6), (0.05, 0.04)),
    ],
    ids=["mild", "strong", "rare"],
)
def test_intervals_hold_the_truth_nineteen_times_in_twenty(shares: Any) -> None:
    """Over 1,000 windows of 2,000 rows, chance alone makes 0.7 % of difference."""
    truth = metrics_of(np.round(shares * 1e12))
    r = np.random.default_rng(11)
    held: dict[str, list[bool]] = {name: [] for name in [*SIGNED, *FOLDED]}
    for i in range(1000):
        window = r.multinomial(2000, shares)
        values, errors = metrics_of(window), errors_of(window, 500, i, 0.95)
        for name, inside in held.items():
            inside.append(abs(values[name] - truth[name]) <= 1.96 * (errors[name] or 0.0))
    assert {
        name: round(float(np.mean(inside)), 3) for name, inside in held.items() if not 0.93 <= np.mean(inside) <= 0.97
    } == {}


def metrics_of(cells: Any) -> dict[str, float]:
    s = Sides.of(cells)
    found = before_training(s, False) | after_training(s, False)
    return {name: float(value) for name, value in found.items()}


def test_an_error_is_unknown_where_resamples_often_have_no_number() -> None:
    errors = errors_of(np.array([20, 0, 20, 60, 20, 9, 20, 51]), 1000, 0, 0.95)
    assert errors["TE"] is None
    assert all(error is not None and error > 0 for name, error in errors.items() if name != "TE")
