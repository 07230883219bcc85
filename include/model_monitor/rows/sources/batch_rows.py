"""Read the rows of batch transform's output files as captured requests.

A row's event id and time are those that the job generated (docs/sagemaker-formats.md, Batch transform). Without them,
the id is made from the file's address and the row's number, and the time is the manifest's hour.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from model_monitor import store
from model_monitor.core.window import iso
from model_monitor.errors import DataError
from model_monitor.rows.blocks import Block, Piece, in_blocks, read
from model_monitor.rows.json_text import is_unicode, members, object_of
from model_monitor.rows.sources import parquet
from model_monitor.rows.sources.capture_lines import Line, pieces_of, place_id, record, unread_row
from model_monitor.rows.sources.csv_text import csv_rows
from model_monitor.rows.sources.source import Listed
from model_monitor.rows.sources.texts import json_documents

INFERENCE_ID, INFERENCE_TIME = "SageMakerInferenceId", "SageMakerInferenceTime"

UUID = re.compile(rb"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")

Row = tuple[int, str | bytes, str | None, str | None]  # number, data (bytes if it is no request), generated id and time


def blocks(files: Sequence[Listed], format: str, header: bool = False) -> Iterator[Block]:
    """The rows of output files as captured requests, a line each. Raises DataError for a file that can't be read."""
    texts = read(entry.file for entry in files if format != "parquet")
    encoding = "CSV" if format == "csv" else "JSON"
    rows = ((entry, rows_of(entry.file, texts, format, header)) for entry in files)
    records = ((entry.file.address, lines(entry, encoding, own)) for entry, own in rows)
    return in_blocks(piece for address, file_lines in records for piece in pieces_of(address, file_lines))


def lines(listed: Listed, encoding: str, rows: Iterable[Row]) -> Iterator[Line]:
    """The records of one file's rows."""
    hour, file = iso(listed.hour) if listed.hour else None, listed.file.address
    for number, data, event_id, time in rows:
        if isinstance(data, bytes):
            yield number, data  # parsing sets it aside
        else:
            side = {"data": data, "encoding": encoding}
            yield number, record({"batchTransformOutput": side}, event_id or place_id(file, number), time or hour)


def rows_of(file: store.File, texts: Iterator[Iterator[Piece]], format: str, header: bool) -> Iterator[Row]:
    """The rows of a file, which is the next of the texts unless it is Parquet."""
    if format == "parquet":
        return parquet_rows(file)
    return csv_lines(file.address, next(texts), header) if format == "csv" else json_objects(next(texts))


def csv_lines(file: str, pieces: Iterable[Piece], header: bool) -> Iterator[Row]:
    rows = csv_rows(pieces)
    if header:
        next(rows, None)
    for number, row, why in rows:
        if why:
            yield number, unread_row(file, number, row.decode("utf-8", "replace"), why), None, None
            continue
        event_id = time = None
        first, _, last = row.rpartition(b",")
        rest, _, named = first.rpartition(b",")
        if UUID.fullmatch(name := named.strip(b' "')) and MOMENT.fullmatch(moment := last.strip(b' "')):
            row, event_id, time = rest, name.decode(), moment.decode()
        yield number, text_of(row), event_id, time


def json_objects(pieces: Iterator[Piece]) -> Iterator[Row]:
    for number, document in json_documents(pieces):
        event_id = time = None
        text = text_of(document)
        if isinstance(text, str) and (INFERENCE_ID in text or INFERENCE_TIME in text):
            try:
                values = members(document)
                event_id, time = (unquoted(values.pop(name, None)) for name in (INFERENCE_ID, INFERENCE_TIME))
                text = object_of(values)
            except ValueError:
                pass  # no object: decoding says what is wrong
        yield number, text, event_id, time


def parquet_rows(file: store.File) -> Iterator[Row]:
    reserved = (INFERENCE_ID, INFERENCE_TIME)
    names = parquet.names_in(file)
    if twice := [name for i, name in enumerate(names) if name in names[:i]]:
        raise DataError(f"{file.address} names column '{twice[0]}' twice; give each a name of its own")
    others = tuple(name for name in names if name not in reserved)
    for number, row in parquet.rows(file, reserved, [others]):
        event_id, time = (row.get(name) for name in reserved)
        yield (
            number,
            row[others],
            event_id and str(event_id),
            time and (iso(time) if isinstance(time, datetime) else str(time)),
        )


def text_of(content: bytes) -> str | bytes:
    """Bytes decoded as UTF-8, or unchanged if they are not UTF-8."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def unquoted(value: str | None) -> str | None:
    """The text in a JSON string; None if it is no string."""
    text = json.loads(value) if value is not None and value.startswith('"') else None
    return text if isinstance(text, str) and is_unicode(text) else None
