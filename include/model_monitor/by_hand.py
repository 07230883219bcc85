"""How is a dataset judged once, by hand, without an endpoint file? ``baseline`` and ``run`` of the command line."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_monitor import store
from model_monitor.core.window import Window, iso, moment
from model_monitor.errors import ConfigError, DataError
from model_monitor.jobs import baseline_files, observe, observe_dataset
from model_monitor.named import monitor_of
from model_monitor.partitions import check_rejected, found
from model_monitor.results import execution
from model_monitor.results.documents import VIOLATIONS, Document
from model_monitor.results.report import Baseline, Observed, reporting_failure, write_files, write_report
from model_monitor.rows import capture, payload
from model_monitor.rows.collect import Span, collect
from model_monitor.rows.datasets import Dataset, row_group, row_groups_of
from model_monitor.rows.select import Selection


@dataclass(frozen=True)
class Source:
    """Where rows come from: capture files or a dataset, and of which window (None: all)."""

    address: str
    format: str
    header: bool = True
    window: Window | None = None

    @property
    def about(self) -> Document:
        window = self.window and {"start": iso(self.window.start), "end": iso(self.window.end)}
        return {"dataset": self.address, "format": self.format, "window": window}


def window_of(start: str | None, end: str | None) -> Window | None:
    """The window between two ISO 8601 texts, both or neither. Raises ConfigError."""
    if not start and not end:
        return None
    if not start or not end:
        raise ConfigError("--start and --end go together")
    try:
        return Window(moment(start), moment(end))
    except ValueError as error:
        raise ConfigError(f"--start {start} --end {end}: {error}") from error


def baseline(
    monitor: str,
    options: dict[str, Any],
    dataset: str,
    format: str,
    header: bool,
    output: str,
    max_rejected: float,
) -> Document:
    """Write a dataset's ``statistics.json``, ``constraints.json``, no violations, and ``execution.json``; the last."""
    about = Source(dataset, format, header).about | {"monitor": monitor, "options": options}
    built = monitor_of(monitor, options)
    rows = Dataset.at(dataset, format, header)
    with reporting_failure(output, about):
        observed, collected = observe_dataset(built, rows, Selection(), max_rejected)
        if not observed.rows:
            raise DataError(f"{dataset} holds no rows to learn from", collected)
    document = execution.execution(about, execution.COMPLETED, "", collected, observed.rows)
    for name, content in baseline_files(built, observed).items():
        store.write(store.join(output, name), content)
    write_files(output, {VIOLATIONS: {"violations": []}}, collected, document)
    return document


def run(
    monitor: str,
    options: dict[str, Any],
    source: Source,
    baseline_at: tuple[str | None, str | None],
    output: str,
    max_rejected: float,
) -> Document:
    """Judge the rows of a source against a baseline and write the report; ``execution.json``'s content."""
    about = source.about | {"monitor": monitor, "options": options, "schedule": monitor}
    built = monitor_of(monitor, options)
    against = Baseline.at(*baseline_at)
    against.asks(built)  # a baseline that makes no sense is told before the rows are read
    names, by_position = against.names(built)
    selection = Selection(source.window, names=names, by_position=by_position)
    observed_in = observe_captures if source.format == "capture" else observe_rows
    if store.is_below(output, source.address):
        raise ConfigError(f"--output {output} is below --dataset; the next run would read this one's report as data")
    with reporting_failure(output, about):
        observed, collected = observed_in(built, source, selection, max_rejected)
    return write_report(output, built, observed, against, about, collected)


def observe_rows(monitor: Any, source: Source, selection: Selection, max_rejected: float) -> tuple[Observed, Document]:
    """The State of a dataset's rows. Raises ConfigError for a window, which rows without times can't be held to."""
    if source.window:
        raise ConfigError("--start and --end need captures, whose records tell their time; leave them out")
    dataset = Dataset.at(source.address, source.format, source.header)
    return observe_dataset(monitor, dataset, selection, max_rejected)


def observe_captures(
    monitor: Any, source: Source, selection: Selection, max_rejected: float
) -> tuple[Observed, Document]:
    """The State of captured requests, collected into one temporary file first. Raises DataError."""
    files = store.files(source.address, capture.SUFFIXES)
    if not files:
        raise ConfigError(f"there are no capture files at {source.address}: none ends in {', '.join(capture.SUFFIXES)}")

    def blocks() -> Iterator[capture.Block]:
        return capture.blocks(files)

    with tempfile.TemporaryDirectory(prefix="model-monitor-") as folder:
        address = str(Path(folder) / "rows.parquet")
        span = Span(source.window, address, {"files": [[f.address, f.size, f.changed] for f in files]})
        summaries = collect(blocks, lambda records: payload.decode(records, payload.Names()), [span], lambda file: 0)
        collected = found({address: summaries[0]})
        check_rejected(collected, max_rejected)
        return observe(monitor, row_groups_of([address]), lambda piece: row_group(*piece), selection), collected
