"""Which label belongs to which request? Rows of captured requests, joined with their ground truth.

A label belongs to the request whose inference id it names, or whose event id where the caller gave none. Rows without
a label stay, told apart by ``@labelled``: what needs no truth is judged of them too. The captured records that have
one are also left behind as the original leaves them (section 6.3 of the specification).
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from model_monitor import store
from model_monitor.core.batch import EVENT_ID, INFERENCE_ID, LABELLED, RECORD, REPEATED
from model_monitor.core.hashing import hash_values
from model_monitor.errors import ConfigError, DataError
from model_monitor.rows import row_files
from model_monitor.rows.json_text import in_one, joined
from model_monitor.rows.labels.files import Labels, Values
from model_monitor.rows.sources.datasets import coded_columns
from model_monitor.rows.summary import Rejected, Summary, undamaged
from model_monitor.store.ahead import ahead

PAIRS_PER_RECORD = 10  # more pairs than so many for each request and label are no join, but a mistake

OF_BATCH = '{"captureData":{"batchTransformOutput":'  # and the end of such a record, with its time and without:
TIME = (r',"inferenceTime":"[^"\\]*"\},"eventVersion":"0"\}$', '},"eventVersion":"0"}')

NO_LABELS = {"requests": 0, "matched": 0, "records": 0, "duplicates": 0, "mismatched": 0}


@dataclass(frozen=True)
class Joining:
    """How labels are merged: what their column is called, and which of several for one request count."""

    attribute: str | int
    duplicates: Literal["all", "last"] = "all"

    @property
    def column(self) -> str:
        return str(self.attribute)


def merged_name(*of: str) -> str:
    """The name that Spark would give the file of merged records; the same for the same labels of the same hour."""
    return f"part-00000-{uuid5(NAMESPACE_URL, ' '.join(of))}.c000.jsonl"


def keys_of(address: str) -> np.ndarray:
    """The sorted hashes of the ids that the requests of a file of rows can be named by."""
    with undamaged(address), store.open_file(address) as stream:
        ids = pq.read_table(stream, columns=[EVENT_ID, INFERENCE_ID])
    return np.sort(hash_values(key_ids(ids)))


def key_ids(rows: pa.Table) -> pa.StringArray:
    """The id that a label of each row's request would name."""
    given = rows.column(INFERENCE_ID)
    ids = pc.if_else(pc.fill_null(pc.equal(given, ""), True), rows.column(EVENT_ID), given)
    return ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids


def merge(rows: str, labels: Labels, joining: Joining, target: str, records: str | None, summary: Summary) -> Summary:
    """Write a file of rows with their labels, and the captured records that have one; what became of both.

    ``labels`` come by rising key. ``records`` is the address of the file of merged records, which is absent where there
    are none; None for no such file. ``summary`` says what was read of the labels, and goes into the file's footer with
    what was found. Raises DataError if the rows' file is gone or damaged.
    """
    summary.labels |= NO_LABELS
    summary.labels["hours"] = {}
    side = Side.of(labels, joining)
    with row_files.opened(rows) as source:
        schema = schema_with(source.schema_arrow, joining.column, rows)
        coded = coded_columns(source.metadata, 0) if source.num_row_groups else []
        groups = map(source.read_row_group, range(source.num_row_groups))
        # The rows appear last, so that where they are, the records are too.
        with row_files.writing(target, schema, [*coded, joining.column], summary) as writer, Lines(records) as lines:
            for portion in ahead(lambda group: merged(group, side, schema), groups):
                lines.write(portion.lines)
                writer.write_table(portion.rows)
                portion.add_to(summary)
            summary.labels["hours"] = dict(sorted(summary.labels["hours"].items()))
    return summary


@dataclass(frozen=True)
class Side:
    """Labels by rising key: what each holds, as JSON, and which say what an earlier one of their key did."""

    labels: Labels
    values: Values
    texts: pa.StringArray
    repeats: np.ndarray
    joining: Joining

    @classmethod
    def of(cls, labels: Labels, joining: Joining) -> Side:
        return cls(labels, labels.values(joining.attribute), labels.as_json(), labels.repeats(), joining)


@dataclass(frozen=True)
class Portion:
    """Some merged rows, the lines of merged records, and what is to be told of them."""

    rows: pa.Table
    lines: pa.Buffer
    counts: Mapping[str, int]
    hours: Counter[str]
    rejected: list[Rejected]

    def add_to(self, summary: Summary) -> None:
        summary.records += self.counts["requests"]
        summary.rows += self.rows.num_rows
        for name, n in self.counts.items():
            summary.labels[name] += n
        summary.labels["hours"] = dict(Counter(summary.labels["hours"]) + self.hours)
        for one in self.rejected:
            summary.reject(one)


def merged(rows: pa.Table, side: Side, schema: pa.Schema) -> Portion:
    """Some rows with their labels."""
    labels, values = side.labels, side.values
    pairs, duplicates = paired(rows, labels, side.joining.duplicates == "last")
    bad = pairs.misfits(values)
    fine = Pairs(pairs.firsts, pairs.sizes, pairs.request[~bad], pairs.label[~bad])
    counts = {
        "requests": len(pairs.firsts),
        "matched": int(fine.opens.sum()),
        "records": len(fine.label),
        "duplicates": duplicates,
        "mismatched": int(bad.sum()),
    }
    truths = joined('{"groundTruthData":', side.texts.take(pa.array(fine.label)), ",")
    return Portion(
        with_labels(rows, fine, side, schema),
        spliced(truths, fine.records(rows)),
        counts,
        Counter(labels.hour_of(fine.label[fine.opens])),
        [pairs.reject(i, labels, values) for i in np.flatnonzero(bad).tolist()],
    )


def spliced(truths: pa.StringArray, records: pa.StringArray) -> pa.Buffer:
    """Captured lines, each with its ground truth first; those of batch transform without their time, as published."""
    if pc.any(pc.starts_with(records, OF_BATCH), min_count=0).as_py():
        records = pc.if_else(pc.starts_with(records, OF_BATCH), pc.replace_substring_regex(records, *TIME), records)
    members = pc.utf8_slice_codeunits(records, start=1)
    return in_one(joined(truths, members, "\n"), "").as_buffer()


def schema_with(rows: pa.Schema, label: str, address: str) -> pa.Schema:
    """The columns of rows, with the label's, whether there is one, and whether it says what an earlier one does.

    Raises ConfigError if the rows have the label's column already.
    """
    if label in rows.names:
        raise ConfigError(
            f"what was captured has a column '{label}' ({address}), so the label can't be called that; rename one, or "
            "set ground_truth_attribute"
        )
    kept = [field for field in rows if field.name != RECORD]
    return pa.schema([*kept, (label, pa.string()), (LABELLED, pa.bool_()), (REPEATED, pa.bool_())])


@dataclass(frozen=True)
class Pairs:
    """The requests of some rows, and the labels that belong to them.

    ``firsts`` and ``sizes`` are the index of each request's first row and how many rows it has; ``request`` and
    ``label`` are indices of both sides, pair by pair, by rising request.
    """

    firsts: np.ndarray
    sizes: np.ndarray
    request: np.ndarray
    label: np.ndarray

    @property
    def opens(self) -> np.ndarray:
        """Which pairs are the first of their request."""
        return np.concatenate([[True], np.diff(self.request) > 0]) if len(self.request) else np.empty(0, bool)

    def records(self, rows: pa.Table) -> pa.StringArray:
        """The captured line of each pair's request."""
        lines: pa.StringArray = rows.column(RECORD).take(pa.array(self.firsts[self.request])).combine_chunks()
        return lines

    def misfits(self, values: Values) -> np.ndarray:
        """Which pairs have a label without a value for each row."""
        unequal: np.ndarray = values.counts[self.label] != self.sizes[self.request]
        return unequal | np.isin(self.label, list(values.problems)) if values.problems else unequal

    def reject(self, pair: int, labels: Labels, values: Values) -> Rejected:
        """The label of a pair, set aside, and why."""
        label, rows = int(self.label[pair]), int(self.sizes[self.request[pair]])
        odd = f"{values.counts[label]} labels for {rows} predictions"
        return labels.reject(label, values.problems.get(label, odd))


def paired(rows: pa.Table, labels: Labels, last_only: bool) -> tuple[Pairs, int]:
    """The requests of some rows with all labels that name them, or with the last one; how many labels are not the
    first of their request."""
    firsts = pc.indices_nonzero(pc.is_valid(rows.column(RECORD))).to_numpy().astype(np.int64)
    sizes = np.diff(np.append(firsts, rows.num_rows))
    keys = hash_values(key_ids(rows.select([EVENT_ID, INFERENCE_ID]).take(pa.array(firsts))))
    low, high = (np.searchsorted(labels.keys, keys, side) for side in ("left", "right"))
    counts = np.minimum(high - low, 1) if last_only else high - low
    if counts.sum() > PAIRS_PER_RECORD * (len(firsts) + len(labels)):
        worst = int(np.argmax(counts))
        raise DataError(
            f"{counts[worst]} labels name one request, '{key_ids(rows.slice(firsts[worst], 1))[0]}', and most of them "
            "name others too; give each request an inferenceId of its own, or set duplicates: last"
        )
    label = ranges(high - counts, counts)
    pairs = Pairs(firsts, sizes, np.repeat(np.arange(len(firsts)), counts), label)
    return pairs, int(np.maximum(high - low - 1, 0).sum())


def ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """``counts[i]`` whole numbers from ``starts[i]`` on, for each i, one after the other."""
    indices: np.ndarray = np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
    return indices


def with_labels(rows: pa.Table, pairs: Pairs, side: Side, schema: pa.Schema) -> pa.Table:
    """The rows of each pair with its labels, and those of other requests without, in the order of requests."""
    is_alone = np.ones(len(pairs.firsts), bool)
    is_alone[pairs.request] = False
    alone = np.flatnonzero(is_alone)
    request = np.concatenate([pairs.request, alone])
    label = np.concatenate([pairs.label, np.full(len(alone), -1)])
    order = np.argsort(request, kind="stable")
    request, label = request[order], label[order]
    sizes = pairs.sizes[request]
    labelled = np.repeat(label >= 0, sizes)
    starts, again = np.zeros(len(label), np.int64), np.zeros(len(label), bool)
    if len(side.labels):
        starts, again = np.where(label >= 0, side.values.starts[label], 0), side.repeats[label] & (label >= 0)
    texts = side.values.texts.take(pa.array(ranges(starts, sizes), mask=~labelled))
    chosen = rows.drop_columns([RECORD])
    if not pairs.opens.all():  # else every row is there once, in its order
        chosen = chosen.take(pa.array(ranges(pairs.firsts[request], sizes)))
    return pa.Table.from_arrays(
        [*chosen.columns, texts, pa.array(labelled), pa.array(np.repeat(again, sizes))], schema=schema
    )


class Lines:
    """The file of merged records, while it is being written; it appears when all are, and not at all without any."""

    def __init__(self, address: str | None) -> None:
        self.address = address
        self.stack = contextlib.ExitStack()
        self.stream: IO[bytes] | None = None

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, kind: Any, *error: Any) -> None:
        if kind is None and self.stream is None and self.address:
            store.delete(self.address)
        self.stack.__exit__(kind, *error)

    def write(self, lines: pa.Buffer) -> None:
        if self.address is None or not lines.size:
            return
        if self.stream is None:
            path: Path = self.stack.enter_context(store.writing(self.address))
            self.stream = self.stack.enter_context(path.open("wb"))
        self.stream.write(lines)
