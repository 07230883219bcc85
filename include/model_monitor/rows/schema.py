"""The parts of a captured record that are read: SageMaker's (docs/sagemaker-formats.md, Capture files) and the
recorder's own."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa

from model_monitor.rows.json_text import is_unicode

EVERY = 100.0  # percent

SIDE = pa.struct(
    [
        ("data", pa.string()),
        ("encoding", pa.string()),
        ("observedContentType", pa.string()),
        ("truncated", pa.bool_()),  # the recorder's own: why data is null
        ("withheld", pa.bool_()),
    ]
)
SCHEMA = pa.schema(
    [
        ("captureData", pa.struct([("endpointOutput", SIDE), ("endpointInput", SIDE), ("batchTransformOutput", SIDE)])),
        (
            "eventMetadata",
            pa.struct(
                [
                    ("eventId", pa.string()),
                    ("inferenceId", pa.string()),
                    ("inferenceTime", pa.string()),
                    ("samplingPercentage", pa.float64()),  # the recorder's own: absent where every request is captured
                    ("setAside", pa.string()),  # of a row that something else wrote: why it is no request
                ]
            ),
        ),
    ]
)


def event_of(line: Any) -> Any:
    """A line's object cut down to ``SCHEMA``; raises TypeError if a part is not of its type."""
    return conform(line, pa.struct(SCHEMA), "record")


def conform(value: Any, kind: pa.DataType, name: str) -> Any:
    if value is None:
        return None
    if pa.types.is_struct(kind):
        if not isinstance(value, dict):
            raise TypeError(f"{name} is not an object")
        return {f.name: conform(value.get(f.name), f.type, f.name) for f in kind}
    if pa.types.is_floating(kind):
        return float_of(value)
    if pa.types.is_boolean(kind):
        if not isinstance(value, bool):
            raise TypeError(f"{name} is neither true nor false")
        return value
    if not isinstance(value, str):
        raise TypeError(f"{name} is not a text")
    if not is_unicode(value):
        raise TypeError(f"{name} is not Unicode text")
    return value


def float_of(value: Any) -> float:
    """A number; NaN, which no check lets pass, for anything else."""
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        return math.nan
