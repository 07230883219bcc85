"""Parse capture records, the JSON lines that SageMaker and our recorder log, into columns.

The format is described in docs/sagemaker-formats.md under Capture files. A block is parsed at once by PyArrow; only a
block with a malformed line is parsed line by line, so that this line is set aside and no other is lost.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.rows.blocks import Block
from model_monitor.rows.json_text import read_objects
from model_monitor.rows.schema import EVERY, SCHEMA, event_of
from model_monitor.rows.summary import Rejected
from model_monitor.rows.times import TIME, times_of


@dataclass(frozen=True)
class Records:
    """The requests of a block, column by column: ``events`` is a struct array of ``SCHEMA``."""

    block: Block
    events: pa.StructArray
    times: pa.TimestampArray
    places: Sequence[int]  # index of each request's line among the lines of the block
    rejected: list[Rejected] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.events)

    def side(self, name: str, part: str) -> pa.Array:
        """One part (a field of ``SIDE``) of one side (endpointInput, endpointOutput).

        A row of batch transform has a ``batchTransformOutput``, which stands for a missing ``endpointOutput``.
        """
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

    def nested(self, *names: str) -> pa.Array:
        return pc.struct_field(self.events, list(names))

    def texts(self, indices: np.ndarray) -> pa.StringArray:
        """The captured lines of the requests at these indices, unchanged."""
        lines = self.block.lines
        return pa.array([lines[self.places[i]][2].strip(b" \t\r\xef\xbb\xbf") for i in indices.tolist()], pa.string())

    def take(self, indices: Any) -> Records:
        """The requests at these indices, without the rejected records."""
        indices = pa.array(indices, pa.int64())
        places = [self.places[i] for i in indices.to_pylist()] if len(indices) < len(self) else self.places
        return Records(self.block, self.events.take(indices), self.times.take(indices), places)

    def reject(self, index: int, reason: str) -> Rejected:
        """Set the request at an index aside."""
        file, line, text = self.block.lines[self.places[index]]
        return Rejected(file, line, reason, self.times[index].as_py(), text.decode("utf-8", "replace"))


def parse(block: Block) -> Records:
    """The requests of a block, and the lines that are none."""
    content = block.content
    lines = [line for line in map(bytes.strip, content.split(b"\n")) if line]
    if not lines:
        return Records(block, empty(), pa.array([], TIME), [])
    try:
        if not content.isascii():
            content.decode("utf-8")
        events = events_of(content) if all(map(is_object, lines)) else empty()
    except (pa.ArrowInvalid, UnicodeDecodeError):
        events = empty()
    return complete(block, events, range(len(lines))) if len(events) == len(lines) else parse_line_by_line(block)


def is_object(line: bytes) -> bool:
    """Whether a line looks like one whole object.

    If all lines do, and there are as many objects as lines, each line is an object. PyArrow must see nothing else: a
    bare ``null`` crashes the process (seen with PyArrow 26).
    """
    return line.startswith(b"{") and line.endswith(b"}")


def events_of(content: bytes) -> pa.StructArray:
    return read_objects(content, SCHEMA).to_struct_array().combine_chunks()


def empty() -> pa.StructArray:
    return pa.array([], pa.struct(SCHEMA))


def parse_line_by_line(block: Block) -> Records:
    """Parse a block that has a malformed line."""
    good: list[Any] = []
    places: list[int] = []
    rejected: list[Rejected] = []
    for place, (file, number, line) in enumerate(block.lines):
        try:
            good.append(event_of(json.loads(line.decode("utf-8-sig"))))
            places.append(place)
        except (ValueError, TypeError, RecursionError) as error:
            rejected.append(Rejected(file, number, reason_of(error), None, line.decode("utf-8", "replace")))
    records = complete(block, pa.array(good, pa.struct(SCHEMA)), places)
    return Records(records.block, records.events, records.times, records.places, rejected + records.rejected)


def reason_of(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return f"not a capture record: {error}" if isinstance(error, TypeError) else "not JSON, perhaps cut off"


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
    kept = records.take(pc.indices_nonzero(fine).cast(pa.int64()))
    return Records(block, kept.events, kept.times, kept.places, rejected)
