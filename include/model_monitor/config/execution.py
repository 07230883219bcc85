"""One schedule on one window, and where it puts things: the value that every verb of a window takes.

Reports are where SageMaker puts them: ``[{endpoint}/]{schedule}/yyyy/mm/dd/HH``, by the hour of the run. What SageMaker
has no place for is below a folder whose name starts with an underscore, as no endpoint's name does.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from uuid import NAMESPACE_URL, uuid5

from model_monitor import store
from model_monitor.config.cron import period_before, previous
from model_monitor.config.defaults import engine_of
from model_monitor.config.endpoint import Endpoint, Schedule
from model_monitor.config.engine import Cluster, cluster_of
from model_monitor.config.expectations import described
from model_monitor.config.files import load
from model_monitor.config.monitors import traits_of
from model_monitor.config.sections import GroundTruth
from model_monitor.core.monitor import Monitor
from model_monitor.core.window import Window, floor_hour, iso
from model_monitor.errors import ConfigError, DataError

if TYPE_CHECKING:
    from model_monitor.rows.labels.arrived import Arrived
    from model_monitor.rows.payloads.payload import Names
    from model_monitor.rows.sources.source import Source

ROWS = "rows.parquet"
ODDS = "odds.json"


def hour_path(hour: datetime) -> str:
    return hour.strftime("%Y/%m/%d/%H")


def spark_name(*parts: str) -> str:
    """The name that Spark would give a file of merged records; the same for the same parts."""
    return f"part-00000-{uuid5(NAMESPACE_URL, ' '.join(parts))}.c000.jsonl"


@dataclass(frozen=True)
class Assignment:
    """One schedule of one endpoint, and the addresses that all its windows share."""

    endpoint: Endpoint
    schedule: Schedule

    @classmethod
    def load(cls, endpoint_file: Path | str, schedule: str) -> Assignment:
        """The schedule of this name in an endpoint file. Raises ConfigError."""
        endpoint = load(endpoint_file)
        return Assignment(endpoint, endpoint.schedule(schedule))

    def on(self, window: Window) -> Execution:
        execution = Execution(self.endpoint, self.schedule, window)
        for name in {"monitor", "cluster"} & self.__dict__.keys():  # made once for all windows
            execution.__dict__[name] = self.__dict__[name]
        return execution

    def observed_on(self, cluster: Cluster | None) -> Self:
        """The same, whose rows are read and observed on a cluster."""
        other = copy(self)
        other.__dict__["cluster"] = cluster
        return other

    @cached_property
    def cluster(self) -> Cluster | None:
        """The cluster on which rows are read and observed; None: in this process. Raises ConfigError."""
        return cluster_of(engine_of(self.endpoint))

    @cached_property
    def monitor(self) -> Monitor[Any]:
        """The schedule's monitor with its options, segments and expectations. Raises ConfigError."""
        return self.schedule.build_monitor(self.private)

    @cached_property
    def learner(self) -> Monitor[Any]:
        """The monitor that learns from a baseline. Raises ConfigError if there is nothing to learn."""
        if not traits_of(self.schedule.monitor).needs_baseline:
            raise ConfigError(
                f"schedule '{self.schedule.name}': {self.schedule.monitor} judge by themselves; no baseline"
            )
        return self.schedule.build_learner()

    @property
    def private(self) -> tuple[str, ...]:
        """Columns whose values stay out of reports; all ("*") where requests are deleted, but not reports."""
        return ("*",) if self.endpoint.retention_days is not None else self.endpoint.columns.private

    @property
    def baselines(self) -> str:
        """The folder of all versions of the baseline."""
        return self._folder("_baselines")

    @property
    def published_baseline(self) -> str:
        """The file that names the version in force."""
        return store.join(self.baselines, "published.json")

    @property
    def states(self) -> str:
        """The folder of the State of each window."""
        return self._folder("_states")

    @property
    def reports(self) -> str:
        """The folder of the reports on all windows."""
        names = (self.endpoint.endpoint,) if self.endpoint.source.names_endpoint else ()
        return store.join(self.endpoint.output, *names, self.schedule.name)

    @property
    def all_odds(self) -> str:
        """The folder of how far beyond chance each window was."""
        return self._folder("_odds")

    @property
    def all_earlier(self) -> str:
        """The folder of all reports of all windows, each by how far its labels had come."""
        return self._folder("_as_of")

    @property
    def waiting_windows(self) -> str:
        """The folder of a note for each window whose labels are not final."""
        return self._folder("_awaiting")

    def observed_baseline(self, state_digest: str) -> Observation:
        """Where the State of a baseline's dataset is."""
        return Observation.at(store.join(self.baselines, "observed", state_digest))

    def _folder(self, kind: str) -> str:
        return store.join(self.endpoint.output, kind, self.endpoint.endpoint, self.schedule.name)


@dataclass(frozen=True)
class Observation:
    """The files of a folder with a State, and with what each task before it left for the next."""

    collected: str
    merged: str
    explained: str
    evidence: str
    state: str

    @classmethod
    def at(cls, folder: str) -> Observation:
        names = "collected.json", "merged.json", "explained.json", "evidence.json", "state.mms"
        return cls(*(store.join(folder, name) for name in names))

    @classmethod
    def holding(cls, state: str) -> Observation:
        """The folder of a State's file."""
        head, _, query = state.partition("?")
        return cls.at("?".join(filter(None, [head.rpartition("/")[0], query])))


@dataclass(frozen=True)
class Execution(Assignment):
    """One schedule on one window, and the addresses of its rows, its State and its report."""

    window: Window

    @classmethod
    def of(cls, endpoint_file: Path | str, schedule: str, window: Window) -> Execution:
        """The execution of a schedule, by name, of an endpoint file. Raises ConfigError."""
        return cls.load(endpoint_file, schedule).on(window)

    @property
    def writes_page(self) -> bool:
        """Whether a page for people is part of the report."""
        return True

    @property
    def source(self) -> Source:
        """Where the requests come from."""
        return self.endpoint.source

    @property
    def names(self) -> Names:
        """What the values of CSV payloads are called."""
        from model_monitor.rows.payloads.payload import Names  # brings PyArrow

        columns = self.endpoint.columns
        types, exclude = self.endpoint.capture.content_types, columns.exclude
        modes = {schedule.options.get("compatibility") for schedule in self.endpoint.schedules}  # they share the rows
        return Names(
            columns.outputs,
            columns.inputs,
            columns.outputs_last,
            types=types,
            left_out=exclude,
            keeps_headers="sagemaker" in modes,
        )

    def hours(self) -> Iterator[Window]:
        """The spans whose rows have a file each."""
        return self.window.hours()

    def rows(self, hour: datetime) -> str:
        """The rows of an hour: the endpoint's, or its requests where the monitor judges these, or the schedule's own
        where its script, or its paths, make others."""
        endpoint, schedule = self.endpoint, self.schedule
        own = schedule.preprocess or schedule.paths
        kind, name = ("_own", schedule.name) if own else ("_rows", endpoint.variant)
        if schedule.judges_requests:
            kind, name = "_requests", endpoint.variant
        return store.join(endpoint.output, kind, endpoint.endpoint, name, hour_path(hour), ROWS)

    def merged_rows(self, hour: datetime) -> str:
        """The rows of an hour with their labels."""
        return store.join(self._folder("_merged"), hour_path(hour), ROWS)

    def merged_records(self, hour: datetime) -> str:
        """The file of an hour's captured records that have a label, where SageMaker puts it."""
        return store.join(self.merged_records_folder(hour), self.spark_name(hour))

    def spark_name(self, hour: datetime) -> str:
        return spark_name(self.ground_truth.uri or "", iso(hour))

    def merged_records_folder(self, hour: datetime) -> str:
        variant = self.endpoint.endpoint, self.endpoint.variant
        names = variant if self.source.names_endpoint else (self.schedule.name,)
        return store.join(self.endpoint.output, "merge", *names, hour_path(hour))

    @property
    def ground_truth(self) -> GroundTruth:
        """The schedule's labels. Raises DataError if it has none."""
        truth = self.schedule.ground_truth
        if truth is None or truth.uri is None:
            raise DataError(f"schedule '{self.schedule.name}' has no ground_truth; set its uri")
        return truth

    def arrived_labels(self, until: datetime | None) -> Arrived:
        """The label files that count for the window; with ``until`` only those collected before it."""
        from model_monitor.rows.labels.arrived import arrived  # brings PyArrow

        truth = self.ground_truth
        return arrived(truth.uri or "", self.window, truth.final_after, until, truth.table)

    def label_span(self, hour: Window) -> tuple[datetime, datetime]:
        """From when until when labels of an hour's requests are collected that count."""
        from model_monitor.rows.labels.arrived import label_span

        return label_span(hour, self.ground_truth.final_after)

    @property
    def explained_rows(self) -> str:
        """The attributions of the window's explained rows."""
        return store.join(self._folder("_explained"), self.run_path, ROWS)

    @cached_property
    def observation(self) -> Observation:
        return Observation.at(store.join(self.states, self.run_path))

    @property
    def report(self) -> str:
        """The folder of the report."""
        return store.join(self.reports, self.run_path)

    @property
    def odds(self) -> str:
        """The file of how far beyond chance each check of the window was."""
        return store.join(self.all_odds, self.run_path, ODDS)

    @property
    def earlier_reports(self) -> str:
        """The folder of all reports of the window, each by how far its labels had come."""
        return store.join(self.all_earlier, self.run_path)

    def sent_metrics(self, sink: str) -> str:
        """The record of which numbers of the window a sink of metrics has."""
        return store.join(self._folder("_sent"), self.run_path, f"{sink}.json")

    @property
    def waiting_note(self) -> str:
        """The note that says that the window's labels are not final."""
        return store.join(self.waiting_windows, self.run_path, "window.json")

    @property
    def past(self) -> Assignment:
        """The schedule whose windows came before."""
        return self

    @property
    def tick(self) -> datetime:
        """The moment of the run: the window's end, or later if an offset has it wait for labels."""
        return self.window.end + self.schedule.lag

    @property
    def run_path(self) -> str:
        """The run's place below its schedule: the hour of its tick.

        Runs that do not end on the hour, or by hand over a window of another length, go further down, so that no run
        overwrites another's files.
        """
        path = hour_path(self.tick)
        if self.tick != floor_hour(self.tick):
            path += self.tick.strftime("/%M") + (self.tick.strftime("-%S") if self.tick.second else "")
        start = self.window.start.strftime("%Y-%m-%dT%H-%M-%S")
        return path if self.is_scheduled else f"{path}/since-{start}"

    @property
    def is_scheduled(self) -> bool:
        """Whether the window is one that the schedule's own runs have."""
        cron, length = self.schedule.timetable, self.schedule.length
        if cron is None:
            return length == self.window.length
        is_tick = previous(cron, self.tick + timedelta(seconds=1)) == self.tick
        return is_tick and self.window.length == (length or period_before(cron, self.tick))

    @property
    def about(self) -> dict[str, Any]:
        """What a report says that it is about."""
        return {
            "endpoint": self.endpoint.endpoint,
            "variant": self.endpoint.variant,
            "schedule": self.schedule.name,
            "monitor": self.schedule.monitor,
            "options": self.schedule.options,
            **({"expectations": described(self.schedule.expectations)} if self.schedule.expectations else {}),
            "window": {"start": iso(self.window.start), "end": iso(self.window.end)},
        }
