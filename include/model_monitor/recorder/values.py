"""Write a function's arguments and its result as payloads that ``collect_window`` reads.

Values with names become JSON: one flat object, or one per row; values without names become CSV. Frames, arrays and
models are recognised by their methods (``to_dict``, ``tolist``, ``model_dump``), so no library is imported for them.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, time
from decimal import Decimal
from pathlib import PurePath
from typing import Any, NamedTuple

import msgspec

from model_monitor.recorder.records import TRUNCATED, Truncated

CSV_TYPE, JSON_TYPE = "text/csv", "application/json"
JSON_TYPES = (type(None), str, bytes, bool, int, float, dict, list)
MISSING = ("NAType", "NaTType")  # of pandas
MICROSECONDS = {"<M8[ns]": "<M8[us]", "<m8[ns]": "<m8[us]"}
# The methods of polars, PyArrow, pydantic, NumPy (and pandas, PyTorch), and polars again.
CONVERSIONS = ("to_dicts", "to_pylist", "model_dump", "tolist", "to_list")


class Written(NamedTuple):
    content: bytes | str | Truncated
    content_type: str | None


def is_too_large(values: Iterable[Any], limit: float) -> bool:
    """Whether an array or frame has more values than a payload may have bytes: writing it would take seconds."""
    shapes = [shape for value in values if isinstance(shape := getattr(value, "shape", None), tuple)]
    return any(math.prod(shape) > limit for shape in shapes)


def write_arguments(arguments: Mapping[str, Any], content_type: str | None, limit: float = math.inf) -> Written | None:
    """Arguments by name as the input of a request; None if there are none. A single argument is the input itself if it
    is bytes, text with a content type, an object, a frame, a list or an array (a flat one is one row). Otherwise each
    argument is a column of one row. An input that exceeds ``limit`` bytes may be TRUNCATED."""
    if not arguments:
        return None
    if is_too_large(arguments.values(), limit):
        return Written(TRUNCATED, None)
    if len(arguments) == 1:
        value = plain(row_object(*arguments.values()))
        if is_payload(value, content_type):
            return Written(value, content_type)
        if isinstance(value, Mapping):
            return write(value)
        if isinstance(value, list):
            return write(value if not value or isinstance(plain(value[0]), list | Mapping) else [value])
    return write(dict(arguments))


def write_result(value: Any, names: Sequence[str], content_type: str | None, limit: float = math.inf) -> Written | None:
    """A result as the output of a request; None if it is None. Bytes, text with a content type, objects and frames keep
    their form. A single value gets the first of ``names``. In a flat list, each value is a row under the one name; or
    with several names, as many as values, the list is one row. Rows get the names if there are as many names as
    columns. All else is CSV. An output that exceeds ``limit`` bytes may be TRUNCATED."""
    if is_too_large([value], limit):
        return Written(TRUNCATED, None)
    value = plain(value)
    if value is None:
        return None
    if is_payload(value, content_type):
        return Written(value, content_type)
    if isinstance(value, Mapping):
        return write(value)
    if not isinstance(value, list):
        return write({names[0]: value})
    rows = [plain(row) for row in value]
    if rows and isinstance(rows[0], Mapping):
        return write(rows)
    if rows and isinstance(rows[0], list):
        fits = all(len(row) == len(names) for row in rows)
        return write([dict(zip(names, row, strict=True)) for row in rows] if fits else rows)
    if len(names) == 1:
        return write([{names[0]: row} for row in rows])
    return write(dict(zip(names, rows, strict=True)) if len(rows) == len(names) else [rows])


def is_payload(value: Any, content_type: str | None) -> bool:
    """Whether a value is a payload already. Text without a content type is a value like any other."""
    return isinstance(value, bytes) or (isinstance(value, str) and content_type is not None)


def plain(value: Any) -> Any:
    """A value as one of JSON's types, converted at the outermost level only; unchanged if there is no conversion."""
    if type(value).__name__ in MISSING:
        return None
    if type(value) in JSON_TYPES:
        return value
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "_asdict"):  # a named tuple
        return value._asdict()
    if isinstance(value, tuple | set | frozenset | range):
        return list(value)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if isinstance(value, PurePath) else converted(value)


def converted(value: Any) -> Any:
    """The content of another library's frame, array, number or model; any other value unchanged."""
    if hasattr(value, "columns") and hasattr(value, "to_dict") and not hasattr(value, "to_dicts"):
        return value.to_dict(orient="records")  # pandas; a frame of polars has to_dicts as well
    if getattr(getattr(value, "dtype", None), "str", None) in MICROSECONDS:
        value = value.astype(MICROSECONDS[value.dtype.str])  # ``tolist`` turns nanoseconds into integers
    for name in CONVERSIONS:
        if hasattr(value, name):
            return getattr(value, name)()
    return value


def row_object(value: Any) -> Any:
    """A row of a pandas frame, whose index is the columns' names, as an object; any other value unchanged."""
    if hasattr(value, "tolist") and hasattr(value, "to_dict"):
        row = value.to_dict()
        return row if all(isinstance(name, str) for name in row) else value
    return value


def to_json_type(value: Any) -> Any:
    """Convert a value for the encoder. Raises TypeError if it has no form in JSON."""
    if (simpler := plain(value)) is value:
        raise TypeError(f"{type(value).__name__} can't be written as JSON; use numbers, texts, dicts, lists or frames")
    return simpler


ENCODER = msgspec.json.Encoder(enc_hook=to_json_type, decimal_format="number")
NOT_NUMBERS = (b"NaN", b"Infinity")  # as the encoder writes these values of Decimal


def encoded(value: Any) -> bytes:
    """A value as JSON, with null for NaN and infinity."""
    content = ENCODER.encode(value)
    if any(word in content for word in NOT_NUMBERS):
        content = ENCODER.encode(json.loads(content, parse_float=Decimal, parse_constant=lambda _: None))
    return content


def write(value: Any) -> Written:
    """Write an object or a list of objects as JSON, rows without names as CSV. NaN and infinity are missing."""
    if isinstance(value, Mapping) or not value or isinstance(plain(value[0]), Mapping):
        return Written(encoded(value), JSON_TYPE)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    # By way of JSON, so that a value is written alike in both.
    for row in msgspec.json.decode(encoded(value)):
        cells = row if isinstance(row, list) else [row]
        writer.writerow([str(cell).lower() if isinstance(cell, bool) else cell for cell in cells])
    return Written(text.getvalue(), CSV_TYPE)
