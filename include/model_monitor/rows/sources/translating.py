"""How does a row of another source look as a captured request?

Everything after reading (decoding, scripts, labels, records set aside) knows capture records only. So rows of batch
transforms and of tables are written as such, a line each, under the file and line that they come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from model_monitor.rows.blocks import BLOCK_BYTES, Piece

GAP = 10_000  # so many lines without a record start a new piece

Line = tuple[int, bytes]  # its 1-based number in the file, and what it says


def enc_hook(value: Any) -> Any:
    """A value that msgspec doesn't know, as ISO 8601: what pandas has for nanoseconds."""
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
) -> bytes:
    """A capture record (section 1.3 of the specification) on one line; None for what the source does not tell.

    ``set_aside`` is why it is no request.
    """
    metadata: dict[str, Any] = {"eventId": event_id}
    if inference_id is not None:
        metadata["inferenceId"] = inference_id
    if sampling_percentage is not None:
        metadata["samplingPercentage"] = sampling_percentage
    if time is not None:
        metadata["inferenceTime"] = time
    if set_aside is not None:
        metadata["setAside"] = set_aside
    return encode({"captureData": sides, "eventMetadata": metadata, "eventVersion": "0"})


def place_id(file: str, line: int) -> str:
    """The event id of a row that brings none: the same whenever the file is read, wherever a query leads to it."""
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
        content.append(line.replace(b"\n", b" "))  # which only one that is no record has
        size += len(line)
    if content:
        yield Piece(file, first, b"\n".join(content))
