"""Parse capture records, the JSON lines that SageMaker and our recorder log, into columns.

The format is described in docs/sagemaker-formats.md under Capture files. A block is parsed at once by PyArrow; only a
block with a malformed line is parsed line by line, so that this line is set aside and no other is lost.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.rows.blocks import Block
from model_monitor.rows.json_text import is_unicode, read_objects
from model_monitor.rows.summary import Rejected
from model_monitor.rows.times import times_of

NEWLINE, OPENING, CLOSING = b"\n{}"

# The parts of a record that are read: SageMaker's, and the recorder's own.
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
                    ("latencyMs", pa.float64()),
                    ("statusCode", pa.float64()),
                    ("failed", pa.bool_()),  # there is no answer to judge
                    ("setAside", pa.string()),  # of a row that something else wrote: why it is no request
                ]
            ),
        ),
    ]
)


@dataclass(frozen=True)
class Records:
    """The requests of a block, column by column: ``events`` is a struct array of ``SCHEMA``."""

    block: Block
    events: pa.StructArray
    times: pa.TimestampArray
    places: Sequence[int]  # index of each request's line among the lines of the block
    rejected: list[Rejected] = field(default_factory=list)
    common: frozenset[str] | None = None  # the only columns that there may be, if there is a bound

    def __len__(self) -> int:
        return len(self.events)

    def side(self, name: str, part: str) -> pa.Array:
        """One part of one side; a ``batchTransformOutput`` stands for a missing ``endpointOutput``."""
        own = self.nested("captureData", name, part)
        batch = self.nested("captureData", "batchTransformOutput")
        if name != "endpointOutput" or batch.null_count == len(batch):
            return own
        return pc.if_else(self.nested("captureData", name).is_valid(), own, pc.struct_field(batch, part))

    def metadata(self, part: str) -> pa.StringArray:
        return self.nested("eventMetadata", part)

    @property
    def percentages(self) -> np.ndarray:
        """The percentage of requests captured when each was: 0 < p <= 100."""
        written = self.nested("eventMetadata", "samplingPercentage")
        if written.null_count == len(written):
            return np.broadcast_to(np.float64(EVERY), len(written))
        filled: np.ndarray = pc.fill_null(written, EVERY).to_numpy(zero_copy_only=False)
        return filled

    def answered(self) -> Records:
        """Without the requests that failed; their lines are read as others are."""
        failed = self.nested("eventMetadata", "failed")
        if failed.null_count == len(failed) or not pc.any(failed).as_py():
            return self
        kept = pc.indices_nonzero(pc.invert(pc.fill_null(failed, False)))
        return replace(self.take(kept), rejected=self.rejected)

    def nested(self, *names: str) -> pa.Array:
        return pc.struct_field(self.events, list(names))

    def texts(self, indices: np.ndarray) -> pa.StringArray:
        """The captured lines of the requests at these indices, unchanged."""
        lines = self.block.lines
        return pa.array([lines[self.places[i]][2].strip(b" \t\r\xef\xbb\xbf") for i in indices.tolist()], pa.string())

    def take(self, indices: Any) -> Records:
        """The requests at these indices, without the rejected records."""
        indices = pa.array(indices)
        places = [self.places[i] for i in indices.to_pylist()] if len(indices) < len(self) else self.places
        return Records(self.block, self.events.take(indices), self.times.take(indices), places, common=self.common)

    def reject(self, index: int, reason: str) -> Rejected:
        """Set the request at an index aside."""
        file, line, text = self.block.lines[self.places[index]]
        return Rejected(file, line, reason, self.times[index].as_py(), text.decode("utf-8", "replace"))


def parse(block: Block) -> Records:
    """The requests of a block, and the lines that are none."""
    content = block.content
    try:
        content.decode("utf-8")
        if count := count_of_objects(content):
            events = read_objects(content, SCHEMA).to_struct_array().combine_chunks()
            if len(events) == count:
                return complete(block, events, range(count))
    except (pa.ArrowInvalid, UnicodeDecodeError):
        pass
    return parse_line_by_line(block)


def count_of_objects(content: bytes) -> int:
    """How many lines that are not blank there are, if each looks like one whole object; else 0."""
    written = np.frombuffer(content, np.uint8)
    newlines = np.flatnonzero(written == NEWLINE)
    starts, ends = np.append(0, newlines + 1), np.append(newlines, len(written))
    filled = starts < ends
    starts, ends = starts[filled], ends[filled]
    if (written[starts] == OPENING).all() and (written[ends - 1] == CLOSING).all():
        return len(starts)
    lines = [line for line in map(bytes.strip, content.split(b"\n")) if line]
    return len(lines) if all(map(is_object, lines)) else 0


def is_object(line: bytes) -> bool:
    """Whether a line looks like one whole object. PyArrow must see nothing else: a bare ``null`` crashes the process
    (seen with PyArrow 26)."""
    return line.startswith(b"{") and line.endswith(b"}")


def parse_line_by_line(block: Block) -> Records:
    """Parse a block that has a malformed line."""
    good: list[Any] = []
    places: list[int] = []
    rejected: list[Rejected] = []
    for place, (file, number, line) in enumerate(block.lines):
        try:
            good.append(conform(json.loads(line.decode("utf-8-sig")), pa.struct(SCHEMA), "record"))
            places.append(place)
        except (ValueError, TypeError, RecursionError) as error:
            why = "not UTF-8" if isinstance(error, UnicodeDecodeError) else "not JSON, perhaps cut off"
            why = f"not a capture record: {error}" if isinstance(error, TypeError) else why
            rejected.append(Rejected(file, number, why, None, line.decode("utf-8", "replace")))
    records = complete(block, pa.array(good, pa.struct(SCHEMA)), places)
    return replace(records, rejected=rejected + records.rejected)


def conform(value: Any, kind: pa.DataType, name: str) -> Any:
    """A value cut down to a type; numbers that are none become NaN. Raises TypeError if a part has another type."""
    if value is None:
        return None
    if pa.types.is_struct(kind):
        if not isinstance(value, dict):
            raise TypeError(f"{name} is not an object")
        return {f.name: conform(value.get(f.name), f.type, f.name) for f in kind}
    if pa.types.is_floating(kind):
        return float(str(value)) if type(value) in (int, float) else math.nan
    if pa.types.is_boolean(kind):
        if not isinstance(value, bool):
            raise TypeError(f"{name} is neither true nor false")
    elif not isinstance(value, str):
        raise TypeError(f"{name} is not a text")
    elif not is_unicode(value):
        raise TypeError(f"{name} is not Unicode text")
    return value


def complete(block: Block, events: pa.StructArray, places: Sequence[int]) -> Records:
    """Parse times. Set aside records already marked, and those without a valid event id, time or percentage."""
    ids, written, percentages, marked = (
        pc.struct_field(events, ["eventMetadata", part])
        for part in ("eventId", "inferenceTime", "samplingPercentage", "setAside")
    )
    times = times_of(written)
    records = Records(block, events, times, places)
    checks = {
        "no eventMetadata.eventId": pc.fill_null(pc.not_equal(ids, ""), False),
        "no eventMetadata.inferenceTime in ISO 8601": pc.is_valid(times),
    }
    if percentages.null_count < len(percentages):
        within = pc.and_(pc.greater(percentages, 0), pc.less_equal(percentages, EVERY))
        checks["eventMetadata.samplingPercentage is no number above 0 and up to 100"] = pc.fill_null(within, True)
    fine = functools.reduce(pc.and_, checks.values(), pc.is_null(marked))
    if pc.all(fine, min_count=0).as_py():
        return records
    rejected = [
        records.reject(i, marked[i].as_py() or next(why for why, passed in checks.items() if not passed[i].as_py()))
        for i in pc.indices_nonzero(pc.invert(fine)).to_pylist()
    ]
    return replace(records.take(pc.indices_nonzero(fine)), rejected=rejected)
