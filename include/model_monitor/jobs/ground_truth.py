"""Which labels does a window have, and how far have they come?

A window's labels are *pending* below the minimum coverage, *provisional* until all requests have one or the time for
labels is over, then *final*. No clock is asked: time for labels is over when labels were collected after it, or when
whoever runs the window says until when labels count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from model_monitor import store
from model_monitor.config import Endpoint, Schedule, layout
from model_monitor.config.monitors import label_of
from model_monitor.config.sections import GroundTruth
from model_monitor.core.batch import EVENT_ID, EVENT_TIME, LABELLED
from model_monitor.core.window import DAY, HOUR, Window, floor_hour, iso, moment
from model_monitor.errors import DataError
from model_monitor.results.documents import Document
from model_monitor.rows import blocks
from model_monitor.rows.labels import files as labels
from model_monitor.rows.labels.files import LabelFile
from model_monitor.rows.labels.merge import NO_LABELS, Joining, keys_of, merge, merged_name
from model_monitor.rows.summary import KEPT_REJECTED, Summary, summary_of, undamaged
from model_monitor.rows.times import within
from model_monitor.store.ahead import AT_ONCE, ahead
from model_monitor.verdicts.report import PENDING

LAYOUT = 2  # of merged rows and their footer; a file of another one is made again
MARGIN = HOUR  # labels of a request may be in a folder so long before it, as clocks differ

PROVISIONAL, FINAL = "provisional", "final"


@dataclass(frozen=True)
class Arrived:
    """The files of labels that came in time for a window, and whether that time is over."""

    files: list[LabelFile]
    over: bool
    as_of: str | None

    def for_hour(self, hour: Window, final_after: timedelta) -> list[LabelFile]:
        """The files that may hold labels of an hour's requests: the same for every window that the hour is in."""
        first, deadline = hour.start - MARGIN, hour.end + final_after
        return [f for f in self.files if f.hour and f.since and first <= f.hour and f.since < deadline]


def truth_of(schedule: Schedule) -> tuple[GroundTruth, str]:
    """A schedule's ground truth and where it is. Raises DataError for a schedule without."""
    if schedule.ground_truth is None or schedule.ground_truth.uri is None:
        raise DataError(f"schedule '{schedule.name}' has no ground_truth; set its uri")
    return schedule.ground_truth, schedule.ground_truth.uri


def arrived(schedule: Schedule, window: Window, until: datetime | None) -> Arrived:
    """The label files of a window, by collection hour and address; only those collected before ``until``, if given."""
    truth, uri = truth_of(schedule)
    until = until and (until.replace(tzinfo=UTC) if until.tzinfo is None else until)
    first, deadline = floor_hour(window.start) - MARGIN, window.end + truth.final_after
    # A day more, to see whether labels are being collected that come too late for this window.
    days = [first + i * DAY for i in range((deadline.date() - first.date()).days + 2)]
    listed = ahead(lambda day: store.list_files(store.join(uri, f"{day:%Y/%m/%d}"), blocks.SUFFIXES), days, AT_ONCE)
    every = [LabelFile.of(file) for some in listed for file in some]
    known = sorted(
        (f for f in every if f.hour and first <= f.hour and (until is None or f.hour + HOUR <= until)),
        key=lambda f: (f.hour, f.file),
    )
    files = [f for f in known if f.since and f.since < deadline]
    over = len(files) < len(known) or (until is not None and until >= deadline)
    return Arrived(files, over, iso(floor_hour(min(until, deadline))) if until else labels.as_of(files))


def up_to_date(
    endpoint: Endpoint, schedule: Schedule, window: Window, rows: dict[str, str], come: Arrived
) -> dict[str, Summary]:
    """The files of merged rows of a window's hours, by address, made anew where needed.

    ``rows`` are the addresses of the collected rows, each with its fingerprint.
    """
    made: dict[str, Summary] = {}
    stale: list[tuple[Window, str, dict[str, Any]]] = []
    for hour in window.hours():
        source = layout.rows(endpoint, schedule, hour.start)
        if source in rows:
            target = layout.merged(endpoint, schedule, hour.start)
            origin = origin_of(endpoint, schedule, hour, rows[source], come)
            summary = summary_of(target)
            if summary and summary.origin == origin:
                made[target] = summary
            else:
                stale.append((hour, target, origin))
    if stale:
        made |= merged_hours(endpoint, schedule, stale, come)
    return dict(sorted(made.items()))


def origin_of(endpoint: Endpoint, schedule: Schedule, hour: Window, rows: str, come: Arrived) -> dict[str, Any]:
    """All that an hour's merged rows depend on."""
    truth, uri = truth_of(schedule)
    near = come.for_hour(hour, truth.final_after)
    return {
        "layout": LAYOUT,
        "rows": rows,
        "files": [[f.file.address, f.file.size, f.file.changed] for f in near],
        "joining": [joining_of(schedule).column, truth.duplicates],
        "records": store.join(layout.merged_records(endpoint, schedule, hour.start), merged_name(uri, iso(hour.start))),
    }


def joining_of(schedule: Schedule) -> Joining:
    """What the label is called, as the schedule's monitor knows it, and which of several counts."""
    truth, _ = truth_of(schedule)
    return Joining(label_of(schedule.options), truth.duplicates)


def merged_hours(
    endpoint: Endpoint, schedule: Schedule, stale: list[tuple[Window, str, dict[str, Any]]], come: Arrived
) -> dict[str, Summary]:
    """Read the labels of some hours once, and merge each hour's rows with them."""
    sources = {hour: layout.rows(endpoint, schedule, hour.start) for hour, _, _ in stale}
    keys = np.sort(np.concatenate(list(map(keys_of, sources.values()))))
    wanted = {address for _, _, origin in stale for address, _, _ in origin["files"]}
    came, reading = labels.read([f for f in come.files if f.file.address in wanted], lambda some: among(some, keys))
    came, joining = came.sorted_by_key(), joining_of(schedule)
    made = {}
    for hour, target, origin in stale:
        mine = came.of_files({address for address, _, _ in origin["files"]})
        summary = reading.summary(origin)
        made[target] = merge(sources[hour], mine, joining, target, origin["records"], summary)
    return made


def among(some: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Which of some hashes are among others, which are sorted."""
    if not len(keys):
        return np.zeros(len(some), bool)
    found: np.ndarray = keys[np.minimum(np.searchsorted(keys, some), len(keys) - 1)] == some
    return found


def found(
    truth: GroundTruth,
    tick: datetime | None,
    made: dict[str, Summary],
    come: Arrived,
    max_rejected: float,
    cut: Mapping[str, Window] = MappingProxyType({}),
) -> Document:
    """What became of a window's labels, over all its hours; those collected from ``tick`` on are late.

    ``cut`` are the addresses of hours of which the window has only a part: requests are counted in that part.

    Raises DataError if more than a share of the label records can't be read or don't fit.
    """
    files = {address: counts for summary in made.values() for address, counts in summary.labels["files"].items()}
    total = totals(made, cut)
    requests, matched = total["requests"], total["matched"]
    document = {
        "requests": requests,
        "matched": matched,
        "unmatched": requests - matched,
        "records": total["records"],
        "duplicates": total["duplicates"],
        "late": late_in(made, tick) if tick else 0,
        "mismatched": total["mismatched"],
        "rejected": sum(rejected for _, rejected in files.values()),
        "coverage": matched / requests if requests else None,
        "state": state_of(matched, requests, truth, come),
        "over": come.over,
        "as_of": come.as_of,
        "minimum_coverage": truth.minimum_coverage,
        "final_after": TypeAdapter(timedelta).dump_python(truth.final_after, mode="json"),
        "source": truth.uri,
        "files": len(come.files),
    }
    kept = {(one["file"], one["line"], one["reason"]): one for summary in made.values() for one in summary.kept}
    examples = list(kept.values())[:KEPT_REJECTED]
    check_labels(document, sum(records for records, _ in files.values()), max_rejected, examples)
    reasons = Counter(one["reason"] for one in kept.values())
    return {
        "labels": document,
        "label_reasons": dict(sorted(reasons.items())),
        "kept_labels": examples,
        "label_files": list(map(told, come.files)),
    }


def totals(made: Mapping[str, Summary], cut: Mapping[str, Window]) -> dict[str, int]:
    """What the hours found of labels, together; of hours that are cut, only the requests of the window."""
    total = {name: sum(summary.labels[name] for summary in made.values()) for name in NO_LABELS}
    for address in cut.keys() & made.keys():
        inside = coverage_in(address, cut[address])
        for name, n in zip(("requests", "matched"), inside, strict=True):
            total[name] += n - made[address].labels[name]
    return total


def late_in(made: Mapping[str, Summary], tick: datetime) -> int:
    """How many requests had their first label only from a tick on."""
    hours = (pair for summary in made.values() for pair in summary.labels["hours"].items())
    return sum(n for hour, n in hours if hour and moment(hour) >= tick)


def coverage_in(address: str, window: Window) -> tuple[int, int]:
    """How many requests of a file of merged rows are in a window, and how many of them have a label."""
    with undamaged(address), store.open_file(address) as stream:
        rows = pq.read_table(stream, columns=[EVENT_ID, EVENT_TIME, LABELLED])
    inside = within(rows.column(EVENT_TIME), window)
    rows = rows if inside is None else rows.filter(inside)
    ids = rows.column(EVENT_ID)
    return pc.count_distinct(ids).as_py(), pc.count_distinct(ids.filter(rows.column(LABELLED))).as_py()


def cut_hours(endpoint: Endpoint, schedule: Schedule, window: Window) -> dict[str, Window]:
    """The files of merged rows of hours that a window has only a part of."""
    edges = [hour for hour in window.hours() if hour.start < window.start or hour.end > window.end]
    return {layout.merged(endpoint, schedule, hour.start): window for hour in edges}


def told(label: LabelFile) -> list[Any]:
    """What tells a file from another at its address."""
    return [label.file.address, label.file.size, label.file.changed]


def state_of(matched: int, requests: int, truth: GroundTruth, come: Arrived) -> str:
    if not requests or matched < truth.minimum_coverage * requests or not matched:
        return PENDING
    return FINAL if come.over or matched == requests else PROVISIONAL


def check_labels(document: Document, records: int, share: float, examples: list[Document]) -> None:
    """Raise DataError, with the first example, if more than a share of label records can't be read or don't fit."""
    merged = document["records"] + document["mismatched"]
    for name, of, what in [("rejected", records, "can't be read"), ("mismatched", merged, "don't fit their request")]:
        if (bad := document[name]) and bad / of > share:
            first = f"{examples[0]['file']} line {examples[0]['line']}: {examples[0]['reason']}"
            raise DataError(
                f"{bad} of {of} label records {what}, more than the share of {share:g} that max_rejected allows. "
                f"The first: {first}",
                {"labels": document, "kept": examples},
            )
