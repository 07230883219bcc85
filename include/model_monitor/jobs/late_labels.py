"""Which past windows have to be judged again, because labels came after they were?

A window whose labels are not final leaves a note of what it was judged with. Whoever looks for late labels reads the
notes, and of the labels only the files that were not there before. All that was ever reported of a window is kept
beside its report, by how far its labels had come, so that history never changes silently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from model_monitor import config, store
from model_monitor.config import Endpoint, Schedule, layout
from model_monitor.core.window import Window, iso
from model_monitor.jobs import ground_truth
from model_monitor.jobs.retention import marks
from model_monitor.results.documents import ANALYSIS, EXECUTION, STATISTICS, VIOLATIONS, Document, decode, encode
from model_monitor.rows.labels import files as labels
from model_monitor.rows.labels.files import LabelFile
from model_monitor.rows.labels.merge import keys_of

KEPT = (STATISTICS, ANALYSIS, VIOLATIONS, EXECUTION)


def remember(
    endpoint: Endpoint, schedule: Schedule, window: Window, files: Mapping[str, bytes], evidence: Document
) -> str:
    """Keep what has just been reported of a window, and leave a note if its labels are not final; where it is kept."""
    judged, kept_files = evidence["labels"], {name: files[name] for name in KEPT if name in files}
    digest = hashlib.sha256(b"".join(kept_files.values())).hexdigest()[:8]
    kept = f"{judged['as_of'] or 'no-labels'}-{digest}".replace(":", "-")
    folder = store.join(layout.as_of(endpoint, schedule, window), kept)
    for name, content in kept_files.items():
        store.write(store.join(folder, name), content)
    if judged["state"] == ground_truth.FINAL or judged["over"] or not judged["requests"]:
        store.delete(note_of(endpoint, schedule, window))
    else:
        leave_note(endpoint, schedule, window, evidence["label_files"], evidence["rows"])
    return folder


def leave_note(
    endpoint: Endpoint,
    schedule: Schedule,
    window: Window,
    label_files: list[list[Any]],
    rows: list[str],
    failed: bool = False,
) -> None:
    span = {"start": iso(window.start), "end": iso(window.end)}
    document = {"window": span, "failed": failed, "label_files": label_files, "rows": rows}
    store.write(note_of(endpoint, schedule, window), encode(document))


def tried(endpoint: Endpoint, schedule: Schedule, window: Window) -> None:
    """Note of a window that can't be judged with the labels there are: it is not asked for again because of these."""
    if (note := read_note(note_of(endpoint, schedule, window))) is None:
        return
    come = ground_truth.arrived(schedule, window, None)
    leave_note(endpoint, schedule, window, list(map(ground_truth.told, come.files)), note["rows"], failed=True)


def note_of(endpoint: Endpoint, schedule: Schedule, window: Window) -> str:
    return store.join(layout.awaiting(endpoint, schedule), layout.run_path(schedule, window), "window.json")


def content_of(address: str) -> bytes | None:
    try:
        return store.read(address)
    except FileNotFoundError:
        return None


def grown(endpoint_file: str, schedule: str, now: datetime) -> list[Window]:
    """The windows that have to be judged again by a moment, in their order: those for whose requests labels have come
    that they were not judged with, and those whose time for labels is over; none whose captures were deleted."""
    endpoint = config.load(endpoint_file)
    s = endpoint.schedule(schedule)
    notes = [
        note for file in store.list_files(layout.awaiting(endpoint, s), (".json",)) if (note := read_note(file.address))
    ]
    until = marks.deleted_until(endpoint)
    seen: dict[str, np.ndarray] = {}
    return sorted(
        window
        for note in notes
        if not marks.needs_deleted(endpoint, window := window_in(note), until) and has_grown(window, note, s, now, seen)
    )


def read_note(address: str) -> Document | None:
    """A note; None if the window became final in this moment."""
    content = content_of(address)
    return None if content is None else decode(content, address)


def window_in(note: Document) -> Window:
    return Window.of(note["window"]["start"], note["window"]["end"])


def has_grown(window: Window, note: Document, schedule: Schedule, now: datetime, seen: dict[str, np.ndarray]) -> bool:
    """``seen`` keeps the ids of label files from window to window, by address."""
    come = ground_truth.arrived(schedule, window, now)
    if come.over and not note["failed"]:
        return True
    judged_with = {tuple(file) for file in note["label_files"]}
    there = {tuple(ground_truth.told(file)): file for file in come.files}
    if any(labels.came_before(address, now) for address, _, _ in judged_with - there.keys()):
        return True  # a file that the window was judged with was taken back, or corrected
    fresh = [file for told, file in there.items() if told not in judged_with]
    if not fresh:
        return False
    keys = np.sort(np.concatenate([np.empty(0, np.uint64), *map(keys_of, filter(store.exists, note["rows"]))]))
    return any(ground_truth.among(ids_in(file, seen), keys).any() for file in fresh)


def ids_in(file: LabelFile, seen: dict[str, np.ndarray]) -> np.ndarray:
    """The hashes of the ids that a file of labels names."""
    if file.file.address not in seen:
        found, _ = labels.read([file], lambda keys: np.ones(len(keys), bool))
        seen[file.file.address] = found.keys
    return seen[file.file.address]
