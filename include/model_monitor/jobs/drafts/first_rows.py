"""What are the first rows of a table's file, and when was its last one? A part of the file tells."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from model_monitor import store
from model_monitor.core.window import iso, moment
from model_monitor.errors import ConfigError
from model_monitor.rows.blocks import SUFFIXES, Piece
from model_monitor.rows.sources.csv_text import why_unread
from model_monitor.rows.sources.forms import separator_in
from model_monitor.rows.sources.mapping import moment_of
from model_monitor.store.addresses import parent_of
from model_monitor.store.folders import folder_at

RECORDS = 200  # that are looked at
HEAD = 1 << 20  # bytes of the start of a file of lines
TAIL = 1 << 16  # bytes of its end
FORMATS = {"parquet": (".parquet",), "csv": (".csv", ".csv.gz"), "jsonl": SUFFIXES}

Row = dict[str, Any]


def is_known(name: str) -> bool:
    return any(name.endswith(suffixes) for suffixes in FORMATS.values())


def format_of(file: str) -> str:
    name = store.name_of(file)
    for kind, suffixes in FORMATS.items():
        if name.endswith(suffixes):
            return kind
    raise ConfigError(f"{file} is none of .jsonl, .json, .csv and .parquet")


def head(file: str) -> bytes:
    """The first whole lines of a file, unpacked."""
    content = folder_at(parent_of(file)).head(store.name_of(file), HEAD)
    is_cut = len(content) == HEAD
    if store.name_of(file).endswith(".gz"):
        try:
            content = zlib.decompressobj(wbits=31).decompress(content, HEAD)
        except zlib.error as error:
            raise ConfigError(f"{file} is damaged: {error}") from error
        is_cut = True
    lines = content.split(b"\n")
    lines = lines[:-1] if is_cut and len(lines) > 1 else lines
    return b"\n".join(lines[: RECORDS + 1])


def first_rows(file: str, format: str) -> tuple[list[str], list[Row]]:
    """The names of a file's columns, and its first rows. Raises ConfigError if there is none."""
    rows = {"csv": csv_rows, "jsonl": json_rows, "parquet": parquet_rows}[format](file)
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not rows:
        raise ConfigError(f"{file} has no rows")
    return names, rows[:RECORDS]


def newest_time(file: str, format: str, column: str) -> str | None:
    """The latest event time at the end of a file, ISO 8601; None if it does not tell. Raises ConfigError."""
    if file.partition("?")[0].endswith(".gz"):
        return None  # its end can't be read alone
    if format == "parquet":
        values: Iterable[Any] = greatest(file, column)
    else:
        lines = tail(file)
        values = times_of_csv(file, lines, column) if format == "csv" else times_of_json(lines, column)
    return max(filter(None, (readable(moment_of(value, None)) for value in values)), default=None)


def times_of_csv(file: str, lines: list[bytes], column: str) -> list[str]:
    rows = csv_lines(file, head(file).partition(b"\n")[0])
    at = rows[0].index(column)
    last = csv.reader((line.decode(errors="replace") for line in lines), delimiter=separator(file).decode())
    return [row[at] for row in last if len(row) == len(rows[0])]


def times_of_json(lines: list[bytes], column: str) -> list[Any]:
    found = []
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):  # the first one is cut
            continue
        if isinstance(row, dict):
            found.append(row.get(column))
    return found


def tail(file: str) -> list[bytes]:
    """The last lines of a file; the first of them may lack its start."""
    with store.open_file(file) as stream:
        stream.seek(max(0, stream.size() - TAIL))
        return bytes(stream.read(TAIL)).splitlines()


def readable(time: str | None) -> str | None:
    try:
        return iso(moment(time)) if time else None
    except ValueError:
        return None


def separator(file: str) -> bytes:
    return separator_in(Piece(file, 1, head(file)))


def csv_lines(file: str, content: bytes) -> list[list[str]]:
    try:
        return list(csv.reader(content.decode("utf-8-sig").splitlines(), delimiter=separator(file).decode()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{file} can't be read as CSV in UTF-8: {why_unread(error)}") from error


def csv_rows(file: str) -> list[Row]:
    lines = csv_lines(file, head(file))
    names = lines[0] if lines else []
    return [dict(zip(names, line, strict=False)) for line in lines[1:] if line]


def json_rows(file: str) -> list[Row]:
    rows = []
    for line in head(file).splitlines():
        try:
            row = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{file} is not JSON lines: {error}") from error
        if isinstance(row, dict):
            rows.append(row)
    return rows


def parquet_rows(file: str) -> list[Row]:
    with opened(file) as content:
        batch: pa.RecordBatch | None = next(content.iter_batches(RECORDS), None)
        return batch.to_pylist() if batch is not None else []


def greatest(file: str, column: str) -> list[Any]:
    """The greatest value of a column by what a Parquet file says of it; [] if it does not."""
    with opened(file) as content:
        groups = [content.metadata.row_group(i) for i in range(content.num_row_groups)]
    columns = [group.column(i) for group in groups for i in range(group.num_columns)]
    told = [one.statistics for one in columns if one.path_in_schema == column and one.is_stats_set]
    return [statistics.max for statistics in told if statistics.has_min_max]


@contextmanager
def opened(file: str) -> Iterator[Any]:
    """A Parquet file. Raises ConfigError for another one."""
    import pyarrow.parquet as pq

    try:
        with store.open_file(file) as stream:
            yield pq.ParquetFile(stream, buffer_size=1 << 16)
    except pa.ArrowException as error:
        raise ConfigError(f"{file} is no Parquet file: {error}") from error
