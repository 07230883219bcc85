"""Columns of Parquet as JSON: what a reader of the JSON gets is what the columns held."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor import store
from model_monitor.errors import DataError
from model_monitor.rows.sources import parquet

TEXTS = st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=5))


def texts(values: Any, kind: pa.DataType | None = None) -> list[str]:
    found: list[str] = parquet.json_texts(pa.array(values, kind), "x").to_pylist()
    return found


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), max_size=6))
def test_fractions_come_back_as_the_same_fractions(values: list[float | None]) -> None:
    found = texts(values, pa.float64())
    assert [json.loads(text) for text in found] == values
    assert all(type(json.loads(text)) is float for text, value in zip(found, values, strict=True) if value is not None)


@given(st.lists(TEXTS, max_size=6), st.booleans())
def test_texts_come_back_as_the_same_texts(values: list[str | None], coded: bool) -> None:
    column = pa.array(values, pa.string())
    found = parquet.json_texts(column.dictionary_encode() if coded else column, "x").to_pylist()
    assert [json.loads(text) for text in found] == values


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, None, 2**64 - 1], pa.uint64(), ["1", "null", "18446744073709551615"]),
        ([True, False, None], pa.bool_(), ["true", "false", "null"]),
        ([5.0, -0.0, 1e300, float("nan"), float("-inf")], pa.float64(), ["5.0", "-0.0", "1e+300", "null", "null"]),
        ([0.1, 3.0, None], pa.float32(), ["0.1", "3.0", "null"]),
        ([Decimal("5.00")], pa.decimal128(5, 2), ['"5.00"']),
        ([date(2026, 1, 5)], pa.date32(), ['"2026-01-05"']),
        ([datetime(2026, 1, 5, 3, tzinfo=UTC)], pa.timestamp("us", "UTC"), ['"2026-01-05T03:00:00Z"']),
        ([[1.5, None], None], pa.list_(pa.float64()), ["[1.5,null]", "null"]),
        ([{"a": 1}], pa.struct([("a", pa.int64())]), ['{"a":1}']),
        ([[("a", 1)]], pa.map_(pa.string(), pa.int64()), ['{"a":1}']),
        ([b"a"], pa.binary(), ['"a"']),
        ([20_000 * 365, 0, -20_000 * 365], pa.date32(), ["null", '"1970-01-01"', "null"]),
        ([2**63 - 1, 0, -(2**63) + 1], pa.timestamp("ms"), ["null", '"1970-01-01T00:00:00Z"', "null"]),
        ([2**63 - 1, 0], pa.timestamp("s", "UTC"), ["null", '"1970-01-01T00:00:00Z"']),
        ([[0]], pa.list_(pa.timestamp("ns")), ['["1970-01-01T00:00:00"]']),
        ([1_000], pa.duration("ns"), ['"P0DT0H0M0.000001S"']),
        ([None], pa.null(), ["null"]),
    ],
)
def test_each_type_is_written_as_json_knows_it(values: Any, kind: pa.DataType, expected: list[str]) -> None:
    assert texts(values, kind) == expected


def test_names_are_written_as_json_too_and_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({'a"ü': [1], "b": [b"\xff"]}), tmp_path / "a.parquet")
    [file] = store.list_files(str(tmp_path / "a.parquet"))
    names = ('a"ü',)
    assert list(parquet.rows(file, (), [names])) == [(1, {names: '{"a\\"ü":1}'})]
    with pytest.raises(DataError, match=r"a\.parquet: column 'b' holds bytes that are no text"):
        list(parquet.rows(file, ("b",)))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([[20_000 * 365]], pa.list_(pa.date32())),
        ([[(True, 1)]], pa.map_(pa.bool_(), pa.int32())),
        ([[({"a": 1}, 2)]], pa.map_(pa.struct([("a", pa.int32())]), pa.int32())),
    ],
)
def test_values_that_json_can_t_tell_are_named_by_their_column(values: Any, kind: pa.DataType) -> None:
    with pytest.raises(DataError, match=r"^x holds .*; leave the column out, or write it as texts or numbers"):
        texts(values, kind)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([Decimal(7), None], pa.decimal128(38, 0), ["7", None]),
        ([Decimal("1.50")], pa.decimal128(5, 2), ["1.50"]),
        ([date(2026, 1, 5)], pa.date32(), ["2026-01-05"]),
        ([UUID(int=7).bytes], pa.uuid(), [str(UUID(int=7))]),
        ([7, None], pa.int64(), [7, None]),
        ([7.5], pa.float64(), [7.5]),
    ],
)
def test_what_json_has_as_texts_only_is_told_as_text_so_that_labels_can_name_it(
    values: Any, kind: pa.DataType, expected: list[Any]
) -> None:
    assert parquet.plain(pa.array(values, kind), "x") == expected


def test_a_column_that_is_there_twice_has_no_span(tmp_path: Path) -> None:
    times = pa.array([datetime(2026, 1, 1, tzinfo=UTC)])
    pq.write_table(pa.Table.from_arrays([times, times], names=["ts", "ts"]), tmp_path / "a.parquet")
    [file] = store.list_files(str(tmp_path))
    assert parquet.span_of(file, "ts") is None
