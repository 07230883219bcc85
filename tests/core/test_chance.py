"""Is it chance? Bounds that weigh it, on both sides."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from model_monitor.core import chance, laws
from model_monitor.core.constraints import Between, Constraint, Finding, Unlearned
from model_monitor.core.evaluation import evaluate, noise_of
from model_monitor.core.measures import EVERYTHING, Estimate, Measure, Share, Undefined
from model_monitor.results.documents.plain import constraint_of, written


def judged(bound: Between, measure: Measure) -> Finding:
    return evaluate([Constraint("check", EVERYTHING, "m", bound)], {(EVERYTHING, "m"): measure})[0]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 60), st.integers(1, 60))
def test_tails_are_those_of_scipy(inside: int, more: int, seen_inside: int, seen_more: int) -> None:
    n, seen = inside + more, seen_inside + seen_more
    table = [[inside, more], [seen_inside, seen_more]]
    binomial = stats.binom(n, 0.3)
    for below in (True, False):
        expected = stats.fisher_exact(table, alternative="less" if below else "greater").pvalue
        assert chance.fisher_tail(inside, n, seen_inside, seen, below) == pytest.approx(expected, abs=1e-9)
        expected = binomial.cdf(inside) if below else binomial.sf(inside - 1)
        assert chance.binomial_tail(inside, n, 0.3, below) == pytest.approx(expected, abs=1e-12)


@given(st.integers(1, 30), st.integers(1, 200), st.integers(1, 300), st.integers(0, 200))
def test_one_unseen_value_is_as_likely_as_that_all_its_rows_are_in_the_window(c: int, m: int, a: int, n: int) -> None:
    """SciPy's hypergeometric distribution is the judge; the baseline's own value is too frequent to matter."""
    exact = stats.hypergeom(c + n + m, c, c + n).pmf(c)
    own = stats.hypergeom(c + n + m, n + m, c + n).pmf(n + m)  # 0 if it can't all be in the window
    found = chance.unseen_tail([c], c + n, {"a": m}, {"a": n}, m)
    assert found == pytest.approx(exact + own * (n + m >= c), rel=1e-9)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), st.integers(1, 60), st.integers(0, 3))
@settings(max_examples=25)
def test_chance_brings_unseen_values_no_more_often_than_the_bound(counts: list[int], frequent: int, seed: int) -> None:
    """All rows are put in random order; the first are the window."""
    values = np.repeat(np.arange(len(counts) + 1), [*counts, frequent])
    n = len(values) // 2
    orders = np.random.default_rng(seed).permuted(np.tile(values, (2000, 1)), axis=1)
    for order in orders[:3]:
        window, baseline = (Counter(part.tolist()) for part in (order[:n], order[n:]))
        unseen = [count for value, count in window.items() if value not in baseline]
        seen = {str(value): count for value, count in baseline.items()}
        live = {str(value): count for value, count in window.items()}
        bound = chance.unseen_tail(unseen, n, seen, live, len(values) - n) if unseen else 1.0
        rows_unseen = (~(orders[:, :n, None] == orders[:, None, n:]).any(axis=2)).sum(axis=1)
        as_many = int((rows_unseen >= sum(unseen)).sum())
        assert stats.binom.sf(as_many - 1, 2000, bound) > 1e-6


def test_the_tail_of_ten_million_rows_is_quick_and_like_the_integral() -> None:
    n, seen, inside = 10_000_000, 10_000, 8_880_000
    start = time.perf_counter()
    found = chance.fisher_tail(inside, n, 9_000, seen, below=True)
    assert time.perf_counter() - start < 2
    grid = (np.arange(200_000) + 0.5) / 200_000
    rates = stats.beta(9_000, 1_001).ppf(grid)
    assert found == pytest.approx(stats.binom.cdf(inside, n, rates).mean(), rel=0.01)


def test_a_share_beyond_either_side_counts_only_if_chance_would_not_take_it_there() -> None:
    assert judged(Between(low=0.9), Share(89, 100)).outcome == "violated"
    assert judged(Between(low=0.9, level=0.01), Share(89, 100)).outcome == "holds"
    assert judged(Between(low=0.9, level=0.01), Share(70, 100)).outcome == "violated"
    assert judged(Between(high=0.1, level=0.01), Share(11, 100)).outcome == "holds"
    assert judged(Between(high=0.1, level=0.01), Share(30, 100)).outcome == "violated"
    assert judged(Between(low=0.9, level=0.01), Share(0, 0)).outcome == "undefined"


@pytest.mark.parametrize("threshold", [0.9395127993393898, 1234.5678901234567, 1e-9, -0.25])
def test_the_last_digits_are_no_violation(threshold: float) -> None:
    """A sum in another order has other last digits: SageMaker's AUC of these rows ends in 898, ours in 889."""
    below, above = threshold - 5e-13 * abs(threshold), threshold + 5e-13 * abs(threshold)
    assert judged(Between(low=threshold), below).outcome == judged(Between(high=threshold), above).outcome == "holds"
    below, above = threshold - 5e-12 * abs(threshold), threshold + 5e-12 * abs(threshold)
    assert judged(Between(low=threshold), below).outcome == judged(Between(high=threshold), above).outcome == "violated"


def test_a_fixed_bound_of_all_rows_counts_each_row_and_one_drawn_from_few_rows_does_not() -> None:
    assert judged(Between(low=1.0, level=1e-6), Share(999, 1000)).outcome == "violated"
    assert judged(Between(high=0.0, level=1e-6), Share(1, 1000)).outcome == "violated"
    drawn = Share(16, 16)
    assert judged(Between(low=1.0, level=0.001, drawn=drawn), Share(999, 1000)).outcome == "holds"
    assert judged(Between(low=1.0, level=0.001, drawn=drawn), Share(10, 1000)).outcome == "violated"
    assert judged(Between(low=1.0, level=0.001, drawn=Share(9_999, 9_999)), Share(990, 1000)).outcome == "violated"
    assert judged(Between(high=0.0, level=0.001, drawn=Share(0, 16)), Share(1, 1000)).outcome == "holds"


def test_an_estimate_must_be_beyond_its_bound_by_more_than_its_noise() -> None:
    finding = judged(Between(low=0.8, level=0.01), Estimate(0.75, 0.03, 100))
    assert (finding.outcome, finding.observed) == ("holds", 0.75)
    assert finding.noise_floor == pytest.approx(0.03 * stats.t.isf(0.01, 99))
    assert judged(Between(low=0.8, level=0.01), Estimate(0.7, 0.03, 100)).outcome == "violated"
    assert judged(Between(high=0.2, level=0.01), Estimate(0.25, 0.03, 100)).outcome == "holds"
    assert judged(Between(high=0.2, level=0.01), Estimate(0.3, 0.03, 100)).outcome == "violated"
    assert judged(Between(high=0.2), Estimate(0.2000001, 0.03, 100)).outcome == "violated"


def test_the_noise_of_a_drawn_bound_is_added_and_guessed_if_the_baseline_has_none() -> None:
    """Welch's test, as SciPy has it."""
    r = np.random.default_rng(1)
    live, before = r.normal(size=20), r.normal(size=7) * 3
    errors = [stats.sem(live), stats.sem(before)]
    drawn = judged(
        Between(low=0.8, level=0.01, drawn=Estimate(0.8, float(errors[1]), 7)), Estimate(0.7, float(errors[0]), 20)
    )
    freedom = stats.ttest_ind(live, before, equal_var=False).df
    assert drawn.noise_floor == pytest.approx(np.hypot(*errors) * stats.t.isf(0.01, freedom))
    guessed = judged(Between(low=0.8, level=0.01, drawn=Estimate(0.8, None, 100)), Estimate(0.7, 0.03, 100))
    assert guessed.noise_floor == pytest.approx(np.hypot(0.03, 0.03) * stats.t.isf(0.01, 198))


@pytest.mark.parametrize("estimate", [Estimate(0.1, None, 100), Estimate(0.1, 0.1, 1), Estimate(0.9, None, 1)])
def test_an_estimate_without_an_error_is_undefined_where_chance_is_weighed(estimate: Estimate) -> None:
    finding = judged(Between(low=0.8, level=0.01), estimate)
    assert (finding.outcome, finding.reason) == ("undefined", "too few rows to tell chance from change")


def test_a_plain_number_is_compared_strictly_whatever_the_level() -> None:
    assert judged(Between(low=0.8, level=0.01), 0.8).outcome == "holds"
    assert judged(Between(low=0.8, level=0.01), 0.7999).outcome == "violated"
    assert judged(Between(high=0.8, level=0.01), 0.8001).outcome == "violated"


def test_an_undefined_measure_says_why() -> None:
    finding = judged(Between(low=0.8), Undefined("no row is positive"))
    assert (finding.outcome, finding.reason) == ("undefined", "no row is positive")


def test_estimates_are_alike_up_to_rounding_and_undefined_ones_by_their_reason() -> None:
    assert laws.alike(Estimate(0.5, 0.1, 3), Estimate(0.5 + 1e-12, 0.1, 3))
    assert laws.alike(Estimate(0.5, None, 3), Estimate(0.5, None, 3))
    assert not laws.alike(Estimate(0.5, 0.1, 3), Estimate(0.5, None, 3))
    assert not laws.alike(Estimate(0.5, 0.1, 3), Estimate(0.5, 0.1, 4))
    assert not laws.alike(Estimate(0.5, 0.1, 3), 0.5)
    assert laws.alike(Undefined("a"), Undefined("a"))
    assert not laws.alike(Undefined("a"), Undefined("b"))
    assert not laws.alike(Share(1, 2), None)


def test_a_share_can_not_reach_a_bound_that_is_no_share_by_chance() -> None:
    assert judged(Between(low=2.0, level=0.01), Share(100, 100)).outcome == "violated"
    assert judged(Between(high=-0.1, level=0.01), Share(0, 100)).outcome == "violated"


@given(st.floats(-290, 290), st.floats(1e-3, 1e3), st.integers(2, 10**6), st.integers(1, 10**6))
def test_the_noise_does_not_depend_on_the_unit(power: float, of_baseline: float, n: int, m: int) -> None:
    unit = 10.0**power
    noise = noise_of(Estimate(0.0, 1.0, n), Estimate(0.0, of_baseline, m), 0.001)
    scaled = noise_of(Estimate(0.0, unit, n), Estimate(0.0, of_baseline * unit, m), 0.001)
    assert noise is not None
    assert scaled == pytest.approx(noise * unit, rel=1e-6)


def test_an_error_that_is_not_finite_is_no_noise() -> None:
    large = judged(Between(high=1.0, level=0.01), Estimate(2.0, math.inf, 400))
    assert (large.outcome, large.reason) == ("undefined", "numbers are too large to tell chance from change")


@pytest.mark.parametrize("measure", [math.nan, Estimate(math.nan, 1.0, 10)])
def test_what_is_not_a_number_never_holds_and_is_no_bound(measure: Measure) -> None:
    assert judged(Between(low=0.0), measure).outcome == "undefined"
    with pytest.raises(ValueError, match="not NaN"):
        Between(high=math.nan)


def test_one_absurd_row_does_not_hide_behind_the_error_that_it_makes() -> None:
    rows = np.append(np.full(99, 0.5), 1e30)
    mean = Estimate(float(rows.mean()), float(rows.std(ddof=1) / 10), 100, 1.0)
    finding = judged(Between(high=0.6, level=0.01), mean)
    assert (finding.outcome, finding.reason) == (
        "undefined",
        "m is 1e+28, but one of 100 rows makes up most of it",
    )
    assert judged(Between(high=1e31, level=0.01), mean).outcome == "holds"
    assert judged(Between(high=0.6, level=0.01), replace(mean, largest=0.3)).outcome == "holds"


def test_what_the_baseline_could_not_tell_is_undefined_and_says_why() -> None:
    constraint = Constraint("check", EVERYTHING, "m", Unlearned("the baseline has no m"))
    [finding] = evaluate([constraint], {(EVERYTHING, "m"): 1.0})
    assert (finding.outcome, finding.reason) == ("undefined", "the baseline has no m")
    assert constraint_of(written(constraint)) == constraint


@given(st.floats(0, 400), st.integers(1, 60))
def test_the_tail_of_chi_squared_is_scipys(statistic: float, freedom: int) -> None:
    assert chance.chi_squared_tail(statistic, freedom) == pytest.approx(stats.chi2.sf(statistic, freedom))


@given(st.floats(-8, 8), st.floats(1, 500), st.floats(1e-9, 0.4))
def test_students_and_normal_tails_and_quantiles_are_scipys(z: float, freedom: float, level: float) -> None:
    assert chance.student_tail(z, freedom) == pytest.approx(stats.t.sf(z, freedom), rel=1e-6)
    assert chance.student_quantile(level, freedom) == pytest.approx(stats.t.isf(level, freedom), rel=1e-6)
    assert chance.normal_tail(level) == pytest.approx(stats.norm.isf(level))
    assert chance.normal_quantile(1 - 2 * level) == pytest.approx(stats.norm.isf(level), rel=1e-5)
