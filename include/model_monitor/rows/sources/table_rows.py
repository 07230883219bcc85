"""Read the rows of a table, in CSV, JSON lines or Parquet, as captured requests, by the names of columns."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import lru_cache
from itertools import chain
from typing import Any, Protocol

import msgspec

from model_monitor import store
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError, DataError
from model_monitor.rows.blocks import Block, Piece, in_blocks, read
from model_monitor.rows.json_text import raw_members
from model_monitor.rows.sources import delta, forms, parquet
from model_monitor.rows.sources.capture_lines import Line, encode, pieces_of, place_id, record, unread_row
from model_monitor.rows.sources.csv_text import NOT_UTF8, csv_rows
from model_monitor.rows.sources.delta import DataFile
from model_monitor.rows.sources.mapping import TableColumns, moment_of, span_between
from model_monitor.rows.sources.texts import json_documents
from model_monitor.rows.times import time_of as time_of_text

NAMES_SHOWN = 30
EXACT = 2**53  # whole numbers up to here are floats without loss

LONGEST_TIME = 40  # characters of what is no time that a message shows

decode = msgspec.json.Decoder().decode

# By column its value: a text, a plain value, or unparsed JSON (msgspec.Raw). By a tuple of columns a JSON object.
Row = dict[Any, Any]


class TableFormat(Protocol):
    """How a table's files are read: ``header`` says whether CSV starts with the columns' names."""

    @property
    def columns(self) -> TableColumns: ...

    @property
    def format(self) -> str: ...

    @property
    def header(self) -> bool: ...

    @property
    def separator(self) -> str | None: ...


def blocks(files: Sequence[store.File], table: TableFormat, window: Window | None = None) -> Iterator[Block]:
    """The rows of files as captured requests, a line each; may leave out what a window does not need. Raises DataError,
    and ConfigError if a file, or all JSON objects read for a window, lack a column."""
    texts = read(file for file in files if table.format != "parquet")
    members: set[str] = set()
    records = ((file.address, lines(file, texts, table, window, members)) for file in files)
    yield from in_blocks(piece for address, file_lines in records for piece in pieces_of(address, file_lines))
    if members and window:
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        refuse_unseen(table.columns, members, f"{files[0].address}{more}")


def lines(
    file: store.File, texts: Iterator[Iterator[Piece]], table: TableFormat, window: Window | None, members: set[str]
) -> Iterator[Line]:
    """The records of a file, which is the next of the texts unless it is Parquet; adds names in JSON to ``members``."""
    if table.format == "parquet":
        time = time_in(file, table.columns)
        flat = table.columns.inputs, table.columns.outputs
        plain = {*table.columns.needed, *latency_in(file, table.columns), time} - {*chain(*flat)}
        objects = [*filter(None, flat)]
        of = delta if isinstance(file, DataFile) else parquet
        rows = of.rows(file, plain, objects, time, window)
        return (line for number, row in rows for line in translated(row, time, table.columns, file.address, number))
    if table.format == "csv":
        return csv_lines(file.address, next(texts), table)
    return json_lines(file.address, next(texts), table.columns, members)


def csv_lines(file: str, pieces: Iterator[Piece], table: TableFormat) -> Iterator[Line]:
    """The records of CSV rows; those longer or shorter than the first are set aside. Raises DataError, ConfigError."""
    names: list[str] = []
    time = ""
    first = next(pieces, Piece(file, 1, b""))
    separator = forms.separator_of(table.separator) or forms.separator_in(first)
    mark = separator.decode()
    for number, row, why in csv_rows(chain([first], pieces), separator):
        try:
            text = row.decode()
            reader = csv.reader([text], delimiter=mark, strict=True)
            values = [] if why else next(reader) if '"' in text else text.split(mark)
        except UnicodeDecodeError:
            text, values, why = row.decode("utf-8", "replace"), [], NOT_UTF8
        except csv.Error as error:
            values, why = [], f"not CSV: {error}"
        if why and table.header and not names:  # else the next row's values would be taken for names
            raise DataError(
                f"{file} line {number}: the header can't be read as CSV in UTF-8: {why}; write the file anew, or "
                "remove it"
            )
        if values and not names:
            names = values if table.header else [f"_c{i}" for i in range(len(values))]
            time = time_of(table.columns, names, file)
            if table.header:
                continue
        if why or len(values) != len(names):
            yield (
                number,
                unread_row(file, number, text, why or f"{len(values)} values, but the first row has {len(names)}"),
            )
            continue
        cells: Row = {name: value or None for name, value in zip(names, values, strict=True)}
        yield from translated(cells, time, table.columns, file, number)


def json_lines(file: str, pieces: Iterator[Piece], columns: TableColumns, members: set[str]) -> Iterator[Line]:
    """The records of JSON objects, which may lack members; adds the names of their members to ``members``."""
    for number, document in json_documents(pieces):
        try:
            row: Row = dict(raw_members(document))
            members.update(row)
            time = next((name for name in columns.times if name in row), "")
            yield from list(translated(row, time, columns, file, number))
        except ValueError:  # no object, or one with a lone surrogate: parsing sets it aside
            yield number, document


def refuse_unseen(columns: TableColumns, members: set[str], where: str) -> None:
    """Raise ConfigError if no object had a member that every request needs."""
    for setting in filter(None, (columns.times, columns.inputs, columns.request, columns.outputs, columns.response)):
        if members.isdisjoint(names := (setting,) if isinstance(setting, str) else setting):
            raise ConfigError(
                f"no object in {where} has {' or '.join(names)}, which mapping names; they have "
                f"{', '.join(sorted(members)[:NAMES_SHOWN])}"
            )


def translated(row: Row, time: str, columns: TableColumns, file: str, number: int) -> Iterator[Line]:
    """The record of a row; without an input and output for a request that failed."""
    why, status = None, None
    try:
        status = status_of(value_of(row.get(columns.status)))
    except (OverflowError, ValueError):
        why = f"{columns.status} is no HTTP status; name a column of numbers such as 200, or leave status out"
    failed = status is not None and not 200 <= status < 300
    sides: dict[str, Any] = {}
    for name, mode, flat, whole in (
        ("endpointInput", "INPUT", columns.inputs, columns.request),
        ("endpointOutput", "OUTPUT", columns.outputs, columns.response),
    ):
        if failed:
            continue
        if flat:
            whole_object = row.get(flat) or encode({column: row.get(column) for column in flat}).decode()
            sides[name] = side(whole_object, "JSON", mode)
        elif whole and (payload := payload_of(row.get(whole))) is not None:
            sides[name] = side(payload, "JSON" if payload.lstrip()[:1] in ("{", "[") else "CSV", mode)
    event_id = text_of(row.get(columns.event_id)) or place_id(file, number)
    inference_id = text_of(row.get(columns.inference_id)) or None
    moment = moment_of(value_of(row.get(time)), columns.event_time_unit)
    why = why or why_timeless(moment, time or " or ".join(columns.times))
    percentage = percentage_of(value_of(row.get(columns.sampling)))
    took = next((row[name] for name in columns.latencies if name in row), None)
    outcome = {"latencyMs": columns.latency_ms(value_of(took)), "statusCode": status, "failed": failed or None}
    yield number, record(sides, event_id, moment, inference_id, percentage, why, **outcome)


def why_timeless(moment: str | None, column: str) -> str | None:
    """Why a row has no time, in the words of its table; None if it has one."""
    if moment is None:
        return f"{column} is missing"
    return None if time_of_text(moment) else f"{column}: '{moment[:LONGEST_TIME]}' is no ISO 8601 time and no epoch"


@lru_cache(maxsize=1 << 14)  # a file that changes is another key
def span_of(file: store.File, table: TableFormat) -> Window | None:
    """The span of a Parquet file's event times; None if statistics don't tell. Raises DataError if damaged or gone."""
    if table.format != "parquet":
        return None
    time, bounds = time_in(file, table.columns), None
    if isinstance(file, DataFile):
        bounds, time = span_between(file.bounds, table.columns.event_time_unit), file.columns[time]
    bounds = bounds or parquet.span_of(file, time)
    return bounds and Window(bounds[0], bounds[1] + timedelta.resolution)


def time_in(file: store.File, columns: TableColumns) -> str:
    """The name of the column of event times in a Parquet file, or in the Delta table that it belongs to."""
    names = file.columns if isinstance(file, DataFile) else parquet.names_in(file)
    return time_of(columns, names, file.address)


def latency_in(file: store.File, columns: TableColumns) -> list[str]:
    """The column of latencies of a Parquet file, or of its Delta table; [] if it has none."""
    if not columns.latencies:
        return []
    names = file.columns if isinstance(file, DataFile) else parquet.names_in(file)
    return [name for name in columns.latencies if name in names][:1]


def time_of(columns: TableColumns, names: Iterable[str], file: str) -> str:
    """The name of the column of event times, of those in a file. Raises ConfigError if a needed one is missing."""
    there = list(names)
    if gone := sorted(columns.needed - {*there}):
        raise ConfigError(f"{file} has no column {', '.join(gone)}, which mapping names; it has {', '.join(there)}")
    if twice := sorted(name for name in columns.needed if there.count(name) > 1):
        raise ConfigError(f"{file} names column {', '.join(twice)} twice; give each a name of its own")
    if time := next((name for name in columns.times if name in there), None):
        return time
    times = " or ".join(columns.times)
    raise ConfigError(f"{file} has no column {times} for event_time; it has {', '.join(there)}")


def side(data: str, encoding: str, mode: str) -> dict[str, str]:
    kind = "application/json" if encoding == "JSON" else "text/csv"
    return {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}


def value_of(value: Any) -> Any:
    """A value, parsed if it is unparsed JSON; nested JSON stays text."""
    if not isinstance(value, msgspec.Raw):
        return value
    written = bytes(value)
    if written.startswith((b"{", b"[")):
        return written.decode()
    try:
        return decode(written)
    except msgspec.DecodeError:
        return json.loads(written)  # knows NaN and lone surrogates


def text_of(value: Any) -> str | None:
    """A value as an id. A float 7.0 is "7", as in labels; NaN and infinity are None."""
    result = value_of(value)
    if isinstance(result, float):
        if not math.isfinite(result):
            return None
        result = int(result) if abs(result) <= EXACT and result.is_integer() else result
    return None if result is None else result if isinstance(result, str) else encode(result).decode()


def payload_of(value: Any) -> str | None:
    """An input or output as text: text unchanged, anything nested as its JSON."""
    if isinstance(value, msgspec.Raw):
        written = bytes(value).decode()
        text = value_of(value) if written[:1] in ('"', "n") else written
        return text if isinstance(text, str) else None
    return value if value is None or isinstance(value, str) else encode(value).decode()


def status_of(status: Any) -> int | None:
    """A status; None if it is missing (in pandas: NaN). Raises ValueError or OverflowError if it is no status."""
    number = math.nan if status in (None, "") else float(str(status))
    return None if math.isnan(number) else int(number)


def percentage_of(share: Any) -> float | None:
    """The percentage of requests that are logged; None for all. 0, which is always set aside, if it is no number.

    >>> [percentage_of(share) for share in (0.07, 1, 20, "NaN")]
    [7.0, None, 2000.0, 0.0]
    """
    try:
        percentage = float(f"{float(share) * 100:.15g}")  # 7 and not 7.000000000000001
    except (OverflowError, TypeError, ValueError):
        percentage = math.nan if share is not None else 100.0
    return None if percentage == 100 else percentage if math.isfinite(percentage) else 0.0
