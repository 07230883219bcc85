"""Read labels from a table, in CSV, JSON lines or Parquet, by the names of its columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from model_monitor import store
from model_monitor.core.hashing import hash_values
from model_monitor.core.window import EVER
from model_monitor.errors import ConfigError
from model_monitor.rows import blocks
from model_monitor.rows.json_text import quoted, raw_members
from model_monitor.rows.labels.files import LabelFile, Labels, Part, Wanted, inside
from model_monitor.rows.labels.table import LabelTable
from model_monitor.rows.sources import csv_text, forms, parquet
from model_monitor.rows.sources.capture_lines import encode
from model_monitor.rows.sources.datasets import Dataset, csv_rows, first_row
from model_monitor.rows.sources.mapping import moment_of
from model_monitor.rows.sources.table_rows import NAMES_SHOWN, text_of, value_of, why_timeless
from model_monitor.rows.sources.texts import json_documents
from model_monitor.rows.summary import Rejected, batches_of
from model_monitor.rows.times import times_of

ROWS_AT_ONCE = 1 << 16
DATE = re.compile(r"\s*\d{4}-\d\d-\d\d\s*")
NOT_PLAIN = r'[,"\r\n]'  # a label with one of these is written as JSON, as SageMaker's records in CSV would split it


@dataclass(frozen=True)
class Rows:
    """Some rows of a file: the number of each, its id, its label as ``data`` in an encoding (null: none yet), and the
    values of the column of times, if there is one; and what is no row."""

    lines: np.ndarray
    ids: pa.StringArray
    data: pa.StringArray
    encodings: pa.StringArray
    times: pa.Array | None
    rejected: list[Rejected]


def parts(
    files: Sequence[LabelFile], wanted: Wanted, table: LabelTable, until: datetime | None = None
) -> Iterator[Part]:
    """The wanted labels of some files, a part after the other; with ``until`` only those known before. Raises
    ConfigError for a file without a column that the mapping names, and DataError for a damaged one."""
    members: set[str] = set()
    for index, label_file in enumerate(files):
        for rows in rows_of(label_file.file, table, members):
            yield part_of(rows, files, index, wanted, table, until)
    if members and (gone := [name for name in table.columns.names if name not in members]):
        raise ConfigError(lacking(files[0].file.address, gone, sorted(members), "no object in it has"))


def rows_of(file: store.File, table: LabelTable, members: set[str]) -> Iterator[Rows]:
    """The rows of a file; adds the names of the members of JSON to ``members``."""
    kind = table.format or forms.format_of(file)
    forms.check_format(file, kind)
    if kind == "parquet":
        return parquet_rows(file, table)
    return csv_label_rows(file, table) if kind == "csv" else json_rows(file, table, members)


def part_of(
    rows: Rows, files: Sequence[LabelFile], index: int, wanted: Wanted, table: LabelTable, until: datetime | None
) -> Part:
    """The wanted labels among some rows, and those rows that can't be used."""
    columns, label_file = table.columns, files[index]
    rejected = list(rows.rejected)
    known = rows.data.is_valid()
    named = pc.and_(rows.ids.is_valid(), known)
    times, odd = moments_of(rows.times, columns.event_time_unit, columns.event_time or "")
    moments = np.full(len(rows.lines), "NaT", "datetime64[us]")
    if times is not None:
        moments = times.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False).astype("datetime64[us]")
    has_label = known.to_numpy(zero_copy_only=False)
    usable = named.to_numpy(zero_copy_only=False) & ~np.isin(np.arange(len(moments)), list(odd))
    for i in np.flatnonzero(has_label & ~usable).tolist():
        reason = odd.get(i) or f"{columns.id} is missing"
        text = encode({columns.id: rows.ids[i].as_py(), columns.label: rows.data[i].as_py()}).decode()
        rejected.append(Rejected(label_file.file.address, int(rows.lines[i]), reason, None, text))
    usable &= inside(moments.astype("datetime64[h]"), EVER.start, EVER.end, until)
    keys = hash_values(pc.fill_null(rows.ids, ""))
    chosen = np.flatnonzero(usable & wanted(keys))
    places = pa.array(chosen)
    labels = Labels(
        files,
        keys[chosen],
        np.full(len(chosen), index, np.int32),
        rows.lines[chosen],
        rows.data.take(places),
        rows.encodings.take(places),
        None if times is None else moments[chosen],
    )
    count = Counter({label_file.file.address: int(usable.sum()) + len(rejected)})
    dated = moments[usable & ~np.isnat(moments)]
    return Part(count, labels, rejected, dated.max() if len(dated) else None)


def moments_of(times: pa.Array | None, unit: str | None, column: str) -> tuple[pa.Array | None, dict[int, str]]:
    """Values of the column of times as moments in UTC, None without the column; and by row why there is none."""
    if times is None:
        return None, {}
    if pa.types.is_timestamp(times.type):
        moments = parquet.moments(times)
    else:
        coded = pc.dictionary_encode(times)
        texts = [moment_of(whole_day(value), unit) for value in coded.dictionary.to_pylist()]
        moments = times_of(pa.array(texts, pa.string())).take(coded.indices)
    missing = np.flatnonzero(moments.is_null().to_numpy(zero_copy_only=False)).tolist()
    return moments, {i: why_timeless(moment_of(times[i].as_py(), unit), column) or "" for i in missing}


def whole_day(value: Any) -> Any:
    """A date as its last hour, as a folder of a day has it; anything else unchanged."""
    text = value.isoformat() if isinstance(value, date) else value
    return f"{text}T23:00:00" if isinstance(text, str) and DATE.fullmatch(text) else value


def lacking(address: str, gone: Sequence[str], there: Sequence[str], verb: str = "it has no column") -> str:
    return (
        f"{address}: {verb} {' or '.join(gone)}, which ground_truth.mapping names; it has "
        f"{', '.join(there[:NAMES_SHOWN])}{', ...' if len(there) > NAMES_SHOWN else ''}"
    )


def check_columns(names: Sequence[str], table: LabelTable, address: str) -> None:
    """Raise ConfigError if a column that the mapping names is not there, or there twice."""
    if gone := [name for name in table.columns.names if name not in names]:
        raise ConfigError(lacking(address, gone, names))
    if twice := [name for name in table.columns.names if list(names).count(name) > 1]:
        raise ConfigError(f"{address} names column {twice[0]} twice; give each a name of its own")


def csv_label_rows(file: store.File, table: LabelTable) -> Iterator[Rows]:
    """The rows of CSV: all values as text. Rows longer or shorter than the first are set aside."""
    separator = forms.separator_of(table.separator) or forms.separator_in(forms.first_piece(file))
    first, names = first_row(Dataset([file], "csv", table.header), file, separator)
    if not names:
        return
    check_columns(names, table, file.address)
    header = first if table.header else b""
    for text in csv_text.csv_texts(blocks.pieces_of_large(file), separator):
        rejected = [
            Rejected(file.address, number, why or "", None, row.decode("utf-8", "replace"))
            for number, row, why in text.set_aside
        ]
        content = text.content.lstrip(b"\r\n")
        numbers = text.numbers[1 if header and content else 0 :]
        content, header = content.removeprefix(header).lstrip(b"\r\n"), b"" if content else header
        odd: list[pcsv.InvalidRow] = []
        batches = list(csv_rows(content, names, noted(odd), separator)) if content else []
        lines = np.delete(np.array(numbers, np.int64), [(row.number or 1) - 1 for row in odd])
        for row in odd:
            reason = f"{row.actual_columns} values where the first line has {row.expected_columns}"
            rejected.append(Rejected(file.address, numbers[(row.number or 1) - 1], reason, None, row.text))
        start = 0
        for batch in batches:
            here = lines[start : start + batch.num_rows]
            yield typed_rows(batch, here, table, file.address, rejected)
            start, rejected = start + batch.num_rows, []
        if rejected:
            yield none_but(rejected)


def noted(odd: list[pcsv.InvalidRow]) -> Callable[[pcsv.InvalidRow], str]:
    def note(row: pcsv.InvalidRow) -> str:
        odd.append(row)
        return "skip"

    return note


def parquet_rows(file: store.File, table: LabelTable) -> Iterator[Rows]:
    """The rows of Parquet, of which only the mapping's columns are read."""
    metadata, number = parquet.metadata_of(file), 0
    check_columns(parquet.names_in(file), table, file.address)
    with parquet.opened(file) as stream:
        opened = pq.ParquetFile(stream, metadata=metadata)
        for group in range(metadata.num_row_groups):
            for batch in batches_of(opened, group, ROWS_AT_ONCE, list(table.columns.names)):
                lines = np.arange(number + 1, number + 1 + batch.num_rows)
                number += batch.num_rows
                yield typed_rows(batch, lines, table, file.address, [])


def typed_rows(
    batch: pa.RecordBatch, lines: np.ndarray, table: LabelTable, file: str, rejected: list[Rejected]
) -> Rows:
    """The rows of a batch with the mapping's columns."""
    columns = table.columns
    ids, label = decoded(batch.column(columns.id)), decoded(batch.column(columns.label))
    times = decoded(batch.column(columns.event_time)) if columns.event_time else None
    data, encodings = label_texts(label, parquet.whose(file, columns.label))
    return Rows(lines, id_texts(ids, parquet.whose(file, columns.id)), data, encodings, times, rejected)


def decoded(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def id_texts(column: pa.Array, whose: str) -> pa.StringArray:
    """Ids as texts; null where there is none. A float 7.0 is "7", as in the requests' own tables."""
    if pa.types.is_integer(column.type) or is_text(column.type):
        texts = column.cast(pa.string())
    else:
        texts = pa.array([text_of(value) for value in parquet.plain(column, whose)], pa.string())
    return pc.if_else(pc.fill_null(pc.equal(texts, ""), True), pa.scalar(None, pa.string()), texts)


def label_texts(column: pa.Array, whose: str) -> tuple[pa.StringArray, pa.StringArray]:
    """Labels as the ``data`` of label records, null where there is none, and the encoding of each."""
    nothing = pa.scalar(None, pa.string())
    if is_text(column.type):
        texts = column.cast(pa.string())
        texts = pc.if_else(pc.fill_null(pc.equal(texts, ""), True), nothing, texts)
        odd = pc.fill_null(pc.match_substring_regex(texts, NOT_PLAIN), False)
        data = pc.if_else(odd, quoted(texts), texts) if pc.any(odd, min_count=0).as_py() else texts
    else:
        is_json = pa.types.is_nested(column.type) or pa.types.is_boolean(column.type)
        is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        if is_json or is_number:
            data = parquet.json_texts(column, whose)
            data = pc.if_else(pc.equal(data, "null"), nothing, data)
        else:
            data = pa.array([text_of(value) for value in parquet.plain(column, whose)], pa.string())
        odd = pa.array(np.full(len(column), pa.types.is_nested(column.type)))
    return data, pc.if_else(odd, "JSON", "CSV")


def json_rows(file: store.File, table: LabelTable, members: set[str]) -> Iterator[Rows]:
    """The objects of JSON, which may lack members."""
    columns = table.columns
    rejected: list[Rejected] = []
    cells: list[tuple[int, str | None, str | None, str, Any]] = []
    for number, document in json_documents(blocks.pieces_of_large(file)):
        try:
            row = raw_members(document)
            members.update(row)
            data, encoding = label_of(row.get(columns.label))
            time = value_of(row.get(columns.event_time)) if columns.event_time else None
            cells.append((number, text_of(row.get(columns.id)) or None, data, encoding, time))
        except ValueError as error:
            text = document.decode("utf-8", "replace")
            rejected.append(Rejected(file.address, number, str(error) or "not JSON", None, text))
        if len(cells) >= ROWS_AT_ONCE:
            yield rows_of_cells(cells, bool(columns.event_time), rejected)
            cells, rejected = [], []
    yield rows_of_cells(cells, bool(columns.event_time), rejected)


def label_of(value: Any) -> tuple[str | None, str]:
    """A member of a JSON object as the ``data`` of a label record, and its encoding; a number keeps its spelling."""
    written = bytes(value).decode() if isinstance(value, msgspec.Raw) else "null"
    if written[:1] in ("{", "["):
        return written, "JSON"
    if written[:1] == '"':
        text = str(value_of(value))
        is_plain = not set(text) & set(',"\r\n')
        return (text or None, "CSV") if is_plain else (written, "JSON")
    return None if written in ("null", "NaN") else written, "CSV"


def rows_of_cells(cells: Sequence[tuple[Any, ...]], dated: bool, rejected: list[Rejected]) -> Rows:
    lines, ids, data, encodings, times = zip(*cells, strict=True) if cells else ((), (), (), (), ())
    return Rows(
        np.array(lines, np.int64),
        pa.array(ids, pa.string()),
        pa.array(data, pa.string()),
        pa.array(encodings, pa.string()),
        pa.array([None if time is None else str(time) for time in times], pa.string()) if dated else None,
        rejected,
    )


def none_but(rejected: list[Rejected]) -> Rows:
    return rows_of_cells([], False, rejected)
