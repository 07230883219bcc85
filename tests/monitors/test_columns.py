"""Types are told by how values are written; statistics are NumPy's."""

from __future__ import annotations

import decimal
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.monitors import columns
from model_monitor.monitors.columns import NUMERALS, observe

TYPES = {
    "Integral": ["1", "-1", "+1", "+ 3", "- 7", "007", "0", "123456789012345678901234567890"],
    "Fractional": ["1.0", "0.0", "-0.25", "1e5", "1E-5", "1.5e+3", "+ 1.5", "- 2e3"],
    "Boolean": ["true", "false"],
    "String": [
        " 7",
        "7 ",
        ".5",
        "5.",
        "1,000",
        "NaN",
        "nan",
        "inf",
        "True",
        "0x1F",
        "--1",
        "1e",
        "e5",
        "1e999",
        "١",
        "a",
        " ",
    ],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in TYPES.items() for text in texts])
def test_a_value_has_the_type_that_its_writing_says(kind: str, text: str) -> None:
    assert observe(pa.array([text])).kinds.values == {kind: 1}


COLUMN_TYPES = [
    ([], "Unknown"),
    ([None, None], "Unknown"),
    (["1", "2", None], "Integral"),
    (["1", "2.0"], "Fractional"),
    (["1.5", "x"], "String"),
    (["true", "false"], "String"),
    (["true", "1"], "String"),
]


@pytest.mark.parametrize(("values", "kind"), COLUMN_TYPES)
def test_a_column_has_the_widest_type_of_its_values(values: list[str | None], kind: str) -> None:
    assert observe(pa.array(values, pa.string())).inferred_type == kind


TYPED = [
    (pa.array([1, 2], pa.int16()), {"Integral": 2}),
    (pa.array([1, 2], pa.uint64()), {"Integral": 2}),
    (pa.array([1.0, 2.5, None]), {"Fractional": 2}),
    (pa.array([1.0, float("nan")]), {"Fractional": 1}),
    (pa.array([1.0, float("inf")]), {"Fractional": 2}),
    (pa.array([decimal.Decimal("1.50")]), {"Fractional": 1}),
    (pa.array([True, False]), {"Boolean": 2}),
    (pa.array([datetime(2026, 1, 1)]), {"String": 1}),
    (pa.array(["1", "x"], pa.large_string()), {"Integral": 1, "String": 1}),
    (pa.array([1, 2, 1]).dictionary_encode(), {"Integral": 3}),
    (pa.array(["1.0", None, "1.0"]).dictionary_encode(), {"Fractional": 2}),
    (pa.nulls(3), {}),
]


@pytest.mark.parametrize(("array", "kinds"), TYPED, ids=lambda x: str(getattr(x, "type", "")))
def test_a_typed_source_keeps_its_types(array: pa.Array, kinds: dict[str, int]) -> None:
    assert observe(array).kinds.values == kinds


cells = st.one_of(
    st.none(), st.integers(-50, 50).map(str), st.floats(-9, 9).map("{:.3f}".format), st.sampled_from("ab")
)


@given(st.lists(cells, max_size=80))
def test_texts_and_their_dictionary_give_the_same_state(values: list[str | None]) -> None:
    plain, coded = pa.array(values, pa.string()), pa.array(values, pa.string()).dictionary_encode()
    texts = columns.observe_texts(plain.drop_null())
    for column in (observe(plain), observe(coded)):
        assert (column.kinds.values, column.words, column.numerals) == (texts.kinds.values, texts.words, texts.numerals)
        assert column.numbers == texts.numbers
        assert [x.tolist() for x in column.quantiles.items()] == [x.tolist() for x in texts.quantiles.items()]
    present = [float(v) for v in values if v is not None and v not in "ab"]
    assert texts.numbers.n == len(present)
    assert texts.present == sum(v is not None for v in values)
    if present:
        assert texts.numbers.std_dev == pytest.approx(np.std(present), abs=1e-12)


def test_numerals_are_told_apart_only_while_they_are_few_whatever_the_cut() -> None:
    many = [str(i) for i in range(NUMERALS + 1)]
    pieces = [observe(pa.array(many[a:b])) for a, b in [(0, 10), (10, 900), (900, len(many))]]
    whole, summed = observe(pa.array(many)), pieces[0] + pieces[1] + pieces[2]
    assert whole.numerals == summed.numerals
    assert (whole.numerals.rest, dict(whole.numerals.values)) == (len(many), {})
    assert dict(observe(pa.array(many[:-1])).numerals.values) == dict.fromkeys(many[:-1], 1)


def test_distinct_counts_are_exact_until_texts_are_no_longer_counted_one_by_one() -> None:
    assert observe(pa.array(["x", "y", "x", "1", "1.0", "2"])).distinct_count == 5.0
    assert observe(pa.array([f"id{i}" for i in range(50_000)])).distinct_count == pytest.approx(50_000, rel=0.06)
