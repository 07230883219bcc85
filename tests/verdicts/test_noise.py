"""History takes back what chance of rows alone calls a violation, within the level, and nothing else."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from model_monitor.core import chance
from model_monitor.core.constraints import Between, Constraint, Finding, Near, Within
from model_monitor.core.distributions import Categories
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Estimate, Measure, Share, Subject
from model_monitor.verdicts.noise import FEWEST, Noise, NoiseOver, Tally, key_of

LEVEL = 0.001
X = Subject("x")
A, B = Categories({"a": 900, "b": 100}), Categories({"a": 600, "b": 400})
CONSTRAINTS: dict[str, tuple[Constraint, Measure]] = {
    "distribution": (Constraint("drift", X, "spread", Near(A, "largest_share_change", 0.0, LEVEL)), B),
    "p-value": (Constraint("drift", X, "spread", Near(A, "chi_squared", LEVEL)), B),
    "share": (Constraint("complete", X, "present", Between(0.9, None, LEVEL, Share(900, 1000))), Share(600, 1000)),
    "estimate": (
        Constraint("auc", X, "auc", Between(0.9, None, LEVEL, Estimate(0.9, 0.01, 500))),
        Estimate(0.7, 0.02, 500),
    ),
    "categories": (
        Constraint("domain", X, "values", Within(frozenset("a"), level=LEVEL, drawn=Categories({"a": 1000}))),
        B,
    ),
}


def tally_of(past: np.ndarray) -> Tally:
    return Tally(len(past), float(past.sum()), float((past**2).sum()))


def noise_of(finding: Finding, past: np.ndarray, is_required: bool = False) -> Noise:
    return Noise.of(({key_of(finding.constraint): float(z)} for z in past), is_required)


@pytest.mark.parametrize("kind", CONSTRAINTS)
def test_what_past_windows_did_too_is_no_violation_and_what_they_never_did_is(kind: str) -> None:
    constraint, measure = CONSTRAINTS[kind]
    [finding] = evaluate([constraint], {(X, constraint.measure): measure})
    assert finding.outcome == "violated" and finding.z is not None and finding.z > 3
    usual = noise_of(finding, np.full(30, finding.z) * np.resize([0.5, 1.5], 30)).weigh(finding)
    assert usual.outcome == "holds" and usual.windows == 30
    assert usual.noise_floor is None or finding.observed is None or usual.noise_floor > 0
    calm = noise_of(finding, np.resize([0.2, 1.1], 30)).weigh(finding)
    assert calm.outcome == "violated" and calm.windows == 30
    few = np.full(FEWEST - 1, 30.0)
    assert noise_of(finding, few).weigh(finding) == finding
    required = noise_of(finding, few, is_required=True).weigh(finding)
    assert required.outcome == "undefined" and f"there are {FEWEST - 1} yet" in required.reason


@given(
    st.floats(0, 60),
    st.lists(st.floats(0, 60), min_size=FEWEST, max_size=60),
    st.floats(1e-6, 0.05),
    st.floats(1e-3, 1),
)
def test_history_only_takes_back_and_the_floor_says_the_same_as_the_outcome(
    z: float, past: list[float], level: float, observed: float
) -> None:
    constraint = Constraint("drift", X, "spread", Near(A, "largest_share_change", 0.0, level))
    p_value = 2 * float(stats.norm.sf(z))
    is_beyond = p_value < level
    floor = observed * 0.9 if is_beyond else observed
    before = Finding(constraint, "violated" if is_beyond else "holds", observed, floor, p_value=p_value, z=z)
    after = noise_of(before, np.array(past)).weigh(before)
    assert (before.outcome, after.outcome) != ("holds", "violated")
    assert after.p_value is not None and after.p_value >= p_value
    assert after.noise_floor is not None
    if abs(after.p_value - level) > 1e-6 * level:
        assert (after.noise_floor < observed) == (after.outcome == "violated")


@given(st.lists(st.floats(0, 60), min_size=2, max_size=60))
def test_a_larger_z_is_never_more_usual_and_what_is_reached_has_its_level(past: list[float]) -> None:
    tally = tally_of(np.array(past))
    middle, spread = tally.usual()
    assert middle >= 0 and spread >= 1
    assert tally.p_value(0.0) == pytest.approx(1.0)
    p_values = [tally.p_value(z) for z in np.linspace(0, 100, 50)]
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(p_values))
    if len(past) > 5:
        assert tally.p_value(tally.reached(LEVEL)) == pytest.approx(LEVEL, rel=1e-3)


@pytest.mark.parametrize(("middle", "spread"), [(0.0, 1.0), (0.0, 3.0), (3.0, 3.0), (9.0, 3.0), (3.0, 1.5), (4.0, 1.0)])
@pytest.mark.parametrize("windows", [FEWEST, 50, 168])
def test_windows_like_the_past_ones_are_beyond_a_level_as_often_as_it_says(
    middle: float, spread: float, windows: int
) -> None:
    """The level is that of a check in a schedule of twenty columns. The interval of a simulated probability is that of
    20,000 pasts, each of which tells its own exactly."""
    generator = np.random.default_rng([windows, int(middle), int(spread)])
    beyond = []
    for _ in range(1_000):
        limit = tally_of(np.abs(middle + spread * generator.normal(size=windows))).reached(3e-4)
        beyond.append(stats.norm.sf((limit - middle) / spread) + stats.norm.sf((limit + middle) / spread))
    mean, error = float(np.mean(beyond)), float(np.std(beyond)) / math.sqrt(len(beyond))
    assert mean - 2 * error < 1.15 * 3e-4


def test_windows_that_are_always_a_little_off_do_not_hide_one_that_is_far_off() -> None:
    past = np.abs(3.3 + 0.6 * np.random.default_rng(1).normal(size=28))
    assert tally_of(past).p_value(8.5) < 1e-4
    assert tally_of(past).p_value(4.5) > 0.05


@given(st.floats(1e-240, 1.0))
def test_deviations_are_those_of_the_normal_distribution(p_value: float) -> None:
    assert chance.deviations(p_value, 0.0) == pytest.approx(float(stats.norm.isf(p_value / 2)), rel=1e-6, abs=1e-9)


def test_beyond_what_a_float_tells_a_larger_effect_is_further_from_chance() -> None:
    def z(share: float) -> float:
        live = Categories({"a": round(1_000_000 * share), "b": round(1_000_000 * (1 - share))})
        drift = Constraint(
            "drift", X, "spread", Near(Categories({"a": 500_000, "b": 500_000}), "largest_share_change", 0.0, LEVEL)
        )
        [finding] = evaluate([drift], {(X, "spread"): live})
        assert finding.p_value == 0.0 and finding.z is not None
        return finding.z

    assert 33 < z(0.55) < z(0.6) < z(0.9)


def test_a_span_is_weighed_by_windows_until_spans_are_known_and_does_not_stand_out_before() -> None:
    metric = Constraint("LessThanThreshold", X, "auc", Between(0.9, None, 0.01, Estimate(0.9, 0.01, 500)))
    finding = Finding(metric, "violated", 0.8, z=6.0, p_value=2e-9)
    windows = Noise.of([{key_of(metric): 3.0}] * 40)
    spans = Noise.of([{key_of(metric): 6.0}] * FEWEST)
    early, known = NoiseOver(windows=windows), NoiseOver(windows=windows, spans=spans)
    assert (early.weigh(finding).outcome, early.weigh(finding).windows) == ("violated", None)
    assert (known.weigh(finding).outcome, known.weigh(finding).windows) == ("holds", FEWEST)
    calm = Finding(metric, "violated", 0.89, z=3.5, p_value=5e-4)
    assert early.weigh(calm).outcome == "holds"
