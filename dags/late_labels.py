"""Have labels come for windows that were judged already? One DAG looks after all schedules with ground truth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, TaskGroup

from model_monitor.config import LATE_LABELS
from model_monitor_airflow.operators import FindGrownWindows
from model_monitor_airflow.schedules import AT_ONCE, RERUNS, Scheduled, awaiting_labels
from model_monitor_airflow.timetables import WindowTimetable

NOW = Param(
    None,
    type=["null", "string"],
    format="date-time",
    title="Now",
    description="Judge as if it were this moment. Leave empty for the end of the run's data interval.",
)
ABOUT = f"""\
Looks each hour for windows of the past that are not *final*: whose labels have grown since they were judged, or which
have waited for `final_after`. Each is run again in its schedule's own DAG, by the labels that were collected before
this run's *now*; its earlier reports are kept. A window without news is left alone.

* A schedule whose DAG is paused is left alone: all its windows are found in the hour after it is unpaused.
* So is one with more than {AT_ONCE} runs to do, and none is given more than {RERUNS} runs at once. The others are found
  the next hour.
* One schedule's failure does not keep the others from being looked after.
* No task waits for the runs. To see how one went, follow the link of its `rerun_window`.
"""


def late_labels(entries: list[Scheduled]) -> DAG:
    """The DAG that runs windows again for which labels have come."""
    with DAG(
        dag_id=LATE_LABELS,
        description="Judges windows again when their labels have come",
        schedule=WindowTimetable("0 * * * *"),
        start_date=datetime(2020, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        params={"now": NOW},
        default_args={"retries": 3, "retry_delay": timedelta(seconds=30), "retry_exponential_backoff": True},
        tags=["ground truth"],
        doc_md=ABOUT,
    ) as dag:
        for entry in entries:
            look_after(entry)
    return dag


def look_after(entry: Scheduled) -> None:
    """Two tasks: which windows of a schedule have grown, and a run of its DAG for each.

    These runs have no logical date: one equal to a tick's would take the place of that tick's own run.
    """
    name = entry.schedule.name
    with TaskGroup(name):
        grown = FindGrownWindows(
            task_id="find_grown", endpoint_file=str(entry.file), schedule=name, busy=AT_ONCE, at_once=RERUNS
        )
        TriggerDagRunOperator.partial(
            task_id="rerun_window",
            trigger_dag_id=name,
            logical_date=None,
            skip_when_already_exists=True,
            map_index_template="{{ task.conf['window_start'] }}",
        ).expand_kwargs(grown.output)


if entries := awaiting_labels():
    globals()[LATE_LABELS] = late_labels(entries)
