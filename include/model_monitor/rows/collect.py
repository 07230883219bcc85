"""Collect captured requests into one Parquet file per span of event time, whole or not at all.

A request belongs where its event time says, whatever file holds it, and an event id counts once. The footer says what
the file was made from and what was set aside, so that a reader can tell whether the file is up to date.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor import store
from model_monitor.core.batch import EVENT_ID, EVENT_TIME, INFERENCE_ID, RECORD
from model_monitor.core.hashing import hash_values
from model_monitor.core.window import Window
from model_monitor.rows.blocks import Block
from model_monitor.rows.captures import Records, parse
from model_monitor.rows.drafts import QUEUED_BYTES, Draft, Portion
from model_monitor.rows.payloads.breadth import Census
from model_monitor.rows.payloads.payload import Decode, Rows, Shape
from model_monitor.rows.summary import Rejected, Summary
from model_monitor.rows.times import within

R = TypeVar("R")

LAYOUT = 2  # of the file and its footer; a file of another layout is rebuilt


@dataclass(frozen=True)
class Span:
    """A span of event time (None: all time), the address of its rows, and what they are made from."""

    window: Window | None
    address: str
    origin: dict[str, Any]

    def indices(self, times: pa.TimestampArray) -> pa.Array | None:
        """The indices of the times within the span; None if they all are."""
        inside = within(times, self.window) if self.window else None
        return None if inside is None else pc.indices_nonzero(inside)


class OverBlocks(Protocol):
    """Does work on each block of some files, which it reads again each time; the results are in their order."""

    def __call__(self, work: Callable[[Block], R], /) -> Iterator[R]: ...


def collect(
    over_blocks: OverBlocks,
    decode: Decode,
    spans: Sequence[Span],
    span_of_file: Callable[[str], int],
    keep_records: bool = False,
    keep_failed: bool = False,
) -> list[Summary]:
    """Write the rows of each span, with the captured lines if ``keep_records``; return a summary of its records. Only
    with ``keep_failed`` there are rows of requests that failed, which have no answer. ``over_blocks`` is called again
    if most requests of a span turn out to have another shape than the first, or all have too many columns together. A
    record without an event time counts in the span that ``span_of_file`` gives (-1: in none, as another window reads
    it)."""
    shapes: list[Shape | None] = [None] * len(spans)
    common: list[frozenset[str] | None] = [None] * len(spans)

    def work(block: Block) -> tuple[list[Portion], list[Rejected]]:
        return share_out(parse(block), decode, spans, (keep_records, keep_failed), common)

    while True:
        with store.temporary_disk(), contextlib.ExitStack() as stack:
            drafts = [
                stack.enter_context(Draft(Summary(span.origin), shape, names))
                for span, shape, names in zip(spans, shapes, common, strict=True)
            ]
            for portions, timeless in over_blocks(work):
                fill(drafts, portions)
                for rejected in timeless:
                    if (i := span_of_file(rejected.file)) >= 0:
                        drafts[i].summary.records += 1
                        drafts[i].summary.reject(rejected)
                if any(draft.is_crowded for draft in drafts):
                    break
            usual = [draft.usual_shape for draft in drafts]
            crowded = [draft.is_crowded for draft in drafts]
            if not any(crowded) and all(
                shape in (None, draft.shape) for shape, draft in zip(usual, drafts, strict=True)
            ):
                return [draft.publish(span.address) for draft, span in zip(drafts, spans, strict=True)]
        if any(crowded):
            for i in np.flatnonzero(crowded).tolist():
                common[i] = common_columns(over_blocks(parse), decode, spans[i])
        else:
            shapes = usual


def fill(drafts: Sequence[Draft], portions: Sequence[Portion]) -> None:
    for portion in portions:
        drafts[portion.span].add(portion)
    while sum(draft.queued_bytes for draft in drafts) > QUEUED_BYTES:
        max(drafts, key=lambda draft: draft.queued_bytes).flush()


def common_columns(blocks: Iterable[Records], decode: Decode, span: Span) -> frozenset[str]:
    """The columns that the requests of a span have in common, as a sample shows."""
    census = Census()
    for records in blocks:
        indices = span.indices(records.times)
        part = (records if indices is None else records.take(indices)).answered()
        hashes = hash_values(part.metadata("eventId"))
        for i in census.wanted(hashes).tolist():
            rows, _ = decode(part.take(np.array([i])))
            census.add(int(hashes[i]), [one.columns for one in rows])
    return census.common


def share_out(
    records: Records,
    decode: Decode,
    spans: Sequence[Span],
    keep: tuple[bool, bool],
    common: Sequence[frozenset[str] | None],
) -> tuple[list[Portion], list[Rejected]]:
    """The decoded requests of a block by span, and its records without an event time. ``keep``: whether to keep lines,
    and requests that failed."""
    keep_records, keep_failed = keep
    portions = []
    for i, span in enumerate(spans):
        indices = span.indices(records.times)
        every = records if indices is None else records.take(indices)
        part = every if keep_failed else every.answered()
        known = [r for r in records.rejected if r.time and (span.window is None or r.time in span.window)]
        if len(every) or known:
            rows, rejected = decode(replace(part, common=common[i]))
            identified = [(r, *with_identity(r, part, keep_records)) for r in rows]
            count, failed = len(part) + len(known), len(every) - len(part)
            portions.append(Portion(i, count, failed, part, identified, known + rejected))
    return portions, [r for r in records.rejected if r.time is None]


def with_identity(rows: Rows, records: Records, keep_records: bool) -> tuple[pa.Table, np.ndarray]:
    """Rows with the identity of their request, and a hash of each request's event id."""
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
    payload = dict(zip(rows.columns.column_names, rows.columns.columns, strict=True))
    return pa.table(payload | identity), hash_values(ids.take(requests))
