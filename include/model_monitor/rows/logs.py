"""Which requests does a table log? CSV, JSON lines or Parquet with a row per request, read by the names of columns."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import msgspec

from model_monitor import store
from model_monitor.core.window import Window, iso
from model_monitor.errors import ConfigError, DataError
from model_monitor.rows import typed
from model_monitor.rows.capture import Block, Piece, in_blocks
from model_monitor.rows.mapping import TableColumns
from model_monitor.rows.texts import csv_rows, json_documents, members_one_by_one, raw_members, read
from model_monitor.rows.translating import Line, encode, pieces_of, place_id, record

NAMES_SHOWN = 30
SECONDS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}  # how many of a unit make one
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

decode = msgspec.json.Decoder().decode

# Values as texts, plain values, or JSON as it is written (msgspec.Raw); by a tuple of names an object of them.
Row = dict[Any, Any]


@dataclass(frozen=True)
class Table:
    """How the files of a table are written, and what its columns are."""

    format: str
    columns: TableColumns
    header: bool = True

    def time_of(self, names: Iterable[str], file: str) -> str:
        """The column that tells the time, of those that there are. Raises ConfigError if one that is needed is not."""
        there = list(names)
        if gone := sorted(self.columns.needed - {*there}):
            raise ConfigError(f"{file} has no column {', '.join(gone)}, which mapping names; it has {', '.join(there)}")
        if twice := sorted(name for name in self.columns.needed if there.count(name) > 1):
            raise ConfigError(f"{file} names column {', '.join(twice)} twice; give each a name of its own")
        if found := next((name for name in self.columns.times if name in there), None):
            return found
        times = " or ".join(self.columns.times)
        raise ConfigError(f"{file} has no column {times} for event_time; it has {', '.join(there)}")


def blocks(files: Sequence[store.File], table: Table, window: Window | None = None) -> Iterator[Block]:
    """The rows of some files as captured requests, a line each.

    What a window does not need may be left out. Raises ConfigError if a file lacks a column, DataError if a file can't
    be read.
    """
    texts = read(file for file in files if table.format != "parquet")
    found = ((file, lines(file, texts, table, window)) for file in files)
    return in_blocks(piece for file, some in found for piece in pieces_of(file.address, some))


def lines(
    file: store.File, texts: Iterator[Iterator[Piece]], table: Table, window: Window | None = None
) -> Iterator[Line]:
    """The records of a file, which is the next of the texts unless it is Parquet."""
    if table.format == "parquet":
        time = table.time_of(typed.names_in(file), file.address)
        flat = table.columns.inputs, table.columns.outputs
        rows = typed.rows(file, {*table.columns.needed, time} - {*chain(*flat)}, [*filter(None, flat)], time, window)
        return (line for number, row in rows for line in translated(row, time, table.columns, file.address, number))
    if table.format == "csv":
        return csv_lines(file.address, next(texts), table)
    return json_lines(file.address, next(texts), table)


def csv_lines(file: str, pieces: Iterator[Piece], table: Table) -> Iterator[Line]:
    """A row with another number of values than the first one has keeps them, but tells no time, so it is set aside."""
    names: list[str] = []
    time = ""
    for number, row in csv_rows(pieces):
        try:
            text = row.decode()
            values = next(csv.reader([text], strict=True)) if '"' in text else text.split(",")
        except (UnicodeDecodeError, csv.Error):
            yield number, row
            continue
        if not names:
            names = values if table.header else [f"_c{i}" for i in range(len(values))]
            time = table.time_of(names, file)
            if table.header:
                continue
        if len(values) != len(names):
            yield number, record({"endpointInput": {"data": text, "encoding": "CSV"}}, place_id(file, number), None)
            continue
        cells: Row = {name: value or None for name, value in zip(names, values, strict=True)}
        yield from translated(cells, time, table.columns, file, number)


def json_lines(file: str, pieces: Iterator[Piece], table: Table) -> Iterator[Line]:
    """An object may lack members, but raises ConfigError if all of them lack what every request has."""
    columns = table.columns
    seen: set[str] = set()
    for number, document in json_documents(pieces):
        try:
            row = object_in(document)
            seen |= row.keys()
            time = next((name for name in columns.times if name in row), "")
            yield from list(translated(row, time, columns, file, number))
        except ValueError:  # no object, or one with half a character: whoever parses it sets it aside
            yield number, document
    if seen:
        for some in filter(None, (columns.times, columns.inputs, columns.request, columns.outputs, columns.response)):
            if seen.isdisjoint(names := (some,) if isinstance(some, str) else some):
                raise ConfigError(
                    f"no object in {file} has {' or '.join(names)}, which mapping names; they have "
                    f"{', '.join(sorted(seen)[:NAMES_SHOWN])}"
                )


def object_in(document: bytes) -> Row:
    """The members of a JSON object, as they are written. Raises ValueError if it is none."""
    try:
        document.decode()
        return raw_members(document)
    except (msgspec.ValidationError, RecursionError):
        raise ValueError("not a JSON object that can be read") from None
    except msgspec.DecodeError:
        found = members_one_by_one(document.decode())
        return {name: msgspec.Raw(value.encode()) for name, value in found.items()}


def translated(row: Row, time: str, columns: TableColumns, file: str, number: int) -> Iterator[Line]:
    """The record of a row; none of a request that failed."""
    if columns.status and not is_success(value_of(row.get(columns.status))):
        return
    sides: dict[str, Any] = {}
    for name, mode, flat, whole in (
        ("endpointInput", "INPUT", columns.inputs, columns.request),
        ("endpointOutput", "OUTPUT", columns.outputs, columns.response),
    ):
        if flat:
            made = row.get(flat) or encode(dict(zip(flat, map(row.get, flat), strict=True))).decode()
            sides[name] = side(made, "JSON", mode)
        elif whole and (payload := payload_of(row.get(whole))) is not None:
            sides[name] = side(payload, "JSON" if payload.lstrip()[:1] in ("{", "[") else "CSV", mode)
    event_id = text_of(row.get(columns.event_id)) if columns.event_id else None
    inference_id = text_of(row.get(columns.inference_id)) if columns.inference_id else None
    moment = moment_of(value_of(row.get(time)), columns.event_time_unit)
    percentage = percentage_of(value_of(row.get(columns.sampling))) if columns.sampling else None
    yield number, record(sides, event_id or place_id(file, number), moment, inference_id or None, percentage)


def side(data: str, encoding: str, mode: str) -> dict[str, str]:
    kind = "application/json" if encoding == "JSON" else "text/csv"
    return {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}


def value_of(value: Any) -> Any:
    """A value that may be JSON as it is written; what is nested stays as it is written."""
    if not isinstance(value, msgspec.Raw):
        return value
    written = bytes(value)
    if written.startswith((b"{", b"[")):
        return written.decode()
    try:
        return decode(written)
    except msgspec.DecodeError:
        return json.loads(written)  # knows NaN and half characters


def text_of(value: Any) -> str | None:
    """A value as an id."""
    found = value_of(value)
    return None if found is None else found if isinstance(found, str) else encode(found).decode()


def payload_of(value: Any) -> str | None:
    """What was asked or answered, as a text: one as it is, anything nested as the JSON that it is written in."""
    if isinstance(value, msgspec.Raw):
        written = bytes(value).decode()
        found = value_of(value) if written[:1] in ('"', "n") else written
        return found if isinstance(found, str) else None
    return value if value is None or isinstance(value, str) else encode(value).decode()


def is_success(status: Any) -> bool:
    """Whether a status is 2xx, or none is told."""
    try:
        return status is None or 200 <= int(status) < 300
    except (TypeError, ValueError):
        return False


def percentage_of(share: Any) -> float | None:
    """How many of a hundred requests are logged; None for all, and for what is no share."""
    try:
        percentage = round(float(share) * 100, 10)
    except (TypeError, ValueError):
        return None
    return percentage if 0 < percentage < 100 else None


def moment_of(value: Any, unit: str | None) -> str | None:
    """A moment as ISO 8601 in UTC; what can't be read as one stays as it is, and None None."""
    if isinstance(value, str):
        try:
            value = int(value) if value.strip("-").isdecimal() else float(value)
        except ValueError:
            return zoned(value)
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None if value is None else str(value)
    try:
        micros = value * 1_000_000 / SECONDS[unit or unit_of(value)] if isinstance(value, float) else epoch(value, unit)
        return iso(BEGINNING + timedelta(microseconds=round(micros)))
    except (OverflowError, ValueError):
        return str(value)


def epoch(value: int, unit: str | None) -> int:
    """Microseconds since 1970 of a whole number, exactly."""
    per_second = int(SECONDS[unit or unit_of(value)])
    return value * 1_000_000 // per_second


def unit_of(value: float) -> str:
    """The unit of an epoch by its size: a moment between 1973 and 5138."""
    size = abs(value)
    return "s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"


def zoned(text: str) -> str:
    """ISO 8601 with a zone: UTC where none is written."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return iso(found.replace(tzinfo=UTC) if found.tzinfo is None else found)


def refuse_delta(folder: str) -> None:
    """Raise DataError for a folder whose files are not all rows of its table: a log tells which of them are."""
    if store.files(store.join(folder, "_delta_log"), (".json", ".parquet")):
        raise DataError(
            f"{folder} is a Delta table, which also holds files of rows that were deleted or replaced; export what you "
            'need as plain Parquet, e.g. spark.table(name).write.mode("append").partitionBy("date").parquet(folder), '
            "and name that folder"
        )
