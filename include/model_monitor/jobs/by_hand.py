"""How is a dataset judged once, by hand, without an endpoint file? ``baseline`` and ``run`` of the command line."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model_monitor import store
from model_monitor.config.monitors import label_of, monitor_of, paths_of, traits_of
from model_monitor.config.sections import Explain, GroundTruth
from model_monitor.core.observed import Observed
from model_monitor.core.window import Window, iso, moment
from model_monitor.errors import ConfigError, DataError
from model_monitor.jobs import explaining, ground_truth
from model_monitor.jobs.observing import observe, observe_dataset, read_through
from model_monitor.jobs.partitions import check_rejected, found
from model_monitor.jobs.verbs import with_labels
from model_monitor.results import execution
from model_monitor.results.documents import EXECUTION, VIOLATIONS, Document, decode, documents_of
from model_monitor.rows import blocks
from model_monitor.rows.collect import Span, collect
from model_monitor.rows.explanations.explain import explain
from model_monitor.rows.labels import files as labels
from model_monitor.rows.labels.files import LabelFile
from model_monitor.rows.labels.merge import Joining, keys_of, merge, merged_name
from model_monitor.rows.payloads import attributes, payload
from model_monitor.rows.select import Selection
from model_monitor.rows.sources.datasets import Dataset, row_group, row_groups_of
from model_monitor.verdicts.baseline import baseline_files, check_learned
from model_monitor.verdicts.report import Baseline, reporting_failure, write_files, write_report


@dataclass(frozen=True)
class Question:
    """Which monitor is asked, with which options, and by which columns rows are also judged apart."""

    monitor: str
    options: dict[str, Any]
    segments: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()  # names of what captured CSV requests hold
    explain: Explain | None = None  # how the model is explained, of the monitor that needs it
    headers: tuple[str, ...] = ()  # names of the columns of a CSV dataset without a header

    def build(self) -> Any:
        """The monitor. Raises ConfigError."""
        return monitor_of(self.monitor, self.options, self.segments)

    @property
    def needs_labels(self) -> bool:
        return traits_of(self.monitor).needs_labels

    @property
    def about(self) -> Document:
        segments = {"segments": list(self.segments)} if self.segments else {}
        return {"monitor": self.monitor, "options": self.options, **segments}


@dataclass(frozen=True)
class Source:
    """Where rows come from: capture files or a dataset, and of which window (None: all)."""

    address: str
    format: str
    header: bool = True
    window: Window | None = None
    truth: GroundTruth | None = None  # where the labels of captures come from

    @property
    def about(self) -> Document:
        window = self.window and {"start": iso(self.window.start), "end": iso(self.window.end)}
        truth = {"ground_truth": self.truth.uri} if self.truth else {}
        return {"dataset": self.address, "format": self.format, **truth, "window": window}


def window_of(start: str | None, end: str | None) -> Window | None:
    """The window between two ISO 8601 texts, both or neither. Raises ConfigError."""
    if not start and not end:
        return None
    if not start or not end:
        raise ConfigError("--start and --end go together")
    try:
        return Window(moment(start), moment(end))
    except ValueError as error:
        raise ConfigError(f"--start {start} --end {end}: {error}; write e.g. 2026-01-31T04:00Z") from error


def baseline(question: Question, source: Source, output: str, max_rejected: float) -> Document:
    """Write a dataset's ``statistics.json``, ``constraints.json``, no violations, and ``execution.json``; the last."""
    about = source.about | question.about
    built = question.build()
    rows = Dataset.at(source.address, source.format, source.header, question.headers)
    with reporting_failure(output, about):
        observed, collected = observe_rows(built, question, rows, Selection(), max_rejected, background=replace(rows))
        if not observed.rows:
            raise DataError(f"{source.address} holds no rows to learn from", collected)
        check_learned(built, observed)
    unusable = documents_of(built).unusable(observed.state)
    document = execution.execution(about, execution.COMPLETED, "", collected, observed.rows, unusable=unusable)
    for name, content in baseline_files(built, observed).items():
        store.write(store.join(output, name), content)
    write_files(output, {VIOLATIONS: {"violations": []}}, collected, document)
    return document


def run(
    question: Question, source: Source, baseline_at: tuple[str | None, str | None], output: str, max_rejected: float
) -> Document:
    """Judge the rows of a source against a baseline and write the report; ``execution.json``'s content."""
    about = source.about | question.about | {"schedule": question.monitor}
    built = question.build()
    against = Baseline.at(*baseline_at)
    against.asks(built)  # a baseline that makes no sense is told before the rows are read
    names, by_position = against.names(built)
    selection = Selection(source.window, names=names, by_position=by_position)
    if source.truth and source.format != "capture":
        raise ConfigError("--ground-truth is merged with captures; a dataset has its labels as a column")
    if not source.truth and source.format == "capture" and question.needs_labels:
        raise ConfigError(f"{question.monitor} needs labels, which captures don't hold; give --ground-truth")
    if store.is_below(output, source.address):
        raise ConfigError(f"--output {output} is below --dataset; the next run would read this one's report as data")
    with reporting_failure(output, about):
        if source.format == "capture":
            observed, collected = observe_captures(built, question, source, selection, max_rejected, output)
        else:
            if source.window:
                raise ConfigError("--start and --end need captures, whose records tell their time; leave them out")
            rows = Dataset.at(source.address, source.format, source.header, question.headers)
            observed, collected = observe_rows(built, question, rows, selection, max_rejected)
    files = write_report(output, built, observed, against, about, collected)
    return decode(files[EXECUTION], output)


@contextmanager
def explained(
    settings: Explain, rows: Dataset, segments: tuple[str, ...], background: Dataset | None = None
) -> Iterator[Dataset]:
    """A dataset's rows, explained into a temporary file."""
    explainer = explaining.explainer(settings, settings.features, background)
    batches = (batch for piece in rows.pieces() for batch in rows.rows(piece))
    with tempfile.TemporaryDirectory(prefix="model-monitor-") as folder:
        target = str(Path(folder) / "explained.parquet")
        explain(batches, explainer, target, {"files": []}, segments)
        yield Dataset.at(target, "parquet")


def observe_rows(
    monitor: Any,
    question: Question,
    dataset: Dataset,
    selection: Selection,
    max_rejected: float,
    background: Dataset | None = None,
) -> tuple[Observed, Document]:
    """The State of a dataset's rows, or of the explanations of a sample of them."""
    if question.explain is None:
        return observe_dataset(monitor, dataset, selection, max_rejected)
    collected = read_through(dataset, max_rejected)
    with explained(question.explain, replace(dataset), question.segments, background) as rows:
        observed = observe(monitor, rows.pieces(), rows.rows, selection)
    return observed, with_explained(collected, observed)


def with_explained(collected: Document, observed: Observed) -> Document:
    """What was collected, and how many rows of it were explained."""
    return collected | {"explained": {"rows": observed.rows, "of": collected["rows"]}}


def observe_captures(
    monitor: Any, question: Question, source: Source, selection: Selection, max_rejected: float, output: str
) -> tuple[Observed, Document]:
    """The State of captured requests, collected into one temporary file first. Raises DataError."""
    files = store.list_files(source.address, blocks.SUFFIXES)
    if not files:
        raise ConfigError(f"there are no capture files at {source.address}: none ends in {', '.join(blocks.SUFFIXES)}")
    options = question.options
    paths, names = paths_of(options), payload.Names(inputs=question.inputs, each_side=bool(question.inputs))
    decode = attributes.extracting(paths, names) if paths else lambda records: payload.decode(records, names)
    with tempfile.TemporaryDirectory(prefix="model-monitor-") as folder:
        address = str(Path(folder) / "rows.parquet")
        span = Span(source.window, address, {"files": [[f.address, f.size, f.changed] for f in files]})
        [summary] = collect(
            lambda: blocks.blocks(files), decode, [span], lambda file: 0, keep_records=source.truth is not None
        )
        collected = found({address: summary})
        check_rejected(collected, max_rejected)
        if source.truth and summary.rows:
            merged = str(Path(folder) / "merged.parquet")
            about_labels = merged_by_hand(address, merged, source.truth, label_of(options), max_rejected, output)
            address, collected = merged, with_labels(collected, about_labels)
        if question.explain:
            with explained(question.explain, Dataset.at(address, "parquet"), question.segments) as rows:
                observed = observe(monitor, rows.pieces(), rows.rows, selection)
            return observed, with_explained(collected, observed)
        return observe(monitor, row_groups_of([address]), lambda piece: row_group(*piece), selection), collected


def merged_by_hand(
    rows: str, target: str, truth: GroundTruth, label: str | int, max_rejected: float, output: str
) -> Document:
    """Merge a file of rows with all labels below a folder, whenever they were collected; what became of them."""
    files = [LabelFile.of(file) for file in store.list_files(truth.uri or "", blocks.SUFFIXES)]
    if not files:
        raise ConfigError(f"there are no label files at {truth.uri}: none ends in {', '.join(blocks.SUFFIXES)}")
    files.sort(key=lambda f: (f.hour is not None, f.hour, f.file))
    keys = keys_of(rows)
    came, reading = labels.read(files, lambda some: ground_truth.among(some, keys))
    records = store.join(output, "merge", merged_name(truth.uri or ""))
    begun = reading.summary({"files": list(map(ground_truth.told, files))})
    made = merge(rows, came.sorted_by_key(), Joining(label, truth.duplicates), target, records, begun)
    come = ground_truth.Arrived(files, over=True, as_of=labels.as_of(files))
    return ground_truth.found(truth, None, {target: made}, come, max_rejected)
