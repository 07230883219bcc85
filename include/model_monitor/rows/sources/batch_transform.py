"""What did batch-transform jobs answer? The files that their manifests name, row by row (section 1.6).

A row's event id and time are those that the job generated, which are taken out of the data. Without them the id is made
from the file's address and the row's number, and the time is the hour of the manifest: that in which the job started.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from model_monitor import store
from model_monitor.core.window import iso
from model_monitor.errors import DataError
from model_monitor.rows.schema import is_unicode
from model_monitor.rows.sources import typed
from model_monitor.rows.sources.capture_files import Block, Piece, in_blocks
from model_monitor.rows.sources.texts import csv_rows, json_documents, members, object_of, read
from model_monitor.rows.sources.translating import Line, pieces_of, place_id, record

MANIFESTS = (".json", ".jsonl")
INFERENCE_ID, INFERENCE_TIME = "SageMakerInferenceId", "SageMakerInferenceTime"

SAME_AS = {"s3a": "s3", "s3n": "s3"}  # Hadoop's names for it

UUID = re.compile(rb"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")


@dataclass(frozen=True)
class Output:
    """A file of a job's answers, the hour in which the job started, and how the file is written."""

    file: store.File
    hour: datetime
    format: str
    header: bool = False


def named_in(manifest: store.File, below: str | None = None) -> list[str]:
    """The addresses that a manifest names, in its order.

    They must be of the manifest's own kind of store, and in a folder if one is given. Raises DataError.
    """
    whole = f"{manifest.address} is no manifest of batch transform"
    try:
        content = json.loads(store.read(manifest.address))
    except FileNotFoundError as error:
        raise DataError(f"{manifest.address} was deleted while it was being read; run this window again") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{whole}: not JSON: {error}; correct or remove it") from error
    if not isinstance(content, list):
        raise DataError(
            f'{whole}: it should be a list, [{{"prefix": "s3://..."}}, "a name", ...]; correct or remove it'
        )
    head, names = (content[0], content[1:]) if content else ({}, [])
    prefix = head.get("prefix") if isinstance(head, dict) else None
    if not isinstance(prefix, str) or not prefix:
        raise DataError(f'{whole}: its first element should be {{"prefix": "s3://..."}}; correct or remove it')
    if odd := [name for name in names if not isinstance(name, str) or not name]:
        raise DataError(f"{whole}: {str(odd[0])[:80]!r} is not the name of a file; correct or remove it")
    found = [addressed(prefix + name, manifest.address) for name in dict.fromkeys(names)]
    for address in found:
        refuse_elsewhere(address, manifest.address, below)
    return found


def addressed(named: str, manifest: str) -> str:
    """A named file's address, reached as the manifest is: by the same query, which tells e.g. the store's server.

    Raises DataError for one with a query of its own, which could send this worker's credentials to another server.
    """
    scheme, mark, rest = named.partition("://")
    if not mark or scheme == "file":
        return named
    if "?" in rest:
        raise DataError(f"{manifest} names {named}; write the address without ? and what follows")
    _, question, query = manifest.partition("?")
    return f"{SAME_AS.get(scheme, scheme)}://{rest}{question}{query}"


def refuse_elsewhere(address: str, manifest: str, below: str | None) -> None:
    """Raise DataError for a file that a manifest must not lead to: it would be read with this worker's rights."""
    if scheme_of(address) != scheme_of(manifest):
        raise DataError(
            f"{manifest} names {address}, which is in another kind of store than the manifest itself; put both into one"
        )
    path = path_of(address)
    if ".." in path.split("/") or not (scheme_of(address) or path.startswith("/")):
        raise DataError(f"{manifest} names {address}; write the whole address, without ..")
    if below and not path.startswith(path_of(below).rstrip("/") + "/"):
        raise DataError(f"{manifest} names {address}, which is not below {below}; correct capture.data or the manifest")


def scheme_of(address: str) -> str:
    """The kind of store of an address; empty of a local one."""
    scheme, mark, _ = address.partition("://")
    return scheme if mark and scheme != "file" else ""


def path_of(address: str) -> str:
    """An address without what leads there: its query, and a local one's scheme."""
    return address.removeprefix("file://").partition("?")[0] if "://" in address else address


def outputs_of(manifest: store.File, below: str | None = None) -> list[store.File]:
    """The files that a manifest names, as they are now. Raises DataError if one is gone."""
    found = []
    for address in named_in(manifest, below):
        files = store.list_files(address)
        if len(files) != 1 or files[0].address != address:
            raise DataError(
                f"{manifest.address} names {address}, which is not there; restore it, or remove the manifest"
            )
        found += files
    return found


def blocks(outputs: Sequence[Output]) -> Iterator[Block]:
    """The rows of some files as captured requests, a line each. Raises DataError for a file that can't be read."""
    texts = read(output.file for output in outputs if output.format != "parquet")
    found = ((output, rows_of(output, texts)) for output in outputs)
    return in_blocks(piece for output, rows in found for piece in pieces_of(output.file.address, lines(output, rows)))


Row = tuple[int, str | bytes, str | None, str | None]  # number, data, generated id and time


def lines(output: Output, rows: Iterable[Row]) -> Iterator[Line]:
    """The records of one file's rows."""
    hour, file = iso(output.hour), output.file.address
    encoding = "CSV" if output.format == "csv" else "JSON"
    for number, data, event_id, time in rows:
        if isinstance(data, bytes):
            yield number, data  # no text: whoever parses it sets it aside
        else:
            side = {"data": data, "encoding": encoding}
            yield number, record({"batchTransformOutput": side}, event_id or place_id(file, number), time or hour)


def rows_of(output: Output, texts: Iterator[Iterator[Piece]]) -> Iterator[Row]:
    """The rows of a file, which is the next of the texts unless it is Parquet."""
    if output.format == "parquet":
        return parquet_rows(output.file)
    return csv_lines(next(texts), output.header) if output.format == "csv" else json_objects(next(texts))


def csv_lines(pieces: Iterable[Piece], header: bool) -> Iterator[Row]:
    rows = csv_rows(pieces)
    if header:
        next(rows, None)
    for number, row in rows:
        event_id = time = None
        first, _, last = row.rpartition(b",")
        kept, _, named = first.rpartition(b",")
        if UUID.fullmatch(name := named.strip(b' "')) and MOMENT.fullmatch(moment := last.strip(b' "')):
            row, event_id, time = kept, name.decode(), moment.decode()
        yield number, text_of(row), event_id, time


def json_objects(pieces: Iterator[Piece]) -> Iterator[Row]:
    for number, document in json_documents(pieces):
        event_id = time = None
        text = text_of(document)
        if isinstance(text, str) and (INFERENCE_ID in text or INFERENCE_TIME in text):
            try:
                found = members(document)
                event_id, time = (told(found.pop(name, None)) for name in (INFERENCE_ID, INFERENCE_TIME))
                text = object_of(found)
            except ValueError:
                pass  # no object: whoever decodes it tells what is wrong
        yield number, text, event_id, time


def parquet_rows(file: store.File) -> Iterator[Row]:
    reserved = (INFERENCE_ID, INFERENCE_TIME)
    names = typed.names_in(file)
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise DataError(f"{file.address} names column '{twice}' twice; give each a name of its own")
    others = tuple(name for name in names if name not in reserved)
    for number, row in typed.rows(file, reserved, [others]):
        event_id, time = (row.get(name) for name in reserved)
        yield number, row[others], event_id and str(event_id), time and written(time)


def text_of(content: bytes) -> str | bytes:
    """Bytes as the text that they are, else the bytes."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def told(value: str | None) -> str | None:
    """What a reserved member says; None if that is no text."""
    found = json.loads(value) if value is not None and value.startswith('"') else None
    return found if isinstance(found, str) and is_unicode(found) else None


def written(time: Any) -> str:
    return iso(time) if isinstance(time, datetime) else str(time)
