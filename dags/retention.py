"""Are captures deleted in time? One DAG deletes for all endpoints with ``retention_days``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG, Param

from model_monitor.config import Endpoint
from model_monitor_airflow.dag_settings import OPTIONAL_MOMENT, RETENTION, RETRIES
from model_monitor_airflow.operators import DeleteExpired
from model_monitor_airflow.schedules import expiring
from model_monitor_airflow.timetables import WindowTimetable

PARAMS = {
    "now": Param(
        **OPTIONAL_MOMENT,
        title="Now",
        description="Count retention_days back from this moment. Leave empty for the end of the run's data interval.",
    ),
    "dry_run": Param(False, type="boolean", title="Dry run", description="Only report what would be deleted."),
}
ABOUT = """\
Each day, deletes what endpoints have kept for longer than their `retention_days`: capture files, rows, merged records,
states and the text of records set aside. Reports, baselines and labels stay.

* Each task's log says what was deleted and what was kept. A daily record is in `_retention/` of the endpoint's output.
* Clear an interrupted run to continue where it stopped.
* A window without its captures can't be judged again. Its report stays.
* To see what would be deleted, trigger a *Dry run*. It may look ahead: set *Now* to a moment in the future.
"""


def retention(endpoints: dict[Path, Endpoint]) -> DAG:
    """The DAG that deletes, with one independent task per endpoint."""
    with DAG(
        dag_id=RETENTION,
        description="Deletes what endpoints have kept for longer than their retention_days",
        schedule=WindowTimetable("0 2 * * *"),
        start_date=datetime(2020, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        params=PARAMS,
        default_args=RETRIES,
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
