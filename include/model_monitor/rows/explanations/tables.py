"""Sample the rows to explain, and turn their columns of texts into the numbers and texts that a model gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.batch import EVENT_ID, EVENT_TIME, columns
from model_monitor.core.hashing import hash_values
from model_monitor.errors import ConfigError
from model_monitor.store.ahead import Loop

# As JSON writes numbers, and .5; so 007 stays a text, which differs from 7.
NUMBER = r"^-?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][+-]?[0-9]+)?$"
DIGIT = r"[0-9]"

T = TypeVar("T")

PIECE_BITS = 32  # a piece has fewer than 2^32 rows

HASH, PLACE = "@hash", "@place"  # of a row: of its request, and among all rows


def is_numeric(column: pa.Array) -> bool | None:
    """Whether all values of a column are numbers; None if there are none."""
    values = pc.drop_null(plain(column))
    if not len(values):
        return None
    return not pa.types.is_string(values.type) or bool(pc.all(numbers_among(values)).as_py())


def matrix(table_columns: Sequence[pa.Array], numeric: Sequence[bool]) -> np.ndarray:
    """Rows x columns: float64 (NaN if missing) if all values are numbers or missing, else objects (float, str, None).
    In a numeric column a value that is no number stays a text; in any other column all values are texts."""
    arrays = [cells(plain(column), is_number) for column, is_number in zip(table_columns, numeric, strict=True)]
    if all(column.dtype != object for column in arrays):
        return np.column_stack(arrays)
    table = np.empty((len(arrays[0]), len(arrays)), object)
    for i, column in enumerate(arrays):
        table[:, i] = as_objects(column)
    return table


def as_objects(values: np.ndarray) -> np.ndarray:
    """The same values as objects, None where missing."""
    if values.dtype == object:
        return values
    objects = values.astype(object)
    objects[np.isnan(values)] = None
    return objects


def cells(column: pa.Array, numeric: bool) -> np.ndarray:
    if not pa.types.is_string(column.type):
        if numeric:
            numbers: np.ndarray = column.to_numpy(zero_copy_only=False)
            return numbers
        column = column.cast(pa.string())
    if not numeric:
        return np.array(column.to_pylist(), object)
    are = pc.fill_null(numbers_among(column), True)
    known: np.ndarray = pc.if_else(are, column, None).cast(pa.float64()).to_numpy(zero_copy_only=False)
    if pc.all(are).as_py() is not False:
        return known
    values = as_objects(known)
    texts = np.flatnonzero(~are.to_numpy(zero_copy_only=False))
    values[texts] = column.take(pa.array(texts)).to_pylist()
    return values


def plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column as float64 if it holds numbers, else as texts. Raises ConfigError for nested values."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if pa.types.is_nested(kind):
        raise ConfigError(f"a feature of type {kind} can't be explained; set features to columns of numbers and texts")
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return array.cast(pa.float64() if is_number else pa.string())


def numbers_among(texts: pa.StringArray) -> pa.BooleanArray:
    """Which texts are finite numbers; null where there is none."""
    look = pc.and_(pc.match_substring_regex(texts, NUMBER), pc.match_substring_regex(texts, DIGIT))
    values = pc.if_else(look, texts, None).cast(pa.float64())
    return pc.and_(look, pc.fill_null(pc.is_finite(values), False))


def same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where values are equal, or both missing; broadcast."""
    equal: np.ndarray = np.asarray(a == b, bool)
    if a.dtype != object and b.dtype != object:
        equal = equal | (np.isnan(a) & np.isnan(b))
    return equal


def sample(batches: Iterable[pa.RecordBatch], names: Sequence[str], count: int) -> tuple[pa.Table, int]:
    """At most ``count`` rows, in their original order, and how many they were taken from; ConfigError without a column.

    Chosen are those with the smallest 64-bit hashes of the event id (of one request, the first rows), or of their place
    where there are no ids. They have the named columns (() for all judged ones), the event id and the event time.
    Memory holds at most twice as many rows, and a batch."""
    parts, total = candidates(batches, names, count)
    return chosen(parts, names, count), total


def candidates(
    batches: Iterable[pa.RecordBatch], names: Sequence[str], count: int, first: int = 0
) -> tuple[list[pa.Table], int]:
    """The rows that may be in the sample, with their hashes and places from ``first`` on; and of how many."""
    waiting: list[pa.Table] = []
    size = total = 0
    for batch in batches:
        wanted = [*(names or columns(batch)), *(n for n in (EVENT_ID, EVENT_TIME) if n in batch.schema.names)]
        if absent := [name for name in names if name not in batch.schema.names]:
            there = ", ".join(columns(batch)) or "none"
            raise ConfigError(f"there is no column '{absent[0]}' to explain; set features to some of: {there}")
        part = pa.Table.from_batches([batch.select(wanted)])
        places = np.arange(total, total + batch.num_rows) + first
        total += batch.num_rows
        waiting.append(smallest(hashes_added(part, places), count))
        size += waiting[-1].num_rows
        if size > 2 * count:
            waiting = [smallest(joined(waiting), count)]
            size = waiting[0].num_rows
    return waiting, total


def chosen(parts: Sequence[pa.Table], names: Sequence[str], count: int) -> pa.Table:
    """The sample of candidates."""
    if not parts:
        return pa.table({name: pa.array([], pa.string()) for name in names})
    rows = smallest(joined(parts), count).sort_by(PLACE)
    return rows.drop_columns([HASH, PLACE]).combine_chunks()


def sample_apart(
    pieces: Iterable[T], rows: Callable[[T], Iterable[pa.RecordBatch]], names: Sequence[str], count: int, loop: Loop
) -> tuple[pa.Table, int]:
    """The sample of rows that have event ids, each piece of them read elsewhere."""

    def work(numbered: tuple[int, T]) -> tuple[list[pa.Table], int]:
        number, piece = numbered
        parts, total = candidates(rows(piece), names, count, number << PIECE_BITS)
        return [smallest(joined(parts), count)] if parts else [], total

    waiting: list[pa.Table] = []
    whole = 0
    for parts, total in loop.each(work, enumerate(pieces)):
        whole += total
        waiting = [smallest(joined([*waiting, *parts]), count)] if parts else waiting
    return chosen(waiting, names, count), whole


def hashes_added(rows: pa.Table, places: np.ndarray) -> pa.Table:
    ids = rows.column(EVENT_ID).cast(pa.string()).combine_chunks() if EVENT_ID in rows.column_names else None
    texts = pa.array(places).cast(pa.string()) if ids is None else ids
    return rows.append_column(HASH, pa.array(hash_values(texts))).append_column(PLACE, pa.array(places))


def smallest(rows: pa.Table, count: int) -> pa.Table:
    """The rows with the smallest hashes, the first ones among equal hashes."""
    if rows.num_rows <= count:
        return rows
    order = np.lexsort((rows.column(PLACE).to_numpy(), rows.column(HASH).to_numpy()))
    return rows.take(pa.array(order[:count]))


def joined(parts: Sequence[pa.Table]) -> pa.Table:
    """Parts with the same columns, which may be coded in one part and not in another."""
    return pa.concat_tables([decoded(part) for part in parts], promote_options="permissive")


def decoded(rows: pa.Table) -> pa.Table:
    for i, field in enumerate(rows.schema):
        if pa.types.is_dictionary(field.type):
            rows = rows.set_column(i, field.name, rows.column(i).cast(field.type.value_type))
    return rows
