"""Which rows belong to a span of event time? Captured requests become one Parquet file per span, whole or not at all.

A request belongs where its event time says, whatever folder or file it is in; one event id counts once. The file's
footer says what it was made from and what was set aside, so that a file is a complete answer, and shows when it is out
of date.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.batch import EVENT_ID, EVENT_TIME, INFERENCE_ID, RECORD
from model_monitor.core.hashing import hash_values
from model_monitor.core.window import Window
from model_monitor.rows.blocks import Block
from model_monitor.rows.captures import Records, parse
from model_monitor.rows.drafts import WAITING_BYTES, Draft, Portion
from model_monitor.rows.payloads.payload import Decode, Rows, Shape
from model_monitor.rows.summary import Rejected, Summary
from model_monitor.rows.times import within
from model_monitor.store.ahead import CORES, ahead

LAYOUT = 2  # of the file and its footer; a file of another one is made again


@dataclass(frozen=True)
class Span:
    """A span of event time (None: all time), the address of the file of its rows, and what that is made from."""

    window: Window | None
    address: str
    origin: dict[str, Any]

    def indices(self, times: pa.TimestampArray) -> pa.Array | None:
        """The indices of the times within the span; None if they all are."""
        inside = within(times, self.window) if self.window else None
        return None if inside is None else pc.indices_nonzero(inside)


def collect(
    blocks: Callable[[], Iterator[Block]],
    decode: Decode,
    spans: Sequence[Span],
    span_of_file: Callable[[str], int],
    workers: int = CORES,
    keep_records: bool = False,
) -> list[Summary]:
    """Write the rows of each span; what became of the records.

    ``blocks`` starts reading from the beginning, and is called again if the shape that a span's first requests had
    turns out not to be that of most. A record that does not tell its time is counted where ``span_of_file`` says (-1:
    nowhere, since the file is another span's own). With ``keep_records`` the captured lines are kept beside the rows,
    as ground truth will be merged with both.
    """

    def work(block: Block) -> tuple[list[Portion], list[Rejected]]:
        return share_out(parse(block), decode, spans, keep_records)

    shapes: list[Shape | None] = [None] * len(spans)
    while True:
        with contextlib.ExitStack() as stack:
            drafts = [
                stack.enter_context(Draft(Summary(span.origin), shape))
                for span, shape in zip(spans, shapes, strict=True)
            ]
            for portions, timeless in ahead(work, blocks(), workers):
                for portion in portions:
                    drafts[portion.span].add(portion)
                while sum(draft.waiting_bytes for draft in drafts) > WAITING_BYTES:
                    max(drafts, key=lambda draft: draft.waiting_bytes).flush()
                for one in timeless:
                    if (i := span_of_file(one.file)) >= 0:
                        drafts[i].summary.records += 1
                        drafts[i].summary.reject(one)
            usual = [draft.usual_shape for draft in drafts]
            if all(shape in (None, draft.shape) for shape, draft in zip(usual, drafts, strict=True)):
                return [draft.publish(span.address) for draft, span in zip(drafts, spans, strict=True)]
        shapes = usual


def share_out(
    records: Records, decode: Decode, spans: Sequence[Span], keep_records: bool
) -> tuple[list[Portion], list[Rejected]]:
    """A block's requests by span, decoded, and the records that don't tell their time."""
    portions = []
    for i, span in enumerate(spans):
        indices = span.indices(records.times)
        part = records if indices is None else records.take(indices)
        late = [one for one in records.rejected if one.time and (span.window is None or one.time in span.window)]
        if len(part) or late:
            rows, rejected = decode(part)
            identified = [(r, *with_identity(r, part, keep_records)) for r in rows]
            portions.append(Portion(i, len(part) + len(late), part, identified, late + rejected))
    return portions, [one for one in records.rejected if one.time is None]


def with_identity(rows: Rows, records: Records, keep_records: bool) -> tuple[pa.Table, np.ndarray]:
    """Rows with the request that each came from, and a hash of the event id of each request."""
    requests = pa.array(rows.requests)
    order = pa.array(np.repeat(rows.requests, rows.counts))
    ids = records.metadata("eventId")
    columns = {EVENT_ID: ids, INFERENCE_ID: records.metadata("inferenceId"), EVENT_TIME: records.times}
    identity = {name: values.take(order) for name, values in columns.items()}
    if keep_records:
        first = np.zeros(len(order), bool)
        first[(np.cumsum(rows.counts) - rows.counts)[rows.counts > 0]] = True
        place = np.where(first, np.repeat(np.arange(len(requests)), rows.counts), -1)
        identity[RECORD] = records.texts(rows.requests).take(pa.array(place, mask=~first))
    judged = dict(zip(rows.columns.column_names, rows.columns.columns, strict=True))
    return pa.table(judged | identity), hash_values(ids.take(requests))
