"""A sample by lowest hash is the same however rows are cut, counts what it holds exactly, and is fair."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.core.states import dump, load
from model_monitor.core.states.sample import Sample

KEYS = st.tuples(st.integers(0, 5) | st.integers(0, (1 << 64) - 1), st.sampled_from(["", "a", "b"]))


def sample_of(rows: list[tuple[int, str]], size: int) -> Sample:
    return reduce(add, (Sample(size).adding({row: 1}) for row in rows), Sample(size))


@given(st.lists(KEYS), st.integers(0, 30), st.integers(1, 6), st.randoms())
def test_any_cut_and_order_give_the_same_sample(rows: list[tuple[int, str]], cut: int, size: int, r: object) -> None:
    whole = sample_of(rows, size)
    shuffled = list(rows)
    r.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sample_of(shuffled[:cut], size) + sample_of(shuffled[cut:], size) == whole
    assert Sample(size) + whole == whole + Sample(size) == whole


@given(st.lists(KEYS), st.integers(1, 6))
def test_it_holds_the_lowest_rows_each_as_often_as_it_was_seen(rows: list[tuple[int, str]], size: int) -> None:
    found = sample_of(rows, size)
    assert list(found.rows) == sorted(set(rows))[:size]
    assert all(rows.count(row) == n for row, n in found.rows.items())
    assert found.n == sum(found.rows.values())


@given(st.lists(KEYS), st.integers(1, 6))
def test_it_survives_its_codec_byte_for_byte(rows: list[tuple[int, str]], size: int) -> None:
    found = sample_of(rows, size)
    assert load(dump(found), Sample()) == found
    assert dump(load(dump(found), Sample())) == dump(found) == dump(sample_of(rows[::-1], size))


def test_every_row_is_as_likely_to_be_held() -> None:
    """Each of 100 rows is in a sample of 20 with probability 1/5: 1,000 samples, five standard deviations."""
    r = np.random.default_rng(0)
    held = np.zeros(100)
    for _ in range(1000):
        rows = {(int(h), str(i)): 1 for i, h in enumerate(r.integers(0, 1 << 63, 100))}
        for _, text in Sample(20).adding(rows).rows:
            held[int(text)] += 1
    assert abs(held / 1000 - 0.2).max() < 5 * np.sqrt(0.2 * 0.8 / 1000)
