"""Which files of rows does a window need, and are they still true to the captures they were made from?"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from model_monitor import store
from model_monitor.config import Endpoint, Schedule, layout
from model_monitor.core.window import Window, floor_hour
from model_monitor.errors import ConfigError, DataError
from model_monitor.results.documents import Document
from model_monitor.rows import scripts
from model_monitor.rows.collect import LAYOUT, Span, collect
from model_monitor.rows.payloads import attributes, payload
from model_monitor.rows.payloads.payload import Decode
from model_monitor.rows.sources.source import Listed
from model_monitor.rows.summary import KEPT_REJECTED, Summary, sampling_of, summary_of
from model_monitor.store.ahead import CORES

HOURS_AT_ONCE = 8  # so many hours are collected in one reading of the files around them


def up_to_date(endpoint: Endpoint, schedule: Schedule, window: Window) -> dict[str, Summary]:
    """The files of rows of a window's hours, by address, made anew where needed; hours without captures have none."""
    files = endpoint.source.listed(window)
    script = script_of(schedule)
    spans = [span_of(endpoint, schedule, hour, files, script) for hour in window.hours()]
    made = {span.address: summary_of(span.address) for span in spans}
    stale = [span for span in spans if is_stale(span, made[span.address])]
    for i in range(0, len(stale), HOURS_AT_ONCE):
        some = stale[i : i + HOURS_AT_ONCE]
        summaries = collect_spans(endpoint, schedule, some, files)
        made |= {span.address: summary for span, summary in zip(some, summaries, strict=True)}
    return {address: summary for address, summary in made.items() if summary and summary.origin["files"]}


def is_stale(span: Span, made: Summary | None) -> bool:
    """Whether a file of rows has to be made; an hour that never had captures needs none."""
    return span.origin != made.origin if made else bool(span.origin["files"])


def script_of(schedule: Schedule) -> list[Any] | None:
    """What a schedule's script makes of records depends on: its text and its settings. Raises ConfigError."""
    if not (script := schedule.preprocess):
        return None
    try:
        return [hashlib.sha256(store.read(script.script)).hexdigest(), script.on_error, script.sort_columns]
    except FileNotFoundError as error:
        raise ConfigError(f"there is no script at {script.script}") from error


def span_of(
    endpoint: Endpoint, schedule: Schedule, hour: Window, files: Sequence[Listed], script: list[Any] | None
) -> Span:
    """An hour's file of rows, and all that it depends on."""
    near = [one.file for one in files if one.is_near(hour)]
    origin: dict[str, Any] = {
        "layout": LAYOUT,
        "files": [[file.address, file.size, file.changed] for file in near],
        "columns": [list(endpoint.columns.outputs), list(endpoint.columns.inputs), endpoint.columns.outputs_last],
        "script": script,
    } | endpoint.source.origin
    if endpoint.keeps_records:
        origin["records"] = True
    if schedule.paths:
        origin["paths"] = schedule.paths
    return Span(hour, layout.rows(endpoint, schedule, hour.start), origin)


def collect_spans(
    endpoint: Endpoint, schedule: Schedule, spans: Sequence[Span], files: Sequence[Listed]
) -> list[Summary]:
    """Read the files around some hours once, and write the rows of each."""
    source = endpoint.source
    hours = [span.window for span in spans if span.window]
    near = [one for one in files if one.is_read and any(map(one.is_near, hours))]
    whole = Window(min(hours).start, max(hours).end)
    by_address = {one.file.address: one for one in near}

    @cache
    def own(address: str) -> int:
        """The span that counts a file's records without a time; -1 if that is the span of another hour."""
        home = source.hour_of(by_address[address])
        return next((i for i, hour in enumerate(hours) if home in (None, hour.start)), -1)

    return collect(
        lambda: source.blocks(near, whole),
        decode_of(endpoint, schedule),
        spans,
        own,
        workers=1 if schedule.preprocess else CORES,  # a user's handler may remember earlier records
        keep_records=endpoint.keeps_records,
    )


def decode_of(endpoint: Endpoint, schedule: Schedule) -> Decode:
    """How captured records of a schedule become rows."""
    names = payload.Names(endpoint.columns.outputs, endpoint.columns.inputs, endpoint.columns.outputs_last)
    if script := schedule.preprocess:
        handler = scripts.Preprocessor.at(script.script, script.sort_columns)
        return scripts.decoder(handler, names, script.on_error == "drop")
    if schedule.paths:
        return attributes.extracting(schedule.paths, names)
    return lambda records: payload.decode(records, names)


def found(made: dict[str, Summary], window: Window | None = None) -> Document:
    """What was collected, over all hours.

    How many requests there were of those captured at less than 100 % is not told for a window that is not whole hours.
    """
    sampling = sampling_of(summary.captured for summary in made.values())
    if window and (floor_hour(window.start), floor_hour(window.end)) != (window.start, window.end):
        sampling.pop("requests", None)
    inputs = {(address, size) for summary in made.values() for address, size, _ in summary.origin["files"]}
    reasons: Counter[str] = sum((summary.reasons for summary in made.values()), Counter())
    return {
        "records": sum(summary.records for summary in made.values()),
        "rows": sum(summary.rows for summary in made.values()),
        "duplicates": sum(summary.duplicates for summary in made.values()),
        "rejected": sum(summary.rejected for summary in made.values()),
        "reasons": dict(sorted(reasons.items())),
        "kept": [one for summary in made.values() for one in summary.kept][:KEPT_REJECTED],
        "inputs": [{"file": address, "size": size} for address, size in sorted(inputs)],
        **({"capture": sampling} if sampling else {}),
    }


def identified(made: dict[str, Summary]) -> Document:
    """The files of rows, each with what tells it from an older or newer one at the same address."""
    return {"partitions": {address: fingerprint(summary) for address, summary in made.items()}}


def fingerprint(summary: Summary | None) -> str:
    """What a file of rows was made from, in short; empty if there is no file."""
    return hashlib.sha256(json.dumps(summary.origin).encode()).hexdigest()[:16] if summary else ""


def are_as_collected(collected: Document) -> bool:
    """Whether the files of rows are still those that were found: another schedule may have made them anew since."""
    return all(fingerprint(summary_of(address)) == was for address, was in collected["partitions"].items())


def check_rejected(collected: Document, share: float) -> None:
    """Raise DataError, with the first example, if more than a share of the records could not be read."""
    rejected, records = collected["rejected"], collected["records"]
    if rejected and rejected / records > share:
        first = collected["kept"][0]
        raise DataError(
            f"{rejected} of {records} records can't be read, more than the share of {share:g} that max_rejected "
            f"allows. The first: {first['file']} line {first['line']}: {first['reason']}",
            collected,
        )
