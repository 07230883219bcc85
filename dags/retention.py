"""Are captures deleted in time? One DAG deletes for all endpoints with ``retention_days``; another only looks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG, Param

from model_monitor.config import Endpoint
from model_monitor_airflow.dag_settings import OPTIONAL_MOMENT, RETENTION, RETENTION_PREVIEW, RETRIES
from model_monitor_airflow.operators import DeleteExpired
from model_monitor_airflow.schedules import expiring
from model_monitor_airflow.timetables import UpcomingTimetable

ABOUT = f"""\
Each day at 02:00 UTC, deletes what endpoints have kept for longer than their `retention_days`: capture files, rows,
merged records, states and the text of records set aside. Reports (without the values of single rows), baselines and
labels stay.

* Unpaused, it waits for the next 02:00. **A run by hand deletes at once.**
* To see what would be deleted, trigger `{RETENTION_PREVIEW}`, which never deletes.
* Each task's log says what was deleted and what was kept. A daily record is in `_retention/` of the endpoint's output.
* Clear an interrupted run to continue where it stopped.
* A window without its captures can't be judged again. Its report stays.
"""
DELETES = f"This run deletes at once, for good. To look, trigger {RETENTION_PREVIEW} instead."
ABOUT_PREVIEW = f"""\
Says what `{RETENTION}` would delete, and deletes nothing. Set *Now* to a moment in the future to look ahead.
"""


def retention(endpoints: dict[Path, Endpoint]) -> DAG:
    """The DAG that deletes."""
    with DAG(
        dag_id=RETENTION,
        description="Deletes what endpoints have kept for longer than their retention_days",
        schedule=UpcomingTimetable("0 2 * * *"),
        start_date=datetime(2020, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        params={"now": now("the last 02:00 UTC", f"{DELETES} ")},
        default_args=RETRIES,
        tags=["retention"],
        doc_md=ABOUT,
    ) as dag:
        add_tasks(dag, endpoints, deletes=True)
    return dag


def preview(endpoints: dict[Path, Endpoint]) -> DAG:
    """The DAG that only looks. It has no schedule, so unpausing it starts nothing."""
    with DAG(
        dag_id=RETENTION_PREVIEW,
        description="Says what retention would delete, and deletes nothing",
        schedule=None,
        max_active_runs=1,
        params={"now": now("the moment of the run", "This run deletes nothing; its task's log says what would be. ")},
        default_args=RETRIES,
        tags=["retention"],
        doc_md=ABOUT_PREVIEW,
    ) as dag:
        add_tasks(dag, endpoints, deletes=False)
    return dag


def now(otherwise: str, first: str) -> Param:
    """The parameter; ``first`` is what a person must know before pressing the button below it."""
    description = f"{first}Count retention_days back from this moment. Leave empty for {otherwise}."
    return Param(**OPTIONAL_MOMENT, title="Now", description=description)


def add_tasks(dag: DAG, endpoints: dict[Path, Endpoint], deletes: bool) -> None:
    """One independent task per endpoint."""
    for path, endpoint in endpoints.items():
        name = f"{endpoint.endpoint}.{endpoint.variant}"
        if dag.has_task(name):  # the same endpoint with another output
            name += f".{endpoint.schedules[0].name}"
        DeleteExpired(task_id=name, endpoint_file=str(path), deletes=deletes)


if endpoints := expiring():
    globals()[RETENTION] = retention(endpoints)
    globals()[RETENTION_PREVIEW] = preview(endpoints)
