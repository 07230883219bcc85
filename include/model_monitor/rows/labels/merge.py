"""Merge captured requests with their ground truth.

A label names the inference id of its request, or the event id if the caller gave none. Rows without a label stay;
``@labelled`` marks the others, whose captured records are also written as SageMaker does (docs/sagemaker-formats.md).
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from model_monitor import store
from model_monitor.core.batch import EVENT_ID, INFERENCE_ID, LABELLED, RECORD, REPEATED
from model_monitor.core.hashing import among, hash_values
from model_monitor.errors import ConfigError, DataError
from model_monitor.rows.blocks import LINE_BYTES
from model_monitor.rows.json_text import in_one, joined
from model_monitor.rows.labels.files import Labels, Values
from model_monitor.rows.payloads.sides import ranges
from model_monitor.rows.sources.row_groups import coded_columns
from model_monitor.rows.summary import Rejected, Summary, opened, writing
from model_monitor.store.ahead import HERE, Loop

PAIRS_PER_RECORD = 10  # more pairs per request and label are a mistake

OF_BATCH = '{"captureData":{"batchTransformOutput":'
# The end of such a record, with its time and without:
TIME = (r',"inferenceTime":"[^"\\]*"\},"eventVersion":"0"\}$', '},"eventVersion":"0"}')

NO_LABELS = {"requests": 0, "matched": 0, "records": 0, "duplicates": 0, "mismatched": 0, "dropped": 0}


@dataclass(frozen=True)
class Joining:
    """How labels are merged: the name of their column, and which of several labels of one request count."""

    attribute: str | int
    duplicates: Literal["all", "last"] = "all"

    @property
    def column(self) -> str:
        return str(self.attribute)


def keys_of(address: str) -> np.ndarray:
    """The sorted hashes of the ids by which labels name the requests of a file of rows."""
    with opened(address) as file:
        return np.sort(hash_values(key_ids(file.read([EVENT_ID, INFERENCE_ID]))))


def key_ids(rows: pa.Table) -> pa.StringArray:
    """The id by which labels name each row's request."""
    own = rows.column(INFERENCE_ID)
    ids = pc.if_else(pc.fill_null(pc.equal(own, ""), True), rows.column(EVENT_ID), own)
    return ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids


def merge(
    rows: str,
    labels: Labels,
    joining: Joining,
    target: str,
    records: str | None,
    summary: Summary,
    loop: Loop = HERE,
) -> Summary:
    """Write a file of rows with their labels, and at ``records`` (if not None) the captured records that have one.
    ``labels`` are sorted by key. ``summary`` holds what was read of them; it becomes the rows' footer and is returned.
    Raises DataError if the file of rows is gone or damaged."""
    summary.labels |= NO_LABELS
    summary.labels["hours"] = {}
    with opened(rows) as source:
        schema = schema_with(source.schema_arrow, joining.column, rows)
        coded = coded_columns(source.metadata, 0) if source.num_row_groups else []
        if loop.is_remote:
            portions = apart(rows, source, labels, joining, schema, loop)
        else:
            truths = Truths.of(labels, joining)
            groups = map(source.read_row_group, range(source.num_row_groups))
            portions = loop.each(lambda group: merged(group, truths, schema), groups)
        # The rows appear last, so that where they are, the records are too.
        with (
            writing(target, schema, [*coded, joining.column], summary) as writer,
            lines_at(records) as write_lines,
        ):
            for portion in portions:
                write_lines(portion.lines)
                writer.write_table(portion.rows)
                portion.add_to(summary)
            summary.labels["hours"] = dict(sorted(summary.labels["hours"].items()))
    return summary


def apart(
    rows: str, source: pq.ParquetFile, labels: Labels, joining: Joining, schema: pa.Schema, loop: Loop
) -> Iterator[Portion]:
    """The row groups of a file, merged elsewhere: each gets the labels that name its requests."""

    def of_group(index: int) -> tuple[int, Labels]:
        keys = np.sort(hash_values(key_ids(source.read_row_group(index, [EVENT_ID, INFERENCE_ID]))))
        return index, labels.take(np.flatnonzero(among(labels.keys, keys)))

    count = len(labels)

    def work(item: tuple[int, Labels]) -> Portion:
        index, own = item
        with opened(rows) as there:
            return merged(there.read_row_group(index), Truths.of(own, joining, count), schema)

    return loop.each(work, map(of_group, range(source.num_row_groups)))


@dataclass(frozen=True)
class Truths:
    """Labels sorted by key: the values and JSON of each, and whether it repeats an earlier one of its key; ``count``:
    of all labels that were looked through."""

    labels: Labels
    values: Values
    texts: pa.StringArray
    repeats: np.ndarray
    last_only: bool
    count: int

    @classmethod
    def of(cls, labels: Labels, joining: Joining, count: int | None = None) -> Truths:
        texts, last_only = labels.as_json(), joining.duplicates == "last"
        count = len(labels) if count is None else count
        return cls(labels, labels.values(joining.attribute), texts, labels.repeats(), last_only, count)


@dataclass(frozen=True)
class Portion:
    """Merged rows, the lines of merged records, and what the summary says of them."""

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
        for rejected in self.rejected:
            summary.reject(rejected)


def merged(rows: pa.Table, truths: Truths, schema: pa.Schema) -> Portion:
    """A portion of rows with their labels."""
    labels, values = truths.labels, truths.values
    pairs, duplicates = paired(rows, truths)
    bad = (values.counts[pairs.label] != pairs.sizes[pairs.request]) | np.isin(pairs.label, list(values.problems))
    fine = Pairs(pairs.firsts, pairs.sizes, pairs.request[~bad], pairs.label[~bad])
    counts = {
        "requests": len(pairs.firsts),
        "matched": int(fine.opens.sum()),
        "records": len(fine.label),
        "duplicates": duplicates,
        "mismatched": int(bad.sum()),
    }
    lines = rows.column(RECORD).take(pa.array(fine.firsts[fine.request])).combine_chunks()
    members = joined('{"groundTruthData":', truths.texts.take(pa.array(fine.label)), ",")
    return Portion(
        with_labels(rows, fine, truths, schema),
        spliced(members, lines),
        counts,
        Counter(labels.hours_of(fine.label[fine.opens])),
        [pairs.reject(i, labels, values) for i in np.flatnonzero(bad).tolist()],
    )


def spliced(members: pa.StringArray, records: pa.StringArray) -> pa.Buffer:
    """Captured lines, each with its ground truth first; those of batch transform lose their time, as SageMaker's do."""
    if pc.any(pc.starts_with(records, OF_BATCH), min_count=0).as_py():
        records = pc.if_else(pc.starts_with(records, OF_BATCH), pc.replace_substring_regex(records, *TIME), records)
    # By bytes, as an opening brace is one; PyArrow 26 fails without an end.
    others = pc.binary_slice(records.view(pa.binary()), 1, LINE_BYTES).view(pa.string())
    return in_one(joined(members, others, "\n"), "").as_buffer()


def schema_with(rows: pa.Schema, label: str, address: str) -> pa.Schema:
    """The columns of rows, and of the label. Raises ConfigError if the rows have the label's column already."""
    if label in rows.names:
        raise ConfigError(
            f"what was captured has a column '{label}' ({address}), so the label can't be called that; rename one, or "
            "set ground_truth_attribute"
        )
    fields = [field for field in rows if field.name != RECORD]
    return pa.schema([*fields, (label, pa.string()), (LABELLED, pa.bool_()), (REPEATED, pa.bool_())])


@dataclass(frozen=True)
class Pairs:
    """The first row of each request and its number of rows; and, pair by pair, the indices of requests and labels."""

    firsts: np.ndarray
    sizes: np.ndarray
    request: np.ndarray
    label: np.ndarray

    @property
    def opens(self) -> np.ndarray:
        """Which pairs are the first of their request."""
        return np.concatenate([[True], np.diff(self.request) > 0]) if len(self.request) else np.empty(0, bool)

    def reject(self, pair: int, labels: Labels, values: Values) -> Rejected:
        """The label of a pair, set aside with the reason."""
        label, rows = int(self.label[pair]), int(self.sizes[self.request[pair]])
        odd = f"{values.counts[label]} labels for {rows} predictions"
        return labels.reject(label, values.problems.get(label, odd))


def paired(rows: pa.Table, truths: Truths) -> tuple[Pairs, int]:
    """The requests of rows with all labels that name them, or the last; and how many labels are beyond the first."""
    firsts = pc.indices_nonzero(pc.is_valid(rows.column(RECORD))).to_numpy().astype(np.int64)
    sizes = np.diff(np.append(firsts, rows.num_rows))
    keys = hash_values(key_ids(rows.select([EVENT_ID, INFERENCE_ID]).take(pa.array(firsts))))
    labels, last_only = truths.labels, truths.last_only
    low, high = (np.searchsorted(labels.keys, keys, side) for side in ("left", "right"))
    counts = np.minimum(high - low, 1) if last_only else high - low
    if counts.sum() > PAIRS_PER_RECORD * (len(firsts) + truths.count):
        worst = int(np.argmax(counts))
        raise DataError(
            f"{counts[worst]} labels name one request, '{key_ids(rows.slice(firsts[worst], 1))[0]}', and most of them "
            "name others too; give each request an inferenceId of its own, or set duplicates: last"
        )
    label = ranges(high - counts, counts)
    pairs = Pairs(firsts, sizes, np.repeat(np.arange(len(firsts)), counts), label)
    return pairs, int(np.maximum(high - low - 1, 0).sum())


def with_labels(rows: pa.Table, pairs: Pairs, truths: Truths, schema: pa.Schema) -> pa.Table:
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
    starts, repeats = np.zeros(len(label), np.int64), np.zeros(len(label), bool)
    if len(truths.labels):
        starts, repeats = np.where(label >= 0, truths.values.starts[label], 0), truths.repeats[label] & (label >= 0)
    texts = truths.values.texts.take(pa.array(ranges(starts, sizes), mask=~labelled))
    table = rows.drop_columns([RECORD])
    if not pairs.opens.all():  # else every row is there once, in its order
        table = table.take(pa.array(ranges(pairs.firsts[request], sizes)))
    return pa.Table.from_arrays(
        [*table.columns, texts, pa.array(labelled), pa.array(np.repeat(repeats, sizes))], schema=schema
    )


@contextlib.contextmanager
def lines_at(address: str | None) -> Iterator[Callable[[pa.Buffer], None]]:
    """Write the file of merged records: it appears once it is complete, and is deleted without records."""
    with contextlib.ExitStack() as stack:
        stream: IO[bytes] | None = None

        def write(lines: pa.Buffer) -> None:
            nonlocal stream
            if address is not None and lines.size:
                stream = stream or stack.enter_context(stack.enter_context(store.writing(address)).open("wb"))
                stream.write(lines)

        yield write
        if stream is None and address is not None:
            store.delete(address)
