"""Do a baseline and a window share bins and names, whatever their numbers and values are?"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.core.distributions import Categories, Numbers
from model_monitor.results.charts import Bin, Category, bins_of, categories_of, overlay, shifts_of, svg

finite = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=80)
counts = st.dictionaries(st.text(max_size=3), st.integers(1, 9), min_size=1, max_size=30)


def numbers(values: list[float]) -> Numbers:
    return Numbers(np.sort(np.array(values, np.float64)), np.ones(len(values), np.int64))


@given(finite, finite)
def test_each_row_is_in_one_bin(baseline: list[float], window: list[float]) -> None:
    bins = bins_of(numbers(baseline), numbers(window))
    assert sum(one.baseline for one in bins) == pytest.approx(1) and sum(one.window for one in bins) == pytest.approx(1)
    assert all(one.low < one.high for one in bins)
    assert 1 <= len(bins) <= 30


def test_bins_hold_the_rows_that_numpy_counts() -> None:
    rng = np.random.default_rng(0)
    baseline, window = rng.normal(20, 5, 999), rng.normal(15, 5, 500)
    bins = bins_of(numbers([*baseline]), numbers([*window]))
    edges = np.array([bins[0].low, *(one.high for one in bins)])
    inner = slice(1, -1)  # the outermost hold the tails, too
    expected = np.histogram(window, edges)[0] / len(window)
    assert [one.window for one in bins][inner] == pytest.approx(expected[inner])


def test_a_few_integers_have_a_bin_each() -> None:
    bins = bins_of(numbers([1, 1, 2, 3]), numbers([1, 3, 3, 3]))
    assert [(one.baseline, one.window) for one in bins] == [(0.5, 0.25), (0.25, 0.0), (0.25, 0.75)]


def test_one_number_and_numbers_as_large_as_can_be_are_drawn() -> None:
    for values in ([0.0], [-1.7e308, 1.7e308], [1.7e308 * (i - 50) / 50 for i in range(101)]):
        svg(overlay(bins_of(numbers(values), numbers(values)), "x"))


@given(counts, counts)
def test_each_row_has_one_name(baseline: dict[str, int], window: dict[str, int]) -> None:
    shown = categories_of(Categories(baseline), Categories(window))
    assert sum(one.baseline for one in shown) == pytest.approx(1) and sum(one.window for one in shown) == pytest.approx(
        1
    )
    assert len(shown) <= 11
    assert all(one.is_new == (one.baseline == 0) for one in shown[:10])


def test_what_is_new_and_what_moved_is_among_those_that_are_named() -> None:
    many = {f"v{i}": 1000 for i in range(50)}
    shown = categories_of(Categories(many), Categories({**many, "new": 500, "v7": 1}))
    assert {one.name for one in shown if one.is_new} == {"new"}
    assert {"v7", "new", "all others"} <= {one.name for one in shown}


def test_what_may_not_be_named_is_not() -> None:
    shown = categories_of(Categories({"a": 9, "ada@home": 1}), Categories({"a": 10}), nameable={"a"})
    assert [one.name for one in shown] == ["a", "all others"]


def test_nothing_to_compare_is_nothing() -> None:
    assert bins_of(numbers([]), numbers([1.0])) == [] == categories_of(Categories(), Categories({"a": 1}))
    assert "<svg" in svg(overlay([], "age"))


def test_quantiles_are_the_least_numbers_with_such_a_share_below_in_the_columns_unit() -> None:
    rng = np.random.default_rng(0)
    baseline, window = rng.normal(20, 5, 999), rng.normal(15, 5, 500)
    shifts = shifts_of(numbers([*baseline]), numbers([*window]))
    shares = [one.share for one in shifts]
    assert [one.baseline for one in shifts] == list(np.quantile(baseline, shares, method="inverted_cdf"))
    assert [one.window for one in shifts] == list(np.quantile(window, shares, method="inverted_cdf"))
    assert shifts_of(numbers([]), numbers([1.0])) == []


def test_the_legend_names_what_is_compared() -> None:
    shapes = [Bin(0, 1, 0.5, 0.2), Bin(1, 2, 0.5, 0.8)], [Category("new", 0.0, 1.0, True)]
    for values, sides in itertools.product(shapes, (("baseline", "this window"), ("March", "April"))):
        drawn = svg(overlay(values, "plan", sides=sides)).replace("\u00a0", " ")
        assert f"grey: {sides[0]}" in drawn and sides[1] in drawn
        assert ("this window" in drawn) == (sides[1] == "this window")
