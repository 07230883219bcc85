"""Should the model be learned anew? An example of a DAG that runs after each window whose quality fell.

It is there if the demo's endpoint is. For a model of your own, copy it and change the three names.
"""

from __future__ import annotations

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG

from model_monitor_airflow.assets import VIOLATED, verdict_asset
from model_monitor_airflow.dag_settings import RETRIES
from model_monitor_airflow.retraining import RetrainingGate
from model_monitor_airflow.schedules import wanted

QUALITY = "flights-model-quality"  # the schedule that judges the model's answers
RETRAIN = "-retrain"  # what this DAG's name has after that one's
TRAIN = "train-flights"  # your DAG that trains the model; it gets the window as its conf

ABOUT = f"""\
Runs after each window that violates `{QUALITY}`.

*gate* lets it go on only if the window's labels are final, a metric that needs labels fell beyond chance, and no other
schedule of the endpoint found a broken pipeline in the same rows. Else it is skipped, and the run's note says why.

*train* starts the DAG `{TRAIN}`. It fails while there is no such DAG.
"""


def retrain(endpoint: str, endpoint_file: str) -> DAG:
    """The DAG that asks whether a model is to be learned anew, and starts the one that does."""
    with DAG(
        dag_id=QUALITY + RETRAIN,
        description=f"Learns the model of {endpoint} anew if its quality fell and nothing speaks against it",
        schedule=[verdict_asset(endpoint, QUALITY, VIOLATED)],
        catchup=False,
        max_active_runs=1,
        default_args=RETRIES,
        tags=[endpoint, "retraining"],
        doc_md=ABOUT,
    ) as dag:
        gate = RetrainingGate(task_id="gate", endpoint_file=endpoint_file, schedule=QUALITY)
        train = TriggerDagRunOperator(
            task_id="train",
            trigger_dag_id=TRAIN,
            conf={"window": "{{ ti.xcom_pull(task_ids='gate')['window'] }}"},
        )
        gate >> train
    return dag


for entry in wanted(RETRAIN):
    if entry.schedule.name == QUALITY:
        globals()[QUALITY + RETRAIN] = retrain(entry.endpoint.endpoint, str(entry.file))
