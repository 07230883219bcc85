"""Evidence of a change against SciPy's tests, under no change, and with a sketch's error."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from model_monitor.core import chance, evidence
from model_monitor.core.cells import Cells
from model_monitor.core.distances import categorical_evidence
from model_monitor.core.distributions import Categories, Numbers
from model_monitor.core.evidence import Evidence, Pooled, of_numbers
from model_monitor.core.states import Quantiles

LEVEL = 0.0003
rows = st.integers(0, 60)


def numbers(values: np.ndarray) -> Numbers:
    return Numbers.of(Quantiles.of(np.asarray(values, float)), float(np.min(values)), float(np.max(values)))


def counted(values: np.ndarray) -> Numbers:
    different, counts = np.unique(values, return_counts=True)
    return Numbers.counted(dict(zip(different.tolist(), counts.tolist(), strict=True)))


@given(rows, rows, st.integers(0, 200), st.integers(0, 200))
@example(0, 1, 1, 0)  # two numbers of rows are as probable
def test_fishers_test_on_both_sides_is_scipys(inside: int, more: int, seen: int, seen_more: int) -> None:
    expected = stats.fisher_exact([[inside, more], [seen, seen_more]]).pvalue
    assert chance.fisher(inside, inside + more, seen, seen + seen_more) == pytest.approx(expected, rel=1e-6)


def test_fishers_test_of_millions_of_rows_is_that_of_many() -> None:
    found = chance.fisher(1_002_000, 5_000_000, 1_000_000, 5_000_000)
    table = [[1_002_000, 3_998_000], [1_000_000, 4_000_000]]
    assert found == pytest.approx(stats.chi2_contingency(table, correction=True).pvalue, rel=1e-3)


@given(st.floats(0, 8), st.floats(-1.5, 1.5))
def test_the_tail_of_a_skewed_sum_is_scipys(z: float, skewness: float) -> None:
    expected = stats.pearson3.sf(z, skewness if abs(skewness) >= chance.SYMMETRIC else 0.0)
    assert chance.skewed_tail(z, skewness) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.3])
def test_the_level_is_mann_and_whitneys_and_the_spread_moods(shift: float) -> None:
    r = np.random.default_rng(5)
    live, base = np.exp(shift) * r.normal(shift, 1, 400), r.normal(size=1500)
    pooled = Pooled.of(numbers(live), numbers(base))
    theirs = stats.mannwhitneyu(live, base, method="asymptotic", use_continuity=False).pvalue
    assert math.log(pooled.ranked()[0].p_value) == pytest.approx(math.log(theirs), rel=0.03)
    assert math.log(pooled.ranked()[1].p_value) == pytest.approx(math.log(stats.mood(live, base).pvalue), rel=0.06)
    tied = np.round(live), np.round(base)
    theirs = stats.mannwhitneyu(*tied, method="asymptotic", use_continuity=False).pvalue
    found = Pooled.of(counted(tied[0]), counted(tied[1])).ranked()[0]
    assert math.log(found.p_value) == pytest.approx(math.log(theirs), rel=0.03)


@given(st.integers(0, 3))
@settings(max_examples=4)
def test_the_shape_is_a_bound_of_smirnovs_exact_p_value(seed: int) -> None:
    r = np.random.default_rng(seed)
    live, base = r.normal(0.1 * seed, 1, 300), r.normal(size=700)
    exact = stats.ks_2samp(live, base, method="exact").pvalue
    assert exact <= Pooled.of(numbers(live), numbers(base)).shape().p_value <= 2.2 * exact


@given(st.integers(1, 6), st.integers(6, 40), st.integers(1, 60))
def test_rows_beyond_are_as_likely_as_that_the_largest_are_all_of_the_window(k: int, n: int, m: int) -> None:
    live = np.concatenate([np.full(n - k, -1.0), 10.0 + np.arange(k)])
    found = evidence.beyond(numbers(live), numbers(np.linspace(-2, 9, m) if m > 1 else np.array([9.0, -2.0])))
    m = max(m, 2)
    assert found.p_value == pytest.approx(min(1.0, 2 * stats.hypergeom(n + m, k, n).pmf(k)))
    assert found.p_value == 1.0 or (found.live, found.low) == (k / n, 9.0)


def test_of_a_sketch_only_the_numbers_that_it_keeps_count_as_rows_beyond() -> None:
    base = numbers(np.random.default_rng(1).normal(size=5000))
    sketch = Numbers(np.array([0.0, 99.0]), np.array([9_984, 16]), least=0.0, most=99.0)  # maybe one row, maybe 31
    assert evidence.beyond(sketch, base).p_value > 0.5


@given(st.integers(1, 30), st.integers(1, 60), st.integers(1, 60))
def test_the_least_p_value_of_a_cell_is_that_of_all_its_rows_on_one_side(both: int, n: int, m: int) -> None:
    both = min(both, n + m)
    live, base = np.array([min(both, n)]), np.array([both - min(both, n)])
    table = Cells.of(live, base, n, m, (0.0, 0.0))
    law = stats.hypergeom(n + m, both, n)
    expected = math.log(min(law.pmf(0), law.pmf(both))) if both <= min(n, m) else -math.inf
    assert table.least()[0] == pytest.approx(expected, abs=1e-8)


def test_cells_that_can_not_be_far_from_chance_cost_nothing() -> None:
    """Of a thousand values that occur once, none could be so rare an event as that one loses half its rows."""
    many = {f"once {i}": 1 for i in range(1000)}
    live, base = Categories({"a": 300, "b": 700}), Categories({"a": 500, "b": 500, **many})
    alone = chance.fisher(300, 1000, 500, 2000)
    assert evidence.of_categories(live, base, None).p_value <= 3 * alone


SOURCES = {
    "normal": lambda r, n: r.normal(size=n),
    "whole numbers": lambda r, n: r.poisson(3, n),
    "rarely above 0": lambda r, n: np.where(r.random(n) < 0.003, r.integers(1, 5, n), 0),
    "mostly 0": lambda r, n: np.where(r.random(n) < 0.9, 0.0, r.normal(size=n)),
    "far tails": lambda r, n: r.standard_cauchy(n),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("m", "n"), [(400, 50), (3000, 1000)])
def test_unchanged_numbers_have_small_p_values_no_more_often_than_these_say(source: str, m: int, n: int) -> None:
    r, trials = np.random.default_rng([m, n]), 150
    read = counted if source.startswith(("whole", "rarely")) else numbers
    draw = SOURCES[source]
    found = np.array([of_numbers(read(draw(r, n)), read(draw(r, m))).p_value for _ in range(trials)])
    for level in (0.2, 0.05):
        assert (found <= level).sum() <= stats.binom.ppf(0.999, trials, level)


@pytest.mark.parametrize(("m", "n"), [(400, 50), (20_000, 1000), (1000, 20_000)])
def test_unchanged_categories_have_small_p_values_no_more_often_than_these_say(m: int, n: int) -> None:
    r, trials = np.random.default_rng([m, n]), 200
    shares = 1 / np.arange(1, 101)

    def drawn(rows: int) -> Categories:
        counts = r.multinomial(rows, shares / shares.sum())
        return Categories({str(i): k for i, k in enumerate(counts.tolist()) if k})

    found = np.array([categorical_evidence(drawn(n), drawn(m)).p_value for _ in range(trials)])
    for level in (0.2, 0.05):
        assert (found <= level).sum() <= stats.binom.ppf(0.999, trials, level)


CHANGES = {
    "level": lambda r, n: r.normal(0.2, 1, n),
    "spread": lambda r, n: r.normal(0, 1.5**0.5, n),
    "beyond": lambda r, n: np.where(r.random(n) < 0.05, -999.0, r.normal(size=n)),
    "share": lambda r, n: np.where(r.random(n) < 0.05, 0.5, r.normal(size=n)),
    "lumps": lambda r, n: np.where(r.random(n) < 0.12, r.normal(0.5, 0.01, n), r.normal(size=n)),
}


@pytest.mark.parametrize("test", CHANGES)
def test_each_kind_of_change_is_found_by_its_test_and_the_better_the_more_rows(test: str) -> None:
    r = np.random.default_rng(7)
    base = numbers(r.normal(size=20_000))
    found = [of_numbers(numbers(CHANGES[test](r, n)), base) for n in (1000, 5000, 20_000)]
    assert found[0].test == test
    p_values = [one.p_value for one in found]
    assert p_values[0] < LEVEL and p_values == sorted(p_values, reverse=True)


def test_tails_are_found_that_neither_level_nor_spread_shows() -> None:
    r = np.random.default_rng(3)
    base, live = r.standard_t(3, 20_000), r.standard_t(3, 4000)
    live = np.where(live > 4.0, 2.5 * np.sign(live), live)  # nothing is beyond 4 any more
    found = of_numbers(numbers(live), numbers(base))
    assert found.test == "tails" and found.p_value < LEVEL and found.low and found.live < found.baseline


@given(st.integers(0, 2**32), st.sampled_from([3, 7, 40, 10**6]))
def test_lumps_are_pearsons_test_of_cells_that_have_enough_rows(seed: int, different: int) -> None:
    r = np.random.default_rng(seed)
    n, m = r.integers(90, 2000, 2).tolist()
    live, base = (
        r.normal(size=rows).round(6) if different > 99 else r.binomial(different, 0.4, rows) for rows in (n, m)
    )
    pooled = Pooled.of(counted(live), counted(base))
    ends = pooled.ends_of_lumps()
    edges = np.concatenate([[-np.inf], pooled.values[ends]])
    cells = np.array([np.histogram(side, np.nextafter(edges, np.inf))[0] for side in (live, base)])
    assert cells.sum() == n + m and cells.shape[1] <= evidence.LUMPS
    assert cells.shape[1] == 1 or cells.sum(axis=0).min() * min(n, m) >= 0.99 * evidence.FEWEST_IN_LUMP * (n + m)
    if len(ends) > 2:
        law = stats.chi2.sf(stats.chi2_contingency(cells).statistic * (n + m - 1) / (n + m), len(ends) - 1)
        assert pooled.lumps().p_value == pytest.approx(law)


def test_the_sketches_of_the_same_rows_have_no_lumps() -> None:
    """Of two million rows 32 cells are so exact that the sketch's error is most of what they differ by."""
    values = np.random.default_rng(5).normal(size=1_000_000)
    orders = [values, values[::-1], np.sort(values)]
    sketches = [numbers(order) for order in orders]
    found = [Pooled.of(a, b).lumps().p_value for a in sketches for b in sketches]
    assert min(found) > 0.01


def test_two_numbers_are_one_share() -> None:
    live, base = np.repeat([0.0, 1.0], [750, 250]), np.repeat([0.0, 1.0], [16_000, 4000])
    found = of_numbers(counted(live), counted(base))
    assert found.p_value == pytest.approx(stats.fisher_exact([[250, 750], [4000, 16_000]]).pvalue)
    assert (found.test, found.live, found.baseline) == ("share", *[(0.75, 0.8), (0.25, 0.2)][int(found.low or 0)])


def test_numbers_that_were_counted_tell_more_than_their_sketch() -> None:
    values = np.repeat([0.0, 1.0, 2.0], [19_500, 400, 100])
    live = counted(np.repeat([0.0, 1.0, 2.0], [980, 5, 15]))
    assert counted(values).is_exact and not numbers(values).is_exact
    assert of_numbers(live, counted(values)).p_value < of_numbers(live, numbers(values)).p_value


def test_a_sketch_of_many_rows_is_not_taken_for_exact() -> None:
    """The same million numbers in another order have another sketch, and are no other distribution."""
    values = np.random.default_rng(2).normal(size=1_000_000)
    a, b = numbers(values), numbers(values[::-1])
    assert of_numbers(a, b).p_value > 0.01


def test_nothing_is_evidence_of_nothing() -> None:
    nothing, one = Numbers(np.array([]), np.array([], int)), counted(np.ones(5))
    assert of_numbers(nothing, one) == of_numbers(one, nothing) == Evidence(1.0, "shape")
    assert of_numbers(one, one).p_value == 1.0
    assert categorical_evidence(Categories(), Categories({"a": 1})).p_value == 1.0
    assert categorical_evidence(Categories({"a": 9}), Categories({"a": 1})).p_value == 1.0


def test_enormous_numbers_do_no_harm() -> None:
    largest = float(np.finfo(np.float64).max)
    values = np.array([-largest, largest, 5e-324, 0.0] * 50)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert of_numbers(numbers(values), numbers(values)).p_value == 1.0
        assert of_numbers(numbers(np.full(200, largest)), numbers(values)).p_value < LEVEL


@pytest.mark.parametrize("rest", [0, 500])
def test_an_uncounted_category_is_no_new_one(rest: int) -> None:
    live = Categories({"a": 900, "new": 100})
    base = Categories({"a": 9000 - rest, "b": 1000}, rest=rest)
    found = categorical_evidence(live, base)
    assert (found.category == "new") == (rest == 0)
