"""Numbers of a typed source have the State of their texts, bit for bit."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.core.states import dump
from model_monitor.monitors import columns
from model_monitor.monitors.canonical import canonical
from model_monitor.monitors.columns import Column, observe
from model_monitor.monitors.typed_numbers import NUMERALS, typed_numbers

INTEGERS = [pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()]
FLOATS = [pa.float32(), pa.float64()]
SPECIAL = [0.0, -0.0, 0.1, 5e-324, 1e-5, 59.0, 1e16, 2.0**53 + 2, 2.0**63, -(2.0**64), 1e300, np.inf, -np.inf, np.nan]


def by_text(array: pa.Array, as_written: bool) -> Column:
    """The State of the same numbers by way of their texts, as those of CSV have it."""
    kind, texts = columns.as_text((array if as_written else canonical(array)).drop_null())
    if columns.many_different(texts):
        return columns.observe_texts(texts, kind)
    return columns.observe_dictionary(texts.dictionary_encode(), kind)


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
    assert dump(observe(array, as_written)) == dump(by_text(array, as_written))


@pytest.mark.parametrize("as_written", [True, False])
@pytest.mark.parametrize("different", [NUMERALS - 1, NUMERALS, NUMERALS + 1, 5 * NUMERALS])
@pytest.mark.parametrize("late", [False, True], ids=["at once", "after many alike"])
@pytest.mark.parametrize("kind", [pa.int32(), *FLOATS], ids=str)
def test_so_have_many_different_ones(kind: pa.DataType, late: bool, different: int, as_written: bool) -> None:
    values = np.concatenate([np.ones(3 * NUMERALS * late), np.arange(different), np.arange(different)])
    array = pa.array((values if kind == pa.int32() else values / 8).astype(kind.to_pandas_dtype()))
    assert typed_numbers(array, as_written) is not None
    assert dump(observe(array, as_written)) == dump(by_text(array, as_written))


@given(st.lists(st.none() | st.booleans(), max_size=9), st.booleans())
def test_truth_values_have_the_state_of_their_texts(values: list[bool | None], as_written: bool) -> None:
    array = pa.array(values, pa.bool_())
    assert dump(observe(array, as_written)) == dump(observe(array.cast(pa.string()), as_written))
