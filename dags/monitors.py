"""Do our models still work? One DAG per schedule of the endpoint files, one run per window."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param, chain

from model_monitor.config import BASELINE, LATE_LABELS
from model_monitor.config.sections import GroundTruth
from model_monitor_airflow.operators import (
    Alert,
    CollectWindow,
    ComputeMetrics,
    EvaluateConstraints,
    ExplainWindow,
    MergeGroundTruth,
)
from model_monitor_airflow.schedules import AT_ONCE, RERUNS, Scheduled, wanted
from model_monitor_airflow.timetables import WindowTimetable

RETRIES = {
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
}


def monitor(entry: Scheduled) -> DAG:
    """The DAG of one schedule: from a window's captures to what a person is told."""
    endpoint, schedule = entry.endpoint, entry.schedule
    labelled = schedule.ground_truth is not None
    with DAG(
        dag_id=schedule.name,
        description=f"{schedule.monitor} of {endpoint.endpoint}/{endpoint.variant}",
        schedule=timetable(entry),
        start_date=schedule.earliest + schedule.lag,
        catchup=False,
        max_active_runs=2 * AT_ONCE + RERUNS if labelled else AT_ONCE,  # where it is reached, no tick gets a run
        params=params(by_hand_only=schedule.timetable is None, labelled=labelled),
        default_args=RETRIES | ({"max_active_tis_per_dag": AT_ONCE} if labelled else {}),
        tags=[endpoint.endpoint, "monitor"],
        doc_md=about(entry),
    ) as dag:
        which = {"endpoint_file": str(entry.file), "schedule": schedule.name}
        chain(
            CollectWindow(task_id="collect_window", **which),
            *([MergeGroundTruth(task_id="merge_ground_truth", **which)] if labelled else []),
            *(
                [ExplainWindow(task_id="explain_window", connection=explain.connection, **which)]
                if (explain := schedule.explain)
                else []
            ),
            ComputeMetrics(task_id="compute_metrics", **which),
            EvaluateConstraints(task_id="evaluate_constraints", **which),
            Alert(task_id="alert", fail_on_violation=schedule.fail_on_violation, **which),
        )
    return dag


def timetable(entry: Scheduled) -> WindowTimetable | None:
    """When which window is judged; None for by hand only."""
    s = entry.schedule
    return WindowTimetable(s.timetable, s.length, s.delay, s.latest, s.lag) if s.timetable else None


def params(by_hand_only: bool, labelled: bool) -> dict[str, Param]:
    """The trigger form: which window, if not the last complete one, and by which labels."""
    moment = {"format": "date-time"}
    optional = {"default": None, "type": ["null", "string"]} | moment
    window = {"type": "string"} | moment if by_hand_only else optional
    otherwise = "" if by_hand_only else " Leave both empty for the window of the run's own data interval."
    form = {
        "window_start": Param(**window, title="Window from", description=f"First moment that is judged.{otherwise}"),
        "window_end": Param(**window, title="Window until", description=f"First moment after it.{otherwise}"),
    }
    until = "Only labels collected before this moment count. Leave empty for all that have come."
    return form | ({"labels_until": Param(**optional, title="Labels until", description=until)} if labelled else {})


def about(entry: Scheduled) -> str:
    """What a person reads on the DAG's page."""
    endpoint, schedule = entry.endpoint, entry.schedule
    return f"""\
Judges **{schedule.monitor.replace("_", " ")}** of the endpoint **{endpoint.endpoint}/{endpoint.variant}**, \
{f"at `{schedule.timetable}` (UTC)" if schedule.timetable else "by hand only"}.

* Reports: `{endpoint.output}`
* Captures: `{endpoint.capture.uri}`
* Set in `{entry.file.name}`; its baseline is made by the DAG `{schedule.name}{BASELINE}`

A skipped *alert* means that there was nothing to judge. To judge windows again, clear their runs or make a backfill:
{"the same window gives the same report." if schedule.ground_truth is None else about_labels(schedule.ground_truth)}
"""


def about_labels(truth: GroundTruth) -> str:
    """What a person reads of labels that come late."""
    return f"""\
the same window gives the same report, as long as no more labels have come.

Labels come to `{truth.uri}`, and a window's report says how far they have come:

* *pending*: fewer than {100 * truth.minimum_coverage:g} % of the requests have one. Nothing is judged that needs
  labels, and the alert is skipped if nothing else was found.
* *provisional*: judged by the labels that have come; more may come.
* *final*: each request has its label, or {truth.final_after} have passed since the window's end. A window that is
  still pending then stays so.

No run waits for labels. The DAG `{LATE_LABELS}` runs a window again, in this DAG, when more have come and when it
becomes final."""


for entry in wanted():
    globals()[entry.schedule.name] = monitor(entry)
