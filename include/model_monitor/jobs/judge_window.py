"""Judge a window by one call: what the tasks of a run do, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from model_monitor import store
from model_monitor.config.execution import Assignment, Execution
from model_monitor.errors import ConfigError
from model_monitor.jobs.collect_window import collect_window
from model_monitor.jobs.compute_metrics import compute_metrics
from model_monitor.jobs.evaluate_constraints import evaluate_constraints
from model_monitor.jobs.explain_window import explain_window
from model_monitor.jobs.merge_ground_truth import merge_ground_truth
from model_monitor.results.documents.protocol import Document
from model_monitor.results.reading import Report


def observe_window(
    execution: Execution, labels_until: datetime | None = None, headers: Mapping[str, str] | None = None
) -> str:
    """Collect a window, merge its labels and explain its rows where that is asked for, and observe it; the address of
    its State.

    Only labels collected before ``labels_until`` count; ``headers`` go with each request to the model. Raises what the
    verbs raise.
    """
    collect_window(execution)
    if execution.schedule.ground_truth:
        merge_ground_truth(execution, labels_until)
    if execution.schedule.explain:
        explain_window(execution, headers)
    return compute_metrics(execution)


def judge_window(
    execution: Execution, labels_until: datetime | None = None, headers: Mapping[str, str] | None = None
) -> str:
    """The same, and judge it; the address of the report's folder."""
    observe_window(execution, labels_until, headers)
    return evaluate_constraints(execution)


@dataclass(frozen=True)
class Rehearsal(Execution):
    """An execution that leaves nothing but its report, in ``output``, and judges by the baseline that is in
    ``learned``: what a run of the schedule would find, without a trace of it."""

    output: str
    learned: str
    origin: Assignment

    @property
    def past(self) -> Assignment:
        return self.origin

    @property
    def report(self) -> str:
        return self.output

    @property
    def baselines(self) -> str:
        return self.learned


def rehearse(
    execution: Execution,
    output: str,
    labels_until: datetime | None = None,
    headers: Mapping[str, str] | None = None,
) -> Document:
    """Judge a window as its schedule does, and write the report into a folder; ``execution.json``'s content.

    Rows, States and merged records are made anew in a temporary folder. Raises ConfigError if the folder is where the
    endpoint keeps what it knows.
    """
    endpoint = execution.endpoint
    for place in (endpoint.output, endpoint.capture.uri):
        if store.is_below(output, place):
            raise ConfigError(f"--output {output} is below {place}, where the endpoint's own files are")
    with store.WorkingFolder() as folder:
        elsewhere = endpoint.model_copy(update={"output": folder})
        known = execution.schedule, execution.window, output, execution.baselines, execution.past
        judge_window(Rehearsal(elsewhere, *known).observed_on(execution.cluster), labels_until, headers)
    return Report.at(output).execution
