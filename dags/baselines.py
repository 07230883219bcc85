"""What is normal? One DAG per schedule that learns, run by hand: it learns a baseline and publishes it."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from model_monitor_airflow.dag_settings import BASELINE, RETRIES
from model_monitor_airflow.operators import ObserveBaseline, PublishBaseline, SuggestConstraints
from model_monitor_airflow.schedules import Scheduled, wanted

OTHERWISE = " Leave empty to use the endpoint file's setting."
PARAMS = {
    "dataset": Param(
        None,
        type=["null", "string"],
        title="Dataset",
        description=f"File or folder of rows to learn from.{OTHERWISE}",
    ),
    "format": Param(
        None, enum=[None, "csv", "jsonl", "parquet"], title="Format", description=f"The dataset's format.{OTHERWISE}"
    ),
    "header": Param(
        None,
        type=["null", "boolean"],
        title="Header",
        description=f"Whether a CSV file starts with the names of its columns.{OTHERWISE}",
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
        doc_md=f"Learns what is normal for `{schedule.name}` from `{schedule.baseline.dataset}` and publishes it. The "
        f"next run of `{schedule.name}` judges by it. Earlier versions stay in `{endpoint.output}`.",
    ) as dag:
        target = {"endpoint_file": str(entry.file), "schedule": schedule.name}
        observed = ObserveBaseline(
            task_id="observe_baseline", connection=schedule.explain.connection if schedule.explain else None, **target
        )
        suggested = SuggestConstraints(task_id="suggest_constraints", state=observed.output, **target)
        PublishBaseline(task_id="publish_baseline", version=suggested.output, **target)
    return dag


for entry in wanted(BASELINE):
    if entry.schedule.is_of_rules:  # nothing to learn
        continue
    globals()[entry.schedule.name + BASELINE] = baseline(entry)
