"""How are a function's arguments and its result written as payloads?

As JSON where values have names: one flat object, or a list of them with one for each row. As CSV where they have none.
Both are what ``collect_window`` reads. Frames, arrays and models are known by what they can do (``to_dict``,
``tolist``, ``model_dump``), so no library is imported for them.
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
KNOWN = (type(None), str, bytes, bool, int, float, dict, list)
MISSING = ("NAType", "NaTType")  # pandas' own
# Of polars, PyArrow, pydantic, NumPy (and pandas, PyTorch), and polars again.
NANOSECONDS = {"<M8[ns]": "<M8[us]", "<m8[ns]": "<m8[us]"}
CONVERSIONS = ("to_dicts", "to_pylist", "model_dump", "tolist", "to_list")


class Written(NamedTuple):
    content: bytes | str | Truncated
    content_type: str | None


TOO_LARGE = Written(TRUNCATED, None)


def is_too_large(values: Iterable[Any], limit: int) -> bool:
    """Whether an array or a frame has more values than a payload may have bytes: to write it would take seconds."""
    shapes = [shape for value in values if isinstance(shape := getattr(value, "shape", None), tuple)]
    return any(math.prod(shape) > limit for shape in shapes)


def written_arguments(
    arguments: Mapping[str, Any], content_type: str | None, limit: int | None = None
) -> Written | None:
    """Arguments by name as the input of a request; None if there are none.

    An argument that stands alone is the input itself if it is bytes, a text with a content type, an object, a frame, a
    list or an array (a flat one is one row). Otherwise each argument is a column of one row. What can't be written in
    ``limit`` bytes may be TRUNCATED.
    """
    if not arguments:
        return None
    if limit is not None and is_too_large(arguments.values(), limit):
        return TOO_LARGE
    if len(arguments) == 1:
        value = plain(named(*arguments.values()))
        if is_payload(value, content_type):
            return Written(value, content_type)
        if isinstance(value, Mapping):
            return written(value)
        if isinstance(value, list):
            return written(value if not value or isinstance(plain(value[0]), list | Mapping) else [value])
    return written(dict(arguments))


def written_result(
    value: Any, names: Sequence[str], content_type: str | None, limit: int | None = None
) -> Written | None:
    """A result as the output of a request; None if it is None.

    Bytes and text with a content type stay as they are, as do objects and frames. A value alone is called by the one
    name. Of several values without names, each is a row with one name; or a value of one row, if there are as many as
    there are names. Rows without names get them if there are as many. What is left is CSV. What can't be written in
    ``limit`` bytes may be TRUNCATED.
    """
    if limit is not None and is_too_large([value], limit):
        return TOO_LARGE
    value = plain(value)
    if value is None:
        return None
    if is_payload(value, content_type):
        return Written(value, content_type)
    if isinstance(value, Mapping):
        return written(value)
    if not isinstance(value, list):
        return written({names[0]: value})
    rows = [plain(row) for row in value]
    if rows and isinstance(rows[0], Mapping):
        return written(rows)
    if rows and isinstance(rows[0], list):
        fits = all(len(row) == len(names) for row in rows)
        return written([dict(zip(names, row, strict=True)) for row in rows] if fits else rows)
    if len(names) == 1:
        return written([{names[0]: row} for row in rows])
    return written(dict(zip(names, rows, strict=True)) if len(rows) == len(names) else [rows])


def is_payload(value: Any, content_type: str | None) -> bool:
    """Whether a value is a payload already. A text without a content type is a value like any other."""
    return isinstance(value, bytes) or (isinstance(value, str) and content_type is not None)


def plain(value: Any) -> Any:
    """A value as JSON knows it on the outside; what it holds may be anything, as may one that JSON can't know."""
    if type(value) in KNOWN or type(value).__name__ in MISSING:
        return None if type(value).__name__ in MISSING else value
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
    """What another library's frame, array, number or model holds; the value itself if it is none."""
    if hasattr(value, "columns") and hasattr(value, "to_dict") and not hasattr(value, "to_dicts"):
        return value.to_dict(orient="records")  # a frame of pandas; those of polars have to_dicts as well
    if getattr(getattr(value, "dtype", None), "str", None) in NANOSECONDS:
        value = value.astype(NANOSECONDS[value.dtype.str])  # NumPy gives their numbers, not their times
    for name in CONVERSIONS:
        if hasattr(value, name):
            return getattr(value, name)()
    return value


def named(value: Any) -> Any:
    """A row of a pandas frame, whose index has the columns' names, as an object; anything else as it is."""
    if hasattr(value, "tolist") and hasattr(value, "to_dict"):
        row = value.to_dict()
        return row if all(isinstance(name, str) for name in row) else value
    return value


def foreign(value: Any) -> Any:
    """A value that JSON does not know, as one that it does. Raises TypeError if there is none."""
    known = plain(value)
    if known is value:
        raise TypeError(f"{type(value).__name__} can't be written as JSON; use numbers, texts, dicts, lists or frames")
    return known


ENCODER = msgspec.json.Encoder(enc_hook=foreign, decimal_format="number")
NO_NUMBERS = (b"NaN", b"Infinity")  # of Decimal, which the encoder writes as they are


def encoded(value: Any) -> bytes:
    """A value as JSON, with null for what is no number."""
    content = ENCODER.encode(value)
    if any(word in content for word in NO_NUMBERS):
        content = ENCODER.encode(json.loads(content, parse_float=Decimal, parse_constant=lambda _: None))
    return content


def written(value: Any) -> Written:
    """An object or a list of objects as JSON, rows without names as CSV. No number (NaN, infinity) is missing."""
    if isinstance(value, Mapping) or not value or isinstance(plain(value[0]), Mapping):
        return Written(encoded(value), JSON_TYPE)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    # JSON's own view of each value, so that the same value is written alike in both.
    for row in msgspec.json.decode(encoded(value)):
        writer.writerow([cell(one) for one in (row if isinstance(row, list) else [row])])
    return Written(text.getvalue(), CSV_TYPE)


def cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
