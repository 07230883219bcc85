"""The sketch is SageMaker's bit for bit in one stream, and accurate in any cut."""

from __future__ import annotations

import math
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.core.distributions import SKETCH_SHARE_ERROR
from model_monitor.core.states import Quantiles, dump, load, total
from model_monitor.core.states.quantiles import AT_ONCE, ENDS, FEW, TAIL


class Reference:
    """The published rule, one value at a time, as plainly as it can be written."""

    def __init__(self) -> None:
        self.levels, self.offsets, self.compactions = [[]], [0], [0]

    @staticmethod
    def capacity(height: int) -> int:
        return 2 * (math.ceil(2048 * 0.64**height / 2) + 1)

    def update(self, value: float) -> None:
        self.levels[0].append(value)
        if sum(map(len, self.levels)) > sum(map(self.capacity, range(len(self.levels)))):
            self.condense()

    def condense(self) -> None:
        for i, level in enumerate(self.levels):
            if len(level) >= self.capacity(i):
                if i + 1 == len(self.levels):
                    self.levels.append([])
                    self.offsets.append(0)
                    self.compactions.append(0)
                if self.compactions[i] % 2:
                    self.offsets[i] = 1 - self.offsets[i]
                even = len(level) // 2 * 2
                self.levels[i + 1] += sorted(level[:even])[self.offsets[i] :: 2]
                self.levels[i] = level[even:]
                self.compactions[i] += 1
                return


@pytest.mark.parametrize("n", [0, 1, 2050, 2051, 10_000, 60_000])
@pytest.mark.parametrize("batch", [1_000_000, 4096, 777])
def test_one_stream_in_order_gives_sagemakers_arrays_however_it_is_cut(n: int, batch: int) -> None:
    values = np.random.default_rng(n).normal(size=n).round(3)
    reference = Reference()
    for value in values.tolist():
        reference.update(value)
    sketch = Quantiles()
    for start in range(0, n, batch):
        sketch = sketch + Quantiles.of(values[start : start + batch])
    assert [level.tolist() for level in sketch.items()] == reference.levels


def test_up_to_2050_values_are_kept_raw_and_one_more_is_not() -> None:
    assert [len(level) for level in Quantiles.of(np.arange(2050.0)).items()] == [2050]
    assert [len(level) for level in Quantiles.of(np.arange(2051.0)).items()] == [1, 1025]


def test_a_batch_larger_than_the_tail_is_entered_at_once() -> None:
    sketch = Quantiles.of(np.arange(float(TAIL + 1)))
    assert len(sketch.tail) == 0
    assert sketch.n == TAIL + 1


def rank_error(sketch: Quantiles, values: np.ndarray) -> float:
    items, weights = sketch.weighted()
    estimated = np.cumsum(weights) / weights.sum()
    at_most = np.searchsorted(np.sort(values), items, side="right") / len(values)
    return float(np.abs(estimated - at_most)[np.append(items[1:] != items[:-1], True)].max())


@pytest.mark.parametrize("order", ["random", "rising", "falling", "saw"])
@pytest.mark.parametrize("pieces", [1, 7, 153])
def test_the_rank_error_at_ten_million_values_is_below_half_a_percent(order: str, pieces: int) -> None:
    values = np.random.default_rng(5).exponential(size=10_000_000)
    if order != "random":
        values.sort()
    if order == "falling":
        values = values[::-1]
    if order == "saw":
        values = values.reshape(1000, -1).T.ravel()
    sketch = Quantiles()
    for piece in np.array_split(values, pieces):
        part = Quantiles()
        for start in range(0, len(piece), TAIL):
            part = part + Quantiles.of(piece[start : start + TAIL])
        sketch = sketch + part
    assert sketch.n == len(values)
    assert sum(map(len, sketch.items())) < 10_000
    assert rank_error(sketch, values) <= 0.005


def test_a_tree_of_merges_is_as_accurate_as_a_chain() -> None:
    values = np.random.default_rng(6).normal(size=4_000_000)
    sketches = [Quantiles.of(piece) for piece in np.array_split(values, 256)]
    while len(sketches) > 1:
        sketches = [a + b for a, b in zip(sketches[::2], sketches[1::2], strict=True)]
    assert rank_error(sketches[0], values) <= 0.005


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=500), st.floats(0.01, 1))
def test_raw_quantiles_are_numpys_inverted_cdf(values: list[float], share: float) -> None:
    assert Quantiles.of(np.array(values)).at(share) == np.quantile(values, share, method="inverted_cdf")


def test_no_values_have_no_quantile() -> None:
    assert Quantiles().at(0.5) is None
    assert (Quantiles() + Quantiles()).n == 0


@pytest.mark.parametrize("n", [*range(10), 2 * FEW - 1, 2 * FEW, 1000, 2050, 2051, 5000, 5001, 8191, 20_000, 65_536])
def test_a_thinned_sketch_has_all_its_rows_in_few_items_and_the_rows_far_out_one_by_one(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    thin = Quantiles.of(values).thinned()
    items, weights = thin.weighted()
    assert weights.sum() == thin.n == n
    assert set(items) <= set(values)
    assert len(items) <= 2 * FEW + 4 * ENDS
    if n >= 2 * FEW:
        assert items[:ENDS].tolist() == np.sort(values)[:ENDS].tolist()
        assert items[-ENDS:].tolist() == np.sort(values)[-ENDS:].tolist()
        assert (weights[:ENDS] == 1).all()


@pytest.mark.parametrize("rows", [1024, 2048, 5000, 7000])
@pytest.mark.parametrize("pieces", [1, 3])
def test_a_share_of_a_thinned_sketch_is_off_by_no_more_than_is_stated_of_sketches(rows: int, pieces: int) -> None:
    chance, errors = np.random.default_rng(rows), []
    for _ in range(100):
        values = chance.exponential(size=rows)
        sketch = reduce(add, map(Quantiles.of, np.array_split(values, pieces))).thinned()
        items, weights = sketch.weighted()
        at = chance.exponential(size=20)
        shares = np.concatenate([[0], np.cumsum(weights)])[np.searchsorted(items, at, side="right")] / rows
        errors.append(shares - (values[:, None] <= at).mean(axis=0))
    assert np.std(errors) <= SKETCH_SHARE_ERROR
    assert abs(np.mean(errors)) <= SKETCH_SHARE_ERROR / 4, "thinning leans to one side, which sums of hours add up"


@pytest.mark.parametrize("order", ["random", "rising", "falling", "saw"])
@pytest.mark.parametrize("rows", [AT_ONCE, 50_000, 1_000_000])
def test_batches_that_are_sorted_at_once_are_as_accurate_as_a_stream(rows: int, order: str) -> None:
    values = np.random.default_rng(rows).exponential(size=rows)
    values = {"random": values, "rising": np.sort(values), "falling": np.sort(values)[::-1],
              "saw": np.sort(values).reshape(16, -1).T.ravel()}[order]  # fmt: skip
    parts = [Quantiles.of(values[i : i + TAIL]).sorted_if_many() for i in range(0, rows, TAIL)]
    sketch = reduce(add, parts)
    assert sketch.n == rows
    assert max(map(len, parts[0].items())) < AT_ONCE
    assert rank_error(sketch, values) <= 2 * SKETCH_SHARE_ERROR
    assert rank_error(sketch.thinned(), values) <= 4 * SKETCH_SHARE_ERROR


def test_few_values_wait_in_order() -> None:
    few = Quantiles.of(np.arange(AT_ONCE - 1.0))
    assert few.sorted_if_many() is few


def test_a_month_of_thinned_hours_is_as_accurate_as_its_rows() -> None:
    values = np.random.default_rng(8).lognormal(size=(720, 1000))
    month = total([Quantiles.of(hour).thinned() for hour in values])
    assert month.n == values.size
    assert sum(map(len, month.items())) < 10_000
    assert rank_error(month, values.ravel()) <= SKETCH_SHARE_ERROR


@given(st.lists(st.lists(st.integers(-5, 5).map(float), max_size=3000), min_size=1, max_size=5), st.booleans())
def test_sketches_added_at_once_hold_all_rows_of_each(parts: list[list[float]], are_thinned: bool) -> None:
    sketches = [Quantiles.of(np.array(part)) for part in parts]
    added = total([sketch.thinned() if are_thinned else sketch for sketch in sketches])
    assert added.n == sum(map(len, parts))
    if added.n:
        assert rank_error(added, np.concatenate(parts)) <= 0.005


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3000))
def test_each_item_survives_the_codec_bit_for_bit_whatever_its_order(values: list[float]) -> None:
    sketch = Quantiles.of(np.array(values, float))
    again = load(dump(sketch), Quantiles())
    assert [items.tobytes() for items in again.items()] == [items.tobytes() for items in sketch.items()]


def test_a_stream_goes_on_after_the_codec_as_if_it_had_not_been_saved() -> None:
    values = np.random.default_rng(9).normal(size=20_000)
    half = load(dump(Quantiles.of(values[:9999])), Quantiles())
    whole = Quantiles() + Quantiles.of(values)
    assert [a.tolist() for a in (half + Quantiles.of(values[9999:])).items()] == [a.tolist() for a in whole.items()]
