"""Numbers of a typed source have the State of their texts, bit for bit."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model_monitor.core.states import dump
from model_monitor.monitors.columns import Column, by_text, observe
from model_monitor.monitors.plain_texts import plain_numbers
from model_monitor.monitors.typed_numbers import NUMERALS, typed_numbers

INTEGERS = [pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()]
FLOATS = [pa.float32(), pa.float64()]
SPECIAL = [0.0, -0.0, 0.1, 5e-324, 1e-5, 59.0, 1e16, 2.0**53 + 2, 2.0**63, -(2.0**64), 1e300, np.inf, -np.inf, np.nan]


@st.composite
def numbers(draw: st.DrawFn) -> pa.Array:
    kind = draw(st.sampled_from([*INTEGERS, *FLOATS]))
    if pa.types.is_integer(kind):
        lowest, highest = np.iinfo(kind.to_pandas_dtype()).min, np.iinfo(kind.to_pandas_dtype()).max
        values = st.integers(int(lowest), int(highest)) | st.integers(0, 9)
    else:
        with np.errstate(over="ignore"):
            special = [float(np.array(x, kind.to_pandas_dtype())) for x in SPECIAL]
        width = 32 if kind == pa.float32() else 64
        values = st.floats(width=width) | st.sampled_from(special) | st.floats(-99, 99, width=width)
    return pa.array(draw(st.lists(st.none() | values, max_size=60)), kind)


@given(numbers(), st.booleans())
def test_typed_numbers_have_the_state_of_their_texts(array: pa.Array, as_written: bool) -> None:
    assert dump(observe(array, as_written)) == dump(as_texts(array, as_written))


@pytest.mark.parametrize("as_written", [True, False])
@pytest.mark.parametrize("different", [NUMERALS - 1, NUMERALS, NUMERALS + 1, 5 * NUMERALS])
@pytest.mark.parametrize("late", [False, True], ids=["at once", "after many alike"])
@pytest.mark.parametrize("kind", [pa.int32(), *FLOATS], ids=str)
def test_so_have_many_different_ones(kind: pa.DataType, late: bool, different: int, as_written: bool) -> None:
    values = np.concatenate([np.ones(3 * NUMERALS * late), np.arange(different), np.arange(different)])
    array = pa.array((values if kind == pa.int32() else values / 8).astype(kind.to_pandas_dtype()))
    assert typed_numbers(array, as_written) is not None
    assert dump(observe(array, as_written)) == dump(as_texts(array, as_written))


@given(st.lists(st.none() | st.booleans(), max_size=9), st.booleans())
def test_truth_values_have_the_state_of_their_texts(values: list[bool | None], as_written: bool) -> None:
    array = pa.array(values, pa.bool_())
    assert dump(observe(array, as_written)) == dump(observe(array.cast(pa.string()), as_written))


ODD = ["007", "-0", "-0.0", "1.0", "2.50", "3.00", "123456789012345678.50", "9" * 30, "1" * 400, "", " 1", "1e5"]
ODD += ["5.", ".5", "-.5", "-", "1.2.3", "--1", "1-2", "+1", "1/2", "nan", "x", "١"]
plain_texts = st.integers(-(10**6), 10**6).map(str) | st.floats(-999, 999).map("{:.3f}".format)


@given(st.lists(plain_texts, max_size=30), st.lists(st.sampled_from(ODD) | st.none(), max_size=2), st.booleans())
@example(["1"], ["-.5"], True)
@example(["1"], [".5"], True)
@example(["1"], ["5."], True)
def test_plain_texts_have_the_state_of_patterns(some: list[str], odd: list[str | None], as_written: bool) -> None:
    many = [f"{2 * i}.{i % 7}" for i in range(NUMERALS + 9)]
    array = pa.array(["0", *many, *some, *odd, *some], pa.string()).slice(1)
    assert dump(observe(array, as_written)) == dump(as_texts(array, as_written))
    is_plain = all(text is None or re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII) for text in odd)
    found = plain_numbers(array, as_written)
    assert (found is not None) == (is_plain and "1" * 400 not in odd)


def as_texts(array: pa.Array, as_written: bool) -> Column:
    column = by_text(array, as_written)
    return column if as_written else column.sorted_if_many()
