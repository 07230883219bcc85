"""States add: whatever the cut and the order, and through their codec."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from dataclasses import dataclass, field
from functools import reduce
from operator import add

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_monitor.core.states import Counts, Distinct, Keyed, Moments, Quantiles, Record, Scores, dump, load, total
from model_monitor.core.states import counts as counts_module

numbers = st.lists(st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 6)), max_size=60)
texts = st.lists(st.text(max_size=3), max_size=40)


def cut(rows: list, ends: list[int]) -> list[list]:
    places = sorted(min(end, len(rows)) for end in ends)
    return [rows[a:b] for a, b in zip([0, *places], [*places, len(rows)], strict=True)]


@given(numbers, st.lists(st.integers(0, 60), max_size=4))
def test_moments_are_numpys_however_rows_are_cut(rows: list[float], ends: list[int]) -> None:
    m = reduce(add, (Moments.of(np.array(part)) for part in cut(rows, ends)), Moments())
    assert m.n == len(rows)
    if not rows:
        assert (m.mean, m.std_dev, m.minimum, m.maximum) == (None, None, None, None)
        return
    assert math.isclose(m.mean, np.mean(rows), rel_tol=1e-12, abs_tol=1e-9)
    assert math.isclose(m.std_dev, np.std(rows), rel_tol=1e-9, abs_tol=1e-6)
    assert (m.minimum, m.maximum) == (min(rows), max(rows))


def test_the_variance_of_numbers_far_from_zero_keeps_its_digits() -> None:
    """The textbook trap of the sum of squares (Chan, Golub & LeVeque 1983)."""
    values = 1e9 + np.array([4.0, 7.0, 13.0, 16.0])
    assert (Moments.of(values[:1]) + Moments.of(values[1:])).m2 == 90.0


@given(texts, st.lists(st.integers(0, 40), max_size=4))
def test_counts_are_exact_below_their_bound(rows: list[str], ends: list[int]) -> None:
    counts = reduce(add, map(Counts.of, cut(rows, ends)), Counts())
    assert dict(counts.values) == Counter(rows)
    assert (counts.n, counts.rest, counts.undercount) == (len(rows), 0, 0)


@given(st.lists(st.integers(0, 30), max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_beyond_their_bound_counts_lose_no_row_and_say_how_far_off_they_are(rows: list[int], ends: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts_module, "BOUND", 7)
        counts = reduce(add, (Counts.of(map(str, part)) for part in cut(rows, ends)), Counts())
        true = Counter(map(str, rows))
        assert counts.n == len(rows)
        assert len(counts.values) <= 7
        for value, n in counts.values.items():
            assert n <= true[value] <= n + counts.undercount


@given(st.lists(st.text(max_size=4), max_size=300), st.integers(0, 300))
def test_distinct_does_not_depend_on_cut_or_order(rows: list[str], end: int) -> None:
    whole = Distinct.of(rows)
    assert (Distinct.of(rows[end:]) + Distinct.of(rows[:end])).estimate == whole.estimate
    assert round(whole.estimate) == len(set(rows))


def test_distinct_of_many_is_within_five_standard_errors() -> None:
    assert abs(Distinct.of(map(str, range(200_000))).estimate / 200_000 - 1) < 5 * 1.04 / math.sqrt(2**12)


STATES = [
    Moments.of(np.arange(5.0)),
    Counts.of(["a", "b", "a"]),
    Distinct.of(["a", "b"]),
    Quantiles.of(np.arange(5000.0)),
    Keyed(Moments(), {"x": Moments.of(np.arange(3.0))}),
]


@pytest.mark.parametrize("state", STATES, ids=lambda s: type(s).__name__)
def test_a_state_survives_its_codec_and_gives_the_same_bytes_again(state) -> None:
    empty = Keyed(Moments()) if isinstance(state, Keyed) else type(state)()
    again = load(dump(state), empty)
    assert dump(again) == dump(state)
    assert dump(load(dump(empty), empty)) == dump(empty)
    assert dump(again + empty) == dump(state)


def test_a_state_of_a_newer_version_is_refused() -> None:
    class Newer(Moments):
        version = 99

    with pytest.raises(ValueError, match="newer than this program"):
        load(dump(Newer.of(np.arange(3.0))), Moments())


@pytest.mark.parametrize("content", [b"", b"{}", b"\x80\x04pickle"])
def test_bytes_that_are_no_state_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not a saved state"):
        load(content, Moments())


huge = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20)


@given(huge, st.lists(st.integers(0, 20), max_size=4))
def test_sums_beyond_the_range_of_floats_are_infinite_and_never_nan(rows: list[float], ends: list[int]) -> None:
    m = reduce(add, (Moments.of(np.array(part, float)) for part in cut(rows, ends)), Moments())
    assert not math.isnan(m.total + m.m2)
    assert (m.n, m.minimum, m.maximum) == (len(rows), min(rows, default=None), max(rows, default=None))
    for number in (m.mean, m.std_dev):
        assert number is None or math.isfinite(number)


def test_a_sum_that_is_too_large_stays_so() -> None:
    m = Moments.of(np.full(2, 1.7e308)) + Moments.of(np.full(9, -1.7e308)) + Moments.of(np.ones(1))
    assert (m.n, m.total, m.mean, m.std_dev) == (12, math.inf, None, None)


@settings(max_examples=30)
@given(st.lists(st.tuples(numbers, texts), min_size=1, max_size=6), st.randoms())
def test_states_added_at_once_in_any_order_are_those_added_one_by_one(parts: list, chance) -> None:
    def state(rows: list[float], words: list[str]) -> Keyed:
        values = np.array(rows, float)
        scores = Scores.of(np.abs(values) / 1e6)
        return Keyed(
            Column(),
            {word: Column(Counts.of(words), Moments.of(values), Quantiles.of(values), scores) for word in words[:2]},
        )

    states = [state(*part) for part in parts]
    one_by_one, at_once = reduce(add, states), total(states)
    chance.shuffle(states)
    shuffled = total(states)
    assert at_once.items.keys() == one_by_one.items.keys() == shuffled.items.keys()
    for key, column in at_once.items.items():
        chained, other = one_by_one.items[key], shuffled.items[key]
        assert column.counts == chained.counts == other.counts
        assert column.numbers == other.numbers, "the order changes sums"
        expected = chained.numbers
        assert (column.numbers.n, column.numbers.least, column.numbers.most) == (
            expected.n,
            expected.least,
            expected.most,
        )
        assert math.isclose(column.numbers.total, expected.total, rel_tol=1e-9, abs_tol=1e-6)
        assert math.isclose(column.numbers.m2, expected.m2, rel_tol=1e-9, abs_tol=1e-2)
        assert column.scores.counts.tolist() == chained.scores.counts.tolist()
        values = [sketch.weighted()[0].tolist() for sketch in (column.sketch, chained.sketch, other.sketch)]
        assert values[0] == values[1] == values[2]


@dataclass(frozen=True)
class Column(Record):
    counts: Counts = Counts()
    numbers: Moments = Moments()
    sketch: Quantiles = field(default_factory=Quantiles)
    scores: Scores = field(default_factory=Scores)


@given(huge, st.lists(st.integers(0, 20), max_size=4))
def test_sums_at_once_beyond_the_range_of_floats_are_infinite_and_never_nan(rows: list[float], ends: list[int]) -> None:
    m = total([Moments(), *(Moments.of(np.array(part, float)) for part in cut(rows, ends))])
    assert not math.isnan(m.total + m.m2)
    assert (m.n, m.minimum, m.maximum) == (len(rows), min(rows, default=None), max(rows, default=None))


def test_a_kind_that_adds_in_its_own_way_does_so_at_once_too() -> None:
    class Greatest(Moments):
        def __add__(self, other: Moments) -> Moments:
            return max(self, other, key=lambda m: m.n)

    assert total([Greatest(n) for n in (3, 7, 5)]).n == 7


def test_many_counts_added_at_once_stay_bounded_and_lose_no_row() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts_module, "BOUND", 7)
        patch.setattr(counts_module, "AT_ONCE", 20)
        counts = total([Counts.of([f"{i}-{k}" for k in range(6)] + ["often"] * 3) for i in range(30)])
    assert (counts.n, len(counts.values)) == (30 * 9, 7)
    assert counts.values["often"] <= 90 <= counts.values["often"] + counts.undercount


def test_hyperloglogs_added_at_once_are_those_added_one_by_one() -> None:
    parts = [Distinct.of(map(str, range(first, first + 900))) for first in range(0, 9000, 600)]
    assert total(parts).estimate == reduce(add, parts).estimate
    assert total([Distinct(), parts[0]]) == parts[0]
    assert total([Distinct(), Distinct()]) == Distinct()


def test_texts_that_occur_once_are_only_counted_if_they_are_most_rows_of_many() -> None:
    identifiers = Counts.of([*map(str, range(1500)), "a", "a"])
    assert identifiers.recurring() == Counts({"a": 2}, 1500, 1)
    few = Counts.of(map(str, range(counts_module.MANY_ONCE)))
    assert few.recurring() is few
    postcodes = Counts.of(str(i % 2000) for i in range(3500))  # 500 once, 1,500 twice
    assert postcodes.recurring() is postcodes


def test_a_state_that_was_saved_before_zstd_is_read() -> None:
    """The form of version 0.1: all by zlib, the items of a sketch as they are, fields that are as by default too."""
    level = [np.array([3.0, 1.0]).tobytes(), 0, 0]
    old = {
        "v": 1,
        "counts": {"v": 1, "values": {"a": 2}, "rest": 0, "undercount": 0},
        "numbers": [1, 2, 4.0, 2.0, 1.0, 3.0],
        "sketch": [1, [level]],
    }
    column = load(b"MMS1" + zlib.compress(msgspec.msgpack.encode(old)), Column())
    assert (column.counts, column.numbers) == (Counts({"a": 2}), Moments(2, 4.0, 2.0, 1.0, 3.0))
    assert [items.tolist() for items in column.sketch.items()] == [[3.0, 1.0]]


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[:-3],
        lambda b: b[:20] + b"xxxx" + b[24:],
        lambda b: b"MMS2",
        lambda b: b[:4] + b"\xff" * 8 + b[12:],
        lambda b: b[:15] + b"\0" + b[16:],
    ],
)
def test_a_damaged_state_is_refused(damage) -> None:
    with pytest.raises(ValueError, match=r"saved state"):
        load(damage(dump(Quantiles.of(np.arange(5000.0)))), Quantiles())


def test_a_sketch_whose_levels_do_not_add_up_is_refused() -> None:
    version, items, levels = Quantiles.of(np.arange(9.0)).pack()
    with pytest.raises(ValueError, match="a sketch of 8 items has 9"):
        Quantiles().unpack([version, items, [[8, *levels[0][1:]]]])
