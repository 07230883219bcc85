"""Did each message arrive? One DAG sends what could not be sent when its window was judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG

from model_monitor.config import Endpoint
from model_monitor_airflow.dag_settings import DELIVERIES
from model_monitor_airflow.operators import Deliver
from model_monitor_airflow.schedules import telling
from model_monitor_airflow.timetables import WindowTimetable

ABOUT = """\
Every five minutes, sends the messages that are due: those that a Slack, a mail server or a webhook did not take when
their window was judged, those that waited for the end of quiet hours, and those of `model-monitor alerts test`.

A message is tried again after 1, 2, 4 … minutes, at most an hour, until it is taken. Each task's log says what came of
each message, and `model-monitor alerts list` which of them wait, and why.
"""


def deliveries(endpoints: dict[Path, Endpoint]) -> DAG:
    """The DAG, with one independent task per endpoint."""
    with DAG(
        dag_id=DELIVERIES,
        description="Sends messages about incidents that could not be sent before",
        schedule=WindowTimetable("*/5 * * * *"),
        start_date=datetime(2020, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"retries": 0, "execution_timeout": timedelta(minutes=30)},  # the next run is the retry
        tags=["alerts"],
        doc_md=ABOUT,
    ) as dag:
        for path, endpoint in endpoints.items():
            name = f"{endpoint.endpoint}.{endpoint.variant}"
            if dag.has_task(name):  # the same endpoint with another output
                name += f".{endpoint.schedules[0].name}"
            Deliver(task_id=name, endpoint_file=str(path))
    return dag


if endpoints := telling():
    globals()[DELIVERIES] = deliveries(endpoints)
