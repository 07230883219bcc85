"""Why do labels name none of some requests? An id of each side, and which other id of the requests they match."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.batch import EVENT_ID, INFERENCE_ID, LABELLED
from model_monitor.rows.blocks import blocks
from model_monitor.rows.labels.files import LabelFile
from model_monitor.rows.labels.records import parse
from model_monitor.rows.labels.table import LabelTable
from model_monitor.rows.summary import opened

MOST_IDS = 100_000  # of requests that are compared, and of labels
SEAM = re.compile(r"[^0-9A-Za-z]+")  # between an id and what is put before or after it
SEAMS = 8  # of an id that are tried
ENOUGH = 0.1  # of the requests: that an id holds another may be chance

EVENT, SPELLING, PART = "event", "spelling", "part"


@dataclass(frozen=True)
class Mismatch:
    """How labels name requests that they don't join: ``count`` labels do, e.g. ``label`` the request of these ids.
    ``kind`` is None if no other id of a request matches."""

    kind: str | None
    count: int
    label: str
    event: str
    inference: str | None

    def in_words(self, shown: bool) -> str:
        """What the labels name, and what to write instead. ``shown``: whether ids may be named."""
        example = f" ({self.label} is {self.inference or self.event})" if shown else ""
        if self.kind == EVENT:
            return f"the eventId of requests that have an inferenceId{example}: write the inferenceId"
        if self.kind == SPELLING:
            return f"ids that differ in case or space only{example}: write them as they were captured"
        if self.kind == PART:
            return f"ids of which an id is part of the other{example}: write it without what is before or after it"
        return "they may be labels of other windows, or name another id"

    def of_none(self, shown: bool) -> str:
        """The same where no label names a request."""
        called = f"inferenceId {self.inference} (eventId {self.event})" if self.inference else f"eventId {self.event}"
        names = f"they name e.g. {self.label}, and a request has {called}; " if shown else ""
        return names + ("that is " if self.kind else "") + self.in_words(shown)


def mismatch(
    rows: Iterable[str], label_files: Sequence[LabelFile], table: LabelTable | None, joins: bool
) -> Mismatch | None:
    """Why labels of some files don't name the requests in files of merged rows that have no label; None if there are
    none on one side, or, where others do join (``joins``), if nothing about them tells."""
    requests = dict(islice(unlabelled(rows), MOST_IDS))
    labels = dict.fromkeys(islice(label_ids(label_files, table), MOST_IDS))
    if not labels or not requests:
        return None
    own = {inference or event: event for event, inference in requests.items()}
    for kind, others in (
        (EVENT, {event: inference for event, inference in requests.items() if inference}),
        (SPELLING, {folded(one): one for one in own}),
    ):
        spelled = {label: others.get(folded(label) if kind == SPELLING else label) for label in labels}
        matches = {label: request for label, request in spelled.items() if request and label not in own}
        if matches:
            return first_of(kind, matches, own)
    matches = holding(labels, own)
    if len(matches) >= max(1, ENOUGH * min(len(own), len(labels))):
        return first_of(PART, matches, own)
    return None if joins else first_of(None, dict.fromkeys(labels, next(iter(own))), own)


def first_of(kind: str | None, matches: Mapping[str, str], own: Mapping[str, str]) -> Mismatch:
    """The mismatch with the first of some matches; ``own`` is the event id by the id that labels should name."""
    label, request = next(iter(matches.items()))
    event = own[request]
    return Mismatch(kind, len(matches), label, event, None if request == event else request)


def folded(text: str) -> str:
    return text.strip().casefold()


def holding(labels: Iterable[str], own: Mapping[str, str]) -> dict[str, str]:
    """By label the request of which it is a part, or which is a part of it."""
    within = {part: one for one in own for part in parts_of(one)}
    matches = {}
    for label in labels:
        if label in own:
            continue
        request = within.get(label) or next((part for part in parts_of(label) if part in own), None)
        if request:
            matches[label] = request
    return matches


def parts_of(text: str) -> Iterator[str]:
    """What is before and after each seam of an id, and between the first and the last."""
    seams = list(islice(SEAM.finditer(text), SEAMS))
    for seam in seams:
        yield from filter(None, (text[seam.end() :], text[: seam.start()]))
    if len(seams) > 1:
        yield text[seams[0].end() : seams[-1].start()]


def label_ids(files: Sequence[LabelFile], table: LabelTable | None) -> Iterator[str]:
    """The ids that labels name, in the order of files."""
    if table is not None:
        from model_monitor.rows.labels.table_labels import rows_of

        for label_file in files:
            for rows in rows_of(label_file.file, table, set()):
                yield from filter(None, rows.ids.filter(rows.data.is_valid()).to_pylist())
        return
    for block in blocks(label.file for label in files):
        records, _, _ = parse(block)
        yield from filter(None, pc.struct_field(records, ["eventMetadata", "eventId"]).to_pylist())


def unlabelled(rows: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """The event id and inference id of each request without a label in files of merged rows."""
    for address in rows:
        with opened(address) as file:
            for batch in file.iter_batches(columns=[EVENT_ID, INFERENCE_ID, LABELLED]):
                alone = batch.filter(pc.invert(batch.column(LABELLED)))
                ids = (alone.column(name).cast(pa.string()).to_pylist() for name in (EVENT_ID, INFERENCE_ID))
                yield from zip(*ids, strict=True)
