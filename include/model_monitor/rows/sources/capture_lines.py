"""Write rows of batch transform and of tables as capture records, a line each, under their own file and line.

Everything after reading (decoding, scripts, labels, records set aside) knows capture records only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from model_monitor.rows.blocks import BLOCK_BYTES, Piece

GAP = 10_000  # this many lines without a record start a new piece

Line = tuple[int, bytes]  # its 1-based number in the file, and its content


def enc_hook(value: Any) -> Any:
    """Encode pandas' timestamps of nanoseconds, which msgspec does not know, as ISO 8601."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"JSON has nothing for {type(value).__name__}")


encode = msgspec.json.Encoder(enc_hook=enc_hook).encode


def record(
    sides: dict[str, Any],
    event_id: str | None,
    time: str | None,
    inference_id: str | None = None,
    sampling_percentage: float | None = None,
    set_aside: str | None = None,
    **more: Any,
) -> bytes:
    """A capture record on one line; None for what the source does not tell. ``set_aside`` is why it is no request, and
    ``more`` are other parts of ``eventMetadata``."""
    parts = {
        "inferenceId": inference_id,
        "samplingPercentage": sampling_percentage,
        "inferenceTime": time,
        "setAside": set_aside,
    } | more
    metadata = {"eventId": event_id, **{name: value for name, value in parts.items() if value is not None}}
    return encode({"captureData": sides, "eventMetadata": metadata, "eventVersion": "0"})


def unread_row(file: str, number: int, text: str, why: str) -> bytes:
    """The record of a row of CSV that is set aside."""
    side = {"data": text, "encoding": "CSV"}
    return record({"endpointInput": side}, place_id(file, number), None, set_aside=why)


def place_id(file: str, line: int) -> str:
    """The event id of a row without one: the same whenever the file is read, whatever the address's query."""
    return str(uuid5(NAMESPACE_URL, f"{file.partition('?')[0]}#{line}"))


def pieces_of(file: str, lines: Iterable[Line]) -> Iterator[Piece]:
    """Lines by rising number as pieces of some megabytes; numbers that are left out become blank lines."""
    first, size = 1, 0
    content: list[bytes] = []
    for number, line in lines:
        if content and (size >= BLOCK_BYTES or number - first - len(content) > GAP):
            yield Piece(file, first, b"\n".join(content))
            content, size = [], 0
        if not content:
            first = number
        content += [b""] * (number - first - len(content))
        content.append(line.replace(b"\n", b" "))  # only a line that is no record has one
        size += len(line)
    if content:
        yield Piece(file, first, b"\n".join(content))
