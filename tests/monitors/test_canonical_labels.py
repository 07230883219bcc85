"""Labels that mean the same are the same, however they were written."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.errors import DataError
from model_monitor.monitors.values import canonical, column, in_order, numbers, vectors


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["1", '"1"', "1.0", " 1 ", "true", "True", '"true"', "1e0", "+1"]),
        pa.array([1]),
        pa.array([1.0]),
        pa.array([True]),
        pa.array([1], pa.uint8()),
        pa.array(["1"], pa.large_string()),
        pa.array(["True", "1"]).dictionary_encode(),
    ],
    ids=lambda a: str(a.type),
)
def test_ones_however_written_are_one(array: pa.Array) -> None:
    assert set(canonical(array).to_pylist()) == {"1"}


def test_other_labels_keep_their_meaning() -> None:
    texts = [
        "0",
        "false",
        "-0.0",
        "0.5",
        "1e-3",
        "007",
        "a b",
        '"say \\"no\\""',
        "12345678901234567890",
        "1e999",
        "nan",
    ]
    expected = ["0", "0", "0", "0.5", "0.001", "007", "a b", 'say "no"', "12345678901234567890", "1e999", "nan"]
    assert canonical(pa.array(texts)).to_pylist() == expected
    assert canonical(pa.array([0.5, 3.0, -2.0])).to_pylist() == ["0.5", "3", "-2"]


def test_what_is_missing_is_null() -> None:
    assert canonical(pa.array([None, "", "  ", '""'])).null_count == 4
    assert canonical(pa.array([None, float("nan")])).null_count == 2
    assert canonical(pa.nulls(2)).null_count == 2


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_as_they_were_written(value: float) -> None:
    assert numbers(pa.array([repr(value), f" {value!r} ", f'"{value!r}"'])).to_pylist() == [value] * 3
    assert canonical(pa.array([repr(value)])) == canonical(pa.array([value]))


def test_what_is_no_finite_number_is_null() -> None:
    texts = pa.array(["x", "", None, "inf", "nan", "1e999", "1,5", "[1]", "0x1"])
    assert numbers(texts).null_count == len(texts)
    assert numbers(pa.array([float("inf"), None, 2.0])).to_pylist() == [None, None, 2.0]
    assert numbers(pa.array([[1.0]])).to_pylist() == [None]


def test_a_column_is_found_by_name_or_by_its_place_among_the_judged_ones() -> None:
    batch = pa.record_batch({"@event_id": ["e"], "a": [1], "b": [2], "0": [3]})
    assert [column(batch, key).to_pylist() for key in ("b", 1, "1", "0", 0)] == [[2], [2], [2], [3], [3]]
    with pytest.raises(DataError, match=r"no column 'label'.*a, b, 0"):
        column(batch, "label")
    with pytest.raises(DataError, match="no column '7'"):
        column(batch, 7)
    with pytest.raises(DataError, match="@event_id"):
        column(batch, "@event_id")


def test_vectors_are_read_from_lists_and_from_json() -> None:
    assert vectors(pa.array(["[0.1, 0.9]", "x", None])).to_pylist() == [[0.1, 0.9], None, None]
    assert vectors(pa.array([[0.1, None], None])).to_pylist() == [[0.1, None], None]
    assert vectors(pa.array([[1.0, 2.0]], pa.list_(pa.float64(), 2))).to_pylist() == [[1.0, 2.0]]
    assert vectors(pa.array(["0.5"])) is None
    assert vectors(pa.array([0.5])) is None


def test_labels_are_in_the_order_of_numbers_and_then_of_texts() -> None:
    assert in_order(["b", "10", "9", "-1", "a", "nan"]) == ["-1", "9", "10", "a", "b", "nan"]
