"""What is normal? One DAG per schedule that learns, run by hand: it learns a baseline, asks, and publishes it."""

from __future__ import annotations

from airflow.sdk import DAG, Param, TriggerRule

from model_monitor_airflow.approval import ApproveBaseline, PublishBaseline
from model_monitor_airflow.dag_settings import BASELINE, RETRIES
from model_monitor_airflow.operators import ObserveBaseline, SuggestConstraints
from model_monitor_airflow.schedules import Scheduled, wanted

PROPOSALS = 16  # runs of one schedule that may wait for an answer at once
OTHERWISE = " Leave empty to use the endpoint file's setting."
ASKED = {
    None: "of the first version, and where the version is in force already",
    "auto": "`approval: auto`",
    "manual": "where the version is in force already",
}


def baseline(entry: Scheduled) -> DAG:
    """The DAG that makes the baseline of one schedule."""
    endpoint, schedule = entry.endpoint, entry.schedule
    with DAG(
        dag_id=f"{schedule.name}{BASELINE}",
        description=f"Baseline of {schedule.monitor} of {endpoint.endpoint}/{endpoint.variant}",
        schedule=None,
        catchup=False,
        max_active_runs=PROPOSALS,
        default_args=RETRIES,
        tags=[endpoint.endpoint, "baseline"],
        doc_md=about(entry),
    ) as dag:
        target = {"endpoint_file": str(entry.file), "schedule": schedule.name}
        observed = ObserveBaseline(
            task_id="observe_baseline", connection=schedule.explain.connection if schedule.explain else None, **target
        )
        suggested = SuggestConstraints(task_id="suggest_constraints", state=observed.output, **target)
        approved = ApproveBaseline(task_id="approve", version=suggested.output, **target)
        PublishBaseline(
            task_id="publish_baseline",
            version=suggested.output,
            answer=approved.output,
            trigger_rule=TriggerRule.NONE_FAILED,
            max_active_tis_per_dag=1,
            **target,
        )
    dag.params.update(params())  # last: each task would keep a copy
    return dag


def params() -> dict[str, Param]:
    """The form: a dataset other than the endpoint file's."""
    return {
        "dataset": Param(
            None,
            type=["null", "string"],
            title="Dataset",
            description=f"File or folder of rows to learn from.{OTHERWISE}",
        ),
        "format": Param(
            None,
            enum=[None, "csv", "jsonl", "parquet"],
            values_display={"null": "as the endpoint file says"},  # Airflow would show "null"
            title="Format",
            description="The dataset's format.",
        ),
        "header": Param(
            None,
            type=["null", "boolean"],
            title="Header",
            description="Whether a CSV file starts with its columns' names; untouched, as the endpoint file says.",
        ),
    }


def about(entry: Scheduled) -> str:
    """The text on the DAG's page."""
    name, settings = entry.schedule.name, entry.schedule.baseline
    return f"""\
Learns what is normal for `{name}` from `{settings.dataset}`. Earlier versions stay in `{entry.endpoint.output}`.

* *approve* shows what would change, and waits until a person has answered under *Required Actions*. It is skipped where
  nobody is asked: {ASKED[settings.approval]}.
* *publish_baseline* is green if the next run of `{name}` judges by the new version, and skipped if that was rejected.
"""


for entry in wanted(BASELINE):
    if entry.schedule.is_of_rules:  # nothing to learn
        continue
    globals()[entry.schedule.name + BASELINE] = baseline(entry)
