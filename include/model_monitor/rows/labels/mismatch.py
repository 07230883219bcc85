"""Why do labels name none of a window's requests? An id of each side, and which other id of the requests they match."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.batch import EVENT_ID, INFERENCE_ID
from model_monitor.rows.blocks import blocks
from model_monitor.rows.labels.files import LabelFile
from model_monitor.rows.labels.records import parse
from model_monitor.rows.summary import opened

MOST_IDS = 100_000  # of requests that are compared
MOST_LABELS = 1000  # of labels, likewise
PARTS = 20  # of these are looked for inside of the requests' ids, and the other way round
SHORTEST = 4  # characters of an id that another one may hold by more than chance


def why_none_joins(rows: Iterable[str], label_files: Sequence[LabelFile], shown: bool) -> str:
    """What the labels of some files name, of which none names a request of some files of rows, and what to write; "" if
    there are none. ``shown``: whether ids may be named."""
    labels = list(dict.fromkeys(islice(label_ids(label_files), MOST_LABELS)))
    requests = list(islice(request_ids(rows), MOST_IDS))
    if not labels or not requests:
        return ""
    event, inference = requests[0]
    called = f"inferenceId {inference} (eventId {event})" if inference else f"eventId {event}"
    names = f"they name e.g. {labels[0]}, and a request has {called}; " if shown else ""
    return names + remedy(labels, requests, shown)


def remedy(labels: Sequence[str], requests: Sequence[tuple[str, str | None]], shown: bool) -> str:
    """What to write into labels instead, as far as the ids tell."""
    inference_of = {event: inference for event, inference in requests if inference}
    if match := next((label for label in labels if label in inference_of), None):
        own = f" ({match} is {inference_of[match]})" if shown else ""
        return f"that is the eventId of requests that have an inferenceId{own}: write the inferenceId"
    ids = {inference or event for event, inference in requests}
    plain = {one.strip().casefold() for one in ids}
    if any(label.strip().casefold() in plain for label in labels):
        return "the ids differ in case or space only: write them as they were captured"
    long = [one for one in ids if len(one) >= SHORTEST]
    if any(one in label or (len(label) >= SHORTEST and label in one) for label in labels[:PARTS] for one in long):
        return "an id is part of the other: write it without what is before or after it"
    return "they may be labels of other windows, or name another id"


def label_ids(files: Sequence[LabelFile]) -> Iterator[str]:
    """The ids that labels name, in the order of files."""
    for block in blocks(label.file for label in files):
        records, _, _ = parse(block)
        yield from filter(None, pc.struct_field(records, ["eventMetadata", "eventId"]).to_pylist())


def request_ids(rows: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """The event id and inference id of each row."""
    for address in rows:
        with opened(address) as file:
            for batch in file.iter_batches(columns=[EVENT_ID, INFERENCE_ID]):
                yield from zip(*(texts(column) for column in batch.columns), strict=True)


def texts(column: pa.Array) -> list[str]:
    return list(chain(column.cast(pa.string()).to_pylist()))
