"""Run a user's own Python: to change records before analysis, and to follow up on the reports after it.

The handlers are SageMaker's (docs/sagemaker-formats.md, Scripts). A script runs with the rights of the worker, as a DAG
file does.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from model_monitor import store
from model_monitor.errors import ConfigError
from model_monitor.rows.blocks import Block, Piece
from model_monitor.rows.captures import Records, parse
from model_monitor.rows.payloads import payload
from model_monitor.rows.payloads.json_rows import NAMED, flat
from model_monitor.rows.payloads.payload import Decode, Names, Rows
from model_monitor.rows.summary import Rejected

log = logging.getLogger(__name__)

CAPTURED = ("endpointInput", "endpointOutput", "batchTransformOutput")
CONTAINER = re.compile(r"/opt/ml/[\w./-]*")
SIDE = ("encoding", "data", "observedContentType", "mode")


@dataclass
class EventMetadata:
    event_id: str | None = None
    event_time: str | None = None
    custom_attribute: list[str] | None = None


@dataclass
class EventData:
    """One side of a captured request, or its ground truth."""

    encoding: str | None = None
    data: str | None = None
    observedContentType: str | None = None  # noqa: N815 - SageMaker's name
    mode: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if value is not None}


@dataclass
class CapturedData:
    """What a ``preprocess_handler`` gets, under SageMaker's public names."""

    event_metadata: EventMetadata
    endpoint_input: EventData
    endpoint_output: EventData
    batch_transform_output: EventData
    ground_truth: EventData
    event_version: str | None = None
    event_dict: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, event: dict[str, Any]) -> CapturedData:
        """Read the object of a captured line."""
        metadata, data = event.get("eventMetadata") or {}, event.get("captureData") or {}
        return cls(
            EventMetadata(metadata.get("eventId"), metadata.get("inferenceTime"), metadata.get("customAttributes")),
            event_data(data.get("endpointInput")),
            event_data(data.get("endpointOutput")),
            event_data(data.get("batchTransformOutput")),
            event_data(event.get("groundTruthData")),
            event.get("eventVersion"),
            event,
        )

    def as_dict(self) -> dict[str, Any]:
        """The captured object with the sides as they are now."""
        captured = self.event_dict.get("captureData") or {}
        parts = zip(CAPTURED, (self.endpoint_input, self.endpoint_output, self.batch_transform_output), strict=True)
        sides = {name: extensions(captured.get(name)) | side.as_dict() for name, side in parts}
        return self.event_dict | {"captureData": {name: side for name, side in sides.items() if side}}

    @property
    def row(self) -> CapturedData | Line | Fields:
        """The handler's argument: the record or, of batch transform, its line of CSV or object of JSON."""
        batch = self.batch_transform_output
        if not batch.data or self.endpoint_input.data or self.endpoint_output.data:
            return self
        if batch.encoding == "CSV":
            row: Line | Fields = Line(batch.data.rstrip("\r\n"))
        else:
            try:
                document = json.loads(batch.data)
            except (ValueError, RecursionError):
                return self
            if not isinstance(document, dict):
                return self
            row = Fields(document)
        row.record = self
        return row


class OfBatch:
    """A row of batch transform; it also has the attributes of its record."""

    record: CapturedData

    def __getattr__(self, name: str) -> Any:
        if name == "record":
            raise AttributeError(name)
        return getattr(self.record, name)


class Line(OfBatch, str):
    """A line of CSV."""


class Fields(OfBatch, dict[str, Any]):
    """An object of JSON."""


def event_data(side: dict[str, Any] | None) -> EventData:
    return EventData(**{key: value for key, value in (side or {}).items() if key in SIDE})


def extensions(side: dict[str, Any] | None) -> dict[str, Any]:
    """What a side has beyond SageMaker's fields, e.g. why its data is null."""
    return {key: value for key, value in (side or {}).items() if key not in SIDE}


@dataclass(frozen=True)
class Preprocessor:
    """A user's ``preprocess_handler(inference_record[, logger])``."""

    address: str
    handler: Callable[..., Any]
    takes_logger: bool
    sort_columns: bool = False

    @classmethod
    def at(cls, address: str, sort_columns: bool = False) -> Preprocessor:
        """The handler of a script. Raises ConfigError."""
        handler = handler_of(address, "preprocess_handler")
        return cls(address, handler, len(inspect.signature(handler).parameters) > 1, sort_columns)

    def rows(self, line: bytes) -> list[dict[str, str | None]] | CapturedData:
        """The handler's rows for one captured line: none, one or several; or the record, to be decoded as if there were
        no handler. Raises ConfigError with the handler's traceback."""
        record = CapturedData.of(json.loads(line))
        try:
            row = record.row
            result = self.handler(row, log) if self.takes_logger else self.handler(row)
        except (Exception, SystemExit) as error:
            raise ConfigError(
                f"{self.address}: preprocess_handler failed on event {record.event_metadata.event_id}:\n"
                + "".join(traceback.format_exception(error))
            ) from error
        if isinstance(result, Line) and result is row:
            return record
        return result if isinstance(result, CapturedData) else self.cells(result, record)

    def cells(self, result: Any, record: CapturedData) -> list[dict[str, str | None]]:
        whose = f"{self.address}: preprocess_handler returned for event {record.event_metadata.event_id}"
        several = isinstance(result, list) and (not result or isinstance(result[0], Mapping | list))
        rows = result if several else [result]
        if problem := why_no_rows(result, rows):
            raise ConfigError(f"{whose} {problem}; {ADVICE}")
        rows = [{f"_c{i}": cell for i, cell in enumerate(row)} if isinstance(row, list) else row for row in rows]
        try:
            texts = [flat({str(name): cell for name, cell in row.items()}) for row in rows]
        except ValueError as error:
            raise ConfigError(f"{whose} what can't be judged: {error}") from error
        return [dict(sorted(row.items())) for row in texts] if self.sort_columns else texts


NO_VALUES = (bytes, bytearray, memoryview, complex, type, ModuleType, FunctionType)
ADVICE = (
    "return a dict of columns, a list of such dicts for several rows, a list of values, a list of lists of one length, "
    "or [] to drop the record"
)


def why_no_rows(result: Any, rows: list[Any]) -> str | None:
    """Why what a handler returned, as ``rows``, is no rows; None if it is."""
    odd = [row for row in rows if not isinstance(row, Mapping | list)]
    if odd:
        kind = "None" if odd[0] is None else f"a {type(odd[0]).__name__}"
        return kind if odd[0] is result else f"a list with {kind} in it"
    values = [value for row in rows for value in (row.values() if isinstance(row, Mapping) else row)]
    if no_value := [value for value in values if isinstance(value, NO_VALUES)]:
        return f"{type(no_value[0]).__name__} as a value, which is neither a text nor a number"
    if not all(rows):
        return "an empty dict" if {} in rows else "an empty list in a list"
    if len({isinstance(row, list) for row in rows}) > 1:
        return "dicts beside lists"
    widths = sorted({len(row) for row in rows if isinstance(row, list)})
    return f"lists of different lengths ({', '.join(map(str, widths))})" if len(widths) > 1 else None


def postprocess(address: str, environment: Mapping[str, str]) -> None:
    """Call a script's ``postprocess_handler()`` with SageMaker's environment variables. Raises ConfigError."""
    handler = handler_of(address, "postprocess_handler")
    try:
        with environment_of(environment):
            handler()
    except (Exception, SystemExit) as error:
        text = "".join(traceback.format_exception(error))
        raise ConfigError(f"{address}: postprocess_handler failed:\n{text}") from error


@contextmanager
def environment_of(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, and restore them afterwards."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def handler_of(address: str, name: str) -> Callable[..., Any]:
    """A function of a Python file in a store. Raises ConfigError if there is no such file or function."""
    try:
        content = store.read(address)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no script at {address}") from error
    for sentence in container_paths(address, content):
        log.warning("%s", sentence)
    module = ModuleType(f"model_monitor_script_{hashlib.sha256(content).hexdigest()[:16]}")
    module.__file__ = address
    sys.modules[module.__name__] = module  # dataclasses look themselves up there
    try:
        exec(compile(content, address, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - the user's own script
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{address} can't be loaded:\n{''.join(traceback.format_exception(error))}") from error
    handler: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(handler):
        raise ConfigError(f"{address} has no function {name}")
    return handler


def container_paths(address: str, content: bytes) -> list[str]:
    """Sentences on the paths of SageMaker's container that a script holds, which are not there when it runs here.

    >>> container_paths("a.py", b"open('/opt/ml/processing/output/own.json')")[0].partition(";")[0]
    "a.py:1: '/opt/ml/processing/output/own.json' is a path of SageMaker's container, which is not here"
    """
    lines = enumerate(content.decode("utf-8", "replace").split("\n"), 1)
    return [
        f"{address}:{number}: '{path}' is a path of SageMaker's container, which is not here; {instead_of(path)}"
        for number, line in lines
        if not line.lstrip().startswith("#")
        for path in CONTAINER.findall(line)
    ]


def instead_of(path: str) -> str:
    """What a script names instead of a path of the container."""
    if path.startswith("/opt/ml/processing/output"):
        return "a postprocess_handler has the report in os.environ['output_path'], and what it writes there stays"
    if path.startswith("/opt/ml/output/metrics"):
        return "write metrics below os.environ['output_path'] + '/metrics/cloudwatch'"
    return "give what the script reads an address that Airflow's workers can read"


def decoder(preprocessor: Preprocessor, names: Names, drop_failing: bool = False) -> Decode:
    """A decoder of requests by a user's handler; ``payload.decode`` is the one without."""

    def decode(records: Records) -> tuple[list[Rows], list[Rejected]]:
        rows_of: dict[int, list[dict[str, str | None]]] = {}
        returned: dict[int, bytes] = {}
        rejected: list[Rejected] = []
        for i, place in enumerate(records.places):
            try:
                rows = preprocessor.rows(records.block.lines[place][2])
            except ConfigError as error:
                if not drop_failing:
                    raise
                rejected.append(records.reject(i, str(error).strip().rpartition("\n")[2]))
                continue
            if isinstance(rows, CapturedData):
                returned[i] = json.dumps(rows.as_dict()).encode()
            else:
                rows_of[i] = rows
        decoded, problems = decode_returned(records, returned, names) if returned else ([], [])
        return [*Rows.of((NAMED, NAMED), rows_of), *decoded], rejected + problems

    return decode


def decode_returned(records: Records, lines: dict[int, bytes], names: Names) -> tuple[list[Rows], list[Rejected]]:
    """Rows of the records that a handler returned, perhaps edited."""
    indices = np.array(list(lines))
    again = parse(Block([Piece("", 1, b"\n".join(lines.values()))]))
    rows, problems = payload.decode(again, names)
    places = np.asarray(again.places)
    mapped = [replace(r, requests=indices[places[r.requests]]) for r in rows]
    return mapped, [records.reject(int(indices[p.line - 1]), p.reason) for p in problems + again.rejected]
