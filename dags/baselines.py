"""What is normal? One DAG per schedule, run by hand: it learns a baseline and publishes it."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from model_monitor.config import BASELINE
from model_monitor_airflow.operators import ObserveBaseline, PublishBaseline, SuggestConstraints
from model_monitor_airflow.schedules import Scheduled, wanted

RETRIES = {"retries": 3, "retry_delay": timedelta(seconds=30), "retry_exponential_backoff": True}

IN_THE_FILE = " Leave empty for what the endpoint file says."
PARAMS = {
    "dataset": Param(
        None,
        type=["null", "string"],
        title="Dataset",
        description=f"File or folder of rows to learn from.{IN_THE_FILE}",
    ),
    "format": Param(
        None, enum=[None, "csv", "jsonl", "parquet"], title="Format", description=f"How it is written.{IN_THE_FILE}"
    ),
    "header": Param(
        None,
        type=["null", "boolean"],
        title="Header",
        description=f"Whether a CSV starts with the columns' names.{IN_THE_FILE}",
    ),
}


def baseline(entry: Scheduled) -> DAG:
    """The DAG that makes the baseline of one schedule."""
    endpoint, schedule = entry.endpoint, entry.schedule
    with DAG(
        dag_id=f"{schedule.name}{BASELINE}",
        description=f"Baseline of {schedule.monitor} of {endpoint.endpoint}/{endpoint.variant}",
        schedule=None,
        catchup=False,
        max_active_runs=1,
        params=PARAMS,
        default_args=RETRIES,
        tags=[endpoint.endpoint, "baseline"],
        doc_md=f"Learns what is normal for `{schedule.name}` from `{schedule.baseline.dataset}`, and publishes it: the "
        f"next run of `{schedule.name}` judges against it. Earlier versions stay in `{endpoint.output}`.",
    ) as dag:
        which = {"endpoint_file": str(entry.file), "schedule": schedule.name}
        observed = ObserveBaseline(
            task_id="observe_baseline", connection=schedule.explain and schedule.explain.connection, **which
        )
        suggested = SuggestConstraints(task_id="suggest_constraints", state=observed.output, **which)
        PublishBaseline(task_id="publish_baseline", version=suggested.output, **which)
    return dag


for entry in wanted(BASELINE):
    globals()[entry.schedule.name + BASELINE] = baseline(entry)
