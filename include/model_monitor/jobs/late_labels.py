"""Which past windows have to be judged again, because labels arrived after they were?

A window whose labels are not final leaves a note of what it was judged with. Every report of a window is kept beside
the current one, by how far its labels had come, so that history never changes silently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np

from model_monitor import store
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.hashing import among
from model_monitor.core.window import Window, iso
from model_monitor.errors import ConfigError, DataError
from model_monitor.jobs.retention.record import deleted_until, needs_deleted
from model_monitor.results.documents.protocol import ANALYSIS, EXECUTION, STATISTICS, VIOLATIONS
from model_monitor.results.handover import Merged, Span, WaitingNote
from model_monitor.results.html import REPORT
from model_monitor.results.measured import MEASURES
from model_monitor.results.reading import read_or_none
from model_monitor.results.report import reporting_failure
from model_monitor.rows.labels import reading as label_records
from model_monitor.rows.labels.arrived import Arrived
from model_monitor.rows.labels.files import LabelFile, came_before, inside
from model_monitor.rows.labels.merge import keys_of
from model_monitor.rows.labels.table import LabelTable

KEPT = (STATISTICS, ANALYSIS, VIOLATIONS, MEASURES, EXECUTION)  # they name the version


def remember(execution: Execution, files: Mapping[str, bytes], merged: Merged) -> None:
    """Keep a window's report by how far its labels had come, and leave a note if they are not final."""
    labels = merged.labels
    assert labels is not None
    contents = {name: files[name] for name in KEPT if name in files}
    digest = hashlib.sha256(b"".join(contents.values())).hexdigest()[:8]
    version = f"{labels.as_of or 'no-labels'}-{digest}".replace(":", "-")
    folder = store.join(execution.earlier_reports, version)
    pages = {REPORT: files[REPORT]} if REPORT in files else {}
    for name, content in {**pages, **contents}.items():  # as in a report, execution.json is the last
        store.write(store.join(folder, name), content)
    if labels.is_settled:
        store.delete(execution.waiting_note)
    # A run at the same time may have put its report, of fewer labels, on top of this one. Then all label files count as
    # new, so the window is judged again. The look comes after the note is gone: a later report leaves its own note.
    is_on_top = read_or_none(store.join(execution.report, EXECUTION)) == files[EXECUTION]
    if not (labels.is_settled and is_on_top):
        window = Span(iso(execution.window.start), iso(execution.window.end))
        label_files = merged.label_files if is_on_top else []
        digest = merged.digest if is_on_top else ""
        note = WaitingNote(window=window, label_files=label_files, sources=merged.sources, digest=digest)
        note.write(execution.waiting_note)


def mark_failed(execution: Execution) -> None:
    """Note that a waiting window can't be judged with the labels there are, so that it waits for others."""
    if note := WaitingNote.find(execution.waiting_note):
        label_files = list(map(identity, execution.arrived_labels(None).files))
        msgspec.structs.replace(note, failed=True, label_files=label_files, digest="").write(execution.waiting_note)


def identity(label_file: LabelFile) -> tuple[str, int, int]:
    """What tells a label file from another one at its address."""
    return label_file.file.address, label_file.file.size, label_file.file.changed


def grown_windows(assignment: Assignment, now: datetime) -> list[Window]:
    """The windows to judge again by a moment, in their order: those for whose requests labels have arrived since, and
    those whose time for labels is over; none whose captures were deleted."""
    until = deleted_until(assignment.endpoint)
    ids: dict[str, Known] = {}
    windows = []
    for file in store.list_files(assignment.waiting_windows, (".json",)):
        if (note := WaitingNote.find(file.address)) is None:
            continue  # the window became final in this moment
        execution = assignment.on(Window.of(note.window.start, note.window.end))
        if not needs_deleted(assignment.endpoint, execution.window, until) and has_grown(execution, note, now, ids):
            windows.append(execution.window)
    return sorted(windows)


def has_grown(execution: Execution, note: WaitingNote, now: datetime, ids: dict[str, Known]) -> bool:
    """Whether a window has to be judged again. ``ids`` caches what is in label files, by address."""
    arrived = execution.arrived_labels(now)
    if arrived.is_over and not note.failed:
        return True
    current = {identity(file): file for file in arrived.files}
    if note.digest:
        return set(note.label_files) != current.keys() and digest_of(execution, note, arrived, ids) != note.digest
    removed = set(note.label_files) - current.keys()
    if any(came_before(address, now) for address, _, _ in removed):
        return True  # a file that the window was judged with was deleted or corrected
    added = [current[key] for key in current.keys() - set(note.label_files)]
    if not added:
        return False
    keys = np.sort(np.concatenate([np.empty(0, np.uint64), *map(keys_of, filter(store.exists, note.sources))]))
    table = execution.ground_truth.table
    return any(among(known_in(file, table, ids).keys, keys).any() for file in added)


@dataclass(frozen=True)
class Known:
    """All labels of a file, one by one: the hash of the id, of the whole, and its hour (NaT if unknown)."""

    keys: np.ndarray
    digests: np.ndarray
    hours: np.ndarray


def known_in(label_file: LabelFile, table: LabelTable | None, known: dict[str, Known]) -> Known:
    """What is in a label file. Raises DataError, ConfigError."""
    address = label_file.file.address
    if address not in known:
        parts = label_records.parts_of([label_file], lambda keys: np.ones(len(keys), bool), table)
        found = [(part.labels.keys, part.labels.digests(), part.labels.hours()) for part in parts]
        empty = np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, "datetime64[h]")
        known[address] = Known(*map(np.concatenate, zip(empty, *found, strict=True)))
    return known[address]


def digest_of(execution: Execution, note: WaitingNote, arrived: Arrived, known: dict[str, Known]) -> str:
    """What tells the labels in a table of a window's requests from others, as they are now."""
    truth, total = execution.ground_truth, list[int]()
    for hour in execution.hours():
        rows = execution.rows(hour.start)
        if rows in note.sources and store.exists(rows):
            keys, span = keys_of(rows), execution.label_span(hour)
            for file in arrived.for_hour(hour, truth.final_after):
                labels = known_in(file, truth.table, known)
                counting = among(labels.keys, keys) & inside(labels.hours, *span, arrived.until)
                total.append(int(labels.digests[counting].sum(dtype=np.uint64)))
    return joined(total)


def joined(digests: Iterable[int]) -> str:
    """The digest of several parts, whatever their order."""
    return f"{sum(digests) % 2**64:016x}"


@contextmanager
def reported(execution: Execution) -> Iterator[None]:
    """Leave a report of why a window could not be judged; with labels, it is only judged again when others arrive."""
    try:
        with reporting_failure(execution.report, execution.about):
            yield
    except (ConfigError, DataError):
        if execution.schedule.ground_truth:
            mark_failed(execution)
        raise
