"""Read rows of Parquet files as plain values, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from itertools import chain
from types import NoneType
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from model_monitor import store
from model_monitor.core.batch import BATCH_CELLS
from model_monitor.core.window import Window
from model_monitor.errors import DataError
from model_monitor.rows.blocks import deleted
from model_monitor.rows.json_text import joined, quoted
from model_monitor.rows.sources.capture_lines import encode
from model_monitor.rows.summary import batches_of, metadata_in, undamaged
from model_monitor.rows.times import EARLIEST, LATEST, TIME, within

ROWS_AT_ONCE = 1 << 13
PLAIN = (str, int, float, datetime, NoneType)

decode = msgspec.json.Decoder().decode

# By unit, the first and the last moment that Python can represent; nanoseconds end in the year 2262.
LIMITS = {
    unit: [int(moment.as_py().timestamp()) * per_second for moment in (EARLIEST, LATEST)]
    for unit, per_second in {"s": 1, "ms": 10**3, "us": 10**6}.items()
}

FLATTEN = "leave the column out, or write it as texts or numbers"

Names = tuple[str, ...]
Row = dict[str | Names, Any]


def names_in(file: store.File) -> list[str]:
    """The names of the columns. Raises DataError if the file is damaged or gone."""
    return list(metadata_of(file).schema.to_arrow_schema().names)


@lru_cache(maxsize=16)
def metadata_of(file: store.File) -> pq.FileMetaData:
    with opened(file) as stream:
        return metadata_in(stream)


@contextmanager
def opened(file: store.File) -> Iterator[Any]:
    try:
        with undamaged(file.address), store.open_file(file.address) as stream:
            yield stream
    except FileNotFoundError as error:
        raise DataError(deleted(file)) from error


def span_of(file: store.File, column: str) -> tuple[datetime, datetime] | None:
    """The first and last moment of a column of timestamps, by the file's statistics; None if unknown."""
    spans = [group_span(metadata_of(file), i, column) for i in range(metadata_of(file).num_row_groups)]
    known = [span for span in spans if span]
    return (min(known)[0], max(last for _, last in known)) if known and len(known) == len(spans) else None


def group_span(metadata: pq.FileMetaData, group: int, column: str) -> tuple[datetime, datetime] | None:
    """The same for one row group; None also if a moment is missing."""
    schema = metadata.schema.to_arrow_schema()
    if schema.names.count(column) != 1 or not pa.types.is_timestamp(schema.field(column).type):
        return None
    chunks = (metadata.row_group(group).column(i) for i in range(metadata.num_columns))
    chunk = next((chunk for chunk in chunks if chunk.path_in_schema == column), None)
    statistics = chunk.statistics if chunk is not None else None
    if statistics is None or not statistics.has_min_max or statistics.null_count:
        return None
    try:
        first, last = moments(pa.array([statistics.min, statistics.max], schema.field(column).type)).to_pylist()
    except OverflowError:  # a year that Python can't represent
        return None
    return (first, last) if first and last else None


def rows(
    file: store.File,
    wanted: Collection[str],
    objects: Sequence[Names] = (),
    time: str | None = None,
    window: Window | None = None,
) -> Iterator[tuple[int, Row]]:
    """The rows with their 1-based numbers: values of the wanted columns, and a JSON object for each tuple of names.
    Skips row groups whose ``time`` is outside the window by their statistics. Raises DataError for a column that JSON
    can't hold, and for a damaged file."""
    metadata, number = metadata_of(file), 0
    with opened(file) as stream:
        parquet = pq.ParquetFile(stream, metadata=metadata)
        needed = {*wanted, *chain(*objects)}
        names = [name for name in parquet.schema_arrow.names if name in needed]
        size = max(1, min(ROWS_AT_ONCE, BATCH_CELLS // max(1, len(names))))
        for group in range(metadata.num_row_groups):
            span = group_span(metadata, group, time) if time and window else None
            if span and window and (span[1] < window.start or span[0] >= window.end):
                number += metadata.row_group(group).num_rows
                continue
            for batch in batches_of(parquet, group, size, names):
                places: Sequence[int] = range(number + 1, number + 1 + batch.num_rows)
                number += batch.num_rows
                if (indices := inside(batch, time, window)) is not None:
                    batch, places = batch.take(indices), [places[i] for i in indices.to_pylist()]
                columns: Row = {several: json_objects(batch, several, file.address) for several in objects}
                for name in names:
                    if name in wanted:
                        columns[name] = plain(batch.column(name), whose(file.address, name))
                for place, *values in zip(places, *columns.values(), strict=True):
                    yield place, dict(zip(columns, values, strict=True))


def whose(file: str, name: str) -> str:
    return f"{file}: column '{name}'"


def inside(batch: pa.RecordBatch, time: str | None, window: Window | None) -> pa.Array | None:
    """The indices of rows that a window may need; None if it may need all."""
    if not time or not window or not pa.types.is_timestamp((times := batch.column(time)).type):
        return None
    mask = within(moments(times), window)
    return None if mask is None else pc.indices_nonzero(pc.fill_null(mask, True))


def moments(column: pa.Array) -> pa.Array:
    """Timestamps in UTC; missing if Python can't represent the year."""
    unit = column.type.unit
    if unit in LIMITS:  # large values would overflow as microseconds
        since = column.cast(pa.int64())
        sane = pc.and_(pc.greater(since, LIMITS[unit][0]), pc.less(since, LIMITS[unit][1]))
        column = pc.if_else(sane, column, pa.scalar(None, column.type))
    return column.cast(TIME, safe=False)


def plain(column: pa.Array, whose: str) -> list[Any]:
    """Values that JSON can hold; moments are in UTC, which is also assumed for those without a zone."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return plain(column.dictionary_decode(), whose)
    if pa.types.is_timestamp(kind):
        column = moments(column)
    elif pa.types.is_date(kind):
        column = moments(column.cast(pa.timestamp("s"))).cast(pa.date32())
    elif pa.types.is_float16(kind) or pa.types.is_float32(kind):
        column = column.cast(pa.string()).cast(pa.float64())  # 0.1, not the stored 0.10000000149
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        try:
            column = pc.cast(column, pa.large_string())
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{whose} holds bytes that are no text; leave it out of the mapping, or the file"
            ) from error
    return as_python(column, whose)


def as_python(column: pa.Array, whose: str) -> list[Any]:
    """Values as Python objects; as text if JSON has no such type (dates, decimals, UUIDs). Raises DataError."""
    is_nested = pa.types.is_nested(column.type)
    try:
        values: list[Any] = column.to_pylist(maps_as_pydicts="lossy" if is_nested else None)
    except (OverflowError, ValueError, TypeError) as error:
        raise DataError(f"{whose} holds {column.type} that can't be read: {error}; {FLATTEN}") from error
    if is_nested or all(isinstance(value, PLAIN) for value in values):
        return values
    return [value if isinstance(value, PLAIN) else decode(encode(value)) for value in values]


def json_objects(batch: pa.RecordBatch, names: Names, file: str) -> list[str]:
    """A JSON object of these columns for each row."""
    if not names:
        return ["{}"] * batch.num_rows
    parts: list[Any] = []
    for name in names:
        parts += [f"{',' if parts else '{'}{json.dumps(name, ensure_ascii=False)}:"]
        parts += [json_texts(batch.column(name), whose(file, name))]
    texts: list[str] = joined(*parts, "}").to_pylist()
    return texts


def json_texts(column: pa.Array, whose: str) -> pa.StringArray:
    """Values as JSON: a float 5 as 5.0, NaN and infinity as null."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return json_texts(column.dictionary_decode(), whose)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return pc.fill_null(column.cast(pa.string()), "null")
    if pa.types.is_floating(kind):
        texts = column.cast(pa.string())
        texts = pc.if_else(
            pc.match_substring_regex(texts, "^-?[0-9]+$"), pc.binary_join_element_wise(texts, "0", "."), texts
        )
        return pc.if_else(pc.fill_null(pc.is_finite(column), False), texts, "null")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return quoted(column.cast(pa.string()))
    try:
        return pa.array([encode(value).decode() for value in plain(column, whose)], pa.string())
    except TypeError as error:
        raise DataError(f"{whose} holds {kind}, which JSON can't tell; {FLATTEN}") from error
