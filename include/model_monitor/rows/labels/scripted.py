"""Run a user's script on requests merged with their ground truth, as SageMaker does.

The script gets a record with ``ground_truth`` for each label of a request, and its rows take the place of the
request's. A request without a label is given to the script without ``ground_truth``; where the script can't do without,
it is one row of nothing, so that it counts as a request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from model_monitor.core.batch import EVENT_ID, EVENT_TIME, INFERENCE_ID, LABELLED, RECORD, REPEATED
from model_monitor.errors import ConfigError, DataError
from model_monitor.rows import captures, scripts
from model_monitor.rows.blocks import Block, Piece
from model_monitor.rows.captures import Records
from model_monitor.rows.drafts import Draft
from model_monitor.rows.drafts import Portion as DraftPortion
from model_monitor.rows.json_text import in_one, joined
from model_monitor.rows.labels.files import Labels
from model_monitor.rows.labels.merge import NO_LABELS, Joining, Pairs, Truths, lines_at, paired, spliced
from model_monitor.rows.payloads.breadth import COLUMNS_AT_MOST
from model_monitor.rows.payloads.json_rows import EMPTY, NAMED
from model_monitor.rows.payloads.payload import Decode, Names, Rows
from model_monitor.rows.payloads.sides import ranges
from model_monitor.rows.scripts import Preprocessor
from model_monitor.rows.summary import Rejected, Summary, opened

IDENTITY = (EVENT_ID, INFERENCE_ID, EVENT_TIME)
NOTHING = (EMPTY, EMPTY)  # the shape of a row without values, which fits any other


def unread(records: Records) -> tuple[list[Rows], list[Rejected]]:
    """A row of nothing for each request, whatever its payloads are: a script reads them later."""
    count = len(records)
    return [Rows((NAMED, NAMED), pa.table({}), np.arange(count), np.ones(count, np.int64))], []


@dataclass(frozen=True)
class Scripted:
    """A user's script, and how records are read that it returns as they are. ``drops``: whether a record on which it
    raises is set aside."""

    preprocessor: Preprocessor
    names: Names
    drops: bool

    @property
    def of_merged(self) -> Decode:
        return scripts.decoder(self.preprocessor, self.names, self.drops)

    @property
    def of_unlabelled(self) -> Decode:
        return scripts.decoder(self.preprocessor, self.names, drop_failing=True)


def merge(
    rows: str, labels: Labels, joining: Joining, target: str, records: str | None, summary: Summary, script: Scripted
) -> Summary:
    """The same as ``merge.merge``, of rows that the script makes. Raises ConfigError with the script's traceback."""
    summary.labels |= NO_LABELS
    summary.labels["hours"] = {}
    merging = Merging(Truths.of(labels, joining), joining, script, records or rows)
    with opened(rows) as source, Draft(summary, None) as draft, lines_at(records) as write_lines:
        for group in range(source.num_row_groups):
            for portion, lines in merging.portions(source.read_row_group(group), summary):
                draft.add(portion)
                write_lines(lines)
                if draft.is_crowded:
                    whose = script.preprocessor.address
                    raise ConfigError(f"{whose} returned more than {COLUMNS_AT_MOST} columns; return fewer")
        summary.labels["hours"] = dict(sorted(summary.labels["hours"].items()))
        return draft.publish(target)


@dataclass
class Merging:
    """Merges portion by portion; ``lines`` counts the merged records, which are the lines of the file ``place``."""

    truths: Truths
    joining: Joining
    script: Scripted
    place: str
    lines: int = 0
    rows: int = 0

    def portions(self, requests: pa.Table, summary: Summary) -> Iterator[tuple[DraftPortion, pa.Buffer]]:
        """The rows of requests with their labels, then of those without; each with the lines of merged records."""
        pairs, duplicates = paired(requests, self.truths)
        count(summary, pairs, duplicates, self.truths.labels)
        texts = requests.column(RECORD).combine_chunks()
        members = joined('{"groundTruthData":', self.truths.texts.take(pa.array(pairs.label)), ",")
        merged = texts.take(pa.array(pairs.firsts[pairs.request]))
        whole = joined(members, pa.compute.utf8_slice_codeunits(merged, start=1), "\n")
        decoded, rejected = self.decoded(whole, self.script.of_merged, self.lines + 1)
        self.lines += len(pairs.label)
        identified = []
        for one in decoded.rows:
            labelled, odd = self.labelled(one, requests, pairs)
            identified += labelled
            summary.labels["mismatched"] += len(odd)
            for pair, size in odd:
                summary.reject(
                    self.truths.labels.reject(int(pairs.label[pair]), self.why(int(pairs.label[pair]), size))
                )
        summary.labels["dropped"] += len(rejected)
        yield (
            DraftPortion(0, len(pairs.firsts), 0, decoded.records, identified, rejected),
            spliced(members, merged),
        )
        alone = np.setdiff1d(np.arange(len(pairs.firsts)), pairs.request)
        yield self.unlabelled(requests, pairs.firsts[alone], texts), pa.py_buffer(b"")

    def decoded(self, lines: pa.StringArray, decode: Decode, first: int) -> tuple[Decoded, list[Rejected]]:
        records = captures.parse(Block([Piece(self.place, first, in_one(lines, "").as_buffer().to_pybytes())]))
        if len(records) != len(lines):
            raise DataError(f"{self.place}: merged records can't be read; run the task that collected them again")
        rows, rejected = decode(records)
        return Decoded(records, rows), rejected

    def labelled(
        self, rows: Rows, requests: pa.Table, pairs: Pairs
    ) -> tuple[list[tuple[Rows, pa.Table, np.ndarray]], list[tuple[int, int]]]:
        """Rows of pairs with identity and label; and the pairs whose label has another number of values than rows."""
        odd: list[tuple[int, int]] = []
        label = pairs.label[rows.requests]
        if self.joining.column not in rows.columns.column_names:
            values = self.truths.values
            bad = (values.counts[label] != rows.counts) | np.isin(label, list(values.problems))
            odd = list(zip(rows.requests[bad].tolist(), rows.counts[bad].tolist(), strict=True))
            rows = kept(rows, ~bad)
            label = label[~bad]
            texts = values.texts.take(pa.array(ranges(values.starts[label], rows.counts)))
            columns = rows.columns.append_column(self.joining.column, texts) if len(texts) else rows.columns
            rows = Rows(rows.shape, columns, rows.requests, rows.counts)
        order = pairs.firsts[pairs.request[rows.requests]]
        repeated = self.truths.repeats[label] if len(label) else np.zeros(0, bool)
        return ([self.identified(rows, requests, order, True, repeated)] if len(rows.requests) else []), odd

    def why(self, label: int, rows: int) -> str:
        odd = f"{self.truths.values.counts[label]} labels for {rows} rows of the preprocessing script"
        return self.truths.values.problems.get(label, odd)

    def unlabelled(self, requests: pa.Table, firsts: np.ndarray, texts: pa.StringArray) -> DraftPortion:
        """The rows of requests without a label, and a row of nothing for each that the script can't read."""
        lines = joined(texts.take(pa.array(firsts)), "\n")
        decoded, rejected = self.decoded(lines, self.script.of_unlabelled, 1)
        silent = np.array([one.line - 1 for one in rejected], np.int64)
        nothing = Rows(NOTHING, pa.table({}), silent, np.ones(len(silent), np.int64))
        parts = [*decoded.rows, *([nothing] if len(silent) else [])]
        identified = [
            self.identified(one, requests, firsts[one.requests], False, np.zeros(len(one.requests), bool))
            for one in parts
        ]
        return DraftPortion(0, 0, 0, decoded.records, identified, [])

    def identified(
        self, rows: Rows, requests: pa.Table, order: np.ndarray, labelled: bool, repeated: np.ndarray
    ) -> tuple[Rows, pa.Table, np.ndarray]:
        """Rows with the identity of their requests, at these places; each merged record is one of its own."""
        places = pa.array(np.repeat(order, rows.counts))
        columns = dict(zip(rows.columns.column_names, rows.columns.columns, strict=True))
        columns |= {name: requests.column(name).take(places).combine_chunks() for name in IDENTITY}
        columns[LABELLED] = pa.array(np.full(len(places), labelled))
        columns[REPEATED] = pa.array(np.repeat(repeated, rows.counts))
        own = np.arange(self.rows, self.rows + len(order), dtype=np.uint64)
        self.rows += len(order)
        return rows, pa.table(columns), own


@dataclass(frozen=True)
class Decoded:
    """Records and the rows of them."""

    records: Records
    rows: list[Rows]


def count(summary: Summary, pairs: Pairs, duplicates: int, labels: Labels) -> None:
    """Add what was found of some requests' labels."""
    counts = {
        "requests": len(pairs.firsts),
        "matched": int(pairs.opens.sum()),
        "records": len(pairs.label),
        "duplicates": duplicates,
    }
    for name, number in counts.items():
        summary.labels[name] += number
    hours = Counter(labels.hours_of(pairs.label[pairs.opens]))
    summary.labels["hours"] = dict(Counter(summary.labels["hours"]) + hours)


def kept(rows: Rows, mask: np.ndarray) -> Rows:
    """The rows of the requests that a mask keeps."""
    if mask.all():
        return rows
    columns = rows.columns.filter(pa.array(np.repeat(mask, rows.counts)))
    return Rows(rows.shape, columns, rows.requests[mask], rows.counts[mask])
