"""Do our models still work? One DAG per schedule of the endpoint files, one run per window."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from operators import Alert, CollectWindow, ComputeMetrics, EvaluateConstraints
from schedules import Scheduled, wanted
from timetables import WindowTimetable

RETRIES = {
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
}


def monitor(entry: Scheduled) -> DAG:
    """The DAG of one schedule: from a window's captures to what a person is told."""
    endpoint, schedule = entry.endpoint, entry.schedule
    cron = schedule.timetable
    with DAG(
        dag_id=schedule.name,
        description=f"{schedule.monitor} of {endpoint.endpoint}/{endpoint.variant}",
        schedule=WindowTimetable(cron, schedule.window, schedule.delay, schedule.latest) if cron else None,
        start_date=schedule.earliest,
        catchup=False,
        max_active_runs=4,
        params=window_params(by_hand_only=cron is None),
        default_args=RETRIES,
        tags=[endpoint.endpoint, "monitor"],
        doc_md=about(entry),
    ) as dag:
        which = {"endpoint_file": str(entry.file), "schedule": schedule.name}
        (
            CollectWindow(task_id="collect_window", **which)
            >> ComputeMetrics(task_id="compute_metrics", **which)
            >> EvaluateConstraints(task_id="evaluate_constraints", **which)
            >> Alert(task_id="alert", fail_on_violation=schedule.fail_on_violation, **which)
        )
    return dag


def window_params(by_hand_only: bool) -> dict[str, Param]:
    """The trigger form: which window, if not the last complete one."""
    default = {"type": "string"} if by_hand_only else {"default": None, "type": ["null", "string"]}
    otherwise = "" if by_hand_only else " Leave both empty for the window of the run's own data interval."
    return {
        "window_start": Param(
            **default, format="date-time", title="Window from", description=f"First moment that is judged.{otherwise}"
        ),
        "window_end": Param(
            **default, format="date-time", title="Window until", description=f"First moment after it.{otherwise}"
        ),
    }


def about(entry: Scheduled) -> str:
    """What a person reads on the DAG's page."""
    endpoint, schedule = entry.endpoint, entry.schedule
    return f"""\
Judges **{schedule.monitor.replace("_", " ")}** of the endpoint **{endpoint.endpoint}/{endpoint.variant}**, \
{f"at `{schedule.timetable}` (UTC)" if schedule.timetable else "by hand only"}.

* Reports: `{endpoint.output}`
* Captures: `{endpoint.capture.uri}`
* Set in `{entry.file.name}`; its baseline is made by the DAG `{schedule.name}-baseline`

A skipped *alert* means that there was nothing to judge. To judge windows again, clear their runs or make a backfill:
the same window gives the same report.
"""


for entry in wanted():
    globals()[entry.schedule.name] = monitor(entry)
