"""Turn a window's captured requests into rows, hour by hour."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from model_monitor import store
from model_monitor.config.execution import Execution
from model_monitor.config.sections import Preprocess
from model_monitor.core.window import Window
from model_monitor.engines.local import Local
from model_monitor.errors import ConfigError, DataError, printable
from model_monitor.jobs.engines import engine_of
from model_monitor.jobs.late_labels import reported
from model_monitor.jobs.logged import say_collected
from model_monitor.jobs.look import absences, searched
from model_monitor.jobs.retention.record import refuse_deleted
from model_monitor.results.handover import Collected, Evidence, Identities, Input, SetAside
from model_monitor.rows import requests, scripts
from model_monitor.rows.collect import LAYOUT, Span, collect
from model_monitor.rows.labels import scripted
from model_monitor.rows.payloads import attributes, payload
from model_monitor.rows.payloads.payload import Decode
from model_monitor.rows.sources.source import Listed
from model_monitor.rows.summary import KEPT_REJECTED, Summary, sampling_of, summary_of, usable

log = logging.getLogger(__name__)

MERGED = ["merged"]  # in the place of a script's text: it is run later, on merged records
HOURS_AT_ONCE = 8  # so many hours are collected in one reading of the files around them


def collect_window(execution: Execution) -> str:
    """Make the rows of each hour of a window, again where their captures changed; the address of what was collected.

    Raises DataError, after writing a report that says so, if more than the schedule's share of records can't be read;
    ConfigError, and leaves an earlier report as it is, if ``retention_days`` deleted captures of the window.
    """
    refuse_deleted(execution.endpoint, execution.window)
    with reported(execution):
        summaries = collect_hours(execution)
        window = execution.window
        is_whole = all(window.start <= hour.start and hour.end <= window.end for hour in execution.hours())
        collected = collected_of(summaries, is_whole)
        check_rejected(collected, execution.schedule.max_rejected)
    if not collected.records:
        log.warning("%s", printable(f"no request in {window}: {searched(execution)}"))
    for absent in absences(execution) if execution.endpoint.folder else ():
        log.warning("%s", printable(f"{absent.place}: {absent.words}"))
    refuse_deleted(execution.endpoint, execution.window)  # again: they may have been deleted meanwhile
    collected = msgspec.structs.replace(collected, partitions=identities(summaries))
    say_collected(window, collected)
    return collected.write(execution.observation.collected)


def current_rows(execution: Execution) -> Collected:
    """What was collected of a window; collected again if its rows were rebuilt since."""
    collected = Collected.read(execution.observation.collected)
    return collected if are_current(collected.partitions) else Collected.read(collect_window(execution))


def collect_hours(execution: Execution) -> dict[str, Summary]:
    """The files of rows of a window's hours, by address, made again where needed; hours without captures have none."""
    files = execution.source.listed(execution.window)
    script = MERGED if execution.schedule.scripts_merged else script_origin(execution.schedule.preprocess)
    spans = [span_of(execution, hour, files, script) for hour in execution.hours()]
    again = store.exists(execution.observation.collected)
    summaries = {span.address: usable(span.address, again) for span in spans}
    stale = [span for span in spans if is_stale(span, summaries[span.address])]
    for i in range(0, len(stale), HOURS_AT_ONCE):
        batch = stale[i : i + HOURS_AT_ONCE]
        collected = collect_spans(execution, batch, files)
        summaries |= {span.address: summary for span, summary in zip(batch, collected, strict=True)}
    return {address: summary for address, summary in summaries.items() if summary and summary.origin["files"]}


def is_stale(span: Span, summary: Summary | None) -> bool:
    """Whether a file of rows has to be made; an hour that never had captures needs none."""
    return span.origin != summary.origin if summary else bool(span.origin["files"])


def script_origin(script: Preprocess | None) -> list[Any] | None:
    """What the rows of a schedule's script depend on: its text and its settings. Raises ConfigError."""
    if script is None:
        return None
    try:
        return [hashlib.sha256(store.read(script.script)).hexdigest(), script.on_error, script.sort_columns]
    except FileNotFoundError as error:
        raise ConfigError(f"there is no script at {script.script}") from error


def span_of(execution: Execution, hour: Window, files: Sequence[Listed], script: list[Any] | None) -> Span:
    """An hour's file of rows, and all that it depends on."""
    endpoint, schedule = execution.endpoint, execution.schedule
    near = [listed.file for listed in files if listed.is_near(hour)]
    origin: dict[str, Any] = {
        "layout": LAYOUT,
        "files": [[file.address, file.size, file.changed] for file in near],
        "columns": [list(endpoint.columns.outputs), list(endpoint.columns.inputs), endpoint.columns.outputs_last],
        "script": script,
    } | execution.source.origin
    origin |= {"records": True} if endpoint.keeps_records else {}
    origin |= {"paths": schedule.paths} if schedule.paths else {}
    types = endpoint.capture.content_types.described
    origin |= {"types": types} if types else {}
    origin |= {"left_out": list(endpoint.columns.exclude)} if endpoint.columns.exclude else {}
    return Span(hour, execution.rows(hour.start), origin)


def collect_spans(execution: Execution, spans: Sequence[Span], files: Sequence[Listed]) -> list[Summary]:
    """Read the files around some hours once, and write the rows of each."""
    source = execution.source
    hours = [span.window for span in spans if span.window]
    near = [listed for listed in files if listed.is_read and any(map(listed.is_near, hours))]
    whole = Window(min(hours).start, max(hours).end)
    by_address = {listed.file.address: listed for listed in near}

    @cache
    def span_of_file(address: str) -> int:
        """The span that counts a file's records without a time; -1 if that is the span of another hour."""
        home = source.hour_of(by_address[address])
        return next((i for i, hour in enumerate(hours) if home in (None, hour.start)), -1)

    judges_requests = execution.schedule.judges_requests
    # A user's handler may remember earlier records.
    engine = Local(workers=1) if execution.schedule.preprocess else engine_of(execution)
    return collect(
        lambda work: engine.blocks(lambda group: source.blocks(group, whole), source.groups(near), work),
        decode_of(execution),
        spans,
        span_of_file,
        keep_records=execution.endpoint.keeps_records and not judges_requests,
        keep_failed=judges_requests,
    )


def decode_of(execution: Execution) -> Decode:
    """How captured records become rows."""
    names, schedule = execution.names, execution.schedule
    if schedule.judges_requests:
        return requests.decode
    if schedule.scripts_merged:
        return scripted.unread
    if script := schedule.preprocess:
        handler = scripts.Preprocessor.at(script.script, script.sort_columns)
        return scripts.decoder(handler, names, script.on_error == "drop")
    if schedule.paths:
        return attributes.extracting(schedule.paths, names)
    return lambda records: payload.decode(records, names)


def collected_of(summaries: Mapping[str, Summary], is_whole: bool = True) -> Collected:
    """What was collected, over all hours; the estimated number of requests only if the window is whole hours."""
    capture = sampling_of(summary.captured for summary in summaries.values())
    if not is_whole:
        capture.pop("requests", None)
    inputs = {(address, size) for summary in summaries.values() for address, size, _ in summary.origin["files"]}
    reasons: Counter[str] = sum((summary.reasons for summary in summaries.values()), Counter())
    examples = [record for summary in summaries.values() for record in summary.kept][:KEPT_REJECTED]
    return Collected(
        records=sum(summary.records for summary in summaries.values()),
        rows=sum(summary.rows for summary in summaries.values()),
        duplicates=sum(summary.duplicates for summary in summaries.values()),
        rejected=sum(summary.rejected for summary in summaries.values()),
        reasons=dict(sorted(reasons.items())),
        kept=msgspec.convert(examples, list[SetAside]),
        inputs=[Input(address, size) for address, size in sorted(inputs)],
        capture=capture,
        shape=commonest_shape(summaries.values()),
        headed=sum(summary.headed for summary in summaries.values()),
    )


def commonest_shape(summaries: Iterable[Summary]) -> list[int]:
    """The shape of most rows; [] if it is not known."""
    rows: Counter[tuple[int, ...]] = Counter()
    for summary in summaries:
        rows[tuple(summary.shape)] += summary.rows
    [(shape, _)] = rows.most_common(1) or [((), 0)]
    return list(shape)


def check_rejected(collected: Collected, share: float) -> None:
    """Raise DataError, with the first example, if more than a share of the records could not be read."""
    problem = "records can't be read"
    check_share(collected.rejected, collected.records, share, problem, Evidence(collected=collected))


def check_share(bad: int, count: int, share: float, problem: str, evidence: Evidence) -> None:
    if bad and bad / count > share:
        first = evidence.kept[0]
        raise DataError(
            f"{bad} of {count} {problem}, more than the share of {share:g} that max_rejected allows. "
            f"The first: {first.file} line {first.line}: {first.reason}",
            evidence,
        )


def identities(summaries: Mapping[str, Summary]) -> Identities:
    """The files of rows, each with what tells it from an older or newer one at its address."""
    return {address: fingerprint(summary) for address, summary in summaries.items()}


def are_current(partitions: Identities) -> bool:
    """Whether files of rows are still the ones that were made: another schedule may have rebuilt them since."""
    return all(fingerprint(summary_of(address)) == identity for address, identity in partitions.items())


def fingerprint(summary: Summary | None) -> str:
    """What a file of rows was made from, in short; empty if there is no file."""
    return hashlib.sha256(json.dumps(summary.origin).encode()).hexdigest()[:16] if summary else ""
