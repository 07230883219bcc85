"""Is what was captured deleted in time? One DAG looks after all endpoints with ``retention_days``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG, Param

from model_monitor.config import RETENTION, Endpoint
from model_monitor_airflow.operators import DeleteExpired
from model_monitor_airflow.schedules import expiring
from model_monitor_airflow.timetables import WindowTimetable

PARAMS = {
    "now": Param(
        None,
        type=["null", "string"],
        format="date-time",
        title="Now",
        description="Count retention_days back from this moment. Leave empty for the end of the run's data interval.",
    ),
    "dry_run": Param(
        False, type="boolean", title="Dry run", description="Delete nothing, and only say what would be deleted."
    ),
}
ABOUT = """\
Deletes each day what endpoints have kept for longer than their `retention_days`: capture files, rows, merged records,
states, and the records that reports quote. Reports, baselines and labels stay.

* Each task's log says what was deleted and what was left alone; a record of it, day by day, is below `_retention/` of
  the endpoint's output.
* A run that was interrupted can be cleared: it goes on where it stopped.
* A window whose captures are gone can't be judged again; its report stays.
* To see what would be deleted, trigger it with *Dry run*, which may also look ahead by a *Now* that is still to come.
"""


def retention(endpoints: dict[Path, Endpoint]) -> DAG:
    """The DAG that deletes, with a task for each endpoint: none waits for another."""
    with DAG(
        dag_id=RETENTION,
        description="Deletes what endpoints have kept for longer than their retention_days",
        schedule=WindowTimetable("0 2 * * *"),
        start_date=datetime(2020, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        params=PARAMS,
        default_args={"retries": 3, "retry_delay": timedelta(seconds=30), "retry_exponential_backoff": True},
        tags=["retention"],
        doc_md=ABOUT,
    ) as dag:
        for path, endpoint in endpoints.items():
            name = f"{endpoint.endpoint}.{endpoint.variant}"
            if dag.has_task(name):  # the same endpoint with another output
                name += f".{endpoint.schedules[0].name}"
            DeleteExpired(task_id=name, endpoint_file=str(path))
    return dag


if endpoints := expiring():
    globals()[RETENTION] = retention(endpoints)
