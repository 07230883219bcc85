"""Judge a folder of captures, or a dataset, without an endpoint file: ``baseline`` and ``run`` of the command line.

The verbs do the work, on an execution whose rows come from one folder, and which keeps nothing but its report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from model_monitor import jobs, store
from model_monitor.config.capture import Capture
from model_monitor.config.endpoint import Endpoint, Schedule
from model_monitor.config.engine import Cluster
from model_monitor.config.execution import Execution, spark_name
from model_monitor.config.expectations import Expectation, described, problems
from model_monitor.config.monitors import attributes_of, label_of, traits_of
from model_monitor.config.sections import Baseline, Columns, Explain, GroundTruth, Preprocess
from model_monitor.config.words import valid
from model_monitor.core.window import EVER, Window, iso, moment
from model_monitor.errors import ConfigError
from model_monitor.jobs.compute_metrics import load_state, observe_dataset, save, selection_of
from model_monitor.jobs.late_labels import reported
from model_monitor.jobs.learned import Learned, learned_of
from model_monitor.results import execution as executions
from model_monitor.results.documents.protocol import VIOLATIONS, Document
from model_monitor.results.handover import Evidence
from model_monitor.results.reading import Report
from model_monitor.results.report import write_report
from model_monitor.rows.labels.arrived import Arrived, all_below
from model_monitor.rows.payloads.payload import Names
from model_monitor.rows.select import Selection
from model_monitor.rows.sources.datasets import AlreadyRead, Dataset
from model_monitor.rows.sources.source import CaptureFolder
from model_monitor.rows.sources.source import Source as RowSource
from model_monitor.verdicts.baseline import Baseline as BaselineFiles
from model_monitor.verdicts.baseline import baseline_files, check_learned


@dataclass(frozen=True)
class Requests:
    """How captured requests become rows, and what is called after the report.

    outputs, inputs: names of the values of CSV, in their order. json_types, csv_types: content types of payloads in
    BASE64 that are JSON or CSV all the same. preprocess, postprocess: files with a user's handlers.
    """

    outputs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    json_types: tuple[str, ...] = ()
    csv_types: tuple[str, ...] = ()
    preprocess: Preprocess | None = None
    postprocess: str | None = None


@dataclass(frozen=True)
class Question:
    """Which monitor judges, with which options, and by which columns rows are also judged apart.

    inputs: names of the values of captured CSV requests. headers: of all columns of a dataset, but those that options
        and other settings name; () if unknown.
    exclude: columns that are not judged, and need not be readable.
    spark: the URL of the cluster that reads and observes rows; None: this process does.
    """

    monitor: str
    options: dict[str, Any]
    segments: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    explain: Explain | None = None
    headers: tuple[str, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    data_docs: bool = False
    html: bool = False
    requests: Requests = Requests()
    exclude: tuple[str, ...] = ()
    spark: str | None = None

    @property
    def columns_besides(self) -> tuple[str, ...]:
        """The columns that a dataset may have although the headers don't name them."""
        named = (*attributes_of(self.options), label_of(self.options), *self.segments, *self.exclude)
        return tuple(map(str, named))

    @property
    def about(self) -> Document:
        segments = {"segments": list(self.segments)} if self.segments else {}
        rules = {"expectations": described(self.expectations)} if self.expectations else {}
        return {"monitor": self.monitor, "options": self.options, **rules, **segments}


@dataclass(frozen=True)
class Source:
    """A folder of captures or a dataset, and the window of it (None: all). ``truth``: where captures' labels are."""

    address: str
    format: str
    header: bool = True
    window: Window | None = None
    truth: GroundTruth | None = None
    separator: str | None = None

    def dataset(self, question: Question) -> Dataset:
        """The rows, if they are a dataset. Raises ConfigError."""
        is_sagemakers = question.options.get("compatibility") == "sagemaker"
        return Dataset.at(
            self.address,
            self.format,
            self.header,
            names=question.headers,
            beside=question.columns_besides,
            separator=self.separator,
            exclude=question.exclude,
            keeps_index=is_sagemakers,
        )

    @property
    def is_captured(self) -> bool:
        return self.format == "capture"

    @property
    def about(self) -> Document:
        window = self.window and {"start": iso(self.window.start), "end": iso(self.window.end)}
        truth = {"ground_truth": self.truth.uri} if self.truth else {}
        return {"dataset": self.address, "format": self.format, **truth, "window": window}


@dataclass(frozen=True)
class ByHand(Execution):
    """An execution over all that is in one folder; ``output`` is the report, ``description`` what it is about.
    ``emptiness``: of a dataset, that it holds no rows, in words."""

    output: str
    description: Document
    writes_page: bool = False
    emptiness: str = ""

    def hours(self) -> Iterator[Window]:
        """The whole window is one file of rows."""
        yield self.window

    @property
    def source(self) -> RowSource:
        return AlreadyRead(self.emptiness) if self.emptiness else CaptureFolder(self.endpoint.capture.uri)

    @property
    def names(self) -> Names:
        columns = self.endpoint.columns
        each_side = bool(columns.inputs) and not columns.outputs
        learned, _ = BaselineFiles.of(self).column_names(self.monitor)
        return replace(super().names, each_side=each_side, known=learned)

    def arrived_labels(self, until: datetime | None) -> Arrived:
        """All labels below the folder, whenever they were collected. Raises ConfigError if there are none."""
        return all_below(self.ground_truth.uri or "", self.ground_truth.table)

    def label_span(self, hour: Window) -> tuple[datetime, datetime]:
        return EVER.start, EVER.end

    def merged_records_folder(self, hour: datetime) -> str:
        return store.join(self.output, "merge")

    def spark_name(self, hour: datetime) -> str:
        return spark_name(self.ground_truth.uri or "")

    @property
    def tick(self) -> datetime:
        """The end of time: no label is late."""
        return EVER.end

    @property
    def report(self) -> str:
        return self.output

    @property
    def about(self) -> Document:
        return self.description


@contextmanager
def by_hand(
    question: Question, source: Source, files: Baseline, output: str, max_rejected: float, about: Document
) -> Iterator[ByHand]:
    """An execution whose rows and States are in a temporary folder. Raises ConfigError."""
    requests = question.requests
    with store.WorkingFolder() as folder:
        schedule = Schedule.model_construct(
            name="by-hand",
            monitor=question.monitor,
            options=question.options,
            expectations=question.expectations,
            data_docs=question.data_docs,
            segments=question.segments,
            cron="NOW",
            baseline=files,
            ground_truth=source.truth,
            preprocess=requests.preprocess,
            postprocess=requests.postprocess,
            explain=question.explain,
            max_rejected=max_rejected,
        )
        endpoint = Endpoint.model_construct(
            endpoint="by-hand",
            capture=Capture.model_construct(
                uri=source.address, json_content_types=requests.json_types, csv_content_types=requests.csv_types
            ),
            columns=Columns(
                outputs=requests.outputs, inputs=requests.inputs or question.inputs, exclude=question.exclude
            ),
            output=folder,
            retention_days=None,
            schedules=(schedule,),
        )
        execution = ByHand(endpoint, schedule, source.window or EVER, output, about, question.html)
        yield execution.observed_on(Cluster(question.spark) if question.spark else None)


def rules_at(suites: Sequence[str], monitor: str) -> tuple[Expectation, ...]:
    """The rules of suite files. Raises ConfigError for rules that Great Expectations does not accept, and for a monitor
    that is nothing but rules, without a file."""
    if suites:
        entries = tuple(valid(Expectation, {"suite": suite}) for suite in suites)
        for _, problem in problems(entries):
            raise ConfigError(problem)
        return entries
    if traits_of(monitor).needs_baseline:
        return ()
    raise ConfigError(f"{monitor} needs --expectations FILE, a suite of Great Expectations")


def window_of(start: str | None, end: str | None) -> Window | None:
    """The window between two ISO 8601 texts, both or neither. Raises ConfigError."""
    if bool(start) != bool(end):
        raise ConfigError("--start and --end go together")
    try:
        return Window(moment(start), moment(end)) if start and end else None
    except ValueError as error:
        raise ConfigError(f"--start {start} --end {end}: {error}") from error


def baseline(question: Question, source: Source, output: str, max_rejected: float) -> tuple[Document, Learned]:
    """Write a dataset's ``statistics.json``, ``constraints.json``, no violations, and ``execution.json``; the last, and
    what was learned."""
    about = source.about | question.about
    with by_hand(question, source, Baseline(), output, max_rejected, about) as execution:
        monitor = execution.learner
        if source.is_captured or source.window:
            check(question, source, execution)
        if source.is_captured:
            jobs.observe_window(execution)
            evidence = Evidence.read(execution.observation.evidence)
            observed = load_state(execution.observation.state, monitor, evidence.state)
            emptiness = f"{source.address} holds no request that could be read"
        else:
            with reported(execution):
                dataset, selection = source.dataset(question), Selection(exclude=question.exclude)
                observed, evidence = observe_dataset(execution, monitor, dataset, selection)
            emptiness = dataset.emptiness
        with reported(execution):
            check_learned(monitor, observed, emptiness)
            learned = learned_of(execution, observed, evidence.collected)
        for name, content in baseline_files(monitor, observed).items():
            store.write(store.join(output, name), content)
        unusable = monitor.unusable(observed.state)
        document = executions.execution(about, executions.COMPLETED, "", evidence, observed.rows, unusable=unusable)
        write_report(output, {VIOLATIONS: {"violations": []}}, evidence, document)
    return document, learned


def run(
    question: Question, source: Source, baseline_at: tuple[str | None, str | None], output: str, max_rejected: float
) -> Document:
    """Judge the rows of a source against a baseline's files and write the report; ``execution.json``'s content."""
    about = source.about | question.about | {"schedule": question.monitor}
    statistics, constraints = baseline_at
    files = Baseline.model_construct(statistics=statistics, constraints=constraints)
    with by_hand(question, source, files, output, max_rejected, about) as execution:
        BaselineFiles.of(execution).constraints(execution.monitor)  # refused, if so, before the rows are read
        check(question, source, execution)
        if source.is_captured:
            jobs.observe_window(execution)
        else:
            with reported(execution):
                dataset, monitor, selection = source.dataset(question), execution.monitor, selection_of(execution)
                save(execution.observation, *observe_dataset(execution, monitor, dataset, selection))
            execution = replace(execution, emptiness=dataset.emptiness)
        jobs.evaluate_constraints(execution)
    return Report.at(output).execution


def check(question: Question, source: Source, execution: ByHand) -> None:
    """Raise ConfigError if monitor, rows and labels don't go together."""
    if source.truth and not source.is_captured:
        raise ConfigError("--ground-truth is merged with captures; a dataset has its labels as a column")
    if source.window and not source.is_captured:
        raise ConfigError("--start and --end need captures, whose records tell their time; leave them out")
    if question.requests != Requests() and not source.is_captured:
        raise ConfigError(
            "--preprocess, --postprocess, --outputs, --inputs and content types are about captures; a dataset has its "
            "columns already"
        )
    if source.is_captured and not source.truth and execution.schedule.needs_labels:
        raise ConfigError(f"{question.monitor} needs labels, which captures don't hold; give --ground-truth")
    if store.is_below(execution.output, source.address):
        raise ConfigError(f"--output {execution.output} is below --dataset, so the next run would read the report")
