"""Join a window's rows with the labels that have arrived, hour by hour.

A window's labels are *pending* below the minimum coverage, *provisional* until each request has one or the time for
labels is over, then *final*.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow.compute as pc

from model_monitor import store
from model_monitor.config.execution import Execution
from model_monitor.config.monitors import label_of
from model_monitor.config.sections import GroundTruth
from model_monitor.core.batch import EVENT_ID, EVENT_TIME, LABELLED
from model_monitor.core.hashing import among
from model_monitor.core.window import HOUR, Window, floor_hour, iso, moment
from model_monitor.errors import printable
from model_monitor.jobs.collect_window import check_share, current_rows, identities, script_origin
from model_monitor.jobs.engines import engine_of
from model_monitor.jobs.late_labels import identity, joined, reported
from model_monitor.jobs.logged import say_merged
from model_monitor.results.execution import they_name
from model_monitor.results.handover import FINAL, PENDING, PROVISIONAL, Evidence, Labels, Merged, SetAside
from model_monitor.rows.blocks import in_groups
from model_monitor.rows.labels import reading as label_records
from model_monitor.rows.labels import scripted
from model_monitor.rows.labels.arrived import Arrived
from model_monitor.rows.labels.files import FORM, LabelFile, Part, Wanted
from model_monitor.rows.labels.merge import NO_LABELS, Joining, keys_of, merge
from model_monitor.rows.labels.mismatch import mismatch
from model_monitor.rows.scripts import Preprocessor
from model_monitor.rows.summary import KEPT_REJECTED, Summary, opened, usable
from model_monitor.rows.times import within

log = logging.getLogger(__name__)

LAYOUT = 3  # of merged rows and their footer; a file of another one is made again


def merge_ground_truth(execution: Execution, labels_until: datetime | None = None) -> str:
    """Join a window's rows with its labels, each hour again if either changed; the address of what was merged.

    Only labels collected before ``labels_until`` count. Raises DataError if more than the schedule's share of label
    records can't be read or don't fit.
    """
    collected = current_rows(execution)
    with reported(execution):
        arrived = execution.arrived_labels(labels_until)
        summaries = merge_hours(execution, collected.partitions, arrived)
        merged = merged_of(execution, summaries, arrived)
    merged = msgspec.structs.replace(
        merged,
        partitions=identities(summaries),
        sources=list(collected.partitions),
        until=labels_until and iso(labels_until),
    )
    say_merged(execution.window, merged, execution.observation.merged)
    return merged.write(execution.observation.merged)


@dataclass(frozen=True)
class Hour:
    """An hour, its rows, where they are merged to, and all that the merged rows depend on."""

    span: Window
    source: str
    target: str
    origin: dict[str, Any]


def merge_hours(execution: Execution, rows: Mapping[str, str], arrived: Arrived) -> dict[str, Summary]:
    """The files of merged rows, made again where ``rows``, with their fingerprints, or labels changed."""
    again = store.exists(execution.observation.merged)
    summaries: dict[str, Summary] = {}
    stale: list[Hour] = []
    for span in execution.hours():
        if fingerprint := rows.get(execution.rows(span.start)):
            hour = hour_of(execution, span, fingerprint, arrived)
            summary = usable(hour.target, again)
            if summary and summary.origin == hour.origin:
                summaries[hour.target] = summary
            else:
                stale.append(hour)
    if stale:
        summaries |= merged_hours(execution, stale, arrived)
    return dict(sorted(summaries.items()))


def hour_of(execution: Execution, span: Window, fingerprint: str, arrived: Arrived) -> Hour:
    truth = execution.ground_truth
    label_files = arrived.for_hour(span, truth.final_after)
    origin: dict[str, Any] = {
        "layout": LAYOUT,
        "rows": fingerprint,
        "files": [list(identity(file)) for file in label_files],
        "joining": [joining_of(execution).column, truth.duplicates],
        "records": execution.merged_records(span.start),
    }
    if truth.table:
        origin["table"] = truth.table.origin
        origin["span"] = [iso(moment) for moment in execution.label_span(span)]
        origin["until"] = until_of(execution, arrived, span)
    if execution.schedule.scripts_merged:
        names = execution.names
        origin["script"] = script_origin(execution.schedule.preprocess)
        origin["columns"] = [list(names.outputs), list(names.inputs), names.outputs_last, names.types.described]
    return Hour(span, execution.rows(span.start), execution.merged_rows(span.start), origin)


def until_of(execution: Execution, arrived: Arrived, span: Window) -> str | None:
    """Up to when rows of a table count for an hour, as far as that changes anything; None for all there are."""
    table = execution.ground_truth.table
    if arrived.until is None or table is None or table.columns.event_time is None:
        return None
    return iso(min(floor_hour(arrived.until), execution.label_span(span)[1]))


def joining_of(execution: Execution) -> Joining:
    """What the label is called, as the schedule's monitor knows it, and which of several counts."""
    return Joining(label_of(execution.schedule.options), execution.ground_truth.duplicates)


def merged_hours(execution: Execution, hours: list[Hour], arrived: Arrived) -> dict[str, Summary]:
    """Read the labels of some hours once, and merge the rows of each hour with them."""
    own_keys = {hour.source: keys_of(hour.source) for hour in hours}
    addresses = {address for hour in hours for address, _, _ in hour.origin["files"]}
    label_files = [file for file in arrived.files if file.file.address in addresses]
    truth, engine = execution.ground_truth, engine_of(execution)
    labels, reading = label_records.read(label_files, parts_of(execution, label_files, own_keys, arrived.until))
    labels, joining, script = labels.sorted_by_key(), joining_of(execution), script_of(execution)
    summaries = {}
    for hour in hours:
        own = labels.of_files({address for address, _, _ in hour.origin["files"]})
        own = own.between(*execution.label_span(hour.span)) if truth.table else own
        summary = reading.summary(hour.origin)
        named = own.take(np.flatnonzero(among(own.keys, own_keys[hour.source])))
        digest = int(named.digests().sum(dtype=np.uint64)) if truth.table else 0
        summary.labels |= {"named": len(named), "digest": digest}
        summary.labels |= {"latest": str(reading.latest)} if reading.latest is not None else {}
        merging = hour.source, own, joining, hour.target, hour.origin["records"], summary
        summaries[hour.target] = scripted.merge(*merging, script) if script else merge(*merging, engine)
    return summaries


def parts_of(
    execution: Execution, files: Sequence[LabelFile], own_keys: Mapping[str, np.ndarray], until: datetime | None
) -> Iterator[Part]:
    """The labels in some files that name a request of hours, by the addresses of their rows; read once."""
    engine, table = engine_of(execution), execution.ground_truth.table

    def read(numbered: Sequence[tuple[int, LabelFile]], wanted: Wanted) -> Iterator[Part]:
        parts = label_records.parts_of([file for _, file in numbered], wanted, table, until)
        return (part.beginning_at(numbered[0][0]) for part in parts)

    numbered = list(enumerate(files))
    is_apart = engine.is_remote and not (table and table.format in (None, "jsonl"))  # JSON's members are known by all
    groups = in_groups(numbered, lambda pair: pair[1].file.size) if is_apart else [numbered] * bool(files)
    keys = keys_of if engine.is_remote else own_keys.__getitem__
    return engine.matching(read, groups, keys, list(own_keys), FORM)


def script_of(execution: Execution) -> scripted.Scripted | None:
    """The script that gets merged records, if there is one. Raises ConfigError."""
    script = execution.schedule.preprocess
    if script is None:
        return None
    handler = Preprocessor.at(script.script, script.sort_columns)
    return scripted.Scripted(handler, execution.names, script.on_error == "drop")


def merged_of(execution: Execution, summaries: Mapping[str, Summary], arrived: Arrived) -> Merged:
    """What became of a window's labels, over all its hours. Raises DataError."""
    truth = execution.ground_truth
    total: dict[str, Any] = totals(execution, summaries)
    requests, matched = total["requests"], total["matched"]
    first_labels = (pair for summary in summaries.values() for pair in summary.labels["hours"].items())
    files = {address: counts for summary in summaries.values() for address, counts in summary.labels["files"].items()}
    is_over = arrived.is_over or has_later_labels(execution, summaries)
    read = sum(n - rejected for n, rejected in files.values())
    labels = Labels(
        **total,
        unmatched=requests - matched,
        late=sum(count for hour, count in first_labels if hour and moment(hour) >= execution.tick),
        rejected=sum(rejected for _, rejected in files.values()),
        coverage=matched / requests if requests else None,
        state=label_state(matched, requests, truth, is_over),
        over=is_over,
        as_of=arrived.as_of or last_hour(summaries),
        minimum_coverage=truth.minimum_coverage,
        final_after=truth.model_dump(mode="json")["final_after"],
        source=truth.uri or "",
        files=len(arrived.files),
        table=truth.table is not None,
        unjoined=max(0, read - sum(summary.labels["named"] for summary in summaries.values())),
    )
    labels = explained(execution, labels, summaries, arrived)
    unique = {
        (record["file"], record["line"], record["reason"]): record
        for summary in summaries.values()
        for record in summary.kept
    }
    examples = msgspec.convert(list(unique.values())[:KEPT_REJECTED], list[SetAside])
    check_labels(labels, examples, sum(records for records, _ in files.values()), execution.schedule.max_rejected)
    reasons = Counter(record["reason"] for record in unique.values())
    rows_tell = truth.table is not None and truth.table.rows_tell
    return Merged(
        labels=labels,
        label_files=list(map(identity, arrived.files)),
        digest=joined(summary.labels["digest"] for summary in summaries.values()) if rows_tell else "",
        reasons=dict(sorted(reasons.items())),
        kept=examples,
    )


def explained(execution: Execution, labels: Labels, summaries: Mapping[str, Summary], arrived: Arrived) -> Labels:
    """The same with why labels name none of the requests that have none, as far as their ids tell."""
    joins = bool(labels.matched or labels.mismatched or labels.dropped)
    if not (labels.unmatched and labels.unjoined):
        return labels
    found = mismatch(summaries, arrived.files, execution.ground_truth.table, joins)
    if found is None:
        return labels
    shown = execution.private != ("*",)
    words = found.in_words(shown) if joins else found.of_none(shown)
    count = they_name(found.count) if joins else f"{labels.unjoined} labels were read, and none names a request:"
    log.warning("%s", printable(f"{execution.window}: {count} {words}"))
    return msgspec.structs.replace(labels, misnamed=found.count if found.kind else 0, mismatch=words)


def last_hour(summaries: Mapping[str, Summary]) -> str | None:
    """The end of the last hour in which a label of the window became known; None if nothing tells."""
    hours = [hour for summary in summaries.values() for hour in summary.labels["hours"] if hour]
    return iso(moment(max(hours)) + HOUR) if hours else None


def has_later_labels(execution: Execution, summaries: Mapping[str, Summary]) -> bool:
    """Whether a row of a table tells that labels are being collected that come too late for the window."""
    latest = [moment(at) for summary in summaries.values() if (at := summary.labels.get("latest"))]
    return any(at >= execution.label_span(execution.window)[1] for at in latest)


def totals(execution: Execution, summaries: Mapping[str, Summary]) -> dict[str, int]:
    """The counts of all hours together; of an hour that the window cuts, only the window's requests count."""
    total = {name: sum(summary.labels[name] for summary in summaries.values()) for name in NO_LABELS}
    window = execution.window
    for hour in execution.hours():
        target = execution.merged_rows(hour.start)
        if target in summaries and (hour.start < window.start or hour.end > window.end):
            for name, count in zip(("requests", "matched"), coverage_in(target, window), strict=True):
                total[name] += count - summaries[target].labels[name]
    return total


def coverage_in(address: str, window: Window) -> tuple[int, int]:
    """How many requests of a file of merged rows are in a window, and how many of them have a label."""
    with opened(address) as file:
        rows = file.read([EVENT_ID, EVENT_TIME, LABELLED])
    inside = within(rows.column(EVENT_TIME), window)
    rows = rows if inside is None else rows.filter(inside)
    ids = rows.column(EVENT_ID)
    return pc.count_distinct(ids).as_py(), pc.count_distinct(ids.filter(rows.column(LABELLED))).as_py()


def label_state(matched: int, requests: int, truth: GroundTruth, is_over: bool) -> str:
    if not requests or matched < truth.minimum_coverage * requests or not matched:
        return PENDING
    return FINAL if is_over or matched == requests else PROVISIONAL


def check_labels(labels: Labels, examples: list[SetAside], records: int, share: float) -> None:
    """Raise DataError, with the first example, if more than a share of label records can't be read or don't fit."""
    evidence = Evidence(merged=Merged(labels=labels, kept=examples))
    check_share(labels.rejected, records, share, "label records can't be read", evidence)
    fitting = labels.records + labels.mismatched
    problem = "merged records can't be used by the preprocessing script"
    check_share(labels.dropped, labels.records, share, problem, evidence)
    check_share(labels.mismatched, fitting, share, "label records don't fit their request", evidence)
