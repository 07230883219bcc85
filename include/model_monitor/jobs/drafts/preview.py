"""What would the last windows have said? The verbs judge them in a temporary store, which is removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Lock
from time import monotonic

from model_monitor import jobs, store
from model_monitor.config.cron import previous
from model_monitor.config.endpoint import Endpoint, Schedule
from model_monitor.config.execution import Assignment, Execution
from model_monitor.config.monitors import traits_of
from model_monitor.config.sections import Baseline
from model_monitor.core.window import Window, iso
from model_monitor.errors import ConfigError, MonitorError, printable
from model_monitor.jobs.compute_metrics import observe_dataset
from model_monitor.results.execution import FAILED, summary
from model_monitor.results.reading import Report
from model_monitor.rows.select import Selection
from model_monitor.rows.sources.datasets import Dataset
from model_monitor.verdicts.baseline import baseline_files, check_learned

JUDGED, LEARNED = 3, 7  # windows
BYTES = 64 << 20  # of the files that are read for it
SECOND = timedelta(seconds=1)
SECONDS = 40  # after which no further window is begun: a person waits for it, and proxies do for a minute
BUSY = "somebody else is trying a file just now; show it again in a minute"
NOT_TRIED, NO_TIME = "NotTried", "there was no time left to try it; save it, and run it"
one_at_a_time = Lock()


class Trial(Execution):
    """An execution of which only the words are wanted."""

    @property
    def writes_page(self) -> bool:
        return False


@dataclass(frozen=True)
class Judged:
    """What a schedule would have said of a window: the status, a sentence, and a line per violation. ``NotTried`` is
    the status of a window for which there was no time."""

    schedule: str
    start: str
    end: str
    status: str
    message: str
    details: tuple[str, ...]


def preview(endpoint: Endpoint, first: datetime, last: datetime) -> list[Judged]:
    """Judge the last windows that end until ``last``, the newest event time; ``first`` is the oldest. A schedule whose
    dataset is below the output, and so not there yet, learns from windows before those. Raises ConfigError if another
    preview is being made; what else goes wrong is in the windows' words."""
    if not one_at_a_time.acquire(blocking=False):
        raise ConfigError(BUSY)
    try:
        ends = monotonic() + SECONDS
        with store.WorkingFolder() as folder:
            trial = endpoint.model_copy(update={"output": folder, "retention_days": None})
            return [
                one
                for schedule in trial.schedules
                for one in judge(trial, schedule, (first, last), learns_from_traffic(endpoint, schedule), ends)
            ]
    finally:
        one_at_a_time.release()


def learns_from_traffic(endpoint: Endpoint, schedule: Schedule) -> bool:
    dataset = schedule.baseline.dataset
    return dataset is not None and store.is_below(dataset, endpoint.output)


def judge(
    endpoint: Endpoint, schedule: Schedule, span: tuple[datetime, datetime], from_traffic: bool, ends: float
) -> list[Judged]:
    windows = [window for window in windows_until(schedule, span[1], JUDGED + LEARNED) if window.end > span[0]]
    judged = windows[-JUDGED:]
    if not judged:
        raise ConfigError(f"no window of {schedule.name} is over by the newest request, {iso(span[1])}")
    if monotonic() > ends:
        return [said(schedule, window, NOT_TRIED, NO_TIME) for window in judged]
    try:
        judged = affordable(endpoint, judged)
        earlier = affordable(endpoint, windows[:-JUDGED]) if from_traffic else []
        trial = learned(endpoint, schedule, earlier)
    except MonitorError as error:
        return [said(schedule, window, FAILED, without(error, endpoint.output)) for window in judged]
    return [
        said(schedule, window, NOT_TRIED, NO_TIME) if monotonic() > ends else verdict(endpoint, trial, window)
        for window in judged
    ]


def windows_until(schedule: Schedule, last: datetime, count: int) -> list[Window]:
    """The last windows of a schedule, the first first."""
    cron = schedule.timetable
    if cron is None:
        raise ConfigError("NOW has no windows to try; choose how often it runs")
    ends = [previous(cron, last + SECOND)]
    for _ in range(count):
        ends.append(previous(cron, ends[-1]))
    return [Window(start, end) for end, start in pairwise(ends)][::-1]


def affordable(endpoint: Endpoint, windows: Sequence[Window]) -> list[Window]:
    """As many of the last windows as can be read at once. Raises ConfigError if not even one can."""
    kept, size = list[Window](), 0
    for window in reversed(windows):
        size += sum(listed.file.size for listed in endpoint.source.listed(window))
        if size > BYTES and not kept:
            raise ConfigError(
                f"the window {window} has more than {BYTES >> 20} MB, too much to try it here; save it, and run it"
            )
        if size > BYTES:
            break
        kept.append(window)
    return kept[::-1]


def learned(endpoint: Endpoint, schedule: Schedule, earlier: Sequence[Window]) -> Schedule:
    """The schedule with a baseline of its own in the temporary store. Raises MonitorError."""
    if not traits_of(schedule.monitor).needs_baseline:
        return schedule
    assignment = Assignment(endpoint, schedule)
    baseline = schedule.baseline
    if earlier or not baseline.dataset:
        dataset = dataset_of(assignment, earlier)
    else:
        dataset = Dataset.at(baseline.dataset, baseline.format, baseline.header)
        if sum(file.size for file in dataset.files) > BYTES:
            raise ConfigError(
                f"the dataset has more than {BYTES >> 20} MB, too much to try it here; save it, and run it"
            )
    monitor = assignment.learner
    observed, _ = observe_dataset(assignment, monitor, dataset, Selection(exclude=endpoint.columns.exclude))
    check_learned(monitor, observed)
    at = store.join(endpoint.output, "_learned", schedule.name)
    files = [store.write(store.join(at, name), text) for name, text in baseline_files(monitor, observed).items()]
    return schedule.model_copy(update={"baseline": Baseline(statistics=files[0], constraints=files[-1])})


def dataset_of(assignment: Assignment, windows: Sequence[Window]) -> Dataset:
    """The rows of some windows as a dataset. Raises MonitorError."""
    executions = [assignment.on(window) for window in windows]
    for execution in executions:
        rows_of(execution)
    hours = [(e, hour.start) for e in executions for hour in e.hours()]
    addresses = [e.merged_rows(hour) if e.schedule.ground_truth else e.rows(hour) for e, hour in hours]
    files = [
        file for address in dict.fromkeys(addresses) if store.exists(address) for file in store.list_files(address)
    ]
    if not files:
        raise ConfigError("there are no requests before the last windows to learn from")
    return Dataset(files, "parquet")


def rows_of(execution: Execution) -> None:
    jobs.collect_window(execution)
    if execution.schedule.ground_truth:
        jobs.merge_ground_truth(execution)


def verdict(endpoint: Endpoint, schedule: Schedule, window: Window) -> Judged:
    """What came of a window."""
    execution = Trial(endpoint, schedule, window)
    try:
        rows_of(execution)
        jobs.compute_metrics(execution)
        jobs.evaluate_constraints(execution)
        report = Report.at(execution.report)
        told = summary(report.execution, "the report", report.violations)
    except MonitorError as error:
        return said(schedule, window, FAILED, without(error, endpoint.output))
    message = without(told["message"].partition(": ")[2], endpoint.output)
    return said(schedule, window, told["status"], message, tuple(told["details"]))


def said(schedule: Schedule, window: Window, status: str, message: str, details: tuple[str, ...] = ()) -> Judged:
    return Judged(schedule.name, iso(window.start), iso(window.end), status, printable(message), details)


def without(text: object, folder: str) -> str:
    """A text that does not name the temporary folder."""
    return str(text).replace(f"{folder}/", "").replace(folder, "the temporary store")
