"""The rows of one span while they are collected, until its usual shape and all duplicates are known."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model_monitor import store
from model_monitor.core.batch import (
    BATCH_ROWS,
    EVENT_ID,
    EVENT_TIME,
    FAILED,
    INFERENCE_ID,
    LABELLED,
    LATENCY,
    REPEATED,
    SAMPLED,
    STATUS,
)
from model_monitor.rows import sealed
from model_monitor.rows.captures import Records
from model_monitor.rows.payloads.breadth import COLUMNS_AT_MOST, RARE, rare
from model_monitor.rows.payloads.json_rows import EMPTY, NAMED
from model_monitor.rows.payloads.payload import Rows, Shape
from model_monitor.rows.summary import (
    KEPT_CHARACTERS,
    KEPT_REJECTED,
    Rejected,
    Summary,
    add_footer,
    percent,
    writer_of,
)
from model_monitor.rows.times import TIME

PROBE_ROWS = 2000
QUEUED_BYTES = 32 << 20  # of rows that wait to be written, over all spans; half of it fills a row group
KEPT_PERCENTAGES = 20  # a summary lists; of more, neighbours are grouped

METADATA = {EVENT_ID: pa.string(), INFERENCE_ID: pa.string(), EVENT_TIME: TIME}
OF_REQUEST = {LATENCY: pa.float64(), STATUS: pa.float64(), FAILED: pa.bool_(), SAMPLED: pa.float64()}
OF_LABEL = {LABELLED: pa.bool_(), REPEATED: pa.bool_()}


@dataclass(frozen=True)
class Portion:
    """The decoded requests of a block that belong to one span."""

    span: int
    count: int  # of requests, readable or not, without those that failed
    failed: int
    records: Records | Witnesses
    rows: list[tuple[Rows, pa.Table, np.ndarray]]  # with identity columns, and hashes of event ids
    rejected: list[Rejected]

    def __reduce__(self) -> tuple[Any, ...]:
        """Between machines, only what a draft needs: not the captured lines, and no columns twice."""
        if isinstance(self.records, Witnesses) or self.records.common is not None:  # any request may turn out to be odd
            return Portion, (self.span, self.count, self.failed, self.records, self.rows, self.rejected)
        records = Witnesses.of(self.records, [rows.requests for rows, _, _ in self.rows])
        rows = [(replace(rows, columns=rows.columns.schema.empty_table()), *rest) for rows, *rest in self.rows]
        return Portion, (self.span, self.count, self.failed, records, rows, self.rejected)


@dataclass(frozen=True)
class Witnesses:
    """What is kept of a block's records between machines: their percentages, and the first of each shape, as one of a
    shape that is not the usual one is set aside, and a summary shows no more of them."""

    percentages: np.ndarray
    first: dict[int, Rejected]

    @classmethod
    def of(cls, records: Records, shapes: Iterable[np.ndarray]) -> Witnesses:
        places = [i for requests in shapes for i in requests[:KEPT_REJECTED].tolist()]
        some = {i: records.reject(i, "") for i in places}
        return cls(records.percentages, {i: replace(one, text=one.text[:KEPT_CHARACTERS]) for i, one in some.items()})

    def reject(self, index: int, reason: str) -> Rejected:
        return replace(self.first[index], reason=reason) if index in self.first else Rejected("", 0, reason)


class Requests:
    """Identity and weight of each request of a span, in the order of reading."""

    def __init__(self) -> None:
        self.hashes: list[np.ndarray] = []  # of event ids
        self.counts: list[np.ndarray] = []  # of rows
        self.percentages: list[np.ndarray] = []  # of requests that were captured

    def add(self, hashes: np.ndarray, counts: np.ndarray, percentages: np.ndarray) -> None:
        self.hashes.append(hashes)
        self.counts.append(compact(counts))
        self.percentages.append(compact(percentages))

    def repeated(self) -> np.ndarray:
        """Which requests have the event id of an earlier one."""
        every = np.concatenate([np.empty(0, np.uint64), *self.hashes])
        repeated = np.ones(len(every), bool)
        repeated[np.unique(every, return_index=True)[1]] = False
        return repeated

    def captured(self, requests: np.ndarray) -> dict[str, int]:
        """How many of the chosen requests were captured at each percentage (or group of some), by rising percentage."""
        if not self.percentages:
            return {}
        every = np.concatenate(self.percentages)[requests]
        if not len(every):
            return {}
        if (every == every[0]).all():  # nearly always, and quicker than sorting
            return {percent(float(every[0])): len(every)}
        different, counts = np.unique(every, return_counts=True)
        parts = min(len(different), KEPT_PERCENTAGES)
        groups = zip(np.array_split(different, parts), np.array_split(counts, parts), strict=True)
        return {percent(harmonic_mean(group, n)): int(n.sum()) for group, n in groups}


def harmonic_mean(percentages: np.ndarray, counts: np.ndarray) -> float:
    """The percentage at which all these requests stand for as many as each does at its own."""
    return float(percentages[0] if len(percentages) == 1 else counts.sum() / (counts / percentages).sum())


def compact(values: np.ndarray) -> np.ndarray:
    """The same values; if all are equal, as nearly always, a view of one that takes no memory."""
    return np.broadcast_to(values[0], len(values)) if len(values) and (values == values[0]).all() else values


class Draft(AbstractContextManager["Draft"]):
    """The rows of one span, in temporary files."""

    def __init__(self, summary: Summary, shape: Shape | None, common: frozenset[str] | None = None) -> None:
        """``common`` are the only columns that there may be, if there is a bound."""
        self.summary, self.shape, self.common = summary, shape, common
        self.names: set[str] = set()
        self.shapes: Counter[Shape] = Counter()
        self.requests = Requests()
        self.pieces: list[Path] = []
        self.coded: list[str] = []  # columns whose values repeat, stored as codes into a dictionary
        self.queued: list[pa.Table] = []
        self.queued_bytes = 0
        self.writer: pq.ParquetWriter | None = None
        self.folder = store.WorkingFolder()

    def __exit__(self, *error: object) -> None:
        self.close()
        self.folder.cleanup()

    def close(self) -> None:
        if self.writer:
            self.writer.close()

    @property
    def usual_shape(self) -> Shape | None:
        """The most common shape; None without requests."""
        return max(sorted(self.shapes), key=lambda shape: self.shapes[shape]) if self.shapes else None

    @property
    def is_crowded(self) -> bool:
        """Whether there are more columns than there should be."""
        return self.common is None and len(self.names) > COLUMNS_AT_MOST

    def add(self, portion: Portion) -> None:
        """Add the rows of the usual shape; set the others aside."""
        self.summary.records += portion.count
        self.summary.failed += portion.failed
        for rejected in portion.rejected:
            self.summary.reject(rejected)
        for rows, _, _ in portion.rows:
            self.names.update(rows.columns.column_names)
            if EMPTY not in rows.shape:  # a request without rows fits any shape
                self.shapes[rows.shape] += len(rows.requests)
        self.shape = self.shape or self.usual_shape
        if self.is_crowded:
            return  # all is read again
        for rows, table, hashes in portion.rows:
            if rows.shape == self.shape or EMPTY in rows.shape:
                self.summary.headed += rows.headed
                if self.common is not None:
                    rows, table, hashes = self.limited(portion.records, rows, table, hashes, self.common)
                self.requests.add(hashes, rows.counts, portion.records.percentages[rows.requests])
                self.write(table)
            else:
                why = f"{shape_text(rows.shape)} where most records have {shape_text(self.shape or (0, 0))}"
                for i in rows.requests.tolist():
                    self.summary.reject(portion.records.reject(i, why))

    def limited(
        self, records: Records | Witnesses, rows: Rows, table: pa.Table, hashes: np.ndarray, common: frozenset[str]
    ) -> tuple[Rows, pa.Table, np.ndarray]:
        """The same without the requests that have a column which is not common; these are set aside."""
        odd = rare(rows.columns, rows.counts, common)
        for i in rows.requests[odd].tolist():
            self.summary.reject(records.reject(i, RARE))
        keep = pa.array(np.repeat(~odd, rows.counts))
        kept = [name for name in table.column_names if name in common or name.startswith("@")]
        return (
            replace(rows, requests=rows.requests[~odd], counts=rows.counts[~odd]),
            table.select(kept).filter(keep),
            hashes[~odd],
        )

    def write(self, table: pa.Table) -> None:
        """Queue rows; write them once they fill a row group."""
        self.queued.append(table)
        self.queued_bytes += table.nbytes
        if self.queued_bytes >= QUEUED_BYTES // 2 or sum(table.num_rows for table in self.queued) >= BATCH_ROWS // 2:
            self.flush()

    def flush(self) -> None:
        """Write the queued rows to the newest piece; a new column starts a new piece."""
        if not self.queued:
            return
        table = pa.concat_tables(self.queued, promote_options="default").combine_chunks()
        self.queued, self.queued_bytes = [], 0
        known = self.writer.schema.names if self.writer else []
        if self.writer is None or not set(table.column_names) <= set(known):
            self.close()
            self.pieces.append(Path(self.folder.name) / f"{len(self.pieces)}.parquet")
            self.coded += [name for name in table.column_names if name not in known and repeats(table.column(name))]
            schema = schema_of(dict.fromkeys([*known, *table.column_names]))
            self.writer = writer_of(self.pieces[-1], schema, self.coded)
        self.writer.write_table(conformed(table, self.writer.schema))

    def publish(self, address: str) -> Summary:
        """Store the file without repeated requests; return its summary."""
        self.flush()
        repeated, counts = self.requests.repeated(), np.concatenate([np.empty(0, np.int64), *self.requests.counts])
        self.summary.duplicates = int(repeated.sum())
        self.summary.captured = self.requests.captured(~repeated)
        self.summary.rows = int(counts[~repeated].sum())
        self.summary.shape = list(self.shape or ())
        if self.writer is not None and len(self.pieces) == 1 and not self.summary.duplicates:
            add_footer(self.writer, self.summary)
            self.close()
        else:
            self.rewrite(np.repeat(~repeated, counts))
        with store.writing(address) as path:
            shutil.move(self.pieces[-1], path)
            sealed.seal(path)
        return self.summary

    def rewrite(self, keep: np.ndarray) -> None:
        """Join all pieces into one, with only the rows to keep."""
        schema = self.writer.schema if self.writer else schema_of(METADATA)
        self.close()
        whole = Path(self.folder.name) / "whole.parquet"
        with writer_of(whole, schema, self.coded) as writer:
            for table in kept_rows(self.pieces, keep):
                writer.write_table(conformed(table, schema))
            add_footer(writer, self.summary)
        self.pieces.append(whole)


def repeats(values: pa.ChunkedArray) -> bool:
    """Whether less than half of the first values are different."""
    probe = values.slice(0, PROBE_ROWS)
    return 2 * len(probe.unique()) < len(probe)


def schema_of(names: Iterable[str]) -> pa.Schema:
    return pa.schema([(name, (METADATA | OF_REQUEST | OF_LABEL).get(name, pa.string())) for name in names])


def conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the columns of a schema; a column that it lacks is null."""
    return pa.concat_tables([schema.empty_table(), table], promote_options="default")


def kept_rows(pieces: Sequence[Path], keep: np.ndarray) -> Iterator[pa.Table]:
    """The rows to keep of some files, one row group at a time."""
    start = 0
    for piece in pieces:
        with pq.ParquetFile(piece) as file:
            for i in range(file.num_row_groups):
                table = file.read_row_group(i)
                mask = keep[start : start + table.num_rows]
                start += table.num_rows
                yield table if mask.all() else table.filter(pa.array(mask))


def shape_text(shape: Shape) -> str:
    words = ["named values" if width == NAMED else f"{width} values" for width in shape]
    return f"{words[0]} in the output and {words[1]} in the input"
