"""Do our models still work? One DAG per schedule of the endpoint files, one run per window."""

from __future__ import annotations

from airflow.sdk import DAG, BaseOperator, Param, chain

from model_monitor.config.endpoint import Schedule
from model_monitor.config.sections import GroundTruth
from model_monitor_airflow.assets import HEALTHY, VIOLATED, verdict_asset
from model_monitor_airflow.dag_settings import AT_ONCE, BASELINE, LATE_LABELS, OPTIONAL_MOMENT, RERUNS, RETRIES
from model_monitor_airflow.metrics import PublishMetrics
from model_monitor_airflow.operators import (
    Alert,
    AlertFailure,
    CollectWindow,
    ComputeMetrics,
    EvaluateConstraints,
    ExplainWindow,
    FailOnViolation,
    JudgeWindow,
    MergeGroundTruth,
    Verdict,
)
from model_monitor_airflow.schedules import Scheduled, wanted


def monitor(entry: Scheduled) -> DAG:
    """The DAG of one schedule: from a window's captures to an alert."""
    endpoint, schedule = entry.endpoint, entry.schedule
    labelled = schedule.ground_truth is not None
    with DAG(
        dag_id=schedule.name,
        description=f"{schedule.monitor} of {endpoint.endpoint}/{endpoint.variant}",
        schedule=entry.timetable,
        start_date=entry.start_date,
        catchup=False,
        max_active_runs=2 * AT_ONCE + RERUNS if labelled else AT_ONCE,  # at this limit ticks get no run
        default_args=RETRIES | ({"max_active_tis_per_dag": AT_ONCE} if labelled else {}),
        tags=[endpoint.endpoint, "monitor"],
        doc_md=about(entry),
    ) as dag:
        target = {"endpoint_file": str(entry.file), "schedule": schedule.name}
        healthy, violated = (
            Verdict(task_id=outcome, asset=verdict_asset(endpoint.endpoint, schedule.name, outcome))
            for outcome in (HEALTHY, VIOLATED)
        )
        judging = steps(schedule, target)
        chain(*judging, Alert(task_id="alert", **target), [healthy, violated])
        if schedule.fail_on_violation:
            violated >> FailOnViolation(task_id="fail_on_violation")
        judging[-1] >> AlertFailure(task_id="alert_failure", trigger_rule="one_failed", **target)
        if schedule.metrics.is_on:
            judging[-1] >> PublishMetrics.of(schedule.metrics, target)
    # Last: each task would keep a copy, which costs a third of the time to parse many schedules.
    dag.params.update(params(by_hand_only=schedule.timetable is None, labelled=labelled))
    return dag


def steps(schedule: Schedule, target: dict[str, str]) -> list[BaseOperator]:
    """The tasks from a window's captures to its report, in their order."""
    connection = schedule.explain.connection if schedule.explain else None
    if schedule.tasks == "one":
        return [JudgeWindow(task_id="judge_window", connection=connection, **target)]
    merging = [MergeGroundTruth(task_id="merge_ground_truth", **target)] if schedule.ground_truth else []
    explaining = [ExplainWindow(task_id="explain_window", connection=connection, **target)] if schedule.explain else []
    return [
        CollectWindow(task_id="collect_window", **target),
        *merging,
        *explaining,
        ComputeMetrics(task_id="compute_metrics", **target),
        EvaluateConstraints(task_id="evaluate_constraints", **target),
    ]


def params(by_hand_only: bool, labelled: bool) -> dict[str, Param]:
    """The trigger form: a window other than the run's own, and a moment after which labels don't count."""
    moment = {"type": "string", "format": "date-time"} if by_hand_only else OPTIONAL_MOMENT
    otherwise = "" if by_hand_only else " Leave both empty for the run's own window, and in backfills."
    form = {
        "window_start": Param(**moment, title="Window start", description=f"First moment of the window.{otherwise}"),
        "window_end": Param(**moment, title="Window end", description=f"First moment after the window.{otherwise}"),
    }
    tell = "Tell people of this run's windows even though they are past."
    form["tell"] = Param(False, type="boolean", title="Tell people", description=tell)
    if labelled:
        until = "Only labels collected before this moment count. Leave empty to use all labels."
        form["labels_until"] = Param(**OPTIONAL_MOMENT, title="Labels until", description=until)
    return form


def about(entry: Scheduled) -> str:
    """The text on the DAG's page."""
    endpoint, schedule = entry.endpoint, entry.schedule
    return f"""\
Judges **{schedule.monitor.replace("_", " ")}** of the endpoint **{endpoint.endpoint}/{endpoint.variant}**, \
{f"at `{schedule.timetable}` (UTC)" if schedule.timetable else "by hand only"}.

* Reports: `{endpoint.output}`
* Captures: `{endpoint.capture.uri}`
* Settings: `{entry.file.name}`
* Baseline: {"none" if schedule.is_of_rules else f"the DAG `{schedule.name}{BASELINE}` makes it"}

Each run ends at *healthy* or *violated*; the other is skipped. A skipped *alert* means that there was nothing to judge.
A failed task means that the window could not be judged, except for two: a failed *fail_on_violation* means that it was,
and was violated, and a failed *publish_metrics* that its numbers were not sent. The run's note has the verdict in a
sentence. *alert_failure* only runs if the window could not be judged.
Unpausing the DAG, also by *Unpause* in the form, starts with {starts(entry)}. Past windows are judged by a
backfill: give it dates alone, as the form's window is for single runs, and each of its runs judges its own.
Backfills and runs over past windows tell nobody, unless *Tell people* is set in the form.

To judge windows again, clear their runs or start a backfill:
{"the same window gives the same report." if schedule.ground_truth is None else about_labels(schedule.ground_truth)}
"""


def starts(entry: Scheduled) -> str:
    """Which window a DAG judges first when it is unpaused."""
    if entry.timetable is None:
        return "nothing: it only runs by hand"
    return "the last complete window, at once unless it was judged; then one at each tick"


def about_labels(truth: GroundTruth) -> str:
    """The part of that text about late labels."""
    return f"""\
the same window gives the same report until more labels arrive.

Labels arrive in `{truth.uri}`. A window's report says in which state they are:

* *pending*: fewer than {100 * truth.minimum_coverage:g} % of the requests have a label. Checks that need labels are not
  made. If no other check finds anything, the alert is skipped.
* *provisional*: judged by the labels so far; more may arrive.
* *final*: each request has its label, or {truth.final_after} have passed since the window's end. A window that is
  pending by then stays pending.

No run waits for labels. The DAG `{LATE_LABELS}` runs a window again, in this DAG, when more labels have arrived and
when the window becomes final."""


for entry in wanted():
    globals()[entry.schedule.name] = monitor(entry)
