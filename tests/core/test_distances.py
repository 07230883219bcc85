"""Distances against SciPy and SageMaker's own unit tests; noise floors by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from model_monitor.core.distances import (
    chi_squared,
    kolmogorov_smirnov,
    kolmogorov_smirnov_noise,
    largest_share_change,
    largest_share_change_noise,
    sagemaker_categories,
    sagemaker_chi_squared,
    sagemaker_numbers,
)
from model_monitor.core.distributions import Categories, Numbers
from model_monitor.core.states import Quantiles

few = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=40)


def numbers(values) -> Numbers:
    return Numbers.of(Quantiles.of(np.asarray(values, float)))


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:ks_2samp")  # of its p-value, which is not used
@given(few, few)
def test_the_numeric_distance_is_scipys_kolmogorov_smirnov(a: list[float], b: list[float]) -> None:
    theirs = stats.ks_2samp(a, b, method="asymp").statistic
    assert kolmogorov_smirnov(numbers(a), numbers(b)) == pytest.approx(theirs, abs=1e-12)


def test_deequs_golden_vectors() -> None:
    """deequ's KLLDistanceTest."""
    a, b = numbers([1, 2, 3, 4]), numbers([2, 3, 4, 5])
    assert sagemaker_numbers(a, b, robust=False) == 0.25
    assert sagemaker_numbers(a, b, robust=True) == 0.0
    c = Categories({"a": 10, "b": 20, "c": 25, "d": 10, "e": 5})
    d = Categories({"a": 11, "b": 20, "c": 25, "d": 10, "e": 10})
    assert sagemaker_categories(c, d, robust=False) == 0.06015037593984962
    e = Categories({"a": 10, "b": 20, "c": 25, "d": 10, "e": 5, "f": 2})
    assert sagemaker_categories(e, e, robust=True) == 0.0


def test_sagemaker_is_blind_to_a_binary_column_and_the_default_is_not() -> None:
    before, after = numbers([0] * 860 + [1] * 140), numbers([0] * 400 + [1] * 600)
    for robust in (True, False):
        assert sagemaker_numbers(after, before, robust=robust) == 0.0
    assert kolmogorov_smirnov(after, before) == pytest.approx(0.46)


def test_of_equal_values_the_last_weight_wins() -> None:
    """Level 0 holds 1 and 2, level 1 holds 2 and 3: the value 2 counts twice, not three times."""
    sketch = Numbers.of(Quantiles.of_levels([[2.0, 1.0], [2.0, 3.0]]))
    assert sketch.n == 6
    assert sagemaker_numbers(sketch, numbers([1]), robust=False) == pytest.approx(1 - 1 / 5)


@given(st.lists(st.integers(0, 60), min_size=3, max_size=6), st.lists(st.integers(30, 90), min_size=6, max_size=6))
def test_the_p_value_is_scipys_where_no_category_is_small(live: list[int], base: list[int]) -> None:
    base = base[: len(live)]
    expected = np.array(base) / sum(base) * sum(live)
    pair = (
        Categories({str(i): n for i, n in enumerate(live)}),
        Categories({str(i): n for i, n in enumerate(base)}),
    )
    if sum(live) and (expected >= 5).all():
        p = sagemaker_chi_squared(*pair)
        assert p == pytest.approx(stats.chisquare(live, expected).pvalue, abs=1e-12)
    if sum(live) and (stats.contingency.expected_freq([live, base]) >= 10).all():
        both = stats.chi2_contingency([live, base], correction=False).pvalue
        assert chi_squared(*pair) == pytest.approx(both, abs=1e-12)


def test_sagemaker_joins_small_categories_before_the_test() -> None:
    base = Categories({"a": 900, "b": 60, "c": 3, "d": 2, "e": 35})
    live = Categories({"a": 88, "b": 6, "c": 1, "e": 5, "new": 7})
    # Scaled to the 100 known rows: 90, 6, 0.3, 0.2, 3.5. Joined until at most a fifth is below 5: 90, 6, 4.
    joined = stats.chisquare([88 + 0, 6, 5 + 1 + 0], [90, 6, 4]).pvalue
    # Three categories allow none below 5, so 4 joins 6.
    assert sagemaker_chi_squared(live, base) == pytest.approx(stats.chisquare([88, 12], [90, 10]).pvalue)
    assert sagemaker_chi_squared(live, base) != pytest.approx(joined)


def test_rare_categories_share_a_cell_by_how_often_both_sides_have_them() -> None:
    base = Categories({"a": 900, "b": 600, "c": 3, "d": 2, "e": 35, "f": 60})
    live = Categories({"a": 188, "b": 156, "c": 1, "e": 5, "f": 17, "new": 33})
    # Of 2,000 rows a fifth is the window's: c, d, new and e are 79, so 15.8 of them are expected there; f has 15.4.
    table = [[1 + 33 + 5, 17, 156, 188], [3 + 2 + 35, 60, 600, 900]]
    assert chi_squared(live, base) == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)


def test_categories_that_are_not_counted_one_by_one_are_judged_by_the_largest_change() -> None:
    base = Categories({"a": 6_000, "b": 3_000, "c": 10}, rest=990)
    assert chi_squared(Categories({"a": 600, "b": 300, "c": 1, "d": 3}, rest=96), base) == 1.0
    assert chi_squared(Categories({"a": 300, "b": 600, "c": 1, "d": 3}, rest=96), base) < 1e-50


def test_one_category_has_no_p_value() -> None:
    assert chi_squared(Categories({"a": 5}), Categories({"a": 100})) is None
    assert sagemaker_chi_squared(Categories({"a": 5}), Categories({"a": 100})) is None


EMPTY = [numbers([]), Categories()]


@pytest.mark.parametrize("other", [numbers([1.0]), numbers([])])
def test_nothing_has_no_distance(other: Numbers) -> None:
    assert kolmogorov_smirnov(numbers([]), other) is None
    assert sagemaker_numbers(other, numbers([]), robust=True) is None
    assert largest_share_change(Categories(), Categories({"a": 1})) is None


@pytest.mark.parametrize(("n", "m"), [(60, 9999), (300, 300), (1000, 50_000)])
def test_chance_exceeds_the_numeric_noise_floor_no_more_often_than_stated(n: int, m: int) -> None:
    chance = np.random.default_rng(n)
    level, trials = 0.05, 400
    base = numbers(chance.normal(size=m))
    pairs = [(numbers(chance.normal(size=n)), base) for _ in range(trials)]
    alarms = sum(kolmogorov_smirnov(a, b) > kolmogorov_smirnov_noise(a, b, level) for a, b in pairs)
    assert alarms <= stats.binom.ppf(0.999, trials, level)


def test_chance_exceeds_the_categorical_noise_floor_no_more_often_than_stated() -> None:
    chance = np.random.default_rng(1)
    level, trials, shares = 0.05, 400, [0.5, 0.3, 0.1, 0.1]

    def drawn(n: int) -> Categories:
        return Categories(dict(zip("abcd", chance.multinomial(n, shares).tolist(), strict=True)))

    base = drawn(20_000)
    alarms = sum(
        largest_share_change(live, base) > largest_share_change_noise(live, base, level)
        for live in (drawn(200) for _ in range(trials))
    )
    assert alarms <= stats.binom.ppf(0.999, trials, level)
