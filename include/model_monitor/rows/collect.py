"""Which rows belong to a span of event time? Captured requests become one Parquet file per span, whole or not at all.

A request belongs where its event time says, whatever folder or file it is in; one event id counts once. The file's
footer says what it was made from and what was set aside, so that a file is a complete answer, and shows when it is out
of date.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from model_monitor import store
from model_monitor.core.batch import BATCH_ROWS, EVENT_ID, EVENT_TIME, INFERENCE_ID, RECORD
from model_monitor.core.hashing import hash_values
from model_monitor.core.window import Window
from model_monitor.rows.blocks import Block
from model_monitor.rows.captures import Records, parse
from model_monitor.rows.payloads.json_rows import EMPTY, NAMED
from model_monitor.rows.payloads.payload import Decode, Rows, Shape
from model_monitor.rows.payloads.requests import Requests
from model_monitor.rows.summary import FOOTER, Rejected, Summary
from model_monitor.rows.times import TIME, within
from model_monitor.store.ahead import CORES, ahead

LAYOUT = 2  # of the file and its footer; a file of another one is made again
PROBE_ROWS = 2000
WAITING_BYTES = 32 << 20  # of rows that wait to be written, of all spans together; half of it is a full row group

METADATA = {EVENT_ID: pa.string(), INFERENCE_ID: pa.string(), EVENT_TIME: TIME}


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


@dataclass(frozen=True)
class Portion:
    """The requests of a block that belong to one span, decoded."""

    span: int
    count: int  # how many requests, readable or not
    records: Records
    rows: list[tuple[Rows, pa.Table, np.ndarray]]  # with what no monitor judges, and with a hash of each event id
    rejected: list[Rejected]


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


class Draft:
    """The rows of one span while they are being collected, in temporary files."""

    def __init__(self, summary: Summary, shape: Shape | None) -> None:
        self.summary, self.shape = summary, shape
        self.shapes: Counter[Shape] = Counter()
        self.requests = Requests()
        self.pieces: list[Path] = []
        self.coded: list[str] = []  # columns whose values repeat, stored as codes into a dictionary
        self.waiting: list[pa.Table] = []
        self.writer: pq.ParquetWriter | None = None
        self.folder = tempfile.TemporaryDirectory(prefix="model-monitor-")

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()
        self.folder.cleanup()

    def close(self) -> None:
        if self.writer:
            self.writer.close()

    @property
    def usual_shape(self) -> Shape | None:
        """The shape that most requests have; None if there are none."""
        return max(sorted(self.shapes), key=lambda shape: self.shapes[shape]) if self.shapes else None

    def add(self, portion: Portion) -> None:
        """Keep rows of the usual shape, set the others aside."""
        self.summary.records += portion.count
        for one in portion.rejected:
            self.summary.reject(one)
        for rows, _, _ in portion.rows:
            if EMPTY not in rows.shape:  # what has no rows fits beside any
                self.shapes[rows.shape] += len(rows.requests)
        self.shape = self.shape or self.usual_shape
        for rows, table, hashes in portion.rows:
            if rows.shape == self.shape or EMPTY in rows.shape:
                self.requests.add(hashes, rows.counts, portion.records.percentages[rows.requests])
                self.write(table)
            else:
                for i in rows.requests.tolist():
                    self.summary.reject(portion.records.reject(i, odd_shape(rows.shape, self.shape)))

    def write(self, table: pa.Table) -> None:
        """Append to what waits to be written; a full row group is written."""
        self.waiting.append(table)
        if self.waiting_bytes >= WAITING_BYTES // 2 or sum(some.num_rows for some in self.waiting) >= BATCH_ROWS // 2:
            self.flush()

    @property
    def waiting_bytes(self) -> int:
        return sum(some.nbytes for some in self.waiting)

    def flush(self) -> None:
        """Write what waits to the newest piece; a column not seen before starts a new one."""
        if not self.waiting:
            return
        table = pa.concat_tables(self.waiting, promote_options="default").combine_chunks()
        self.waiting = []
        known = self.writer.schema.names if self.writer else []
        if self.writer is None or not set(table.column_names) <= set(known):
            self.close()
            self.pieces.append(Path(self.folder.name) / f"{len(self.pieces)}.parquet")
            self.coded += [name for name in table.column_names if name not in known and repeats(table.column(name))]
            schema = schema_of(dict.fromkeys([*known, *table.column_names]))
            self.writer = writer_of(self.pieces[-1], schema, self.coded)
        self.writer.write_table(conformed(table, self.writer.schema))

    def publish(self, address: str) -> Summary:
        """Store the file, without requests that were there before."""
        self.flush()
        repeated, counts = self.requests.repeated(), self.requests.rows()
        self.summary.duplicates = int(repeated.sum())
        self.summary.captured = self.requests.captured(~repeated)
        self.summary.rows = int(counts[~repeated].sum())
        footer = {FOOTER: json.dumps(vars(self.summary)).encode()}
        if self.writer is not None and len(self.pieces) == 1 and not self.summary.duplicates:
            self.writer.add_key_value_metadata(footer)
            self.close()
        else:
            self.rewrite(np.repeat(~repeated, counts), footer)
        with store.writing(address) as path:
            shutil.move(self.pieces[-1], path)
        return self.summary

    def rewrite(self, keep: np.ndarray, footer: dict[bytes, bytes]) -> None:
        """All pieces as one, with the rows to keep."""
        schema = self.writer.schema if self.writer else schema_of(METADATA)
        self.close()
        whole = Path(self.folder.name) / "whole.parquet"
        with writer_of(whole, schema, self.coded) as writer:
            for table in kept_rows(self.pieces, keep):
                writer.write_table(conformed(table, schema))
            writer.add_key_value_metadata(footer)
        self.pieces.append(whole)


def writer_of(path: Path, schema: pa.Schema, coded: list[str]) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, use_dictionary=coded or False, compression="zstd", compression_level=1)


def repeats(values: pa.ChunkedArray) -> bool:
    """Whether the first values are different in less than half."""
    probe = values.slice(0, PROBE_ROWS)
    return 2 * len(probe.unique()) < len(probe)


def schema_of(names: Iterable[str]) -> pa.Schema:
    return pa.schema([(name, METADATA.get(name, pa.string())) for name in names])


def conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the columns of a schema; one that it lacks is missing throughout."""
    have = dict(zip(table.column_names, table.columns, strict=True))
    columns = [have[f.name] if f.name in have else pa.nulls(table.num_rows, f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def kept_rows(pieces: Sequence[Path], keep: np.ndarray) -> Iterator[pa.Table]:
    """The rows of some files, a row group at a time, without those that are not to be kept."""
    done = 0
    for piece in pieces:
        with pq.ParquetFile(piece) as file:
            for i in range(file.num_row_groups):
                table = file.read_row_group(i)
                chosen = keep[done : done + table.num_rows]
                done += table.num_rows
                yield table if chosen.all() else table.filter(pa.array(chosen))


def odd_shape(shape: Shape, usual: Shape | None) -> str:
    """Why a request's number of values keeps it out."""
    return f"{shown(shape)} where most records have {shown(usual or (0, 0))}"


def shown(shape: Shape) -> str:
    words = ["named values" if width == NAMED else f"{width} values" for width in shape]
    return f"{words[0]} in the output and {words[1]} in the input"
