"""What became of a window? The note of its run says it in a sentence, beside the run in the grid.

A listener, as no task may write a note: Airflow's scheduler calls it when a run has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from airflow.models import DagRun
    from sqlalchemy.orm import Session

ALERT = "alert"
LONGEST = 1000  # characters of a note


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:
    write_note(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:
    write_note(dag_run)


def write_note(dag_run: DagRun) -> None:
    """Note what the task *alert* of a run said, or which task failed before it; a person's own note stays."""
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None:
        return
    tasks = {task.task_id: task for task in dag_run.get_task_instances(session=session)}
    note = dag_run.dag_run_note
    if ALERT not in tasks or tasks[ALERT].operator != "Alert" or (note and note.user_id):
        return
    failed = [name for name, task in tasks.items() if task.state == "failed" and name not in (ALERT, "violated")]
    if failed:
        dag_run.note = f"Not judged: {failed[0]} failed; its log says why."
    elif message := said(dag_run, session):
        dag_run.note = message if len(message) <= LONGEST else message[: LONGEST - 1] + "…"


def said(dag_run: DagRun, session: Session) -> str | None:
    """The sentence that the task *alert* returned; None if it did not come to that."""
    from airflow.models.xcom import XComModel

    query = XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, task_ids=ALERT, key="return_value")
    entry = session.scalars(query).first()
    summary = XComModel.deserialize_value(entry) if entry else None
    return str(summary["message"]) if isinstance(summary, dict) and "message" in summary else None
