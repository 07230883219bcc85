"""How a test reads the payloads of captured requests."""

from __future__ import annotations

from typing import Any

import numpy as np

from model_monitor.rows import blocks, captures
from model_monitor.rows.payloads import payload
from model_monitor.rows.payloads.payload import Names
from support.captures import lines, record

Row = dict[str, str | None]
NAMELESS = Names()


def parsed(records: list[Any]) -> captures.Records:
    return captures.parse(blocks.Block([blocks.Piece("a.jsonl", 1, lines(records))]))


def decoded(records: list[Any], names: Names = NAMELESS) -> tuple[dict[str, list[Row]], dict[str, str]]:
    """The rows of each request, and the reason of each that was set aside, by event id."""
    read = parsed(records)
    ids = read.metadata("eventId").to_pylist()
    found, rejected = payload.decode(read, names)
    rows: dict[str, list[Row]] = {}
    for some in found:
        table = some.columns.to_pylist() or [{}] * int(some.counts.sum())
        ends = np.cumsum(some.counts)
        for request, start, end in zip(some.requests, ends - some.counts, ends, strict=True):
            assert ids[request] not in rows
            rows[ids[request]] = table[start:end]
    return rows, {ids[one.line - 1]: one.reason for one in rejected}


def alone(*sides: Any, names: Names = NAMELESS) -> list[Row]:
    """The rows of one request with these sides, of which none may be set aside."""
    rows, rejected = decoded([record("e", *sides)], names)
    assert not rejected
    return rows["e"]


def refused(*sides: Any, names: Names = NAMELESS) -> str:
    """Why a request with these sides is set aside."""
    rows, rejected = decoded([record("e", *sides)], names)
    assert not rows
    return rejected["e"]
