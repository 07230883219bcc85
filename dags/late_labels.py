"""Have labels arrived for windows that are already judged? One DAG checks all schedules with ground truth."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, TaskGroup

from model_monitor_airflow.dag_settings import AT_ONCE, LATE_LABELS, OPTIONAL_MOMENT, RERUNS, RETRIES
from model_monitor_airflow.operators import FindGrownWindows
from model_monitor_airflow.schedules import Scheduled, awaiting_labels
from model_monitor_airflow.timetables import WindowTimetable

NOW = Param(
    **OPTIONAL_MOMENT,
    title="Now",
    description="Judge as if it were this moment. Leave empty for the end of the run's data interval.",
)
ABOUT = f"""\
Each hour, finds past windows that are not yet *final* and either have new labels since they were judged, or have waited
for `final_after`. Each of them runs again in its schedule's own DAG, with the labels collected before this run's *now*.
Its earlier reports are kept. Other windows are left alone.

* A schedule whose DAG is paused is left alone. The first hour after it is unpaused finds all its windows.
* So is a schedule with more than {AT_ONCE} unfinished runs. No schedule gets more than {RERUNS} runs at once; the next
  hour finds the remaining windows.
* If one schedule fails, the others still run.
* No task waits for the runs. To see how a run went, follow the link of its `rerun_window`.
"""


def late_labels(entries: list[Scheduled]) -> DAG:
    """The DAG that runs windows again when their labels have arrived."""
    with DAG(
        dag_id=LATE_LABELS,
        description="Judges windows again when their labels have arrived",
        schedule=WindowTimetable("0 * * * *"),
        start_date=datetime(2020, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        params={"now": NOW},
        default_args=RETRIES,
        tags=["ground truth"],
        doc_md=ABOUT,
    ) as dag:
        for entry in entries:
            check(entry)
    return dag


def check(entry: Scheduled) -> None:
    """Two tasks: find the windows of a schedule that have new labels, and start a run of its DAG for each.

    These runs have no logical date: if it were equal to a tick's, that tick would get no run of its own.
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
